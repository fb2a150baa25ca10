// Power, what could have been seen, when to stop, and where a warm-up ends.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../engine/kernel/index.ts';
import { meanInterval } from '../../../reports/stats/mean.ts';
import {
  advice,
  detectableEffect,
  oneSidedPower,
  power,
  replicationsFor,
} from '../../../reports/stats/power.ts';
import { FEWEST, replicationsWanted } from '../../../reports/stats/precision.ts';
import { mser5 } from '../../../reports/stats/warm-up.ts';

describe('power', () => {
  it.each([
    // Cohen 1988, table 2.3: one sample, effect in standard deviations, two-sided 5 %
    [0.5, 34, 0.81],
    [0.8, 15, 0.82],
    [1, 10, 0.8],
  ])('of an effect of %d sd with %i replications is %d', (effect, n, expected) => {
    expect(power(effect, 1, n)).toBeCloseTo(expected, 1.7);
  });
  it('of nothing is the level', () => {
    expect(power(0, 3, 12)).toBeCloseTo(0.05, 6);
    expect(oneSidedPower(0, 3, 12, 0.05)).toBeCloseTo(0.05, 6);
  });
  it('what is detectable is seen with the wanted probability', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (n, sd) => {
          expect(power(detectableEffect(sd, n), sd, n)).toBeCloseTo(0.8, 6);
        },
      ),
      { numRuns: 50 },
    );
  });
  it('knows what no replication can tell', () => {
    expect(detectableEffect(1, 1)).toBe(Infinity);
    expect(detectableEffect(0, 5)).toBe(0);
  });
});

describe('advice', () => {
  it('says how many replications halve the interval', () => {
    // mean 100, sd 31.4, n 15: half width 2.145 · 31.4 / √15 = 17.4. For 8.7: t(0.975, 52) · 31.4 / √53 = 8.65
    const text = advice({ n: 15, mean: 100, sd: 31.4, halfWidth: 17.4, low: 82.6, high: 117.4 });
    expect(text).toBe('interval is +-17% of the mean; about 53 replications would give +-8.7%');
    expect(replicationsFor(8.7, 31.4)).toBe(53);
  });
  it('is silent about narrow intervals', () => {
    expect(advice(meanInterval([100, 101, 99]))).toBeNull();
    expect(advice(meanInterval([5, 5, 5]))).toBeNull();
  });
  it('asks for more than one', () => {
    expect(advice(meanInterval([5]))).toMatch(/one replication/);
  });
});

describe('stopping', () => {
  const rule = { relative: 0.05, most: 100 };
  it('looks first after the fewest, and never asks for more than the most', () => {
    expect(replicationsWanted([], rule)).toBe(FEWEST);
    expect(replicationsWanted([1, 9], { relative: 0.05, most: 2 })).toBe(2);
    const wild = Array.from({ length: FEWEST }, (_, i) => (i % 2 === 0 ? 1 : 99));
    expect(replicationsWanted(wild, rule)).toBe(100);
  });
  it('ends where the interval is narrow enough', () => {
    const even = Array.from({ length: FEWEST }, () => 1);
    expect(replicationsWanted(even, rule)).toBe(FEWEST);
  });
  it('asks for what the spread seen so far needs', () => {
    // Half 90, half 110: mean 100, s = 10 √(20/19) = 10.26. Half width 100 · 0.02 / 1.02 = 1.961:
    // n = (1.983 · 10.26 / 1.961)² = 107.6, to the next whole number with its own t: 108
    const samples = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 90 : 110));
    expect(replicationsWanted(samples, { relative: 0.02, most: 1000 })).toBeCloseTo(108, -0.5);
  });
});

describe('MSER-5', () => {
  const noise = (seed: string, n: number): number[] => {
    const stream = new Rng(seed, 0).stream('noise');
    return Array.from({ length: n }, () => stream.next());
  };
  it('cuts a start that is unlike the rest', () => {
    // 100 observations far away, then 900 around 0.5
    for (const seed of ['a', 'b', 'c', 'd']) {
      const series = noise(seed, 1000).map((x, i) => (i < 100 ? x + 20 : x));
      const { cut, settled } = mser5(series);
      expect(settled).toBe(true);
      expect(cut).toBeGreaterThanOrEqual(100);
      expect(cut).toBeLessThan(500);
    }
  });
  it('says so when a series has not settled', () => {
    expect(mser5(Array.from({ length: 200 }, (_, i) => i)).settled).toBe(false);
    expect(mser5([1, 2, 3])).toEqual({ cut: 0, settled: false });
  });
});
