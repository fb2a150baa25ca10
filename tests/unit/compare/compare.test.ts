// Comparisons of variants: pairs, directions, verdicts, correction, and how often they raise a false alarm.
import { describe, expect, test } from 'vitest';
import {
  compareVariants,
  pairBySeed,
  type Replication,
  type VariantRuns,
} from '../../../reports/compare/compare.ts';
import { startDifference } from '../../../reports/compare/contributors.ts';
import { isMeant, metricKind } from '../../../reports/compare/directions.ts';
import { RandomStream } from './random.ts';

const P99 = 'latency.pod.startup.p99';

const runs = (metrics: Readonly<Record<string, readonly number[]>>, seed = 1): Replication[] =>
  Array.from({ length: Math.max(...Object.values(metrics).map(({ length }) => length)) }, (_, i) => ({
    replication: i + 1,
    seed,
    metrics: new Map(
      Object.entries(metrics).flatMap(([name, values]) =>
        values[i] === undefined ? [] : [[name, values[i]]],
      ),
    ),
  }));
const variant = (
  label: string,
  metrics: Readonly<Record<string, readonly number[]>>,
  seed = 1,
): VariantRuns => ({
  label,
  runs: runs(metrics, seed),
});
const compared = (a: VariantRuns, b: VariantRuns, wanted: readonly string[] = []) =>
  compareVariants([{ baseline: a, variant: b }], wanted);

