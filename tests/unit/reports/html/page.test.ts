// What a page says of given numbers: which five, with which intervals, what is called better, which series are drawn; and
// that it stays below its limit when everything in it is as long as it can be.
import { describe, expect, test } from 'vitest';
import { compareVariants } from '../../../../reports/compare/compare.ts';
import { headlines } from '../../../../reports/html/headlines.ts';
import type { ReportData, ReportVariant, RunDetail } from '../../../../reports/html/model.ts';
import { PAGE_MAX_BYTES, reportPage } from '../../../../reports/html/page.ts';
import { panelsOf } from '../../../../reports/html/panels.ts';
import { Placement } from '../../../../reports/html/placement.ts';

const BROWSER = { script: 'void 0', style: '*{}' };
const S = 1_000_000;

function variant(label: string, runs: readonly Readonly<Record<string, number>>[]): ReportVariant {
  return {
    label,
    runs: runs.map((metrics, i) => ({
      replication: i + 1,
      seed: 7,
      experiment: 'e',
      directory: `runs/${label}/r0${i + 1}`,
      fingerprint: 'f',
      metrics: new Map(Object.entries(metrics)),
    })),
    expects: [],
    loss: [],
    starts: null,
    detail: null,
  };
}

function data(variants: readonly ReportVariant[]): ReportData {
  const [baseline, ...others] = variants;
  const matches = others.map((one) => ({ baseline: baseline!, variant: one }));
  return {
    experiments: ['e'],
    sources: ['runs/e'],
    command: 'kubetick report runs/e --html report.html',
    kubetick: '0.1.0',
    variants,
    comparison:
      others.length === 0
        ? null
        : { baseline: baseline!.label, result: compareVariants(matches), starts: [] },
    notes: [],
  };
}

describe('five numbers', () => {
  test('the first five of the list that the runs have observed', () => {
    const observed = {
      'latency.pod.startup.p99': 3,
      'pods.pending': 0,
      'throughput.scheduler.podsPerSecond': 12,
      'utilisation.cpu.requested': 0.5,
      'utilisation.memory.requested': 0.25,
      'nodes.peak': 3,
    };
    expect(headlines([variant('v', [observed])]).map(({ metric }) => metric)).toEqual([
      'latency.pod.startup.p99',
      'pods.pending',
      'throughput.scheduler.podsPerSecond',
      'utilisation.cpu.requested',
      'utilisation.memory.requested',
    ]);
    const withRequests = {
      ...observed,
      'counters.requests.web.sent': 200,
      'counters.requests.web.failed': 3,
    };
    const [, failed] = headlines([variant('v', [withRequests])]);
    // 3 of 200, and `counters.requests.web.failed.reset` would not count twice.
    expect(failed).toMatchObject({
      metric: 'requests.failed',
      estimates: [{ mean: 0.015, within: '3 of 200' }],
    });
  });

  test('mean and 95 % interval over replications; not below 0; none for one run', () => {
    const of = (...values: number[]) =>
      headlines([
        variant(
          'v',
          values.map((value) => ({ 'pods.pending': value })),
        ),
      ])[0]!.estimates[0]!;
    // 2 ± t(0.975, 2) 4.3027 × 1 / √3: 2.4841 to either side, of which nothing below 0 is possible.
    const three = of(1, 2, 3);
    expect([three.mean, three.low]).toEqual([2, 0]);
    expect(three.high).toBeCloseTo(4.4841, 3);
    expect(of(11, 12, 13).low).toBeCloseTo(9.5159, 3);
    expect(of(5)).toMatchObject({ mean: 5, low: Number.NEGATIVE_INFINITY });
    expect(of(4, 4)).toMatchObject({ low: 4, high: 4 });
    const shares = [0.9, 0.95, 1].map((value) => ({ 'utilisation.cpu.requested': value }));
    // 0.95 ± 4.3027 × 0.05 / √3 = 0.1242: not more than everything can be requested.
    const [cpu] = headlines([variant('v', shares)])[0]!.estimates;
    expect(cpu!.low).toBeCloseTo(0.8258, 4);
    expect(cpu!.high).toBe(1);
  });

  test('better and worse are said with evidence only', () => {
    const runs = (by: number, noise: number) =>
      [1, 2, 3, 4, 5].map((i) => ({
        'latency.pod.startup.p99': 2 + i / 10 + by + (i % 2 === 0 ? noise : -noise),
      }));
    const page = (by: number, noise: number): string =>
      reportPage(data([variant('a', runs(0, 0)), variant('b', runs(by, noise))]), BROWSER);
    expect(page(1, 0.01)).toMatch(/class="change worse">\+43\.\d % worse</);
    expect(page(-1, 0.01)).toMatch(/class="change better">-43\.\d % better</);
    // As large on average, but the pairs contradict each other.
    expect(page(1, 9)).toMatch(/class="change ">[+-]\d+\.\d %</);
  });
});

