// Streams and keyed draws: independent by name, reproducible, uniform.

import { randomExponential } from 'd3-random';
import { describe, expect, it } from 'vitest';
import { InvariantError, KeyedDraw, Rng } from '../../../engine/kernel/index.ts';

function first(n: number, next: () => number): number[] {
  return Array.from({ length: n }, next);
}

/** Pearson's chi-square of counts against equal expectation. */
function chiSquare(counts: ArrayLike<number>): number {
  const list = Array.from(counts);
  const expected = list.reduce((a, b) => a + b, 0) / list.length;
  return list.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

// 0.9999 quantile of chi-square with 255 degrees of freedom; by Wilson-Hilferty
// 255 * (1 - 2/2295 + 3.719 * sqrt(2/2295))^3 = 347.6.
const CHI_255 = 347.6;

describe('streams', () => {
  const at = (seed: number | string, replication: number, name: string) => {
    const stream = new Rng(seed, replication).stream(name);
    return first(5, () => stream.next());
  };

  it('depend on seed, replication and name, and on nothing else', () => {
    const base = at(1, 0, 'workload/arrivals');
    expect(at(1, 0, 'workload/arrivals')).toEqual(base);
    expect(at('1', 0, 'workload/arrivals')).toEqual(base); // the seed is written into a text
    for (const other of [at(2, 0, 'workload/arrivals'), at(1, 1, 'workload/arrivals'), at(1, 0, 'faults')]) {
      expect(other).not.toEqual(base);
    }
  });

  it('do not disturb each other', () => {
    const rng = new Rng(7, 0);
    const a = rng.stream('a');
    const alone = new Rng(7, 0).stream('a');
    for (let i = 0; i < 10; i++) {
      rng.stream('b').next();
      expect(a.next()).toBe(alone.next());
    }
  });

  it('go on where they are when asked for again', () => {
    const rng = new Rng(7, 0);
    const whole = new Rng(7, 0).stream('a');
    const expected = first(4, () => whole.next());
    expect(first(4, () => rng.stream('a').next())).toEqual(expected);
    expect(rng.stream('a')).toBe(rng.stream('a'));
  });

  it('give d3-random the same sequence', () => {
    const source = new Rng(3, 0).stream('x').source();
    const stream = new Rng(3, 0).stream('x');
    expect(first(3, source)).toEqual(first(3, () => stream.next()));
    // Mean of 20,000 exponentials of mean 2: standard error 2/sqrt(20000) = 0.0141; 4 of them.
    const exponential = randomExponential.source(source)(0.5);
    const mean = first(20_000, exponential).reduce((a, b) => a + b) / 20_000;
    expect(Math.abs(mean - 2)).toBeLessThan(4 * 0.0141);
  });

  it('are uniform, in [0, 1), and use the lower bits', () => {
    const stream = new Rng('uniform', 0).stream('x');
    const upper = new Uint32Array(256);
    const lower = new Uint32Array(256);
    for (let i = 0; i < 256_000; i++) {
      const u = stream.next();
      if (!(u >= 0 && u < 1)) throw new Error(`${u} is outside [0, 1)`);
      upper[Math.floor(u * 256)]!++;
      lower[(u * 2 ** 53) % 256]!++;
    }
    expect(chiSquare(upper)).toBeLessThan(CHI_255);
    expect(chiSquare(lower)).toBeLessThan(CHI_255);
  });

  it('int(n) covers 0 .. n-1 evenly', () => {
    const stream = new Rng('int', 0).stream('x');
    const counts = new Uint32Array(256);
    for (let i = 0; i < 256_000; i++) counts[stream.int(256)]!++;
    expect(chiSquare(counts)).toBeLessThan(CHI_255);
    expect(stream.int(1)).toBe(0);
    expect(stream.int(2 ** 32)).toBeLessThan(2 ** 32);
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1])
      expect(() => stream.int(n)).toThrow(InvariantError);
  });

  it.each([-1, 0.5, Number.NaN])('refuse replication %s', (replication) => {
    expect(() => new Rng(1, replication)).toThrow(InvariantError);
    expect(() => new KeyedDraw(1, replication)).toThrow(InvariantError);
  });
});

