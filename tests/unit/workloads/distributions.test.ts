// Distributions: means and quantiles against the formulas, whole numbers in the unit's steps, wrong arguments by path.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../engine/index.ts';
import { type Distribution, distribution, distributionForms } from '../../../workloads/distributions.ts';
import { cpuMilli, durationUs, memoryBytes, type Unit, wholeNumber } from '../../../workloads/units.ts';

const DRAWS = 200_000;

function draws(of: Distribution, name = 'test', count = DRAWS): Float64Array {
  const draw = of.sampler(new Rng(5, 1).stream(name).source());
  return Float64Array.from({ length: count }, draw);
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function standardError(values: Float64Array): number {
  const centre = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
  return Math.sqrt(variance / values.length);
}

const quantile = (values: Float64Array, q: number): number =>
  values.toSorted()[Math.floor(q * values.length)]!;

const of = (unit: Unit, raw: unknown): Distribution => distribution(unit).parse(raw);

describe('means are those of the formulas', () => {
  test.each([
    { raw: { uniform: { min: '2s', max: '4s' } }, expected: 3e6 },
    { raw: { exponential: { mean: '5m' } }, expected: 300e6 },
    { raw: { lognormal: { mean: '10s' } }, expected: 10e6 },
    { raw: { lognormal: { mean: '10s', cv: 0.5 } }, expected: 10e6 },
    // sigma = ln(8)/2.3263 = 0.8939; mean = 1 s · exp(0.8939²/2) = 1.491 s.
    {
      raw: { lognormal: { p50: '1s', p99: '8s' } },
      expected: 1e6 * Math.exp((Math.log(8) / 2.3263478740408408) ** 2 / 2),
    },
    // alpha·min/(alpha-1) = 3·2/2 = 3 s.
    { raw: { pareto: { min: '2s', alpha: 3 } }, expected: 3e6 },
    // Γ(1.5) = √π/2.
    { raw: { weibull: { scale: '1s', shape: 2 } }, expected: 1e6 * (Math.sqrt(Math.PI) / 2) },
    { raw: { choice: ['1s', '2s', '6s'] }, expected: 3e6 },
    // (1·3 + 5·1)/4 = 2 s.
    { raw: { choice: { values: ['1s', '5s'], weights: [3, 1] } }, expected: 2e6 },
  ])('$raw', ({ raw, expected }) => {
    const distributed = of(durationUs, raw);
    expect(distributed.mean / expected).toBeCloseTo(1, 6);
    const values = draws(distributed);
    expect(Math.abs(mean(values) - expected)).toBeLessThan(4 * standardError(values) + 1);
  });

  test('zipf: P(rank) ∝ 1/rank', () => {
    // 1 + 1/2 + 1/3 = 11/6: chances 6/11, 3/11, 2/11; mean (6 + 6 + 6)/11.
    const distributed = of(wholeNumber, { zipf: { max: 3 } });
    expect(distributed.mean).toBeCloseTo(18 / 11, 12);
    const values = draws(distributed);
    const share = (rank: number): number => values.filter((value) => value === rank).length / values.length;
    expect(share(1)).toBeCloseTo(6 / 11, 2);
    expect(share(2)).toBeCloseTo(3 / 11, 2);
    expect(share(3)).toBeCloseTo(2 / 11, 2);
  });

  test('a Pareto tail without a mean says so', () => {
    expect(of(durationUs, { pareto: { min: '1s', alpha: 1 } }).mean).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('shape', () => {
  test('lognormal by p50 and p99 has these quantiles', () => {
    const values = draws(of(durationUs, { lognormal: { p50: '1s', p99: '8s' } }));
    expect(quantile(values, 0.5) / 1e6).toBeCloseTo(1, 1);
    expect(Math.abs(quantile(values, 0.99) / 8e6 - 1)).toBeLessThan(0.05);
  });

  test('lognormal by mean and cv has this spread', () => {
    const values = draws(of(durationUs, { lognormal: { mean: '10s', cv: 0.5 } }));
    const deviation = standardError(values) * Math.sqrt(values.length);
    expect(Math.abs(deviation / mean(values) - 0.5)).toBeLessThan(0.02);
  });

  test('a uniform whole number takes both ends as often as the middle', () => {
    const values = draws(of(wholeNumber, { uniform: { min: 1, max: 4 } }));
    for (const value of [1, 2, 3, 4]) {
      const share = values.filter((drawn) => drawn === value).length / values.length;
      expect(Math.abs(share - 0.25)).toBeLessThan(0.01);
    }
  });

  test('max cuts the tail and nothing else', () => {
    const values = draws(of(durationUs, { exponential: { mean: '10s', max: '20s' } }));
    expect(Math.max(...values.subarray(0, 50_000))).toBe(20e6);
    // P(X < 10 s) = 1 - 1/e whatever the cut.
    const below = values.filter((value) => value < 10e6).length / values.length;
    expect(Math.abs(below - (1 - Math.exp(-1)))).toBeLessThan(0.005);
  });

  test.each([
    { unit: cpuMilli, raw: { lognormal: { mean: '500m' } }, step: 10 },
    { unit: memoryBytes, raw: { exponential: { mean: '1Gi' } }, step: 16 * 2 ** 20 },
    { unit: wholeNumber, raw: { exponential: { mean: 3 } }, step: 1 },
    { unit: durationUs, raw: { weibull: { scale: '3s', shape: 0.7 } }, step: 1 },
  ])('continuous samples are whole steps: $raw', ({ unit, raw, step }) => {
    const values = draws(of(unit, raw), 'steps', 2000);
    expect(values.every((value) => value >= 0 && value % step === 0)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(5);
  });

  test('chosen values and bounds are kept as written', () => {
    expect(new Set(draws(of(cpuMilli, { choice: ['25m', '333m'] }), 'kept', 500))).toEqual(
      new Set([25, 333]),
    );
    const uniform = draws(of(cpuMilli, { uniform: { min: '105m', max: '115m' } }), 'kept', 500);
    expect(Math.min(...uniform)).toBe(105);
    expect(Math.max(...uniform)).toBe(115);
  });

  test('one seed and name give one sequence, another name another', () => {
    const distributed = of(durationUs, { lognormal: { mean: '1s' } });
    expect(draws(distributed, 'a', 50)).toEqual(draws(distributed, 'a', 50));
    expect(draws(distributed, 'a', 50)).not.toEqual(draws(distributed, 'b', 50));
  });
});

describe('values as written', () => {
  test.each([
    { unit: durationUs, raw: '1h30m', value: 5_400_000_000 },
    { unit: durationUs, raw: '250ms', value: 250_000 },
    { unit: durationUs, raw: '1.5s', value: 1_500_000 },
    { unit: durationUs, raw: 0, value: 0 },
    { unit: cpuMilli, raw: '250m', value: 250 },
    { unit: cpuMilli, raw: 2, value: 2000 },
    { unit: cpuMilli, raw: 0.5, value: 500 },
    { unit: cpuMilli, raw: '0.0001', value: 1 }, // rounded up, as MilliValue
    { unit: memoryBytes, raw: '1Gi', value: 1_073_741_824 },
    { unit: memoryBytes, raw: '1e3', value: 1000 },
    { unit: wholeNumber, raw: 7, value: 7 },
  ])('$raw is $value', ({ unit, raw, value }) => {
    const distributed = of(unit, raw);
    expect(distributed.constant).toBe(true);
    expect(distributed.sampler(() => 0)()).toBe(value);
  });
});

describe('wrong arguments', () => {
  test.each([
    { unit: durationUs, raw: '5 minutes', path: [], says: 'must be a duration such as' },
    { unit: durationUs, raw: 5, path: [], says: 'not 5' },
    { unit: durationUs, raw: null, path: [], says: 'not null' },
    { unit: cpuMilli, raw: '-1', path: [], says: 'must be a CPU quantity' },
    { unit: memoryBytes, raw: '1e30', path: [], says: 'must be a memory quantity' }, // beyond 2^53 bytes
    { unit: memoryBytes, raw: '1GiB', path: [], says: 'not "1GiB"' },
    { unit: wholeNumber, raw: Number.NaN, path: [], says: 'must be a whole number' },
    { unit: wholeNumber, raw: { normal: { mean: 1 } }, path: [], says: 'or one of' },
    { unit: wholeNumber, raw: { uniform: {}, choice: [] }, path: [], says: 'or one of' },
    { unit: wholeNumber, raw: [1, 2], path: [], says: 'or one of' },
    {
      unit: wholeNumber,
      raw: { uniform: { min: 4, max: 2 } },
      path: ['uniform', 'max'],
      says: 'smaller than min',
    },
    { unit: wholeNumber, raw: { uniform: { min: 4 } }, path: ['uniform', 'max'], says: 'is required' },
    { unit: wholeNumber, raw: { uniform: { min: 1, max: 2, mean: 1 } }, path: ['uniform'], says: '"mean"' },
    {
      unit: durationUs,
      raw: { exponential: { mean: '0s' } },
      path: ['exponential', 'mean'],
      says: 'larger than 0',
    },
    { unit: durationUs, raw: { lognormal: {} }, path: ['lognormal'], says: 'takes mean' },
    {
      unit: durationUs,
      raw: { lognormal: { mean: '1s', p99: '2s' } },
      path: ['lognormal'],
      says: 'takes mean',
    },
    {
      unit: durationUs,
      raw: { lognormal: { p50: '2s', p99: '1s' } },
      path: ['lognormal'],
      says: 'p99 must not be',
    },
    { unit: durationUs, raw: { choice: [] }, path: ['choice'], says: '1' },
    { unit: durationUs, raw: { choice: ['1s', 'x'] }, path: ['choice', 1], says: 'not "x"' },
    {
      unit: durationUs,
      raw: { choice: { values: ['1s'], weights: [1, 2] } },
      path: ['choice', 'weights'],
      says: 'as many entries',
    },
    { unit: wholeNumber, raw: { zipf: { max: 0 } }, path: ['zipf', 'max'], says: 'between 1 and' },
  ])('$raw', ({ unit, raw, path, says }) => {
    const result = distribution(unit).safeParse(raw);
    expect(result.success).toBe(false);
    const issues = result.error!.issues;
    expect(issues[0]!.path).toEqual(path);
    expect(issues[0]!.message).toContain(says);
  });

  test('the message lists every form', () => {
    const message = distribution(wholeNumber).safeParse({}).error!.issues[0]!.message;
    for (const form of distributionForms) expect(message).toContain(`{ ${form}: … }`);
  });
});
