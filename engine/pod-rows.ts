// What pods.csv prints of a pod, read from the tables.
import type { PodRowSource } from './metrics/recorder.ts';
import {
  type ClusterState,
  type Labels,
  PHASE_NAMES,
  PodBit,
  type PodTemplate,
  phaseOf,
  unscheduledReason,
} from './state/index.ts';

const labelsText = (labels: Labels): string =>
  Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(' ');

/** Volumes of these kinds leave a pod stateless (perf-tests clusterloader2 slos/pod_startup_latency.go isPodStateless). */
const STATELESS_VOLUMES = ['emptyDir', 'downwardAPI', 'configMap', 'secret', 'projected'] as const;

const hasState = ({ spec }: PodTemplate): boolean =>
  (spec.volumes ?? []).some((volume: Record<string, unknown>) =>
    STATELESS_VOLUMES.every((kind) => volume[kind] === undefined || volume[kind] === null),
  );

export function podRowSource(state: ClusterState): PodRowSource {
  const { pods } = state;
  /** By label set: many pods share one. */
  const texts: string[] = [];
  /** By template. */
  const stateful: boolean[] = [];
  const owner = (pod: number) => (pods.owner[pod]! < 0 ? null : state.objects.lastVersion(pods.owner[pod]!));
  return {
    namespace: (pod) => state.podNamespace(pod),
    name: (pod) => state.podName(pod),
    ownerKind: (pod) => owner(pod)?.kind ?? '',
    owner: (pod) => owner(pod)?.metadata.name ?? '',
    node: (pod) => state.nodeName(pods.node[pod]!),
    phase: (pod) => PHASE_NAMES[phaseOf(pods.word[pod]!)]!,
    priority: (pod) => pods.priority[pod]!,
    cpuMilli: (pod) => state.template(pod).cpuMilli,
    memoryBytes: (pod) => state.template(pod).memoryBytes,
    restarts: (pod) => pods.restarts[pod]!,
    labels: (pod) => {
      const set = pods.labelSet[pod]!;
      texts[set] ??= labelsText(state.labels.get(set));
      return texts[set];
    },
    stateful: (pod) => {
      const template = state.template(pod);
      stateful[template.id] ??= hasState(template);
      return stateful[template.id]!;
    },
    nodeAddedUs: (pod) => (pods.node[pod]! < 0 ? Number.NaN : state.nodes.addedUs[pods.node[pod]!]!),
    reason: (pod) => {
      const reason = pods.reason[pod]!;
      if (reason >= 0) return state.texts.text(reason);
      const word = pods.word[pod]!;
      return word & PodBit.unschedulable && !(word & PodBit.scheduled) ? unscheduledReason(word) : '';
    },
  };
}
