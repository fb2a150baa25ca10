// What an SLO report is made of: measurements as ClusterLoader2 (kubernetes/perf-tests) names them, each with its
// percentiles, and where upstream has a limit for them, that limit and a verdict.

/** Measurements of ClusterLoader2 that a run can answer. */
export type Measurement =
  | 'PodStartupLatency'
  | 'StatelessPodStartupLatency'
  | 'StatefulPodStartupLatency'
  | 'APIResponsivenessPrometheus'
  | 'SchedulingThroughput'
  | 'NetworkProgrammingLatency';

export interface Objective {
  /** `SLO`: an official objective of Kubernetes; `ClusterLoader2`: what upstream's scale tests ask for. */
  readonly of: 'SLO' | 'ClusterLoader2';
  /** The number that is judged. */
  readonly statistic: 'Perc99' | 'Max';
  /** `atMost`: latencies; `atLeast`: throughput. */
  readonly direction: 'atMost' | 'atLeast';
  readonly limit: number;
}

/** `not judged`: the run does not put the question. */
export type Verdict = 'met' | 'missed' | 'not judged';

export interface SloItem {
  readonly measurement: Measurement;
  /** Unique within the measurement: `pod_startup`, `POST pods/binding`. */
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: 'ms' | '1/s';
  /** Pods, requests, intervals. */
  readonly count: number;
  /** Perc50, Perc90, Perc99, and Max where it is known. */
  readonly data: Readonly<Record<string, number>>;
  readonly objective: Objective | null;
  readonly verdict: Verdict | null;
  /** Why it is not judged, or what the number leaves out. */
  readonly note?: string;
}

/** A tested limit of a cluster, and what the run did. */
export interface ScaleLimit {
  readonly quantity: string;
  readonly value: number;
  readonly limit: number;
  readonly exceeded: boolean;
  /** Where: the node, the namespace. */
  readonly where?: string;
}

/** What one run says. */
export interface SloRun {
  readonly experiment: string;
  readonly variant: string;
  readonly replication: number;
  /** Length of the run, seconds of virtual time. */
  readonly virtualSeconds: number;
  readonly items: readonly SloItem[];
  readonly limits: readonly ScaleLimit[];
}

export function isWithin(value: number, { direction, limit }: Objective): boolean {
  return direction === 'atMost' ? value <= limit : value >= limit;
}

export function judged(data: Readonly<Record<string, number>>, objective: Objective): Verdict {
  return isWithin(data[objective.statistic]!, objective) ? 'met' : 'missed';
}

export const atMost = (of: Objective['of'], limit: number): Objective => ({
  of,
  statistic: 'Perc99',
  direction: 'atMost',
  limit,
});

/**
 * Percentiles of sorted values by nearest rank, as clusterloader2 counts them (measurement/util/latency_metric.go
 * NewLatencyMetric, common/scheduling_throughput.go); 0 without values.
 */
export function percentiles(
  sorted: ArrayLike<number>,
): Record<'Perc50' | 'Perc90' | 'Perc99' | 'Max', number> {
  const { length } = sorted;
  const rank = (percent: number): number =>
    length === 0 ? 0 : sorted[Math.ceil((length * percent) / 100) - 1]!;
  return { Perc50: rank(50), Perc90: rank(90), Perc99: rank(99), Max: rank(100) };
}
