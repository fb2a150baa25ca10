// Streams, keyed draws, and the generators of seedrandom that a stream could have been built on.

import seedrandom from 'seedrandom';
import { KeyedDraw, Rng } from '../../engine/kernel/index.ts';
import type { Add } from './index.ts';

const DRAWS = 1_000;

export function addRandomBenchmarks(add: Add): void {
  let sink = 0;
  const generators: [string, () => number][] = [
    ['seedrandom default (ARC4)', seedrandom('bench')],
    ['seedrandom default, 32 bits', seedrandom('bench').quick],
    ['xor4096, 32 bits', seedrandom.xor4096('bench')],
    ['xor4096, 53 bits', seedrandom.xor4096('bench').double],
    ['tychei, 32 bits', seedrandom.tychei('bench')],
    ['tychei, 53 bits', seedrandom.tychei('bench').double],
    ['xorshift7, 32 bits', seedrandom.xorshift7('bench')],
    ['alea, 32 bits', seedrandom.alea('bench')],
  ];
  for (const [name, next] of generators) {
    add(name, DRAWS, () => {
      for (let i = 0; i < DRAWS; i++) sink += next();
    });
  }
  const stream = new Rng('bench', 0).stream('bench');
  add('stream.next()', DRAWS, () => {
    for (let i = 0; i < DRAWS; i++) sink += stream.next();
  });
  const draw = new KeyedDraw('bench', 0);
  const purpose = draw.purpose('bench');
  add('keyed draw, u32', DRAWS, () => {
    for (let i = 0; i < DRAWS; i++) sink += draw.u32(purpose, i, 7);
  });
  if (Number.isNaN(sink)) throw new Error('a generator gave no number');
}