describe('keyed draws', () => {
  it('depend on seed, replication, purpose, entity and k, and on nothing else', () => {
    const draw = new KeyedDraw(1, 0);
    const pull = draw.purpose('image-pull');
    const base = draw.u32(pull, 123, 4);
    const again = new KeyedDraw(1, 0);
    again.purpose('another'); // interning order does not matter
    expect(again.u32(again.purpose('image-pull'), 123, 4)).toBe(base);
    const others = [
      draw.u32(draw.purpose('probe'), 123, 4),
      draw.u32(pull, 124, 4),
      draw.u32(pull, 123, 5),
      draw.u32(pull, 4, 123),
      draw.u32(pull, 123 + 2 ** 32, 4),
      new KeyedDraw(2, 0).u32(pull, 123, 4),
      new KeyedDraw(1, 1).u32(pull, 123, 4),
    ];
    for (const other of others) expect(other).not.toBe(base);
  });

  it('intern many purposes', () => {
    const draw = new KeyedDraw(1, 0);
    const ids = Array.from({ length: 100 }, (_, i) => draw.purpose(`p${i}`));
    expect(ids).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(draw.purpose('p50')).toBe(50);
    expect(new Set(ids.map((id) => draw.u32(id, 1, 1))).size).toBe(100);
  });

  it.each([
    ['entities', (i: number): [number, number] => [i, 0]],
    ['draws of one entity', (i: number): [number, number] => [77, i]],
    ['even entities', (i: number): [number, number] => [i * 2, 1]],
    ['entities in steps of 2^32', (i: number): [number, number] => [(i % 2 ** 20) * 2 ** 32, i >> 20]],
    ['both at once', (i: number): [number, number] => [i, i]],
    ['a grid', (i: number): [number, number] => [i & 511, i >> 9]],
  ])('are uniform over %s, in the upper and the lower byte', (_, keys) => {
    const draw = new KeyedDraw('uniform', 0);
    const purpose = draw.purpose('test');
    const upper = new Uint32Array(256);
    const lower = new Uint32Array(256);
    const steps = new Uint32Array(256); // of neighbours: shows dependence between them
    let previous = 0;
    for (let i = 0; i < 256_000; i++) {
      const [entity, k] = keys(i);
      const u = draw.u32(purpose, entity, k);
      upper[u >>> 24]!++;
      lower[u & 255]!++;
      steps[((u - previous) >>> 24) & 255]!++;
      previous = u;
    }
    for (const counts of [upper, lower, steps]) expect(chiSquare(counts)).toBeLessThan(CHI_255);
  });

  it('change half of their bits when one bit of a key changes', () => {
    const draw = new KeyedDraw('avalanche', 0);
    const purpose = draw.purpose('test');
    const bits = (x: number) => (x >>> 0).toString(2).replaceAll('0', '').length;
    for (let bit = 0; bit < 52; bit++) {
      let byEntity = 0;
      let byK = 0;
      for (let i = 0; i < 500; i++) {
        const entity = i * 9007;
        const flipped = Math.floor(entity / 2 ** bit) % 2 === 1 ? entity - 2 ** bit : entity + 2 ** bit;
        byEntity += bits(draw.u32(purpose, entity, i) ^ draw.u32(purpose, flipped, i));
        if (bit < 31) byK += bits(draw.u32(purpose, i, i) ^ draw.u32(purpose, i, i ^ (1 << bit)));
      }
      // 16 of 32 expected; the standard error of a mean of 500 is sqrt(8/500) = 0.126; 8 of them.
      expect(Math.abs(byEntity / 500 - 16)).toBeLessThan(1);
      if (bit < 31) expect(Math.abs(byK / 500 - 16)).toBeLessThan(1);
    }
  });

  it('do not share structure between entities: equal draws at (e, k) and (f, l) say nothing of (e, l) and (f, k)', () => {
    const draw = new KeyedDraw('grid', 0);
    const purpose = draw.purpose('test');
    const side = 1024;
    // Draw and place in one sortable number: 32 + 20 bits.
    const sorted = new Float64Array(side * side).map(
      (_, i) => draw.u32(purpose, i >> 10, i & 1023) * 2 ** 20 + i,
    );
    sorted.sort();
    let equal = 0;
    let crossed = 0;
    for (let i = 1; i < sorted.length; i++) {
      if (Math.floor(sorted[i]! / 2 ** 20) !== Math.floor(sorted[i - 1]! / 2 ** 20)) continue;
      const one = sorted[i]! % 2 ** 20;
      const two = sorted[i - 1]! % 2 ** 20;
      equal++;
      if (draw.u32(purpose, one >> 10, two & 1023) === draw.u32(purpose, two >> 10, one & 1023)) crossed++;
    }
    // Pairs 2^20 (2^20 - 1) / 2 = 5.5e11, divided by 2^32: 128 equal draws expected, sd 11.3; 5 of them.
    expect(Math.abs(equal - 128)).toBeLessThan(57);
    expect(crossed).toBeLessThan(3);
  });

  it('unit and below follow u32', () => {
    const draw = new KeyedDraw(5, 0);
    const purpose = draw.purpose('test');
    for (let i = 0; i < 1000; i++) {
      const u = draw.u32(purpose, i, 0);
      expect(draw.unit(purpose, i, 0)).toBe(u / 2 ** 32);
      expect(draw.below(purpose, i, 0, 10)).toBe(Math.floor((u / 2 ** 32) * 10));
    }
  });
});
