// Nodes by their position in the list, for pods that are all the same: who is feasible, how it scores, and in which
// stratum it is. For each stratum a tree over positions says how many of a range are feasible, the best score there and
// how many have it, so that "the K-th feasible after here", "the best of this window" and "the r-th of the best" cost
// steps by the depth of the tree and not by the number of nodes.
//
// The trees share their leaves; inner entries exist from 16 positions up (16, 256, 4096), in flat arrays with one row a
// stratum. An entry of 16 is one word: the best score, and a bit for each position that has it. That bit is all that a
// change needs to know of what was before, so a node that is far from the best costs a look at one word of a small
// array and a store: with many classes the time goes into fetching memory.
//
// Where decisions look at short windows, scanning leaves is cheaper than keeping entries right: such a tree is flat.
import { grownInt32 } from '../../kernel/index.ts';
import {
  BITS,
  bestOf,
  bitAt,
  cover,
  EMPTY,
  FAN,
  joined,
  REJECTED,
  rangeOf,
  SPAN1,
  SPAN2,
  SPAN3,
  scoreOf,
  stratumOf,
  TIED,
  tiesIn,
  wordOf,
} from './entries.ts';
import { fillSlot, inPage, type LeafPages } from './leaf-pages.ts';
import { Leaves } from './leaves.ts';

/** Of an empty range. */
export const NOTHING = -(2 ** 31);

export class ClassTree {
  /** Windows are scanned: there are no inner entries but the counts of all strata together. */
  isFlat = false;
  readonly leaves: Leaves;
  /** Strata that there is room for. */
  #strata = 0;
  /** By stratum: feasible nodes. */
  total = new Int32Array(4);
  /** Feasible nodes. */
  feasible = 0;
  #n = 0;
  #first = 0;
  #second = 0;
  /** Entries of a stratum: the three levels after each other. */
  #row = 0;
  #level2 = 0;
  #level3 = 0;
  /** Entries of 16 positions: words, #first of them a stratum, or one of them in a page. */
  #words = new Int32Array(0);
  #isPaged = false;
  /** Entries of the levels above: ranges, #row - #first of them a stratum. */
  #ranges = new Int32Array(0);
  /** By entry of all levels: feasible nodes. */
  #count = new Int32Array(0);
  /** Feasible nodes of all strata, one row. */
  #all = new Int32Array(0);

  constructor(pages: LeafPages) {
    this.leaves = new Leaves(pages);
  }

  get bytes(): number {
    const own = 4 * (this.leaves.words.length + this.#all.length + this.#count.length);
    const inner = this.#isPaged ? 2 * this.#n + 4 * this.#first : 4 * this.#words.length;
    return own + inner + 4 * this.#ranges.length;
  }

  /** Forgets everything: `n` positions, nobody passes. */
  reset(n: number, isFlat: boolean): void {
    const first = Math.ceil(n / SPAN1);
    const second = Math.ceil(n / SPAN2);
    const row = first + second + Math.ceil(n / SPAN3);
    if (n !== this.#n) {
      this.#n = n;
      this.#all = new Int32Array(row);
      this.#first = first;
      this.#second = second;
      this.#row = row;
      this.#level2 = first;
      this.#level3 = first + second;
      this.#drop();
    } else this.#all.fill(0);
    this.isFlat = isFlat;
    this.leaves.reset(n, isFlat ? null : first);
    this.#strata = 0;
    this.#drop();
    this.#takePage();
    this.total.fill(0);
    this.feasible = 0;
  }

  /** Words of the first stratum are in the page. */
  #takePage(): void {
    const { page, slot } = this.leaves;
    this.#isPaged = page !== null;
    if (page === null) return;
    this.#words = page.words;
    fillSlot(this.#words, slot, EMPTY);
  }

  /** There will be more strata than one. */
  #leavePage(): void {
    if (!this.#isPaged) return;
    this.#words = new Int32Array(this.#first).map((_, place) => this.#words[this.#wordAt(0, place)]!);
    this.#isPaged = false;
    this.leaves.spread();
  }

  #drop(): void {
    this.#words = new Int32Array(0);
    this.#ranges = new Int32Array(0);
    this.#count = new Int32Array(0);
  }

