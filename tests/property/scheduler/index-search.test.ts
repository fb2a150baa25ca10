// The index against the plain search: random clusters, pods, profiles and courses of events; both must say the same of
// every decision. KUBETICK_RUNS sets the number of courses, KUBETICK_SEED where they begin.
import process from 'node:process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plugin, PluginRegistry } from '../../../engine/contracts/scheduler.ts';
import { assert, Rng } from '../../../engine/kernel/index.ts';
import { ingestNode } from '../../../engine/kinds/ingest/node.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { Framework, type Instance, Verdicts } from '../../../engine/scheduler/framework.ts';
import { IndexSearch } from '../../../engine/scheduler/search/index-search.ts';
import { VerifySearch } from '../../../engine/scheduler/search/verify.ts';
import { PodCursor } from '../../../engine/scheduler/views.ts';
import { PodBit, type PodId } from '../../../engine/state/index.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';
import { addNode, newState, nodeObject, settingsOf } from '../../unit/scheduler/support.ts';

const RUNS = Number(process.env['KUBETICK_RUNS'] ?? 150);
const SEED = Number(process.env['KUBETICK_SEED'] ?? 11);
const MIB = 1024 * 1024;
const pick = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

const nodeKind = fc.record({
  cpu: pick('2', '8', '32', '32'),
  memory: pick('2Gi', '32Gi', '64Gi'),
  pods: pick('4', '110', '110'),
  zone: pick('', 'a', 'b', 'c'),
  labels: fc.record({ disk: pick('ssd', 'hdd'), rack: pick('1', '2', '3') }, { requiredKeys: [] }),
  taints: fc.array(
    fc.record({ key: pick('k'), value: pick('x', 'y'), effect: pick('NoSchedule', 'PreferNoSchedule') }),
    { maxLength: 1 },
  ),
  unschedulable: pick(false, false, false, false, true),
  images: fc.array(
    fc.record({ names: fc.tuple(pick('app:v1', 'db:v1')), sizeBytes: pick(100 * MIB, 900 * MIB) }),

    { maxLength: 1 },
  ),
});
const app = pick('web', 'db', 'x');
const selector = app.map((name) => ({ matchLabels: { app: name } }));
const constraint = fc.record(
  {
    maxSkew: pick(1, 2, 5),
    topologyKey: pick(ZONE, HOST, 'rack'),
    whenUnsatisfiable: pick('DoNotSchedule', 'ScheduleAnyway', 'ScheduleAnyway'),
    labelSelector: selector,
    minDomains: pick(1, 3),
    nodeAffinityPolicy: pick('Honor', 'Ignore'),
    nodeTaintsPolicy: pick('Honor', 'Ignore'),
  },
  { requiredKeys: ['maxSkew', 'topologyKey', 'whenUnsatisfiable', 'labelSelector'] },
);
const unique = (list: Json[]): Json[] =>
  list.filter(
    (c, i) =>
      list.findIndex(
        (o) => o.topologyKey === c.topologyKey && o.whenUnsatisfiable === c.whenUnsatisfiable,
      ) === i,
  );
