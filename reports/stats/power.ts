// What the replications that were run could have seen: power, least detectable effect, and how many more would do
// (Cohen 1988, Statistical Power Analysis; the exact power of the t test is that of the non-central t).
import { LEVEL, type MeanEstimate } from './mean.ts';
import { noncentralTCdf, tQuantile } from './student.ts';

/** Probability that a two-sided t test of n replications with standard deviation `sd` rejects, if the mean is `effect`. */
export function power(effect: number, sd: number, n: number, level = LEVEL): number {
  if (n < 2) return 0;
  if (sd === 0) return effect === 0 ? 0 : 1;
  const critical = tQuantile((1 + level) / 2, n - 1);
  const delta = (Math.abs(effect) / sd) * Math.sqrt(n);
  return 1 - noncentralTCdf(critical, n - 1, delta) + noncentralTCdf(-critical, n - 1, delta);
}

/** Probability that a one-sided test at `alpha` shows the mean to be beyond a bound that it exceeds by `effect`. */
export function oneSidedPower(effect: number, sd: number, n: number, alpha: number): number {
  if (n < 2) return 0;
  if (sd === 0) return effect > 0 ? 1 : 0;
  return 1 - noncentralTCdf(tQuantile(1 - alpha, n - 1), n - 1, (effect / sd) * Math.sqrt(n));
}

/** The smallest effect that a test of such replications sees with probability `wanted`; Infinity for one replication. */
export function detectableEffect(sd: number, n: number, wanted = 0.8, level = LEVEL): number {
  if (n < 2) return Number.POSITIVE_INFINITY;
  if (sd === 0) return 0;
  // In units of the standard deviation it depends on the other three alone, and costs a hundred quadratures.
  const key = `${n} ${wanted} ${level}`;
  const unit = units.get(key) ?? unitEffect(n, wanted, level);
  if (units.size < UNITS_MAX) units.set(key, unit);
  return sd * unit;
}

const units = new Map<string, number>();
const UNITS_MAX = 1000;

function unitEffect(n: number, wanted: number, level: number): number {
  let low = 0;
  let high = 1;
  while (power(high, 1, n, level) < wanted) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (power(middle, 1, n, level) < wanted) low = middle;
    else high = middle;
  }
  return high;
}

/** Replications for an interval of +- `halfWidth`, from the spread seen so far. */
export function replicationsFor(halfWidth: number, sd: number, level = LEVEL): number {
  if (sd === 0) return 2;
  let n = 2;
  while (n < 1_000_000 && tQuantile((1 + level) / 2, n - 1) * (sd / Math.sqrt(n)) > halfWidth) {
    n = Math.max(n + 1, Math.ceil(n * 1.01));
  }
  return n;
}

/** An interval wider than this share of its mean is worth a word. */
const WIDE = 0.1;

/** Advice on a wide interval, null where it is narrow enough. */
export function advice({ n, mean, sd, halfWidth }: MeanEstimate): string | null {
  if (n < 2) return 'one replication has no interval; seeds.replications: 10 is a start';
  const share = halfWidth / Math.abs(mean);
  if (!(share > WIDE) || !Number.isFinite(share)) return null;
  const percent = (x: number): string => `${(100 * x).toPrecision(2)}%`;
  const more = replicationsFor(halfWidth / 2, sd);
  return `interval is +-${percent(share)} of the mean; about ${more} replications would give +-${percent(share / 2)}`;
}