  /** Makes room for strata 0..count-1. */
  reserve(count: number): void {
    if (count > this.total.length) this.total = grownInt32(this.total, 2 * count);
    this.#strata = Math.max(count, this.#strata);
    if (this.isFlat) return;
    const old = this.#count.length;
    if (count * this.#row <= old) return;
    const room = Math.max(count, (2 * old) / this.#row);
    const above = this.#row - this.#first;
    this.#count = grownInt32(this.#count, room * this.#row);
    this.#ranges = grownInt32(this.#ranges, room * above).fill(EMPTY, this.#ranges.length);
    if (count === 1 && this.#isPaged) return;
    this.#leavePage();
    this.#words = grownInt32(this.#words, room * this.#first).fill(EMPTY, this.#words.length);
  }

  stratumAt(position: number): number {
    return stratumOf(this.leaves.at(position));
  }

  /** Where a stratum has its word for a range of 16, by number. */
  #wordAt(stratum: number, place: number): number {
    return this.#isPaged ? inPage(place, this.leaves.slot) : stratum * this.#first + place;
  }
  /** The same of a range above, by number among all above. */
  #rangeAt(stratum: number, place: number): number {
    return stratum * (this.#row - this.#first) + place;
  }

  /** Every node passes, and all are of one stratum: they can be rescored. */
  get isUniform(): boolean {
    return this.leaves.page !== null && this.feasible === this.#n;
  }

  /** Nodes at positions[0..count) get new scores, where the tree is uniform and remains so. */
  rescore(positions: Int32Array, values: Int32Array, count: number, scratch: Int32Array): void {
    const { page, slot } = this.leaves;
    const leaves = page!.values;
    const words = this.#words;
    let matter = 0;
    for (let i = 0; i < count; i++) {
      const position = positions[i]!;
      const value = values[i]!;
      const word = words[inPage(position >> BITS, slot)]!;
      leaves[inPage(position, slot)] = value;
      scratch[matter] = i;
      // Most changes are far from the best, and which ones cannot be foreseen: counted without a branch. 1: the node is
      // one of the best of its word, or not below them.
      matter += ((word >> (position & (FAN - 1))) & 1) | ((bestOf(word) - value - 1) >>> 31);
    }
    for (let k = 0; k < matter; k++) this.#rank(0, positions[scratch[k]!]!, values[scratch[k]!]!);
  }

  /** The leaf of the node at the position changes from `before` to `after`. */
  set(position: number, before: number, after: number): void {
    this.leaves.write(position, after);
    const value = scoreOf(after);
    const was = scoreOf(before) !== REJECTED;
    const is = value !== REJECTED;
    if (was !== is) {
      const d = is ? 1 : -1;
      this.feasible += d;
      this.#all[position >> BITS]! += d;
      this.#all[this.#level2 + (position >> (2 * BITS))]! += d;
      this.#all[this.#level3 + (position >> (3 * BITS))]! += d;
    }
    const from = stratumOf(before);
    const stratum = stratumOf(after);
    if (was && is && from === stratum) {
      if (!this.isFlat) this.#rank(stratum, position, value);
      return;
    }
    if (was) this.#leave(from, position);
    if (is) this.#join(stratum, position, value);
  }

  #join(stratum: number, position: number, value: number): void {
    this.#counts(stratum, position, 1);
    if (!this.isFlat) this.#rank(stratum, position, value);
  }

  #leave(stratum: number, position: number): void {
    this.#counts(stratum, position, -1);
    if (!this.isFlat) this.#rank(stratum, position, NOTHING);
  }

