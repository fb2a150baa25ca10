// The measurements of an SLO report against arithmetic by hand: percentiles by nearest rank, transitions of pods, calls of
// the API, throughput a second, tested limits.
import { describe, expect, it } from 'vitest';
import { type ApiRow, apiItems } from '../../../reports/slo/api-calls.ts';
import { percentiles, type SloItem } from '../../../reports/slo/items.ts';
import { Scale } from '../../../reports/slo/limits.ts';
import { networkItems } from '../../../reports/slo/network.ts';
import { PodStartup, SLO_METRIC, type StartedPod } from '../../../reports/slo/pod-startup.ts';
import { SchedulingThroughput } from '../../../reports/slo/throughput.ts';

const SECOND = 1_000_000;

describe('percentiles: the value at rank ⌈n·p/100⌉', () => {
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
  it.each([
    // ⌈0.5⌉ = ⌈0.9⌉ = ⌈0.99⌉ = 1
    [upTo(1), { Perc50: 1, Perc90: 1, Perc99: 1, Max: 1 }],
    // ⌈5⌉, ⌈9⌉, ⌈9.9⌉
    [upTo(10), { Perc50: 5, Perc90: 9, Perc99: 10, Max: 10 }],
    [upTo(100), { Perc50: 50, Perc90: 90, Perc99: 99, Max: 100 }],
    [upTo(101), { Perc50: 51, Perc90: 91, Perc99: 100, Max: 101 }],
    [[], { Perc50: 0, Perc90: 0, Perc99: 0, Max: 0 }],
  ])('of %o', (values, expected) => {
    expect(percentiles(values)).toEqual(expected);
  });
});

/** A pod whose stages end after so many ms; null: did not happen. */
function pod(
  stages: Partial<Record<'created' | 'bound' | 'sandbox' | 'pulled' | 'started' | 'running', number | null>>,
  more: Partial<StartedPod> = {},
): StartedPod {
  const at = { created: 0, bound: 10, sandbox: 300, pulled: 300, started: 400, running: 420, ...stages };
  const us = (ms: number | null): number | null => (ms === null ? null : ms * 1000);
  return {
    created: us(at.created),
    bound: us(at.bound),
    sandbox: us(at.sandbox),
    pulled: us(at.pulled),
    started: us(at.started),
    running: us(at.running),
    attempts: 1,
    stateful: false,
    ...more,
  };
}

function startup(...pods: readonly StartedPod[]): SloItem[] {
  const measured = new PodStartup();
  for (const one of pods) measured.add(one);
  return measured.items();
}

const max = (items: readonly SloItem[], measurement: string): Record<string, number> =>
  Object.fromEntries(
    items
      .filter((item) => item.measurement === measurement)
      .map(({ metric, data }) => [metric, data['Max']!]),
  );

describe('PodStartupLatency', () => {
  it('transitions of one pod, ms', () => {
    expect(max(startup(pod({})), 'PodStartupLatency')).toEqual({
      create_to_schedule: 10,
      schedule_to_run: 390,
      run_to_watch: 20,
      schedule_to_watch: 410,
      pod_startup: 420,
      create_to_run: 400,
    });
  });

  it('stages that did not happen have no transitions, and what went backwards took no time', () => {
    expect(max(startup(pod({ started: null, running: null })), 'PodStartupLatency')).toEqual({
      create_to_schedule: 10,
    });
    expect(max(startup(pod({ bound: -5 })), 'PodStartupLatency')['create_to_schedule']).toBe(0);
  });

  it('stateless and stateful pods apart', () => {
    const items = startup(pod({}), pod({ running: 9000 }, { stateful: true }));
    const startups = items.filter(({ metric }) => metric === 'pod_startup');
    expect(
      startups.map(({ measurement, count, data, verdict }) => [measurement, count, data['Perc99'], verdict]),
    ).toEqual([
      ['PodStartupLatency', 2, 9000, 'missed'],
      ['StatelessPodStartupLatency', 1, 420, 'met'],
      ['StatefulPodStartupLatency', 1, 9000, 'missed'],
    ]);
  });

  it.each([
    // 5 s is within: the objective says at most.
    ['as long as allowed', pod({ running: 5000 }), [5000, 'met']],
    ['longer', pod({ running: 5000.001 }), [5000.001, 'missed']],
    // 9 s of which images took 6
    ['images and init containers do not count', pod({ pulled: 6300, running: 9420 }), [3420, 'met']],
    ['a pod that found no node at first', pod({ running: 9000 }, { attempts: 2 }), null],
    ['a stateful pod', pod({ running: 9000 }, { stateful: true }), null],
    ['a pod that was never seen Running', pod({ running: null }), null],
  ] as const)('the official objective: %s', (_, one, expected) => {
    const found = startup(one).find(({ metric }) => metric === SLO_METRIC);
    expect(found === undefined ? null : [found.data['Perc99'], found.verdict]).toEqual(expected);
  });

  it('no pods, no items', () => {
    expect(startup()).toEqual([]);
  });
});

