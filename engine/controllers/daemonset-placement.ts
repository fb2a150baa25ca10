// Where the pods of a DaemonSet belong: nodes that their selector and affinity take, with taints that they tolerate
// (NodeShouldRunDaemonPod of pkg/controller/daemon/daemon_controller.go and util/daemonset_util.go, v1.36).
import type { Json, KubeObject } from '../kinds/kind.ts';
import {
  compileExpressions,
  type NodeTable,
  type Requirement,
  requirementMatches,
  type Taint,
} from '../state/index.ts';

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

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

function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}

interface Term {
  readonly labels: readonly Requirement[];
  readonly fields: readonly Requirement[];
}

/** Terms are ORed; an empty one selects nothing. null: every node. */
function requiredTerms(spec: Json): Term[] | null {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined || required === null) return null;
  return (required.nodeSelectorTerms ?? [])
    .map((term: Json) => ({
      labels: compileExpressions(term.matchExpressions),
      fields: compileExpressions(term.matchFields),
    }))
    .filter(({ labels, fields }: Term) => labels.length > 0 || fields.length > 0);
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
  const terms = requiredTerms(spec);
  const selector = Object.entries<string>(spec.nodeSelector ?? {});
  const tolerations = daemonTolerations(spec);
  const isTolerated = (taint: Taint): boolean =>
    tolerations.some((toleration) => tolerates(toleration, taint));
  return (node) => {
    if (spec.nodeName && spec.nodeName !== nodes.name[node]) return NOWHERE;
    for (const [key, value] of selector) if (nodes.label(node, key) !== value) return NOWHERE;
    if (terms !== null && !terms.some((term) => matches(term, nodes, node))) return NOWHERE;
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

const matches = ({ labels, fields }: Term, nodes: NodeTable, node: number): boolean =>
  labels.every((requirement) => requirementMatches(requirement, nodes.label(node, requirement.key))) &&
  fields.every((requirement) =>
    requirementMatches(requirement, requirement.key === 'metadata.name' ? nodes.name[node] : undefined),
  );
