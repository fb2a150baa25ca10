// Is the new value worse by more than a margin? The gate's question, asked so that chance alone does not answer yes: the
// regression must be shown beyond the margin (one-sided test of the paired differences against the margin), and where
// nothing is shown the answer says what could have been seen (Schuirmann 1987; CONSORT extension for non-inferiority).
import { type MeanEstimate, meanBelowTest, meanInterval } from './mean.ts';
import { oneSidedPower } from './power.ts';

export interface RegressionTest extends MeanEstimate {
  /** One-sided p-value against "worse by no more than the margin": small is evidence of a regression. */
  readonly p: number;
  /** Smallest regression, in the metric's unit, that would have been seen with probability 0.8. */
  readonly detectable: number;
}

/**
 * @param worse by how much the new value of each pair is worse than the old one, positive = worse
 * @param margin what is tolerated, in the same unit
 */
export function regressionTest(worse: readonly number[], margin: number, alpha = 0.05): RegressionTest {
  const estimate = meanInterval(worse);
  const p = meanBelowTest(
    worse.map((x) => -x),
    -margin,
  );
  return { ...estimate, p, detectable: margin + excessSeen(estimate.sd, estimate.n, alpha) };
}

/** What beyond the margin is seen with probability 0.8. */
function excessSeen(sd: number, n: number, alpha: number): number {
  if (n < 2) return Number.POSITIVE_INFINITY;
  if (sd === 0) return 0;
  // As in power.ts: in units of the standard deviation, which costs a hundred quadratures the first time.
  const key = `${n} ${alpha}`;
  const unit = units.get(key) ?? unitExcess(n, alpha);
  if (units.size < UNITS_MAX) units.set(key, unit);
  return sd * unit;
}

const units = new Map<string, number>();
const UNITS_MAX = 1000;

function unitExcess(n: number, alpha: number): number {
  let low = 0;
  let high = 1;
  while (oneSidedPower(high, 1, n, alpha) < 0.8) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (oneSidedPower(middle, 1, n, alpha) < 0.8) low = middle;
    else high = middle;
  }
  return high;
}