describe('APIResponsivenessPrometheus', () => {
  const row = (verb: string, resource: string, more: Partial<ApiRow> = {}): ApiRow => ({
    verb,
    resource,
    scope: 'resource',
    count: 10,
    slow: 0,
    p50: 0.001,
    p90: 0.002,
    p99: 0.003,
    max: 0.004,
    ...more,
  });

  it('labels as upstream has them', () => {
    const [item] = apiItems([row('create', 'pods/binding', { count: 7, slow: 2 })]);
    expect(item).toMatchObject({
      metric: 'POST pods/binding',
      labels: {
        Resource: 'pods',
        Subresource: 'binding',
        Verb: 'POST',
        Scope: 'resource',
        Count: '7',
        SlowCount: '2',
      },
      data: { Perc50: 1, Perc90: 2, Perc99: 3, Max: 4 },
    });
  });

  it.each([
    ['update', 'PUT', 'resource', 1, 'met'],
    ['patch', 'PATCH', 'resource', 1.000001, 'missed'],
    ['delete', 'DELETE', 'resource', 30, 'missed'],
    ['get', 'GET', 'resource', 0.5, 'met'],
    ['list', 'LIST', 'cluster', 30, 'met'],
    ['list', 'LIST', 'cluster', 30.5, 'missed'],
    ['list', 'LIST', 'namespace', 30, 'met'],
    // An older table without the column: lists are over all namespaces.
    ['list', 'LIST', '', 29, 'met'],
  ])('%s is %s of scope %j: p99 of %d s is %s', (verb, method, scope, p99, verdict) => {
    const [item] = apiItems([row(verb, 'nodes', { scope, p99 })]);
    expect([item!.labels['Verb'], item!.verdict]).toEqual([method, verdict]);
  });

  it('the slowest first; watches and calls before the end of the warm-up are left out', () => {
    const items = apiItems([
      row('create', 'pods', { p99: 0.01 }),
      row('watch', 'pods', { p99: 9 }),
      row('get', 'nodes', { p50: null, p90: null, p99: null, max: null }),
      row('update', 'nodes', { p99: 0.02 }),
    ]);
    expect(items.map(({ metric }) => metric)).toEqual(['PUT nodes', 'POST pods']);
  });
});

