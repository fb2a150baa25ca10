// Where a difference of pods' starts comes from. The phases of the critical path follow each other without gap, so the
// mean start is the sum of what each phase takes of it, and a difference of means is the sum of differences of phases.
import { PHASES } from '../../engine/metrics/phases.ts';
import { type MeanEstimate, meanInterval } from '../stats/mean.ts';
import { type Match, pairBySeed, type Replication } from './compare.ts';

export interface Contributor {
  readonly phase: string;
  /** Seconds of a mean pod's start, on both sides and their difference. */
  readonly baseline: number;
  readonly value: number;
  readonly difference: number;
  readonly ci95: readonly [number, number];
}

export interface StartDifference {
  readonly variant: string;
  readonly against: string;
  /** Mean start over pairs, seconds. */
  readonly baseline: number;
  readonly value: number;
  /** The largest first; those without a difference left out. They add up to value - baseline. */
  readonly phases: readonly Contributor[];
}

/** Seconds that a mean pod spends in a phase; those that skip the phase count as 0. */
function spent({ metrics }: Replication, phase: string): number {
  const pods = metrics.get('latency.pod.startup.count') ?? 0;
  const [count, mean] = ['count', 'mean'].map((what) => metrics.get(`phases.${phase}.${what}`) ?? 0);
  return pods === 0 ? 0 : (count! * mean!) / pods;
}

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Null where the two share no seeds, or no pod started. */
export function startDifference({ baseline, variant }: Match): StartDifference | null {
  const started = (run: Replication): boolean => run.metrics.has('latency.pod.startup.mean');
  const pairs = pairBySeed(baseline.runs, variant.runs).pairs.filter(([a, b]) => started(a) && started(b));
  if (pairs.length === 0) return null;
  const phases = PHASES.map(({ name: phase }): Contributor => {
    const [before, after] = [0, 1].map((side) => pairs.map((pair) => spent(pair[side]!, phase)));
    const estimate: MeanEstimate = meanInterval(after!.map((value, i) => value - before![i]!));
    return {
      phase,
      baseline: average(before!),
      value: average(after!),
      difference: estimate.mean,
      ci95: [estimate.low, estimate.high],
    };
  });
  const start = (side: 0 | 1): number =>
    average(pairs.map((pair) => pair[side].metrics.get('latency.pod.startup.mean')!));
  return {
    variant: variant.label,
    against: baseline.label,
    baseline: start(0),
    value: start(1),
    phases: phases
      .filter(({ difference }) => difference !== 0)
      .sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference)),
  };
}
