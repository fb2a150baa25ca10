// Normal numbers from a named seed, for experiments about comparisons.
import { randomNormal } from 'd3-random';
import seedrandom from 'seedrandom';

export class RandomStream {
  readonly normal: () => number;

  constructor(seed: string) {
    this.normal = randomNormal.source(seedrandom(seed))(0, 1);
  }
}
