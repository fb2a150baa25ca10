// Inner entries of trees over positions: each stands for 16, 256 or 4096 of them. Those of 16 are one word: the best
// score above, and below a bit for each position that has it.
import { REJECTED } from './leaves.ts';

export const FAN = 16;
export const BITS = 4;
export const SPAN1 = 1 << BITS;
export const SPAN2 = 1 << (2 * BITS);
export const SPAN3 = 1 << (3 * BITS);

const BEST_AT = 16;
/** The positions of a word. */
export const TIED = (1 << BEST_AT) - 1;
/** Nobody passes. */
export const EMPTY = REJECTED << BEST_AT;

export const wordOf = (best: number, tied: number): number => (best << BEST_AT) | tied;
export const bestOf = (word: number): number => word >> BEST_AT;

/** How many positions have the best score. */
export function bitsIn(word: number): number {
  let x = word & TIED;
  x -= (x >> 1) & 0x5555;
  x = (x & 0x3333) + ((x >> 2) & 0x3333);
  x = (x + (x >> 4)) & 0x0f0f;
  return (x + (x >> 8)) & 0x1f;
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