describe('SchedulingThroughput', () => {
  const measured = (
    pods: readonly (readonly [created: number, bound: number | null, attempts?: number])[],
  ): SloItem => {
    const throughput = new SchedulingThroughput();
    for (const [created, bound, attempts = 1] of pods)
      throughput.add({
        created: created * SECOND,
        bound: bound === null ? null : bound * SECOND,
        attempts,
      });
    return throughput.items()[0]!;
  };
  const times = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);

  it('samples of a second, from the first pod stored to the last binding', () => {
    // Seconds 3 to 6: 2, 0, 1, 3 pods. Ranks 2, 4, 4 of 0 1 2 3.
    const item = measured([...times(2, [3, 3.5] as const), [3, 5.2], ...times(3, [4, 6.999] as const)]);
    expect(item.count).toBe(4);
    expect(item.data).toEqual({ Perc50: 1, Perc90: 3, Perc99: 3, Max: 3, Average: 1.5 });
  });

  it.each([
    ['100 pods in one second', times(100, [0, 0.5] as const), 'met'],
    ['100 pods that took two', [...times(60, [0, 0.5] as const), ...times(40, [0, 1.5] as const)], 'missed'],
    ['never 100 at once', times(99, [0, 1.5] as const), 'not judged'],
    // What fits nowhere waits for room, not for the scheduler.
    ['100 that fit nowhere at first', times(100, [0, 60, 2] as const), 'not judged'],
    [
      'a backlog that grew over seconds',
      [...times(50, [0, 3] as const), ...times(50, [1, 3.5] as const)],
      'met',
    ],
  ] as const)('%s: %s', (_, pods, verdict) => {
    expect(measured(pods).verdict).toBe(verdict);
  });

  it('no pod was bound: nothing to measure', () => {
    const throughput = new SchedulingThroughput();
    throughput.add({ created: 0, bound: null, attempts: 3 });
    throughput.add({ created: null, bound: null, attempts: 0 });
    expect(throughput.items()).toEqual([]);
  });
});

describe('NetworkProgrammingLatency', () => {
  const latency = { count: 5, mean: 1, min: 0.1, p50: 0.5, p90: 2, p99: 30.5, max: 31 };

  it('99 % within 30 s', () => {
    expect(networkItems(latency)[0]).toMatchObject({
      data: { Perc50: 500, Perc90: 2000, Perc99: 30_500 },
      verdict: 'missed',
    });
    expect(networkItems({ ...latency, p99: 30 })[0]!.verdict).toBe('met');
    expect(networkItems(undefined)).toEqual([]);
  });
});

describe('tested limits', () => {
  it('peaks of pods by cluster, namespace and node; objects created; churn', () => {
    const scale = new Scale();
    // In a: 0–10 s, 2–4 s, 4 s–; in b one that was there from the start. At 2 s three exist, two of them in a; the one
    // that goes at 4 s makes room for the one that comes.
    scale.pod('a', 0, 10 * SECOND);
    scale.pod('a', 2 * SECOND, 4 * SECOND);
    scale.pod('a', 4 * SECOND, null);
    scale.pod('b', null, null);
    scale.nodeLoad({ node: 'large', cpuMilli: 32_000, podsPeak: 110 });
    // 10 pods a core: 2 cores are good for 20.
    scale.nodeLoad({ node: 'small', cpuMilli: 2000, podsPeak: 21 });
    const limits = scale.limits(
      5001,
      new Map([
        ['services', 10_001],
        ['pods/binding', 5],
      ]),
    );
    expect(limits).toEqual([
      { quantity: 'nodes', value: 5001, limit: 5000, exceeded: true },
      { quantity: 'pods', value: 3, limit: 150_000, exceeded: false },
      { quantity: 'pods of a node', value: 21, limit: 20, exceeded: true, where: 'small' },
      { quantity: 'namespaces with pods', value: 2, limit: 10_000, exceeded: false },
      { quantity: 'pods of a namespace', value: 2, limit: 3000, exceeded: false, where: 'a' },
      { quantity: 'services created', value: 10_001, limit: 10_000, exceeded: true },
      // At 4 s one goes and one comes.
      { quantity: 'pods created and deleted in a second', value: 2, limit: 20, exceeded: false },
    ]);
  });

  it('a node is never good for more than 110', () => {
    const scale = new Scale();
    scale.nodeLoad({ node: 'n', cpuMilli: 64_000, podsPeak: 111 });
    expect(scale.limits(1, new Map())[2]).toMatchObject({ value: 111, limit: 110, exceeded: true });
  });
});
