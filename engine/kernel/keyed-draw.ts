// Keyed draws: random numbers without a state. The k-th number of an entity for a purpose is a hash
// of (seed, replication, purpose, entity, k), so pod 123 pulls its image equally fast whichever
// scheduler placed it, and whatever else was drawn before.

import { assert } from './assert.ts';
import { grownInt32 } from './handles.ts';
import { hashText, mix32, upper32 } from './hash.ts';

export class KeyedDraw {
  private readonly prefix: string;
  private readonly purposes = new Map<string, number>();
  /** Two 32-bit keys for each purpose. */
  private keys = new Int32Array(32);

  constructor(seed: number | string, replication: number) {
    assert(
      Number.isSafeInteger(replication) && replication >= 0,
      () => `replication ${replication} is not a natural number`,
    );
    this.prefix = `${seed}/${replication}/`;
  }

  /** Interns a purpose such as 'image-pull'. The draws depend on its name, not on the order of calls. */
  purpose(name: string): number {
    let id = this.purposes.get(name);
    if (id === undefined) {
      id = this.purposes.size;
      this.purposes.set(name, id);
      if (id * 2 === this.keys.length) this.keys = grownInt32(this.keys, this.keys.length * 2);
      this.keys[id * 2] = hashText(this.prefix + name, 1);
      this.keys[id * 2 + 1] = hashText(this.prefix + name, 2);
    }
    return id;
  }

  /** Uniform on 0 .. 2^32 - 1. `entity` is an integer from 0 to 2^53 - 1, `k` a 32-bit integer. */
  u32(purpose: number, entity: number, k: number): number {
    const row = purpose * 2;
    // Each half is a bijection of its input, so two entities never share a sequence; the second
    // depends on the first through a multiplication, so sequences are not shifts of each other.
    const x = mix32((entity | 0) ^ this.keys[row]!);
    let y = Math.imul(k ^ this.keys[row + 1]! ^ Math.imul(upper32(entity), 0x9e3779b1), 0x85ebca6b);
    y ^= y >>> 15;
    return mix32(x + Math.imul(y, x | 1)) >>> 0;
  }

  /** Uniform on [0, 1), 32 bits. */
  unit(purpose: number, entity: number, k: number): number {
    return this.u32(purpose, entity, k) * 2.3283064365386963e-10; // 2^-32
  }

  /** Uniform on 0 .. n-1, for n from 1 to 2^31; the bias is below n / 2^32. */
  below(purpose: number, entity: number, k: number, n: number): number {
    return Math.floor(this.unit(purpose, entity, k) * n);
  }
}