describe('many variants', () => {
  const expect1 = (text: string, held: number) => ({
    text,
    of: 'run' as const,
    held,
    judged: 2,
    observed: [1, 2],
  });
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      ...variant(`size=${i}`, [{ 'pods.pending': i }, { 'pods.pending': i + 1 }]),
      expects: [expect1('pods.pending <= 3', i < 3 ? 2 : i === 3 ? 1 : 0), expect1('pods.failed == 0', 2)],
    }));
  const cells = (page: string, table: string): string[][] => {
    const found = new RegExp(`<table class="${table}">(.*?)</table>`).exec(page)![1]!;
    return found
      .split('<tr>')
      .slice(1)
      .map((row) =>
        row
          .split(/<t[hd]/)
          .slice(1)
          .map((cell) =>
            cell
              .replace(/^[^>]*>/, '')
              .replace(/<svg.*?<\/svg>/g, '')
              .replace(/<[^>]*>/g, ' ')
              .replace(/\s+/g, ' ')
              .trim(),
          ),
      );
  };

  test('a table of variants by expectations, and one of variants by numbers', () => {
    const page = reportPage(data(many(5)), BROWSER);
    expect(page).toContain('1 of 2 expectations fails');
    const verdicts = cells(page, 'matrix');
    expect(verdicts[0]).toEqual(['Variant', 'pods.pending &lt;= 3', 'pods.failed == 0']);
    expect(verdicts.map((row) => row[1]).slice(1)).toEqual([
      '✓ holds in 2 of 2 1 to 2',
      '✓ holds in 2 of 2 1 to 2',
      '✓ holds in 2 of 2 1 to 2',
      '✕ fails in 1 of 2 1 to 2',
      '✕ fails in 2 of 2 1 to 2',
    ]);
    const numbers = cells(page, 'numbers');
    expect(numbers[0]).toEqual(['Variant', 'Pods pending at the end']);
    // Means 0.5, 1.5, …: +200 % of the baseline, in every pair by exactly 1, which is evidence. Two replications, 12.7 × 0.5 to either side, not below 0.
    expect(numbers.map((row) => row[1]).slice(1, 3)).toEqual(['0.5 0 … 6.85', '1.5 +200.0 % worse 0 … 7.85']);
  });

  test('of few variants each expectation is told, and numbers stand on cards', () => {
    const page = reportPage(data(many(2)), BROWSER);
    expect(page).not.toContain('class="matrix"');
    expect(page).not.toContain('class="numbers"');
    expect(cells(page, 'verdicts')).toHaveLength(5);
  });
});

const series = (name: string, points: number) => ({
  name,
  seconds: Array.from({ length: points }, (_, i) => i + 0.123),
  values: Array.from({ length: points }, (_, i) => ((i * 7919) % 100_000) / 7),
});

