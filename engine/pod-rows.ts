// What pods.csv prints of a pod, read from the tables.
import type { PodRowSource } from './metrics/recorder.ts';
import { type ClusterState, PHASE_NAMES, PodBit, phaseOf } from './state/index.ts';

export function podRowSource(state: ClusterState): PodRowSource {
  const { pods } = state;
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
    reason: (pod) => {
      const reason = pods.reason[pod]!;
      if (reason >= 0) return state.texts.text(reason);
      const word = pods.word[pod]!;
      return word & PodBit.unschedulable && !(word & PodBit.scheduled) ? 'Unschedulable' : '';
    },
  };
}
