// The control plane that the recorded scenarios ran on: v1.36.3 on one idle machine of two cores, one etcd member, and
// kubelets that only wait. Every step takes the same time each time, its typical one, so that what follows from what is
// told by causes and not by chance; the tails stand in k8s-medium.
import type { CostPreset } from '../../engine/index.ts';
import { k8sMedium } from './k8s-medium.ts';

const MS = 1000;
const SECOND = 1_000_000;

/** etcd's part of a write: raft round and fsync, ms. */
const ETCD_MS = 1.3;
/** Server-side mean of a request, ms, without etcd's part. */
const handler = (ms: number): number => Math.round((ms - ETCD_MS) * MS);

export const recorded: CostPreset = {
  ...k8sMedium,
  name: 'recorded',
  about: 'the idle two-core control plane of the recorded scenarios; kubelets that only wait',
  apiserver: {
    ...k8sMedium.apiserver,
    // Server-side means of the recording's calibration, one request at a time.
    handlerUs: {
      'create pods': handler(3.25),
      'create pods/binding': handler(3.3),
      'patch pods/status': handler(4.3),
      // 6.1 ms with two writes: the grace period of 0, then the removal.
      'delete pods': handler(6.1 - ETCD_MS),
      'create events': handler(3.0),
      'patch events': handler(3.0),
      'create deployments': handler(3.4),
      'delete deployments': handler(3.35),
      'update deployments/status': handler(3.84),
      'update replicasets/status': handler(3.84),
      create: handler(2.9),
      update: handler(2.9),
      patch: handler(4.3),
      delete: handler(2.9),
      '*': handler(2.9),
    },
    concurrency: 2,
    // A new ReplicaSet to the creation of its first pod: 5 ms at best, of which 3.7 ms are that request.
    watchUs: 1.5 * MS,
  },
  etcd: { ...k8sMedium.etcd, fsyncUs: ETCD_MS * MS - 100, applyUs: 100 },
  scheduler: {
    ...k8sMedium.scheduler,
    // A new pod to its binding: 5 to 6 ms at best, of which 3.8 ms are that request and 1.5 ms the watch.
    attemptUs: 400,
    parallelism: 2,
  },
  kubelet: {
    ...k8sMedium.kubelet,
    syncUs: 0,
    // Defaults of the fake kubelet.
    exactDelays: { startUs: SECOND, readyUs: 0, stopUs: 200 * MS },
  },
};