describe('one metric', () => {
  test('differences over pairs', () => {
    // Differences 1, 2, 3: mean 2, sd 1, half width t(0.975, 2) / sqrt(3) = 4.30265 / 1.73205 = 2.48414.
    const { comparisons } = compared(
      variant('a', { [P99]: [10, 20, 30] }),
      variant('b', { [P99]: [11, 22, 33] }),
    );
    const [one] = comparisons;
    expect(one).toMatchObject({
      variant: 'b',
      against: 'a',
      metric: P99,
      direction: 'lower',
      n: 3,
      paired: true,
    });
    expect(one).toMatchObject({
      baseline: 20,
      value: 22,
      difference: 2,
      relative: 0.1,
      verdict: 'no evidence',
    });
    expect(one!.ci95[0]).toBeCloseTo(-0.48414, 5);
    expect(one!.ci95[1]).toBeCloseTo(4.48414, 5);
    // t = 2 / (1 / sqrt 3) = 3.4641 with 2 degrees of freedom.
    expect(one!.p).toBeCloseTo(0.0742, 4);
    expect(one!.pHolm).toBe(one!.p);
  });

  const verdicts: readonly [string, string, readonly number[], readonly number[], string][] = [
    ['less of what should be low', P99, [10, 20, 30], [9.0, 19.0, 29.0], 'better'],
    ['more of what should be low', P99, [10, 20, 30], [10.5, 20.5, 30.5], 'worse'],
    ['more of what should be high', 'pods.ready', [10, 20, 30], [11, 21, 31], 'better'],
    ['less of what should be high', 'utilisation.cpu.requested', [0.5, 0.5], [0.4, 0.4], 'worse'],
    ['the same', P99, [10, 20, 30], [10, 20, 30], 'no evidence'],
    ['one replication, whatever it says', P99, [10], [1000], 'no evidence'],
  ];
  for (const [what, metric, before, after, verdict] of verdicts) {
    test(what, () => {
      const { comparisons } = compared(variant('a', { [metric]: before }), variant('b', { [metric]: after }));
      expect(comparisons.map((one) => one.verdict)).toEqual([verdict]);
    });
  }

  test('other seeds: Welch without pairs, and says so', () => {
    const { comparisons, notes } = compared(
      variant('a', { [P99]: [10, 20, 30] }, 1),
      variant('b', { [P99]: [11, 22, 33] }, 2),
    );
    // Variances 100 and 121: se = sqrt(221 / 3) = 8.583.
    expect(comparisons[0]).toMatchObject({ paired: false, n: 3, difference: 2 });
    expect(comparisons[0]!.p).toBeGreaterThan(0.8);
    expect(notes).toEqual([expect.stringMatching(/^b and a share no seeds: Welch's test without pairs/)]);
  });

  test('replications without a partner are left out, and told', () => {
    const { comparisons, notes } = compared(
      variant('a', { [P99]: [10, 20, 30] }),
      variant('b', { [P99]: [11, 21] }),
    );
    expect(comparisons[0]).toMatchObject({ n: 2, difference: 1, verdict: 'worse' });
    expect(notes).toEqual(['b and a: 2 pairs by seed; 1 replications without a partner are left out']);
  });

  test('what only one side observed is told, not compared', () => {
    const { comparisons, notes } = compared(
      variant('a', { [P99]: [1, 2] }),
      variant('b', { 'pods.ready': [1, 2] }),
    );
    expect(comparisons).toEqual([]);
    expect(notes).toEqual([`b and a: observed on one side only: ${P99}, pods.ready`]);
  });

  test('a baseline of 0 has no share', () => {
    const { comparisons } = compared(
      variant('a', { 'pods.pending': [0, 0] }),
      variant('b', { 'pods.pending': [3, 3] }),
    );
    expect(comparisons[0]).toMatchObject({ difference: 3, relative: Number.NaN, verdict: 'worse' });
  });
});

describe('several metrics', () => {
  const noise = (name: string, n: number, scale: number): number[] => {
    const stream = new RandomStream(name);
    return Array.from({ length: n }, () => scale * stream.normal());
  };

  test('corrected by Holm within a family, twice where both families are asked', () => {
    const shift = (by: number, name: string) => noise(name, 8, 1).map((x) => 10 + by + x);
    const base = {
      [P99]: shift(0, 'a'),
      'pods.pending': shift(0, 'b'),
      'latency.api.create.pods.p99': shift(0, 'c'),
    };
    const after = {
      [P99]: shift(5, 'd'),
      'pods.pending': shift(0, 'e'),
      'latency.api.create.pods.p99': shift(0, 'f'),
    };
    const { comparisons } = compared(variant('a', base), variant('b', after));
    const p = (metric: string) => comparisons.find((one) => one.metric === metric)!;
    // Outcomes: two questions, the smaller p times 2; twice again, for the details are asked as well.
    expect(p(P99).pHolm).toBeCloseTo(4 * p(P99).p, 12);
    expect(p('latency.api.create.pods.p99').pHolm).toBeCloseTo(
      Math.min(1, 2 * p('latency.api.create.pods.p99').p),
      12,
    );
    expect(comparisons[0]).toMatchObject({ metric: P99, verdict: 'worse' });
    const alone = compared(variant('a', base), variant('b', after), ['pod.startup.p99']).comparisons;
    expect(alone.map(({ metric }) => metric)).toEqual([P99]);
    expect(alone[0]!.pHolm).toBe(alone[0]!.p);
  });

  test('what is equal in every pair is no question', () => {
    const base = { [P99]: [10, 20, 30], 'pods.pending': [1, 2, 3], 'pods.ready': [4, 4, 4] };
    const { comparisons } = compared(variant('a', base), variant('b', { ...base, [P99]: [11, 22, 33] }));
    expect(comparisons.map(({ metric, mde }) => [metric, mde === 0])).toEqual([
      [P99, false],
      ['pods.pending', true],
      ['pods.ready', true],
    ]);
    expect(comparisons[0]!.pHolm).toBe(comparisons[0]!.p);
  });

  test('numbers without a direction are told apart, where they differ', () => {
    const { comparisons, neutral } = compared(
      variant('a', { events: [10, 20], 'pods.created': [5, 5], [P99]: [1, 1] }),
      variant('b', { events: [15, 25], 'pods.created': [5, 5], [P99]: [1, 1] }),
    );
    expect(comparisons.map(({ metric }) => metric)).toEqual([P99]);
    expect(neutral.map(({ metric, difference }) => [metric, difference])).toEqual([['events', 5]]);
  });

  test('of 300 comparisons of equals with 10 metrics, at most 5 % say better or worse of anything', () => {
    // Binomial(300, 0.05) exceeds 25 with probability 0.5 %; Holm is exact or careful, so 15 are expected at most.
    for (const shared of [true, false]) {
      let alarms = 0;
      for (let trial = 0; trial < 300; trial++) {
        const side = (which: string) => {
          const metrics: Record<string, number[]> = {};
          const common = noise(`${trial}/common`, 10, 1);
          for (let m = 0; m < 10; m++) {
            const own = noise(`${trial}/${which}/${m}`, 10, 0.5);
            metrics[m < 5 ? `latency.pod.startup.q${m}` : `latency.api.q${m}.p99`] = own.map((x, i) =>
              Math.exp(0.1 * (x + (shared ? common[i]! : 0))),
            );
          }
          return metrics;
        };
        const result = compared(variant('a', side('a')), variant('b', side('b'), shared ? 1 : 2));
        if (result.comparisons.some(({ verdict }) => verdict !== 'no evidence')) alarms += 1;
      }
      expect(alarms).toBeLessThanOrEqual(25);
    }
  });

  test('a difference as large as `mde` is seen in 80 % of the experiments, within 5 points', () => {
    const all = new RandomStream('power');
    let [seen, size] = [0, 0];
    const trials = 600;
    // Per pair: differences of standard deviation 1; 10 pairs, one question: 1.0 is what is seen with probability 0.80.
    for (let trial = 0; trial < trials; trial++) {
      const before = Array.from({ length: 10 }, () => 100 + 5 * all.normal());
      const after = before.map((x) => x + 1.0 + all.normal());
      const [one] = compared(variant('a', { [P99]: before }), variant('b', { [P99]: after })).comparisons;
      if (one!.verdict === 'worse') seen += 1;
      size += one!.mde / trials;
    }
    expect(size).toBeGreaterThan(0.93);
    expect(size).toBeLessThan(1.03);
    expect(Math.abs(seen / trials - 0.8)).toBeLessThan(0.05);
  });
});

test('pairs are replications of the same seed and number', () => {
  const run = (seed: number, replication: number): Replication => ({ seed, replication, metrics: new Map() });
  const { pairs, alone } = pairBySeed([run(7, 1), run(7, 2), run(7, 3)], [run(7, 3), run(7, 1), run(8, 2)]);
  expect(pairs.map(([a, b]) => [a.replication, b.replication])).toEqual([
    [1, 1],
    [3, 3],
  ]);
  expect(alone).toBe(2);
});

describe('contributors', () => {
  const start = (mean: number, queue: readonly [number, number], image: readonly [number, number]) => ({
    'latency.pod.startup.count': [10, 10],
    'latency.pod.startup.mean': [mean, mean],
    'phases.queue.count': [queue[0], queue[0]],
    'phases.queue.mean': [queue[1], queue[1]],
    'phases.image.count': [image[0], image[0]],
    'phases.image.mean': [image[1], image[1]],
  });

  test('phases add up to the difference, the largest first', () => {
    // Per pod of 10: queue 5 × 2 / 10 = 1 s, then 10 × 1.5 / 10 = 1.5 s; image 10 × 4 / 10 = 4 s, then 10 × 2 / 10 = 2 s.
    const found = startDifference({
      baseline: variant('a', start(5, [5, 2], [10, 4])),
      variant: variant('b', start(3.5, [10, 1.5], [10, 2])),
    })!;
    expect(found).toMatchObject({ variant: 'b', against: 'a', baseline: 5, value: 3.5 });
    expect(found.phases.map(({ phase, difference }) => [phase, difference])).toEqual([
      ['image', -2],
      ['queue', 0.5],
    ]);
  });

  test('none without pairs, none without starts', () => {
    const a = variant('a', start(5, [5, 2], [10, 4]));
    expect(startDifference({ baseline: a, variant: variant('b', start(5, [5, 2], [10, 4]), 2) })).toBe(null);
    expect(startDifference({ baseline: a, variant: variant('b', { 'pods.pending': [1, 1] }) })).toBe(null);
  });
});

describe('directions', () => {
  const cases: readonly [string, 'lower' | 'higher' | null, 'outcome' | 'detail'][] = [
    ['latency.pod.startup.p99', 'lower', 'outcome'],
    ['latency.pod.startup.max', 'lower', 'detail'],
    ['latency.pod.startup.count', null, 'detail'],
    ['latency.api.create.pods/binding.p99', 'lower', 'detail'],
    ['pods.pending', 'lower', 'outcome'],
    ['pods.ready', 'higher', 'outcome'],
    ['pods.created', null, 'detail'],
    ['throughput.scheduler.podsPerSecond', 'higher', 'outcome'],
    ['utilisation.memory.requested', 'higher', 'outcome'],
    ['nodes.peak', 'lower', 'outcome'],
    ['phases.queue.mean', 'lower', 'detail'],
    ['phases.queue.share', null, 'detail'],
    ['expect.failed', 'lower', 'outcome'],
    ['counters.something', null, 'detail'],
  ];
  for (const [metric, direction, family] of cases)
    test(`${metric}: ${direction ?? 'neither'}, ${family}`, () => {
      expect(metricKind(metric)).toMatchObject({ direction, family });
    });

  test('importance', () => {
    const order = [
      'expect.failed',
      P99,
      'latency.pod.startup.p50',
      'pods.pending',
      'phases.queue.mean',
      'events',
    ];
    expect([...order].reverse().sort((a, b) => metricKind(a).rank - metricKind(b).rank)).toEqual(order);
  });

  const meant: readonly [string, string, boolean][] = [
    ['latency.pod.startup.p99', P99, true],
    ['pod.startup.p99', P99, true],
    ['pod.startup', P99, true],
    ['startup', P99, false],
    ['pod', P99, false],
    ['cpu.requested', 'utilisation.cpu.requested', true],
    ['pods', 'pods.pending', true],
    ['api.create.pods', 'latency.api.create.pods/binding.p99', false],
  ];
  for (const [wanted, metric, means] of meant)
    test(`--metric ${wanted} ${means ? 'means' : 'does not mean'} ${metric}`, () => {
      expect(isMeant(wanted, metric)).toBe(means);
    });
});
