// What is known of each node for one class of pods, by position in the list: its score, and the stratum that it is in.
// Few bytes a node, because with many classes the time goes into fetching memory; and fast to look through, because
// where decisions look at short windows that is all there is to it.

/** Score of a node that does not pass. */
export const REJECTED = -(2 ** 15);
/** The largest score that there is room for. */
export const VALUE_MAX = 2 ** 15 - 1;

export class Leaves {
  values = new Int16Array(0);
  /** Of nodes that pass; of others it is the one that they were in last. */
  strata = new Uint8Array(0);

  /** `n` positions, nobody passes. */
  reset(n: number): void {
    if (n !== this.values.length) {
      this.values = new Int16Array(n);
      this.strata = new Uint8Array(n);
    } else this.strata.fill(0);
    this.values.fill(REJECTED);
  }

  /** Positions of nodes and what is known of them, at one go, since each is a wait for memory otherwise. */
  fetch(
    nodes: Int32Array,
    count: number,
    positions: Int32Array,
    at: Int32Array,
    old: Int32Array,
    from: Int32Array,
    isOneStratum: boolean,
  ): void {
    const { values, strata } = this;
    if (isOneStratum) from.fill(0, 0, count);
    else for (let i = 0; i < count; i++) from[i] = strata[positions[nodes[i]!]!]!;
    for (let i = 0; i < count; i++) {
      const position = positions[nodes[i]!]!;
      at[i] = position;
      old[i] = values[position]!;
    }
  }

  /** The node at the position is feasible and of the stratum. */
  isOf(position: number, stratum: number): boolean {
    return (
      position < this.values.length && this.values[position]! > REJECTED && this.strata[position]! === stratum
    );
  }

  /** 1: the node at the position is feasible, and its stratum is open; 0: it is not. */
  isOpen(position: number, open: Uint8Array | null): number {
    if (this.values[position]! === REJECTED) return 0;
    return open === null ? 1 : open[this.strata[position]!]!;
  }

  /** 1: the score at the position is that wanted of its stratum; 0: it is not. */
  wins(position: number, wanted: Int32Array): number {
    const value = this.values[position]!;
    return value > REJECTED && value === wanted[this.strata[position]!] ? 1 : 0;
  }

  /** Position of some feasible node of a stratum that has one, looked for from `near` on. */
  someOf(stratum: number, near: number): number {
    const n = this.values.length;
    let p = near < n ? near : 0;
    while (!this.isOf(p, stratum)) p = p + 1 === n ? 0 : p + 1;
    return p;
  }

  /**
   * Looks at positions from `start` on, round the end, until `wanted` nodes of open strata are found, and adds up each
   * stratum: feasible nodes, best score, how many have it. Returns how many positions were looked at.
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
    const { values, strata } = this;
    const n = values.length;
    sizes.fill(0, 0, count);
    bests.fill(REJECTED, 0, count);
    let left = wanted;
    let p = start;
    let end = n;
    for (let looked = 0; left > 0 && looked < n; p = 0, end = start) {
      const from = p;
      while (p < end) {
        const value = values[p]!;
        const s = strata[p++]!;
        if (value === REJECTED || (open !== null && open[s] === 0)) continue;
        sizes[s]! += 1;
        const best = bests[s]!;
        if (value > best) {
          bests[s] = value;
          ties[s] = 1;
        } else if (value === best) ties[s]! += 1;
        if (--left === 0) break;
      }
      looked += p - from;
      if (left === 0) return looked;
    }
    return n;
  }

  /** Position of the r-th (from 0) node from `start` on, round the end, whose score is wanted[its stratum]. */
  tiedFrom(start: number, r: number, wanted: Int32Array): number {
    const { values, strata } = this;
    const n = values.length;
    let left = r;
    for (let from = start; ; from = 0) {
      for (let p = from; p < n; p++) {
        // No stratum wants REJECTED.
        if (values[p]! === wanted[strata[p]!]! && left-- === 0) return p;
      }
    }
  }
}
