// Nodes by their position in the list, for pods that are all the same: who is feasible, how it scores, and in which
// stratum it is. For each stratum a tree over positions says how many of a range are feasible, the best score there and
// how many have it, so that "the K-th feasible after here", "the best of this window" and "the r-th of the best" cost
// steps by the depth of the tree and not by the number of nodes.
//
// The trees share their leaves; inner entries exist from 16 positions up (16, 256, 4096), in flat arrays with one row a
// stratum. Fan-out is wide because an update mostly ends at the first level: the best of 16 rarely changes.
import { grownInt32 } from '../../kernel/index.ts';

/** Of an empty range. */
export const NOTHING = -(2 ** 31);
/** Leaves of nodes that do not pass hold REJECTED - verdict; everything above is a score. */
const REJECTED = -(2 ** 30);
const FAN = 16;
const BITS = 4;
const SPAN1 = 1 << BITS;
const SPAN2 = 1 << (2 * BITS);
const SPAN3 = 1 << (3 * BITS);

export class ClassTree {
  /** By position. */
  leaf = new Int32Array(0);
  stratum = new Int32Array(0);
  /** By stratum: feasible nodes. */
  total = new Int32Array(4);
  /** Feasible nodes. */
  feasible = 0;
  #n = 0;
  #first = 0;
  #second = 0;
  #row = 0;
  #level2 = 0;
  #level3 = 0;
  /** By stratum, `row` entries each: the three levels after each other. */
  #count = new Int32Array(0);
  #best = new Int32Array(0);
  #ties = new Int32Array(0);
  /** Feasible nodes of all strata, one row. */
  #all = new Int32Array(0);

