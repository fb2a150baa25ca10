// Zones of the node controller: when a zone counts as disrupted, how fast its nodes are tainted, and who is next.
import { describe, expect, it, test } from 'vitest';
import {
  TaintQueue,
  tainterQps,
  ZoneState,
  Zones,
  zoneStateOf,
} from '../../../engine/controllers/node-lifecycle-zones.ts';

const SECOND = 1_000_000;
const { normal, partial, full } = ZoneState;

describe('a zone', () => {
  test.each([
    // ready, not ready, state, nodes tainted a second
    [3, 0, normal, 0.1],
    [1, 2, normal, 0.1], // two nodes are never a disruption, though they are 67 %
    [2, 3, partial, 0], // 60 % of 5
    [3, 3, normal, 0.1], // 50 %
    [2, 4, partial, 0], // 67 % of 6: a small zone stops
    [9, 11, partial, 0], // 55 % of 20, as float32
    [23, 27, normal, 0.1], // 54 %
    [22, 28, partial, 0], // 56 % of 50: not yet large
    [22, 29, partial, 0.01], // 57 % of 51: large
    [0, 3, full, 0.1], // while another zone lives
    [0, 1, full, 0.1],
  ])('of %i Ready and %i other nodes is in state %i: %d/s', (ready, notReady, state, qps) => {
    expect(zoneStateOf(ready, notReady)).toBe(state);
    expect(tainterQps(state, ready + notReady)).toBe(qps);
  });
});

describe('the queue of a zone', () => {
  it('gives one token each 10 s and none before', () => {
    const queue = new TaintQueue();
    expect(queue.take(0)).toBe(true);
    expect(queue.take(9.9 * SECOND)).toBe(false);
    expect(queue.take(10 * SECOND)).toBe(true);
  });

  it('takes each node once, until it is removed', () => {
    const queue = new TaintQueue();
    expect([queue.add(1), queue.add(2), queue.add(1)]).toEqual([true, true, false]);
    queue.served(1);
    expect(queue.add(1)).toBe(false);
    queue.remove(1);
    expect(queue.add(1)).toBe(true);
    expect(queue.waiting).toEqual([2, 1]);
  });

  test.each([
    // what happened before the rate goes from 0 back to 0.1/s at 100 s: the next token
    ['stopped while it had a token', (_queue: TaintQueue) => {}, 110],
    ['stopped after a node was served at 50 s', (queue: TaintQueue) => void queue.take(50 * SECOND), 110],
  ])('%s: whoever was stopped waits 10 s more', (_name, before, seconds) => {
    const queue = new TaintQueue();
    before(queue);
    queue.swap(0, 60 * SECOND);
    expect(queue.tokenUs).toBe(Number.POSITIVE_INFINITY);
    queue.swap(0.1, 100 * SECOND);
    expect(queue.tokenUs).toBe(seconds * SECOND);
  });
});

describe('all zones', () => {
  const told: string[] = [];
  const hooks = { enter: () => void told.push('enter'), leave: () => void told.push('leave') };
  it('down at once: evictions stop everywhere; one node back: they go on, and all nodes are given time', () => {
    const zones = new Zones();
    const [a, b] = [zones.of('a'), zones.of('b')];
    for (const node of [1, 2, 3]) zones.count(node, a, true);
    for (const node of [4, 5, 6]) zones.count(node, b, true);
    zones.settle(0);
    for (const node of [1, 2, 3]) zones.count(node, a, false);
    zones.update(10 * SECOND, hooks);
    expect([a.state, b.state, told]).toEqual([full, normal, []]);
    for (const node of [4, 5, 6]) zones.count(node, b, false);
    zones.update(20 * SECOND, hooks);
    expect([a.state, b.state, told]).toEqual([full, full, ['enter']]);
    expect([a.queue.tokenUs, b.queue.tokenUs]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    zones.count(6, b, true);
    zones.update(40 * SECOND, hooks);
    // 2 of 3 in b are no disruption; both zones go on 10 s later.
    expect([a.state, b.state, told]).toEqual([full, normal, ['enter', 'leave']]);
    expect([a.queue.tokenUs, b.queue.tokenUs]).toEqual([50 * SECOND, 50 * SECOND]);
  });

  // The recordings' zones had healthy ones elsewhere: the scenario's own may all be down and are emptied at the usual rate.
  it('down at once where others are well: each goes on at the usual rate', () => {
    const zones = new Zones(true);
    const a = zones.of('a');
    for (const node of [1, 2]) zones.count(node, a, true);
    zones.settle(0);
    for (const node of [1, 2]) zones.count(node, a, false);
    told.length = 0;
    zones.update(10 * SECOND, hooks);
    expect([a.state, a.queue.tokenUs, told]).toEqual([full, 0, []]);
  });
});
