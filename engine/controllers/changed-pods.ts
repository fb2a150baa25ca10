// Pods that changed since the last sync of their Service, each once, in the order of their first change. Most syncs find
// one to three, and there is a sync for nearly every pod: the lists are used again, and a search goes through them while
// they are short.

/** With more pods than this they are found by a Map. */
const SHORT = 16;

export class ChangedPods {
  readonly #serials: number[] = [];
  readonly #pods: number[] = [];
  #count = 0;
  #places: Map<number, number> | null = null;

  get size(): number {
    return this.#count;
  }

  /** `pod`: its row, or -1 where it is no longer selected or there; by a later change another. */
  set(serial: number, pod: number): void {
    const at = this.#find(serial);
    if (at >= 0) {
      this.#pods[at] = pod;
      return;
    }
    this.#serials[this.#count] = serial;
    this.#pods[this.#count] = pod;
    this.#places?.set(serial, this.#count);
    this.#count += 1;
    if (this.#count > SHORT && this.#places === null) {
      this.#places = new Map();
      for (let i = 0; i < this.#count; i++) this.#places.set(this.#serials[i]!, i);
    }
  }

  has(serial: number): boolean {
    return this.#find(serial) >= 0;
  }

  /** The i-th of `size`. */
  serial(i: number): number {
    return this.#serials[i]!;
  }

  pod(i: number): number {
    return this.#pods[i]!;
  }

  clear(): void {
    this.#count = 0;
    if (this.#places === null) return;
    // So many are rare: a Service that is new, or changed itself.
    this.#places = null;
    this.#serials.length = 0;
    this.#pods.length = 0;
  }

  #find(serial: number): number {
    if (this.#places !== null) return this.#places.get(serial) ?? -1;
    for (let i = 0; i < this.#count; i++) if (this.#serials[i] === serial) return i;
    return -1;
  }
}
