// What became of the requests of one stream: counters and latencies for the summary, and a row of requests.csv for each
// second in which requests were sent. A request belongs to the second of its first try, however late it is settled;
// rows leave in order of time.

import type { TableSession } from '../contracts/result.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { Cell } from '../contracts/tables.ts';
import type { RequestStream } from '../contracts/traffic.ts';
import { Histogram } from '../metrics/histogram.ts';

const SECOND = 1_000_000;

/** Why a request failed, by its last try; columns of requests.csv. */
export const CAUSES = ['no_endpoints', 'refused', 'reset', 'timeout', 'overload', 'no_address'] as const;
export type Cause = (typeof CAUSES)[number];

/** Requests first sent within one second. */
export class Interval {
  readonly fromUs: number;
  sent = 0;
  open = 0;
  answered = 0;
  retried = 0;
  readonly failed: number[] = CAUSES.map(() => 0);
  readonly latency: Histogram | null;

  constructor(fromUs: number, latency: Histogram | null) {
    this.fromUs = fromUs;
    this.latency = latency;
  }
}

export class TrafficBook {
  readonly #c: RunContext;
  readonly #stream: RequestStream;
  readonly #rows: TableSession | null;
  readonly #latency: number;
  readonly #sent: number;
  readonly #answered: number;
  readonly #failed: number;
  readonly #retried: number;
  readonly #byCause: (number | null)[] = CAUSES.map(() => null);
  readonly #rate: number;
  readonly #failureRate: number;
  /** Seconds whose row is not written yet, oldest first. */
  #intervals: Interval[] = [];
  /** Failures settled in the second that runs, for the gauge. */
  #failedNow = 0;

  constructor(context: RunContext, stream: RequestStream, rows: TableSession | null) {
    this.#c = context;
    this.#stream = stream;
    this.#rows = rows;
    const { recorder } = context;
    const name = `requests.${stream.name}`;
    this.#latency = recorder.latency(`request.latency.${stream.name}`);
    this.#sent = recorder.counter(`${name}.sent`);
    this.#answered = recorder.counter(`${name}.answered`);
    this.#failed = recorder.counter(`${name}.failed`);
    this.#retried = recorder.counter(`${name}.retried`);
    this.#rate = recorder.gauge(`${name}.rate`);
    this.#failureRate = recorder.gauge(`${name}.failureRate`);
  }

  /** A request is sent for the first time now. */
  sent(): Interval {
    const { recorder, kernel } = this.#c;
    recorder.count(this.#sent);
    let last = this.#intervals.at(-1);
    if (last === undefined || kernel.now >= last.fromUs + SECOND) {
      if (last !== undefined) this.#tick(last);
      const fromUs = kernel.now - (kernel.now % SECOND);
      last = new Interval(fromUs, this.#rows === null ? null : new Histogram());
      this.#intervals.push(last);
      this.#flush(false);
    }
    last.sent += 1;
    last.open += 1;
    return last;
  }

  retried(interval: Interval): void {
    this.#c.recorder.count(this.#retried);
    interval.retried += 1;
  }

  answered(interval: Interval, us: number, atUs: number): void {
    const { recorder } = this.#c;
    recorder.count(this.#answered);
    recorder.observeAt(this.#latency, us, atUs);
    interval.answered += 1;
    interval.open -= 1;
    interval.latency?.record(us);
  }

  failed(interval: Interval, cause: Cause): void {
    const { recorder } = this.#c;
    const index = CAUSES.indexOf(cause);
    recorder.count(this.#failed);
    const counter = (this.#byCause[index] ??= recorder.counter(
      `requests.${this.#stream.name}.failed.${cause}`,
    ));
    recorder.count(counter);
    this.#failedNow += 1;
    interval.failed[index]! += 1;
    interval.open -= 1;
  }

  /** The end of the run: every row is written; what is not settled stays open. */
  finish(): void {
    const last = this.#intervals.at(-1);
    if (last !== undefined) this.#tick(last);
    this.#flush(true);
  }

  #tick({ sent }: Interval): void {
    const { recorder } = this.#c;
    recorder.set(this.#rate, sent);
    recorder.set(this.#failureRate, this.#failedNow);
    this.#failedNow = 0;
  }

  /** Writes the rows of the seconds that are over and settled, in order; all of them at the end. */
  #flush(all: boolean): void {
    let written = 0;
    const last = this.#intervals.length - 1;
    for (const [i, interval] of this.#intervals.entries()) {
      if (!all && (i === last || interval.open > 0)) break;
      this.#write(interval);
      written += 1;
    }
    if (written > 0) this.#intervals = this.#intervals.slice(written);
  }

  #write(interval: Interval): void {
    if (this.#rows === null) return;
    const { latency } = interval;
    const at = (percent: number): Cell =>
      latency === null || latency.count === 0 ? null : latency.percentile(percent);
    const { name, namespace, service } = this.#stream;
    this.#rows.row([
      interval.fromUs,
      name,
      namespace,
      service,
      interval.sent,
      interval.answered,
      ...interval.failed,
      interval.retried,
      interval.open,
      at(50),
      at(99),
      latency === null || latency.count === 0 ? null : latency.max,
    ]);
  }
}
