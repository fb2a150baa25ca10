// A ladder queue (after W. Tang, R. Goh, I. Thng, "Ladder queue", ACM TOMACS 15(3), 2005): amortised
// O(1) a push and a pop, whatever the number of pending events.
//
//   top      events too far away to sort: one unsorted list, from `topStart` on
//   rungs    each spreads one list over buckets of equal width; a full bucket becomes a finer rung
//   bottom   the next few events, sorted
//
// Differences from the paper:
// - Widths are whole microseconds and powers of two, so that a bucket index is exact arithmetic and
//   a bucket one microsecond wide holds equal times only, which need no sorting.
// - Every rung ends in a "rest" bucket for what lies beyond its last bucket but before its parent's
//   next one. A rung can therefore be as narrow as its crowd, even between two day-long timers.
// - The bottom becomes a rung when an insertion would move many entries, not when it is long:
//   a burst at one instant is long and cheap.
//
// Ties are first in, first out without looking at sequences: lists are appended to and walked from
// the front, and equal times always lie in the same list.

import { CANCELLED, type EventQueue, type EventSlots, ROW } from './event-queue.ts';
import { grownFloat64, grownInt32 } from './handles.ts';

/** A list up to this long is sorted by insertion; an insertion may move this many entries. */
const SMALL = 48;
/** Free entries kept before the bottom's first, for events earlier than it. */
const FRONT_ROOM = 64;
const NONE = -1;

/** Buckets of one rung: linked lists through `LadderQueue.links`. The last bucket is the rest. */
class Rung {
  heads = new Int32Array(0);
  tails = new Int32Array(0);
  buckets = 0;
  /** Start of bucket 0. */
  start = 0;
  /** Start of the rest bucket. */
  end = 0;
  width = 1;
  inverseWidth = 1;
  /** First bucket not yet taken, and where it starts: earlier events belong to finer rungs. */
  current = 0;
  currentStart = 0;

  /** Sets the rung up for times from `min` to `max`, about one or two events of `count` a bucket. */
  open(min: number, max: number, count: number): void {
    const span = max - min + 1;
    let width = 1;
    while (width * count < span) width *= 2;
    this.width = width;
    this.inverseWidth = 1 / width;
    this.start = min;
    this.buckets = Math.floor((max - min) * this.inverseWidth) + 1;
    this.end = min + this.buckets * width;
    this.current = 0;
    this.currentStart = min;
    if (this.heads.length <= this.buckets) {
      this.heads = new Int32Array(this.buckets * 2);
      this.tails = new Int32Array(this.buckets * 2);
    }
    this.heads.fill(NONE, 0, this.buckets + 1);
  }
}

export class LadderQueue implements EventQueue {
  private readonly events: EventSlots;
  /** Time, and next slot in the same list, by slot. */
  private times: Float64Array;
  private links: Int32Array;

  private topHead = NONE;
  private topTail = NONE;
  private topStart = Number.NEGATIVE_INFINITY;

  /** Coarsest first; those from `depth` on are kept for reuse. */
  private readonly rungs: Rung[] = [];
  private depth = 0;

  private bottomTimes = new Float64Array(1024);
  private bottomSlots = new Int32Array(1024);
  private bottomHead = FRONT_ROOM;
  private bottomEnd = FRONT_ROOM;

  constructor(events: EventSlots) {
    this.events = events;
    this.times = new Float64Array(events.capacity);
    this.links = new Int32Array(events.capacity);
  }

  push(time: number, slot: number): void {
    if (slot >= this.times.length) this.growSlots();
    this.times[slot] = time;
    if (time >= this.topStart) {
      this.links[slot] = NONE;
      if (this.topHead === NONE) this.topHead = slot;
      else this.links[this.topTail] = slot;
      this.topTail = slot;
      return;
    }
    const rungs = this.rungs;
    for (let i = 0; i < this.depth; i++) {
      const rung = rungs[i]!;
      if (time >= rung.currentStart) {
        this.append(rung, time, slot);
        return;
      }
    }
    this.insert(time, slot);
  }

