// The rows of a timeline, held in columns: a run of many pods has millions. Rows come in the order of commits; those of
// one write are put in order of object and field, as a set has no order of its own.
//
// What was so before time 0 is counted (a node that is Ready again is so for the second time) and not told, except that
// the setup created something.
import type { FieldValue, TimelineRow } from '../contracts/timeline.ts';

/** Values that change each time and are told alike: what stands behind the `#` only makes them differ. */
export const told = <V extends FieldValue | null>(value: V): V | string =>
  typeof value === 'string' && value.startsWith('set#') ? 'set#' : value;

interface Pending {
  readonly ref: number;
  readonly what: string;
  readonly value: FieldValue | null;
  readonly node: string;
}

export class Rows {
  /** Scenario's time 0, µs. */
  readonly #originUs: number;
  readonly #refs: string[] = [];
  readonly #ofPods: boolean[] = [];
  readonly #whats = new Map<string, number>();
  readonly #whatNames: string[] = [];
  #ref = new Int32Array(1024);
  #what = new Uint16Array(1024);
  #time = new Float64Array(1024);
  #revision = new Float64Array(1024);
  readonly #value: (FieldValue | null)[] = [];
  readonly #node = new Map<number, string>();
  /** How often objects took values before the first row. */
  readonly #primed = new Map<string, number>();
  #count = 0;
  #pending: Pending[] = [];
  #pendingUs = 0;
  #pendingRevision = -1;
  /** False: rows of single pods are left out, from the first on. */
  withPods = true;

  constructor(originUs: number) {
    this.#originUs = originUs;
  }

  /** A number that stands for an object's name in `add`. */
  ref(name: string, ofPod: boolean): number {
    this.#refs.push(name);
    this.#ofPods.push(ofPod);
    return this.#refs.length - 1;
  }

  /** An object has this value from before the run. */
  prime(ref: number, what: string, value: FieldValue): void {
    this.#primed.set(`${this.#refs[ref]} ${what} ${told(value)}`, 1);
  }

  add(
    us: number,
    revision: number,
    ref: number,
    what: string,
    value: FieldValue | null = null,
    node = '',
  ): void {
    if (!this.withPods && this.#ofPods[ref]) return;
    if (revision !== this.#pendingRevision || us !== this.#pendingUs) this.#settle();
    this.#pendingUs = us;
    this.#pendingRevision = revision;
    this.#pending.push({ ref, what, value, node });
  }

  /** All rows as they are written. */
  *list(): Generator<TimelineRow> {
    this.#settle();
    const times = new Map(this.#primed);
    let last = -1;
    for (let row = 0; row < this.#count; row++) {
      const ref = this.#ref[row]!;
      if (!this.withPods && this.#ofPods[ref]) continue;
      const o = this.#refs[ref]!;
      const w = this.#whatNames[this.#what[row]!]!;
      const value = told(this.#value[row]!);
      const t = (this.#time[row]! - this.#originUs) / 1000;
      // An order statistic takes each value once.
      let k = 1;
      if (!w.startsWith('pods.')) {
        const key = `${o} ${w} ${value}`;
        k = (times.get(key) ?? 0) + 1;
        times.set(key, k);
      }
      if (t < 0 && w !== 'created') continue;
      const same = last >= 0 && this.#revision[last] === this.#revision[row];
      const node = this.#node.get(row);
      yield {
        o,
        w,
        ...(value === null ? {} : { v: value }),
        ...(k === 1 ? {} : { k }),
        t,
        ...(last < 0 ? {} : { ord: same ? '=' : '<' }),
        ...(node === undefined ? {} : { node }),
      } as TimelineRow;
      last = row;
    }
  }

  #settle(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    if (pending.length > 1) pending.sort((a, b) => this.#compare(a, b));
    for (const one of pending) this.#append(one);
    pending.length = 0;
  }

  #compare(a: Pending, b: Pending): number {
    const x = this.#refs[a.ref]!;
    const y = this.#refs[b.ref]!;
    if (x !== y) return x < y ? -1 : 1;
    return a.what < b.what ? -1 : a.what > b.what ? 1 : 0;
  }

  #append(one: Pending): void {
    const row = this.#count;
    if (row === this.#ref.length) this.#grow();
    let what = this.#whats.get(one.what);
    if (what === undefined) {
      what = this.#whatNames.push(one.what) - 1;
      this.#whats.set(one.what, what);
    }
    this.#ref[row] = one.ref;
    this.#what[row] = what;
    this.#time[row] = this.#pendingUs;
    this.#revision[row] = this.#pendingRevision;
    this.#value.push(one.value);
    if (one.node !== '') this.#node.set(row, one.node);
    this.#count += 1;
  }

  #grow(): void {
    const size = this.#ref.length * 2;
    const grown = <A extends Int32Array | Uint16Array | Float64Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.#ref = grown(this.#ref, new Int32Array(size));
    this.#what = grown(this.#what, new Uint16Array(size));
    this.#time = grown(this.#time, new Float64Array(size));
    this.#revision = grown(this.#revision, new Float64Array(size));
  }
}
