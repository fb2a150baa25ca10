// Two variants over the same replications. With common random numbers replication r of both sees the same arrivals, so
// that differences are taken pair by pair and much of the chance cancels (Law, 11.2); without common seeds, Welch's test.
// Ratios of paired means have Fieller's interval (Fieller 1954, Some problems in interval estimation, JRSS B 16); several
// comparisons are corrected by Holm (1979, A simple sequentially rejective multiple test procedure).
import { mean, sampleCovariance, sampleVariance } from 'simple-statistics';
import { type Interval, LEVEL, type MeanEstimate, meanInterval, meanTest } from './mean.ts';
import { tCdf, tQuantile } from './student.ts';

export interface Difference extends MeanEstimate {
  /** Two-sided p-value of "there is no difference". */
  readonly p: number;
  readonly paired: boolean;
}

const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x - b[i]!);

/** b - a over pairs. Throws RangeError for lists of different length. */
export function pairedDifference(a: readonly number[], b: readonly number[], level = LEVEL): Difference {
  if (a.length !== b.length) throw new RangeError(`${a.length} replications against ${b.length}`);
  const differences = minus(b, a);
  return { ...meanInterval(differences, level), p: meanTest(differences), paired: true };
}

/** b - a for replications that share no random numbers (Welch 1947; degrees of freedom by Satterthwaite). */
export function welchDifference(a: readonly number[], b: readonly number[], level = LEVEL): Difference {
  const n = Math.min(a.length, b.length);
  const center = mean(b as number[]) - mean(a as number[]);
  if (n < 2) {
    const nothing = meanInterval([center], level);
    return { ...nothing, p: 1, paired: false };
  }
  const va = sampleVariance(a as number[]) / a.length;
  const vb = sampleVariance(b as number[]) / b.length;
  const se = Math.sqrt(va + vb);
  const sd = se * Math.sqrt(n);
  if (se === 0) {
    const p = center === 0 ? 1 : 0;
    return { n, mean: center, sd, halfWidth: 0, low: center, high: center, p, paired: false };
  }
  const df = (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  const halfWidth = tQuantile((1 + level) / 2, df) * se;
  const p = 2 * tCdf(-Math.abs(center) / se, df);
  return {
    n,
    mean: center,
    sd,
    halfWidth,
    low: center - halfWidth,
    high: center + halfWidth,
    p,
    paired: false,
  };
}

/**
 * Interval of mean(b) / mean(a) over pairs. Unbounded where the mean of `a` cannot be told from 0, as Fieller's
 * interval then is.
 */
export function ratioInterval(
  a: readonly number[],
  b: readonly number[],
  level = LEVEL,
): Interval & { readonly ratio: number } {
  if (a.length !== b.length) throw new RangeError(`${a.length} replications against ${b.length}`);
  const n = a.length;
  const ma = mean(a as number[]);
  const mb = mean(b as number[]);
  const ratio = mb / ma;
  const unbounded = { ratio, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  if (n < 2) return unbounded;
  const t2 = tQuantile((1 + level) / 2, n - 1) ** 2 / n;
  const vaa = sampleVariance(a as number[]);
  const vbb = sampleVariance(b as number[]);
  const vab = sampleCovariance(a as number[], b as number[]);
  // Those r for which mean(b - r a) is within t of 0: a quadratic in r.
  const q = ma * ma - t2 * vaa;
  if (q <= 0) return unbounded;
  const half = ma * mb - t2 * vab;
  const root = Math.sqrt(Math.max(0, half * half - q * (mb * mb - t2 * vbb)));
  return { ratio, low: (half - root) / q, high: (half + root) / q };
}

/** Holm's corrected p-values, in the order given. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((i, j) => ps[i]! - ps[j]! || i - j);
  const corrected = new Array<number>(ps.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (ps.length - rank) * ps[index]!));
    corrected[index] = largest;
  });
  return corrected;
}