const podTerm = fc.record({ topologyKey: pick(ZONE, HOST, 'rack'), labelSelector: selector });
const podTerms = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: fc.array(podTerm, { minLength: 1, maxLength: 2 }),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(
      fc.record({ weight: pick(1, 30, 100), podAffinityTerm: podTerm }),
      { minLength: 1, maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const nodeTerm = fc.record({
  matchExpressions: fc.tuple(
    fc.oneof(
      fc.record({ key: pick('disk'), operator: pick('In', 'NotIn'), values: fc.tuple(pick('ssd', 'hdd')) }),
      fc.record({ key: pick('rack', HOST), operator: pick('Exists', 'DoesNotExist') }),
    ),
  ),
});
const podKind = fc
  .record({
    labels: app,
    requests: fc.record(
      { cpu: pick('100m', '500m', '1500m'), memory: pick('100Mi', '900Mi') },
      { requiredKeys: [] },
    ),
    image: pick('app:v1', 'db:v1', 'none:v1'),
    port: pick(0, 0, 0, 0, 80),
    priority: pick(0, 0, 5),
    over: fc.oneof(
      pick<Json>({}),
      fc.record<Json, Json>(
        {
          tolerations: fc.array(fc.record({ key: pick('k'), operator: pick('Exists') }), { maxLength: 1 }),
          nodeSelector: fc.record({ disk: pick('ssd', 'hdd') }),
          topologySpreadConstraints: fc.array(constraint, { minLength: 1, maxLength: 3 }).map(unique),
          affinity: fc.record(
            {
              nodeAffinity: fc.record(
                {
                  requiredDuringSchedulingIgnoredDuringExecution: fc.record({
                    nodeSelectorTerms: fc.array(nodeTerm, { minLength: 1, maxLength: 2 }),
                  }),
                  preferredDuringSchedulingIgnoredDuringExecution: fc.array(
                    fc.record({ weight: pick(1, 50), preference: nodeTerm }),
                    { maxLength: 2 },
                  ),
                },
                { requiredKeys: [] },
              ),
              podAffinity: podTerms,
              podAntiAffinity: podTerms,
            },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: [] },
      ),
    ),
  })
  .map(({ labels, requests, image, port, priority, over }) => ({
    labels: { app: labels },
    spec: {
      schedulerName: 'default-scheduler',
      priority,
      containers: [
        {
          name: 'c',
          image,
          resources: { requests },
          ports: port > 0 ? [{ containerPort: port, hostPort: port, protocol: 'TCP' }] : [],
        },
      ],
      ...over,
    },
  }));

const step = fc.oneof(
  { weight: 40, arbitrary: fc.record({ do: pick('decide' as const), kind: fc.nat(9) }) },
  { weight: 10, arbitrary: fc.record({ do: pick('leave' as const), at: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: pick('terminate' as const), at: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: pick('place' as const), kind: fc.nat(9), node: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: pick('change' as const), node: fc.nat(99), to: nodeKind }) },
  { weight: 2, arbitrary: fc.record({ do: pick('cordon' as const), node: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ do: pick('join' as const), to: nodeKind }) },
  { weight: 1, arbitrary: fc.record({ do: pick('gone' as const), node: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ do: pick('service' as const), name: app }) },
  { weight: 1, arbitrary: fc.record({ do: pick('nominate' as const), at: fc.nat(99), node: fc.nat(99) }) },
);

const profile = fc.record({
  percentage: pick(0, 0, 30, 100),
  plugins: fc.subarray(
    ['TaintToleration', 'NodeAffinity', 'InterPodAffinity', 'PodTopologySpread', 'ImageLocality'],
    { maxLength: 2 },
  ),
  weights: fc.record({ PodTopologySpread: pick(1, 7), NodeResourcesFit: pick(1, 3) }, { requiredKeys: [] }),
  fit: pick<Json>(
    {},
    { scoringStrategy: { type: 'MostAllocated' } },
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
  ),
});

const course = fc.record({
  nodes: fc.array(nodeKind, { minLength: 3, maxLength: 40 }),
  repeat: pick(1, 1, 3, 12),
  kinds: fc.array(podKind, { minLength: 1, maxLength: 4 }),
  services: fc.array(app, { maxLength: 2 }),
  profile,
  // Trees, scans, and scans that turn out too long.
  limits: pick(
    { nodes: 0, nodesOfOne: 0, lists: 0 },
    { nodes: 8192, nodesOfOne: 1024, lists: 16 },
    { nodes: 8192, nodesOfOne: 0, lists: 16 },
    { nodes: 2, nodesOfOne: 400, lists: 1 },
    { nodes: 400, nodesOfOne: 400, lists: 0 },
  ),
  steps: fc.array(step, { minLength: 60, maxLength: 200 }),
});
type Course = typeof course extends fc.Arbitrary<infer T> ? T : never;

/** Plays a course; throws at the first difference. Returns how many decisions the index answered, and all. */
function play(c: Course, registry: PluginRegistry = schedulerRegistry): { answered: number; all: number } {
  const state = newState();
  const cache = new SchedulerCache(state, () => 0);
  const nodes: number[] = [];
  const present = new Set<number>();
  const join = (spec: Json): void => {
    const node = addNode(state, `n${nodes.length}`, spec);
    nodes.push(node);
    present.add(node);
    cache.nodeChanged(node);
  };
  for (let i = 0; i < c.repeat; i++) for (const each of c.nodes) join(each);
  const service = (name: string): void => {
    const metadata = { namespace: 'default', name };
    cache.objects.set({ apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: name } } });
  };
  for (const name of c.services) service(name);
  const config = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    profiles: [
      {
        plugins: {
          score: { disabled: c.profile.plugins.map((name) => ({ name })) },
          multiPoint: {
            enabled: Object.entries(c.profile.weights).map(([name, weight]) => ({ name, weight })),
          },
        },
        pluginConfig: [{ name: 'NodeResourcesFit', args: c.profile.fit }],
      },
    ],
  };
  const verdicts = new Verdicts();
  const instances: Instance[] = [];
  const settings = settingsOf(config, registry).profiles[0]!;
  const framework = new Framework(settings, cache, verdicts, instances, c.profile.percentage);
  const search = new VerifySearch(cache, verdicts, new Rng(5, 0).stream('scheduler/ties'), c.limits);
  // The same for itself, as in runs of which nobody asks what the winner got.
  const terse = new IndexSearch(cache, verdicts, new Rng(5, 0).stream('scheduler/ties'), c.limits);
  terse.explains = false;
  const cursor = new PodCursor(state);
  const placed: PodId[] = [];
  const waiting: PodId[] = [];
  const newPod = (kind: number): PodId => {
    const { labels, spec } = c.kinds[kind % c.kinds.length]!;
    const template = state.templates.intern({ labels, annotations: {}, spec, metadata: null });
    return state.pods.create({
      namespace: state.texts.id('default'),
      nameBase: state.texts.id(`p${state.pods.used}`),
      nameSuffix: -1,
      template: template.id,
      labelSet: template.labelSet,
      owner: -1,
      priority: template.priority,
      createdUs: 0,
      revision: 1,
      runUs: Number.NaN,
    });
  };
  for (const each of c.steps) {
    if (each.do === 'decide') {
      const row = newPod(each.kind);
      const { node, ties, feasible, examined } = search.select(cursor.at(row), framework);
      const told = terse.select(cursor.at(row), framework);
      assert(
        told.node === node && told.ties === ties && told.feasible === feasible && told.examined === examined,
        () => `without explanations the index decides otherwise: ${told.node}, not ${node}`,
      );
      if (node >= 0) {
        cache.addPod(row, node, state.template(row));
        placed.push(row);
      } else waiting.push(row);
    } else if (each.do === 'leave') {
      if (placed.length > 0) cache.removePod(placed.splice(each.at % placed.length, 1)[0]!);
    } else if (each.do === 'terminate') {
      if (placed.length === 0) continue;
      const row = placed[each.at % placed.length]!;
      state.pods.word[row]! |= PodBit.deleting;
      cache.podTerminating(row);
    } else if (each.do === 'place') {
      const row = newPod(each.kind);
      cache.addPod(row, nodes[each.node % nodes.length]!, state.template(row));
      placed.push(row);
    } else if (each.do === 'join') join(each.to);
    else if (each.do === 'service') service(each.name);
    else if (each.do === 'nominate') {
      if (waiting.length > 0 && each.at % 3 > 0)
        cache.nominations.set(waiting[each.at % waiting.length]!, nodes[each.node % nodes.length]!);
      else for (const row of waiting) cache.nominations.clear(row);
    } else {
      const node = nodes[each.node % nodes.length]!;
      if (!present.has(node)) continue;
      if (each.do === 'gone') {
        cache.nodeGone(node);
        present.delete(node);
      } else if (each.do === 'cordon') {
        state.nodes.unschedulable[node] = 1 - state.nodes.unschedulable[node]!;
        cache.nodeChanged(node);
      } else {
        // The row of a node that has the new shape lends its columns: a change as the API brings it.
        const model = newState();
        ingestNode(model, nodeObject(each.to), {
          name: 'model',
          zone: each.to.zone,
          hostname: true,
          us: 0,
          revision: 1,
        });
        state.nodes.taints[node] = model.nodes.taints[0]!;
        state.nodes.unschedulable[node] = model.nodes.unschedulable[0]!;
        state.nodes.cpuMilli[node] = model.nodes.cpuMilli[0]!;
        const { labels = {}, zone } = each.to as { labels?: Record<string, string>; zone: string };
        const whole: Record<string, string> = zone === '' ? { ...labels } : { ...labels, [ZONE]: zone };
        state.nodes.labelSet[node] = state.labels.intern(whole);
        cache.nodeChanged(node);
      }
    }
  }
  return { answered: search.index.answered, all: search.verified };
}

