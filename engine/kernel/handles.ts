// Slots that are reused: an object is named by (index, generation). When its slot is freed the
// generation moves on, so that whoever still holds the old pair can tell that the object is gone.
//
// The idiom for events: target = index, arg = generation. The handler asks `isAlive(target, arg)`
// first, and otherwise calls `kernel.countDropped()` and returns.

import { assert } from './assert.ts';

const GENERATION_MAX = 0x7fffffff;

export class HandleTable {
  private generations: Int32Array;
  // A freed slot points at the next free one; a slot in use holds IN_USE.
  private links: Int32Array;
  private firstFree = FREE_END;
  private used = 0;
  private highWater = 0;

  constructor(capacity = 16) {
    assert(
      Number.isInteger(capacity) && capacity > 0,
      () => `capacity ${capacity} is not a positive integer`,
    );
    this.generations = new Int32Array(capacity);
    this.links = new Int32Array(capacity);
  }

  /** Slots in use. */
  get size(): number {
    return this.used;
  }

  /** Slots there is room for; columns beside this table must be at least that long. Doubles. */
  get capacity(): number {
    return this.links.length;
  }

  /** One above the largest index ever given out: the end of a scan over the slots. */
  get end(): number {
    return this.highWater;
  }

  /** Takes a slot: the one freed last, else the next new one. Read `generation(index)` beside it. */
  allocate(): number {
    let index = this.firstFree;
    if (index !== FREE_END) {
      this.firstFree = this.links[index]!;
    } else {
      index = this.highWater++;
      if (index === this.links.length) this.grow();
    }
    this.links[index] = IN_USE;
    this.used++;
    return index;
  }

  /** Frees a slot in use; every older (index, generation) pair of it is dead from here on. */
  release(index: number): void {
    assert(this.isUsed(index), () => `slot ${index} is not in use`);
    this.used--;
    const generation = this.generations[index]! + 1;
    this.generations[index] = generation;
    if (generation === GENERATION_MAX) {
      this.links[index] = RETIRED; // its generations are used up: reusing it could revive a dead pair
    } else {
      this.links[index] = this.firstFree;
      this.firstFree = index;
    }
  }

  generation(index: number): number {
    assert(index >= 0 && index < this.highWater, () => `slot ${index} was never in use`);
    return this.generations[index]!;
  }

  isUsed(index: number): boolean {
    return index >= 0 && index < this.highWater && this.links[index] === IN_USE;
  }

  /** Whether the pair still names a living object. */
  isAlive(index: number, generation: number): boolean {
    return this.isUsed(index) && this.generations[index] === generation;
  }

  private grow(): void {
    const capacity = this.links.length * 2;
    this.generations = grownInt32(this.generations, capacity);
    this.links = grownInt32(this.links, capacity);
  }
}

const FREE_END = -1;
const IN_USE = -2;
const RETIRED = -3;

/** A longer copy; what is new is zero. */
export function grownInt32(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}

/** A longer copy; what is new is zero. */
export function grownFloat64(array: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(length);
  longer.set(array);
  return longer;
}
