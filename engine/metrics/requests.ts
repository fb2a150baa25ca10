// Requests to the API server by verb and resource: counts, answers of 400 and more by code, latencies. The rows of
// api.csv; the latencies also stand in the summary as `api.<verb>.<resource>`.
import type { LatencySummary } from '../contracts/result.ts';
import type { Cell } from '../contracts/tables.ts';
import type { Histogram } from './histogram.ts';

/** Objectives for the latency of one object and of a list (kubernetes/community sig-scalability/slos/slos.md), µs. */
const OBJECT_US = 1_000_000;
const LIST_US = 30_000_000;

interface RequestKind {
  readonly verb: string;
  readonly resource: string;
  readonly latency: number;
  readonly limitUs: number;
  count: number;
  /** Answers later than the limit. */
  slow: number;
  /** Answers of 400 and more by code. */
  readonly errors: Map<number, number>;
}

export class Requests {
  private readonly kinds: RequestKind[] = [];
  private readonly ids = new Map<string, number>();

  /**
   * Id of a verb and resource (`pods/binding` with its subresource), the same at every call.
   * @param latency the histogram's id, as the recorder gives it out
   */
  kind(verb: string, resource: string, latency: (name: string) => number): number {
    const key = `${verb}.${resource}`;
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.kinds.length;
    this.kinds.push({
      verb,
      resource,
      latency: latency(`api.${key}`),
      limitUs: verb === 'list' ? LIST_US : OBJECT_US,
      count: 0,
      slow: 0,
      errors: new Map(),
    });
    this.ids.set(key, id);
    return id;
  }

  /** Counts an answer after `us`; returns the id of the latency it belongs to. */
  answer(kind: number, code: number, us: number): number {
    const entry = this.kinds[kind]!;
    entry.count++;
    if (us > entry.limitUs) entry.slow++;
    if (code >= 400) entry.errors.set(code, (entry.errors.get(code) ?? 0) + 1);
    return entry.latency;
  }

  /** Rows of api.csv without the run labels, sorted by resource and verb; kinds without answers are left out. */
  *rows(histogram: (id: number) => Histogram): Generator<Cell[]> {
    const sorted = this.kinds
      .filter((kind) => kind.count > 0)
      .sort((a, b) => compare(a.resource, b.resource) || compare(a.verb, b.verb));
    for (const { verb, resource, latency, count, slow, errors } of sorted) {
      const values = histogram(latency);
      const codes = [...errors].sort((a, b) => a[0] - b[0]).map(([code, times]) => `${code}:${times}`);
      const cells: Cell[] = [verb, resource, count, codes.join(' ')];
      if (values.count === 0) cells.push(null, null, null, null);
      else {
        const { p50, p90, p99, max } = summarise(values);
        cells.push(p50, p90, p99, max);
      }
      cells.push(verb === 'list' ? 'cluster' : 'resource', slow);
      yield cells;
    }
  }
}

/** The summary of a histogram that is not empty, in seconds. */
export function summarise(values: Histogram): LatencySummary {
  return {
    count: values.count,
    // To the nanosecond: a mean of whole µs has no more to say.
    mean: Math.round(values.mean() * 1e3) / 1e9,
    min: values.min / 1e6,
    p50: values.percentile(50) / 1e6,
    p90: values.percentile(90) / 1e6,
    p99: values.percentile(99) / 1e6,
    max: values.max / 1e6,
  };
}

/** Of every histogram with values, in order of name: the order in which rooms happened to ask for ids says nothing. */
export function summaries(
  ids: ReadonlyMap<string, number>,
  histograms: readonly Histogram[],
): Record<string, LatencySummary> {
  const told: Record<string, LatencySummary> = {};
  for (const name of [...ids.keys()].sort()) {
    const values = histograms[ids.get(name)!]!;
    if (values.count > 0) told[name] = summarise(values);
  }
  return told;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
