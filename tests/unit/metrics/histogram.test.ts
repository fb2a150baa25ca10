// The histogram against exact values, and against HdrHistogram, whose buckets and percentile rule it follows.
import fc from 'fast-check';
import { build } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../engine/metrics/histogram.ts';

function of(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

const durations = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 5000 }),
    fc.integer({ min: 0, max: 2 ** 31 }),
    fc.integer({ min: 0, max: 2 ** 45 }),
    fc.constantFrom(2047, 2048, 2049, 4095, 4096, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1),
  ),
  { minLength: 1, maxLength: 60 },
);

describe('Histogram', () => {
  it.each([
    // 10 values: rank of p50 = ceil(0.5 × 10) = 5th, of p90 = 9th, of p99 = ceil(9.9) = 10th
    { values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], p50: 5, p90: 9, p99: 10, mean: 5.5 },
    { values: [7], p50: 7, p90: 7, p99: 7, mean: 7 },
    { values: [0, 0, 0], p50: 0, p90: 0, p99: 0, mean: 0 },
    // below 2048 every value has a bucket of its own
    { values: [2046, 2047, 2047], p50: 2047, p90: 2047, p99: 2047, mean: (2046 + 2 * 2047) / 3 },
    // 5000 lies in [4096, 8191], buckets 4 wide: 5000..5003; the top is cut to the exact max
    { values: [5000, 5002], p50: 5002, p90: 5002, p99: 5002, mean: 5001 },
    // 5000 alone in its bucket below a larger max: the top of the bucket
    { values: [5000, 9000], p50: 5003, p90: 9000, p99: 9000, mean: 7000 },
  ])('$values: p50 $p50, p90 $p90, p99 $p99', ({ values, p50, p90, p99, mean }) => {
    const histogram = of(values);
    expect(histogram.percentile(50)).toBe(p50);
    expect(histogram.percentile(90)).toBe(p90);
    expect(histogram.percentile(99)).toBe(p99);
    expect(histogram.mean()).toBeCloseTo(mean, 9);
    expect(histogram.min).toBe(Math.min(...values));
    expect(histogram.max).toBe(Math.max(...values));
  });

  it('is NaN while empty', () => {
    expect(new Histogram().percentile(50)).toBeNaN();
    expect(new Histogram().mean()).toBeNaN();
  });

  it('refuses what is no whole number of µs', () => {
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 50])
      expect(() => new Histogram().record(value)).toThrow(/no whole number/);
  });

  it('keeps the sum exact beyond 2^53', () => {
    // 20 000 values of 2^49 + 1: the sum is 20 000 × 2^49 + 20 000, far beyond 2^53, and the mean is exact
    const histogram = new Histogram();
    for (let i = 0; i < 20_000; i++) histogram.record(2 ** 49 + 1);
    expect(histogram.mean()).toBe(2 ** 49 + 1);
  });

  it('gives the percentiles of HdrHistogram with 3 digits, cut to the exact range', () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(0, 1, 25, 50, 90, 99, 99.9, 100), (values, percent) => {
        const hdr = build({ numberOfSignificantValueDigits: 3, autoResize: true, bitBucketSize: 32 });
        for (const value of values) hdr.recordValue(value);
        // HdrHistogram gives the lower end of the bucket for 0 %, the upper end otherwise.
        const theirs =
          percent === 0
            ? Math.min(...values)
            : Math.min(Math.max(...values), hdr.getValueAtPercentile(percent));
        const ours = of(values).percentile(percent);
        if (percent === 0) expect(ours / Math.max(1, theirs)).toBeLessThanOrEqual(1 + 1 / 1024);
        else expect(ours).toBe(Math.max(theirs, Math.min(...values)));
      }),
      { numRuns: 300 },
    );
  });

  it('is too high by at most 1/1024, never too low', () => {
    fc.assert(
      fc.property(durations, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.ceil((percent * values.length) / 100) - 1]!;
        const given = of(values).percentile(percent);
        expect(given).toBeGreaterThanOrEqual(exact);
        expect(given).toBeLessThanOrEqual(exact * (1 + 1 / 1024));
      }),
    );
  });

  it('merges to what it would be had all values been recorded in one', () => {
    fc.assert(
      fc.property(durations, durations, (a, b) => {
        const merged = of(a);
        merged.merge(of(b));
        const whole = of([...a, ...b]);
        expect([merged.count, merged.min, merged.max, merged.mean()]).toEqual([
          whole.count,
          whole.min,
          whole.max,
          whole.mean(),
        ]);
        for (const percent of [1, 50, 99]) expect(merged.percentile(percent)).toBe(whole.percentile(percent));
      }),
      { numRuns: 50 },
    );
  });
});
