// Generator processes: delays, signals, ends, and that they follow the kernel's order.

import { describe, expect, it } from 'vitest';
import { delay, InvariantError, Kernel, MS, Signal, signal } from '../../../engine/kernel/index.ts';

describe('processes', () => {
  it('wait in virtual time', () => {
    const kernel = new Kernel();
    const seen: number[] = [];
    kernel.spawn(function* () {
      for (let i = 0; i < 3; i++) {
        seen.push(kernel.now);
        yield delay(2 * MS);
      }
    });
    expect(kernel.run()).toBe('idle');
    expect(seen).toEqual([0, 2000, 4000]);
    expect(kernel.now).toBe(6000);
  });

  it('wake by a signal in the order they began to wait, with its value', () => {
    const kernel = new Kernel();
    const ready = new Signal();
    const seen: string[] = [];
    for (const name of ['a', 'b']) {
      kernel.spawn(function* () {
        const value = yield signal(ready);
        seen.push(`${name} ${String(value)} at ${kernel.now}`);
      });
    }
    kernel.spawn(function* () {
      yield delay(5);
      expect(ready.waiters).toBe(2);
      ready.fire('go');
      seen.push('fired');
    });
    kernel.run();
    expect(seen).toEqual(['fired', 'a go at 5', 'b go at 5']);
  });

  it('wait for the next firing, not for one that was', () => {
    const kernel = new Kernel();
    const tick = new Signal();
    let woken = 0;
    tick.fire();
    kernel.spawn(function* () {
      for (;;) {
        yield signal(tick);
        woken++;
      }
    });
    kernel.run();
    expect(woken).toBe(0);
    tick.fire();
    kernel.run();
    expect(woken).toBe(1);
  });

  it('can be awaited through `done`', () => {
    const kernel = new Kernel();
    let endedAt = -1;
    const worker = kernel.spawn(function* () {
      yield delay(30);
    }, 'worker');
    kernel.spawn(function* () {
      yield signal(worker.done);
      endedAt = kernel.now;
    });
    kernel.run();
    expect([endedAt, worker.isAlive]).toEqual([30, false]);
  });

  it.each([
    ['in a delay', 1],
    ['on a signal', 0],
  ])('are cancelled %s; their pending wake is dropped and counted', (where, dropped) => {
    const kernel = new Kernel();
    const never = new Signal();
    const seen: string[] = [];
    const victim = kernel.spawn(function* () {
      try {
        yield where === 'in a delay' ? delay(100) : signal(never);
        seen.push('not reached');
      } finally {
        seen.push('cleaned up');
      }
    });
    kernel.spawn(function* () {
      yield delay(10);
      expect(victim.cancel()).toBe(true);
      expect(victim.cancel()).toBe(false);
      never.fire();
    });
    kernel.run();
    expect(seen).toEqual(['cleaned up']);
    expect(kernel.dropped).toBe(dropped);
  });

  it('do not wake a successor in a reused slot', () => {
    const kernel = new Kernel();
    const seen: string[] = [];
    const first = kernel.spawn(function* () {
      yield delay(100);
      seen.push('first');
    });
    kernel.run(10);
    first.cancel();
    kernel.spawn(function* () {
      yield delay(500);
      seen.push(`second at ${kernel.now}`);
    });
    kernel.run();
    expect(seen).toEqual(['second at 510']);
  });

  it.each([-1, 0.5, Number.NaN])('refuse a delay of %s', (delayUs) => {
    expect(() => delay(delayUs)).toThrow(InvariantError);
  });

  it('name themselves when they yield nonsense', () => {
    const kernel = new Kernel();
    kernel.spawn(function* () {
      yield 'soon' as unknown as number;
    }, 'fault-script');
    expect(() => kernel.run()).toThrow(/'fault-script' yielded neither/);
  });
});
