// Lanes: one first-in-first-out ring for each constant delay. Time never goes back, so what is
// pushed through one delay is already in order, and a push or a pop costs O(1) where the heap's
// cost grows with the crowd. Watch latency, heartbeat periods and "now" (delay 0) live here.

import { InvariantError } from './assert.ts';
import { TIME_MAX } from './clock.ts';
import { grownFloat64, grownInt32 } from './handles.ts';

/** Cells of the kernel's clock array, which lanes share: a typed array holds doubles unboxed. */
export const NOW = 0;
export const SEQUENCE = 1;

const ROW = 4;

/** Pending events of one delay. Get it from `kernel.lane(delayUs)` once, and keep it. */
export class Lane {
  readonly delayUs: number;
  private readonly set: LaneSet;
  private readonly clock: Float64Array;
  private times = new Float64Array(16);
  private sequences = new Float64Array(16);
  private rows = new Int32Array(16 * ROW);
  private mask = 15;
  private head = 0;
  private count = 0;

  constructor(set: LaneSet, clock: Float64Array, delayUs: number) {
    this.set = set;
    this.clock = clock;
    this.delayUs = delayUs;
  }

  get size(): number {
    return this.count;
  }

  /** Schedules an event `delayUs` from now, in the order `kernel.after(delayUs, …)` would. */
  push(kind: number, target: number, arg: number): void {
    if (
      (kind | 0) !== kind ||
      kind < 1 ||
      kind >= this.set.kinds ||
      (target | 0) !== target ||
      (arg | 0) !== arg
    ) {
      rejectEvent(kind, target, arg);
    }
    const time = this.clock[NOW]! + this.delayUs;
    if (time > TIME_MAX) throw new InvariantError(`an event at ${time} µs is beyond the end of time`);
    if (this.count > this.mask) this.grow();
    const at = (this.head + this.count) & this.mask;
    this.times[at] = time;
    this.sequences[at] = this.clock[SEQUENCE]!++;
    const row = at * ROW;
    this.rows[row] = kind;
    this.rows[row + 1] = target;
    this.rows[row + 2] = arg;
    if (this.count++ === 0) this.set.add(this);
  }

  /** Time of the first event. Only where `size` > 0, as for the next four. */
  get firstTime(): number {
    return this.times[this.head]!;
  }

  get firstSequence(): number {
    return this.sequences[this.head]!;
  }

  get firstKind(): number {
    return this.rows[this.head * ROW]!;
  }

  get firstTarget(): number {
    return this.rows[this.head * ROW + 1]!;
  }

  get firstArg(): number {
    return this.rows[this.head * ROW + 2]!;
  }

  /** Drops the first event; only LaneSet calls it, which then restores its own order. */
  shift(): void {
    this.head = (this.head + 1) & this.mask;
    this.count--;
  }

  private grow(): void {
    const length = this.mask + 1;
    const { head } = this;
    this.times = grownFloat64(this.times, length * 2);
    this.sequences = grownFloat64(this.sequences, length * 2);
    this.rows = grownInt32(this.rows, length * 2 * ROW);
    // What had wrapped round to the front follows the old end.
    this.times.copyWithin(length, 0, head);
    this.sequences.copyWithin(length, 0, head);
    this.rows.copyWithin(length * ROW, 0, head * ROW);
    this.mask = length * 2 - 1;
  }
}

/** All lanes of a kernel; the non-empty ones in a small heap by their first event. */
export class LaneSet {
  /** The lane whose first event is due first; null when all are empty. */
  first: Lane | null = null;
  /** One above the largest registered kind; kept here so that a lane can check cheaply. */
  kinds = 1;
  private readonly clock: Float64Array;
  private readonly lanes = new Map<number, Lane>();
  private readonly order: Lane[] = [];

  constructor(clock: Float64Array) {
    this.clock = clock;
  }

  lane(delayUs: number): Lane {
    let lane = this.lanes.get(delayUs);
    if (lane === undefined) {
      lane = new Lane(this, this.clock, delayUs);
      this.lanes.set(delayUs, lane);
    }
    return lane;
  }

  get size(): number {
    let size = 0;
    for (const lane of this.order) size += lane.size;
    return size;
  }

  /** Takes in a lane that got its first event. */
  add(lane: Lane): void {
    const order = this.order;
    let at = order.length;
    order.push(lane);
    while (at > 0) {
      const parent = order[(at - 1) >> 1]!;
      if (!isDueBefore(lane, parent)) break;
      order[at] = parent;
      at = (at - 1) >> 1;
    }
    order[at] = lane;
    this.first = order[0]!;
  }

  /** Drops the first event of the first lane. */
  shift(): void {
    const order = this.order;
    let lane = order[0]!;
    lane.shift();
    if (lane.size === 0) {
      lane = order.pop()!;
      if (order.length === 0) {
        this.first = null;
        return;
      }
    } else if (order.length === 1) {
      return;
    }
    this.sink(lane);
    this.first = order[0]!;
  }

  private sink(lane: Lane): void {
    const order = this.order;
    const length = order.length;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= length) break;
      if (child + 1 < length && isDueBefore(order[child + 1]!, order[child]!)) child++;
      const other = order[child]!;
      if (!isDueBefore(other, lane)) break;
      order[at] = other;
      at = child;
    }
    order[at] = lane;
  }
}

function isDueBefore(a: Lane, b: Lane): boolean {
  const timeA = a.firstTime;
  const timeB = b.firstTime;
  return timeA < timeB || (timeA === timeB && a.firstSequence < b.firstSequence);
}

/** Says what is wrong with an event's three integers. */
export function rejectEvent(kind: number, target: number, arg: number): never {
  throw new InvariantError(
    `an event needs a registered kind and two 32-bit integers, not kind ${kind}, target ${target}, arg ${arg}`,
    { kind, target, arg },
  );
}
