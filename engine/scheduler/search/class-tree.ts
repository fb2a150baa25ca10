// Nodes by their position in the list, for pods that are all the same: who is feasible, how it scores, and in which
// stratum it is. For each stratum a tree over positions says how many of a range are feasible, the best score there and
// how many have it, so that "the K-th feasible after here", "the best of this window" and "the r-th of the best" cost
// steps by the depth of the tree and not by the number of nodes.
//
// The trees share their leaves; inner entries exist from 16 positions up (16, 256, 4096), in a flat array with one row a
// stratum. Fan-out is wide because an update mostly ends at the first level: the best of 16 rarely changes. What most
// updates touch is small (a leaf of score and stratum, and the best of its entry), because with many classes the time
// goes into fetching memory.
//
// Where decisions look at short windows, scanning leaves is cheaper than keeping entries right: such a tree is flat.
import { grownInt32 } from '../../kernel/index.ts';
import { Leaves, REJECTED } from './leaves.ts';

/** Of an empty range. */
export const NOTHING = -(2 ** 31);
const FAN = 16;
const BITS = 4;
const SPAN1 = 1 << BITS;
const SPAN2 = 1 << (2 * BITS);
const SPAN3 = 1 << (3 * BITS);

export class ClassTree {
  /** Windows are scanned: there are no inner entries but the counts of all strata together. */
  isFlat = false;
  readonly leaves = new Leaves();
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
  /** By entry: best score, how many have it, feasible nodes. */
  #best = new Int32Array(0);
  #ties = new Int32Array(0);
  #count = new Int32Array(0);
  /** Feasible nodes of all strata, one row. */
  #all = new Int32Array(0);

  get bytes(): number {
    return 3 * this.#n + 12 * this.#best.length;
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
    this.leaves.reset(n);
    this.#strata = 0;
    if (isFlat) this.#drop();
    this.#best.fill(NOTHING);
    this.#ties.fill(0);
    this.#count.fill(0);
    this.total.fill(0);
    this.feasible = 0;
  }

