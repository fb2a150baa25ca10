// Fingerprints: hashes of what happened, to prove that two runs were the same run.
//
// Ingredients are kept apart, because changes differ in what they may change: a refactoring may
// move times and kinds of internal events (t, k), rarely decisions (d), never the summary (s).
//
//   t  time of every event          k  name of its kind
//   o  object it was for, and what `object` adds
//   d  decisions: this pod on that node
//   s  texts: the summary's lines

import { assert } from './assert.ts';
import { hashText, hex32, mix32, upper32 } from './hash.ts';

const LETTERS = ['t', 'k', 'o', 'd', 's'] as const;
export type Ingredient = (typeof LETTERS)[number];
const T = 0;
const K = 2;
const O = 4;
const D = 6;
const S = 8;

export class Fingerprint {
  /** 64 bits for each ingredient: two chained 32-bit hashes. The order of additions matters. */
  private readonly words = new Int32Array(LETTERS.length * 2).map((_, i) => mix32(i + 1));

  /**
   * One event: time in whole microseconds, its kind, its target. The kernel gives a hash of the
   * kind's name, so that the order of registration does not matter.
   */
  event(time: number, kind: number, target: number): void {
    this.add(T, time | 0, upper32(time));
    this.add(K, kind, 0);
    this.add(O, target, 0);
  }

  /** A decision as two integers below 2^53, for example pod and node. */
  decision(a: number, b: number): void {
    this.add(D, a | 0, upper32(a));
    this.add(D, b | 0, upper32(b));
  }

  /** A fact about an object as two integers below 2^53. */
  object(a: number, b: number): void {
    this.add(O, a | 0, upper32(a));
    this.add(O, b | 0, upper32(b));
  }

  text(s: string): void {
    this.add(S, hashText(s, 1), hashText(s, 2));
  }

  /** Hex digest of the ingredients named, in the order t, k, o, d, s however they are written. */
  digest(ingredients = 'tkods'): string {
    for (const letter of ingredients) {
      assert(LETTERS.includes(letter as Ingredient), () => `'${letter}' is none of t, k, o, d, s`);
    }
    let a = 1;
    let b = 2;
    for (let i = 0; i < LETTERS.length; i++) {
      if (!ingredients.includes(LETTERS[i]!)) continue;
      a = mix32(Math.imul(a, 0x9e3779b1) ^ this.words[i * 2]!);
      b = mix32(Math.imul(b, 0x85ebca6b) ^ this.words[i * 2 + 1]! ^ (i + 1));
    }
    return hex32(a) + hex32(b);
  }

  /** The digest of each ingredient on its own: compare to see what kind of thing differs. */
  ingredients(): Record<Ingredient, string> {
    return {
      t: this.digest('t'),
      k: this.digest('k'),
      o: this.digest('o'),
      d: this.digest('d'),
      s: this.digest('s'),
    };
  }

  private add(at: number, low: number, high: number): void {
    const words = this.words;
    const a = Math.imul(words[at]! ^ low, 0x7feb352d);
    const b = Math.imul(words[at + 1]! ^ high ^ low, 0x846ca68b);
    // The halves feed each other; the additions keep zero from being a fixed point.
    words[at] = (a ^ (b >>> 15)) + 0x9e3779b9;
    words[at + 1] = (b ^ (a >>> 16)) + high;
  }
}
