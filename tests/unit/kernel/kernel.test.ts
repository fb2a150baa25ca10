// The kernel's promises K1 to K8 (engine/kernel/kernel.ts), each on every kind of queue.

import { describe, expect, it } from 'vitest';
import { DAY, InvariantError, Kernel, NO_TIMER, type QueueKind } from '../../../engine/kernel/index.ts';

const QUEUES: QueueKind[] = ['heap', 'ladder', 'fast-priority-queue'];

/** A kernel whose one kind 'note' writes "time:target" into `log`. */
function noting(queue: QueueKind, options = {}) {
  const kernel = new Kernel({ queue, ...options });
  const log: string[] = [];
  const note = kernel.on('note', (target) => log.push(`${kernel.now}:${target}`));
  return { kernel, log, note };
}

function thrown(work: () => unknown): InvariantError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(InvariantError);
    return error as InvariantError;
  }
  throw new Error('nothing was thrown');
}

describe.each(QUEUES)('kernel on %s', (queue) => {
  it('K1: runs by time, whatever the order of scheduling', () => {
    const { kernel, log, note } = noting(queue);
    for (const time of [30, 10, 20]) kernel.at(time, note, time, 0);
    expect(kernel.run()).toBe('idle');
    expect(log).toEqual(['10:10', '20:20', '30:30']);
  });

  it('K1: runs one time in the order of scheduling, through after, at, timer and lane alike', () => {
    const { kernel, log, note } = noting(queue);
    const lane = kernel.lane(5);
    kernel.after(5, note, 1, 0);
    lane.push(note, 2, 0);
    kernel.timer(5, note, 3, 0);
    kernel.at(5, note, 4, 0);
    lane.push(note, 5, 0);
    kernel.after(5, note, 6, 0);
    kernel.run();
    expect(log).toEqual(['5:1', '5:2', '5:3', '5:4', '5:5', '5:6']);
  });

  it('K1: delay 0 runs after everything already due now', () => {
    const { kernel, log, note } = noting(queue);
    const first = kernel.on('first', () => {
      log.push('first');
      kernel.after(0, note, 9, 0);
    });
    kernel.after(7, first, 0, 0);
    kernel.after(7, note, 1, 0);
    kernel.lane(7).push(note, 2, 0);
    kernel.run();
    expect(log).toEqual(['first', '7:1', '7:2', '7:9']);
  });

  it.each([
    ['the past', (k: Kernel, note: number) => k.at(9, note, 0, 0)],
    ['a negative delay', (k: Kernel, note: number) => k.after(-1, note, 0, 0)],
    ['a fraction', (k: Kernel, note: number) => k.after(0.5, note, 0, 0)],
    ['no number', (k: Kernel, note: number) => k.after(Number.NaN, note, 0, 0)],
    ['never', (k: Kernel, note: number) => k.after(Number.POSITIVE_INFINITY, note, 0, 0)],
    ['beyond 2^53', (k: Kernel, note: number) => k.at(2 ** 53, note, 0, 0)],
    ['a negative timer', (k: Kernel, note: number) => k.timer(-1, note, 0, 0)],
    ['a fractional timer', (k: Kernel, note: number) => k.timer(1.5, note, 0, 0)],
  ])('K2: refuses %s and names the handler', (_, schedule) => {
    const { kernel, note } = noting(queue);
    const late = kernel.on('late', () => schedule(kernel, note));
    kernel.at(10, late, 0, 0);
    const error = thrown(() => kernel.run());
    expect(error.message).toContain("'note'");
    expect(error.details).toMatchObject({ handler: 'note', now: 10 });
  });

  it.each([
    ['an unregistered kind', 99, 0, 0],
    ['kind 0', 0, 0, 0],
    ['a fraction as kind', 1.5, 0, 0],
    ['no number as kind', Number.NaN, 0, 0],
    ['a target above 31 bits', 1, 2 ** 31, 0],
    ['a fraction as argument', 1, 0, 0.5],
  ])('refuses %s, in the queue and in lanes', (_, kind, target, arg) => {
    const { kernel } = noting(queue);
    kernel.on('another', () => {});
    expect(() => kernel.after(3, kind, target, arg)).toThrow(InvariantError);
    expect(() => kernel.after(0, kind, target, arg)).toThrow(InvariantError);
    expect(() => kernel.timer(3, kind, target, arg)).toThrow(InvariantError);
    expect(() => kernel.lane(3).push(kind, target, arg)).toThrow(InvariantError);
    expect(kernel.pending).toBe(0);
  });

  it('passes the whole range of 32-bit integers', () => {
    const kernel = new Kernel({ queue });
    const seen: number[] = [];
    const kind = kernel.on('seen', (target, arg) => seen.push(target, arg));
    kernel.after(1, kind, -(2 ** 31), 2 ** 31 - 1);
    kernel.lane(1).push(kind, 2 ** 31 - 1, -(2 ** 31));
    kernel.run();
    expect(seen).toEqual([-(2 ** 31), 2 ** 31 - 1, 2 ** 31 - 1, -(2 ** 31)]);
  });

  it('runs events up to and including `until`, and goes on later', () => {
    const { kernel, log, note } = noting(queue);
    for (const time of [10, 20, 21, 30]) kernel.at(time, note, time, 0);
    expect(kernel.run(20)).toBe('until');
    expect([kernel.now, kernel.pending, log.length]).toEqual([20, 2, 2]);
    expect(kernel.run(20)).toBe('until'); // nothing more to do
    expect(kernel.run(25)).toBe('until');
    expect([kernel.now, log.length]).toEqual([25, 3]);
    kernel.after(1, note, 26, 0); // from 25, before what is pending
    expect(kernel.run(100)).toBe('idle');
    expect(log.slice(3)).toEqual(['26:26', '30:30']);
    expect(kernel.now).toBe(30); // idle: the time of the last event, not of `until`
    expect(() => kernel.run(29)).toThrow(/already 30/);
  });

  it('stops after the current event, and goes on with the next', () => {
    const { kernel, log, note } = noting(queue);
    const halt = kernel.on('halt', () => kernel.stop());
    kernel.after(1, note, 1, 0);
    kernel.after(1, halt, 0, 0);
    kernel.after(1, note, 2, 0);
    expect(kernel.run(50)).toBe('stopped');
    expect([kernel.now, log.length, kernel.pending]).toEqual([1, 1, 1]);
    expect(kernel.run(50)).toBe('idle');
    expect(log).toEqual(['1:1', '1:2']);
  });

  it('K4: a cancelled timer never runs; cancel answers true once', () => {
    const { kernel, log, note } = noting(queue);
    const keep = kernel.timer(5, note, 1, 0);
    const drop = kernel.timer(5, note, 2, 0);
    expect(kernel.cancel(drop)).toBe(true);
    expect(kernel.cancel(drop)).toBe(false);
    expect(kernel.pending).toBe(1);
    expect(kernel.run()).toBe('idle');
    expect(log).toEqual(['5:1']);
    expect([kernel.eventsRun, kernel.cancel(keep), kernel.cancel(NO_TIMER)]).toEqual([1, false, false]);
  });

  it('K4: a stale handle does not cancel the event that took its slot', () => {
    const { kernel, log, note } = noting(queue);
    const old = kernel.timer(1, note, 1, 0);
    kernel.run();
    const fresh = kernel.timer(1, note, 2, 0);
    expect(fresh).not.toBe(old);
    expect(kernel.cancel(old)).toBe(false);
    kernel.after(2, note, 3, 0); // and not a plain event either
    expect(kernel.cancel(old)).toBe(false);
    kernel.run();
    expect(log).toEqual(['1:1', '2:2', '3:3']);
  });

  it('K4: a timer cannot be cancelled by its own handler', () => {
    const kernel = new Kernel({ queue });
    const answers: boolean[] = [];
    const kind = kernel.on('self', () => answers.push(kernel.cancel(handle)));
    const handle = kernel.timer(1, kind, 0, 0);
    kernel.run();
    expect(answers).toEqual([false]);
  });

  it('K4: many cancelled timers are swept, and the rest still run in order', () => {
    const { kernel, log, note } = noting(queue);
    const handles = Array.from({ length: 10_000 }, (_, i) =>
      kernel.timer(1 + ((i * 7919) % 5000), note, i, 0),
    );
    for (const [i, handle] of handles.entries()) if (i % 10 !== 0) kernel.cancel(handle);
    expect(kernel.pending).toBe(1000);
    kernel.run();
    // Every tenth, sorted by (time, order of scheduling).
    const expected = Array.from({ length: 1000 }, (_, i) => i * 10)
      .map((i) => ({ i, time: 1 + ((i * 7919) % 5000) }))
      .sort((a, b) => a.time - b.time || a.i - b.i)
      .map(({ i, time }) => `${time}:${i}`);
    expect(log).toEqual(expected);
  });

  it('is idle when only cancelled timers are left', () => {
    const { kernel, note } = noting(queue);
    kernel.cancel(kernel.timer(DAY, note, 0, 0));
    expect(kernel.run(5)).toBe('idle');
    expect([kernel.now, kernel.pending]).toEqual([0, 0]);
    expect(kernel.run()).toBe('idle');
    expect([kernel.now, kernel.eventsRun]).toEqual([0, 0]);
  });

  it('K6: too many events at one instant stop the run with the name of the handler', () => {
    const kernel = new Kernel({ queue, maxEventsPerInstant: 100 });
    const spin = kernel.on('controller/spin', (target) => kernel.after(0, spin, target, 0));
    kernel.after(10, spin, 7, 0);
    const error = thrown(() => kernel.run());
    expect(error.message).toContain("more than 100 events ran at 10 µs; the last was 'controller/spin'");
    expect(error.details['handler']).toBe('controller/spin');
  });

  it.each([0, 1])('K6: one more than the limit is too many, at time %s', (time) => {
    const { kernel, log, note } = noting(queue, { maxEventsPerInstant: 3 });
    for (let i = 0; i < 4; i++) kernel.at(time, note, i, 0);
    expect(() => kernel.run()).toThrow(/more than 3 events/);
    expect(log).toHaveLength(3);
  });

  it('K6: allows exactly the limit, at each instant anew', () => {
    const { kernel, log, note } = noting(queue, { maxEventsPerInstant: 3 });
    for (const time of [0, 0, 0, 1, 1, 1]) kernel.at(time, note, 0, 0);
    expect(kernel.run()).toBe('idle');
    expect(log).toHaveLength(6);
  });

  it('K8: an InvariantError leaves with time, handler and the last 20 events', () => {
    const { kernel, note } = noting(queue);
    const broken = kernel.on('broken', () => {
      throw new InvariantError('used exceeds allocatable', { node: 3 });
    });
    for (let i = 1; i <= 40; i++) kernel.at(i, note, i, i * 2);
    kernel.at(41, broken, 5, 6);
    const error = thrown(() => kernel.run());
    expect(error.details).toMatchObject({ node: 3, time: 41, handler: 'broken' });
    const recent = error.details['recentEvents'] as { time: number; name: string }[];
    expect(recent).toHaveLength(20);
    expect(recent[0]).toEqual({ time: 22, kind: note, name: 'note', target: 22, arg: 44 }); // 41 - 19
    expect(recent[19]).toEqual({ time: 41, kind: broken, name: 'broken', target: 5, arg: 6 });
    expect(kernel.recentEvents(2).map((event) => event.time)).toEqual([40, 41]);
  });

  it('leaves other errors as they are, and can be asked afterwards', () => {
    const kernel = new Kernel({ queue });
    const error = new TypeError('a handler failed');
    const broken = kernel.on('broken', () => {
      throw error;
    });
    kernel.after(1, broken, 0, 0);
    expect(() => kernel.run()).toThrow(error);
    expect([kernel.now, kernel.eventsRun]).toEqual([1, 1]);
  });

  it('reports progress every N events without counting as one', () => {
    const { kernel, note } = noting(queue);
    const seen: number[] = [];
    kernel.setProgress(10, () => seen.push(kernel.eventsRun));
    for (let i = 0; i < 35; i++) kernel.after(i, note, i, 0);
    kernel.run(20); // events at 0..20: 21 of them
    kernel.run();
    expect(seen).toEqual([10, 20, 30]);
    expect(kernel.eventsRun).toBe(35);
  });
});

