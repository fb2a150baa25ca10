// The horizontal pod autoscaler: how many replicas follow from what pods use, how fast a target may grow and shrink, and
// what a run shows of it.
import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import { ScalingMemory } from '../../../engine/controllers/hpa-behavior.ts';
import { groupPods, type MetricPod, proposeReplicas } from '../../../engine/controllers/hpa-metrics.ts';
import { missingSource } from '../../../engine/controllers/hpa-targets.ts';
import { selectorQuery } from '../../../engine/controllers/selector-texts.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { recorded } from '../../../policies/costs/recorded.ts';
import { create, SECOND, scenario, service, workload } from '../../property/simulation/scenario.ts';

const NOW = 1000 * SECOND;
const TOLERANCES = { up: 0.1, down: 0.1 };

/** A pod that asks for 100m and uses `milli`, Ready for a long time unless it says otherwise. */
const used = (milli: number | null, more: Partial<MetricPod> = {}): MetricPod => ({
  name: 'p',
  phase: 'Running',
  deleting: false,
  ready: true,
  startUs: 0,
  readyChangeUs: 0,
  spec: { containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] },
  sample: milli === null ? null : { milli, timeUs: NOW, windowUs: 15 * SECOND },
  ...more,
});
const young = { startUs: NOW - 20 * SECOND, readyChangeUs: NOW - 10 * SECOND };
const pending = { phase: 'Pending', startUs: Number.NaN, sample: null } as const;

