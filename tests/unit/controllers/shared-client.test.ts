// One client for all ReplicaSets: how often a refused one is tried depends on its neighbours. The scenarios
// rs-quota-5-of-20 and quota-exceeded were recorded side by side, five times each, 200 ms apart. Alone, a ReplicaSet with
// room for 5 of 20 pods fails at least 14 times while its pods come up, and its next try is 5 ms × 2^13 = 41 s away or
// more. With nine others on the same 20 requests a second its syncs take longer than the changes of its pods are apart,
// changes fold into one sync, and after 10 or 11 failures the next try is 5 or 10 s away: the sixth pod is created 12.8
// to 16.5 s after the start, as recorded.
import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { recorded } from '../../../policies/costs/recorded.ts';
import { create, SECOND, scenario, workload } from '../../property/simulation/scenario.ts';

const START_MS = 10_000;

const inside = (namespace: string, object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});
const quota = (pods: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q' },
  spec: { hard: { pods: `${pods}` } },
});
const raise = (atMs: number, namespace: string): TimedStep => ({
  atUs: atMs * 1000,
  do: 'patch',
  objects: [],
  target: { kind: 'ResourceQuota', namespace, name: 'q' },
  patch: { type: 'merge', body: { spec: { hard: { pods: '20' } } } },
});

/** `n` times both: a ReplicaSet of 20 with room for 5, a Deployment of 5 with room for 3. */
function play(n: number, withDeployments: boolean) {
  const steps: TimedStep[] = [];
  const add = (namespace: string, room: number, object: KubeObject, atMs: number, laterMs: number): void => {
    const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    steps.push(create(0, home, inside(namespace, quota(room))));
    steps.push(create(atMs + 500, inside(namespace, object)), raise(atMs + laterMs, namespace));
  };
  for (let i = 0; i < n; i++) {
    const atMs = START_MS + 200 * i;
    add(`r${i}`, 5, workload('ReplicaSet', 'web', 20, '100m'), atMs, 12_000);
    if (withDeployments) add(`d${i}`, 3, workload('Deployment', 'web', 5, '100m'), atMs, 8000);
  }
  steps.sort((a, b) => a.atUs - b.atUs);
  let told: Timeline | undefined;
  const costs = recorded;
  simulateBuiltIn(
    scenario([{ count: 30, cpu: '8' }], steps, { untilUs: 110 * SECOND, costs, stopWhenIdle: false }),
    {
      timeline: (timeline) => {
        told = timeline;
      },
    },
  );
  const rows = [...told!.transitions];
  return Array.from({ length: n }, (_, i) => {
    const own = (o: string): boolean => (n === 1 && !withDeployments) || o.startsWith(`r${i}:`);
    const refused = told!.events.filter(
      ({ o, reason }) => own(o) && o.endsWith('ReplicaSet/web') && reason === 'FailedCreate',
    );
    const sixth = rows.find(
      ({ o, w, v }) => own(o) && o.endsWith('ReplicaSet/web') && w === 'pods.created' && v === 6,
    );
    return {
      failures: refused.reduce((sum, { count }) => sum + count, 0),
      sixthMs: sixth === undefined ? undefined : sixth.t - START_MS - 200 * i,
    };
  });
}

describe('a ReplicaSet that a quota refuses', () => {
  it('alone is tried again long after', () => {
    const [alone] = play(1, false);
    expect(alone!.failures).toBeGreaterThanOrEqual(14);
    expect(alone!.sixthMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(40_000);
  });

  it('beside nine others comes up when the recorded ones did', () => {
    for (const { failures, sixthMs } of play(5, true)) {
      // Recorded: 10 to 13 refusals, the sixth pod 12.8 to 16.5 s after the start.
      expect(failures).toBeGreaterThanOrEqual(10);
      expect(failures).toBeLessThanOrEqual(13);
      expect(sixthMs).toBeGreaterThan(12_400);
      expect(sixthMs).toBeLessThan(16_600);
    }
  });
});