describe('kernel', () => {
  it('K5: counts what a component drops', () => {
    const kernel = new Kernel();
    const kind = kernel.on('gone', () => kernel.countDropped());
    kernel.after(1, kind, 0, 0);
    kernel.after(2, kind, 0, 0);
    kernel.run();
    expect([kernel.dropped, kernel.eventsRun]).toEqual([2, 2]);
  });

  it('registers each name once', () => {
    const kernel = new Kernel();
    const kind = kernel.on('pod/start', () => {});
    expect(() => kernel.on('pod/start', () => {})).toThrow(/already registered/);
    expect(kernel.kindName(kind)).toBe('pod/start');
    expect(kernel.kindName(77)).toBe('(unknown kind 77)');
  });

  it('does not run inside a handler', () => {
    const kernel = new Kernel();
    const kind = kernel.on('nested', () => void kernel.run());
    kernel.after(1, kind, 0, 0);
    expect(() => kernel.run()).toThrow(/called by a handler/);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a limit of %s events an instant', (maxEventsPerInstant) => {
    expect(() => new Kernel({ maxEventsPerInstant })).toThrow(InvariantError);
  });

  it('refuses an unknown queue by name', () => {
    expect(() => new Kernel({ queue: 'stack' as QueueKind })).toThrow(/heap, ladder, fast-priority-queue/);
  });

  it('numbers recent events rightly across batches of progress', () => {
    const kernel = new Kernel();
    const kind = kernel.on('note', () => {});
    kernel.setProgress(7, () => {});
    for (let i = 0; i < 100; i++) kernel.after(i, kind, i, 0);
    kernel.run();
    expect(kernel.recentEvents(20).map((event) => event.target)).toEqual(
      Array.from({ length: 20 }, (_, i) => 80 + i),
    );
  });
});

