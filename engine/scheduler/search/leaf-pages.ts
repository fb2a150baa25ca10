// Trees of several classes of pods side by side: a page has room for some classes, and what they know of a node, or of a
// range of nodes, lies together. A node that has changed is looked up soon after by one class after the other, so its
// place is still near for most of them; with arrays for each class every look would be a wait for memory.

/** Classes of a page: 2^SLOT_BITS. More make changes cheaper, and looks at neighbouring nodes dearer. */
const SLOT_BITS = 5;
const SLOTS = 1 << SLOT_BITS;
/** All bits of a word. */
const FULL = -1;
/** Where what is known of a place, a position or a range of 16, is in the arrays of a page. */
export const inPage = (place: number, slot: number): number => (place << SLOT_BITS) + slot;

export class LeafPage {
  readonly nodes: number;
  /** Scores, by position, then slot. */
  readonly values: Int16Array;
  /** Words of trees (see ClassTree), by range of 16 positions, then slot. */
  readonly words: Int32Array<ArrayBuffer>;
  /** Bits of slots that are taken. */
  taken = 0;

  /** `words` of a tree. */
  constructor(nodes: number, words: number) {
    this.nodes = nodes;
    this.values = new Int16Array(inPage(nodes, 0));
    this.words = new Int32Array(inPage(words, 0));
  }

  /** Takes a slot; -1: there is none left. */
  take(): number {
    for (let slot = 0; slot < SLOTS; slot++) {
      if ((this.taken & (1 << slot)) !== 0) continue;
      this.taken |= 1 << slot;
      return slot;
    }
    return -1;
  }
}

/** Writes a value into all places of a slot. */
export function fillSlot(array: Int16Array | Int32Array, slot: number, value: number): void {
  for (let at = slot; at < array.length; at += SLOTS) array[at] = value;
}

export class LeafPages {
  #pages: LeafPage[] = [];
  /** Positions that the latest scan found as good as the best of their stratum until there, in order. */
  #hits = new Int32Array(0);

  /** The same for scans of `n` positions; kept until one of more. */
  hitsFor(n: number): Int32Array {
    if (this.#hits.length < n) this.#hits = new Int32Array(n);
    return this.#hits;
  }

  /** A page for trees of that form that has room. */
  withRoom(nodes: number, words: number): LeafPage {
    let page = this.#pages.find((each) => each.nodes === nodes && each.taken !== FULL);
    if (page === undefined) {
      page = new LeafPage(nodes, words);
      this.#pages.push(page);
    }
    return page;
  }

  release(page: LeafPage, slot: number): void {
    page.taken &= ~(1 << slot);
    if (page.taken === 0) this.#pages = this.#pages.filter((each) => each !== page);
  }
}
