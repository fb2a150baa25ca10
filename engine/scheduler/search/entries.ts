// How what is known of nodes and of ranges of nodes is packed into numbers. A leaf has the score of a node and its stratum.
// Inner entries of trees over positions stand for 16, 256 or 4096 nodes each, with the best score in the upper half; below
// it, entries of 16 (words) have a bit for each position that has that score, the others (ranges) say how many have it.
//
// No imports: the constants of such a file are written into the places that use them when the program is built.

export const FAN = 16;
export const BITS = 4;
export const SPAN1 = 1 << BITS;
export const SPAN2 = 1 << (2 * BITS);
export const SPAN3 = 1 << (3 * BITS);
/** Score of a node that does not pass. */
export const REJECTED = -(2 ** 15);
/** The largest score that there is room for. */
export const VALUE_MAX = 2 ** 15 - 1;
const BEST_AT = 16;
/** The positions of a word. */
export const TIED = (1 << BEST_AT) - 1;
/** Nobody passes. */
export const EMPTY = REJECTED << BEST_AT;
/** Strata are numbered below 256: the low bits of a leaf. The score is above them. */
const STRATUM_BITS = 8;
const STRATUM = (1 << STRATUM_BITS) - 1;

export const leafOf = (value: number, stratum: number): number => (value << STRATUM_BITS) | stratum;
export const scoreOf = (leaf: number): number => leaf >> STRATUM_BITS;
/** Of a node that does not pass it is the one that it was in last. */
export const stratumOf = (leaf: number): number => leaf & STRATUM;

export const wordOf = (best: number, tied: number): number => (best << BEST_AT) | tied;
/** Best score of a word or a range. */
export const bestOf = (entry: number): number => entry >> BEST_AT;
/** How many positions of a range have the best score. */
export const tiesIn = (range: number): number => range & TIED;
/** The range that says what a word says. */
export const rangeOf = (word: number): number => (word & ~TIED) | bitsIn(word);
/** The range of two ranges. */
export function joined(a: number, b: number): number {
  if (bestOf(a) === bestOf(b)) return a + tiesIn(b);
  return Math.max(a, b);
}

/** How many positions of a word have the best score. */
function bitsIn(word: number): number {
  let x = word & TIED;
  x -= (x >> 1) & 0x5555;
  x = (x & 0x3333) + ((x >> 2) & 0x3333);
  x = (x + (x >> 4)) & 0x0f0f;
  return (x + (x >> 8)) & 0x1f;
}

/** Number of the r-th (from 0) bit that is set. */
export function bitAt(r: number, bits: number): number {
  let left = bits;
  for (let i = 0; i < r; i++) left &= left - 1;
  return 31 - Math.clz32(left & -left);
}

/**
 * Writes the largest entries that cover positions from..to-1 of n into parts[at..), and leaves as -1 - position; returns
 * the new end. Entries of the second and third level are numbered from `level2` and `level3` on.
 */
export function cover(
  from: number,
  to: number,
  n: number,
  level2: number,
  level3: number,
  parts: Int32Array,
  at: number,
): number {
  let p = from;
  let out = at;
  while (p < to) {
    // The last entry of a level may cover fewer positions than the others.
    const room = to === n ? SPAN3 : to - p;
    if ((p & (SPAN3 - 1)) === 0 && room >= SPAN3) {
      parts[out++] = level3 + (p >> (3 * BITS));
      p += SPAN3;
    } else if ((p & (SPAN2 - 1)) === 0 && room >= SPAN2) {
      parts[out++] = level2 + (p >> (2 * BITS));
      p += SPAN2;
    } else if ((p & (SPAN1 - 1)) === 0 && room >= SPAN1) {
      parts[out++] = p >> BITS;
      p += SPAN1;
    } else parts[out++] = -1 - p++;
  }
  return out;
}