describe('lanes', () => {
  it('gives the same lane for the same delay', () => {
    const kernel = new Kernel();
    expect(kernel.lane(5)).toBe(kernel.lane(5));
    expect(kernel.lane(5)).not.toBe(kernel.lane(6));
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a delay of %s', (delayUs) => {
    expect(() => new Kernel().lane(delayUs)).toThrow(InvariantError);
  });

  it('keeps order while the ring wraps and grows', () => {
    const kernel = new Kernel();
    const lane = kernel.lane(10);
    const seen: number[] = [];
    const note = kernel.on('note', (target) => seen.push(target));
    let next = 0;
    // 3 pushed and one period run, 12 times, then a crowd: head is inside the ring when it grows.
    const feed = kernel.on('feed', (_, crowd) => {
      for (let i = 0; i < crowd; i++) lane.push(note, next++, 0);
    });
    for (let i = 0; i < 12; i++) kernel.at(i * 4, feed, 0, 3);
    kernel.at(50, feed, 0, 1000);
    kernel.run();
    expect(seen).toEqual(Array.from({ length: 1036 }, (_, i) => i)); // 12 * 3 + 1000
  });

  it('counts as pending', () => {
    const kernel = new Kernel();
    const note = kernel.on('note', () => {});
    kernel.lane(1).push(note, 0, 0);
    kernel.lane(2).push(note, 0, 0);
    kernel.after(0, note, 0, 0);
    kernel.after(3, note, 0, 0);
    expect(kernel.pending).toBe(4);
  });

  it('refuses to push beyond the end of time', () => {
    const kernel = new Kernel();
    const note = kernel.on('note', () => {});
    expect(() => kernel.lane(2 ** 53 - 1).push(note, 0, 0)).not.toThrow();
    kernel.after(1, note, 0, 0);
    kernel.run(5);
    expect(() => kernel.lane(2 ** 53 - 1).push(note, 0, 0)).toThrow(InvariantError);
  });
});
