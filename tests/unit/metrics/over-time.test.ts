// Values over time: weighted means, peaks, thinned series, utilisation of nodes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeUsage } from '../../../engine/metrics/node-usage.ts';
import { TimeWeighted } from '../../../engine/metrics/time-weighted.ts';
import { SERIES_POINTS_MAX, ThinnedSeries } from '../../../engine/metrics/timeseries.ts';

describe('TimeWeighted', () => {
  it.each([
    // 2 for 10 µs, then 6 for 30 µs: (20 + 180) / 40 = 5
    { warmUp: 0, end: 40, mean: 5 },
    // from 5: 2 for 5 µs, 6 for 30 µs: (10 + 180) / 35
    { warmUp: 5, end: 40, mean: 190 / 35 },
    // from 20: 6 throughout
    { warmUp: 20, end: 40, mean: 6 },
    // warm-up longer than the run: the value itself
    { warmUp: 100, end: 40, mean: 6 },
  ])('mean after a warm-up of $warmUp µs is $mean', ({ warmUp, end, mean }) => {
    const weighted = new TimeWeighted(warmUp);
    const row = weighted.add(2, 0);
    weighted.set(row, 6, 10);
    expect(weighted.mean(row, 0, end)).toBeCloseTo(mean, 12);
    expect(weighted.peak(row)).toBe(6);
  });

  it('has the peak of a value that lasted no time', () => {
    const weighted = new TimeWeighted(0);
    const row = weighted.add(0, 0);
    weighted.set(row, 9, 5);
    weighted.set(row, 1, 5);
    expect(weighted.peak(row)).toBe(9);
    expect(weighted.mean(row, 0, 10)).toBe(0.5);
  });

  it('keeps rows apart while it grows', () => {
    const weighted = new TimeWeighted(0);
    for (let i = 0; i < 100; i++) expect(weighted.add(i, 0)).toBe(i);
    for (let i = 0; i < 100; i++) expect(weighted.mean(i, 0, 10)).toBe(i);
  });
});

describe('ThinnedSeries', () => {
  it('keeps every point of a short series, and no repetition', () => {
    const series = new ThinnedSeries();
    for (const [t, v] of [
      [0, 1],
      [5, 2],
      [6, 2],
      [9, 3],
    ] as const)
      series.add(t, v);
    expect(points(series)).toEqual([
      [0, 1],
      [5, 2],
      [9, 3],
    ]);
  });

  it('has the last of several values of one instant', () => {
    const series = new ThinnedSeries();
    series.add(3, 1);
    series.add(3, 7);
    expect(points(series)).toEqual([[3, 7]]);
  });

  it('thins to at most 500 true points, the last one the final value, spread over the whole run', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1e7 }), fc.integer()), { minLength: 1, maxLength: 3000 }),
        (steps) => {
          const series = new ThinnedSeries();
          const truth = new Map<number, number>();
          let t = 0;
          for (const [delta, value] of steps) {
            t += delta;
            series.add(t, value);
            truth.set(t, value);
          }
          const kept = points(series);
          expect(kept.length).toBeLessThanOrEqual(SERIES_POINTS_MAX);
          let before = -1;
          for (const [at, value] of kept) {
            expect(truth.get(at)).toBe(value);
            expect(at).toBeGreaterThan(before);
            before = at;
          }
          expect(kept.at(-1)![1]).toBe(steps.at(-1)![1]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps more than 250 of 100 000 evenly spaced changes', () => {
    const series = new ThinnedSeries();
    for (let i = 0; i < 100_000; i++) series.add(i * 1000, i);
    expect(series.length).toBeGreaterThan(250);
    expect(series.length).toBeLessThanOrEqual(500);
    const gaps = points(series).map(([t], i, all) => (i === 0 ? 0 : t - all[i - 1]![0]));
    // 100 s in cells of 2^18 µs = 0.262 s: 382 cells
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * 2 ** 18);
  });
});

describe('NodeUsage', () => {
  const row = (name: string, cpuMilli: number) => ({
    name,
    zone: 'a',
    cpuMilli,
    memoryBytes: 1000,
    podsMax: 110,
  });

  it('weighs requests by time, per node and over the cluster', () => {
    const usage = new NodeUsage(0);
    usage.added(0, { ...row('n1', 1000), runtime: 'docker://28.3.2' }, 0);
    usage.added(1, row('n2', 3000), 0);
    usage.usageIs(0, 500, 100, 1, 1, 10);
    usage.usageIs(0, 1000, 200, 2, 1, 20);
    usage.usageIs(0, 0, 0, 0, 0, 30);
    // n1 until 40: 500 × 10 + 1000 × 10 = 15 000 milli·µs of 1000 × 40 → 0.375; pods 10 + 20 = 30 / 40 = 0.75
    const [n1, n2] = [...usage.rows(40)];
    expect(n1).toEqual([
      'n1',
      'a',
      1000,
      1000,
      110,
      0,
      Number.NaN,
      0.375,
      (100 * 10 + 200 * 10) / 40_000,
      0.75,
      2,
      2,
      'docker://28.3.2',
    ]);
    expect(n2!.slice(7)).toEqual([0, 0, 0, 0, 0, '']);
    // cluster: 15 000 of 4000 × 40 = 160 000
    expect(usage.utilisation(40).cpu).toBeCloseTo(15_000 / 160_000, 12);
    expect(usage.peak).toBe(2);
  });

  it('counts a node for the time that it existed', () => {
    const usage = new NodeUsage(0);
    usage.added(0, row('n1', 1000), 0);
    usage.usageIs(0, 1000, 0, 1, 1, 0);
    usage.added(1, row('n2', 1000), 50);
    usage.removed(0, 60);
    // n1 is full from 0 to 60; n2 empty from 50 to 100: 60 000 of 60 000 + 50 000
    expect(usage.utilisation(100).cpu).toBeCloseTo(60 / 110, 12);
    const [n1] = [...usage.rows(100)];
    expect(n1!.slice(5, 8)).toEqual([0, 60, 1]);
    expect(usage.count).toBe(1);
    expect(usage.peak).toBe(2);
  });

  it('leaves the pods of a removed node out, and refuses a second removal', () => {
    const usage = new NodeUsage(0);
    usage.added(0, row('n1', 1000), 0);
    usage.usageIs(0, 700, 0, 1, 1, 0);
    usage.removed(0, 10);
    usage.usageIs(0, 0, 0, 0, 0, 20);
    expect(usage.pods).toBe(0);
    expect(usage.cpuShare).toBe(0);
    expect(() => usage.removed(0, 30)).toThrow(/does not exist/);
    expect(() => usage.added(0, row('n1', 1), 40)).toThrow(/used twice/);
  });
});

function points(series: ThinnedSeries): [number, number][] {
  return Array.from({ length: series.length }, (_, i) => [series.timeUs(i), series.value(i)]);
}
