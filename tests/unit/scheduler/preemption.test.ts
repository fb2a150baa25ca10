// Preemption as it is decided: who leaves, where, what is said. Upstream's own tests are tables of nodes and pods
// (plugins/defaultpreemption/default_preemption_test.go, v1.36); these are the rules one by one. Each node has 4 CPUs.
import { describe, expect, it } from 'vitest';
import { type KubeObject, loadProfiles, type PodPlacement, place } from '../../../engine/index.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';

const loaded = loadProfiles(undefined, schedulerRegistry);
if ('problems' in loaded) throw new Error('the default profile does not load');
const { settings } = loaded;

const node = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  status: { allocatable: { cpu: '4', memory: '16Gi', pods: '110' } },
});

interface PodSpec {
  cpu?: string;
  priority?: number;
  /** Minutes after the epoch. */
  start?: number;
  labels?: Record<string, string>;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

function pod(name: string, given: PodSpec = {}): KubeObject {
  const { cpu = '1', priority = 0, start, labels = {}, spec = {}, status = {}, metadata = {} } = given;
  const startTime = `2026-01-01T00:${String(start ?? 0).padStart(2, '0')}:00Z`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels, ...metadata },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], priority, ...spec },
    status: { ...(start === undefined ? {} : { phase: 'Running', startTime }), ...status },
  };
}

const on = (nodeName: string, name: string, given: PodSpec = {}): KubeObject =>
  pod(name, { start: 0, ...given, spec: { nodeName, ...given.spec } });

const budget = (name: string, app: string, allowed: number, disrupted: string[] = []): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace: 'default' },
  spec: { minAvailable: 1, selector: { matchLabels: { app } } },
  status: {
    disruptionsAllowed: allowed,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 1,
    disruptedPods: Object.fromEntries(disrupted.map((each) => [each, '2026-01-01T00:00:00Z'])),
  },
});

function placed(cluster: readonly KubeObject[], ...pending: readonly KubeObject[]): readonly PodPlacement[] {
  return place({ name: 'case', family: '', settings, cluster, pending }).pods;
}

/** Node and victims of each equally good choice. */
const outcomes = ({ preemption }: PodPlacement): string[] =>
  (preemption?.outcomes ?? []).map(({ node: at, victims }) => {
    return `${at}: ${victims.map((victim) => victim.replace('default/', '')).join(' ')}`;
  });

const urgent = (cpu: string, more: PodSpec = {}): KubeObject =>
  pod('urgent', { cpu, priority: 100, ...more });

