// Is the new state worse than the baseline by more than what is tolerated? Asked metric by metric over pairs of
// replications with the same seed, as a test of non-inferiority turned round: a regression is what is shown to be beyond
// the margin (reports/stats/noninferiority.ts), corrected by Holm for all metrics; where nothing is shown the answer says
// what would have been seen.
import { type Match, pairBySeed, type VariantRuns } from '../compare/compare.ts';
import { type Direction, isMeant, metricKind } from '../compare/directions.ts';
import { holm, ratioInterval } from '../stats/compare.ts';
import { LEVEL } from '../stats/mean.ts';
import { regressionTest } from '../stats/noninferiority.ts';

/** `equal`: in every pair, to the last digit. `lost`: observed in the baseline and no more. */
export type GateVerdict = 'regression' | 'lost' | 'no evidence' | 'equal';

export interface GateMetric {
  readonly variant: string;
  /** A column of summary.csv. */
  readonly metric: string;
  readonly direction: Direction;
  readonly n: number;
  readonly baseline: number;
  /** NaN where it is lost. */
  readonly value: number;
  readonly difference: number;
  /** difference / baseline; NaN where that is 0. */
  readonly relative: number;
  /** Interval of `relative`, 95 %, by Fieller. */
  readonly relativeCi95: readonly [number, number];
  /** One-sided, against "worse by no more than the margin"; and corrected for all metrics. */
  readonly p: number;
  readonly pHolm: number;
  readonly verdict: GateVerdict;
  /** Regression, as a share of the baseline, that would have been seen with probability 0.8. */
  readonly detectable: number;
}

export interface GateResult {
  /** Share of the baseline that is tolerated. */
  readonly maxRegression: number;
  readonly passed: boolean;
  /** Regressions first, then by importance. */
  readonly metrics: readonly GateMetric[];
  readonly notes: readonly string[];
}

interface Question {
  readonly match: Match;
  readonly metric: string;
  readonly direction: Direction;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Per pair: by how much more than the margin it is worse. */
  readonly beyond: readonly number[];
}

const ALPHA = 1 - LEVEL;
const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Whether a metric is gated: what was asked for, or without a wish the outcomes. Numbers without direction never are. */
export function isGated(metric: string, wanted: readonly string[]): boolean {
  const { direction, family } = metricKind(metric);
  if (direction === null) return false;
  return wanted.length === 0 ? family === 'outcome' : wanted.some((name) => isMeant(name, metric));
}

export function evaluateGate(
  matches: readonly Match[],
  maxRegression: number,
  wanted: readonly string[] = [],
): GateResult {
  const notes: string[] = [];
  const questions: Question[] = [];
  const lost: GateMetric[] = [];
  for (const match of matches) {
    const { pairs, alone } = pairBySeed(match.baseline.runs, match.variant.runs);
    const { label } = match.variant;
    if (alone > 0)
      notes.push(
        `${label}: ${pairs.length} replications as in the baseline; ${alone} on one side only are left out`,
      );
    if (pairs.length === 1)
      notes.push(
        `${label}: one replication shows no regression, whatever it says; seeds.replications: 10 is a start`,
      );
    for (const metric of gatedMetrics(match.baseline, wanted)) {
      const { direction } = metricKind(metric);
      const observed = pairs.filter(([a]) => a.metrics.has(metric));
      const both = observed.filter(([, b]) => b.metrics.has(metric));
      if (observed.length === 0) continue;
      const before = both.map(([a]) => a.metrics.get(metric)!);
      if (both.length === 0) {
        lost.push(
          lostMetric(
            label,
            metric,
            observed.map(([a]) => a.metrics.get(metric)!),
          ),
        );
        continue;
      }
      if (both.length < observed.length)
        notes.push(
          `${label}: ${metric} was not observed in ${observed.length - both.length} of ${observed.length} replications`,
        );
      const after = both.map(([, b]) => b.metrics.get(metric)!);
      const sign = direction === 'lower' ? 1 : -1;
      // The margin is taken pair by pair, so that the chance in the baseline itself counts.
      const beyond = before.map((x, i) => sign * (after[i]! - x) - maxRegression * Math.abs(x));
      questions.push({ match, metric, direction: direction!, before, after, beyond });
    }
  }
  const metrics = [...lost, ...answers(questions, maxRegression)];
  const failed = ({ verdict }: GateMetric): boolean => verdict === 'regression' || verdict === 'lost';
  metrics.sort(
    (x, y) =>
      Number(failed(y)) - Number(failed(x)) ||
      metricKind(x.metric).rank - metricKind(y.metric).rank ||
      (x.metric < y.metric ? -1 : x.metric > y.metric ? 1 : 0),
  );
  return { maxRegression, passed: !metrics.some(failed), metrics, notes };
}

function gatedMetrics({ runs }: VariantRuns, wanted: readonly string[]): string[] {
  const names = new Set(runs.flatMap(({ metrics }) => [...metrics.keys()]));
  return [...names].filter((metric) => isGated(metric, wanted)).sort();
}

/** Nothing to take a mean of: no chance could do that to every replication. */
function lostMetric(variant: string, metric: string, before: readonly number[]): GateMetric {
  return {
    variant,
    metric,
    direction: metricKind(metric).direction!,
    n: before.length,
    baseline: average(before),
    value: Number.NaN,
    difference: Number.NaN,
    relative: Number.NaN,
    relativeCi95: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    p: 0,
    pHolm: 0,
    verdict: 'lost',
    detectable: 0,
  };
}

const isEqual = ({ before, after }: Question): boolean => before.every((x, i) => x === after[i]);

function answers(questions: readonly Question[], maxRegression: number): GateMetric[] {
  // What is equal in every pair is no question and takes no part in the correction.
  const open = questions.filter((one) => !isEqual(one));
  const alpha = ALPHA / Math.max(1, open.length);
  const tests = new Map(open.map((one) => [one, regressionTest(one.beyond, 0, alpha)]));
  const corrected = holm(open.map((one) => tests.get(one)!.p));
  const ps = new Map(open.map((one, i) => [one, corrected[i]!]));
  return questions.map((one) => {
    const { match, metric, direction, before, after } = one;
    const [baseline, value] = [average(before), average(after)];
    const test = tests.get(one);
    const pHolm = ps.get(one) ?? 1;
    const { low, high } = ratioInterval(before, after);
    const difference = value - baseline;
    return {
      variant: match.variant.label,
      metric,
      direction,
      n: before.length,
      baseline,
      value,
      difference,
      relative: difference === 0 ? 0 : baseline === 0 ? Number.NaN : difference / Math.abs(baseline),
      relativeCi95: baseline > 0 ? [low - 1, high - 1] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      p: test?.p ?? 1,
      pHolm,
      verdict: test === undefined ? 'equal' : pHolm < ALPHA ? 'regression' : 'no evidence',
      detectable:
        before.length < 2 || (test !== undefined && baseline === 0)
          ? Number.POSITIVE_INFINITY
          : maxRegression + (test === undefined ? 0 : test.detectable / Math.abs(baseline)),
    };
  });
}