  #counts(stratum: number, position: number, d: 1 | -1): void {
    this.total[stratum]! += d;
    if (this.isFlat) return;
    const counts = this.#count;
    const base = stratum * this.#row;
    counts[base + (position >> BITS)]! += d;
    counts[base + this.#level2 + (position >> (2 * BITS))]! += d;
    counts[base + this.#level3 + (position >> (3 * BITS))]! += d;
  }

  /** A leaf of a stratum, written already, has got another score; NOTHING: it is not of the stratum, or does not pass. */
  #rank(stratum: number, position: number, value: number): void {
    const at = this.#wordAt(stratum, position >> BITS);
    const word = this.#words[at]!;
    const best = bestOf(word);
    const bit = 1 << (position & (FAN - 1));
    let next = word;
    if (value > best) next = wordOf(value, bit);
    else if (value === best) next = word | bit;
    else if ((word & bit) !== 0) {
      next = word & ~bit;
      // The only best one has gone: look again.
      if ((next & TIED) === 0) next = this.#wordOf(stratum, position & ~(FAN - 1));
    }
    if (next === word) return;
    this.#words[at] = next;
    const above = bestOf(this.#ranges[this.#rangeAt(stratum, position >> (2 * BITS))]!);
    if (best < above && bestOf(next) < above) return;
    this.#lift(2, stratum, position, rangeOf(word), rangeOf(next));
  }

  /** The word of the 16 positions from `from` on. */
  #wordOf(stratum: number, from: number): number {
    const { page, slot } = this.leaves;
    const to = Math.min(from + FAN, this.#n);
    let best = REJECTED;
    let tied = 0;
    if (page !== null) {
      const { values } = page;
      for (let p = from; p < to; p++) {
        const value = values[inPage(p, slot)]!;
        if (value < best) continue;
        tied = value > best ? 1 << (p - from) : tied | (1 << (p - from));
        best = value;
      }
      return best === REJECTED ? EMPTY : wordOf(best, tied);
    }
    const { words } = this.leaves;
    for (let p = from; p < to; p++) {
      const leaf = words[p]!;
      const value = scoreOf(leaf);
      if (value < best || value === REJECTED || stratumOf(leaf) !== stratum) continue;
      tied = value > best ? 1 << (p - from) : tied | (1 << (p - from));
      best = value;
    }
    return wordOf(best, tied);
  }

  /** An entry below the level, and of its range, has changed. */
  #lift(level: 2 | 3, stratum: number, position: number, old: number, next: number): void {
    const ranges = this.#ranges;
    const place = position >> (level * BITS);
    const at = this.#rangeAt(stratum, level === 2 ? place : this.#second + place);
    const range = ranges[at]!;
    const best = bestOf(range);
    const isIn = bestOf(old) === best;
    let lifted = range;
    if (bestOf(next) > best) lifted = next;
    else if (bestOf(next) === best) lifted += tiesIn(next) - (isIn ? tiesIn(old) : 0);
    else if (!isIn) return;
    else {
      lifted -= tiesIn(old);
      if (tiesIn(lifted) === 0) lifted = this.#rangeOf(level, stratum, place * FAN);
    }
    if (lifted === range) return;
    ranges[at] = lifted;
    if (level === 2) this.#lift(3, stratum, position, range, lifted);
  }

