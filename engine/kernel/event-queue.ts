// What a queue of pending events is, and the table the events live in.
//
// An event is five numbers: time, sequence, kind, target, argument. The queue orders slot numbers
// by (time, sequence); the rest of the event stays in its slot until it runs, so that a queue moves
// twelve bytes and not forty.

import { InvariantError } from './assert.ts';
import { grownFloat64, grownInt32 } from './handles.ts';

/** The kind of an event that was cancelled and still sits in the queue. Real kinds start at 1. */
export const CANCELLED = 0;

/** Width of a row of `EventSlots.rows`: kind, target, argument, generation. */
export const ROW = 4;

/** A handle is generation * 2^24 + slot, so there are at most this many pending events in a queue. */
export const SLOTS_MAX = 0x1000000;
const GENERATION_MAX = 0x1fffffff;

/**
 * Pending events of one kernel, without their times. Slots are reused last-freed-first, which
 * keeps the busy ones in cache.
 */
export class EventSlots {
  /** Row of a slot: kind, target, argument, generation. A free slot's target is the next free slot. */
  rows: Int32Array;
  /** Sequence of a slot's event: the order of scheduling, unique in the run. */
  sequences: Float64Array;
  /** Slots in use, cancelled ones included. */
  used = 0;
  /** Slots in use whose event was cancelled. */
  cancelled = 0;
  private firstFree = -1;
  private highWater = 0;

  constructor(capacity = 1024) {
    this.rows = new Int32Array(capacity * ROW);
    this.sequences = new Float64Array(capacity);
  }

  get capacity(): number {
    return this.sequences.length;
  }

  allocate(sequence: number, kind: number, target: number, arg: number): number {
    let slot = this.firstFree;
    if (slot >= 0) {
      this.firstFree = this.rows[slot * ROW + 1]!;
    } else {
      slot = this.highWater++;
      if (slot === this.sequences.length) this.grow();
    }
    const rows = this.rows;
    const row = slot * ROW;
    rows[row] = kind;
    rows[row + 1] = target;
    rows[row + 2] = arg;
    this.sequences[slot] = sequence;
    this.used++;
    return slot;
  }

  release(slot: number): void {
    const rows = this.rows;
    const row = slot * ROW;
    this.used--;
    const generation = rows[row + 3]! + 1;
    rows[row + 3] = generation;
    if (generation === GENERATION_MAX) return; // retired: another round could revive an old handle
    rows[row + 1] = this.firstFree;
    this.firstFree = slot;
  }

  /** Frees a cancelled event's slot once the queue has let go of it. */
  releaseCancelled(slot: number): void {
    this.cancelled--;
    this.release(slot);
  }

  private grow(): void {
    const capacity = this.sequences.length * 2;
    if (capacity > SLOTS_MAX) {
      throw new InvariantError(`more than ${SLOTS_MAX} events are pending`, { pending: this.used });
    }
    this.rows = grownInt32(this.rows, capacity * ROW);
    this.sequences = grownFloat64(this.sequences, capacity);
  }
}

/**
 * Slots in the order of (time, sequence). Every implementation gives the same order; they differ
 * in speed only. A slot is in the queue at most once. `push` is called in the order of sequences.
 */
export interface EventQueue {
  push(time: number, slot: number): void;
  /** Time of the first event; Infinity when there is none. */
  nextTime(): number;
  /** The first slot, left in place. Call only after `nextTime()` gave a finite time. */
  nextSlot(): number;
  /** Takes the first slot out. Call only after `nextTime()` gave a finite time. */
  pop(): number;
  /** Takes out every slot whose kind is CANCELLED and releases it; the order of the rest stays. */
  sweep(): void;
}
