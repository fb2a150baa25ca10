// Objectives over replications, and the files that perfdash reads.
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { atMost, judged, type SloItem, type SloRun } from '../../../reports/slo/items.ts';
import { perfdashFiles } from '../../../reports/slo/perfdash.ts';
import { sloVariants } from '../../../reports/slo/variants.ts';

const OBJECTIVE = atMost('SLO', 5000);

function item(p99: number, more: Partial<SloItem> = {}): SloItem {
  const data = { Perc50: p99 / 2, Perc90: p99 * 0.9, Perc99: p99, Max: p99 };
  return {
    measurement: 'PodStartupLatency',
    metric: 'pod_startup',
    labels: { Metric: 'pod_startup' },
    unit: 'ms',
    count: 10,
    data,
    objective: OBJECTIVE,
    verdict: judged(data, OBJECTIVE),
    ...more,
  };
}

const run = (variant: string, replication: number, items: readonly SloItem[]): SloRun => ({
  experiment: 'e',
  variant,
  replication,
  virtualSeconds: 754.9,
  items,
  limits: [],
});

describe('a variant', () => {
  // t of 0.975 with 3 degrees of freedom is 3.182; the standard error of four values is sd / 2.
  it.each([
    ['one replication: as it is', [4000], { verdict: 'met', missedIn: 0, ci95: null }],
    ['one that misses', [6000], { verdict: 'missed', missedIn: 1, ci95: null }],
    // sd 81.65, half width 129.9
    ['all far below', [4000, 4100, 3900, 4000], { verdict: 'met', missedIn: 0, ci95: [3870.1, 4129.9] }],
    ['all far above', [6000, 6100, 5900, 6000], { verdict: 'missed', missedIn: 4, ci95: [5870.1, 6129.9] }],
    // mean 4,900, sd 416.3: 4,237.5 to 5,562.5 holds the limit
    ['nobody knows', [4400, 4800, 5000, 5400], { verdict: 'open', missedIn: 1, ci95: [4237.5, 5562.5] }],
    // mean 16,333, t of 2 degrees 4.3027, standard error 9,351: the interval begins below 0, yet none is within.
    [
      'far apart, and all above',
      [6000, 8000, 35_000],
      { verdict: 'missed', missedIn: 3, ci95: [-23901.5, 56568.2] },
    ],
    ['equal in all', [5000, 5000], { verdict: 'met', missedIn: 0, ci95: [5000, 5000] }],
  ])('%s', (_, values, { verdict, missedIn, ci95 }) => {
    const [variant] = sloVariants(values.map((value, i) => run('v', i + 1, [item(value)])));
    const [found] = variant!.items;
    expect(found).toMatchObject({ verdict, missedIn, n: values.length });
    expect(found!.ci95?.map((end) => Number(end.toFixed(1))) ?? null).toEqual(ci95);
  });

  it('variants in their order, and what only some replications have', () => {
    const variants = sloVariants([
      run('b', 1, [item(1000)]),
      run('a', 1, [item(2000)]),
      run('b', 2, [item(3000), item(1, { metric: 'extra', objective: null, verdict: null })]),
    ]);
    expect(variants.map(({ variant, replications }) => [variant, replications])).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
    expect(variants[0]!.items.map(({ metric, n, mean, verdict }) => [metric, n, mean, verdict])).toEqual([
      // Two replications: t of 0.975 is 12.7, 2,000 ± 12,706.
      ['pod_startup', 2, 2000, 'open'],
      ['extra', 1, 1, null],
    ]);
  });

  it('judged by its best second where more is better', () => {
    const objective = { of: 'ClusterLoader2', statistic: 'Max', direction: 'atLeast', limit: 100 } as const;
    const at = (value: number): SloItem =>
      item(value, { objective, verdict: value >= 100 ? 'met' : 'missed' });
    const verdict = (...values: number[]): unknown =>
      sloVariants(values.map((value, i) => run('v', i, [at(value)])))[0]!.items[0]!.verdict;
    expect([verdict(120), verdict(99), verdict(120, 120), verdict(90, 110)]).toEqual([
      'met',
      'missed',
      'met',
      'open',
    ]);
    const idle = item(3, { objective, verdict: 'not judged' });
    expect(sloVariants([run('v', 1, [idle])])[0]!.items[0]!.verdict).toBe('not judged');
  });
});

