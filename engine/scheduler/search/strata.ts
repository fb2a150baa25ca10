// Strata: nodes that every plug-in which is not local to a node takes for the same. A stratum is a tuple of values, one
// a dimension: the raw scores of local plug-ins that are normalised over all nodes, then what the other plug-ins name.
// A domain is told by its number and not by its count of pods, so that a pod in a zone moves no node of that zone to
// another stratum; where each domain is one node, its count is told instead.
import type { NodeDimensions } from '../../contracts/topology.ts';
import { grownInt32 } from '../../kernel/index.ts';

/** More than these are slower than asking every node. */
const STRATA_MAX = 192;

const Form = { by: 0, through: 1, where: 2, each: 3 } as const;
const NONE = new Int32Array(0);
const NO_VALUE = (): number => 0;

/** What the plug-ins of an attempt name; reused by the next. */
export class Dimensions implements NodeDimensions {
  count = 0;
  /** Form of each, for comparison with those a class was built on. */
  readonly forms: number[] = [];
  readonly #first: Int32Array[] = [];
  readonly #second: Int32Array[] = [];
  readonly #function: ((node: number) => number)[] = [];

  reset(): void {
    this.count = 0;
  }
  by(values: Int32Array): void {
    for (let i = 0; i < this.count; i++) if (this.forms[i] === Form.by && this.#first[i] === values) return;
    this.#add(Form.by, values, NONE, NO_VALUE);
  }
  through(values: Int32Array, table: Int32Array): void {
    this.#add(Form.through, values, table, NO_VALUE);
  }
  where(domains: Int32Array, values: Int32Array): void {
    this.#add(Form.where, domains, values, NO_VALUE);
  }
  each(value: (node: number) => number): void {
    this.#add(Form.each, NONE, NONE, value);
  }

  #add(form: number, first: Int32Array, second: Int32Array, value: (node: number) => number): void {
    const i = this.count++;
    this.forms[i] = form;
    this.#first[i] = first;
    this.#second[i] = second;
    this.#function[i] = value;
  }

  /** Packs the values of nodes[0..count) onto keys (see pack). */
  pack(nodes: Int32Array, count: number, keys: Int32Array, bits: number): void {
    for (let d = 0; d < this.count; d++) {
      const form = this.forms[d]!;
      const first = this.#first[d]!;
      const second = this.#second[d]!;
      if (form === Form.by) {
        for (let i = 0; i < count; i++) keys[i] = packed(keys[i]!, first[nodes[i]!]!, bits);
      } else if (form === Form.where) {
        for (let i = 0; i < count; i++) {
          const node = nodes[i]!;
          keys[i] = packed(keys[i]!, first[node]! < 0 ? -1 : second[node]!, bits);
        }
      } else if (form === Form.through) {
        const { length } = second;
        for (let i = 0; i < count; i++) {
          const value = first[nodes[i]!]!;
          keys[i] = packed(keys[i]!, value < 0 ? -1 : value < length ? second[value]! : 0, bits);
        }
      } else {
        const value = this.#function[d]!;
        for (let i = 0; i < count; i++) keys[i] = packed(keys[i]!, value(nodes[i]!), bits);
      }
    }
  }

  /** Writes the values of a node into tuple[at..). */
  write(node: number, tuple: Int32Array, at: number): void {
    for (let i = 0; i < this.count; i++) {
      const form = this.forms[i]!;
      if (form === Form.each) {
        tuple[at + i] = this.#function[i]!(node);
        continue;
      }
      const value = this.#first[i]![node]!;
      if (form === Form.by) tuple[at + i] = value;
      else if (value < 0) tuple[at + i] = -1;
      else if (form === Form.where) tuple[at + i] = this.#second[i]![node]!;
      else {
        const table = this.#second[i]!;
        tuple[at + i] = value < table.length ? table[value]! : 0;
      }
    }
  }
}

/** Bits of each value where a tuple of so many is packed into 31. */
export const packedBits = (width: number): number => (width === 0 ? 0 : Math.floor(31 / width));

/** Appends a value to a key; keys of tuples with a value that has no room are negative. */
export function packed(key: number, value: number, bits: number): number {
  const more = value + 1;
  return key < 0 || more >>> bits !== 0 ? -1 : (key << bits) | more;
}

/** The strata of one class of pods, numbered as they are met. */
export class StrataTable {
  count = 0;
  width = 0;
  /** By stratum: its tuple as a key; negative: it has no key. */
  readonly keys = new Int32Array(STRATA_MAX + 64);
  #tuples = new Int32Array(16);
  /** Open addressing: stratum + 1. */
  #slots = new Int32Array(2 * STRATA_MAX + 64);

  reset(width: number): void {
    this.width = width;
    this.count = 0;
    this.#slots.fill(0);
    this.keys.fill(-1);
  }

  #is(stratum: number, tuple: Int32Array): boolean {
    const at = stratum * this.width;
    for (let i = 0; i < this.width; i++) if (this.#tuples[at + i] !== tuple[i]) return false;
    return true;
  }

  /** The stratum of a tuple with this key, a new one perhaps. -1: there are too many. */
  find(tuple: Int32Array, key: number): number {
    let hash = 0;
    for (let i = 0; i < this.width; i++) hash = Math.imul(hash ^ tuple[i]!, 0x9e3779b1) ^ (hash >>> 15);
    const slots = this.#slots;
    let at = ((hash ^ (hash >>> 16)) >>> 0) % slots.length;
    for (; ; at = at + 1 === slots.length ? 0 : at + 1) {
      const stratum = slots[at]! - 1;
      if (stratum < 0) break;
      if (this.#is(stratum, tuple)) return stratum;
    }
    if (this.count === STRATA_MAX) return -1;
    const stratum = this.count++;
    const from = stratum * this.width;
    if (from + this.width > this.#tuples.length)
      this.#tuples = grownInt32(this.#tuples, 2 * (from + this.width));
    for (let i = 0; i < this.width; i++) this.#tuples[from + i] = tuple[i]!;
    slots[at] = stratum + 1;
    this.keys[stratum] = key;
    return stratum;
  }
}
