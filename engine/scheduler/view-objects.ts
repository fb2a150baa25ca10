// The scheduler's view of the cluster as Kubernetes objects, so that an attempt of a run can be decided again, asked
// about and changed outside of it. It reads the cache wherever the cache has an opinion: the API server's tables may be
// a watch's delay ahead of it. What it leaves out: pods that still count on a node which is gone.
import type { SchedulerView } from '../contracts/attempts.ts';
import { materialiseNode, materialisePod } from '../kinds/ingest/materialise.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type ClusterState, LABEL_HOSTNAME } from '../state/index.ts';
import type { SchedulerCache } from './cache.ts';
import type { PodFacts } from './post-filter.ts';
import { WATCHED_KINDS } from './watched-objects.ts';

/** What the scheduler knows when it looks at `pod`. */
export function viewObjects(
  state: ClusterState,
  cache: SchedulerCache,
  facts: PodFacts,
  pod: number,
): SchedulerView {
  const nodes = [...cache.nodeOrder.list().subarray(0, cache.nodeCount)];
  const images = imagesByNode(cache, nodes);
  const pods: KubeObject[] = [];
  const started = new Map<string, number>();
  const preempted = new Set<string>();
  for (const node of nodes) {
    for (const other of cache.podsOn(node)) {
      const object = materialisePod(state, other);
      const { namespace, name } = object.metadata;
      const key = `${namespace}/${name}`;
      if (facts.startUs(other) !== Number.POSITIVE_INFINITY) started.set(key, facts.startUs(other));
      if (facts.isPreempted(other)) preempted.add(key);
      const { startTime: _startTime, nominatedNodeName: _nominated, ...status } = object['status'] ?? {};
      pods.push({
        ...object,
        spec: { ...object['spec'], nodeName: state.nodeName(node) },
        // It counts, whatever the API server knows by now.
        status: { ...status, phase: 'Running' },
      });
    }
  }
  const rivals: number[] = [];
  for (const node of cache.nominations.nodes()) {
    for (const rival of cache.nominations.podsOn(node)) if (rival !== pod) rivals.push(rival);
  }
  return {
    cluster: [
      ...nodes.map((node) => nodeObject(state, cache, node, images.get(node) ?? [])),
      ...WATCHED_KINDS.flatMap((kind) => cache.objects.all(kind)),
      ...cache.storage.all(),
      ...cache.devices.all(),
      ...facts.budgets(),
      ...pods,
    ],
    pending: [pod, ...rivals].map((each) => waiting(state, cache, each)),
    started,
    preempted,
  };
}

function waiting(state: ClusterState, cache: SchedulerCache, pod: number): KubeObject {
  const object = materialisePod(state, pod);
  const nominated = cache.nominations.nodeOf(pod);
  const { nodeName: _nodeName, ...spec } = object['spec'];
  const { nominatedNodeName: _nominated, ...status } = object['status'] ?? {};
  return {
    ...object,
    spec,
    status: {
      ...status,
      phase: 'Pending',
      ...(nominated >= 0 ? { nominatedNodeName: state.nodeName(nominated) } : {}),
    },
  };
}

function nodeObject(state: ClusterState, cache: SchedulerCache, node: number, images: Json[]): KubeObject {
  const object = materialiseNode(state, node);
  const { columns, resources } = cache;
  const name = state.nodeName(node);
  const labels = { ...cache.labelSets.get(columns.labelSet[node]!) };
  if (columns.hostnameLabel[node] === 1) labels[LABEL_HOSTNAME] = name;
  const allocatable: Record<string, string> = {
    cpu: `${columns.cpuAllocatable[node]}m`,
    memory: String(columns.memoryAllocatable[node]),
    pods: String(columns.podsAllocatable[node]),
  };
  if (columns.ephemeralAllocatable[node]! > 0) {
    allocatable['ephemeral-storage'] = String(columns.ephemeralAllocatable[node]);
  }
  for (let id = 0; id < resources.size; id++) {
    const amount = cache.allocatable(node, id);
    if (amount > 0) allocatable[resources.text(id)] = String(amount);
  }
  const taints = cache.taints(columns.taintSet[node]!);
  const features = cache.declaredFeatures(node);
  const { taints: _taints, unschedulable: _unschedulable, ...spec } = object['spec'] ?? {};
  const { images: _images, declaredFeatures: _features, ...status } = object['status'] ?? {};
  return {
    ...object,
    metadata: { ...object.metadata, labels },
    spec: {
      ...spec,
      ...(taints.length > 0 ? { taints } : {}),
      ...(columns.unschedulable[node] === 1 ? { unschedulable: true } : {}),
    },
    status: {
      ...status,
      allocatable,
      ...(features.length > 0 ? { declaredFeatures: features } : {}),
      ...(images.length > 0 ? { images } : {}),
    },
  };
}

/** Images that the scheduler knows on each node, with the sizes it counts with. */
function imagesByNode(cache: SchedulerCache, nodes: readonly number[]): Map<number, Json[]> {
  const lists = new Map<number, Json[]>();
  for (let image = 0; image < cache.images.size; image++) {
    if (cache.imageNodes(image) === 0) continue;
    const bits = cache.imageBits(image)!;
    const entry = { names: [cache.images.text(image)], sizeBytes: cache.imageBytes(image) };
    for (const node of nodes) {
      if ((bits[node >>> 5] ?? 0) & (1 << (node & 31))) {
        const list = lists.get(node);
        if (list === undefined) lists.set(node, [entry]);
        else list.push(entry);
      }
    }
  }
  return lists;
}