function detail(long: (text: string) => string, nodes: number): RunDetail {
  const placement = new Placement(
    Array.from({ length: nodes }, (_, i) => ({
      name: long(`node-${i}`),
      zone: long(`zone-${i % 3}`),
      cpuMilli: 1000,
      memoryBytes: 1,
      podsMax: 1,
      fromUs: 0,
      toUs: Number.NaN,
    })),
    500 * S,
    150,
    64,
  );
  const names = ['existing', 'bound', 'unscheduled'].map((name) => `pods.${name}`);
  const streams = Array.from({ length: 20 }, (_, i) => long(`s${i}`));
  return {
    directory: long('runs'),
    replication: 1,
    virtualSeconds: 500,
    endReason: 'until',
    versions: { kubetick: '0.1.0', kubernetes: '1.36', node: 20 },
    ingredients: {},
    nodes,
    warmUpSeconds: 0,
    costs: long('costs'),
    spec: long('spec').repeat(200),
    marks: Array.from({ length: 40 }, (_, i) => ({ seconds: i, text: long('step') })),
    series: [
      ...names,
      'cpu.requested',
      'memory.requested',
      ...streams.flatMap((one) => [`requests.${one}.rate`, `requests.${one}.failureRate`]),
      ...streams.map((one) => `workqueue.${one}.depth`),
    ].map((name) => series(name, 500)),
    timeline: { cellSeconds: 1, series: ['rate.ready', 'start.p90'].map((name) => series(name, 120)) },
    placement: placement.grid(),
    slowest: Array.from({ length: 10 }, () => ({
      pod: long('pod'),
      node: long('node'),
      createdSeconds: 1,
      startSeconds: 2,
      phase: 'image',
      phaseSeconds: 1,
    })),
    requestErrors: [],
    pending: Array.from({ length: 10 }, (_, i) => [long(`because ${i}`), 5] as const),
  };
}

describe('series', () => {
  test('of one run what happens in it, of several a line each; every series stands once in the pool', () => {
    const one = { ...variant('a', [{ events: 1 }]), detail: detail((text) => text, 3) };
    const single = panelsOf([one]);
    expect(single.groups.map(({ label }) => label)).toEqual(['a']);
    expect(single.groups[0]!.panels.map(({ title }) => title)).toEqual([
      'Pods',
      'Start-up of pods',
      'Requests of bound pods',
      'Pods per second',
      'Requests',
      'Failed requests',
      'Work queues of controllers',
    ]);
    const both = panelsOf([one, { ...one, label: 'b', detail: detail((text) => text, 3) }]);
    expect(both.groups.map(({ label }) => label)).toEqual(['All variants', 'a', 'b']);
    expect(both.groups[0]!.panels[0]!.lines.map(({ name }) => name)).toEqual(['a', 'b']);
    const places = both.groups.flatMap(({ panels }) =>
      panels.flatMap(({ lines }) => lines.map(({ at }) => at)),
    );
    expect(new Set(places).size).toBe(both.pool.length);
    expect(Math.max(...both.pool.map(({ seconds }) => seconds.length))).toBeLessThanOrEqual(305);
  });
});

describe('size', () => {
  const long = (text: string): string => `${text}${'é'.repeat(250 - text.length)}`;

  test('many variants, the longest names that Kubernetes allows, many numbers', () => {
    const metrics = (seed: number) =>
      Object.fromEntries([
        ...Array.from({ length: 400 }, (_, i) => [
          `latency.api.get.${long(`r${i}`)}.p99`,
          1 + ((i * seed) % 17),
        ]),
        ...Array.from({ length: 30 }, (_, i) => [`phases.${i}.mean`, seed + i]),
        ['latency.pod.startup.p99', seed],
      ]);
    const variants = Array.from({ length: 14 }, (_, v) => ({
      ...variant(
        long(`v${v}`).slice(0, 120),
        Array.from({ length: 5 }, (_, r) => metrics(v + r / 7)),
      ),
      expects: Array.from({ length: 20 }, (_, i) => ({
        text: `pod.startup.p99 < ${i}s`,
        of: 'run' as const,
        held: 3,
        judged: 50,
        observed: Array.from({ length: 50 }, (_, r) => r),
      })),
      loss: Array.from({ length: 200 }, (_, i) => ({
        source: long('s'),
        kind: long(`k${i}`),
        field: long('f'),
        count: 1,
        note: long('n'),
      })),
      detail: v < 6 ? detail(long, 150) : null,
    }));
    const page = reportPage(data(variants), BROWSER);
    expect(Buffer.byteLength(page)).toBeLessThan(PAGE_MAX_BYTES);
    expect(page).toContain('to keep the page small');
  }, 60_000);
});
