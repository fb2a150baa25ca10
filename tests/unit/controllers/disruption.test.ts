// Disruption budgets in a run: what a budget can spare, what evictions are answered, and in which order things are
// written. The costs are those of the recorded control plane: pods are Running and Ready 1 s after they were bound.
import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Timeline, TimelineRow } from '../../../engine/contracts/timeline.ts';
import { selectorText } from '../../../engine/controllers/selector-texts.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { recorded } from '../../../policies/costs/recorded.ts';
import { change, create, pod, SECOND, scenario, workload } from '../../property/simulation/scenario.ts';

const budget = (spec: Json, name = 'web'): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
});

const evict = (atMs: number, nth: number, deleting = false): TimedStep => ({
  atUs: atMs * 1000,
  do: 'evict',
  objects: [],
  pick: { namespace: 'default', matchLabels: { app: 'web' }, nth, deleting },
});

function play(steps: readonly TimedStep[], untilUs = 60 * SECOND) {
  let timeline: Timeline | undefined;
  const refused: string[] = [];
  simulateBuiltIn(scenario([{ count: 3 }], steps, { untilUs, costs: recorded, stopWhenIdle: false }), {
    timeline: (told) => {
      timeline = told;
    },
    sinks: [
      {
        open: () => ({
          table: ({ name }) =>
            name === 'loss'
              ? { row: ([source, , , , note]) => void (source === 'kubectl' && refused.push(String(note))) }
              : null,
          close: () => {},
        }),
      },
    ],
  });
  const told = timeline!;
  const rows = [...told.transitions];
  const name = Object.keys(told.final).find((key) => key.startsWith('PodDisruptionBudget/'))!;
  return { refused, rows, status: told.final[name]!, timeline: told };
}

const replicas = (n: number, more: Json = {}): KubeObject =>
  workload('Deployment', 'web', n, '10m', { annotations: { 'kubetick.io/stop-delay-ms': '800', ...more } });

const NEVER = { 'kubetick.io/ready-delay-ms': 'never' };

describe('what a budget can spare', () => {
  // allowed = healthy − desired, never below 0; shares are rounded up, of what the controllers want.
  it.each<[string, Json, number, [number, number, number]]>([
    ['minAvailable 2 of 3', { minAvailable: 2 }, 3, [3, 2, 1]],
    ['minAvailable 5 of 3', { minAvailable: 5 }, 3, [3, 5, 0]],
    ['minAvailable 50% of 5: 2.5, so 3', { minAvailable: '50%' }, 5, [5, 3, 2]],
    ['maxUnavailable 50% of 5: 2.5, so 3 may go', { maxUnavailable: '50%' }, 5, [5, 2, 3]],
    ['maxUnavailable 1', { maxUnavailable: 1 }, 4, [4, 3, 1]],
    ['maxUnavailable 9 of 4', { maxUnavailable: 9 }, 4, [4, 0, 4]],
    ['neither', {}, 2, [0, 0, 0]],
  ])('%s', (_title, spec, n, [expected, desired, allowed]) => {
    const { status } = play([create(0, budget(spec), replicas(n))]);
    expect(status).toMatchObject({
      'status.expectedPods': expected,
      'status.desiredHealthy': desired,
      'status.disruptionsAllowed': allowed,
      'condition.DisruptionAllowed': allowed > 0 ? 'True:SufficientPods' : 'False:InsufficientPods',
    });
  });

  it('counts bare pods by themselves, and leaves them out of shares', () => {
    const bare = [pod('web', '10m'), pod('web2', '10m', { labels: { app: 'web' } })];
    expect(play([create(0, budget({ minAvailable: 1 }), ...bare)]).status).toMatchObject({
      'status.expectedPods': 2,
      'status.disruptionsAllowed': 1,
    });
    const share = play([create(0, budget({ minAvailable: '50%' }), ...bare)]);
    expect(share.status).toMatchObject({ 'status.expectedPods': 0, 'status.disruptionsAllowed': 0 });
    expect(share.timeline.events.some((event) => event.reason === 'UnmanagedPods')).toBe(true);
  });

  it('follows a change of its selector and of the scale', () => {
    const patch: TimedStep = {
      atUs: 5 * SECOND,
      do: 'patch',
      objects: [],
      target: { kind: 'PodDisruptionBudget', namespace: 'default', name: 'web' },
      patch: { type: 'merge', body: { spec: { selector: { matchLabels: { app: 'other' } } } } },
    };
    const steps = [
      create(0, budget({ minAvailable: 1 }), replicas(3)),
      change(3000, 'scale', 'Deployment', 'web', 4),
    ];
    expect(play(steps).status).toMatchObject({ 'status.expectedPods': 4, 'status.disruptionsAllowed': 3 });
    expect(play([...steps, patch]).status).toMatchObject({
      'status.expectedPods': 0,
      'status.disruptionsAllowed': 0,
    });
  });
});

