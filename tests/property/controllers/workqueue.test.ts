// The work queue against a naive model: lists and sets, one step at a time.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WorkQueue } from '../../../engine/controllers/workqueue.ts';
import type { SimTime } from '../../../engine/kernel/index.ts';

type Step =
  | { do: 'add' | 'done' | 'retry' | 'forget' | 'cancel'; key: string }
  | { do: 'get' }
  | { do: 'after'; key: string; us: number }
  | { do: 'wait'; us: number };

class Model {
  now = 0;
  waiting: string[] = [];
  readonly again = new Set<string>();
  readonly busy = new Set<string>();
  delayed: { key: string; at: number; order: number }[] = [];
  readonly failures = new Map<string, number>();
  tokens = 100;
  refilled = 0;
  order = 0;

  add(key: string): void {
    if (this.waiting.includes(key) || this.again.has(key)) return;
    if (this.busy.has(key)) this.again.add(key);
    else this.waiting.push(key);
  }
  get(): string | undefined {
    const key = this.waiting.shift();
    if (key !== undefined) this.busy.add(key);
    return key;
  }
  done(key: string): void {
    this.busy.delete(key);
    if (this.again.delete(key)) this.waiting.push(key);
  }
  after(key: string, us: number): void {
    if (us <= 0) {
      this.add(key);
      return;
    }
    const known = this.delayed.find((entry) => entry.key === key);
    if (known === undefined) this.delayed.push({ key, at: this.now + us, order: this.order++ });
    else if (this.now + us < known.at) Object.assign(known, { at: this.now + us, order: this.order++ });
  }
  retry(key: string): void {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    // A token bucket as its definition has it: 10 a second, 100 at most, debts are waited for.
    this.tokens = Math.min(100, this.tokens + (this.now - this.refilled) / 100_000) - 1;
    this.refilled = this.now;
    const bucket = this.tokens >= 0 ? 0 : Math.ceil(-this.tokens * 100_000 - 1e-6);
    this.after(key, Math.max(5000 * 2 ** failures, bucket));
  }
  wait(us: number): void {
    const end = this.now + us;
    for (;;) {
      this.delayed.sort((a, b) => a.at - b.at || a.order - b.order);
      const first = this.delayed[0];
      if (first === undefined || first.at > end) break;
      this.delayed.shift();
      this.now = first.at;
      this.add(first.key);
    }
    this.now = end;
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      'add' as const,
      'done' as const,
      'retry' as const,
      'forget' as const,
      'cancel' as const,
    ),
    key,
  }),
  fc.constant({ do: 'get' as const }),
  fc.record({ do: fc.constant('after' as const), key, us: fc.integer({ min: 0, max: 50_000 }) }),
  fc.record({ do: fc.constant('wait' as const), us: fc.integer({ min: 0, max: 60_000 }) }),
);

it('does what the naive queue does, step by step', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const model = new Model();
      const clock = { now: 0 as SimTime };
      const timers: number[] = [];
      const queue = new WorkQueue(clock, {
        wake: () => {},
        schedule: (timeUs) => {
          timers.length = 0;
          if (timeUs !== null) timers.push(timeUs);
        },
      });
      for (const s of steps) {
        switch (s.do) {
          case 'add':
            queue.add(s.key);
            model.add(s.key);
            break;
          case 'done':
            if (!model.busy.has(s.key)) break;
            queue.done(s.key);
            model.done(s.key);
            break;
          case 'retry':
            queue.addRateLimited(s.key);
            model.retry(s.key);
            break;
          case 'forget':
            queue.forget(s.key);
            model.failures.delete(s.key);
            break;
          case 'cancel':
            queue.cancelAfter(s.key);
            model.delayed = model.delayed.filter((entry) => entry.key !== s.key);
            break;
          case 'after':
            queue.addAfter(s.key, s.us);
            model.after(s.key, s.us);
            break;
          case 'get':
            expect(queue.get()).toBe(model.get());
            break;
          case 'wait': {
            const end = clock.now + s.us;
            for (;;) {
              const next = Math.min(...timers);
              if (next > end) break;
              timers.splice(timers.indexOf(next), 1);
              clock.now = next as SimTime;
              queue.due();
            }
            clock.now = end as SimTime;
            model.wait(s.us);
          }
        }
        expect(queue.depth).toBe(model.waiting.length);
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});
