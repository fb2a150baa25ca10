// Variants against a baseline, metric by metric: the difference over pairs of replications with the same seed, its
// interval, a p-value corrected for all that was asked, a verdict, and what could have been seen where nothing was.
// Everything is taken from the numbers of summary.csv; nothing is read here.

import { type Difference, holm, pairedDifference, ratioInterval, welchDifference } from '../stats/compare.ts';
import type { Interval } from '../stats/mean.ts';
import { LEVEL } from '../stats/mean.ts';
import { detectableEffect } from '../stats/power.ts';
import { type Direction, type Family, isMeant, metricKind } from './directions.ts';

/** One run: its seed and the measurements of its summary. */
export interface Replication {
  readonly replication: number;
  readonly seed: number | string;
  readonly metrics: ReadonlyMap<string, number>;
}

export interface VariantRuns {
  readonly label: string;
  readonly runs: readonly Replication[];
}

export interface Match<V extends VariantRuns = VariantRuns> {
  readonly baseline: V;
  readonly variant: V;
}

export type Verdict = 'better' | 'worse' | 'no evidence';

export interface MetricDifference {
  readonly variant: string;
  /** Label of what it is compared with. */
  readonly against: string;
  /** A column of summary.csv. */
  readonly metric: string;
  /** Pairs, or the smaller number of replications where there are no pairs. */
  readonly n: number;
  /** Means over replications. */
  readonly baseline: number;
  readonly value: number;
  /** value - baseline. */
  readonly difference: number;
  /** difference / baseline; NaN where that is 0. */
  readonly relative: number;
  /** Interval of the difference, 95 %, not corrected. */
  readonly ci95: readonly [number, number];
  /** Interval of `relative` by Fieller, for pairs; unbounded without. */
  readonly relativeCi95: readonly [number, number];
  readonly paired: boolean;
  readonly p: number;
  /** Corrected for all that the comparison asked. */
  readonly pHolm: number;
  /** Least difference that would have been seen with probability 0.8. */
  readonly mde: number;
}

export interface Comparison extends MetricDifference {
  readonly direction: Direction;
  readonly family: Family;
  readonly verdict: Verdict;
}

export interface ComparisonResult {
  /** Evidence first, what is equal in all replications last; within that outcomes first, by importance. */
  readonly comparisons: readonly Comparison[];
  /** Numbers that are neither good nor bad, where they differ. */
  readonly neutral: readonly MetricDifference[];
  /** Told to the user: what was left out, and why. */
  readonly notes: readonly string[];
}

/** Replications of a pair that share a seed, in the order of the baseline. */
export interface Pairing<R extends Replication = Replication> {
  readonly pairs: readonly (readonly [R, R])[];
  /** Replications without a partner. */
  readonly alone: number;
}

export function pairBySeed<R extends Replication>(a: readonly R[], b: readonly R[]): Pairing<R> {
  const bySeed = new Map<string, R[]>();
  // Replication r of both is the same where all share the experiment's one seed.
  const key = (run: R): string => JSON.stringify([run.seed, run.replication]);
  for (const run of b) bySeed.set(key(run), [...(bySeed.get(key(run)) ?? []), run]);
  const pairs: [R, R][] = [];
  for (const run of a) {
    const partner = bySeed.get(key(run))?.shift();
    if (partner !== undefined) pairs.push([run, partner]);
  }
  return { pairs, alone: a.length + b.length - 2 * pairs.length };
}