  nextTime(): number {
    if (this.bottomHead === this.bottomEnd && !this.refill()) return Number.POSITIVE_INFINITY;
    return this.bottomTimes[this.bottomHead]!;
  }

  nextSlot(): number {
    return this.bottomSlots[this.bottomHead]!;
  }

  pop(): number {
    return this.bottomSlots[this.bottomHead++]!;
  }

  sweep(): void {
    this.topHead = this.sweepList(this.topHead);
    this.topTail = this.sweptTail;
    for (let i = 0; i < this.depth; i++) {
      const rung = this.rungs[i]!;
      for (let bucket = rung.current; bucket <= rung.buckets; bucket++) {
        if (rung.heads[bucket] === NONE) continue;
        rung.heads[bucket] = this.sweepList(rung.heads[bucket]!);
        rung.tails[bucket] = this.sweptTail;
      }
    }
    let end = this.bottomHead;
    for (let i = this.bottomHead; i < this.bottomEnd; i++) {
      const slot = this.bottomSlots[i]!;
      if (this.events.rows[slot * ROW] === CANCELLED) {
        this.events.releaseCancelled(slot);
      } else {
        this.bottomTimes[end] = this.bottomTimes[i]!;
        this.bottomSlots[end++] = slot;
      }
    }
    this.bottomEnd = end;
  }

  private sweptTail = NONE;

  /** Unlinks cancelled events; gives the new head and leaves the new tail in `sweptTail`. */
  private sweepList(head: number): number {
    const links = this.links;
    let first = NONE;
    let tail = NONE;
    for (let slot = head; slot !== NONE; ) {
      const next = links[slot]!;
      if (this.events.rows[slot * ROW] === CANCELLED) {
        this.events.releaseCancelled(slot);
      } else {
        if (tail === NONE) first = slot;
        else links[tail] = slot;
        links[slot] = NONE;
        tail = slot;
      }
      slot = next;
    }
    this.sweptTail = tail;
    return first;
  }

  private append(rung: Rung, time: number, slot: number): void {
    const links = this.links;
    const bucket = time >= rung.end ? rung.buckets : Math.floor((time - rung.start) * rung.inverseWidth);
    links[slot] = NONE;
    if (rung.heads[bucket] === NONE) rung.heads[bucket] = slot;
    else links[rung.tails[bucket]!] = slot;
    rung.tails[bucket] = slot;
  }

  /** Moves the next non-empty list into the bottom. False when no event is left. */
  private refill(): boolean {
    for (;;) {
      if (this.depth === 0) {
        const list = this.topHead;
        if (list === NONE) {
          this.topStart = Number.NEGATIVE_INFINITY;
          return false;
        }
        this.topHead = NONE;
        this.take(list);
        this.topStart = this.takenMax + 1;
      } else {
        const rung = this.rungs[this.depth - 1]!;
        const { heads, buckets } = rung;
        let bucket = rung.current;
        while (bucket < buckets && heads[bucket] === NONE) bucket++;
        const list = heads[bucket]!;
        if (bucket === buckets) {
          this.depth--; // the rest, if any, takes this rung's place
        } else {
          rung.current = bucket + 1;
          rung.currentStart = rung.start + (bucket + 1) * rung.width;
        }
        if (list !== NONE) this.take(list);
      }
      if (this.bottomHead !== this.bottomEnd) return true;
    }
  }

  private takenMax = 0;

