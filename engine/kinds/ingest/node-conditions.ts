// Conditions of a Node: what its kubelet posts while it is well, what the node controller makes of them when it falls
// silent, and the taints that follow from them (pkg/controller/nodelifecycle/node_lifecycle_controller.go, v1.36).
import type { ClusterState, Taint } from '../../state/index.ts';
import type { Json } from '../kind.ts';

export const TAINT_NOT_READY = 'node.kubernetes.io/not-ready';
export const TAINT_UNREACHABLE = 'node.kubernetes.io/unreachable';
export const TAINT_UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
export const TAINT_OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** Type, status, reason and message of a healthy node's conditions, in the order in which they are listed. */
const HEALTHY: readonly (readonly [string, string, string, string])[] = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
];

/** Conditions that the node controller sets to Unknown, in its order; others have other owners. */
const KUBELETS: readonly string[] = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** Taint keys by condition type and status (nodeConditionToTaintKeyStatusMap). */
const TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: TAINT_NOT_READY, Unknown: TAINT_UNREACHABLE },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};

/** Keys of taints that follow from conditions, and from a cordon. */
const DERIVED: ReadonlySet<string> = new Set([
  TAINT_UNSCHEDULABLE,
  ...Object.values(TAINTS).flatMap((byStatus) => Object.values(byStatus)),
]);

/** status.conditions as stored. A node that says nothing of them is one whose kubelet is well. */
export function nodeConditions(state: ClusterState, node: number): readonly Json[] {
  const { nodes } = state;
  return nodes.conditions[node] ?? nodes.object[node]!['status']?.conditions ?? postedConditions([], null);
}

/** What a kubelet posts instead while it is under pressure (pkg/kubelet/nodestatus/setters.go). */
const PRESSED: Readonly<Record<string, readonly [string, string, string, string]>> = {
  MemoryPressure: [
    'MemoryPressure',
    'True',
    'KubeletHasInsufficientMemory',
    'kubelet has insufficient memory available',
  ],
  DiskPressure: ['DiskPressure', 'True', 'KubeletHasDiskPressure', 'kubelet has disk pressure'],
  PIDPressure: ['PIDPressure', 'True', 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
};

/**
 * What a kubelet that is well posts on top of `before`. `now`: the API's text of the time; null: no times. `pressures`:
 * conditions by which it says that something runs out.
 */
export function postedConditions(
  before: readonly Json[],
  now: string | null,
  pressures: readonly string[] = [],
): Json[] {
  const posted = HEALTHY.map((well) => (pressures.includes(well[0]) ? PRESSED[well[0]]! : well));
  const own = posted.map(([type, status, reason, message]): Json => {
    const old = before.find((condition) => condition.type === type);
    const since = old?.status === status ? (old.lastTransitionTime ?? now) : now;
    const times = now === null ? {} : { lastHeartbeatTime: now, lastTransitionTime: since };
    return { type, status, ...times, reason, message };
  });
  return [...own, ...before.filter(({ type }) => !HEALTHY.some(([known]) => known === type))];
}

/** What the node controller writes when the kubelet has posted nothing for the grace period. */
export function unknownConditions(before: readonly Json[], createdAt: string, now: string): Json[] {
  const after = before.map((condition): Json => {
    if (!KUBELETS.includes(condition.type) || condition.status === 'Unknown') return condition;
    return {
      ...condition,
      status: 'Unknown',
      lastTransitionTime: now,
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    };
  });
  for (const type of KUBELETS) {
    if (after.some((condition) => condition.type === type)) continue;
    after.push({
      type,
      status: 'Unknown',
      lastHeartbeatTime: createdAt,
      lastTransitionTime: now,
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
    });
  }
  return after;
}

const sameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

export const hasTaint = (taints: readonly Taint[], key: string, effect: string): boolean =>
  taints.some((taint) => taint.key === key && taint.effect === effect);

/** `taints` without those of `gone` and with those of `added` that were not there. */
export function changedTaints(
  taints: readonly Taint[],
  added: readonly Taint[],
  gone: readonly Taint[],
): Taint[] {
  const kept = taints.filter((taint) => !gone.some((other) => sameTaint(taint, other)));
  return [...kept, ...added.filter((taint) => !kept.some((other) => sameTaint(taint, other)))];
}

export interface TaintDiff {
  readonly added: readonly Taint[];
  readonly gone: readonly Taint[];
}

/** NoSchedule taints that a node lacks, or has too many, by its conditions and its cordon; null: none. */
export function noScheduleDiff(state: ClusterState, node: number): TaintDiff | null {
  const { nodes } = state;
  const taints = nodes.taints[node]!;
  const well = nodes.conditions[node] === null && nodes.object[node]!['status']?.conditions === undefined;
  if (well && taints.length === 0 && nodes.unschedulable[node] === 0) return null;
  const wanted: Taint[] = [];
  for (const { type, status } of well ? [] : nodeConditions(state, node)) {
    const key = TAINTS[type]?.[status];
    if (key !== undefined) wanted.push({ key, effect: 'NoSchedule' });
  }
  if (nodes.unschedulable[node] === 1) wanted.push({ key: TAINT_UNSCHEDULABLE, effect: 'NoSchedule' });
  const there = taints.filter(({ key, effect }) => effect === 'NoSchedule' && DERIVED.has(key));
  const added = wanted.filter((taint) => !there.some((other) => sameTaint(taint, other)));
  const gone = there.filter((taint) => !wanted.some((other) => sameTaint(taint, other)));
  return added.length + gone.length === 0 ? null : { added, gone };
}