describe('the index', () => {
  it('decides as the plain search does, over any course of events', () => {
    let answered = 0;
    let all = 0;
    fc.assert(
      fc.property(course, (c) => {
        const told = play(c);
        answered += told.answered;
        all += told.all;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // It would agree trivially if it left everything to the plain search.
    if (process.env['KUBETICK_RUNS'] !== undefined)
      console.log(`${all} decisions, ${answered} from the index`);
    expect(answered).toBeGreaterThan(all / 4);
  }, 3_600_000);

  // Defects of the kinds that a plug-in or the upkeep could have: each must be found.
  const spoil = (name: string, how: (plugin: Plugin) => Partial<Plugin>): PluginRegistry => ({
    ...schedulerRegistry,
    plugins: schedulerRegistry.plugins.map((definition) =>
      definition.name !== name
        ? definition
        : {
            ...definition,
            create(args, handle) {
              const plugin = definition.create(args, handle);
              return { ...plugin, ...how(plugin) };
            },
          },
    ),
  });
  /** Half of the pods differ in tolerations only. */
  const alike = course.map((c) => {
    const { labels, spec } = c.kinds[0]!;
    const tolerations = [{ key: 'k', operator: 'Exists' }];
    return { ...c, kinds: [...c.kinds, { labels, spec: { ...spec, tolerations } }] };
  });
  it.each([
    ['a field left out of reads', spoil('NodeUnschedulable', () => ({ reads: 0 }))],
    ['a signature that leaves out tolerations', spoil('TaintToleration', () => ({ sign: () => '' }))],
    ['spread without its dimensions', spoil('PodTopologySpread', () => ({ strata: () => true }))],
    ['affinity without its dimensions', spoil('InterPodAffinity', () => ({ strata: () => true }))],
  ])(
    'would be caught with %s',
    (_what, registry) => {
      const found = fc.check(
        fc.property(alike, (c) => {
          play(c, registry);
        }),
        { numRuns: 400, seed: 3, endOnFailure: true },
      );
      expect(found.failed).toBe(true);
    },
    120_000,
  );
});
