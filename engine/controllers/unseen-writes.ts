// What a controller has written about pods and not yet seen in its watch: until it has, the same object is not synced
// again (pkg/controller/util/consistency, gates StaleControllerConsistency*, on by default in v1.36). Writes of objects
// need no such book: a worker goes on only when their watch event has come (worker.ts).
import type { SeenPods } from '../contracts/controller.ts';
import { PodBit } from '../state/index.ts';

interface Write {
  readonly pod: number;
  readonly generation: number;
  readonly isDeletion: boolean;
}

export class UnseenWrites {
  readonly #pods: SeenPods;
  readonly #byKey = new Map<string, Write[]>();

  constructor(pods: SeenPods) {
    this.#pods = pods;
  }

  created(key: string, pod: number): void {
    this.#add(key, { pod, generation: this.#pods.table.generation[pod]!, isDeletion: false });
  }

  deleted(key: string, pod: number, generation: number): void {
    this.#add(key, { pod, generation, isDeletion: true });
  }

  /** Everything written for the key has been seen. */
  settled(key: string): boolean {
    const writes = this.#byKey.get(key);
    if (writes === undefined) return true;
    const left = writes.filter((write) => !this.#isSeen(write));
    if (left.length > 0) {
      this.#byKey.set(key, left);
      return false;
    }
    this.#byKey.delete(key);
    return true;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  #add(key: string, write: Write): void {
    const writes = this.#byKey.get(key);
    if (writes === undefined) this.#byKey.set(key, [write]);
    else writes.push(write);
  }

  #isSeen({ pod, generation, isDeletion }: Write): boolean {
    const { table } = this.#pods;
    // The row serves another pod: this one has come and gone.
    if (table.generation[pod] !== generation) return true;
    if (!isDeletion) return this.#pods.has(pod) || (table.word[pod]! & PodBit.removed) !== 0;
    return !this.#pods.has(pod) || (this.#pods.word(pod) & PodBit.deleting) !== 0;
  }
}
