// The set-up of upstream's scheduler benchmark (test/integration/scheduler_perf, v1.36): a scheduler with clients that hardly
// limit it, an API server beside it, and no kubelets. What an attempt costs is calibrated on the throughput that upstream's
// own CI demands (thresholds of its performance-config.yaml files): `npm run bench -- scheduler-perf` prints how far each case is from
// its threshold, those that the numbers were taken from and those that they were not.
import type { CostPreset } from '../../engine/index.ts';
import { k8sMedium } from './k8s-medium.ts';

const MS = 1000;
const LIMITS = { qps: 5000, burst: 5000 };
/** Longer than any case. */
const NEVER_US = 1e12;

export const schedulerPerf: CostPreset = {
  ...k8sMedium,
  name: 'scheduler-perf',
  about: "upstream's scheduler benchmark: unlimited clients, no kubelets, attempts priced by plug-in",
  apiserver: { ...k8sMedium.apiserver, handlerUs: { '*': MS }, networkUs: 100, concurrency: 64 },
  etcd: { ...k8sMedium.etcd, fsyncUs: 500, applyUs: 20 },
  clients: {
    kubectl: LIMITS,
    controller: LIMITS,
    namespaceController: LIMITS,
    scheduler: LIMITS,
    kubelet: LIMITS,
  },
  scheduler: {
    ...k8sMedium.scheduler,
    // SchedulingDaemonset, one node looked at: 1,100 pods/s, 909 us.
    attemptUs: 900,
    // SchedulingBasic at 5,000 nodes, 500 looked at and scored: 680 to 810 pods/s, 1,353 us: (1,353 - 900) x 16 / 500 =
    // 14.5 us a node, divided as the benchmark's histograms of Filter and Score are, about 2 : 3.
    filterNodeNs: 5_800,
    scoreNodeNs: 8_700,
    plugins: {
      // Node affinity: 220 pods/s, 4,545 us: (4,545 - 1,353) x 16 / 500 = 102 us a node.
      NodeAffinity: { filterNodeNs: 102_000, filterPodNs: 0, scorePodNs: 0 },
      // TopologySpreading: 460 pods/s with 7,500 pods on average: (2,174 - 1,353) x 16 / 7,500. DefaultTopologySpreading:
      // 160 pods/s with 30,000: (6,250 - 1,353) x 16 / 30,000.
      PodTopologySpread: { filterNodeNs: 0, filterPodNs: 1_750, scorePodNs: 2_600 },
      // SchedulingPodAntiAffinity: 60 pods/s with 2,000 pods visited twice: (16,667 - 1,353) x 16 / 4,000.
      // SchedulingPreferredPodAntiAffinity: 90 pods/s with 7,500: (11,111 - 1,353) x 16 / 7,500.
      InterPodAffinity: { filterNodeNs: 0, filterPodNs: 61_000, scorePodNs: 20_800 },
    },
  },
  kubelet: { ...k8sMedium.kubelet, exactDelays: { startUs: NEVER_US, readyUs: 0, stopUs: 0 } },
};
