// Nodes that fail in whole runs: computed heartbeats against simulated ones, and what a failure does to pods.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResolvedScenario, TimedStep } from '../../../engine/contracts/scenario.ts';
import type { TimelineRow } from '../../../engine/contracts/timeline.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { recorded } from '../../../policies/costs/recorded.ts';
import { create, pod, SECOND, scenario, workload } from './scenario.ts';

type NodeStep = 'stop-node' | 'start-node' | 'cut-off' | 'crash-node' | 'remove-node';
const step = (seconds: number, what: NodeStep, ...names: string[]): TimedStep => ({
  atUs: Math.round(seconds * SECOND),
  do: what,
  objects: [],
  nodes: { names },
});

function rows(s: ResolvedScenario): TimelineRow[] {
  let found: TimelineRow[] = [];
  simulateBuiltIn(s, { timeline: (timeline) => (found = [...timeline.transitions]) });
  return found;
}

/** Condition and taints of nodes, times in seconds to 50 ms. */
const ofNodes = (list: readonly TimelineRow[]): string[] =>
  list
    .filter(({ o }) => o.startsWith('Node/'))
    .map(({ o, w, v, t }) => `${o} ${w}=${v ?? ''} ${Math.round(t / 50) / 20}`);

const run = (steps: readonly TimedStep[], more: Partial<ResolvedScenario> = {}): ResolvedScenario =>
  scenario([{ count: 4, zones: ['a', 'b'] }], steps, {
    costs: recorded,
    stopWhenIdle: false,
    untilUs: 200 * SECOND,
    ...more,
  });

describe('heartbeats', () => {
  it('computed and simulated find out the same silences at the same looks', () => {
    // Times are kept away from those at which a renewal is on its way: there the two may differ by one look.
    const downs = fc.array(
      fc.record({
        node: fc.integer({ min: 1, max: 3 }),
        at: fc.integer({ min: 12, max: 60 }),
        lasts: fc.integer({ min: 5, max: 90 }),
        what: fc.constantFrom<NodeStep>('stop-node', 'cut-off'),
      }),
      { minLength: 1, maxLength: 2 },
    );
    // A zone each: whose turn it is among nodes of one zone is drawn at each look, and there are more looks with events.
    const { nodes: apart } = scenario([{ count: 4, zones: ['a', 'b', 'c', 'd'] }], []);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), downs, (seed, list) => {
        const steps = list.flatMap(({ node, at, lasts, what }) => [
          step(at, what, `node-${node}`),
          step(at + lasts, 'start-node', `node-${node}`),
        ]);
        steps.sort((a, b) => a.atUs - b.atUs);
        const of = (heartbeats: 'analytic' | 'events') =>
          rows({ ...run(steps, { seed, heartbeats }), nodes: apart })
            .filter(({ o }) => o.startsWith('Node/'))
            .sort((x, y) => (x.o === y.o ? x.t - y.t : x.o < y.o ? -1 : 1));
        const [computed, simulated] = [of('analytic'), of('events')];
        const told = (list: readonly TimelineRow[]) => list.map(({ o, w, v }) => `${o} ${w}=${v ?? ''}`);
        expect(told(simulated)).toEqual(told(computed));
        // Looks at all nodes take a little longer than at some; a pass of taints may come 100 ms later.
        for (const [i, { t }] of simulated.entries()) expect(Math.abs(t - computed[i]!.t)).toBeLessThan(300);
      }),
      { numRuns: 15 },
    );
  });

  it('of healthy nodes cost no events', () => {
    const events = (more: Partial<ResolvedScenario>) =>
      simulateBuiltIn(run([], { untilUs: 3600 * SECOND, ...more }), {}).summary.events;
    expect(events({})).toBeLessThan(50);
    // 4 nodes, 360 renewals each, at least two events a renewal.
    expect(events({ heartbeats: 'events' })).toBeGreaterThan(2 * 4 * 360);
  });
});