/** PerfData of perf-tests clusterloader2 measurement/util/perftype.go; texts as labels, numbers as data, nothing else. */
const perfData = z.strictObject({
  version: z.string(),
  dataItems: z.array(
    z.strictObject({
      data: z.record(z.string(), z.number()),
      unit: z.literal('ms'),
      labels: z.record(z.string(), z.string()),
    }),
  ),
});
const throughputData = z.strictObject({
  perc50: z.number(),
  perc90: z.number(),
  perc99: z.number(),
  max: z.number(),
  average: z.number(),
});

describe('files for perfdash', () => {
  const call = item(12.5, {
    measurement: 'APIResponsivenessPrometheus',
    metric: 'POST pods/binding',
    labels: {
      Resource: 'pods',
      Subresource: 'binding',
      Verb: 'POST',
      Scope: 'resource',
      Count: '3',
      SlowCount: '0',
    },
  });
  const throughput = item(8, {
    measurement: 'SchedulingThroughput',
    metric: 'SchedulingThroughput',
    unit: '1/s',
  });
  const whole = run('v', 1, [
    item(420),
    item(300, { measurement: 'StatelessPodStartupLatency', metric: 'pod_startup_slo' }),
    { ...throughput, data: { ...throughput.data, Average: 0.5 } },
    item(640, {
      measurement: 'NetworkProgrammingLatency',
      metric: 'NetworkProgrammingLatency',
      labels: { Metric: 'NetworkProgrammingLatency' },
    }),
    call,
  ]);
  const files = new Map(
    perfdashFiles(whole, 'load').map(({ name, text }) => [name, JSON.parse(text) as unknown]),
  );

  it('are called as clusterloader2 calls them, with virtual time: 754 s after the start', () => {
    expect([...files.keys()]).toEqual([
      'PodStartupLatency_PodStartupLatency_load_2026-01-01T00:12:34Z.json',
      'StatelessPodStartupLatency_PodStartupLatency_load_2026-01-01T00:12:34Z.json',
      'StatefulPodStartupLatency_PodStartupLatency_load_2026-01-01T00:12:34Z.json',
      'APIResponsivenessPrometheus_simple_load_2026-01-01T00:12:34Z.json',
      'SchedulingThroughput_load_2026-01-01T00:12:34Z.json',
      'NetworkProgrammingLatency_load_2026-01-01T00:12:34Z.json',
    ]);
  });

  const named = (prefix: string): unknown => [...files].find(([name]) => name.startsWith(`${prefix}_`))![1];

  it.each([
    'PodStartupLatency',
    'StatelessPodStartupLatency',
    'StatefulPodStartupLatency',
    'APIResponsivenessPrometheus',
    'NetworkProgrammingLatency',
  ])('%s is PerfData', (prefix) => {
    expect(perfData.parse(named(prefix)).version).toBe(prefix.endsWith('StartupLatency') ? '1.0' : 'v1');
  });

  it('every transition, zeros where no pod was measured; the official objective is not theirs', () => {
    const { dataItems } = perfData.parse(named('PodStartupLatency'));
    expect(dataItems.map(({ labels, data }) => [labels['Metric'], data['Perc99']])).toEqual([
      ['create_to_schedule', 0],
      ['schedule_to_run', 0],
      ['run_to_watch', 0],
      ['schedule_to_watch', 0],
      ['pod_startup', 420],
      ['create_to_run', 0],
    ]);
    const stateless = perfData.parse(named('StatelessPodStartupLatency'));
    expect(stateless.dataItems.every(({ data }) => data['Perc99'] === 0)).toBe(true);
  });

  it('calls of the API with all their labels', () => {
    expect(perfData.parse(named('APIResponsivenessPrometheus')).dataItems).toEqual([
      { data: { Perc50: 6.25, Perc90: 11.25, Perc99: 12.5 }, unit: 'ms', labels: call.labels },
    ]);
  });

  it('throughput is what its own parser reads', () => {
    expect(throughputData.parse(named('SchedulingThroughput'))).toEqual({
      perc50: 4,
      perc90: 7.2,
      perc99: 8,
      max: 8,
      average: 0.5,
    });
  });
});
