// Ten million queue operations on each queue, compared by a hash of the order of events; and the
// adversarial start, in which a queue that adapts to its first events adapts to the wrong ones.

import { describe, expect, it } from 'vitest';
import {
  DAY,
  Fingerprint,
  Kernel,
  KeyedDraw,
  type QueueKind,
  SECOND,
  type TimerHandle,
} from '../../../engine/kernel/index.ts';
import { QUEUES } from './programs.ts';

const FIRST: QueueKind = 'heap';

/**
 * A long life of mixed habits: the crowd swells and shrinks between 0 and about 30,000, delays go
 * from ties to days, bursts fall on one instant, a quarter of the events are timers and half of
 * those are cancelled. Stops after `operations` pushes, pops and cancellations.
 */
function longLife(queue: QueueKind, operations: number): { hash: string; operations: number; peak: number } {
  const fingerprint = new Fingerprint();
  const kernel = new Kernel({ queue, fingerprint });
  const draw = new KeyedDraw('long life', 0);
  const purpose = draw.purpose('choice');
  const timers: TimerHandle[] = [];
  let done = 0;
  let pushed = 0;
  let peak = 0;
  let growing = true;

  const delayOf = (u: number): number => {
    const scale = u & 7;
    const spread = u >>> 3;
    if (scale === 0) return spread & 3; // ties with what is due now
    if (scale <= 3) return spread % 1_000;
    if (scale <= 6) return spread % 1_000_000;
    return (spread & 255) === 0 ? DAY : spread % 100_000_000;
  };
  const schedule = (serial: number): void => {
    done++;
    pushed++;
    const u = draw.u32(purpose, serial, 0);
    const v = draw.u32(purpose, serial, 1);
    const delayUs = delayOf(u);
    if ((v & 3) === 0) {
      timers[(v >>> 3) & 1023] = kernel.timer(delayUs, event, pushed | 0, 1);
      const old = timers[(v >>> 13) & 1023];
      if ((v & 4) === 0 && old !== undefined && kernel.cancel(old)) done++;
    } else {
      kernel.after(delayUs, event, pushed | 0, 0);
    }
  };
  const event = kernel.on('event', (serial) => {
    done++;
    const pending = kernel.pending;
    if (pending > peak) peak = pending;
    if (pending > 30_000) growing = false;
    else if (pending < 10) growing = true;
    const choice = draw.u32(purpose, serial, 2) & 15;
    // 1.5 successors an event while growing, 0.5 while shrinking, and a burst now and then.
    const successors = (growing ? 1 : 0) + (choice < 8 ? 1 : 0);
    for (let i = 0; i < successors; i++) schedule(pushed);
    if (growing && choice === 15 && (draw.u32(purpose, serial, 3) & 1023) === 0) {
      const delayUs = draw.below(purpose, serial, 4, 5_000);
      for (let i = 0; i < 2_000; i++, done++) kernel.after(delayUs, event, pushed++ | 0, 2);
    }
    if (kernel.pending === 0) schedule(pushed);
    if (done >= operations) kernel.stop();
  });
  schedule(0);
  kernel.run();
  return { hash: fingerprint.digest('tko'), operations: done, peak };
}

/** Few day-long timers, then a crowd that doubles by the second: 2^0, 2^1, … events. */
function lateCrowd(
  queue: QueueKind,
  doublings: number,
): { hash: string; events: number; cpuSeconds: number } {
  const fingerprint = new Fingerprint();
  const kernel = new Kernel({ queue, fingerprint });
  const draw = new KeyedDraw('late crowd', 0);
  const purpose = draw.purpose('delay');
  let born = 0;
  const timer = kernel.on('day timer', () => {});
  const member = kernel.on('member', (id, age) => {
    if (age === doublings) return;
    for (let child = 0; child < 2; child++) {
      const delayUs = SECOND / 2 + draw.below(purpose, id, child, SECOND);
      kernel.after(delayUs, member, ++born, age + 1);
    }
  });
  for (let day = 1; day <= 5; day++) kernel.after(day * DAY, timer, day, 0);
  kernel.after(10, member, 0, 0);
  const started = process.cpuUsage();
  kernel.run();
  const used = process.cpuUsage(started);
  return {
    hash: fingerprint.digest('tko'),
    events: kernel.eventsRun,
    cpuSeconds: (used.user + used.system) / 1e6,
  };
}

describe('10,000,000 operations', () => {
  const operations = 10_000_000;
  const reference = () => longLife(FIRST, operations);
  let expected: ReturnType<typeof longLife> | undefined;

  it.each(QUEUES)('%s gives the one order', { timeout: 180_000 }, (queue) => {
    expected ??= reference();
    const result = queue === FIRST ? expected : longLife(queue, operations);
    expect(result).toEqual(expected);
    expect(result.operations).toBeGreaterThanOrEqual(operations);
    expect(result.peak).toBeGreaterThan(30_000);
  });
});

describe('few day-long timers, then a growing crowd', () => {
  const doublings = 17;
  // 2^0 + … + 2^17 members and 5 timers
  const events = 2 ** 18 - 1 + 5;

  it('gives the same order on every queue, and none of them degrades', { timeout: 120_000 }, () => {
    const [heap, ladder, reference] = QUEUES.map((queue) => lateCrowd(queue, doublings));
    expect(heap!.events).toBe(events);
    expect([ladder!.hash, reference!.hash]).toEqual([heap!.hash, heap!.hash]);
    // A ladder whose first rung stayed a day wide would sort 130,000 events by insertion: hundreds
    // of times the heap's work. A busy machine does not make a factor of ten of CPU time.
    expect(ladder!.cpuSeconds).toBeLessThan(10 * heap!.cpuSeconds);
  });
});