describe('nodes that join together', () => {
  const node = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: {},
    status: {},
  });
  it('lose their not-ready taint one after the other: two requests each of 20 a second, after a burst of 30', () => {
    const list = rows(run([create(1000, ...Array.from({ length: 60 }, (_, i) => node(`j${i}`)))]));
    const free = list.filter(({ w, v }) => w === 'taints' && v === 'unset').map(({ t }) => t);
    expect(new Set(list.filter(({ w }) => w === 'created').map(({ o }) => o)).size).toBe(60);
    expect(free.length).toBe(60);
    // 60 x GET and PATCH = 120 requests, 30 of them at once: 4.5 s at least; Events and conflicts add to that.
    expect(Math.max(...free)).toBeGreaterThan(5_500);
    expect(Math.max(...free)).toBeLessThan(15_000);
  });
});

// Try of scheduler/rate_limited_queue.go: names stay in the queue of their zone when their nodes are deleted, before those
// that each look puts in line anew, and cost a token like any other.
it('a node that is deleted while it waits for its taint still takes its turn', () => {
  const first = (list: readonly TimelineRow[]) =>
    list.filter(({ w, v }) => w === 'taints' && String(v).includes('NoExecute'));
  // Three of six nodes are no disruption: one is tainted each 10 s. All of them are found out by two looks, 5 s apart.
  const down = [step(20, 'stop-node', 'node-1', 'node-2', 'node-3')];
  const { nodes } = scenario([{ count: 6 }], []);
  const all = first(rows({ ...run(down), nodes }));
  const at = all.map(({ t }) => t / 1000);
  expect([at[1]! - at[0]!, at[2]! - at[1]!].map(Math.round)).toEqual([10, 10]);
  const waiting = ['node-1', 'node-2', 'node-3'].filter((name) => !all[0]!.o.endsWith(name));
  for (const gone of waiting) {
    const list = first(rows({ ...run([...down, step(at[0]! + 6, 'remove-node', gone)]), nodes }));
    expect(list.map(({ t }) => Math.round(t / 1000 - at[0]!))).toEqual([0, 20]);
  }
});

