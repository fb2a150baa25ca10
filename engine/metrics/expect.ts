// What an experiment expects of its results: `pod.startup.p99 < 5s`, `pods.pending == 0`, `cpu.requested >= 60%`.
// Parsed and checked before a run, judged on the summary after it, on the numbers as they are printed there.
import { closest, distance } from 'fastest-levenshtein';
import type { ExpectResult, LatencySummary, RunSummary } from '../contracts/result.ts';
import { LATENCY_STATISTICS, METRICS } from './registry.ts';

const OPERATORS = ['<=', '>=', '==', '!=', '<', '>'] as const;
type Operator = (typeof OPERATORS)[number];

export interface Expectation {
  readonly metric: string;
  readonly operator: Operator;
  /** In the unit of the metric: seconds, shares, counts. */
  readonly value: number;
}

const SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86400,
};

const LATENCIES = METRICS.filter((metric) => metric.group === 'latency').map((metric) => metric.name);
const POD_COUNTS = METRICS.filter((metric) => metric.group === 'pods').map((metric) => `pods.${metric.name}`);
const SHARES = METRICS.filter((metric) => metric.group === 'utilisation').map((metric) => metric.name);
const RATES = METRICS.filter((metric) => metric.group === 'throughput').map((metric) => metric.name);
/** Whole-run numbers. `pods.lost`: created, yet neither deleted nor there. */
const COUNTS = [...POD_COUNTS, 'pods.lost', 'nodes.count', 'nodes.peak', 'events'];

/** Counters of a stream of requests. */
const REQUEST_COUNT = /^requests\.[a-z0-9-]+\.(sent|answered|failed|retried)$/;

/** Counters of the kubelets: what never happened was not counted, and is none. */
const KUBELET_COUNT =
  /^kubelet\.(imagesRemoved|evictions(\.(memory|allocatableMemory|nodefs|imagefs|pid)\.[a-zA-Z]+)?)$/;

/** Says what is wrong with an expectation, or null when it can be judged. */
export function checkExpect(text: string): string | null {
  const parsed = parseExpect(text);
  return typeof parsed === 'string' ? parsed : null;
}

/** Judges the expectation on a summary. What was not observed (a latency without values) does not hold. */
export function judgeExpect(text: string, summary: RunSummary): ExpectResult {
  const parsed = parseExpect(text);
  if (typeof parsed === 'string') throw new RangeError(`expect "${text}": ${parsed}`);
  const observed = observe(parsed.metric, summary);
  return { text, holds: observed !== null && holds(observed, parsed.operator, parsed.value), observed };
}

/** As `judgeExpect`, on the mean over several runs; where one of them observed nothing it does not hold. */
export function judgeMeanExpect(text: string, summaries: readonly RunSummary[]): ExpectResult {
  const parsed = parseExpect(text);
  if (typeof parsed === 'string') throw new RangeError(`expect "${text}": ${parsed}`);
  let sum = 0;
  for (const summary of summaries) {
    const one = observe(parsed.metric, summary);
    if (one === null) return { text, holds: false, observed: null };
    sum += one;
  }
  if (summaries.length === 0) return { text, holds: false, observed: null };
  const observed = sum / summaries.length;
  return { text, holds: holds(observed, parsed.operator, parsed.value), observed };
}

/** Says what is wrong with the name of a metric (`pod.startup.p99`), or null. */
export function checkMetric(name: string): string | null {
  return canonicalName(name) === null ? unknownMetric(name) : null;
}

/** The number of that name in a summary; null where nothing was observed. The name must pass `checkMetric`. */
export function observedMetric(name: string, summary: RunSummary): number | null {
  const metric = canonicalName(name);
  if (metric === null) throw new RangeError(unknownMetric(name));
  return observe(metric, summary);
}

/** The parts of an expectation, its metric by its path in the summary; or what is wrong with it. */
export function parseExpect(text: string): Expectation | string {
  const match = /^\s*([^\s<>=!]+)\s*(<=|>=|==|!=|<|>|=)\s*(\S+)\s*$/.exec(text);
  if (match === null)
    return 'not of the form METRIC OPERATOR VALUE, such as "pod.startup.p99 < 5s" or "pods.pending == 0"';
  const [, name = '', operator = '', literal = ''] = match;
  if (operator === '=') return 'unknown operator "=": did you mean "=="?';
  const metric = canonicalName(name);
  if (metric === null) return unknownMetric(name);
  const value = parseValue(literal, metric);
  if (typeof value === 'string') return value;
  return { metric, operator: operator as Operator, value };
}

