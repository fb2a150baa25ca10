// Durations of cost presets as samplers, and the end of runs in which only periodic work is left.

import { describe, expect, it } from 'vitest';
import { Durations, Kernel, KeyedDraw, PeriodicWork } from '../../../engine/kernel/index.ts';

function quantile(sorted: readonly number[], p: number): number {
  return sorted[Math.floor(p * sorted.length)]!;
}

describe('durations', () => {
  const durations = () => new Durations(new KeyedDraw('durations', 0));
  const N = 40_000;

  it('are constant, rounded to whole microseconds', () => {
    const sample = durations().sampler('constant', 12.6);
    expect([sample(1, 0), sample(2, 9)]).toEqual([13, 13]);
  });

  it('depend on purpose, entity and use only', () => {
    const spec = { dist: 'lognormal', p50: 1e6, p99: 5e6, max: 1e8 } as const;
    const one = durations();
    one.sampler('other', spec);
    const a = one.sampler('pull', spec);
    const b = durations().sampler('pull', spec);
    for (let i = 0; i < 100; i++) expect(a(i, i % 3)).toBe(b(i, i % 3));
    expect(a(1, 0)).not.toBe(a(1, 1));
    expect(a(1, 0)).not.toBe(a(2, 0));
  });

  it('uniform: integers from min to max, both included', () => {
    const sample = durations().sampler('uniform', { dist: 'uniform', min: 3, max: 6 });
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < N; i++) counts[sample(i, 0) - 3]!++;
    // 10,000 each expected, sd sqrt(40000 * 3/16) = 86.6; 5 of them.
    for (const count of counts) expect(Math.abs(count - N / 4)).toBeLessThan(433);
  });

  it('lognormal: has the median and the 99th percentile asked for, and is cut at max', () => {
    const spec = { dist: 'lognormal', p50: 1_000_000, p99: 5_000_000, max: 6_000_000 } as const;
    const sample = durations().sampler('lognormal', spec);
    const sorted = Array.from({ length: N }, (_, i) => sample(i, 0)).sort((a, b) => a - b);
    expect(sorted.every((us) => Number.isInteger(us) && us > 0 && us <= spec.max)).toBe(true);
    // sigma = ln 5 / 2.326 = 0.692. Standard error of ln median: sigma * sqrt(pi/2) / 200 = 0.43 %; 5 of them.
    expect(Math.abs(quantile(sorted, 0.5) / spec.p50 - 1)).toBeLessThan(0.022);
    // Of ln p99: sqrt(0.0099 / N) / (phi(2.326) / sigma) = 0.000497 * 0.692 / 0.02665 = 1.29 %; 5 of them.
    expect(Math.abs(quantile(sorted, 0.99) / spec.p99 - 1)).toBeLessThan(0.065);
    expect(sorted.at(-1)).toBe(spec.max);
  });
});

describe('periodic work', () => {
  /** A timer of period 10 that re-arms for ever, beside one event at `busyUntil`. */
  function run(stopWhenIdle: boolean, busyUntil: number) {
    const kernel = new Kernel();
    const work = new PeriodicWork(kernel, stopWhenIdle);
    const fired: number[] = [];
    const flush = kernel.on('flush', () => {
      if (work.fired()) return;
      fired.push(kernel.now);
      work.arm();
      kernel.after(10, flush, 0, 0);
    });
    const other = kernel.on('other', () => {});
    work.arm();
    kernel.after(10, flush, 0, 0);
    kernel.after(busyUntil, other, 0, 0);
    return { outcome: kernel.run(100), now: kernel.now, fired, ended: work.ended };
  }

  it('ends the run at its first firing with nothing else pending', () => {
    // Fires at 10, 20, 30 while the event of 35 is pending; at 40 nothing else is.
    expect(run(true, 35)).toEqual({ outcome: 'stopped', now: 40, fired: [10, 20, 30], ended: true });
  });

  it('goes on for ever unless asked to stop', () => {
    const { outcome, now, fired, ended } = run(false, 35);
    expect([outcome, now, fired.length, ended]).toEqual(['until', 100, 10, false]);
  });
});
