// The kernel's small tools: times, handles, the number heap, fingerprints.

import { describe, expect, it } from 'vitest';
import {
  assert,
  asTime,
  DAY,
  Fingerprint,
  HandleTable,
  HOUR,
  InvariantError,
  Kernel,
  MINUTE,
  MS,
  mapOrder,
  mapSlots,
  NumberHeap,
  SECOND,
  US,
} from '../../../engine/kernel/index.ts';

describe('time', () => {
  it('counts microseconds', () => {
    expect([US, MS, SECOND, MINUTE, HOUR, DAY]).toEqual([1, 1e3, 1e6, 6e7, 3.6e9, 8.64e10]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('is not %s', (value) => {
    expect(() => asTime(value)).toThrow(InvariantError);
  });

  it('is any other integer', () => expect(asTime(2 ** 53 - 1)).toBe(2 ** 53 - 1));
});

describe('assert', () => {
  it('builds its message only on failure', () => {
    let built = 0;
    const message = () => `built ${++built}`;
    assert(1, message);
    expect(built).toBe(0);
    expect(() => assert(0, message)).toThrow('built 1');
    expect(() => assert(null, 'plain')).toThrow(InvariantError);
  });
});

describe('handles', () => {
  it('die when their slot is freed, and stay dead when it is reused', () => {
    const table = new HandleTable();
    const index = table.allocate();
    const generation = table.generation(index);
    expect(table.isAlive(index, generation)).toBe(true);
    table.release(index);
    expect(table.isAlive(index, generation)).toBe(false);
    expect(table.allocate()).toBe(index); // reused, last freed first
    expect(table.isAlive(index, generation)).toBe(false);
    expect(table.isAlive(index, generation + 1)).toBe(true);
  });

  it('double the table and keep what lives', () => {
    const table = new HandleTable(2);
    const handles = Array.from({ length: 5 }, () => table.allocate());
    expect(handles).toEqual([0, 1, 2, 3, 4]);
    expect([table.size, table.capacity, table.end]).toEqual([5, 8, 5]);
    expect(handles.every((index) => table.isAlive(index, 0))).toBe(true);
  });

  it.each([-1, 5, 1000])('know that slot %s was never in use', (index) => {
    const table = new HandleTable();
    table.allocate();
    expect(table.isUsed(index)).toBe(false);
    expect(() => table.generation(index)).toThrow(InvariantError);
    expect(() => table.release(index)).toThrow(InvariantError);
  });

  it('cannot be freed twice', () => {
    const table = new HandleTable();
    const index = table.allocate();
    table.release(index);
    expect(() => table.release(index)).toThrow(/not in use/);
  });
});

describe('number heap', () => {
  it('gives the smallest key first, equal keys as they came', () => {
    const heap = new NumberHeap(1);
    const pushes: [number, number][] = [
      [5, 1],
      [3, 2],
      [5, 3],
      [-1.5, 4],
      [3, 5],
      [5, 6],
    ];
    for (const [key, value] of pushes) heap.push(key, value);
    expect([heap.size, heap.peekKey(), heap.peekValue()]).toEqual([6, -1.5, 4]);
    expect(pushes.map(() => heap.pop())).toEqual([4, 2, 5, 1, 3, 6]);
    expect([heap.size, heap.peekKey()]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it('refuses to read what is not there, and keys that are not numbers', () => {
    const heap = new NumberHeap();
    expect(() => heap.pop()).toThrow(InvariantError);
    expect(() => heap.peekValue()).toThrow(InvariantError);
    expect(() => heap.push(Number.NaN, 1)).toThrow(InvariantError);
    expect(heap.size).toBe(0);
  });

  it('can be cleared', () => {
    const heap = new NumberHeap();
    heap.push(1, 1);
    heap.clear();
    heap.push(2, 2);
    expect(heap.pop()).toBe(2);
  });
});

describe('fingerprint', () => {
  const changes: [string, (f: Fingerprint) => void][] = [
    ['t', (f) => f.event(2, 7, 7)],
    ['k', (f) => f.event(1, 8, 7)],
    ['o', (f) => f.event(1, 7, 8)],
  ];
  const events = (change: (f: Fingerprint) => void) => {
    const fingerprint = new Fingerprint();
    change(fingerprint);
    return fingerprint.ingredients();
  };

  it.each(changes)('ingredient %s changes alone when only its part of an event does', (letter, change) => {
    const base = events((f) => f.event(1, 7, 7));
    const other = events(change);
    for (const key of ['t', 'k', 'o', 'd', 's'] as const) {
      expect(other[key] === base[key], key).toBe(key !== letter);
    }
  });

  it('tells orders apart', () => {
    const one = new Fingerprint();
    one.decision(1, 2);
    one.decision(3, 4);
    const two = new Fingerprint();
    two.decision(3, 4);
    two.decision(1, 2);
    expect(one.digest('d')).not.toBe(two.digest('d'));
    expect(one.digest('tkos')).toBe(two.digest('tkos'));
  });

  it.each([
    ['swapped numbers', (f: Fingerprint) => f.decision(1, 2), (f: Fingerprint) => f.decision(2, 1)],
    ['bits above 2^32', (f: Fingerprint) => f.object(1, 2), (f: Fingerprint) => f.object(1 + 2 ** 40, 2)],
    ['late times', (f: Fingerprint) => f.event(5, 1, 1), (f: Fingerprint) => f.event(5 + 2 ** 33, 1, 1)],
    ['texts', (f: Fingerprint) => f.text('pods 10'), (f: Fingerprint) => f.text('pods 01')],
    [
      'how texts are cut',
      (f: Fingerprint) => {
        f.text('ab');
        f.text('c');
      },
      (f: Fingerprint) => f.text('abc'),
    ],
    ['zeros', (f: Fingerprint) => f.decision(0, 0), () => {}],
  ])('tells %s apart', (_, a, b) => {
    const one = new Fingerprint();
    const two = new Fingerprint();
    a(one);
    b(two);
    expect(one.digest()).not.toBe(two.digest());
  });

  it('does not collide over many short histories', () => {
    const digests = new Set<string>();
    for (let a = 0; a < 100; a++) {
      for (let b = 0; b < 100; b++) {
        const fingerprint = new Fingerprint();
        fingerprint.decision(a, b);
        digests.add(fingerprint.digest('d'));
      }
    }
    expect(digests.size).toBe(10_000);
  });

  it('digests are 16 hex digits, by letters in any order', () => {
    const fingerprint = new Fingerprint();
    fingerprint.text('x');
    expect(fingerprint.digest()).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprint.digest('st')).toBe(fingerprint.digest('ts'));
    expect(fingerprint.digest('st')).not.toBe(fingerprint.digest('s'));
    expect(() => fingerprint.digest('x')).toThrow(InvariantError);
  });

  it('of a run does not depend on the order of registration', () => {
    const digest = (names: string[]) => {
      const fingerprint = new Fingerprint();
      const kernel = new Kernel({ fingerprint });
      const kinds = new Map(names.map((name) => [name, kernel.on(name, () => {})]));
      kernel.after(1, kinds.get('a')!, 1, 0);
      kernel.after(2, kinds.get('b')!, 2, 0);
      kernel.run();
      return fingerprint.digest();
    };
    expect(digest(['a', 'b'])).toBe(digest(['b', 'a']));
  });
});

describe('a walk through a map', () => {
  it.each<[number, string]>([
    [0, 'abc'],
    [1, 'bca'],
    [2, 'cab'],
    // Slots that hold nothing.
    [3, 'abc'],
    [7, 'abc'],
  ])('from slot %i', (first, met) => {
    expect(mapOrder([...'abc'], first).join('')).toBe(met);
  });

  it.each([
    [1, 8],
    [8, 8],
    [9, 9],
  ])('of %i elements is through %i slots', (elements, slots) => expect(mapSlots(elements)).toBe(slots));
});
