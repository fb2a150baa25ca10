// No costs at all: every step takes no time and nothing is limited. For comparing with theory, and for placement
// questions where time does not matter.
import type { CostPreset } from '../../engine/index.ts';
import { k8sMedium } from './k8s-medium.ts';
import { instantBackends } from './storage/index.ts';

const UNLIMITED = { qps: 0, burst: 0 };

export const zero: CostPreset = {
  name: 'zero',
  about: 'every step takes no time, no client is limited',
  apiserver: { networkUs: 0, handlerUs: { '*': 0 }, concurrency: 1, watchUs: 0, queueWaitMaxUs: 1e15 },
  etcd: { fsyncUs: 0, applyUs: 0, batchMax: 1_000_000 },
  clients: {
    kubectl: UNLIMITED,
    controller: UNLIMITED,
    namespaceController: UNLIMITED,
    scheduler: UNLIMITED,
    kubelet: UNLIMITED,
  },
  controllers: { ...k8sMedium.controllers, syncUs: { '*': 0 } },
  scheduler: { ...k8sMedium.scheduler, attemptUs: 0, filterNodeNs: 0, scoreNodeNs: 0 },
  kubelet: {
    ...k8sMedium.kubelet,
    syncUs: 0,
    sandboxUs: 0,
    containerCreateUs: 0,
    containerStartUs: 0,
    initContainerRunUs: 0,
    plegUs: 0,
    plegRelistPeriodUs: 0,
    pullBytesPerSecond: 1e15,
    pullBaseUs: 0,
    registryQps: 0,
    stopUs: 0,
    probeUs: 0,
  },
  storage: instantBackends,
  proxy: { minSyncUs: 0, syncUs: 0, syncPerServiceUs: 0, syncPerEndpointUs: 0 },
};