  #drop(): void {
    this.#best = new Int32Array(0);
    this.#ties = new Int32Array(0);
    this.#count = new Int32Array(0);
  }

  /** Makes room for strata 0..count-1. */
  reserve(count: number): void {
    if (count > this.total.length) this.total = grownInt32(this.total, 2 * count);
    this.#strata = Math.max(count, this.#strata);
    if (this.isFlat) return;
    const length = count * this.#row;
    const old = this.#best.length;
    if (length <= old) return;
    const room = Math.max(length, 2 * old);
    this.#best = grownInt32(this.#best, room).fill(NOTHING, old);
    this.#ties = grownInt32(this.#ties, room);
    this.#count = grownInt32(this.#count, room);
  }

  stratumAt(position: number): number {
    return this.leaves.strata[position]!;
  }

  /** What is known of the node at the position changes from `before`, in `from`, to `value` in `stratum`. */
  set(position: number, before: number, from: number, value: number, stratum: number): void {
    this.leaves.values[position] = value;
    const was = before !== REJECTED;
    const is = value !== REJECTED;
    if (was !== is) {
      const d = is ? 1 : -1;
      this.feasible += d;
      this.#all[position >> BITS]! += d;
      this.#all[this.#level2 + (position >> (2 * BITS))]! += d;
      this.#all[this.#level3 + (position >> (3 * BITS))]! += d;
    }
    if (from !== stratum) this.leaves.strata[position] = stratum;
    if (this.isFlat) {
      if (was) this.total[from]! -= 1;
      if (is) this.total[stratum]! += 1;
    } else if (from === stratum) {
      this.#change(stratum, position, was ? before : NOTHING, is ? value : NOTHING);
    } else {
      if (was) this.#change(from, position, before, NOTHING);
      if (is) this.#change(stratum, position, NOTHING, value);
    }
  }

  /** A leaf of a stratum has got another value; NOTHING: it is not of the stratum, or does not pass. */
  #change(stratum: number, position: number, before: number, after: number): void {
    const bests = this.#best;
    const base = stratum * this.#row;
    const one = base + (position >> BITS);
    const d = (after === NOTHING ? 0 : 1) - (before === NOTHING ? 0 : 1);
    if (d !== 0) {
      this.total[stratum]! += d;
      const counts = this.#count;
      counts[one]! += d;
      counts[base + this.#level2 + (position >> (2 * BITS))]! += d;
      counts[base + this.#level3 + (position >> (3 * BITS))]! += d;
    }
    const best = bests[one]!;
    // Most changes are far from the best.
    if (after < best && before < best) return;
    const ties = this.#ties[one]!;
    let newBest = best;
    let newTies = ties;
    if (after > best) {
      newBest = after;
      newTies = 1;
    } else {
      if (before === best && before !== NOTHING) newTies -= 1;
      if (after === best && after !== NOTHING) newTies += 1;
      if (newTies === 0) {
        // The only best one has gone: look again.
        const { values, strata } = this.leaves;
        const isOnly = this.#strata === 1;
        const from = position & ~(FAN - 1);
        const to = Math.min(from + FAN, this.#n);
        newBest = NOTHING;
        for (let p = from; p < to; p++) {
          const value = values[p]!;
          if (value === REJECTED || value < newBest || (!isOnly && strata[p] !== stratum)) continue;
          if (value > newBest) {
            newBest = value;
            newTies = 1;
          } else newTies += 1;
        }
      }
    }
    if (newBest === best && newTies === ties) return;
    bests[one] = newBest;
    this.#ties[one] = newTies;
    this.#lift(2, base, position, best, ties, newBest, newTies);
  }

  /** An entry below the level has changed. */
  #lift(
    level: number,
    base: number,
    position: number,
    oldBest: number,
    oldTies: number,
    newBest: number,
    newTies: number,
  ): void {
    const bests = this.#best;
    const tied = this.#ties;
    const place = position >> (level * BITS);
    const entry = base + (level === 2 ? this.#level2 : this.#level3) + place;
    const best = bests[entry]!;
    if (newBest < best && oldBest < best) return;
    const ties = tied[entry]!;
    let b = best;
    let t = ties;
    if (newBest > best) {
      b = newBest;
      t = newTies;
    } else {
      if (oldBest === best) t -= oldTies;
      if (newBest === best) t += newTies;
      if (t === 0) {
        b = NOTHING;
        const first = base + (level === 2 ? 0 : this.#level2);
        const from = first + place * FAN;
        const to = first + Math.min((place + 1) * FAN, level === 2 ? this.#first : this.#second);
        for (let i = from; i < to; i++) {
          const value = bests[i]!;
          if (value > b) {
            b = value;
            t = tied[i]!;
          } else if (value === b) t += tied[i]!;
        }
      }
    }
    if (b === best && t === ties) return;
    bests[entry] = b;
    tied[entry] = t;
    if (level === 2) this.#lift(3, base, position, best, ties, b, t);
  }

  /** Brings near what changes of the only stratum at these positions look at first: all at one go, not one by one. */
  near(positions: Int32Array, count: number): number {
    if (this.isFlat || this.#strata > 1) return 0;
    const bests = this.#best;
    let sum = 0;
    for (let i = 0; i < count; i++) sum ^= bests[positions[i]! >> BITS]!;
    return sum;
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
    const { values, strata: of } = this.leaves;
    this.isFlat = false;
    this.total.fill(0);
    this.reserve(strata);
    for (let p = 0; p < this.#n; p++) {
      const value = values[p]!;
      if (value !== REJECTED) this.#change(of[p]!, p, NOTHING, value);
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
      const value = this.leaves.values[-1 - part]!;
      if (value === REJECTED) continue;
      const s = this.leaves.strata[-1 - part]!;
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
        left -= this.leaves.wins(p, wanted);
        if (left < 0) return p;
      }
    }
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
