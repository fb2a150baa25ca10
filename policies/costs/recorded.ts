// The control plane that the recorded scenarios ran on: v1.36.3 on one idle machine of two cores, one etcd member, and
// kubelets that only wait. Every step takes the same time each time, its typical one, so that what follows from what is
// told by causes and not by chance; the tails stand in k8s-medium.
import type { CostPreset } from '../../engine/index.ts';
import { k8sMedium } from './k8s-medium.ts';

const MS = 1000;
const SECOND = 1_000_000;

/** etcd's part of a write: raft round and fsync, ms. */
const ETCD_MS = 1.3;
/** One way between client and server with TLS and JSON, ms: POST pods takes the client 5.2 ms, the server 3.3 ms. */
const NETWORK_MS = 0.75;
/** A request that takes the client `ms` in all: what the server itself does, with `writes` to etcd. */
const client = (ms: number, writes = 1): number => Math.round((ms - 2 * NETWORK_MS - writes * ETCD_MS) * MS);
/** A request that takes the server `ms` in all. */
const server = (ms: number): number => Math.round((ms - ETCD_MS) * MS);

export const recorded: CostPreset = {
  ...k8sMedium,
  name: 'recorded',
  about: 'the idle two-core control plane of the recorded scenarios; kubelets that only wait',
  apiserver: {
    ...k8sMedium.apiserver,
    networkUs: NETWORK_MS * MS,
    // The recording's calibration, one request at a time: medians at the client where it has them, else server means.
    handlerUs: {
      'create pods': client(5.2),
      'create pods/binding': server(3.3),
      'patch pods/status': client(5.7),
      'patch pods': client(6.1),
      'delete pods': client(7.2, 2),
      'create events': server(3.0),
      'patch events': server(3.0),
      'create deployments': client(4.6),
      'delete deployments': client(4.1),
      'update deployments/status': server(3.84),
      'update replicasets/status': server(3.84),
      'update replicationcontrollers/status': server(3.84),
      // Server-side medians of the recorded Job and CronJob scenarios.
      'create jobs': server(3.3),
      'update jobs/status': server(3.76),
      'update cronjobs/status': server(2.8),
      create: client(3.8),
      update: client(3.8),
      patch: client(6.1),
      delete: client(3.7),
      '*': client(3.8),
    },
    concurrency: 2,
    // A new ReplicaSet to the creation of its first pod: 5 ms at best, of which 4.4 ms are that request.
    watchUs: MS,
  },
  etcd: { ...k8sMedium.etcd, fsyncUs: ETCD_MS * MS - 100, applyUs: 100 },
  scheduler: {
    ...k8sMedium.scheduler,
    // A new pod to its binding: 5 to 6 ms at best, of which 4 ms are that request and 1 ms the watch.
    attemptUs: 200,
    parallelism: 2,
  },
  kubelet: {
    ...k8sMedium.kubelet,
    syncUs: 0,
    // Defaults of the fake kubelet.
    exactDelays: { startUs: SECOND, readyUs: 0, stopUs: 200 * MS },
  },
};
