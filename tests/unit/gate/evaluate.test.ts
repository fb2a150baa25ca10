// The gate's decision: margins, what is equal, what is lost, how often it is wrong, and how often it finds what it says it
// would find.
import { describe, expect, test } from 'vitest';
import type { Replication, VariantRuns } from '../../../reports/compare/compare.ts';
import { evaluateGate, isGated } from '../../../reports/gate/evaluate.ts';
import { gateJson, gateJunit, gateMarkdown, gateSentence } from '../../../reports/gate/text.ts';
import { oneSidedPower } from '../../../reports/stats/power.ts';
import { RandomStream } from '../compare/random.ts';

const P99 = 'latency.pod.startup.p99';

type Numbers = Readonly<Record<string, readonly (number | undefined)[]>>;

function variant(metrics: Numbers, first = 1): VariantRuns {
  const n = Math.max(...Object.values(metrics).map(({ length }) => length));
  const runs = Array.from({ length: n }, (_, i): Replication => {
    const observed = Object.entries(metrics).filter(([, values]) => values[i] !== undefined);
    return {
      replication: i + first,
      seed: 7,
      metrics: new Map(observed.map(([name, values]) => [name, values[i]!])),
    };
  });
  return { label: 'default', runs };
}

const gated = (before: Numbers, after: Numbers, margin = 0.05, wanted: readonly string[] = []) =>
  evaluateGate([{ baseline: variant(before), variant: variant(after) }], margin, wanted);

describe('verdicts', () => {
  const cases: readonly [string, string, readonly number[], readonly (number | undefined)[], string][] = [
    // Beyond 5 %: 1.0 - 0.5, 1.1 - 0.5, 0.9 - 0.5: mean 0.5, sd 0.1, t = 8.66 with 2 degrees: p = 0.0065.
    ['10 % slower', P99, [10, 10, 10], [11, 11.1, 10.9], 'regression'],
    ['5 % slower, which is tolerated', P99, [10, 10, 10], [10.4, 10.5, 10.6], 'no evidence'],
    ['faster', P99, [10, 10, 10], [5, 6, 5], 'no evidence'],
    ['10 % less of what should be high', 'pods.ready', [100, 100, 100], [90, 89, 91], 'regression'],
    ['10 % more of what should be high', 'pods.ready', [100, 100, 100], [110, 111, 109], 'no evidence'],
    ['one replication, whatever it says', P99, [10], [99], 'no evidence'],
    ['the same', P99, [10, 11], [10, 11], 'equal'],
    ['something where nothing was', 'pods.pending', [0, 0], [3, 3], 'regression'],
    ['not observed any more', P99, [10, 11], [undefined, undefined], 'lost'],
  ];
  for (const [what, metric, before, after, verdict] of cases) {
    test(`${what}: ${verdict}`, () => {
      const { metrics, passed } = gated(
        { [metric]: before, events: before },
        { [metric]: after, events: before },
      );
      expect(metrics.map((one) => [one.metric, one.verdict])).toEqual([[metric, verdict]]);
      expect(passed).toBe(verdict === 'equal' || verdict === 'no evidence');
    });
  }

  test('the numbers', () => {
    const [one] = gated({ [P99]: [10, 10, 10] }, { [P99]: [11, 11.1, 10.9] }).metrics;
    expect(one).toMatchObject({ n: 3, baseline: 10, direction: 'lower' });
    expect(one!.relative).toBeCloseTo(0.1, 12);
    expect(one!.p).toBeCloseTo(0.0065, 4);
    // t(0.975, 2) x 0.1 / sqrt(3) = 0.248: the interval of the ratio is 1.1 +- 0.0248.
    expect(one!.relativeCi95[0]).toBeCloseTo(0.0752, 4);
    expect(one!.relativeCi95[1]).toBeCloseTo(0.1248, 4);
  });

  test('two questions are corrected, equal ones are none', () => {
    const before = { [P99]: [10, 10, 10], 'pods.ready': [100, 100, 100], 'pods.pending': [1, 1, 1] };
    const { metrics } = gated(before, { ...before, [P99]: [11, 11.1, 10.9], 'pods.ready': [101, 99, 100] });
    const [first] = metrics;
    expect(first!.metric).toBe(P99);
    expect(first!.pHolm).toBeCloseTo(2 * first!.p, 12);
  });

  test('replications on one side only, and metrics of some replications only, are told', () => {
    const { notes, metrics } = gated({ [P99]: [10, 11, 12, 13] }, { [P99]: [10, undefined, 12] });
    expect(metrics[0]).toMatchObject({ n: 2, verdict: 'equal' });
    expect(notes).toEqual([
      'default: 3 replications as in the baseline; 1 on one side only are left out',
      `default: ${P99} was not observed in 1 of 3 replications`,
    ]);
  });

  test('outcomes are judged unless others are asked for; numbers without a direction never', () => {
    expect(['latency.api.create.pods.p99', P99, 'events'].filter((m) => isGated(m, []))).toEqual([P99]);
    expect(isGated('latency.api.create.pods.p99', ['api.create.pods'])).toBe(true);
    expect(isGated('events', ['events'])).toBe(false);
  });
});

