// What is kept of any number of pods: where their time goes, and how full nodes are over time.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PHASES } from '../../../../engine/metrics/phases.ts';
import { PodStamp } from '../../../../engine/metrics/pod-stamps.ts';
import { decodeShare } from '../../../../reports/html/codec.ts';
import { type PlacedNode, Placement } from '../../../../reports/html/placement.ts';
import { newStamps, StartDigest } from '../../../../reports/html/start-digest.ts';

const S = 1_000_000;

/** A pod with times in seconds after its creation. */
function pod(created: number, times: Partial<Record<keyof typeof PodStamp, number>>): Float64Array {
  const stamps = newStamps();
  stamps[PodStamp.created] = created * S;
  for (const [name, after] of Object.entries(times))
    stamps[PodStamp[name as keyof typeof PodStamp]] = (created + after) * S;
  return stamps;
}

describe('where time goes', () => {
  test('phases of a class add up to the mean start of its pods', () => {
    const digest = new StartDigest();
    // 1 s in the queue, then 1 s or, every tenth, 9 s for the image: 9 of 10 pods start in 2 s, the others in 10 s.
    for (let i = 0; i < 100; i++) {
      const pulled = i % 10 === 0 ? 10 : 2;
      const times = {
        queued: 0,
        firstAttempt: 1,
        scheduled: 1,
        bound: 1,
        seen: 1,
        sandbox: 1,
        pulled,
        watched: pulled,
      };
      expect(digest.add(pod(i, times), 1, Number.NaN, 'Deployment default/web')).toBe(pulled * S);
    }
    expect(digest.add(pod(5, {}), 0, Number.NaN, '')).toBeNaN();
    expect([digest.pods, digest.starts.count]).toEqual([101, 100]);
    const of = (name: string): number => PHASES.findIndex((phase) => phase.name === name);
    const [all, fast, ...others] = digest.classes();
    expect(all).toMatchObject({ name: 'all pods', pods: 100 });
    // (90 × 1 + 10 × 9) / 100
    expect(all!.seconds[of('queue')]).toBe(1);
    expect(all!.seconds[of('image')]).toBeCloseTo(1.8, 9);
    expect(fast!.seconds.reduce((a, b) => a + b)).toBe(2);
    // All pods of one length are of one class, here the one of their middle: the other ten are p90 to p99.
    expect([fast, ...others].map((one) => [one!.name, one!.pods])).toEqual([
      ['fastest half', 90],
      ['p90 to p99', 10],
    ]);
    expect(others.at(-1)!.seconds[of('image')]).toBe(9);
  });

  test('workloads with the most time come first, the rest together', () => {
    const digest = new StartDigest();
    for (const [name, pods] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
    ] as const)
      for (let i = 0; i < pods; i++) digest.add(pod(i, { queued: 1, watched: 2 }), 1, Number.NaN, name);
    expect(digest.workloads(1).map(({ name, pods }) => [name, pods])).toEqual([
      ['b', 3],
      ['2 others', 3],
    ]);
  });

  test('of more workloads than are told apart the further ones are others', () => {
    const digest = new StartDigest();
    for (let i = 0; i < 5000; i++) digest.add(pod(0, { queued: 1, watched: 2 }), 1, Number.NaN, `w${i}`);
    const rows = digest.workloads(2);
    expect(rows.at(-1)).toMatchObject({ name: '4094 and more others', pods: 4998 });
  });
});

const node = (name: string, more: Partial<PlacedNode> = {}): PlacedNode => ({
  name,
  zone: '',
  cpuMilli: 1000,
  memoryBytes: 1 << 30,
  podsMax: 10,
  fromUs: 0,
  toUs: Number.NaN,
  ...more,
});

const cpuOf = (placement: Placement): number[][] => {
  const { frames, cells, shares } = placement.grid();
  return Array.from({ length: frames }, (_, frame) =>
    cells.map((_, cell) => decodeShare(shares.cpu, frame * cells.length + cell)),
  );
};

describe('placement', () => {
  test('a cell is what pods request over what the node can allocate, mean over the frame', () => {
    const placement = new Placement([node('n1'), node('n2')], 40 * S, 10, 4);
    // All of n1 from 5 s to 25 s: half of the first frame, all of the second, half of the third.
    placement.add('n1', 5 * S, 25 * S, 1000, 1 << 29);
    // Half of n2 until the end.
    placement.add('n2', 30 * S, Number.NaN, 500, 0);
    placement.add('gone', 0, 40 * S, 1000, 0);
    const rounded = cpuOf(placement).map((frame) => frame.map((share) => Math.round(share * 100) / 100));
    expect(rounded).toEqual([
      [0.5, 0],
      [1, 0],
      [0.5, 0],
      [0, 0.5],
    ]);
    const { totals, pods, nodes, frameSeconds } = placement.grid();
    expect(totals.cpu).toEqual([0.25, 0.5, 0.25, 0.25]);
    expect(pods).toEqual([0.5, 1, 0.5, 1]);
    expect(nodes).toEqual([2, 2, 2, 2]);
    expect(frameSeconds).toBe(10);
  });

  test('a node that joins and leaves is absent before and after', () => {
    const placement = new Placement(
      [node('n1'), node('late', { fromUs: 10 * S, toUs: 30 * S })],
      40 * S,
      10,
      4,
    );
    const late = cpuOf(placement).map((frame) => frame[1]);
    expect(late).toEqual([Number.NaN, 0, 0, Number.NaN]);
    expect(placement.grid().nodes).toEqual([1, 2, 2, 1]);
  });

  test('many nodes share cells with neighbours of their zone; the grid does not grow', () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => node(`n${i}`, { zone: `z${i % 3}` }));
    const { cells, shares } = new Placement(nodes, S, 400, 120).grid();
    // 25 nodes a cell; 3334 or 3333 nodes a zone give 134 cells each.
    expect(cells).toHaveLength(402);
    expect(cells[0]).toEqual({ name: 'n0 … n72', nodes: 25, zone: 'z0' });
    expect(cells.reduce((sum, cell) => sum + cell.nodes, 0)).toBe(10_000);
    expect(shares.cpu).toHaveLength(402 * 120);
  });

  test('as a plain sum over all µs, for any pods', () => {
    const span = fc
      .tuple(fc.nat(99), fc.nat(99))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(span, fc.integer({ min: 1, max: 50 }))), (list) => {
        const placement = new Placement([node('n')], 100, 1, 7);
        for (const [[from, to], cpu] of list) placement.add('n', from, to, cpu, 0);
        const { totals } = placement.grid();
        for (let frame = 0; frame < 7; frame++) {
          const [start, end] = [(frame * 100) / 7, ((frame + 1) * 100) / 7];
          const sum = list.reduce(
            (all, [[from, to], cpu]) => all + cpu * Math.max(0, Math.min(to, end) - Math.max(from, start)),
            0,
          );
          expect(totals.cpu[frame]).toBeCloseTo(sum / (1000 * (end - start)), 9);
        }
      }),
    );
  });
});
