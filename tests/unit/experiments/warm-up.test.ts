// `time.warmUp: auto`: where MSER-5 cuts the start-up latencies of a pilot.
import { describe, expect, test } from 'vitest';
import { type StartUp, warmUpOf } from '../../../experiments/warm-up.ts';

const HOUR_US = 3_600_000_000;

/** Pods seen ready each second from `fromS` on, each after `latencyS`. */
function startUps(fromS: number, latenciesS: readonly number[]): StartUp[] {
  return latenciesS.map((latency, i) => ({
    createdUs: (fromS + i - latency) * 1e6,
    watchedUs: (fromS + i) * 1e6,
  }));
}

const ramp = Array.from({ length: 40 }, (_, i) => 50 - i);
const balance = Array.from({ length: 160 }, (_, i) => 5 + (i % 2));

describe('the cut', () => {
  test('the ramp of an empty cluster is left out, the balance stays', () => {
    const { warmUpUs, settled } = warmUpOf(startUps(100, [...ramp, ...balance]), HOUR_US);
    expect(settled).toBe(true);
    // 40 pods of ramp from 100 s on: the cut is a batch of five around 140 s, never deep in the balance.
    expect(warmUpUs).toBeGreaterThanOrEqual(130e6);
    expect(warmUpUs).toBeLessThanOrEqual(160e6);
    expect(warmUpUs % 1e6).toBe(0);
  });

  test('a run in balance from its start has none', () => {
    expect(warmUpOf(startUps(100, balance), HOUR_US)).toEqual({ warmUpUs: 0, settled: true });
  });

  test('the order of rows does not matter', () => {
    const rows = startUps(100, [...ramp, ...balance]);
    expect(warmUpOf(rows.toReversed(), HOUR_US)).toEqual(warmUpOf(rows, HOUR_US));
  });

  test('too few pods: nothing is left out, and nothing is settled', () => {
    expect(warmUpOf([], HOUR_US)).toEqual({ warmUpUs: 0, settled: false });
    expect(warmUpOf(startUps(0, [9, 8, 7]), HOUR_US)).toEqual({ warmUpUs: 0, settled: false });
  });

  test('it ends before the run does', () => {
    const rising = startUps(0.5, [...balance.slice(0, 20), ...ramp]);
    const { warmUpUs } = warmUpOf(rising, 60e6);
    expect(warmUpUs).toBeLessThan(60e6);
  });
});