describe('how often', () => {
  const N = 10;
  /** Replications with a share of chance that pairs have in common, and `slower` of all of it. */
  function experiment(name: string, metrics: number, slower: number): [Numbers, Numbers] {
    const stream = new RandomStream(name);
    const [before, after]: Record<string, number[]>[] = [{}, {}];
    const common = Array.from({ length: N }, () => 5 * stream.normal());
    for (let m = 0; m < metrics; m++) {
      const key = m === 0 ? P99 : `latency.pod.startup.q${m}`;
      before![key] = common.map((x) => 100 + x + 3 * stream.normal());
      after![key] = common.map((x) => (100 + x + 3 * stream.normal()) * (1 + slower));
    }
    return [before!, after!];
  }
  const share = (trials: number, metrics: number, slower: number, margin: number): number => {
    let alarms = 0;
    for (let trial = 0; trial < trials; trial++)
      if (!gated(...experiment(`${slower}/${trial}`, metrics, slower), margin).passed) alarms += 1;
    return alarms / trials;
  };

  test('of 200 comparisons of equals with 5 metrics at most 5 % raise an alarm, even with no margin', () => {
    // Binomial(200, 0.05) exceeds 20 with probability 0.1 %.
    expect(share(200, 5, 0, 0)).toBeLessThanOrEqual(0.1);
    expect(share(200, 5, 0, 0.05)).toBe(0);
  });

  test('a regression exactly as large as the margin is an alarm in at most 5 %', () => {
    expect(share(200, 1, 0.05, 0.05)).toBeLessThanOrEqual(0.1);
  });

  test('a planted regression of 10 % is found as often as the test of its pairs promises', () => {
    // Beyond 7 %: 110 + 1.1 x - 1.07 y has mean 3 and, common chance 0.03 x 5, own 3 sqrt(1.1^2 + 1.07^2): sd 4.606.
    const sd = Math.hypot(0.03 * 5, 3 * 1.1, 3 * 1.07);
    const claimed = oneSidedPower(3, sd, N, 0.05);
    expect(claimed).toBeGreaterThan(0.5);
    expect(claimed).toBeLessThan(0.65);
    // The standard error of a share of 1,000 is 1.6 points.
    expect(Math.abs(share(1000, 1, 0.1, 0.07) - claimed)).toBeLessThan(0.05);
  });

  test('what it says it would see, it sees in 80 %', () => {
    let size = 0;
    const trials = 200;
    for (let trial = 0; trial < trials; trial++)
      size += gated(...experiment(`0/${trial}`, 1, 0), 0.02).metrics[0]!.detectable / trials;
    // With 10 pairs of sd 3 sqrt(2) = 4.2 about 5.5 % of 100 in all; what is slower by that is found.
    expect(Math.abs(share(600, 1, size, 0.02) - 0.8)).toBeLessThan(0.06);
  });
});

describe('texts', () => {
  const passed = gated({ [P99]: [10, 10.2, 10.1] }, { [P99]: [10.1, 10.1, 10.2] });
  const failed = gated(
    { [P99]: [10, 10, 10], 'pods.ready': [9, 9, 9] },
    { [P99]: [11, 11.1, 10.9], 'pods.ready': [9, 9, 9] },
  );

  test('sentences', () => {
    expect(gateSentence(passed)).toMatch(
      /^no evidence of a regression beyond 5 % in 1 metrics; could have seen >= [0-9.]+ % \(latency\.pod\.startup\.p99, the least certain\)$/,
    );
    expect(gateSentence(failed)).toBe(`regression beyond 5 %: ${P99} (default)`);
    expect(gateSentence(gated({ [P99]: [1, 2] }, { [P99]: [1, 2] }))).toBe(
      'equal to the baseline in all 1 metrics, in every replication and to the last digit',
    );
    expect(gateSentence(gated({ [P99]: [1] }, { [P99]: [2] }))).toContain('nothing could have been seen');
  });

  test('JUnit XML counts failures and escapes names', () => {
    const xml = gateJunit('a<b> & "c"', failed);
    expect(xml).toContain('<testsuites name="kubetick gate" tests="2" failures="1" errors="0">');
    expect(xml).toContain(
      'classname="a&lt;b&gt; &amp; &quot;c&quot;.default" name="latency.pod.startup.p99"><failure message="latency.pod.startup.p99 changed by +10.0 %, beyond 5 %">',
    );
    expect(xml.match(/<testcase /g)).toHaveLength(2);
    expect(xml.match(/<failure /g)).toHaveLength(1);
  });

  test('Markdown and JSON', () => {
    expect(gateMarkdown('e|f', failed)).toMatch(/^## Failed: e\\\|f\n\nRegression beyond 5 %/);
    expect(gateMarkdown('e', passed)).toMatch(/^## Passed: e\n/);
    expect(gateJson('e', 'b.json', gated({ [P99]: [1] }, { [P99]: [2] }))).toMatchObject({
      experiment: 'e',
      baseline: 'b.json',
      passed: true,
      metrics: [{ metric: P99, relativeCi95: [null, null], detectable: null }],
    });
  });
});
