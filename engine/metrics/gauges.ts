// Named gauges (a value over time: its mean, its peak, its course) and counters of a run.
import type { Cell } from '../contracts/tables.ts';
import { rounded } from './node-usage.ts';
import { TimeWeighted } from './time-weighted.ts';
import { ThinnedSeries } from './timeseries.ts';

export class Gauges {
  private readonly names: string[] = [];
  private readonly ids = new Map<string, number>();
  private readonly weighted: TimeWeighted;
  private readonly series: ThinnedSeries[] = [];
  private readonly startedUs: number[] = [];
  private readonly counterIds = new Map<string, number>();
  private readonly totals: number[] = [];

  constructor(warmUpUs: number) {
    this.weighted = new TimeWeighted(warmUpUs);
  }

  gauge(name: string, nowUs: number): number {
    const known = this.ids.get(name);
    if (known !== undefined) return known;
    const id = this.weighted.add(0, nowUs);
    this.ids.set(name, id);
    this.names.push(name);
    this.series.push(new ThinnedSeries());
    this.startedUs.push(nowUs);
    return id;
  }

  value(id: number): number {
    return this.weighted.value(id);
  }

  set(id: number, value: number, nowUs: number): void {
    this.weighted.set(id, value, nowUs);
    this.series[id]!.add(nowUs, value);
  }

  counter(name: string): number {
    const known = this.counterIds.get(name);
    if (known !== undefined) return known;
    const id = this.totals.length;
    this.totals.push(0);
    this.counterIds.set(name, id);
    return id;
  }

  count(id: number, n: number): void {
    this.totals[id] = this.totals[id]! + n;
  }

  /** By name: mean over time after warm-up, peak over the whole run. Gauges never set are left out. */
  summaries(nowUs: number): Record<string, { mean: number; peak: number }> {
    const summaries: Record<string, { mean: number; peak: number }> = {};
    for (const name of [...this.names].sort()) {
      const id = this.ids.get(name)!;
      if (this.series[id]!.length === 0) continue;
      const mean = rounded(this.weighted.mean(id, this.startedUs[id]!, nowUs));
      summaries[name] = { mean, peak: this.weighted.peak(id) };
    }
    return summaries;
  }

  counters(): Record<string, number> {
    const counters: Record<string, number> = {};
    for (const name of [...this.counterIds.keys()].sort())
      counters[name] = this.totals[this.counterIds.get(name)!]!;
    return counters;
  }

  /** Rows of timeseries.csv: series in order of name, each in order of time. */
  *rows(): Generator<Cell[]> {
    for (const name of [...this.names].sort()) {
      const series = this.series[this.ids.get(name)!]!;
      for (let i = 0; i < series.length; i++) yield [series.timeUs(i), name, series.value(i)];
    }
  }
}
