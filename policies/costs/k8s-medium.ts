// The default costs: a healthy control plane of a medium cluster on SSDs, containerd on the nodes. Service times are
// those measured on an idle real control plane (v1.36.3, one request at a time); what could not be measured there has
// its source beside it. docs/model.md lists what each number leaves out.
import type { CostPreset } from '../../engine/index.ts';
import { containerRuntimes } from './cri/index.ts';
import { iptables } from './proxy/iptables.ts';
import { storageBackends } from './storage/index.ts';

const MS = 1000;
const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;

/** Server-side mean of a request minus its etcd write (about 1.3 ms), as a lognormal with the measured tail. */
const handler = (p50Ms: number, p99Ms: number) =>
  ({ dist: 'lognormal', p50: p50Ms * MS, p99: p99Ms * MS, max: 60 * SECOND }) as const;

export const k8sMedium: CostPreset = {
  name: 'k8s-medium',
  about: 'healthy control plane on SSDs, containerd, images at 40 MB/s',
  apiserver: {
    // Client-side minus server-side time of the measured requests, halved: 5.2 - 3.3 ms for POST pods.
    networkUs: 500,
    handlerUs: {
      'create pods': handler(1.7, 8),
      'create pods/binding': handler(1.8, 8),
      'patch pods/status': handler(2.5, 10),
      'delete pods': handler(3, 10),
      'create events': handler(1.5, 8),
      'patch events': handler(1.5, 8),
      'create deployments': handler(2, 8),
      'update deployments/status': handler(2.2, 9),
      'update replicasets/status': handler(2.2, 9),
      create: handler(1.6, 8),
      update: handler(1.8, 8),
      patch: handler(2.5, 10),
      delete: handler(1.6, 8),
      '*': handler(1.6, 8),
    },
    // Cores that work on requests; others wait.
    concurrency: 16,
    // Commit to watch cache to watcher: milliseconds; recorded chains show 2-6 ms between a write and the reaction.
    watchUs: 2 * MS,
    // Priority and fairness refuses what waits longer than a quarter of the 60 s deadline
    // (apiserver/pkg/server/filters/priority-and-fairness.go).
    queueWaitMaxUs: 15 * SECOND,
  },
  etcd: {
    // WAL fsync of the recorded idle control plane: mean 0.42 ms, p99 1.9 ms; apply and raft round included: 1.3 ms a write.
    fsyncUs: { dist: 'lognormal', p50: 1.1 * MS, p99: 4.9 * MS, max: SECOND },
    applyUs: 100,
    // One raft entry batch; large enough that the fsync, not this number, bounds throughput.
    batchMax: 1000,
  },
  // Reads its files and sends the first request: 56 to 84 ms of four recorded commands on an idle machine, 60 to 250 ms
  // over all.
  kubectl: { startUs: 75 * MS },
  clients: {
    // kubectl's discovery client allows 50/300, ordinary requests 50/100 (cli-runtime config_flags.go).
    kubectl: { qps: 50, burst: 300 },
    // CTRL/apis/config/v1alpha1/defaults.go
    controller: { qps: 20, burst: 30 },
    // cmd/kube-controller-manager/app/core.go: qps x20, burst x100
    namespaceController: { qps: 400, burst: 3000 },
    // SCHED/apis/config/v1/defaults.go
    scheduler: { qps: 50, burst: 100 },
    // KLET/apis/config/v1beta1/defaults.go
    kubelet: { qps: 50, burst: 100 },
  },
  controllers: {
    // CTRL/*/config/v1alpha1/defaults.go
    workers: { '*': 5, namespace: 10, 'garbage-collector': 20 },
    // "work" histograms of the recorded controller manager: 1.8 ms for a ReplicaSet sync with its requests.
    syncUs: { '*': 200 },
    endpointsBatchUs: 0,
  },
  scheduler: {
    // With 500 of 5,000 nodes looked at: 1.5 ms + 500 x (25 + 40) us / 16 = 3.5 ms, 285 pods/s; upstream's
    // SchedulingBasic at 5,000 nodes must beat 270 pods/s (test/integration/scheduler_perf).
    attemptUs: { dist: 'lognormal', p50: 1.4 * MS, p99: 4 * MS, max: SECOND },
    filterNodeNs: 25_000,
    scoreNodeNs: 40_000,
    parallelism: 16,
    plugins: {},
    podInitialBackoffUs: SECOND,
    podMaxBackoffUs: 10 * SECOND,
    unschedulableFlushUs: 5 * MINUTE,
    flushIntervalUs: 30 * SECOND,
    percentageOfNodesToScore: 0,
  },
  kubelet: {
    syncUs: 5 * MS,
    // RunPodSandbox with a local CNI ADD: 100-300 ms; the tail is a busy node.
    sandboxUs: { dist: 'lognormal', p50: 180 * MS, p99: 600 * MS, max: 30 * SECOND },
    containerCreateUs: { dist: 'lognormal', p50: 40 * MS, p99: 150 * MS, max: 10 * SECOND },
    containerStartUs: { dist: 'lognormal', p50: 50 * MS, p99: 200 * MS, max: 10 * SECOND },
    // No source gives a figure for init containers in general: most wait or copy a file.
    initContainerRunUs: SECOND,
    // Since v1.36 the kubelet relists a pod right after its own sync; before, up to 1 s.
    plegUs: 10 * MS,
    // genericPlegRelistPeriod, KLET/kubelet.go; EventedPLEG is alpha.
    plegRelistPeriodUs: SECOND,
    eventedPLEG: false,
    serializeImagePulls: true,
    maxParallelImagePulls: 0,
    missingImages: [],
    // 1.13 GB in 29-41 s on EKS: 30-40 MB/s end to end, unpacking included.
    pullBytesPerSecond: 40_000_000,
    pullBaseUs: { dist: 'lognormal', p50: 400 * MS, p99: 1500 * MS, max: 60 * SECOND },
    imageBytesDefault: 80_000_000,
    imageBytes: { 'nginx:latest': 72_000_000, 'redis:latest': 53_000_000, 'busybox:latest': 2_200_000 },
    registryQps: 5,
    registryBurst: 10,
    stopUs: { dist: 'lognormal', p50: 300 * MS, p99: 2 * SECOND, max: 10 * MINUTE },
    crashBackoffBaseUs: 10 * SECOND,
    crashBackoffMaxUs: 300 * SECOND,
    crashBackoffResetUs: 600 * SECOND,
    // The first probe runs at once when the worker starts after the kubelet's own start-up.
    probeUs: { dist: 'uniform', min: 5 * MS, max: 50 * MS },
    // KLET/eviction/defaults_linux.go
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '10%',
      'nodefs.inodesFree': '5%',
      'imagefs.available': '15%',
      'imagefs.inodesFree': '5%',
    },
    // KLET/apis/config/v1beta1/defaults.go: no soft thresholds, no minimum reclaim.
    evictionSoft: {},
    evictionSoftGracePeriod: {},
    evictionMinimumReclaim: {},
    evictionMaxPodGracePeriod: 0,
    evictionPressureTransitionPeriodUs: 5 * MINUTE,
    // evictionMonitoringPeriod, KLET/kubelet.go
    evictionMonitoringPeriodUs: 10 * SECOND,
    // KLET/apis/config/v1beta1/defaults.go
    imageGCHighThresholdPercent: 85,
    imageGCLowThresholdPercent: 80,
    imageMinimumGCAgeUs: 2 * MINUTE,
    imageMaximumGCAgeUs: 0,
    nodeStatusUs: 10 * SECOND,
    leaseRenewUs: 10 * SECOND,
  },
  // metrics-server v0.8: --metric-resolution=15s.
  metrics: { resolutionUs: 15 * SECOND, windowUs: 15 * SECOND },
  runtimes: containerRuntimes,
  storage: storageBackends,
  proxy: iptables,
  network: {
    // Own estimates, from what providers promise: round trips of some 0.2 ms within a zone and below 2 ms between zones
    // of a region; on a node a veth pair and no wire.
    sameNodeUs: 30,
    sameZoneUs: 120,
    otherZoneUs: 500,
    outsideUs: 10 * MS,
    // A round trip to CoreDNS and its answer from memory.
    dnsUs: MS,
    // kubeadm's Corefile: ttl 30 (cmd/kubeadm/app/phases/addons/dns/manifests.go).
    dnsTtlUs: 30 * SECOND,
  },
  loadBalancer: {
    // Own estimate: providers name no figure; upstream's e2e tests wait 10 to 15 min at most for an address and see it
    // within a minute or three (test/e2e/framework/service/const.go).
    ensureUs: { dist: 'lognormal', p50: 45 * SECOND, p99: 180 * SECOND, max: 15 * MINUTE },
    updateUs: { dist: 'lognormal', p50: 5 * SECOND, p99: 30 * SECOND, max: 5 * MINUTE },
    deleteUs: { dist: 'lognormal', p50: 30 * SECOND, p99: 120 * SECOND, max: 15 * MINUTE },
    // cloud-provider-gcp, gce_healthchecks.go: every 8 s, healthy after 1 good answer, unhealthy after 3 bad ones.
    healthIntervalUs: 8 * SECOND,
    healthyThreshold: 1,
    unhealthyThreshold: 3,
  },
};
