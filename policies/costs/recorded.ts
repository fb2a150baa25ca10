// The control plane that the recorded scenarios ran on: v1.36.3 on one idle machine of two cores, one etcd member, and
// kubelets that only wait. Requests take what they took one at a time ("idle" of the recording's calibration).
import type { CostPreset } from '../../engine/index.ts';
import { k8sMedium } from './k8s-medium.ts';

const MS = 1000;
const SECOND = 1_000_000;

export const recorded: CostPreset = {
  ...k8sMedium,
  name: 'recorded',
  about: 'the idle two-core control plane of the recorded scenarios; kubelets that only wait',
  apiserver: { ...k8sMedium.apiserver, concurrency: 2 },
  scheduler: {
    ...k8sMedium.scheduler,
    // "pod scheduling attempt" at 20 pods a second: mean 5.7 ms with the binding request of 3.3 ms, few nodes.
    attemptUs: { dist: 'lognormal', p50: 1.4 * MS, p99: 6 * MS, max: SECOND },
    parallelism: 2,
  },
  kubelet: {
    ...k8sMedium.kubelet,
    syncUs: 0,
    // Defaults of the fake kubelet.
    exactDelays: { startUs: SECOND, readyUs: 0, stopUs: 200 * MS },
  },
};
