// Where the pods of a DaemonSet belong: nodes that their selector and affinity take, with taints that they tolerate
// (NodeShouldRunDaemonPod of pkg/controller/daemon/daemon_controller.go and util/daemonset_util.go, v1.36).
import type { Json, KubeObject } from '../kinds/kind.ts';
import {
  compileNodeSelection,
  type NodeTable,
  type Taint,
  type Toleration,
  tolerates,
} from '../state/index.ts';

const always = (key: string, effect: string): Toleration => ({ key, operator: 'Exists', effect });

/** What every DaemonSet pod tolerates (AddOrUpdateDaemonPodTolerations). */
const DEFAULT_TOLERATIONS: readonly Toleration[] = [
  always('node.kubernetes.io/not-ready', 'NoExecute'),
  always('node.kubernetes.io/unreachable', 'NoExecute'),
  always('node.kubernetes.io/disk-pressure', 'NoSchedule'),
  always('node.kubernetes.io/memory-pressure', 'NoSchedule'),
  always('node.kubernetes.io/pid-pressure', 'NoSchedule'),
  always('node.kubernetes.io/unschedulable', 'NoSchedule'),
];
const HOST_NETWORK_TOLERATION = always('node.kubernetes.io/network-unavailable', 'NoSchedule');

/** MatchToleration: the same but for the seconds. */
const isSame = (a: Toleration, b: Toleration): boolean =>
  (a.key ?? '') === (b.key ?? '') &&
  (a.operator ?? '') === (b.operator ?? '') &&
  (a.value ?? '') === (b.value ?? '') &&
  (a.effect ?? '') === (b.effect ?? '');

/** The template's tolerations with the default ones; one that is there already is taken over, without its seconds. */
export function daemonTolerations(spec: Json): readonly Toleration[] {
  const defaults =
    spec.hostNetwork === true ? [...DEFAULT_TOLERATIONS, HOST_NETWORK_TOLERATION] : DEFAULT_TOLERATIONS;
  const list: Toleration[] = [...(spec.tolerations ?? [])];
  for (const toleration of defaults) {
    const at = list.findIndex((own) => isSame(own, toleration));
    if (at < 0) list.push(toleration);
    else list[at] = toleration;
  }
  return list;
}

export interface Placement {
  /** A pod is to be made there if there is none. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay. */
  readonly shouldContinue: boolean;
}

const NOWHERE: Placement = { shouldRun: false, shouldContinue: false };
const STAYS: Placement = { shouldRun: false, shouldContinue: true };
const RUNS: Placement = { shouldRun: true, shouldContinue: true };

/** Tells of nodes, by their columns as they are. */
export function placementOf(set: KubeObject, nodes: NodeTable): (node: number) => Placement {
  const { spec } = set['spec'].template;
  const selects = compileNodeSelection(spec);
  const tolerations = daemonTolerations(spec);
  const isTolerated = (taint: Taint): boolean =>
    tolerations.some((toleration) => tolerates(toleration, taint));
  return (node) => {
    if (spec.nodeName && spec.nodeName !== nodes.name[node]) return NOWHERE;
    if (!selects(nodes, node)) return NOWHERE;
    let stays = true;
    let runs = true;
    for (const taint of nodes.taints[node]!) {
      if (taint.effect === 'PreferNoSchedule' || isTolerated(taint)) continue;
      runs = false;
      if (taint.effect === 'NoExecute') stays = false;
    }
    if (runs) return RUNS;
    return stays ? STAYS : NOWHERE;
  };
}