describe('replicas by utilization, target 50 %', () => {
  // Mean use of the pods that count, cut off to whole percent, over the target, times those pods, rounded up.
  it.each<[string, MetricPod[], number]>([
    ['100 % of 2: 2.0 × 2', [used(100), used(100)], 4],
    ['52 %: within a tenth', [used(52), used(52)], 2],
    ['55 %: within a tenth still', [used(55), used(55)], 2],
    ['56 %: 1.12 × 2 = 2.24', [used(56), used(56)], 3],
    ['10 % of 4: 0.2 × 4 = 0.8', [used(10), used(10), used(10), used(10)], 1],
    // 100 % of one counted pod, 0 for the unready: 50 % of 2, nothing to do.
    ['growing, an unready pod counts as idle', [used(100), used(90, young)], 2],
    // 150 % → (150 + 0) / 2 = 75 % → 1.5 × 2 = 3
    ['growing all the same', [used(150), used(90, young)], 3],
    ['a pending pod is unready', [used(150), used(null, pending)], 3],
    // 10 % and a missing one at 100 %: 55 % of 2, within a tenth.
    ['shrinking, a missing pod counts as full', [used(10), used(null)], 2],
    // (10 + 10 + 100) / 3 = 40 % → 0.8 × 3 = 2.4
    ['shrinking all the same', [used(10), used(10), used(null)], 3],
    [
      'pods that go or have failed do not count',
      [used(100), used(100, { deleting: true }), used(9, { phase: 'Failed' })],
      2,
    ],
  ])('%s', (_title, pods, replicas) => {
    const target = { resource: 'cpu', container: '', utilization: 50, averageMilli: 0 };
    const proposal = proposeReplicas(pods, groupPods(pods, 'cpu', NOW), target, pods.length, TOLERANCES);
    expect(proposal).toMatchObject({ replicas });
  });

  it.each<[string, MetricPod[], string]>([
    [
      'no pod counts',
      [used(100, young)],
      'did not receive metrics for targeted pods (pods might be unready)',
    ],
    [
      'a container asks for nothing',
      [used(100, { spec: { containers: [{ name: 'c' }] } })],
      'missing request for cpu in container c of Pod p',
    ],
    [
      'no metrics at all',
      [used(null)],
      'unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    ],
    // replica_calculator.go asks for metrics before it looks at pods: no pods, no metrics.
    [
      'there are no pods',
      [],
      'unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    ],
    // metrics/client.go: an entry without that container or resource is left out, which is no error of its own.
    [
      'the entries tell nothing of that container',
      [used(null, { listed: true })],
      'did not receive metrics for targeted pods (pods might be unready)',
    ],
  ])('fails where %s', (_title, pods, error) => {
    const target = { resource: 'cpu', container: '', utilization: 50, averageMilli: 0 };
    expect(proposeReplicas(pods, groupPods(pods, 'cpu', NOW), target, 1, TOLERANCES)).toEqual({ error });
  });

  it('by average value: 250m a pod of 100m aimed at, 2 pods: 5', () => {
    const pods = [used(250), used(250)];
    const target = { resource: 'cpu', container: '', utilization: null, averageMilli: 100 };
    expect(proposeReplicas(pods, groupPods(pods, 'cpu', NOW), target, 2, TOLERANCES)).toEqual({
      replicas: 5,
      averageMilli: 250,
    });
  });
});

// pkg/controller/podautoscaler/{horizontal,replica_calculator}.go (v1.36): what each source says when its API is missing.
describe('metrics of APIs that are not there', () => {
  const custom =
    'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered';
  const external =
    'unable to fetch metrics from external metrics API: the server could not find the requested resource (get lag.external.metrics.k8s.io)';
  const service = { kind: 'Service', name: 'web' };
  const labels = { matchLabels: { q: 'a' } };

  it.each<[string, Json, string, string]>([
    [
      'Pods',
      { pods: { metric: { name: 'rps' }, target: { averageValue: '5' } } },
      `unable to get metric rps: ${custom}`,
      'failed to get pods metric value: ',
    ],
    [
      'Object',
      { object: { metric: { name: 'rps' }, describedObject: service, target: { value: '5' } } },
      `unable to get metric rps: Service on ns web/${custom}`,
      'failed to get object metric value: ',
    ],
    [
      'Object',
      { object: { metric: { name: 'rps' }, describedObject: service, target: { averageValue: '5' } } },
      `unable to get metric rps: Service on ns web/${custom}`,
      'failed to get object metric value: failed to get rps object metric: ',
    ],
    [
      'External',
      { external: { metric: { name: 'lag' }, target: { averageValue: '5' } } },
      `unable to get external metric ns/lag/nil: ${external}`,
      'failed to get lag external metric value: failed to get lag external metric: ',
    ],
    [
      'External',
      { external: { metric: { name: 'lag', selector: labels }, target: { value: '5' } } },
      `unable to get external metric ns/lag/&LabelSelector{MatchLabels:map[string]string{q: a,},MatchExpressions:[]LabelSelectorRequirement{},}: ${external}`,
      'failed to get lag external metric value: failed to get external metric lag: ',
    ],
  ])('%s %j', (type, source, error, wrap) => {
    expect(missingSource({ type, ...source }, 'ns')).toMatchObject({ error, wrap });
  });

  it('prints selectors as queries have them, by key', () => {
    const matchExpressions = [
      { key: 'tier', operator: 'In', values: ['b', 'a'] },
      { key: 'old', operator: 'DoesNotExist' },
      { key: 'zone', operator: 'NotIn', values: ['z'] },
      { key: 'any', operator: 'Exists' },
    ];
    expect(selectorQuery({ matchLabels: { app: 'web' }, matchExpressions })).toBe(
      'any,app=web,!old,tier in (a,b),zone notin (z)',
    );
  });
});

describe('limits', () => {
  const bounds = { min: 1, max: 20 };
  const rules = (type: string, value: number, more: Json = {}): Json => ({
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type, value, periodSeconds: 60 }],
    ...more,
  });
  const behavior = (up: Json, down: Json): Json => ({ scaleUp: up, scaleDown: down });

  it.each<[string, Json, number, number, number, string]>([
    ['without behavior at most doubles', undefined, 5, 18, 10, 'ScaleUpLimit'],
    ['or grows to 4', undefined, 1, 18, 4, 'ScaleUpLimit'],
    ['never above the maximum', undefined, 15, 30, 20, 'TooManyReplicas'],
    ['never below the minimum', behavior(rules('Pods', 9), rules('Percent', 100)), 5, 0, 1, 'TooFewReplicas'],
    ['3 pods a minute more', behavior(rules('Pods', 3), rules('Pods', 1)), 5, 18, 8, 'ScaleUpLimit'],
    // 5 × 1.3 = 6.5, rounded up
    ['30 % a minute more', behavior(rules('Percent', 30), rules('Pods', 1)), 5, 18, 7, 'ScaleUpLimit'],
    // 5 × 0.7 = 3.5, cut off
    ['30 % a minute less', behavior(rules('Pods', 1), rules('Percent', 30)), 5, 1, 3, 'ScaleDownLimit'],
    [
      'not at all',
      behavior(rules('Pods', 1), rules('Pods', 4, { selectPolicy: 'Disabled' })),
      5,
      1,
      5,
      'ScaleDownLimit',
    ],
  ])('%s', (_title, given, current, desired, replicas, reason) => {
    const told = new ScalingMemory().normalise(given, current, desired, bounds, NOW);
    expect([told.replicas, told.limited.reason]).toEqual([replicas, reason]);
  });

  it('count what was added within the period', () => {
    const memory = new ScalingMemory();
    const given = behavior(rules('Pods', 4), rules('Pods', 4));
    memory.scaled(given, 4, 7, NOW);
    // 3 of 4 are used up until 60 s have passed.
    expect(memory.normalise(given, 7, 20, bounds, NOW + 30 * SECOND).replicas).toBe(8);
    expect(memory.normalise(given, 7, 20, bounds, NOW + 61 * SECOND).replicas).toBe(11);
  });

  it('wait for the stabilisation window before shrinking, counted from the last higher recommendation', () => {
    const memory = new ScalingMemory();
    const at = (s: number, desired: number) =>
      memory.normalise(undefined, 6, desired, bounds, NOW + s * SECOND);
    expect(at(0, 6).replicas).toBe(6);
    expect(at(290, 2)).toMatchObject({ replicas: 6, able: { reason: 'ScaleDownStabilized' } });
    expect(at(301, 2)).toMatchObject({ replicas: 2, able: { reason: 'ReadyForNewScale' } });
  });
});

