// The default event queue: a binary heap over typed arrays.
//
// Three things make it quick. Index 0 is unused, so that two siblings share a cache line. The entry
// behind the last is Infinity, so that a node with one child needs no test. And `pop` leaves a hole
// at the root: the handler it runs for usually schedules a successor, which then takes the root's
// place and sinks once, instead of one entry sinking and another rising.

import { CANCELLED, type EventQueue, type EventSlots, ROW } from './event-queue.ts';
import { grownFloat64, grownInt32 } from './handles.ts';

export class HeapQueue implements EventQueue {
  private readonly events: EventSlots;
  private times: Float64Array;
  private slots: Int32Array;
  /** Index of the last entry; the root is 1. Counts the hole as an entry. */
  private last = 0;
  private hole = false;

  constructor(events: EventSlots) {
    this.events = events;
    this.times = new Float64Array(1024).fill(Number.POSITIVE_INFINITY);
    this.slots = new Int32Array(1024);
  }

  push(time: number, slot: number): void {
    if (this.hole) {
      this.hole = false;
      this.sink(1, time, slot);
      return;
    }
    // Two entries of slack: the new one and the Infinity behind it.
    let at = ++this.last;
    if (at + 1 >= this.times.length) this.grow();
    const times = this.times;
    const slots = this.slots;
    while (at > 1) {
      const parent = at >> 1;
      const parentTime = times[parent]!;
      // The new event has the highest sequence, so among equal times it stays below.
      if (parentTime <= time) break;
      times[at] = parentTime;
      slots[at] = slots[parent]!;
      at = parent;
    }
    times[at] = time;
    slots[at] = slot;
  }

  nextTime(): number {
    if (this.hole) this.fillHole();
    return this.times[1]!;
  }

  nextSlot(): number {
    return this.slots[1]!;
  }

  pop(): number {
    this.hole = true;
    return this.slots[1]!;
  }

  sweep(): void {
    if (this.hole) this.fillHole();
    const { times, slots, events } = this;
    let kept = 0;
    for (let i = 1; i <= this.last; i++) {
      const slot = slots[i]!;
      if (events.rows[slot * ROW] === CANCELLED) {
        events.releaseCancelled(slot);
      } else {
        kept++;
        times[kept] = times[i]!;
        slots[kept] = slot;
      }
    }
    times.fill(Number.POSITIVE_INFINITY, kept + 1, this.last + 1);
    this.last = kept;
    for (let i = kept >> 1; i >= 1; i--) this.sink(i, times[i]!, slots[i]!);
  }

  private fillHole(): void {
    this.hole = false;
    const last = this.last--;
    const time = this.times[last]!;
    const slot = this.slots[last]!;
    this.times[last] = Number.POSITIVE_INFINITY;
    if (last > 1) this.sink(1, time, slot);
  }

  /** Puts an entry at `at` or below, after the entries that come before it. */
  private sink(from: number, time: number, slot: number): void {
    const times = this.times;
    const slots = this.slots;
    const last = this.last;
    let at = from;
    let child = at << 1;
    while (child <= last) {
      const firstTime = times[child]!;
      const siblingTime = times[child + 1]!;
      // As arithmetic, not as a branch: which sibling is smaller is a coin toss no processor predicts.
      child += +(siblingTime < firstTime) | 0;
      if (siblingTime === firstTime && this.isBefore(child + 1, child)) child++;
      const childTime = times[child]!;
      if (time <= childTime && (time < childTime || this.isSlotBefore(slot, slots[child]!))) break;
      times[at] = childTime;
      slots[at] = slots[child]!;
      at = child;
      child = at << 1;
    }
    times[at] = time;
    slots[at] = slot;
  }

  private isBefore(a: number, b: number): boolean {
    return this.isSlotBefore(this.slots[a]!, this.slots[b]!);
  }

  private isSlotBefore(a: number, b: number): boolean {
    const sequences = this.events.sequences;
    return sequences[a]! < sequences[b]!;
  }

  private grow(): void {
    const length = this.times.length;
    this.times = grownFloat64(this.times, length * 2).fill(Number.POSITIVE_INFINITY, length);
    this.slots = grownInt32(this.slots, length * 2);
  }
}