describe('a node that fails', () => {
  const toleration = (key: string) => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 10,
  });
  const web = workload('Deployment', 'web', 4, '100m', {
    tolerations: [toleration('unreachable'), toleration('not-ready')],
  });
  const first = (list: readonly TimelineRow[], w: string, v?: string): number | undefined =>
    list.find((row) => row.w === w && (v === undefined || row.v === v))?.t;

  it('is Unknown 40 to 55 s later; pods that tolerate that for 10 s are marked 10 s after the NoExecute taint', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const list = rows(run([create(0, web), step(20, 'stop-node', 'node-1')], { seed }));
      const unknown = first(list, 'condition.Ready', 'Unknown:NodeStatusUnknown')!;
      expect(unknown).toBeGreaterThan(60_000);
      expect(unknown).toBeLessThan(75_200);
      const tainted = list.find(({ w, v }) => w === 'taints' && `${v}`.includes('NoExecute'))!.t;
      expect(tainted - unknown).toBeLessThan(600);
      expect(first(list, 'deleting', 'true')! - tainted).toBeGreaterThan(9_990);
      expect(first(list, 'deleting', 'true')! - tainted).toBeLessThan(10_300);
      // A ReplicaSet replaces what is being deleted; the pod itself stays until somebody on the node removes it.
      expect(list.some(({ w, o }) => w === 'gone' && o.startsWith('Deployment'))).toBe(false);
    }
  });

  it('and is back within the grace period has lost nothing', () => {
    const list = rows(
      run([create(0, web), step(20, 'stop-node', 'node-1'), step(55, 'start-node', 'node-1')]),
    );
    expect(ofNodes(list)).toEqual([]);
  });

  it('and is removed loses its pods 40 to 60 s later: the first pass misses it, the second after that ends the quarantine', () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const list = rows(run([create(0, web), step(20, 'remove-node', 'node-1')], { seed }));
      const marked = list.find(
        ({ w, v }) => w === 'condition.DisruptionTarget' && v === 'True:DeletionByPodGC',
      )!.t;
      expect(marked).toBeGreaterThan(60_000);
      expect(marked).toBeLessThan(80_500);
    }
  });

  it('and comes back tells the readiness of all its pods, of those that are being deleted 200 ms before their end', () => {
    const steps = [create(0, web), step(20, 'stop-node', 'node-1'), step(110, 'start-node', 'node-1')];
    const list = rows(run(steps));
    const back = list.filter(({ t, o }) => t > 110_000 && /pod#\d+$/.test(o));
    const told = (w: string, v: string): Map<string, number> =>
      new Map(back.filter((row) => row.w === w && row.v === v).map(({ o, t }) => [o, t]));
    const ready = told('ready', 'True');
    const ended = told('phase', 'Succeeded');
    expect(ended.size).toBeGreaterThan(0);
    for (const [pod, t] of ended) {
      expect(ready.get(pod)).toBeLessThan(110_100);
      expect(t - ready.get(pod)!).toBeGreaterThan(150);
      expect(t - ready.get(pod)!).toBeLessThan(300);
    }
  });

  it('and stops again before its kubelet has spoken stays silent', () => {
    const steps = [
      create(0, web),
      step(20, 'stop-node', 'node-1'),
      step(110, 'start-node', 'node-1'),
      step(110.004, 'stop-node', 'node-1'),
    ];
    const list = rows(run(steps));
    expect(first(list, 'condition.Ready', 'Unknown:NodeStatusUnknown')).toBeDefined();
    expect(first(list, 'condition.Ready', 'True:KubeletReady')).toBeUndefined();
  });

  it('by a crash starts its containers anew, and says how often', () => {
    const steps = [create(0, web), step(20, 'crash-node', 'node-1'), step(40, 'start-node', 'node-1')];
    const list = rows(run(steps));
    const restarts = list.filter(({ w, v }) => w === 'restarts' && `${v}` === '1');
    expect(restarts.length).toBeGreaterThan(0);
    for (const { t } of restarts) expect(t).toBeGreaterThan(40_000);
  });

  it('by its network goes on: what it does is told when it is back', () => {
    // The pod runs 30 s: it ends at 31 s, while nobody hears of it, and is told at 50 s.
    const ends = workload('ReplicaSet', 'job', 1, '100m', {
      nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
      annotations: { 'kubetick.io/run-ms': '30000', 'kubetick.io/exit-codes': '0' },
    });
    const steps = [create(0, ends), step(20, 'cut-off', 'node-1'), step(50, 'start-node', 'node-1')];
    const list = rows(run(steps, { untilUs: 60 * SECOND }));
    const restart = first(list, 'restarts')!;
    expect(restart).toBeGreaterThan(50_000);
    expect(restart).toBeLessThan(50_100);
  });
});

// processPodOnNode of tainteviction/taint_eviction.go: a wait once begun is not cut short by a taint that is tolerated for
// less, be it for no time at all; one that is not tolerated ends it.
describe('a pod that waits out a taint', () => {
  const taint = (seconds: number, ...keys: string[]): TimedStep => ({
    atUs: seconds * SECOND,
    do: 'patch-node',
    objects: [],
    nodes: { names: ['node-1'] },
    patch: { type: 'merge', body: { spec: { taints: keys.map((key) => ({ key, effect: 'NoExecute' })) } } },
  });
  const tolerate = (key: string, tolerationSeconds: number) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  });
  it.each([
    // taint a at 10 s is tolerated for 10 s, b comes at 14 s
    { name: 'and gets another that it tolerates for 0 s', other: [tolerate('b', 0)], goes: 20 },
    { name: 'and gets another that it tolerates for 2 s', other: [tolerate('b', 2)], goes: 20 },
    { name: 'and gets one that it does not tolerate', other: [], goes: 14 },
  ])('$name goes at $goes s', ({ other, goes }) => {
    const web = pod('web', '1', { tolerations: [tolerate('a', 10), ...other] });
    const { nodes } = scenario([{ count: 1 }], []);
    const list = rows({ ...run([create(0, web), taint(10, 'a'), taint(14, 'a', 'b')]), nodes });
    const deleting = list.find(({ o, w }) => o === 'Pod/web' && w === 'deleting');
    expect(Math.round(deleting!.t / 1000)).toBe(goes);
  });
});
