// Random clusters and pods: batch forms of plug-ins agree with their per-node forms, the search agrees with a naive one
// that lists everything, the cache agrees with sums made afresh, the heap with a sorted list.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PASS, type Plugin, type PluginRegistry, SKIP } from '../../../engine/contracts/scheduler.ts';
import { Rng } from '../../../engine/kernel/index.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { Framework, type Instance, Verdicts } from '../../../engine/scheduler/framework.ts';
import { PodHeap } from '../../../engine/scheduler/pod-heap.ts';
import { BruteSearch, feasibleWanted } from '../../../engine/scheduler/search/brute.ts';
import { NodeCursor, PodCursor } from '../../../engine/scheduler/views.ts';
import type { ClusterState, PodId } from '../../../engine/state/index.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';
import { addNode, addPod, newState, podSpec, settingsOf } from '../../unit/scheduler/support.ts';

const MIB = 1024 * 1024;
const pick = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const taint = fc.record({
  key: pick('a', 'b'),
  value: pick('x', 'y'),
  effect: pick('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
});
const image = fc.record({
  names: fc.tuple(pick('app:v1', 'db:v1', 'web:v2')),
  sizeBytes: fc.integer({ min: 1, max: 2000 }).map((mib) => mib * MIB),
});
const nodeSpec = fc.record({
  cpu: pick('1', '2', '4', '0'),
  memory: pick('1Gi', '2Gi', '8Gi', '0'),
  pods: pick('1', '3', '110'),
  zone: pick('', 'a', 'b'),
  labels: fc.record({ disk: pick('ssd', 'hdd'), gen: pick('1', '2', 'x') }),
  taints: fc.array(taint, { maxLength: 2 }),
  unschedulable: pick(false, false, false, true),
  extended: pick<Record<string, string>>({}, { 'x.io/gpu': '2' }, { 'ephemeral-storage': '10Gi' }),
  images: fc.array(image, { maxLength: 2 }),
});
const expression = fc.oneof(
  fc.record({ key: pick('disk', 'gen'), operator: pick('In', 'NotIn'), values: fc.tuple(pick('ssd', '2')) }),
  fc.record({ key: pick('disk', 'rack'), operator: pick('Exists', 'DoesNotExist') }),
  fc.record({ key: pick('gen'), operator: pick('Gt', 'Lt'), values: fc.tuple(pick('1', '2')) }),
  fc.record({
    key: pick('kubernetes.io/hostname'),
    operator: pick('In'),
    values: fc.subarray(['n0', 'n1', 'n2'], { minLength: 1 }),
  }),
);
const term = fc.record({ matchExpressions: fc.array(expression, { maxLength: 2 }) });
const spec: fc.Arbitrary<Json> = fc
  .record({
    requests: fc.record(
      {
        cpu: pick('100m', '500m', '1500m', '3'),
        memory: pick('100Mi', '900Mi', '3Gi'),
        'ephemeral-storage': pick('1Gi', '20Gi'),
        'x.io/gpu': pick('1', '3'),
      },
      { requiredKeys: [] },
    ),
    over: fc.record(
      {
        tolerations: fc.array(
          fc.record({
            key: pick('a', 'b'),
            operator: pick('Exists'),
            effect: pick('', 'NoSchedule', 'PreferNoSchedule'),
          }),
          { maxLength: 2 },
        ),
        nodeSelector: fc.record({ disk: pick('ssd', 'hdd') }),
        affinity: fc.record({
          nodeAffinity: fc.record(
            {
              requiredDuringSchedulingIgnoredDuringExecution: fc.record({
                nodeSelectorTerms: fc.array(term, { minLength: 1, maxLength: 2 }),
              }),
              preferredDuringSchedulingIgnoredDuringExecution: fc.array(
                fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term }),
                { maxLength: 2 },
              ),
            },
            { requiredKeys: [] },
          ),
        }),
        nodeName: pick('n0', 'n1'),
        resources: pick<Json>({ requests: { cpu: '700m' } }),
      },
      { requiredKeys: [] },
    ),
    image: pick('app:v1', 'web:v2'),
    port: pick(0, 0, 80),
  })
  .map(({ requests, over, image: name, port }) => ({
    ...podSpec({}, over),
    containers: [
      {
        name: 'c',
        image: name,
        resources: { requests },
        ports: port > 0 ? [{ containerPort: port, hostPort: port, protocol: 'TCP' }] : [],
      },
    ],
  }));