describe('evictions', () => {
  const VIOLATES = "429 Cannot evict pod as it would violate the pod's disruption budget.";

  it.each<[string, KubeObject[], TimedStep[], string[]]>([
    ['without a budget', [replicas(2)], [evict(5000, 0)], []],
    ['that the budget can spare', [budget({ minAvailable: 1 }), replicas(2)], [evict(5000, 0)], []],
    [
      'one too many',
      [budget({ minAvailable: 2 }), replicas(3)],
      [evict(5000, 0), evict(5100, 0)],
      [VIOLATES],
    ],
    [
      'of a pod that is being deleted',
      [budget({ minAvailable: 2 }), replicas(3)],
      [evict(5000, 0), evict(5100, 0, true)],
      [],
    ],
    [
      'under two budgets',
      [budget({ minAvailable: 1 }), budget({ minAvailable: 1 }, 'web2'), replicas(2)],
      [evict(5000, 0)],
      [
        '500 This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      ],
    ],
    [
      'of a pod that is not Ready while too few are',
      [budget({ minAvailable: 1 }), replicas(2, NEVER)],
      [evict(5000, 0)],
      [VIOLATES],
    ],
    [
      'of a pod that is not Ready, where the policy lets it go',
      [budget({ minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' }), replicas(2, NEVER)],
      [evict(5000, 0)],
      [],
    ],
    ['of a pod that is pending', [budget({ minAvailable: 9 }), replicas(2)], [evict(500, 0)], []],
    ['of nothing', [replicas(1)], [evict(5000, 7)], ['404 no pod number 7 with these labels']],
  ])('%s', (_title, objects, steps, refused) => {
    expect(play([create(0, ...objects), ...steps]).refused).toEqual(refused);
  });

  it('write the budget, then the condition, then delete', () => {
    const { rows } = play([create(0, budget({ minAvailable: 2 }), replicas(3)), evict(5000, 0)]);
    const when = (w: string, v?: unknown): TimelineRow =>
      rows.find((row) => row.w === w && (v === undefined || row.v === v))!;
    const budgeted = when('status.disruptedPods', 1).t;
    const condition = when('condition.DisruptionTarget', 'True:EvictionByEvictionAPI').t;
    const deleting = when('deleting', 'true').t;
    expect([budgeted < condition, condition < deleting]).toEqual([true, true]);
    // The controller forgets the pod once it sees it being deleted.
    expect(when('status.disruptedPods', 0).t).toBeGreaterThan(deleting);
  });

  it('never leave fewer healthy pods than the budget asks for', () => {
    const steps = Array.from({ length: 60 }, (_, i) => evict(5000 + i * 97, i % 6));
    const { rows } = play([create(0, budget({ minAvailable: 4 }), replicas(6)), ...steps]);
    const healthy = rows
      .filter((row) => row.w === 'status.currentHealthy' && row.t > 5000)
      .map((row) => Number(row.v));
    expect(Math.min(...healthy)).toBe(4);
  });
});

it('a selector is told as Go prints it', () => {
  const selector = {
    matchLabels: { app: 'web' },
    matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
  };
  expect(selectorText(selector)).toBe(
    '&LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:tier,Operator:In,Values:[a b],},},}',
  );
});
