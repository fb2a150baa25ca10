// The revision log: what etcd committed, in order, one log a resource. Watchers are cursors into it (a position and a
// delay), so a commit costs the same whether ten or ten thousand watch. Entries carry the few values observers fold,
// so that nobody needs old versions of objects: acting on what the cursor has passed is acting on stale state.
import { assert } from '../kernel/index.ts';

export const Verb = { added: 0, modified: 1, deleted: 2 } as const;
export type Verb = (typeof Verb)[keyof typeof Verb];

export class RevisionLog {
  readonly resource: string;
  /** Absolute position one past the newest entry. */
  head = 0;
  /** Absolute position of the oldest entry that is kept. */
  tail = 0;
  #mask: number;
  #revision: Float64Array;
  #time: Float64Array;
  #verb: Uint8Array;
  #id: Int32Array;
  #word: Int32Array;
  #node: Int32Array;
  #object: unknown[];

  constructor(resource: string, capacity = 1024) {
    assert((capacity & (capacity - 1)) === 0, 'log capacity is a power of two');
    this.resource = resource;
    this.#mask = capacity - 1;
    this.#revision = new Float64Array(capacity);
    this.#time = new Float64Array(capacity);
    this.#verb = new Uint8Array(capacity);
    this.#id = new Int32Array(capacity);
    this.#word = new Int32Array(capacity);
    this.#node = new Int32Array(capacity);
    this.#object = new Array<unknown>(capacity).fill(null);
  }

  /** `word` and `node`: packed state after the write (pods: PodWord and bound node). `object`: the version written. */
  append(
    revision: number,
    timeUs: number,
    verb: Verb,
    id: number,
    word: number,
    node: number,
    object: unknown,
  ): void {
    if (this.head - this.tail > this.#mask) this.#grow();
    const at = this.head & this.#mask;
    this.#revision[at] = revision;
    this.#time[at] = timeUs;
    this.#verb[at] = verb;
    this.#id[at] = id;
    this.#word[at] = word;
    this.#node[at] = node;
    this.#object[at] = object;
    this.head += 1;
  }

  /** etcd revision of the write. */
  revision(position: number): number {
    return this.#revision[position & this.#mask]!;
  }
  /** Commit time, µs. */
  time(position: number): number {
    return this.#time[position & this.#mask]!;
  }
  verb(position: number): Verb {
    return this.#verb[position & this.#mask]! as Verb;
  }
  id(position: number): number {
    return this.#id[position & this.#mask]!;
  }
  word(position: number): number {
    return this.#word[position & this.#mask]!;
  }
  node(position: number): number {
    return this.#node[position & this.#mask]!;
  }
  object(position: number): unknown {
    return this.#object[position & this.#mask];
  }

  /** Forgets entries before `position`; the caller knows that every cursor has passed them. */
  trim(position: number): void {
    while (this.tail < position) {
      this.#object[this.tail & this.#mask] = null;
      this.tail += 1;
    }
  }

  #grow(): void {
    const old = this.#mask + 1;
    const size = old * 2;
    const move = <A extends Float64Array | Int32Array | Uint8Array>(from: A, to: A): A => {
      for (let p = this.tail; p < this.head; p++) to[p & (size - 1)] = from[p & this.#mask]!;
      return to;
    };
    this.#revision = move(this.#revision, new Float64Array(size));
    this.#time = move(this.#time, new Float64Array(size));
    this.#verb = move(this.#verb, new Uint8Array(size));
    this.#id = move(this.#id, new Int32Array(size));
    this.#word = move(this.#word, new Int32Array(size));
    this.#node = move(this.#node, new Int32Array(size));
    const objects = new Array<unknown>(size).fill(null);
    for (let p = this.tail; p < this.head; p++) objects[p & (size - 1)] = this.#object[p & this.#mask];
    this.#object = objects;
    this.#mask = size - 1;
  }
}
