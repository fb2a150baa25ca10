// What is better: the direction of every number of summary.csv, how much people care for it (the order of a comparison),
// and whether it is an outcome or a detail. Numbers without a direction (requests made, pods created, events) are told
// apart: that they differ is neither better nor worse.

export type Direction = 'lower' | 'higher';

/** `outcome`: what users and owners of a cluster notice. `detail`: where an outcome comes from. */
export type Family = 'outcome' | 'detail';

export interface MetricKind {
  readonly direction: Direction | null;
  readonly family: Family;
  /** Smaller comes first. */
  readonly rank: number;
}

type Rule = readonly [pattern: RegExp, direction: Direction | null, family: Family];

/** The first that matches holds; its place is the rank. */
const RULES: readonly Rule[] = [
  [/^expect\.failed$/, 'lower', 'outcome'],
  // How often, and the share of a whole, say nothing by themselves.
  [/^(latency|phases)\..*\.(count|share)$/, null, 'detail'],
  // The extremes of a run are single pods: they hang on chance more than on what is compared.
  [/^latency\.pod\..*\.(min|max)$/, 'lower', 'detail'],
  [/^latency\.pod\.startup\./, 'lower', 'outcome'],
  [/^pods\.(unschedulable|pending|failed)$/, 'lower', 'outcome'],
  [/^pods\.(ready|succeeded)$/, 'higher', 'outcome'],
  [/^throughput\./, 'higher', 'outcome'],
  // Requested over allocatable: the same load on fewer nodes.
  [/^utilisation\./, 'higher', 'outcome'],
  [/^nodes\.peak$/, 'lower', 'outcome'],
  // Until everything was done; equal where spec.time.run sets the end.
  [/^virtualSeconds$/, 'lower', 'outcome'],
  [/^latency\.service\.programming\.(mean|p50|p90|p99)$/, 'lower', 'outcome'],
  [/^nodes\.count$/, 'lower', 'detail'],
  [/^pods\.(started|scheduled)$/, 'higher', 'detail'],
  [/^latency\.pod\./, 'lower', 'detail'],
  [/^latency\.(scheduler|kubelet)\./, 'lower', 'detail'],
  [/^phases\..*\.mean$/, 'lower', 'detail'],
  [/^latency\./, 'lower', 'detail'],
];

/** Within one latency: percentiles before means, extremes last. */
const STATISTICS = ['p99', 'p90', 'p50', 'mean', 'max', 'min'];

/** What is known of a number of summary.csv; of an unknown one that it has no direction. */
export function metricKind(metric: string): MetricKind {
  const at = RULES.findIndex(([pattern]) => pattern.test(metric));
  const [, direction, family] = RULES[at] ?? [null, null, 'detail' as const];
  const statistic = STATISTICS.indexOf(metric.slice(metric.lastIndexOf('.') + 1));
  const rank = (at < 0 ? RULES.length : at) * (STATISTICS.length + 1) + statistic + 1;
  return { direction, family, rank };
}

/** Labels of a run and what is no measurement: not compared. */
const LABELS = new Set(['experiment', 'variant', 'replication', 'seed', 'fingerprint']);

/** Whether a column of summary.csv is a measurement. */
export const isMeasured = (column: string): boolean => !LABELS.has(column);

/** Whether `--metric wanted` means this metric: its column, the column without its group, or a whole latency. */
export function isMeant(wanted: string, metric: string): boolean {
  const bare = metric.replace(/^(latency|throughput|utilisation)\./, '');
  return (
    wanted === metric ||
    wanted === bare ||
    metric.startsWith(`${wanted}.`) ||
    (bare.startsWith(`${wanted}.`) && !bare.slice(wanted.length + 1).includes('.'))
  );
}