const strategy = pick<Json>(
  {},
  { scoringStrategy: { type: 'MostAllocated' } },
  {
    scoringStrategy: {
      type: 'LeastAllocated',
      resources: [
        { name: 'cpu', weight: 3 },
        { name: 'x.io/gpu', weight: 2 },
      ],
    },
  },
  {
    scoringStrategy: {
      type: 'RequestedToCapacityRatio',
      requestedToCapacityRatio: {
        shape: [
          { utilization: 0, score: 0 },
          { utilization: 70, score: 9 },
        ],
      },
    },
  },
);
const world = fc.record({
  nodes: fc.array(nodeSpec, { minLength: 1, maxLength: 12 }),
  placed: fc.array(fc.tuple(spec, fc.nat()), { maxLength: 15 }),
  pod: spec,
  fit: strategy,
});
type World = { nodes: Json[]; placed: [Json, number][]; pod: Json; fit: Json };

interface Built {
  readonly state: ClusterState;
  readonly cache: SchedulerCache;
  readonly verdicts: Verdicts;
  readonly framework: Framework;
  readonly pod: PodId;
}

function build({ nodes, placed, pod, fit }: World, registry: PluginRegistry = schedulerRegistry): Built {
  const state = newState();
  const cache = new SchedulerCache(state, () => 0);
  const ids = nodes.map((each, i) => addNode(state, `n${i}`, each));
  for (const id of ids) cache.nodeChanged(id);
  for (const [each, at] of placed) {
    const row = addPod(state, `placed-${state.pods.used}`, each);
    cache.addPod(row, ids[at % ids.length]!, state.template(row));
  }
  const verdicts = new Verdicts();
  const config = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    profiles: [{ pluginConfig: [{ name: 'NodeResourcesFit', args: fit }] }],
  };
  const instances: Instance[] = [];
  const framework = new Framework(settingsOf(config, registry).profiles[0]!, cache, verdicts, instances, 0);
  return { state, cache, verdicts, framework, pod: addPod(state, 'pod', pod) };
}

/** The same registry with the per-node forms only. */
const plain: PluginRegistry = {
  ...schedulerRegistry,
  plugins: schedulerRegistry.plugins.map((definition) => ({
    ...definition,
    create(args, handle) {
      const { filterBatch: _filter, scoreBatch: _score, ...rest } = definition.create(args, handle) as Plugin;
      return rest as Plugin;
    },
  })),
};

const free = { reject: () => undefined, restrict: () => undefined };

