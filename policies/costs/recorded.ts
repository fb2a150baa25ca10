// The control plane that the recorded scenarios ran on: v1.36.3 on one machine of two cores that up to 24 scenarios
// shared, one etcd member, and kubelets that only wait. Every step takes the same time each time, its typical one, so
// that what follows from what is told by causes and not by chance; the tails stand in k8s-medium.
import type { CostPreset } from '../../engine/index.ts';
import { k8sMedium } from './k8s-medium.ts';

const MS = 1000;
const SECOND = 1_000_000;

/** etcd's part of a write: raft round and fsync, ms. */
const ETCD_MS = 1.3;

/**
 * Median time of a request at the server over the request logs of 20 recorded scenarios (audit log), ms. Where a log has
 * fewer than five, the median of all requests of the verb.
 */
const SERVER_MS: Readonly<Record<string, number>> = {
  // 6.2 over all, 7.8 of the ReplicaSet controller; between them the first pod of a ReplicaSet comes 24 ms after it, the
  // second 24 ms later, as in all recorded scenarios, most of which kept no log (medians 21 and 24 ms).
  'create pods': 6.8,
  'create pods/binding': 5.6,
  'patch pods/status': 5.8,
  'patch pods': 5.8,
  'create events': 4.2,
  'patch events': 4.3,
  'create deployments': 4.0,
  'create replicasets': 3.3,
  'create jobs': 3.1,
  'update replicasets': 4.8,
  'update deployments/status': 4.8,
  'update replicasets/status': 5.0,
  'update jobs/status': 3.8,
  'update cronjobs/status': 2.8,
  create: 4.5,
  update: 4.3,
  patch: 4.4,
  delete: 4.1,
  '*': 4.3,
};
/** Of these 13.9 ms of DELETE pods are the median, 6.2 ms the first quartile: most came in batches and queued. */
const DELETE_POD_MS = 9;
/** GET: no write. */
const GET_MS = 1.5;
/** LIST limitranges, by admission: a round trip within the server. */
const LIST_MS = 1.7;

/** What `npm run fit` (tools/fit-recorded.ts) fits on one half of the recorded scenarios and checks on the other. */
export interface RecordedLoad {
  /** The server's own work on a request, as a multiple of the median's: other scenarios keep both cores busy. */
  readonly load: number;
  /** One way between client and server with TLS and JSON, ms. */
  readonly networkMs: number;
  /** CPU time of a controller's sync besides its requests, ms. */
  readonly syncMs: number;
}

/** Twice the medians are about the logs' third quartiles: 13.7 ms for POST pods, 9.0 ms for bindings. */
export const FITTED: RecordedLoad = { load: 2, networkMs: 1.5, syncMs: 0.7 };

export function recordedWith({ load, networkMs, syncMs }: RecordedLoad): CostPreset {
  /** The server's own part of a request with so many writes to etcd, µs. */
  const own = (ms: number, writes: number): number => Math.round((ms - writes * ETCD_MS) * load * MS);
  // The recorded cluster had no cloud around it.
  const { loadBalancer: _, ...withoutCloud } = k8sMedium;
  return {
    ...withoutCloud,
    // No driver ran there.
    storage: {},
    name: 'recorded',
    about: 'the two-core control plane of the recorded scenarios; kubelets that only wait',
    apiserver: {
      ...k8sMedium.apiserver,
      networkUs: networkMs * MS,
      handlerUs: {
        ...Object.fromEntries(Object.entries(SERVER_MS).map(([request, ms]) => [request, own(ms, 1)])),
        // A pod is marked as deleted and removed by two writes.
        'delete pods': own(DELETE_POD_MS, 2),
        get: own(GET_MS, 0),
        'list limitranges': own(LIST_MS, 0),
      },
      concurrency: 2,
      // A new ReplicaSet to the creation of its first pod: 5 ms at best, of which 4.4 ms are that request.
      watchUs: MS,
    },
    etcd: { ...k8sMedium.etcd, fsyncUs: ETCD_MS * MS - 100, applyUs: 100 },
    controllers: { ...k8sMedium.controllers, syncUs: { '*': syncMs * MS } },
    scheduler: {
      ...k8sMedium.scheduler,
      // A new pod to its binding: 5 to 6 ms at best, of which 4 ms are that request and 1 ms the watch.
      attemptUs: 200,
      parallelism: 2,
    },
    // The recording's metrics API tells what a pod uses now, as of a window of 15 s.
    metrics: { resolutionUs: 0, windowUs: 15 * SECOND },
    kubelet: {
      ...k8sMedium.kubelet,
      syncUs: 0,
      // Defaults of the fake kubelet.
      exactDelays: { startUs: SECOND, readyUs: 0, stopUs: 200 * MS },
    },
  };
}

export const recorded: CostPreset = recordedWith(FITTED);
