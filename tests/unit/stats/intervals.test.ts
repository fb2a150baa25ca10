// Intervals, tests and corrections against values worked out by hand or printed in tables.
import { describe, expect, it } from 'vitest';
import { holm, pairedDifference, ratioInterval, welchDifference } from '../../../reports/stats/compare.ts';
import { meanBelowTest, meanInterval, meanTest } from '../../../reports/stats/mean.ts';
import { regressionTest } from '../../../reports/stats/noninferiority.ts';
import { fewestFor, medianInterval } from '../../../reports/stats/quantile.ts';
import { noncentralTCdf, tCdf, tQuantile } from '../../../reports/stats/student.ts';

describe('mean and t interval', () => {
  it('is mean ± t s / √n', () => {
    // 1 … 5: mean 3, s² = 10/4 = 2.5, t(0.975, 4) = 2.776 (tables), half width 2.776 √(2.5/5) = 1.963
    const { mean, halfWidth, low, high } = meanInterval([1, 2, 3, 4, 5]);
    expect(mean).toBe(3);
    expect(halfWidth).toBeCloseTo(1.963, 3);
    expect([low, high].map((x) => Math.round(x * 1000))).toEqual([1037, 4963]);
  });
  it('has no bounds for one replication, and no width for equal ones', () => {
    expect(meanInterval([7])).toMatchObject({ mean: 7, low: -Infinity, high: Infinity });
    expect(meanInterval([7, 7, 7])).toMatchObject({ low: 7, high: 7, halfWidth: 0 });
    expect(() => meanInterval([])).toThrow(RangeError);
  });
  it.each([
    // t = (3 - 1.037) / √(2.5/5) = 2.776: exactly the 5 % point
    [[1, 2, 3, 4, 5], 3 - 2.7764451 * Math.sqrt(0.5), 0.05],
    [[1, 2, 3, 4, 5], 3, 1],
    [[2, 2], 2, 1],
    [[2, 2], 1, 0],
    [[2], 1, 1],
  ])('tests %j against %d: p = %d', (samples, value, p) => {
    expect(meanTest(samples, value)).toBeCloseTo(p, 6);
  });
  it('one-sided is half of two-sided on its side', () => {
    const samples = [1, 2, 3, 4, 5];
    expect(meanBelowTest(samples, 4)).toBeCloseTo(meanTest(samples, 4) / 2, 12);
    expect(meanBelowTest(samples, 2)).toBeCloseTo(1 - meanTest(samples, 2) / 2, 12);
  });
});

describe('median by order statistics', () => {
  it('needs six replications for 95 %: 1 - 2 / 2⁶ = 96.9 %, with five 93.75 %', () => {
    expect(fewestFor(0.95)).toBe(6);
    expect(medianInterval([1, 2, 3, 4, 5])).toMatchObject({ median: 3, low: -Infinity, high: Infinity });
  });
  it('interpolates between ranks', () => {
    // n = 10: ranks 2 and 9 cover 1 - 2 (1 + 10) / 1024 = 97.85 %, ranks 3 and 8 cover 1 - 2 · 56 / 1024 = 89.06 %.
    // step = (97.85 - 95) / (97.85 - 89.06) = 0.3244; share = 8 · 0.3244 / (2 + 6 · 0.3244) = 0.6577
    const { low, high } = medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(low).toBeCloseTo(2.6577, 3);
    expect(high).toBeCloseTo(9 - 0.6577, 3);
  });
  it('does not care what far values are', () => {
    const near = medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(medianInterval([-1e9, 2, 3, 4, 5, 6, 7, 8, 9, 1e9])).toEqual(near);
  });
});

