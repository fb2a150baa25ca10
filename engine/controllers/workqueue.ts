// The work queue of a controller, by client-go's rules (client-go/util/workqueue, v1.36): first in, first out; a key
// that is added many times runs once; a key added while it is worked on runs again afterwards; failing keys come back
// after an exponential back-off, and no faster than a shared bucket allows.

import type { WorkQueueView } from '../contracts/controller.ts';
import type { Kernel } from '../kernel/index.ts';
import { assert, NumberHeap } from '../kernel/index.ts';

/** default_rate_limiters.go: DefaultTypedControllerRateLimiter. */
const BACKOFF = { baseUs: 5_000, maxUs: 1_000_000_000 } as const;
const BUCKET_INTERVAL_US = 100_000;
const BUCKET_BURST = 100;

/** Most doublings that can matter: 5 ms * 2^28 is beyond every maximum. */
const DOUBLINGS_MAX = 40;

interface WorkQueueOptions {
  readonly backoff?: { readonly baseUs: number; readonly maxUs: number };
  /** Called when a key became available. */
  readonly wake: () => void;
  /** The queue's one timer: `due()` is to be called at that time and no other; null: not at all. */
  readonly schedule: (timeUs: number | null) => void;
  /** Told how long a key waited between add and get, µs. */
  readonly waited?: (us: number) => void;
}

/** Keys that nobody waits for or works on are forgotten when there are more than this, and they are most. */
const IDLE_MIN = 4096;
const NOT_WAITING = -1;

interface KeyState {
  /** When it was added, µs; one being worked on waits too if added meanwhile. */
  since: number;
  processing: boolean;
}

export class WorkQueue implements WorkQueueView {
  readonly #clock: Pick<Kernel, 'now'>;
  readonly #options: WorkQueueOptions;
  readonly #backoff: { readonly baseUs: number; readonly maxUs: number };

  /** Keys that want to be worked on, in order; `#head` is the first that is left. */
  #order: string[] = [];
  #head = 0;
  /** Keys that wait or are worked on, and some that did: a key that comes and goes needs no room of its own each time. */
  #keys = new Map<string, KeyState>();
  #idle = 0;

  /** Delayed keys and when they are due; the heap may hold entries that no longer count. */
  readonly #delayed = new Map<string, number>();
  readonly #heap = new NumberHeap();
  readonly #slots: string[] = [];
  readonly #freeSlots: number[] = [];
  #armedUs = Number.POSITIVE_INFINITY;

  readonly #failures = new Map<string, number>();
  /** The time at which the bucket will have been paid for (generic cell rate algorithm). */
  #paidUs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Kernel, 'now'>, options: WorkQueueOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#backoff = options.backoff ?? BACKOFF;
  }

  /** Keys ready to be taken. */
  get depth(): number {
    return this.#order.length - this.#head;
  }

  add(key: string): void {
    let state = this.#keys.get(key);
    if (state === undefined) {
      state = { since: this.#clock.now, processing: false };
      this.#keys.set(key, state);
    } else {
      if (state.since >= 0) return;
      state.since = this.#clock.now;
      if (state.processing) return;
      this.#idle -= 1;
    }
    this.#order.push(key);
    this.#options.wake();
  }

  /** The next key, or undefined. It is being worked on until `done`. */
  get(): string | undefined {
    if (this.#head === this.#order.length) return undefined;
    const key = this.#order[this.#head++]!;
    if (this.#head > 1024 && this.#head * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#head);
      this.#head = 0;
    }
    const state = this.#keys.get(key);
    assert(
      state !== undefined && state.since >= 0 && !state.processing,
      'a queued key is dirty and nobody works on it',
    );
    const { since } = state;
    state.since = NOT_WAITING;
    state.processing = true;
    this.#options.waited?.(this.#clock.now - since);
    return key;
  }

  done(key: string): void {
    const state = this.#keys.get(key);
    if (state === undefined || !state.processing) return;
    state.processing = false;
    if (state.since >= 0) {
      this.#order.push(key);
      this.#options.wake();
      return;
    }
    this.#idle += 1;
    if (this.#idle > IDLE_MIN && this.#idle * 2 > this.#keys.size) this.#forgetIdle();
  }

  #forgetIdle(): void {
    const busy = new Map<string, KeyState>();
    for (const [key, state] of this.#keys) if (state.since >= 0 || state.processing) busy.set(key, state);
    this.#keys = busy;
    this.#idle = 0;
  }

  addAfter(key: string, us: number): void {
    if (us <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.now + Math.ceil(us);
    const known = this.#delayed.get(key);
    if (known !== undefined && known <= at) return;
    this.#delayed.set(key, at);
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#slots[slot] = key;
    this.#heap.push(at, slot);
    this.#arm();
  }

  cancelAfter(key: string): void {
    if (!this.#delayed.delete(key)) return;
    this.#dropStale();
    const first = this.#heap.peekKey();
    if (first === this.#armedUs) return;
    this.#armedUs = first;
    this.#options.schedule(first === Number.POSITIVE_INFINITY ? null : first);
  }

  addRateLimited(key: string): void {
    const { baseUs, maxUs } = this.#backoff;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const backoff = Math.min(maxUs, baseUs * 2 ** Math.min(failures, DOUBLINGS_MAX));
    this.addAfter(key, Math.max(backoff, this.#reserve()));
  }

  forget(key: string): void {
    if (this.#failures.size > 0) this.#failures.delete(key);
  }

  retries(key: string): number {
    return this.#failures.size === 0 ? 0 : (this.#failures.get(key) ?? 0);
  }

  /** A scheduled time has come: delayed keys that are due are added. */
  due(): void {
    const now = this.#clock.now;
    if (now < this.#armedUs) return;
    this.#armedUs = Number.POSITIVE_INFINITY;
    while (this.#heap.peekKey() <= now) {
      const at = this.#heap.peekKey();
      const slot = this.#heap.pop();
      const key = this.#slots[slot]!;
      this.#freeSlots.push(slot);
      // An earlier time was asked for later, and has been served.
      if (this.#delayed.get(key) !== at) continue;
      this.#delayed.delete(key);
      this.add(key);
    }
    this.#arm();
  }

  /** Takes entries out of the heap's front that no longer count. */
  #dropStale(): void {
    while (this.#heap.size > 0) {
      const slot = this.#heap.peekValue();
      if (this.#delayed.get(this.#slots[slot]!) === this.#heap.peekKey()) return;
      this.#heap.pop();
      this.#freeSlots.push(slot);
    }
  }

  #arm(): void {
    this.#dropStale();
    const first = this.#heap.peekKey();
    if (first >= this.#armedUs) return;
    this.#armedUs = first;
    this.#options.schedule(first);
  }

  /** Takes a token; the time until it is there, µs. */
  #reserve(): number {
    const now = this.#clock.now;
    const full = now - BUCKET_BURST * BUCKET_INTERVAL_US;
    this.#paidUs = Math.max(this.#paidUs, full) + BUCKET_INTERVAL_US;
    return Math.max(0, this.#paidUs - now);
  }
}
