// Quantiles over replications without an assumption about their distribution: each replication gives its own quantile
// (say p99 of start-up), and the interval is that of their median by order statistics. The ranks give steps of coverage
// (10 replications: 89.1 % or 97.9 %), so neighbouring intervals are interpolated (Hettmansperger and Sheather 1986,
// Confidence intervals based on interpolated order statistics, Statistics and Probability Letters 4).
import { quantileSorted } from 'simple-statistics';
import { type Interval, LEVEL } from './mean.ts';

export interface MedianEstimate extends Interval {
  readonly n: number;
  readonly median: number;
}

/** P(Binomial(n, 1/2) <= k). */
function halfBinomialCdf(k: number, n: number): number {
  let term = 0.5 ** n;
  let sum = term;
  for (let i = 1; i <= k; i++) {
    term *= (n - i + 1) / i;
    sum += term;
  }
  return sum;
}

/** Coverage of the interval from the d-th smallest to the d-th largest of n. */
const coverage = (d: number, n: number): number => 1 - 2 * halfBinomialCdf(d - 1, n);

/** Fewest replications whose whole range covers the median with the level: 6 for 95 %. */
export function fewestFor(level: number): number {
  let n = 2;
  while (coverage(1, n) < level) n += 1;
  return n;
}

/**
 * Median of `samples`, one a replication, and its interval; unbounded below `fewestFor(level)` replications.
 * Throws RangeError without samples, and above 1,000, where halves to that power leave the numbers.
 */
export function medianInterval(samples: readonly number[], level = LEVEL): MedianEstimate {
  const n = samples.length;
  if (n === 0 || n > 1000) throw new RangeError(`1 to 1,000 replications, not ${n}`);
  const sorted = [...samples].sort((a, b) => a - b);
  const median = quantileSorted(sorted, 0.5);
  if (n < fewestFor(level))
    return { n, median, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  let d = 1;
  while (coverage(d + 1, n) >= level) d += 1;
  const outer = coverage(d, n);
  const inner = coverage(d + 1, n);
  const step = (outer - level) / (outer - inner);
  const share = ((n - d) * step) / (d + (n - 2 * d) * step);
  return {
    n,
    median,
    low: sorted[d - 1]! + share * (sorted[d]! - sorted[d - 1]!),
    high: sorted[n - d]! + share * (sorted[n - d - 1]! - sorted[n - d]!),
  };
}
