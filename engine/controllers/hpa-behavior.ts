// From what the metrics ask for to what is set: stabilisation over recent recommendations, limits on how fast a target
// may grow and shrink, and the autoscaler's own bounds (pkg/controller/podautoscaler/horizontal.go, v1.36). One of
// these an autoscaler; it holds what the controller remembers between syncs and loses when it restarts.
import type { Json } from '../kinds/kind.ts';

const SECOND = 1_000_000;
/** --horizontal-pod-autoscaler-downscale-stabilization */
const DOWNSCALE_STABILIZATION_S = 300;
/** A target without behavior at most doubles, or grows to 4. */
const SCALE_UP_FACTOR = 2;
const SCALE_UP_MINIMUM = 4;

interface Recommendation {
  readonly replicas: number;
  readonly us: number;
}

interface ScaleEvent {
  readonly change: number;
  readonly us: number;
  outdated: boolean;
}

export interface Told {
  readonly reason: string;
  readonly message: string;
}

export interface Normalised {
  readonly replicas: number;
  /** condition AbleToScale (True). */
  readonly able: Told;
  /** condition ScalingLimited. */
  readonly limited: Told & { readonly status: 'True' | 'False' };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const READY: Told = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const UP: Told = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const DOWN: Told = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const WITHIN: Told = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};
const UP_LIMIT: Told = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const DOWN_LIMIT: Told = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};
const TOO_MANY: Told = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const TOO_FEW: Told = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};

export class ScalingMemory {
  readonly #recommendations: Recommendation[] = [];
  readonly #ups: ScaleEvent[] = [];
  readonly #downs: ScaleEvent[] = [];

  /** The size at the first sync counts as a recommendation. */
  begin(current: number, us: number): void {
    if (this.#recommendations.length === 0) this.#recommendations.push({ replicas: current, us });
  }

  /** What to set when the metrics ask for `desired`. */
  normalise(behavior: Json, current: number, desired: number, bounds: Bounds, nowUs: number): Normalised {
    const [stable, told] =
      behavior === undefined
        ? this.#stabiliseDown(desired, nowUs)
        : this.#stabilise(behavior, current, desired, nowUs);
    const [replicas, limit] =
      behavior === undefined
        ? limitByDefault(current, stable, bounds)
        : this.#limit(behavior, current, stable, bounds, nowUs);
    return {
      replicas,
      able: stable === desired ? READY : told,
      limited: { ...limit, status: replicas === stable ? 'False' : 'True' },
    };
  }

  /** The target was given another size: what the policies of `behavior` count. */
  scaled(behavior: Json, before: number, after: number, nowUs: number): void {
    if (behavior === undefined) return;
    const [events, rules] =
      after > before ? [this.#ups, behavior.scaleUp] : [this.#downs, behavior.scaleDown];
    const longest = Math.max(0, ...policiesOf(rules).map((policy) => policy.periodSeconds));
    for (const event of events) if (event.us < nowUs - longest * SECOND) event.outdated = true;
    const next = { change: Math.abs(after - before), us: nowUs, outdated: false };
    replaceOld(events, next, (event) => event.outdated);
  }

  /** Without behavior: the highest recommendation of the last 5 min. */
  #stabiliseDown(desired: number, nowUs: number): [number, Told] {
    const cutoff = nowUs - DOWNSCALE_STABILIZATION_S * SECOND;
    let most = desired;
    for (const { us, replicas } of this.#recommendations) if (us >= cutoff) most = Math.max(most, replicas);
    replaceOld(this.#recommendations, { replicas: desired, us: nowUs }, ({ us }) => us < cutoff);
    return [most, DOWN];
  }

  #stabilise(behavior: Json, current: number, desired: number, nowUs: number): [number, Told] {
    const upCutoff = nowUs - (behavior.scaleUp?.stabilizationWindowSeconds ?? 0) * SECOND;
    const downSeconds = behavior.scaleDown?.stabilizationWindowSeconds ?? DOWNSCALE_STABILIZATION_S;
    const downCutoff = nowUs - downSeconds * SECOND;
    let up = desired;
    let down = desired;
    for (const { us, replicas } of this.#recommendations) {
      if (us > upCutoff) up = Math.min(up, replicas);
      if (us > downCutoff) down = Math.max(down, replicas);
    }
    const stable = Math.min(Math.max(current, up), down);
    const isOld = ({ us }: Recommendation): boolean => us < upCutoff && us < downCutoff;
    replaceOld(this.#recommendations, { replicas: desired, us: nowUs }, isOld);
    return [stable, desired >= current ? UP : DOWN];
  }

  #limit(
    behavior: Json,
    current: number,
    desired: number,
    { min, max }: Bounds,
    nowUs: number,
  ): [number, Told] {
    if (desired > current) {
      const limit = Math.max(current, this.#rate(behavior.scaleUp, current, 1, nowUs));
      const most = Math.min(max, limit);
      if (desired > most) return [most, max > limit ? UP_LIMIT : TOO_MANY];
    } else if (desired < current) {
      const limit = Math.min(current, this.#rate(behavior.scaleDown, current, -1, nowUs));
      const least = Math.max(min, limit);
      if (desired < least) return [least, min < limit ? DOWN_LIMIT : TOO_FEW];
    }
    return [desired, WITHIN];
  }

  /** How far the policies let the target go up (1) or down (-1). */
  #rate(rules: Json, current: number, direction: 1 | -1, nowUs: number): number {
    if (rules?.selectPolicy === 'Disabled') return current;
    // The larger change is the larger number upwards, the smaller downwards.
    const widest = rules?.selectPolicy === 'Min' ? -direction : direction;
    let result = -widest * Number.MAX_SAFE_INTEGER;
    for (const { type, value, periodSeconds } of policiesOf(rules)) {
      const since = nowUs - periodSeconds * SECOND;
      const start = current - changes(this.#ups, since) + changes(this.#downs, since);
      const share = start * (1 + (direction * value) / 100);
      const proposed =
        type === 'Pods' ? start + direction * value : direction === 1 ? Math.ceil(share) : Math.trunc(share);
      result = widest === 1 ? Math.max(result, proposed) : Math.min(result, proposed);
    }
    return result;
  }
}

const policiesOf = (rules: Json): readonly { type: string; value: number; periodSeconds: number }[] =>
  rules?.policies ?? [];

function changes(events: readonly ScaleEvent[], sinceUs: number): number {
  let sum = 0;
  for (const event of events) if (event.us > sinceUs) sum += event.change;
  return sum;
}

/** The newest takes the place of the last one that is old; otherwise it is added. */
function replaceOld<T>(list: T[], next: T, isOld: (entry: T) => boolean): void {
  const at = list.findLastIndex(isOld);
  if (at < 0) list.push(next);
  else list[at] = next;
}

function limitByDefault(current: number, desired: number, { min, max }: Bounds): [number, Told] {
  const limit = Math.max(SCALE_UP_FACTOR * current, SCALE_UP_MINIMUM);
  const most = Math.min(max, limit);
  if (desired < min) return [min, TOO_FEW];
  if (desired > most) return [most, max > limit ? UP_LIMIT : TOO_MANY];
  return [desired, WITHIN];
}
