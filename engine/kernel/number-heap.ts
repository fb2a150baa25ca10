// A small heap of (key, value) pairs of numbers for components: a node's pods by their end, retries
// by their deadline. Equal keys leave in the order they came.

import { assert } from './assert.ts';
import { grownFloat64 } from './handles.ts';

export class NumberHeap {
  private keys: Float64Array;
  private values: Float64Array;
  private sequences: Float64Array;
  private nextSequence = 0;
  private count = 0;

  constructor(capacity = 16) {
    assert(
      Number.isInteger(capacity) && capacity > 0,
      () => `capacity ${capacity} is not a positive integer`,
    );
    this.keys = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.sequences = new Float64Array(capacity);
  }

  get size(): number {
    return this.count;
  }

  push(key: number, value: number): void {
    assert(!Number.isNaN(key), 'a key is not a number');
    let at = this.count++;
    if (at === this.keys.length) this.grow();
    const { keys } = this;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      this.move(parent, at);
      at = parent;
    }
    keys[at] = key;
    this.values[at] = value;
    this.sequences[at] = this.nextSequence++;
  }

  /** The smallest key; Infinity when empty. */
  peekKey(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.keys[0]!;
  }

  /** The value of the smallest key. The heap must not be empty. */
  peekValue(): number {
    assert(this.count > 0, 'the heap is empty');
    return this.values[0]!;
  }

  /** Takes out the smallest key and gives its value. The heap must not be empty. */
  pop(): number {
    assert(this.count > 0, 'the heap is empty');
    const { keys, values, sequences } = this;
    const value = values[0]!;
    const last = --this.count;
    const key = keys[last]!;
    const sequence = sequences[last]!;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= last) break;
      if (child + 1 < last && this.isBefore(child + 1, keys[child]!, sequences[child]!)) child++;
      if (!this.isBefore(child, key, sequence)) break;
      this.move(child, at);
      at = child;
    }
    this.move(last, at);
    return value;
  }

  clear(): void {
    this.count = 0;
  }

  private isBefore(at: number, key: number, sequence: number): boolean {
    const other = this.keys[at]!;
    return other < key || (other === key && this.sequences[at]! < sequence);
  }

  private move(from: number, to: number): void {
    this.keys[to] = this.keys[from]!;
    this.values[to] = this.values[from]!;
    this.sequences[to] = this.sequences[from]!;
  }

  private grow(): void {
    const length = this.keys.length * 2;
    this.keys = grownFloat64(this.keys, length);
    this.values = grownFloat64(this.values, length);
    this.sequences = grownFloat64(this.sequences, length);
  }
}