  /** The range of the 16 entries from `from` on of the level below. */
  #rangeOf(level: 2 | 3, stratum: number, from: number): number {
    const to = Math.min(from + FAN, level === 2 ? this.#first : this.#second);
    let range = EMPTY;
    for (let i = from; i < to; i++) {
      if (level === 2) range = joined(range, rangeOf(this.#words[this.#wordAt(stratum, i)]!));
      else range = joined(range, this.#ranges[this.#rangeAt(stratum, i)]!);
    }
    return range;
  }

  // ---- ranges: lists of entries (their place in a row) and of leaves (-1 - position), in order of position ----

  /** Writes what covers positions from..to-1 into parts[at..), and returns the new end. */
  cover(from: number, to: number, parts: Int32Array, at: number): number {
    return cover(from, to, this.#n, this.#level2, this.#level3, parts, at);
  }

  /** Room for the parts of a window that wraps. */
  get partsMax(): number {
    return 2 * (4 * FAN + Math.ceil(this.#n / SPAN3)) + 2;
  }

  /** Position of the k-th (from 1) feasible node among the parts, of strata that are `open`. -1: there are fewer. */
  kth(k: number, parts: Int32Array, count: number, strata: number, open: Uint8Array | null): number {
    let left = k;
    for (let i = 0; i < count; i++) {
      const part = parts[i]!;
      const here = part < 0 ? this.leaves.isOpen(-1 - part, open) : this.#countAt(part, strata, open);
      if (here >= left) return part < 0 ? -1 - part : this.#kthIn(left, part, strata, open);
      left -= here;
    }
    return -1;
  }

  #countAt(entry: number, strata: number, open: Uint8Array | null): number {
    if (open === null) return this.#all[entry]!;
    let sum = 0;
    for (let s = 0; s < strata; s++) if (open[s] === 1) sum += this.#count[s * this.#row + entry]!;
    return sum;
  }

  #kthIn(k: number, part: number, strata: number, open: Uint8Array | null): number {
    let left = k;
    let entry = part;
    while (entry >= this.#level2) {
      entry = this.#child(entry);
      for (
        let here = this.#countAt(entry, strata, open);
        here < left;
        here = this.#countAt(entry, strata, open)
      ) {
        left -= here;
        entry += 1;
      }
    }
    let p = entry << BITS;
    for (; ; p++) {
      left -= this.leaves.isOpen(p, open);
      if (left === 0) return p;
    }
  }

  /** First entry below one of the second or third level. */
  #child(entry: number): number {
    return entry >= this.#level3
      ? this.#level2 + ((entry - this.#level3) << BITS)
      : (entry - this.#level2) << BITS;
  }

  /** Makes inner entries: windows have turned out too long to scan. */
  branch(strata: number): void {
    const { words } = this.leaves;
    this.isFlat = false;
    this.total.fill(0);
    this.reserve(strata);
    for (let p = 0; p < this.#n; p++) {
      const value = scoreOf(words[p]!);
      if (value !== REJECTED) this.#join(stratumOf(words[p]!), p, value);
    }
  }

  /** Adds up each open stratum over the parts: feasible nodes, best score, how many have it. */
  sum(
    parts: Int32Array,
    count: number,
    strata: number,
    open: Uint8Array | null,
    sizes: Int32Array,
    bests: Int32Array,
    ties: Int32Array,
  ): void {
    let leaves = 0;
    for (let s = 0; s < strata; s++) {
      let size = 0;
      let best = NOTHING;
      let tied = 0;
      if (this.total[s]! > 0 && (open === null || open[s] === 1)) {
        const base = s * this.#row;
        leaves = 0;
        for (let i = 0; i < count; i++) {
          const part = parts[i]!;
          if (part < 0) {
            leaves += 1;
            continue;
          }
          size += this.#count[base + part]!;
          const range = this.#at(s, part);
          const value = bestOf(range);
          if (value < best || value === REJECTED) continue;
          tied = value > best ? tiesIn(range) : tied + tiesIn(range);
          best = value;
        }
      }
      sizes[s] = size;
      bests[s] = best;
      ties[s] = tied;
    }
    if (leaves === 0) return;
    for (let i = 0; i < count; i++) {
      const part = parts[i]!;
      if (part >= 0) continue;
      const leaf = this.leaves.at(-1 - part);
      const value = scoreOf(leaf);
      if (value === REJECTED) continue;
      const s = stratumOf(leaf);
      if (open !== null && open[s] === 0) continue;
      sizes[s]! += 1;
      if (value > bests[s]!) {
        bests[s] = value;
        ties[s] = 1;
      } else if (value === bests[s]) ties[s]! += 1;
    }
  }

  /** Position of the r-th (from 0) node among the parts whose score is wanted[its stratum]; NOTHING: none is. */
  tied(r: number, parts: Int32Array, winners: Int32Array, winning: number, wanted: Int32Array): number {
    let left = r;
    for (let i = 0; ; i++) {
      const part = parts[i]!;
      let here = 0;
      if (part < 0) here = this.leaves.wins(-1 - part, wanted);
      else here = this.#winsAt(part, winners, winning, wanted);
      if (here <= left) {
        left -= here;
        continue;
      }
      if (part < 0) return -1 - part;
      let entry = part;
      while (entry >= this.#level2) {
        entry = this.#child(entry);
        for (;;) {
          here = this.#winsAt(entry, winners, winning, wanted);
          if (here > left) break;
          left -= here;
          entry += 1;
        }
      }
      return (entry << BITS) + bitAt(left, this.#winnersIn(entry, winners, winning, wanted));
    }
  }

  /** Range of an entry of any level. */
  #at(stratum: number, entry: number): number {
    return entry < this.#level2
      ? rangeOf(this.#words[this.#wordAt(stratum, entry)]!)
      : this.#ranges[this.#rangeAt(stratum, entry - this.#first)]!;
  }

  /** Nodes below the entry whose score is that wanted of their stratum. */
  #winsAt(entry: number, winners: Int32Array, winning: number, wanted: Int32Array): number {
    let sum = 0;
    for (let w = 0; w < winning; w++) {
      const s = winners[w]!;
      const range = this.#at(s, entry);
      if (bestOf(range) === wanted[s]) sum += tiesIn(range);
    }
    return sum;
  }

  /** The same of an entry of 16, as bits of its positions. */
  #winnersIn(entry: number, winners: Int32Array, winning: number, wanted: Int32Array): number {
    let bits = 0;
    for (let w = 0; w < winning; w++) {
      const s = winners[w]!;
      const word = this.#words[this.#wordAt(s, entry)]!;
      if (bestOf(word) === wanted[s]) bits |= word & TIED;
    }
    return bits;
  }

  /** Position of some feasible node of a stratum that has one, looked for from `near` on where that is dear. */
  someOf(stratum: number, near: number): number {
    if (this.isFlat) return this.leaves.someOf(stratum, near);
    const counts = this.#count;
    const base = stratum * this.#row;
    let entry = this.#level3;
    while (counts[base + entry] === 0) entry += 1;
    while (entry >= this.#level2) {
      entry = this.#child(entry);
      while (counts[base + entry] === 0) entry += 1;
    }
    let p = entry << BITS;
    while (!this.leaves.isOf(p, stratum)) p += 1;
    return p;
  }
}
