// Finds a pod by its name: open addressing over typed arrays, keyed by (namespace, name base, suffix). At a million
// pods a Map of strings would cost ten times the memory. A suffix is five random characters or an ordinal (pods.ts);
// one name may be spelt in more than one way: ClusterState.findPod tries all.
import { mix32 } from '../kernel/index.ts';
import type { PodTable } from './pods.ts';

const EMPTY = -1;
const GONE = -2;

export class PodNames {
  readonly #pods: PodTable;
  #slots = new Int32Array(1024).fill(EMPTY);
  #filled = 0;

  constructor(pods: PodTable) {
    this.#pods = pods;
  }

  /** Row of the live pod with that name, or -1. */
  find(namespace: number, base: number, suffix: number): number {
    const mask = this.#slots.length - 1;
    for (let at = this.#hash(namespace, base, suffix) & mask; ; at = (at + 1) & mask) {
      const pod = this.#slots[at]!;
      if (pod === EMPTY) return -1;
      if (pod !== GONE && this.#is(pod, namespace, base, suffix)) return pod;
    }
  }

  add(pod: number): void {
    if ((this.#filled + 1) * 2 > this.#slots.length) this.#rebuild();
    this.#place(pod);
    this.#filled += 1;
  }

  /** Called before the row is freed. */
  remove(pod: number): void {
    const mask = this.#slots.length - 1;
    const t = this.#pods;
    for (
      let at = this.#hash(t.namespace[pod]!, t.nameBase[pod]!, t.nameSuffix[pod]!) & mask;
      ;
      at = (at + 1) & mask
    ) {
      const found = this.#slots[at]!;
      if (found === EMPTY) return;
      if (found === pod) {
        this.#slots[at] = GONE;
        return;
      }
    }
  }

  #is(pod: number, namespace: number, base: number, suffix: number): boolean {
    const t = this.#pods;
    return t.nameSuffix[pod] === suffix && t.nameBase[pod] === base && t.namespace[pod] === namespace;
  }

  #hash(namespace: number, base: number, suffix: number): number {
    return mix32(suffix ^ mix32(base ^ mix32(namespace)));
  }

  #place(pod: number): void {
    const mask = this.#slots.length - 1;
    const t = this.#pods;
    let at = this.#hash(t.namespace[pod]!, t.nameBase[pod]!, t.nameSuffix[pod]!) & mask;
    while (this.#slots[at]! >= 0) at = (at + 1) & mask;
    this.#slots[at] = pod;
  }

  /** Drops the marks of removed names and doubles if the live ones alone fill a quarter. */
  #rebuild(): void {
    const live = this.#slots.filter((pod) => pod >= 0);
    let size = this.#slots.length;
    while (live.length * 4 > size) size *= 2;
    this.#slots = new Int32Array(size).fill(EMPTY);
    this.#filled = live.length;
    for (const pod of live) this.#place(pod);
  }
}