describe('batch forms', () => {
  it('filter as the per-node forms do: the same nodes, the same verdicts', () => {
    fc.assert(
      fc.property(world, (w) => {
        const { state, cache, framework, pod } = build(w as World);
        const cursor = new PodCursor(state).at(pod);
        const view = new NodeCursor(cache);
        for (const { plugin, name } of framework.filter) {
          if (plugin.filterBatch === undefined) continue;
          const prepared = plugin.preFilter?.(cursor, cache, free);
          if (prepared === SKIP) continue;
          const nodes = Int32Array.from(cache.nodeOrder.list());
          const verdicts = new Int32Array(nodes.length);
          const kept = plugin.filterBatch(cursor, cache, nodes, 0, nodes.length, prepared, verdicts);
          const expected = [...cache.nodeOrder.list()].map((node) =>
            plugin.filter!(cursor, view.at(node), prepared),
          );
          const passing = [...cache.nodeOrder.list()].filter((_, i) => expected[i] === PASS);
          expect([...nodes.subarray(0, kept)], name).toEqual(passing);
          [...cache.nodeOrder.list()].forEach((node, i) => {
            expect(verdicts[node], name).toBe(expected[i]);
          });
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('score as the per-node forms do', () => {
    fc.assert(
      fc.property(world, (w) => {
        const { state, cache, framework, pod } = build(w as World);
        const cursor = new PodCursor(state).at(pod);
        const view = new NodeCursor(cache);
        const nodes = Int32Array.from(cache.nodeOrder.list());
        for (const { plugin, name } of framework.score) {
          if (plugin.scoreBatch === undefined) continue;
          const prepared = plugin.preScore?.(cursor, cache, nodes, nodes.length);
          if (prepared === SKIP) continue;
          const out = new Int32Array(nodes.length);
          plugin.scoreBatch(cursor, cache, nodes, nodes.length, prepared, out);
          const byNode = [...nodes].map((node) => plugin.score!(cursor, view.at(node), prepared));
          expect([...out], name).toEqual(byNode);
          const same = plugin.uniform?.(cursor, cache, prepared) ?? null;
          if (same !== null) expect(new Set([...byNode, same]).size, name).toBe(1);
        }
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('give the same decisions, whole searches in a row', () => {
    fc.assert(
      fc.property(world, fc.array(spec, { maxLength: 6 }), (w, more) => {
        const played = [schedulerRegistry, plain].map((registry) => {
          const { state, cache, framework, verdicts, pod } = build(w as World, registry);
          const search = new BruteSearch(cache, verdicts, new Rng(5, 0).stream('scheduler/ties'));
          return [pod, ...more.map((each, i) => addPod(state, `more-${i}`, each))].map((row) => {
            const { node, examined, feasible, ties } = search.select(new PodCursor(state).at(row), framework);
            if (node >= 0) cache.addPod(row, node, state.template(row));
            return { node, examined, feasible, ties };
          });
        });
        expect(played[0]).toEqual(played[1]);
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});

describe('the search', () => {
  it('stops where a list of all nodes, filtered one by one, has enough', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 100 }),
        fc.nat(1000),
        (fits, percentage, start) => {
          const state = newState();
          const cache = new SchedulerCache(state, () => 0);
          fits.forEach((large, i) => {
            cache.nodeChanged(addNode(state, `n${i}`, { cpu: large ? '2' : '1' }));
          });
          const verdicts = new Verdicts();
          const profile = settingsOf().profiles[0]!;
          const framework = new Framework(profile, cache, verdicts, [], percentage);
          const search = new BruteSearch(cache, verdicts, new Rng(5, 0).stream('scheduler/ties'));
          search.start = start;
          const row = addPod(state, 'p', podSpec({ cpu: '2' }));
          const decision = search.select(new PodCursor(state).at(row), framework);

          const wanted = feasibleWanted(fits.length, percentage);
          const expected: number[] = [];
          let examined = 0;
          while (examined < fits.length && expected.length < wanted) {
            const node = (start + examined++) % fits.length;
            if (fits[node]) expected.push(node);
          }
          expect([...decision.feasibleNodes.subarray(0, decision.feasible)]).toEqual(expected);
          expect(decision.examined).toBe(examined);
          expect(search.start).toBe((start + examined) % fits.length);
        },
      ),
      { numRuns: 300, seed: 4 },
    );
  });
});

describe('the cache', () => {
  const step = fc.oneof(
    fc.record({ do: pick('add' as const), spec, node: fc.nat(7) }),
    fc.record({ do: pick('remove' as const), at: fc.nat() }),
    fc.record({ do: pick('node' as const), node: fc.nat(7), taints: fc.array(taint, { maxLength: 1 }) }),
    fc.record({ do: pick('cordon' as const), node: fc.nat(7) }),
    fc.record({ do: pick('gone' as const), node: fc.nat(7) }),
  );

  it('counts what sums made afresh count, after any course of events', () => {
    fc.assert(
      fc.property(
        fc.array(nodeSpec, { minLength: 8, maxLength: 8 }),
        fc.array(step, { maxLength: 60 }),
        (nodes, steps) => {
          const state = newState();
          const cache = new SchedulerCache(state, () => 0);
          nodes.forEach((each, i) => {
            cache.nodeChanged(addNode(state, `n${i}`, each));
          });
          const placed: PodId[] = [];
          const present = new Set(nodes.keys());
          for (const each of steps) {
            if (each.do === 'add') {
              const row = addPod(state, `p${state.pods.used}`, each.spec);
              cache.addPod(row, each.node, state.template(row));
              placed.push(row);
            } else if (each.do === 'remove') {
              if (placed.length > 0) cache.removePod(placed.splice(each.at % placed.length, 1)[0]!);
            } else if (present.has(each.node)) {
              if (each.do === 'gone') {
                cache.nodeGone(each.node);
                present.delete(each.node);
              } else {
                if (each.do === 'node') state.nodes.taints[each.node] = each.taints;
                else state.nodes.unschedulable[each.node] = 1 - state.nodes.unschedulable[each.node]!;
                cache.nodeChanged(each.node);
              }
            }
          }
          const gpu = state.resources.find('x.io/gpu');
          nodes.forEach((_, node) => {
            const here = placed
              .filter((row) => cache.nodeOfPod(row) === node)
              .map((row) => state.template(row));
            const sum = (of: (t: (typeof here)[number]) => number): number =>
              here.reduce((all, t) => all + of(t), 0);
            expect(cache.columns.podCount[node]).toBe(here.length);
            expect(cache.columns.cpuRequested[node]).toBe(sum((t) => t.cpuMilli));
            expect(cache.columns.memoryRequested[node]).toBe(sum((t) => t.memoryBytes));
            expect(cache.columns.nonZeroCpu[node]).toBe(sum((t) => t.nonZeroCpuMilli));
            expect(cache.columns.nonZeroMemory[node]).toBe(sum((t) => t.nonZeroMemoryBytes));
            if (gpu >= 0) {
              const asked = sum((t) => t.scalars.find(([id]) => id === gpu)?.[1] ?? 0);
              expect(cache.requested(node, gpu)).toBe(asked);
            }
          });
          const taintsOf = (node: number) => state.nodes.taints[node]!;
          const there = [...present];
          expect(cache.nodeCount).toBe(there.length);
          expect([...cache.nodeOrder.list()].sort((a, b) => a - b)).toEqual(there);
          expect(cache.cordoned).toBe(there.filter((node) => state.nodes.unschedulable[node] === 1).length);
          const hard = there.filter((node) => taintsOf(node).some((t) => t.effect !== 'PreferNoSchedule'));
          const soft = there.filter((node) => taintsOf(node).some((t) => t.effect === 'PreferNoSchedule'));
          expect([cache.hardTainted, cache.softTainted]).toEqual([hard.length, soft.length]);
          for (let id = 0; id < state.images.size; id++) {
            expect(cache.imageNodes(id)).toBe(
              there.filter((node) => state.nodes.images[node]!.includes(id)).length,
            );
          }
        },
      ),
      { numRuns: 200, seed: 5 },
    );
  });
});

describe('the heap of pods', () => {
  it('gives pods in order, whatever was taken out of the middle', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat(3)), { maxLength: 200 }),
        (steps) => {
          const keys: number[] = [];
          const before = (a: number, b: number): boolean =>
            keys[a]! < keys[b]! || (keys[a] === keys[b] && a < b);
          const heap = new PodHeap(before, { at: new Int32Array(256) });
          let model: number[] = [];
          const inOrder = (): number[] => [...model].sort((a, b) => (before(a, b) ? -1 : 1));
          for (const [key, action] of steps) {
            if (action < 2) {
              keys.push(key);
              heap.push(keys.length - 1);
              model.push(keys.length - 1);
            } else if (action === 2) {
              expect(heap.pop()).toBe(inOrder()[0] ?? -1);
              model = inOrder().slice(1);
            } else if (model.length > 0) {
              const pod = model[key % model.length]!;
              heap.remove(pod);
              model = model.filter((each) => each !== pod);
            }
            expect(heap.size).toBe(model.length);
            expect(heap.peek()).toBe(inOrder()[0] ?? -1);
          }
        },
      ),
      { numRuns: 200, seed: 6 },
    );
  });
});
