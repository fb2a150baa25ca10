// When to stop adding replications: the interval is narrower than a share of the mean. Looking after every replication
// stops too often by a lucky small spread; so each look says how many replications the spread seen so far asks for, and
// the next look is only there (two stages as Stein 1945, A two-sample test for a linear hypothesis whose power is
// independent of the variance, repeated while the answer grows). The wanted share g is tightened to g / (1 + g), so that
// the true mean is within g of the estimate (Law, 9.4.1). `npm run bench -- coverage` measures what that covers.
import { LEVEL, meanInterval } from './mean.ts';
import { replicationsFor } from './power.ts';

/** Fewer replications than this tell too little about their own spread to stop by it. */
export const FEWEST = 20;

export interface PrecisionRule {
  /** Wanted half width over mean, above 0. */
  readonly relative: number;
  /** Never more than this many. */
  readonly most: number;
}

/** How many replications there should be at the next look: as many as there are, if these are enough. */
export function replicationsWanted(samples: readonly number[], rule: PrecisionRule, level = LEVEL): number {
  const n = samples.length;
  if (n < FEWEST) return Math.min(FEWEST, rule.most);
  const { mean, sd, halfWidth } = meanInterval(samples, level);
  const wanted = (rule.relative / (1 + rule.relative)) * Math.abs(mean);
  if (halfWidth <= wanted) return n;
  return Math.min(rule.most, Math.max(n + 1, replicationsFor(wanted, sd, level)));
}
