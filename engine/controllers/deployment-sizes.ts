// How many pods a Deployment may have too many or too few, and how its ReplicaSets share them: the arithmetic of
// pkg/controller/deployment/util/deployment_util.go (v1.36), over plain numbers.

export interface Strategy {
  readonly rolling: boolean;
  /** spec.replicas. */
  readonly replicas: number;
  /** Number or percentage as in the API; of RollingUpdate only. */
  readonly maxSurge: number | string;
  readonly maxUnavailable: number | string;
}

/** Sizes of a ReplicaSet that the arithmetic looks at. */
export interface Size {
  readonly replicas: number;
  readonly available: number;
  /** Annotation max-replicas, undefined if absent. */
  readonly maxReplicas: number | undefined;
}

/** IntOrString of a total (intstr.GetScaledValueFromIntOrPercent); what is no percentage counts as 0. */
export function scaledValue(value: number | string, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  if (!/^\d+%$/.test(value)) return 0;
  const product = Number(value.slice(0, -1)) * total;
  return roundUp ? Math.ceil(product / 100) : Math.floor(product / 100);
}

/** Surge rounds up, unavailable rounds down; both 0 would never move, so one may be unavailable (ResolveFenceposts). */
export function fenceposts(strategy: Strategy): { surge: number; unavailable: number } {
  const surge = scaledValue(strategy.maxSurge, strategy.replicas, true);
  const unavailable = scaledValue(strategy.maxUnavailable, strategy.replicas, false);
  return surge === 0 && unavailable === 0 ? { surge: 0, unavailable: 1 } : { surge, unavailable };
}

export const maxSurge = (strategy: Strategy): number => (strategy.rolling ? fenceposts(strategy).surge : 0);

export const maxUnavailable = (strategy: Strategy): number =>
  strategy.rolling && strategy.replicas > 0
    ? Math.min(fenceposts(strategy).unavailable, strategy.replicas)
    : 0;

/** Size of the new ReplicaSet (of `own` pods) when all have `total` pods by spec (NewRSNewReplicas). */
export function newReplicas(strategy: Strategy, own: number, total: number): number {
  if (!strategy.rolling) return strategy.replicas;
  const room = strategy.replicas + maxSurge(strategy) - total;
  return room <= 0 ? own : own + Math.min(room, strategy.replicas - own);
}

/** Pods that the old ReplicaSets may lose in this step (reconcileOldReplicaSets). */
export function scaleDownBudget(strategy: Strategy, total: number, newSize: Size): number {
  const minAvailable = strategy.replicas - maxUnavailable(strategy);
  return total - minAvailable - (newSize.replicas - newSize.available);
}

/** Rounds half away from zero (integer.RoundToInt32). */
const round = (value: number): number => (value < 0 ? Math.ceil(value - 0.5) : Math.floor(value + 0.5));

/** What a ReplicaSet gains or loses of `toAdd` of which `added` are given already (GetReplicaSetProportion). */
function proportion(
  strategy: Strategy,
  size: Size,
  statusReplicas: number,
  toAdd: number,
  added: number,
): number {
  if (size.replicas === 0 || toAdd === 0 || toAdd === added) return 0;
  const fraction = fractionOf(strategy, size, statusReplicas);
  const allowed = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed);
}

function fractionOf(strategy: Strategy, size: Size, statusReplicas: number): number {
  if (strategy.replicas === 0) return -size.replicas;
  // The total that it was sized for; without the annotation the size now has to do.
  const before = size.maxReplicas || statusReplicas;
  if (before === 0) return 0;
  return round((size.replicas * (strategy.replicas + maxSurge(strategy))) / before) - size.replicas;
}

/**
 * New sizes of the active ReplicaSets, given in the order of sharing: by size, and of equal ones the newer first when
 * growing and the older first when shrinking. What rounding leaves over goes to the first.
 */
export function proportionalSizes(
  strategy: Strategy,
  sizes: readonly Size[],
  statusReplicas: number,
): number[] {
  const total = sizes.reduce((sum, size) => sum + size.replicas, 0);
  const allowed = strategy.replicas > 0 ? strategy.replicas + maxSurge(strategy) : 0;
  const toAdd = allowed - total;
  let added = 0;
  const result = sizes.map((size) => {
    const share = proportion(strategy, size, statusReplicas, toAdd, added);
    added += share;
    return size.replicas + share;
  });
  if (toAdd !== 0 && result.length > 0) result[0] = Math.max(0, result[0]! + toAdd - added);
  return result;
}
