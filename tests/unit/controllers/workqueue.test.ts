// The work queue by client-go's rules, each on a clock that the test moves.
import { describe, expect, it } from 'vitest';
import { WorkQueue } from '../../../engine/controllers/workqueue.ts';
import type { SimTime } from '../../../engine/kernel/index.ts';

const MS = 1000;
const SECOND = 1_000_000;

class Clock {
  now = 0 as SimTime;
  timers: number[] = [];
  woken = 0;
  readonly waits: number[] = [];
  readonly queue: WorkQueue;

  constructor(backoff?: { baseUs: number; maxUs: number }) {
    this.queue = new WorkQueue(this, {
      ...(backoff === undefined ? {} : { backoff }),
      wake: () => {
        this.woken += 1;
      },
      schedule: (timeUs) => {
        this.timers = timeUs === null ? [] : [timeUs];
      },
      waited: (us) => this.waits.push(us),
    });
  }

  /** Runs the timers up to that time. */
  to(timeUs: number): void {
    for (;;) {
      const next = Math.min(...this.timers);
      if (next > timeUs) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.now = next as SimTime;
      this.queue.due();
    }
    this.now = timeUs as SimTime;
  }

  taken(): string[] {
    const keys: string[] = [];
    for (let key = this.queue.get(); key !== undefined; key = this.queue.get()) keys.push(key);
    return keys;
  }
}

describe('work queue', () => {
  it('gives keys in the order of their first addition, each once', () => {
    const clock = new Clock();
    for (const key of ['b', 'a', 'b', 'c', 'a']) clock.queue.add(key);
    expect(clock.taken()).toEqual(['b', 'a', 'c']);
  });

  it('runs a key again that was added while it was worked on, and not before it is done', () => {
    const clock = new Clock();
    clock.queue.add('a');
    expect(clock.queue.get()).toBe('a');
    clock.queue.add('a');
    clock.queue.add('a');
    expect(clock.queue.get()).toBeUndefined();
    clock.queue.done('a');
    expect(clock.taken()).toEqual(['a']);
    clock.queue.done('a');
    expect(clock.taken()).toEqual([]);
  });

  it('wakes its workers when a key becomes available, not for a key that waits already', () => {
    const clock = new Clock();
    clock.queue.add('a');
    clock.queue.add('a');
    expect(clock.woken).toBe(1);
    clock.queue.get();
    clock.queue.add('a');
    expect(clock.woken).toBe(1);
    clock.queue.done('a');
    expect(clock.woken).toBe(2);
  });

  it('measures how long a key waited', () => {
    const clock = new Clock();
    clock.queue.add('a');
    clock.to(7 * MS);
    clock.queue.get();
    expect(clock.waits).toEqual([7 * MS]);
  });

  it('adds a delayed key at the earliest of the times asked for', () => {
    const clock = new Clock();
    clock.queue.addAfter('a', 5 * SECOND);
    clock.queue.addAfter('a', 2 * SECOND);
    clock.queue.addAfter('a', 9 * SECOND);
    clock.to(2 * SECOND - 1);
    expect(clock.taken()).toEqual([]);
    clock.to(2 * SECOND);
    expect(clock.taken()).toEqual(['a']);
    clock.queue.done('a');
    clock.to(20 * SECOND);
    expect(clock.taken()).toEqual([]);
  });

  it('forgets a delayed key that is cancelled, and keeps no timer for it', () => {
    const clock = new Clock();
    clock.queue.addAfter('a', 5 * SECOND);
    clock.queue.addAfter('b', 7 * SECOND);
    clock.queue.cancelAfter('a');
    expect(clock.timers).toEqual([7 * SECOND]);
    clock.queue.cancelAfter('b');
    expect(clock.timers).toEqual([]);
    clock.to(20 * SECOND);
    expect(clock.taken()).toEqual([]);
  });

  it('backs off 5, 10, 20 … ms per key, up to 1000 s, and forgets on success', () => {
    const clock = new Clock();
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      const from = clock.now;
      clock.queue.addRateLimited('a');
      clock.to(clock.timers[0]!);
      delays.push(clock.now - from);
      clock.taken();
      clock.queue.done('a');
    }
    // 5 ms * 2^17 = 655.36 s; 2^18 would be 1310.72 s, so 1000 s from there on.
    expect(delays.slice(0, 4)).toEqual([5 * MS, 10 * MS, 20 * MS, 40 * MS]);
    expect(delays.slice(17)).toEqual([655_360 * MS, 1000 * SECOND, 1000 * SECOND]);
    expect(clock.queue.retries('a')).toBe(20);
    clock.queue.forget('a');
    expect(clock.queue.retries('a')).toBe(0);
    const from = clock.now;
    clock.queue.addRateLimited('a');
    expect(clock.timers[0]! - from).toBe(5 * MS);
  });

  it('lets 100 failing keys come back at once and then 10 a second', () => {
    const clock = new Clock();
    for (let i = 0; i < 103; i++) clock.queue.addRateLimited(`k${i}`);
    // The bucket is empty after 100: the next three wait 100, 200, 300 ms, more than their own 5 ms.
    clock.to(5 * MS);
    expect(clock.taken()).toHaveLength(100);
    clock.to(99 * MS);
    expect(clock.taken()).toEqual([]);
    clock.to(300 * MS);
    expect(clock.taken()).toEqual(['k100', 'k101', 'k102']);
  });

  it('takes a back-off of its own', () => {
    const clock = new Clock({ baseUs: SECOND, maxUs: 3 * SECOND });
    for (const expected of [1, 2, 3, 3]) {
      const from = clock.now;
      clock.queue.addRateLimited('a');
      clock.to(clock.timers[0]!);
      expect(clock.now - from).toBe(expected * SECOND);
      clock.taken();
      clock.queue.done('a');
    }
  });
});
