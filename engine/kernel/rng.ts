// Named random streams: one independent sequence for each purpose, from the run's seed. A stream
// belongs to a sequence ("the workload's arrivals"); what belongs to an entity ("how long pod 12
// pulls its image") uses keyed draws instead, so that it does not depend on who drew before.

import seedrandom from 'seedrandom';
import { assert } from './assert.ts';

/** One sequence of random numbers. */
export interface Stream {
  /** Uniform on [0, 1), 53 bits. */
  next(): number;
  /** Uniform on 0 .. n-1, for n from 1 to 2^32. */
  int(n: number): number;
  /** The same sequence as a function, for `d3-random`'s `.source()`. */
  source(): () => number;
}

/**
 * Streams of one replication. The same (seed, replication, name) gives the same sequence in every
 * variant of an experiment: variants are compared under common random numbers.
 */
export class Rng {
  private readonly prefix: string;
  private readonly streams = new Map<string, Stream>();

  constructor(seed: number | string, replication: number) {
    assert(
      Number.isSafeInteger(replication) && replication >= 0,
      () => `replication ${replication} is not a natural number`,
    );
    this.prefix = `${seed}/${replication}/`;
  }

  /** The stream of that name. Asking again gives the same stream, wherever it has got to. */
  stream(name: string): Stream {
    let stream = this.streams.get(name);
    if (stream === undefined) {
      stream = new SeedrandomStream(this.prefix + name);
      this.streams.set(name, stream);
    }
    return stream;
  }
}

class SeedrandomStream implements Stream {
  // Of seedrandom's generators, tychei has the smallest state and is among the fastest
  // (bench/micro/random.ts): two 32-bit draws of it cost less than one of the default.
  private readonly int32: () => number;

  constructor(seed: string) {
    this.int32 = seedrandom.tychei(seed).int32;
  }

  next(): number {
    const upper = this.int32() >>> 5; // 27 bits
    const lower = this.int32() >>> 6; // 26 bits
    return (upper * 0x4000000 + lower) * 1.1102230246251565e-16; // 2^-53
  }

  int(n: number): number {
    if (!(n >= 1 && n <= 0x100000000 && Math.floor(n) === n)) rejectRange(n);
    return Math.floor(this.next() * n);
  }

  source(): () => number {
    return () => this.next();
  }
}

function rejectRange(n: number): never {
  assert(false, `a range of ${n} is not an integer from 1 to 2^32`);
}