  get bytes(): number {
    return 4 * (2 * this.leaf.length + 3 * this.#count.length);
  }

  /** Forgets everything: `n` positions, nobody passes. */
  reset(n: number): void {
    const first = Math.ceil(n / SPAN1);
    const second = Math.ceil(n / SPAN2);
    const row = first + second + Math.ceil(n / SPAN3);
    if (n !== this.#n) {
      this.#n = n;
      this.leaf = new Int32Array(n);
      this.stratum = new Int32Array(n);
      this.#all = new Int32Array(row);
      this.#first = first;
      this.#second = second;
      this.#row = row;
      this.#level2 = first;
      this.#level3 = first + second;
      this.#count = new Int32Array(row * 2);
      this.#best = new Int32Array(row * 2);
      this.#ties = new Int32Array(row * 2);
    } else {
      this.stratum.fill(0);
      this.#all.fill(0);
      this.#count.fill(0);
      this.#ties.fill(0);
    }
    this.leaf.fill(REJECTED);
    this.#best.fill(NOTHING);
    this.total.fill(0);
    this.feasible = 0;
  }

  /** Makes room for strata 0..count-1. */
  reserve(count: number): void {
    if (count > this.total.length) this.total = grownInt32(this.total, 2 * count);
    const length = count * this.#row;
    if (length <= this.#count.length) return;
    const longer = Math.max(length, 2 * this.#count.length);
    const old = this.#best.length;
    this.#count = grownInt32(this.#count, longer);
    this.#ties = grownInt32(this.#ties, longer);
    this.#best = grownInt32(this.#best, longer).fill(NOTHING, old);
  }

  reject(position: number, verdict: number): void {
    this.#set(position, this.stratum[position]!, REJECTED - verdict);
  }

  /** @param score of absolute value below 2^30 */
  accept(position: number, stratum: number, score: number): void {
    this.#set(position, stratum, score);
  }

  #set(position: number, stratum: number, value: number): void {
    const before = this.leaf[position]!;
    const from = this.stratum[position]!;
    if (before === value && from === stratum) return;
    this.leaf[position] = value;
    this.stratum[position] = stratum;
    const was = before > REJECTED;
    const is = value > REJECTED;
    if (was !== is) {
      const d = is ? 1 : -1;
      this.feasible += d;
      this.#all[position >> BITS]! += d;
      this.#all[this.#level2 + (position >> (2 * BITS))]! += d;
      this.#all[this.#level3 + (position >> (3 * BITS))]! += d;
    }
    if (from === stratum) {
      if (was || is) this.#change(stratum, position, was ? before : NOTHING, is ? value : NOTHING);
      return;
    }
    if (was) this.#change(from, position, before, NOTHING);
    if (is) this.#change(stratum, position, NOTHING, value);
  }

  /** A leaf of a stratum has got another value; NOTHING: it is not of the stratum, or does not pass. */
  #change(stratum: number, position: number, before: number, after: number): void {
    const best = this.#best;
    const ties = this.#ties;
    const base = stratum * this.#row;
    const d = (after === NOTHING ? 0 : 1) - (before === NOTHING ? 0 : 1);
    const one = base + (position >> BITS);
    const two = base + this.#level2 + (position >> (2 * BITS));
    const three = base + this.#level3 + (position >> (3 * BITS));
    if (d !== 0) {
      this.total[stratum]! += d;
      this.#count[one]! += d;
      this.#count[two]! += d;
      this.#count[three]! += d;
    }
    // First level, from leaves.
    let oldBest = best[one]!;
    let oldTies = ties[one]!;
    let newBest = oldBest;
    let newTies = oldTies;
    if (after > oldBest) {
      newBest = after;
      newTies = 1;
    } else {
      if (before === oldBest && before !== NOTHING) newTies -= 1;
      if (after === oldBest && after !== NOTHING) newTies += 1;
      if (newTies === 0) {
        newBest = NOTHING;
        const { leaf, stratum: strata } = this;
        const from = position & ~(FAN - 1);
        const to = Math.min(from + FAN, this.#n);
        for (let p = from; p < to; p++) {
          const value = leaf[p]!;
          if (value < newBest || value <= REJECTED || strata[p] !== stratum) continue;
          if (value > newBest) {
            newBest = value;
            newTies = 1;
          } else newTies += 1;
        }
      }
    }
    if (newBest === oldBest && newTies === oldTies) return;
    best[one] = newBest;
    ties[one] = newTies;
    // Second and third level, from the level below.
    for (let level = 2; level <= 3; level++) {
      const entry = level === 2 ? two : three;
      const above = best[entry]!;
      const aboveTies = ties[entry]!;
      let b = above;
      let t = aboveTies;
      if (newBest > above) {
        b = newBest;
        t = newTies;
      } else {
        if (oldBest === above) t -= oldTies;
        if (newBest === above) t += newTies;
        if (t === 0) {
          b = NOTHING;
          const first = level === 2 ? base : base + this.#level2;
          const size = level === 2 ? this.#first : this.#second;
          const from = (level === 2 ? position >> (2 * BITS) : position >> (3 * BITS)) * FAN;
          const to = first + Math.min(from + FAN, size);
          for (let i = first + from; i < to; i++) {
            const value = best[i]!;
            if (value > b) {
              b = value;
              t = ties[i]!;
            } else if (value === b) t += ties[i]!;
          }
        }
      }
      if (b === above && t === aboveTies) return;
      best[entry] = b;
      ties[entry] = t;
      oldBest = above;
      oldTies = aboveTies;
      newBest = b;
      newTies = t;
    }
  }

  // ---- ranges: lists of entries (their place in a row) and of leaves (-1 - position), in order of position ----

  /** Writes what covers positions from..to-1 into parts[at..), and returns the new end. */
  cover(from: number, to: number, parts: Int32Array, at: number): number {
    const end = this.#n;
    let p = from;
    let out = at;
    while (p < to) {
      // The last entry of a level may cover fewer positions than the others.
      const room = to === end ? SPAN3 : to - p;
      if ((p & (SPAN3 - 1)) === 0 && room >= SPAN3) {
        parts[out++] = this.#level3 + (p >> (3 * BITS));
        p += SPAN3;
      } else if ((p & (SPAN2 - 1)) === 0 && room >= SPAN2) {
        parts[out++] = this.#level2 + (p >> (2 * BITS));
        p += SPAN2;
      } else if ((p & (SPAN1 - 1)) === 0 && room >= SPAN1) {
        parts[out++] = p >> BITS;
        p += SPAN1;
      } else parts[out++] = -1 - p++;
    }
    return out;
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
      const here = part < 0 ? this.#isOpen(-1 - part, open) : this.#countAt(part, strata, open);
      if (here >= left) return part < 0 ? -1 - part : this.#kthIn(left, part, strata, open);
      left -= here;
    }
    return -1;
  }

  #isOpen(position: number, open: Uint8Array | null): number {
    if (this.leaf[position]! <= REJECTED) return 0;
    return open === null ? 1 : open[this.stratum[position]!]!;
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
      left -= this.#isOpen(p, open);
      if (left === 0) return p;
    }
  }

  /** First entry below one of the second or third level. */
  #child(entry: number): number {
    return entry >= this.#level3
      ? this.#level2 + ((entry - this.#level3) << BITS)
      : (entry - this.#level2) << BITS;
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
          const entry = base + part;
          const value = this.#best[entry]!;
          size += this.#count[entry]!;
          if (value < best) continue;
          if (value > best) {
            best = value;
            tied = this.#ties[entry]!;
          } else tied += this.#ties[entry]!;
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
      const value = this.leaf[-1 - part]!;
      if (value <= REJECTED) continue;
      const s = this.stratum[-1 - part]!;
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
      if (part < 0) here = this.#wins(-1 - part, wanted);
      else here = this.#tiesAt(part, winners, winning, wanted);
      if (here <= left) {
        left -= here;
        continue;
      }
      if (part < 0) return -1 - part;
      let entry = part;
      while (entry >= this.#level2) {
        entry = this.#child(entry);
        for (;;) {
          here = this.#tiesAt(entry, winners, winning, wanted);
          if (here > left) break;
          left -= here;
          entry += 1;
        }
      }
      for (let p = entry << BITS; ; p++) {
        left -= this.#wins(p, wanted);
        if (left < 0) return p;
      }
    }
  }

  #wins(position: number, wanted: Int32Array): number {
    const value = this.leaf[position]!;
    return value > REJECTED && value === wanted[this.stratum[position]!] ? 1 : 0;
  }

  #tiesAt(entry: number, winners: Int32Array, winning: number, wanted: Int32Array): number {
    let sum = 0;
    for (let w = 0; w < winning; w++) {
      const s = winners[w]!;
      const at = s * this.#row + entry;
      if (this.#best[at] === wanted[s]) sum += this.#ties[at]!;
    }
    return sum;
  }

  /** The node at the position is feasible and of the stratum. */
  isOf(position: number, stratum: number): boolean {
    return position < this.#n && this.stratum[position] === stratum && this.leaf[position]! > REJECTED;
  }

  /** Position of some feasible node of a stratum that has one. */
  someOf(stratum: number): number {
    const base = stratum * this.#row;
    let entry = this.#level3;
    while (this.#count[base + entry] === 0) entry += 1;
    while (entry >= this.#level2) {
      entry = this.#child(entry);
      while (this.#count[base + entry] === 0) entry += 1;
    }
    let p = entry << BITS;
    while (this.leaf[p]! <= REJECTED || this.stratum[p] !== stratum) p += 1;
    return p;
  }
}
