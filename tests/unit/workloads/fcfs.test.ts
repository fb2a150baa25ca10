// The reference queue: cases small enough to follow by hand, then M/M/c theory.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../engine/index.ts';
import { distribution } from '../../../workloads/distributions.ts';
import { durationUs } from '../../../workloads/units.ts';
import { erlangC, fcfsWaits, meanWaitMMc } from './fcfs.ts';

describe('by hand', () => {
  test.each([
    // One server: 0-4, then the second waits 4-1 = 3 and ends at 7, the third waits 7-2 = 5.
    { servers: 1, arrivals: [0, 1, 2], durations: [4, 3, 1], waits: [0, 3, 5] },
    // Two servers: busy until 4 and 4; the third starts at 4 (waits 2) on one, the fourth at 4 on the other.
    { servers: 2, arrivals: [0, 1, 2, 3], durations: [4, 3, 1, 9], waits: [0, 0, 2, 1] },
    // As many servers as jobs: nobody waits.
    { servers: 3, arrivals: [0, 0, 0], durations: [9, 9, 9], waits: [0, 0, 0] },
    // A gap empties the queue.
    { servers: 1, arrivals: [0, 100], durations: [5, 5], waits: [0, 0] },
    // A server that is free exactly at an arrival takes it without a wait.
    { servers: 1, arrivals: [0, 5], durations: [5, 1], waits: [0, 0] },
    { servers: 1, arrivals: [], durations: [], waits: [] },
  ])('$servers servers, arrivals $arrivals', ({ servers, arrivals, durations, waits }) => {
    expect(fcfsWaits(arrivals, durations, servers)).toEqual(waits);
  });

  test('unsorted arrivals and zero servers are refused', () => {
    expect(() => fcfsWaits([2, 1], [1, 1], 1)).toThrow('arrives before');
    expect(() => fcfsWaits([1], [1], 0)).toThrow('servers');
  });
});

test('Erlang C against known values', () => {
  // One server: the probability of waiting is the utilisation.
  expect(erlangC(1, 0.7)).toBeCloseTo(0.7, 12);
  // Two servers, a = 1: B(1) = 1/2, B(2) = 0.5/2.5 = 0.2, C = 0.2/(1 - 0.5·0.8) = 1/3.
  expect(erlangC(2, 1)).toBeCloseTo(1 / 3, 12);
});

test.each([
  { servers: 1, load: 0.6 },
  { servers: 4, load: 3 },
  { servers: 16, load: 14 },
])('mean wait of M/M/$servers at load $load lies in the interval of 20 replications', ({ servers, load }) => {
  const means: number[] = [];
  const jobs = 20_000;
  const meanService = 10e6;
  const sampled = (rng: Rng, name: string, mean: number): (() => number) =>
    distribution(durationUs)
      .parse({ exponential: { mean: `${mean}us` } })
      .sampler(rng.stream(name).source());
  for (let replication = 1; replication <= 20; replication++) {
    const rng = new Rng(11, replication);
    const gap = sampled(rng, 'gaps', meanService / load);
    const service = sampled(rng, 'services', meanService);
    let time = 0;
    const arrivals = Array.from({ length: jobs }, () => (time += gap()));
    const waits = fcfsWaits(arrivals, arrivals.map(service), servers);
    // The first quarter fills the queue and is left out.
    const kept = waits.slice(jobs / 4);
    means.push(kept.reduce((sum, wait) => sum + wait, 0) / kept.length / meanService);
  }
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (means.length - 1);
  const half = 2.861 * Math.sqrt(variance / means.length); // t(0.995, 19)
  const theory = meanWaitMMc(servers, load);
  expect(theory).toBeGreaterThan(mean - half);
  expect(theory).toBeLessThan(mean + half);
  expect(half / mean).toBeLessThan(0.2); // an interval that wide would let anything pass
});

test('examples/surf-jobs.yaml: 200 jobs on 30 nodes wait 616 s on average, as its comment says', () => {
  const csv = readFileSync(new URL('../../../examples/data/surf-200-jobs.csv', import.meta.url), 'utf8');
  const rows = csv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  expect(rows).toHaveLength(200);
  const waits = fcfsWaits(
    rows.map(([, submit]) => submit!),
    rows.map(([, , duration]) => duration!),
    30,
  );
  expect(Math.round(waits.reduce((sum, wait) => sum + wait, 0) / 200)).toBe(616);
});
