// A binary heap of pod rows from which any pod can be taken. Where each pod stands is kept in a column shared by all
// heaps of a queue: a pod is in one of them at a time.
import { assert, grownInt32 } from '../kernel/index.ts';

export class PodHeap {
  readonly #before: (a: number, b: number) => boolean;
  readonly #places: { at: Int32Array };
  #pods = new Int32Array(64);
  #size = 0;

  /** @param before true if `a` leaves first; a total order makes the heap's order independent of its history */
  constructor(before: (a: number, b: number) => boolean, places: { at: Int32Array }) {
    this.#before = before;
    this.#places = places;
  }

  get size(): number {
    return this.#size;
  }

  /** First pod; -1 when empty. */
  peek(): number {
    return this.#size === 0 ? -1 : this.#pods[0]!;
  }

  push(pod: number): void {
    if (this.#size === this.#pods.length) this.#pods = grownInt32(this.#pods, this.#size * 2);
    this.#rise(this.#size++, pod);
  }

  pop(): number {
    const pod = this.peek();
    if (pod >= 0) this.remove(pod);
    return pod;
  }

  remove(pod: number): void {
    const at = this.#places.at[pod]!;
    assert(at < this.#size && this.#pods[at] === pod, () => `pod row ${pod} is not in this heap`);
    const last = this.#pods[--this.#size]!;
    if (last === pod) return;
    // The last one may belong above or below the hole.
    if (at > 0 && this.#before(last, this.#pods[(at - 1) >> 1]!)) this.#rise(at, last);
    else this.#sink(at, last);
  }

  #rise(at: number, pod: number): void {
    const pods = this.#pods;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(pod, pods[parent]!)) break;
      this.#put(at, pods[parent]!);
      at = parent;
    }
    this.#put(at, pod);
  }

  #sink(at: number, pod: number): void {
    const pods = this.#pods;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#before(pods[child + 1]!, pods[child]!)) child++;
      if (!this.#before(pods[child]!, pod)) break;
      this.#put(at, pods[child]!);
      at = child;
    }
    this.#put(at, pod);
  }

  #put(at: number, pod: number): void {
    this.#pods[at] = pod;
    this.#places.at[pod] = at;
  }
}