  /** Sorts a non-empty list into the (empty) bottom, or spreads it over a new rung if it is long. */
  private take(list: number): void {
    const { times, links } = this;
    let count = 0;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let slot = list; slot !== NONE; slot = links[slot]!) {
      const time = times[slot]!;
      if (time < min) min = time;
      if (time > max) max = time;
      count++;
    }
    this.takenMax = max;
    this.bottomHead = FRONT_ROOM;
    this.bottomEnd = FRONT_ROOM;
    if (count > SMALL && min !== max) {
      this.spread(list, min, max, count);
      return;
    }
    while (FRONT_ROOM + count > this.bottomTimes.length) this.growBottom();
    const { bottomTimes, bottomSlots } = this;
    let end = FRONT_ROOM;
    for (let slot = list; slot !== NONE; slot = links[slot]!) {
      const time = times[slot]!;
      let at = end++;
      while (at > FRONT_ROOM && bottomTimes[at - 1]! > time) {
        bottomTimes[at] = bottomTimes[at - 1]!;
        bottomSlots[at] = bottomSlots[at - 1]!;
        at--;
      }
      bottomTimes[at] = time;
      bottomSlots[at] = slot;
    }
    this.bottomEnd = end;
  }

  private spread(list: number, min: number, max: number, count: number): void {
    if (this.depth === this.rungs.length) this.rungs.push(new Rung());
    const rung = this.rungs[this.depth++]!;
    rung.open(min, max, count);
    const { times, links } = this;
    for (let slot = list; slot !== NONE; ) {
      const next = links[slot]!;
      this.append(rung, times[slot]!, slot);
      slot = next;
    }
  }

  /** Inserts into the sorted bottom, behind equal times, by moving whichever side is shorter. */
  private insert(time: number, slot: number): void {
    if (this.bottomEnd === this.bottomTimes.length) this.makeRoom();
    const { bottomTimes, bottomSlots } = this;
    const head = this.bottomHead;
    const end = this.bottomEnd;
    let low = head;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bottomTimes[middle]! <= time) low = middle + 1;
      else high = middle;
    }
    const before = low - head;
    const after = end - low;
    if (before < after && head > 0) {
      if (before > SMALL) {
        this.spreadBottom(low, slot);
        return;
      }
      for (let i = head; i < low; i++) {
        bottomTimes[i - 1] = bottomTimes[i]!;
        bottomSlots[i - 1] = bottomSlots[i]!;
      }
      this.bottomHead = head - 1;
      low--;
    } else {
      if (after > SMALL) {
        this.spreadBottom(low, slot);
        return;
      }
      for (let i = end; i > low; i--) {
        bottomTimes[i] = bottomTimes[i - 1]!;
        bottomSlots[i] = bottomSlots[i - 1]!;
      }
      this.bottomEnd = end + 1;
    }
    bottomTimes[low] = time;
    bottomSlots[low] = slot;
  }

  /** Turns the bottom, with `slot` inserted before position `at`, into a new finest rung. */
  private spreadBottom(at: number, slot: number): void {
    const { bottomSlots, links } = this;
    const head = this.bottomHead;
    const end = this.bottomEnd;
    let list = NONE;
    for (let i = end - 1; i >= head; i--) {
      const other = bottomSlots[i]!;
      links[other] = list;
      list = other;
      if (i === at) {
        links[slot] = list;
        list = slot;
      }
    }
    const first = this.times[list]!;
    const lastTime = this.times[bottomSlots[end - 1]!]!;
    this.bottomHead = FRONT_ROOM;
    this.bottomEnd = FRONT_ROOM;
    this.spread(list, first, lastTime, end - head + 1);
  }

  /** The bottom reached the end of its arrays: moves it to the front if half of them is spent. */
  private makeRoom(): void {
    const head = this.bottomHead;
    if (head < this.bottomTimes.length >> 1) {
      this.growBottom();
      return;
    }
    this.bottomTimes.copyWithin(FRONT_ROOM, head, this.bottomEnd);
    this.bottomSlots.copyWithin(FRONT_ROOM, head, this.bottomEnd);
    this.bottomEnd += FRONT_ROOM - head;
    this.bottomHead = FRONT_ROOM;
  }

  private growSlots(): void {
    this.times = grownFloat64(this.times, this.events.capacity);
    this.links = grownInt32(this.links, this.events.capacity);
  }

  private growBottom(): void {
    const length = this.bottomTimes.length * 2;
    this.bottomTimes = grownFloat64(this.bottomTimes, length);
    this.bottomSlots = grownInt32(this.bottomSlots, length);
  }
}
