// SchedulingThroughput as clusterloader2 measures it (perf-tests common/scheduling_throughput.go): pods bound a second, in
// samples, and the percentiles of these. Samples here go from the first pod stored to the last binding, one a second, as
// its load test sets them; upstream's start with the phase that creates the pods and end when they run.
import { judged, type Objective, percentiles, type SloItem } from './items.ts';

/** 100 pods/s in the best sample: load/modules/scheduler-throughput/config.yaml, CL2_SCHEDULER_THROUGHPUT_THRESHOLD. */
const OBJECTIVE: Objective = { of: 'ClusterLoader2', statistic: 'Max', direction: 'atLeast', limit: 100 };
const SECOND_US = 1_000_000;

export class SchedulingThroughput {
  /** By second of virtual time. */
  private readonly bound = new Map<number, number>();
  private readonly waiting = new Map<number, number>();
  private first = Number.POSITIVE_INFINITY;
  private last = Number.NEGATIVE_INFINITY;
  private pods = 0;

  /** Times in µs. */
  add({
    created,
    bound,
    attempts,
  }: {
    created: number | null;
    bound: number | null;
    attempts: number;
  }): void {
    if (created === null) return;
    const from = Math.floor(created / SECOND_US);
    if (bound !== null) {
      const to = Math.floor(bound / SECOND_US);
      this.bound.set(to, (this.bound.get(to) ?? 0) + 1);
      this.first = Math.min(this.first, from);
      this.last = Math.max(this.last, to);
      this.pods++;
      // A pod that fits nowhere is no work that a faster scheduler would have done.
      if (attempts <= 1) {
        this.waiting.set(from, (this.waiting.get(from) ?? 0) + 1);
        this.waiting.set(to + 1, (this.waiting.get(to + 1) ?? 0) - 1);
      }
    }
  }

  items(): SloItem[] {
    if (this.pods === 0) return [];
    const seconds = this.last - this.first + 1;
    const samples = new Float64Array(seconds);
    for (const [second, pods] of this.bound) samples[second - this.first] = pods;
    const average = this.pods / seconds;
    const data = { ...percentiles(samples.sort()), Average: average };
    const asked = this.mostWaiting() >= OBJECTIVE.limit;
    return [
      {
        measurement: 'SchedulingThroughput',
        metric: 'SchedulingThroughput',
        labels: { Metric: 'SchedulingThroughput' },
        unit: '1/s',
        count: seconds,
        data,
        objective: OBJECTIVE,
        verdict: asked ? judged(data, OBJECTIVE) : 'not judged',
        ...(asked ? {} : { note: `never ${OBJECTIVE.limit} pods waited in one second` }),
      },
    ];
  }

  /** Most pods that waited for the scheduler, or came to it, in one second. */
  private mostWaiting(): number {
    let waiting = 0;
    let most = 0;
    for (const second of [...this.waiting.keys()].sort((a, b) => a - b)) {
      waiting += this.waiting.get(second)!;
      most = Math.max(most, waiting);
    }
    return most;
  }
}
