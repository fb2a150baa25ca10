// The mean of independent replications and its interval by Student's t (Law: Simulation Modeling and Analysis, 5th
// edition, 4.5 and 9.4): each replication gives one number, numbers of different replications are independent.
import { mean, sampleVariance } from 'simple-statistics';
import { tCdf, tQuantile } from './student.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface MeanEstimate extends Interval {
  readonly n: number;
  readonly mean: number;
  /** Standard deviation of one replication; NaN for one replication. */
  readonly sd: number;
  /** Half of the interval's width; Infinity for one replication. */
  readonly halfWidth: number;
}

export const LEVEL = 0.95;

/** Mean and interval of `samples`, one a replication. Throws RangeError without any. */
export function meanInterval(samples: readonly number[], level = LEVEL): MeanEstimate {
  const n = samples.length;
  if (n === 0) throw new RangeError('an interval needs at least one replication');
  const center = mean(samples as number[]);
  if (n === 1) {
    return {
      n,
      mean: center,
      sd: Number.NaN,
      halfWidth: Number.POSITIVE_INFINITY,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    };
  }
  const sd = Math.sqrt(sampleVariance(samples as number[]));
  const halfWidth = sd === 0 ? 0 : tQuantile((1 + level) / 2, n - 1) * (sd / Math.sqrt(n));
  return { n, mean: center, sd, halfWidth, low: center - halfWidth, high: center + halfWidth };
}

/**
 * Two-sided p-value of "the mean is `value`"; 1 where all samples equal it, 0 where all equal something else: runs in
 * virtual time can be exactly equal, and then there is nothing left to chance.
 */
export function meanTest(samples: readonly number[], value = 0): number {
  const { n, mean: center, sd } = meanInterval(samples);
  if (n < 2) return 1;
  if (sd === 0) return center === value ? 1 : 0;
  return 2 * tCdf(-Math.abs(center - value) / (sd / Math.sqrt(n)), n - 1);
}

/** One-sided p-value against "the mean is at least `bound`": small where it is below beyond doubt. */
export function meanBelowTest(samples: readonly number[], bound: number): number {
  const { n, mean: center, sd } = meanInterval(samples);
  if (n < 2) return 1;
  if (sd === 0) return center < bound ? 0 : 1;
  return tCdf((center - bound) / (sd / Math.sqrt(n)), n - 1);
}