describe('two variants', () => {
  it('pairs take away what replications share', () => {
    // b - a = 1, 1, 2, 2: mean 1.5, s² = 1/3, t = 1.5 / √(1/12) = 5.196, 3 df: p = 0.0138
    const { mean, p, paired } = pairedDifference([10, 20, 30, 40], [11, 21, 32, 42]);
    expect([mean, paired]).toEqual([1.5, true]);
    expect(p).toBeCloseTo(0.0138, 4);
    // Unpaired: the spread of 10 … 40 drowns it.
    expect(welchDifference([10, 20, 30, 40], [11, 21, 32, 42]).p).toBeGreaterThan(0.8);
  });
  it('equal runs are equal beyond doubt', () => {
    expect(pairedDifference([1, 2, 3], [1, 2, 3])).toMatchObject({ mean: 0, low: 0, high: 0, p: 1 });
  });
  it('Welch: degrees of freedom by Satterthwaite', () => {
    // means 2 and 5, variances 1 and 4, n 3 and 5: se² = 1/3 + 4/5 = 1.1333;
    // df = 1.1333² / ((1/3)²/2 + 0.8²/4) = 1.2844 / 0.21556 = 5.959; t = 3 / 1.0646 = 2.818: p = 0.0306
    const { mean, p } = welchDifference([1, 2, 3], [5 - Math.sqrt(8), 5, 5, 5, 5 + Math.sqrt(8)]);
    expect(mean).toBeCloseTo(3, 12);
    expect(p).toBeCloseTo(2 * tCdf(-3 / Math.sqrt(1 / 3 + 0.8), 1.28444444 / (1 / 18 + 0.16)), 6);
    expect(p).toBeCloseTo(0.0306, 3);
  });
  it('Fieller: the interval holds just those ratios whose difference is not told from 0', () => {
    const a = [10, 12, 9, 11, 10, 13];
    const b = [11, 13, 10, 13, 10, 15];
    const { ratio, low, high } = ratioInterval(a, b);
    expect(ratio).toBeCloseTo(72 / 65, 12);
    const pOf = (r: number): number => meanTest(b.map((x, i) => x - r * a[i]!));
    expect(pOf(low)).toBeCloseTo(0.05, 9);
    expect(pOf(high)).toBeCloseTo(0.05, 9);
    expect(ratioInterval([-1, 1, -1, 1], b.slice(0, 4))).toMatchObject({ low: -Infinity, high: Infinity });
  });
  it.each([
    // sorted 0.01, 0.02, 0.04: × 3, × 2, × 1, never falling
    [
      [0.04, 0.01, 0.02],
      [0.04, 0.03, 0.04],
    ],
    [
      [0.5, 0.9],
      [1, 1],
    ],
    [[], []],
  ])('Holm corrects %j to %j', (ps, corrected) => {
    expect(holm(ps).map((p) => Math.round(p * 1e9) / 1e9)).toEqual(corrected);
  });
});

describe('regression beyond a margin', () => {
  it('is evidence only when the mean is beyond the margin by more than chance', () => {
    expect(regressionTest([6, 7, 8, 7, 6], 5).p).toBeLessThan(0.01);
    expect(regressionTest([4, 7, 3, 8, 5], 5).p).toBeGreaterThan(0.3);
    expect(regressionTest([-1, 0, 1, 0], 5).p).toBeGreaterThan(0.99);
  });
  it('knows exact equality: virtual time has no noise', () => {
    expect(regressionTest([0, 0, 0], 0)).toMatchObject({ mean: 0, p: 1, detectable: 0 });
    expect(regressionTest([1, 1, 1], 0)).toMatchObject({ p: 0 });
  });
});

describe('distributions', () => {
  it.each([
    [0.975, 1, 12.706],
    [0.975, 9, 2.262],
    [0.95, 19, 1.729],
    [0.995, 19, 2.861],
  ])('t(%d, %d) = %d (tables)', (p, df, t) => {
    expect(tQuantile(p, df)).toBeCloseTo(t, 3);
  });
  it('the non-central t is the t where it is not off centre', () => {
    for (const df of [1, 2, 5, 30])
      for (const t of [-2, 0, 0.7, 3]) expect(noncentralTCdf(t, df, 0)).toBeCloseTo(tCdf(t, df), 6);
  });
});
