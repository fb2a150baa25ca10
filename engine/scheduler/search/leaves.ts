// What is known of each node for one class of pods, by position in the list: its score, and the stratum that it is in,
// in one word: fast to look through, because where decisions look at short windows that is all there is to it. Classes
// with trees and a single stratum have scores only, and those in a page that they share with other classes.
import { leafOf, REJECTED, scoreOf, stratumOf } from './entries.ts';
import { fillSlot, inPage, type LeafPage, type LeafPages } from './leaf-pages.ts';

const NONE = new Int32Array(0);

export class Leaves {
  #n = 0;
  /** Not in a page: by position. */
  words = new Int32Array(0);
  /** The page and the slot in it; null: there is none, what is known is in `words`. */
  page: LeafPage | null = null;
  slot = 0;
  readonly #pages: LeafPages;

  constructor(pages: LeafPages) {
    this.#pages = pages;
  }

  /** `n` positions, nobody passes. `words` of a tree; null: it has none. */
  reset(n: number, words: number | null): void {
    this.release();
    this.#n = n;
    if (words !== null) {
      this.page = this.#pages.withRoom(n, words);
      this.slot = this.page.take();
      fillSlot(this.page.values, this.slot, REJECTED);
      this.words = NONE;
    } else {
      if (n !== this.words.length) this.words = new Int32Array(n);
      this.words.fill(leafOf(REJECTED, 0));
    }
  }

  /** Gives up the place in the page. */
  release(): void {
    if (this.page !== null) this.#pages.release(this.page, this.slot);
    this.page = null;
  }

  /** There will be more strata than one: what is known moves out of the page. */
  spread(): void {
    if (this.page === null) return;
    const words = new Int32Array(this.#n);
    for (let p = 0; p < words.length; p++) words[p] = this.at(p);
    this.release();
    this.words = words;
  }

  at(position: number): number {
    const { page } = this;
    if (page === null) return this.words[position]!;
    return leafOf(page.values[inPage(position, this.slot)]!, 0);
  }
  write(position: number, leaf: number): void {
    const { page } = this;
    if (page === null) this.words[position] = leaf;
    else page.values[inPage(position, this.slot)] = scoreOf(leaf);
  }

  /** What is known at positions, at one go, since each is a wait for memory otherwise. */
  fetch(positions: Int32Array, count: number, out: Int32Array): void {
    const { words } = this;
    if (this.page !== null) for (let i = 0; i < count; i++) out[i] = this.at(positions[i]!);
    else for (let i = 0; i < count; i++) out[i] = words[positions[i]!]!;
  }

  /** The node at the position is feasible and of the stratum. */
  isOf(position: number, stratum: number): boolean {
    if (position >= this.#n) return false;
    const leaf = this.at(position);
    return stratumOf(leaf) === stratum && scoreOf(leaf) > REJECTED;
  }

  /** 1: the node at the position is feasible, and its stratum is open; 0: it is not. */
  isOpen(position: number, open: Uint8Array | null): number {
    const leaf = this.at(position);
    if (scoreOf(leaf) === REJECTED) return 0;
    return open === null ? 1 : open[stratumOf(leaf)]!;
  }

  /** 1: the score at the position is that wanted of its stratum; 0: it is not. No stratum wants REJECTED. */
  wins(position: number, wanted: Int32Array): number {
    const leaf = this.at(position);
    return scoreOf(leaf) === wanted[stratumOf(leaf)] ? 1 : 0;
  }

  /** Position of some feasible node of a stratum that has one, looked for from `near` on. */
  someOf(stratum: number, near: number): number {
    const n = this.#n;
    let p = near < n ? near : 0;
    while (!this.isOf(p, stratum)) p = p + 1 === n ? 0 : p + 1;
    return p;
  }

  /**
   * Looks at positions from `start` on, round the end, until `wanted` nodes of open strata are found, and adds up each
   * stratum: feasible nodes, best score, how many have it. Returns how many positions were looked at. Not in a page.
   */
  scan(
    start: number,
    wanted: number,
    count: number,
    open: Uint8Array | null,
    sizes: Int32Array,
    bests: Int32Array,
    ties: Int32Array,
  ): number {
    const { words } = this;
    const n = words.length;
    const hits = this.#pages.hitsFor(n);
    let hit = 0;
    sizes.fill(0, 0, count);
    bests.fill(REJECTED, 0, count);
    let left = wanted;
    let looked = 0;
    let p = start;
    let end = n;
    while (left > 0 && looked < n) {
      const from = p;
      while (p < end) {
        const leaf = words[p]!;
        const value = scoreOf(leaf);
        const s = stratumOf(leaf);
        p += 1;
        if (value === REJECTED || (open !== null && open[s] === 0)) continue;
        sizes[s]! += 1;
        const best = bests[s]!;
        if (value >= best) {
          hits[hit++] = p - 1;
          ties[s] = value > best ? 1 : ties[s]! + 1;
          bests[s] = value;
        }
        if (--left === 0) break;
      }
      looked += p - from;
      p = 0;
      end = start;
    }
    return left === 0 ? looked : n;
  }

  /** Position of the r-th (from 0) node of the latest scan whose score is wanted[its stratum], which is the best there. */
  tiedAmong(r: number, wanted: Int32Array): number {
    const hits = this.#pages.hitsFor(this.#n);
    let left = r;
    for (let i = 0; ; i++) {
      left -= this.wins(hits[i]!, wanted);
      if (left < 0) return hits[i]!;
    }
  }
}