describe('in a run', () => {
  const autoscaler = (spec: Json, apiVersion = 'autoscaling/v2'): KubeObject => ({
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      maxReplicas: 10,
      ...spec,
    },
  });
  const cpu = (averageUtilization: number): Json => ({
    metrics: [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } },
    ],
  });

  function play(hpa: KubeObject, untilUs: number, more: object = {}) {
    let timeline: Timeline | undefined;
    const web = workload('Deployment', 'web', 2, '100m', { annotations: { 'kubetick.io/cpu': '100m' } });
    const steps = [create(0, web, hpa)];
    const result = simulateBuiltIn(
      scenario([{ count: 3 }], steps, { untilUs, costs: recorded, stopWhenIdle: false, ...more }),
      { timeline: (told) => (timeline = told) },
    );
    return { timeline: timeline!, rows: [...timeline!.transitions], result };
  }

  it('looks first after 15 s and then each 15 s, and grows once its pods are measured', () => {
    const { rows } = play(autoscaler(cpu(50)), 70 * SECOND);
    const sizes = rows.filter((row) => row.w === 'spec.replicas' && row.o === 'Deployment/web');
    // At 15 s the pods are Ready for 14 s: less than a window.
    expect(sizes.map((row) => [row.v, Math.floor(row.t / 1000)])).toEqual([
      [2, 0],
      [4, 30],
      [8, 60],
    ]);
    // 1 s of requests a sync at most.
    const status = rows.find((row) => row.w === 'condition.AbleToScale' && row.v === 'True:SucceededRescale');
    expect(status!.t).toBeGreaterThan(sizes[1]!.t);
  });

  it('sees the CPU time of requests: 30 a second of 10 ms over pods of 100m are 300 %, so three pods at 100 %', () => {
    let timeline: Timeline | undefined;
    const requests = { service: 'web', rate: 30, arrivals: 'even', cpuTime: '10ms', serviceTime: '25ms' };
    const steps = [create(0, workload('Deployment', 'web', 2, '100m'), service('web'), autoscaler(cpu(100)))];
    simulateBuiltIn(
      scenario([{ count: 3 }], steps, {
        untilUs: 120 * SECOND,
        costs: recorded,
        workloads: [{ use: 'requests', args: requests }],
      }),
      { timeline: (told) => (timeline = told) },
    );
    expect(timeline!.final['HorizontalPodAutoscaler/web']).toMatchObject({
      'status.desiredReplicas': 3,
      currentUtilization: expect.closeTo(100, -1),
    });
  });

  it('takes autoscaling/v1 as the same thing', () => {
    const { timeline } = play(
      autoscaler({ targetCPUUtilizationPercentage: 100 }, 'autoscaling/v1'),
      60 * SECOND,
    );
    expect(timeline.final['HorizontalPodAutoscaler/web']).toMatchObject({
      currentUtilization: 100,
      'status.desiredReplicas': 2,
    });
  });

  it.each<[string, Json, string]>([
    [
      'no such target',
      { ...cpu(50), scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } },
      'False:FailedGetScale',
    ],
    [
      'a metric without source',
      {
        metrics: [
          {
            type: 'Pods',
            pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '5' } },
          },
        ],
      },
      'True:SucceededGetScale',
    ],
  ])('%s', (_title, spec, able) => {
    const { timeline } = play(autoscaler(spec), 40 * SECOND);
    expect(timeline.final['HorizontalPodAutoscaler/web']).toMatchObject({ 'condition.AbleToScale': able });
  });

  // horizontal.go validateAndParseSelector: autoscalers of the same pods stop each other, from the second one's sync on.
  it('does nothing where two scale the same pods', () => {
    const second = autoscaler(cpu(50));
    second.metadata.name = 'web2';
    let timeline: Timeline | undefined;
    const web = workload('Deployment', 'web', 2, '100m', { annotations: { 'kubetick.io/cpu': '100m' } });
    simulateBuiltIn(
      scenario([{ count: 3 }], [create(0, web, autoscaler(cpu(50))), create(5000, second)], {
        untilUs: 70 * SECOND,
        costs: recorded,
        stopWhenIdle: false,
      }),
      { timeline: (told) => (timeline = told) },
    );
    const ambiguous = { 'condition.ScalingActive': 'False:AmbiguousSelector' };
    expect(timeline!.final['HorizontalPodAutoscaler/web']).toMatchObject(ambiguous);
    expect(timeline!.final['HorizontalPodAutoscaler/web2']).toMatchObject(ambiguous);
    expect(timeline!.final['Deployment/web']).toMatchObject({ 'spec.replicas': 2 });
    const told = timeline!.events.filter(({ o }) => o === 'HorizontalPodAutoscaler/web2');
    expect(told.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['AmbiguousSelector', 'FailedComputeMetricsReplicas']),
    );
    expect(told[0]!.message).toMatch(
      /^pods by selector app=web are controlled by multiple HPAs: \[\S+\/web2? \S+\/web2?\]$/,
    );
  });

  // deleteHPA only forgets: the recommendations go when the time of the next sync comes and finds nothing.
  it.each([
    // Made again before it: the size seen at 15 s holds until 50 s, and the look after that is at 60 s.
    { again: 22, shrinks: 60 },
    // Made again after it: the size seen at 50 s (35 + 15) holds until 85 s, and the look after that is at 95 s.
    { again: 35, shrinks: 95 },
  ])('made again at $again s shrinks at $shrinks s', ({ again, shrinks }) => {
    const calm = autoscaler({ ...cpu(50), behavior: { scaleDown: { stabilizationWindowSeconds: 35 } } });
    const web = workload('Deployment', 'web', 4, '100m', { annotations: { 'kubetick.io/cpu': '10m' } });
    const remove: TimedStep = {
      atUs: 20 * SECOND,
      do: 'delete',
      objects: [],
      target: { kind: 'HorizontalPodAutoscaler', namespace: 'default', name: 'web' },
    };
    let timeline: Timeline | undefined;
    simulateBuiltIn(
      scenario([{ count: 3 }], [create(0, web, calm), remove, create(again * 1000, calm)], {
        untilUs: 120 * SECOND,
        costs: recorded,
        stopWhenIdle: false,
      }),
      { timeline: (told) => (timeline = told) },
    );
    const rows = [...timeline!.transitions].filter(
      (r) => r.o === 'Deployment/web' && r.w === 'spec.replicas',
    );
    expect(rows.map(({ v, t }) => [v, Math.floor(t / 1000)])).toEqual([
      [4, 0],
      [1, shrinks],
    ]);
  });

  it('does not keep a run going when it has settled', () => {
    const { result } = play(autoscaler(cpu(100)), 3600 * SECOND, { stopWhenIdle: true });
    expect(result.endReason).toBe('idle');
  });
});
