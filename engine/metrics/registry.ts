// The measurements that a run can report, with units and exact meaning: one list for docs/metrics.md,
// `kubetick list metrics` and the checking of `expect`. Rooms and policies may record further names; these are
// the ones that others rely on.

export interface MetricSpec {
  readonly name: string;
  /** Where it stands in summary.json. */
  readonly group: 'latency' | 'throughput' | 'utilisation' | 'pods' | 'nodes' | 'gauge' | 'counter';
  readonly unit: 'seconds' | 'pods/s' | 'share' | 'pods' | 'nodes' | 'requests' | 'images';
  readonly help: string;
}

const latency = (name: string, help: string): MetricSpec => ({
  name,
  group: 'latency',
  unit: 'seconds',
  help,
});
const pods = (name: string, help: string): MetricSpec => ({ name, group: 'pods', unit: 'pods', help });

export const METRICS: readonly MetricSpec[] = [
  latency(
    'pod.startup',
    'pod stored in etcd → a watcher sees it Ready, once a pod, as ClusterLoader2 measures pod startup',
  ),
  latency('pod.createToSchedule', 'pod stored in etcd → the scheduler chose a node: scheduled_s − created_s'),
  latency(
    'pod.scheduleToRun',
    'the scheduler chose a node → all containers started: started_s − scheduled_s',
  ),
  latency('pod.runToReady', 'all containers started → Ready=True stored in etcd: ready_s − started_s'),
  latency(
    'scheduler.queue',
    'pod enters the scheduling queue (or returns to the active part of it) → an attempt takes it',
  ),
  latency(
    'scheduler.attempt',
    'one scheduling attempt, from taking the pod to the decision, also when it fails',
  ),
  latency('scheduler.bind', 'decision → binding stored in etcd and answered'),
  latency('kubelet.pull', 'one image pull, waiting in the pull queue of its node included'),
  latency('kubelet.start', 'pod seen by its kubelet → all containers started'),
  latency('volume.provision', 'a CSI provisioner has seen the claim → PersistentVolume stored in etcd'),
  latency('volume.attach', 'VolumeAttachment asked for → the attach-detach controller has seen it attached'),
  latency('volume.mount', "kubelet asks for a pod's volumes → all are mounted"),
  latency(
    'volume.expand',
    'the resizer has seen that a claim asks for more → it has seen that it has it, its file system included',
  ),
  latency('volume.detach', 'VolumeAttachment deleted → the attach-detach controller has seen it gone'),
  latency(
    'runtime.<name>.<step>',
    'on nodes with that container runtime: sandbox (RunPodSandbox), pull (one image), start (as kubelet.start): runtime.docker.start',
  ),
  latency(
    'log.delay',
    'a container writes a line → the sink of its node’s log agent has it; lines that were shipped or wait',
  ),
  latency(
    'service.programming',
    'change of a Service, or of the readiness of its pods, stored in etcd → rules of a kube-proxy changed',
  ),
  latency(
    'request.latency.<stream>',
    'a request to a Service is first sent → its answer has arrived, more tries included; of those answered',
  ),
  latency(
    'workqueue.<controller>',
    'an object is due in the work queue of a controller → one of its workers takes it: workqueue.replicaset',
  ),
  latency(
    'api.<verb>.<resource>',
    'request received by the API server → last byte of the answer sent, without client-side rate limiting; resource with its subresource: api.create.pods/binding',
  ),
  {
    name: 'scheduler.podsPerSecond',
    group: 'throughput',
    unit: 'pods/s',
    help: 'mean rate between the first and the last pod scheduled after warm-up: (pods − 1) / (last − first); 0 when fewer than two pods were scheduled or all at one instant',
  },
  {
    name: 'cpu.requested',
    group: 'utilisation',
    unit: 'share',
    help: 'CPU requests of bound pods that have not ended, over allocatable CPU of the nodes that existed: ratio of the two integrals over time after warm-up, 0..1',
  },
  {
    name: 'memory.requested',
    group: 'utilisation',
    unit: 'share',
    help: 'the same for memory',
  },
  pods('created', 'pods stored in etcd, those that existed at the start included'),
  pods('scheduled', 'pods for which the scheduler chose a node'),
  pods('started', 'pods all of whose containers started'),
  pods('ready', 'pods that became Ready at least once'),
  pods('succeeded', 'of those that exist at the end: phase Succeeded'),
  pods('failed', 'of those that exist at the end: phase Failed'),
  pods('deleted', 'pods removed from etcd'),
  pods('running', 'of those that exist at the end: phase Running (or Unknown)'),
  pods('pending', 'of those that exist at the end: phase Pending'),
  pods('unschedulable', 'pending pods whose last scheduling attempt failed'),
  {
    name: 'count',
    group: 'nodes',
    unit: 'nodes',
    help: 'nodes at the end',
  },
  { name: 'peak', group: 'nodes', unit: 'nodes', help: 'largest number of nodes at any time' },
  { name: 'pods.existing', group: 'gauge', unit: 'pods', help: 'pods stored in etcd' },
  {
    name: 'pods.unscheduled',
    group: 'gauge',
    unit: 'pods',
    help: 'pods that exist and have no node yet',
  },
  { name: 'pods.bound', group: 'gauge', unit: 'pods', help: 'bound pods that have not ended' },
  { name: 'nodes.count', group: 'gauge', unit: 'nodes', help: 'Node objects' },
  {
    name: 'cpu.requested',
    group: 'gauge',
    unit: 'share',
    help: 'CPU requests of bound pods that have not ended, over allocatable CPU',
  },
  { name: 'memory.requested', group: 'gauge', unit: 'share', help: 'the same for memory' },
  {
    name: 'requests.<stream>.rate',
    group: 'gauge',
    unit: 'requests',
    help: 'requests sent in the second before',
  },
  {
    name: 'requests.<stream>.failureRate',
    group: 'gauge',
    unit: 'requests',
    help: 'requests that were found to have failed since the last value',
  },
  {
    name: 'kubelet.evictions',
    group: 'counter',
    unit: 'pods',
    help: 'pods that kubelets ended: for pressure on their node, or because they exceeded limits of their own on disk',
  },
  {
    name: 'kubelet.imagesRemoved',
    group: 'counter',
    unit: 'images',
    help: 'images that kubelets removed to have room on disk, or because they grew old',
  },
  {
    name: 'kubelet.evictions.<signal>',
    group: 'counter',
    unit: 'pods',
    help: 'of these, by the signal whose threshold was met: kubelet.evictions.memory.available',
  },
  ...[
    ['sent', 'requests sent'],
    ['answered', 'requests answered, perhaps after more tries'],
    ['failed', 'requests that failed for good'],
    ['retried', 'tries after the first'],
  ].map(
    ([name, help]): MetricSpec => ({
      name: `requests.<stream>.${name!}`,
      group: 'counter',
      unit: 'requests',
      help: help!,
    }),
  ),
];

/** Parts of a latency that `expect` and summary.csv name. */
export const LATENCY_STATISTICS = ['count', 'mean', 'min', 'p50', 'p90', 'p99', 'max'] as const;