describe('victims on a node', () => {
  it('are the least important that make enough room: the others return, most important first', () => {
    // 4 CPUs, all taken. Asked: 1. In order of importance c (priority 2), a (1, older), b (1), d (0) return while
    // they fit beside the new one: c, a, b do (3 + 1 = 4), d does not.
    const cluster = [
      node('n1'),
      on('n1', 'a', { priority: 1, start: 1 }),
      on('n1', 'b', { priority: 1, start: 2 }),
      on('n1', 'c', { priority: 2, start: 3 }),
      on('n1', 'd', { priority: 0, start: 4 }),
    ];
    expect(outcomes(placed(cluster, urgent('1'))[0]!)).toEqual(['n1: d']);
    expect(outcomes(placed(cluster, urgent('2'))[0]!)).toEqual(['n1: b d']);
  });

  it('a small one returns although a more important large one did not', () => {
    // Asked: 2 of 4. `large` (3) does not fit beside it, `small` (1) does.
    const cluster = [
      node('n1'),
      on('n1', 'large', { cpu: '3', priority: 5 }),
      on('n1', 'small', { cpu: '1', priority: 1 }),
    ];
    expect(outcomes(placed(cluster, urgent('2'))[0]!)).toEqual(['n1: large']);
  });

  it('those whose budget is exhausted return before more important ones', () => {
    const cluster = [
      node('n1'),
      on('n1', 'guarded', { cpu: '2', priority: 1, labels: { app: 'web' } }),
      on('n1', 'free', { cpu: '2', priority: 2 }),
      budget('web', 'web', 0),
    ];
    expect(outcomes(placed(cluster, urgent('2'))[0]!)).toEqual(['n1: free']);
  });

  it('pods of the same priority are never among them', () => {
    const cluster = [node('n1'), on('n1', 'equal', { cpu: '4', priority: 100 })];
    const [verdict] = placed(cluster, urgent('1'));
    expect(verdict).toMatchObject({
      result: 'unschedulable',
      message:
        '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    });
  });
});

describe('the node is the one', () => {
  const two = [node('n1'), node('n2')];
  const cases: readonly [string, readonly KubeObject[], string[]][] = [
    [
      'with the fewest violated budgets',
      [
        on('n1', 'a', { cpu: '4', priority: 1, labels: { app: 'web' } }),
        on('n2', 'b', { cpu: '4', priority: 9 }),
        budget('web', 'web', 0),
      ],
      ['n2: b'],
    ],
    [
      'with the fewest violated budgets; a pod that is disrupted already costs nothing',
      [
        on('n1', 'a', { cpu: '4', priority: 1, labels: { app: 'web' } }),
        on('n2', 'b', { cpu: '4', priority: 9 }),
        budget('web', 'web', 0, ['a']),
      ],
      ['n1: a'],
    ],
    [
      'whose most important victim is the least important',
      [on('n1', 'a', { cpu: '4', priority: 2 }), on('n2', 'b', { cpu: '2' }), on('n2', 'c', { cpu: '2' })],
      ['n2: b c'],
    ],
    [
      // Highest priority 1 on both; sums 1 + 2^31 and 1 + 0 + 2 * 2^31.
      'with the lowest sum of priorities',
      [
        on('n1', 'a', { cpu: '4', priority: 1 }),
        on('n2', 'b', { cpu: '2', priority: 1 }),
        on('n2', 'c', { cpu: '2', priority: 0 }),
      ],
      ['n1: a'],
    ],
    [
      'whose most important victims started last',
      [on('n1', 'a', { cpu: '4', start: 1 }), on('n2', 'b', { cpu: '4', start: 2 })],
      ['n2: b'],
    ],
    [
      'any of those that are equal',
      [on('n1', 'a', { cpu: '4' }), on('n2', 'b', { cpu: '4' })],
      ['n1: a', 'n2: b'],
    ],
  ];
  for (const [rule, pods, expected] of cases) {
    it(rule, () => expect(outcomes(placed([...two, ...pods], urgent('4'))[0]!)).toEqual(expected));
  }
});

describe('no preemption', () => {
  const full = [node('n1'), on('n1', 'a', { cpu: '4' })];

  it('by a pod that must not', () => {
    const never = urgent('1', { spec: { preemptionPolicy: 'Never' } });
    expect(placed(full, never)[0]).toMatchObject({
      result: 'unschedulable',
      preemption: {
        message: 'no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
      },
    });
  });

  it('for a pod that no eviction would help', () => {
    expect(placed(full, urgent('5'))[0]!.preemption!.message).toMatch(
      /1 Preemption is not helpful for scheduling\.$/,
    );
  });

  it('while victims of the last one are still leaving; the promise stays', () => {
    const leaving = on('n1', 'a', {
      cpu: '4',
      status: {
        phase: 'Running',
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }],
      },
      metadata: { deletionTimestamp: '2026-01-01T00:30:00Z' },
    });
    const waiting = urgent('1', { status: { nominatedNodeName: 'n1' } });
    expect(placed([node('n1'), leaving], waiting)[0]!.preemption!.message).toBe(
      'no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node.',
    );
  });
});

describe('a nominated pod', () => {
  const nominated = (priority: number): KubeObject =>
    pod('waiting', { cpu: '3', priority, status: { nominatedNodeName: 'n1' } });

  it('takes its node, whatever other nodes would score', () => {
    const cluster = [node('n1'), node('n2'), on('n1', 'a')];
    expect(placed(cluster, nominated(0))[0]).toMatchObject({ node: 'n1', nominated: true, feasible: ['n1'] });
  });

  it('keeps room free of pods of lower and of equal priority, not of higher ones', () => {
    // 4 CPUs, 3 of them promised: 2 do not fit beside the promise.
    for (const [priority, result] of [
      [99, 'unschedulable'],
      [100, 'unschedulable'],
      [101, 'scheduled'],
    ] as const) {
      const [other] = placed([node('n1')], pod('other', { cpu: '2', priority }), nominated(100));
      expect(other!.result).toBe(result);
    }
  });

  it('loses the promise to a pod that preempts there', () => {
    const cluster = [node('n1'), on('n1', 'a', { cpu: '2' })];
    const verdicts = placed(
      cluster,
      urgent('3'),
      pod('waiting', { priority: 5, status: { nominatedNodeName: 'n1' } }),
    );
    expect(outcomes(verdicts[0]!)).toEqual(['n1: a']);
    expect(verdicts[0]).toMatchObject({ result: 'preempting', placed: true });
    // 1 CPU is left: it fits, and it is not there by nomination.
    expect(verdicts[1]).toMatchObject({ result: 'scheduled', node: 'n1' });
    expect(verdicts[1]!.nominated).toBeUndefined();
  });
});