/** The path in the summary: `latency.pod.startup.p99`, `pods.pending`, `throughput.…`, `utilisation.…`. */
function canonicalName(name: string): string | null {
  if (REQUEST_COUNT.test(name) || KUBELET_COUNT.test(name)) return name;
  if (COUNTS.includes(name) || name === 'virtualSeconds') return name;
  const bare = name.replace(/^(latency|throughput|utilisation)\./, '');
  const group = name.slice(0, name.length - bare.length);
  if (SHARES.includes(bare) && group !== 'latency.' && group !== 'throughput.') return `utilisation.${bare}`;
  if (RATES.includes(bare) && (group === '' || group === 'throughput.')) return `throughput.${bare}`;
  const dot = bare.lastIndexOf('.');
  if (dot < 0 || (group !== '' && group !== 'latency.')) return null;
  const latency = bare.slice(0, dot);
  const statistic = bare.slice(dot + 1);
  if (!(LATENCY_STATISTICS as readonly string[]).includes(statistic)) return null;
  const known =
    LATENCIES.includes(latency) ||
    /^api\.[a-z]+\.[a-z][a-z0-9.-]*(\/[a-z]+)?$/.test(latency) ||
    /^workqueue\.[a-z-]+$/.test(latency) ||
    /^request\.latency\.[a-z0-9-]+$/.test(latency);
  return known ? `latency.${bare}` : null;
}

function unknownMetric(name: string): string {
  const bare = name.replace(/^latency\./, '');
  const candidates = [
    ...LATENCIES.filter((latency) => !latency.includes('<')).flatMap((latency) =>
      LATENCY_STATISTICS.map((statistic) => `${latency}.${statistic}`),
    ),
    ...COUNTS,
    ...SHARES,
    ...RATES,
    'virtualSeconds',
  ];
  const nearest = closest(bare, candidates);
  const near = distance(bare, nearest) <= Math.max(3, Math.floor(bare.length / 3));
  return `unknown metric "${name}"${near ? `: did you mean "${nearest}"?` : ': `kubetick list metrics` shows all'}`;
}

function parseValue(literal: string, metric: string): number | string {
  const isTime = (metric.startsWith('latency.') && !metric.endsWith('.count')) || metric === 'virtualSeconds';
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(literal)) return Number(literal);
  if (/^\d+(\.\d+)?%$/.test(literal)) {
    if (!metric.startsWith('utilisation.'))
      return `"${literal}": only utilisation is compared with a percentage`;
    return Number(literal.slice(0, -1)) / 100;
  }
  if (/^(\d+(\.\d+)?(us|µs|ms|s|m|h|d))+$/.test(literal)) {
    if (!isTime) return `"${literal}" is a duration, but ${metric} is a number`;
    let seconds = 0;
    for (const part of literal.matchAll(/(\d+(?:\.\d+)?)(us|µs|ms|s|m|h|d)/g))
      seconds += Number(part[1]) * SECONDS[part[2]!]!;
    // Whole µs, so that 250ms is exactly the 0.25 that the summary prints.
    return Math.round(seconds * 1e6) / 1e6;
  }
  return `"${literal}" is ${isTime ? 'no duration, such as 250ms, 5s, 10m' : 'no number'}`;
}

function observe(metric: string, summary: RunSummary): number | null {
  if (metric === 'events') return summary.events;
  if (metric === 'virtualSeconds') return summary.virtualSeconds;
  const { counters } = summary as Partial<{ counters: Record<string, number> }>;
  if (REQUEST_COUNT.test(metric)) return counters?.[metric] ?? null;
  if (KUBELET_COUNT.test(metric)) return counters?.[metric] ?? 0;
  const dot = metric.indexOf('.');
  const group = metric.slice(0, dot);
  const rest = metric.slice(dot + 1);
  if (group === 'pods') {
    if (rest !== 'lost') return (summary.pods as unknown as Record<string, number>)[rest] ?? null;
    const { created, deleted, running, pending, succeeded, failed } = summary.pods;
    return created - deleted - running - pending - succeeded - failed;
  }
  if (group === 'nodes') return rest === 'peak' ? summary.nodes.peak : summary.nodes.count;
  if (group === 'utilisation') return summary.utilisation[rest] ?? null;
  if (group === 'throughput') return summary.throughput[rest] ?? null;
  const end = rest.lastIndexOf('.');
  const statistic = rest.slice(end + 1) as keyof LatencySummary;
  const latency = summary.latency[rest.slice(0, end)];
  if (latency === undefined) return statistic === 'count' ? 0 : null;
  return latency[statistic];
}

function holds(observed: number, operator: Operator, value: number): boolean {
  switch (operator) {
    case '<':
      return observed < value;
    case '<=':
      return observed <= value;
    case '>':
      return observed > value;
    case '>=':
      return observed >= value;
    case '==':
      return observed === value;
    case '!=':
      return observed !== value;
  }
}