interface Tested {
  readonly match: Match;
  readonly metric: string;
  readonly baseline: number;
  readonly value: number;
  readonly test: Difference;
  readonly ratio: Interval;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
/** Probability with which `mde` is seen. */
const POWER = 0.8;
const UNBOUNDED: Interval = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** @param wanted names as `--metric` takes them; empty: all */
export function compareVariants(matches: readonly Match[], wanted: readonly string[] = []): ComparisonResult {
  const notes: string[] = [];
  const tested: Tested[] = [];
  for (const match of matches) {
    const { pairs, alone } = pairBySeed(match.baseline.runs, match.variant.runs);
    const names = `${match.variant.label} and ${match.baseline.label}`;
    const paired = pairs.length > 0 && (pairs.length > 1 || alone === 0);
    if (!paired)
      notes.push(
        `${names} share no seeds: Welch's test without pairs, which sees less; equal seeds give pairs`,
      );
    else if (alone > 0)
      notes.push(
        `${names}: ${pairs.length} pairs by seed; ${alone} replications without a partner are left out`,
      );
    const [a, b] = paired
      ? [pairs.map(([run]) => run), pairs.map(([, run]) => run)]
      : [match.baseline.runs, match.variant.runs];
    if (Math.min(a.length, b.length) < 2)
      notes.push(
        `${names}: one replication shows a difference, but not whether it is chance; seeds.replications: 10 is a start`,
      );
    const missing: string[] = [];
    for (const metric of metricsOf([...a, ...b], wanted)) {
      const found = testOf(match, metric, a, b, paired);
      if (found !== null) tested.push(found);
      else if (metricKind(metric).direction !== null) missing.push(metric);
    }
    if (missing.length > 0)
      notes.push(
        `${names}: observed on one side only: ${missing.slice(0, 8).join(', ')}${missing.length > 8 ? `, … (${missing.length})` : ''}`,
      );
  }
  const found = judged(tested);
  return { ...found, notes: [...new Set([...notes, ...suspects(found.comparisons)])] };
}

/** What would look like evidence to someone who asks one question only. */
function suspects(comparisons: readonly Comparison[]): string[] {
  const open = comparisons.filter(({ verdict, p }) => verdict === 'no evidence' && p < 1 - LEVEL).length;
  if (open === 0) return [];
  const asked = comparisons.filter((one) => !isUnmoved(one)).length;
  return [
    `${open} more would differ if each were the only one asked; of ${asked} asked at once chance alone gives about ${Math.round(asked * (1 - LEVEL))}: more replications, or fewer questions (--metric), tell`,
  ];
}

/** Equal in every replication. */
export const isUnmoved = ({ difference, mde }: MetricDifference): boolean => difference === 0 && mde === 0;

function metricsOf(runs: readonly Replication[], wanted: readonly string[]): string[] {
  const metrics = new Set(runs.flatMap((run) => [...run.metrics.keys()]));
  const meant = (metric: string): boolean =>
    wanted.length === 0 || wanted.some((name) => isMeant(name, metric));
  return [...metrics].filter(meant).sort();
}

function testOf(
  match: Match,
  metric: string,
  a: readonly Replication[],
  b: readonly Replication[],
  paired: boolean,
): Tested | null {
  const valuesOf = (runs: readonly Replication[]): (number | undefined)[] =>
    runs.map((run) => run.metrics.get(metric));
  let x = valuesOf(a);
  let y = valuesOf(b);
  if (paired) {
    // A pair counts where both have observed it.
    const both = x.map((value, i) => value !== undefined && y[i] !== undefined);
    x = x.filter((_, i) => both[i]);
    y = y.filter((_, i) => both[i]);
  }
  const known = (values: readonly (number | undefined)[]): number[] =>
    values.filter((value): value is number => value !== undefined);
  const [before, after] = [known(x), known(y)];
  if (before.length === 0 || after.length === 0) return null;
  return {
    match,
    metric,
    baseline: mean(before),
    value: mean(after),
    test: paired ? pairedDifference(before, after) : welchDifference(before, after),
    ratio: paired ? ratioInterval(before, after) : UNBOUNDED,
  };
}

/** Chance has no part in it: equal in every pair. Such a metric is not tested and takes no part in the correction. */
const isEqual = ({ test }: Tested): boolean => test.mean === 0 && test.halfWidth === 0;

function judged(tested: readonly Tested[]): Pick<ComparisonResult, 'comparisons' | 'neutral'> {
  const groups = new Map<string, Tested[]>();
  for (const each of tested) {
    const { direction, family } = metricKind(each.metric);
    const group = direction === null ? 'neutral' : family;
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  // Outcomes and details are corrected apart, each within its half of the 5 % (weighted Bonferroni over two families,
  // Holm within each): otherwise hundreds of request latencies would hide what happened to pods.
  const shares = ['outcome', 'detail'].filter((family) =>
    groups.get(family)?.some((one) => !isEqual(one)),
  ).length;
  const comparisons: Comparison[] = [];
  for (const family of ['outcome', 'detail'] as const) {
    for (const each of corrected(groups.get(family) ?? [], Math.max(1, shares))) {
      const direction = metricKind(each.metric).direction!;
      const evident = each.pHolm < 1 - LEVEL && each.difference !== 0;
      const improved = direction === 'lower' ? each.difference < 0 : each.difference > 0;
      const verdict = !evident ? 'no evidence' : improved ? 'better' : 'worse';
      comparisons.push({ ...each, direction, family, verdict });
    }
  }
  const neutral = corrected(groups.get('neutral') ?? [], 1).filter(({ pHolm }) => pHolm < 1 - LEVEL);
  return { comparisons: byImportance(comparisons), neutral: byImportance(neutral) };
}

function corrected(family: readonly Tested[], shares: number): MetricDifference[] {
  const open = family.filter((one) => !isEqual(one));
  const ps = new Map(holm(open.map(({ test }) => test.p)).map((p, i) => [open[i]!, Math.min(1, p * shares)]));
  const level = 1 - (1 - LEVEL) / (shares * Math.max(1, open.length));
  return family.map((one) => {
    const { match, metric, baseline, value, test, ratio } = one;
    return {
      variant: match.variant.label,
      against: match.baseline.label,
      metric,
      n: test.n,
      baseline,
      value,
      difference: test.mean,
      relative: test.mean === 0 ? 0 : baseline === 0 ? Number.NaN : test.mean / Math.abs(baseline),
      ci95: [test.low, test.high],
      // Of b / a; for a negative baseline there is no such share.
      relativeCi95: baseline > 0 ? [ratio.low - 1, ratio.high - 1] : [UNBOUNDED.low, UNBOUNDED.high],
      paired: test.paired,
      p: test.p,
      pHolm: ps.get(one) ?? 1,
      mde: isEqual(one) && test.n > 1 ? 0 : detectableEffect(test.sd, test.n, POWER, level),
    };
  });
}

function byImportance<D extends MetricDifference & { readonly verdict?: Verdict }>(list: readonly D[]): D[] {
  const evidence = (one: D): number => (one.verdict !== 'no evidence' ? 0 : isUnmoved(one) ? 2 : 1);
  const detail = ({ metric }: D): number => (metricKind(metric).family === 'outcome' ? 0 : 1);
  const order = (x: number, y: number): number => (Number.isNaN(x - y) ? 0 : x - y);
  return [...list].sort(
    (x, y) =>
      evidence(x) - evidence(y) ||
      detail(x) - detail(y) ||
      order(metricKind(x.metric).rank, metricKind(y.metric).rank) ||
      (x.metric < y.metric ? -1 : x.metric > y.metric ? 1 : 0),
  );
}
