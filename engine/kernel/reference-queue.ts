// The reference queue: `fast-priority-queue` over slot numbers. Slower than ours, but somebody
// else's: the selectable second opinion, and good enough wherever few events are pending.

import FastPriorityQueue from 'fast-priority-queue';
import { CANCELLED, type EventQueue, type EventSlots, ROW } from './event-queue.ts';
import { grownFloat64 } from './handles.ts';

export class ReferenceQueue implements EventQueue {
  private readonly events: EventSlots;
  private readonly queue: FastPriorityQueue<number>;
  /** Time by slot; boxed so that the comparator sees it after it grew. */
  private readonly column: { times: Float64Array };

  constructor(events: EventSlots) {
    const column = { times: new Float64Array(events.capacity) };
    this.events = events;
    this.column = column;
    this.queue = new FastPriorityQueue<number>((a, b) => {
      const times = column.times;
      const timeA = times[a]!;
      const timeB = times[b]!;
      return timeA < timeB || (timeA === timeB && events.sequences[a]! < events.sequences[b]!);
    });
  }

  push(time: number, slot: number): void {
    if (slot >= this.column.times.length) {
      this.column.times = grownFloat64(this.column.times, this.events.capacity);
    }
    this.column.times[slot] = time;
    this.queue.add(slot);
  }

  nextTime(): number {
    const slot = this.queue.peek();
    return slot === undefined ? Number.POSITIVE_INFINITY : this.column.times[slot]!;
  }

  nextSlot(): number {
    return this.queue.peek()!;
  }

  pop(): number {
    return this.queue.poll()!;
  }

  sweep(): void {
    const { events } = this;
    const removed = this.queue.removeMany((slot) => events.rows[slot * ROW] === CANCELLED);
    for (const slot of removed) events.releaseCancelled(slot);
  }
}
