// Spreading and affinity decide from sums that are kept up incrementally. Here random histories of pods and nodes come
// and go, and after each the verdicts and scores must be those of the plain form: go over all nodes and all pods, count
// what matches (plugins/podtopologyspread and plugins/interpodaffinity, v1.36, written down without any index).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Plugin, SKIP } from '../../../engine/contracts/scheduler.ts';
import type { PodSelection, TopologyGroup } from '../../../engine/contracts/topology.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { Framework, type Instance, Verdicts } from '../../../engine/scheduler/framework.ts';
import { PodClasses } from '../../../engine/scheduler/pod-classes.ts';
import { TopologyIndex } from '../../../engine/scheduler/topology.ts';
import { NodeCursor, PodCursor } from '../../../engine/scheduler/views.ts';
import { type ClusterState, PodBit, type PodId } from '../../../engine/state/index.ts';
import { addNode, newState, podSpec, settingsOf } from '../../unit/scheduler/support.ts';

const pick = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const HOSTNAME = 'kubernetes.io/hostname';
const KEYS = ['zone', 'rack', HOSTNAME] as const;

// ---- what may exist ----

const labels = fc.record({ app: pick('a', 'b'), tier: pick('x', 'y') }, { requiredKeys: ['app'] });
const selector: fc.Arbitrary<Json> = fc.oneof(
  fc.record({ matchLabels: fc.record({ app: pick('a', 'b') }) }),
  fc.record({
    matchExpressions: fc.tuple(fc.record({ key: pick('tier'), operator: pick('Exists', 'DoesNotExist') })),
  }),
  fc.constant({}),
);
const constraint = fc.record(
  {
    maxSkew: fc.integer({ min: 1, max: 2 }),
    topologyKey: pick(...KEYS),
    whenUnsatisfiable: pick('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector: selector,
    minDomains: fc.integer({ min: 1, max: 3 }),
    nodeAffinityPolicy: pick('Honor', 'Ignore'),
    nodeTaintsPolicy: pick('Honor', 'Ignore'),
  },
  { requiredKeys: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'] },
);
const term = fc.record(
  {
    topologyKey: pick(...KEYS),
    labelSelector: selector,
    namespaces: fc.subarray(['n1', 'n2'], { minLength: 1 }),
  },
  { requiredKeys: ['topologyKey', 'labelSelector'] },
);
const terms = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: fc.array(term, { maxLength: 2 }),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(
      fc.record({ weight: fc.integer({ min: 1, max: 9 }), podAffinityTerm: term }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const podMade = fc.record({
  namespace: pick('n1', 'n2'),
  labels,
  spec: fc.record(
    {
      topologySpreadConstraints: fc.array(constraint, { minLength: 1, maxLength: 3 }),
      affinity: fc.record({ podAffinity: terms, podAntiAffinity: terms }, { requiredKeys: [] }),
      nodeSelector: fc.record({ disk: pick('ssd', 'hdd') }),
      tolerations: fc.constant([{ key: 't', operator: 'Exists' }]),
    },
    { requiredKeys: [] },
  ),
});
type PodMade = { namespace: string; labels: Record<string, string>; spec: Json };

const nodeMade = fc.record({
  labels: fc.record(
    { zone: pick('z1', 'z2'), rack: pick('r1', 'r2', 'r3'), disk: pick('ssd', 'hdd') },
    { requiredKeys: [] },
  ),
  taints: fc.array(fc.constant({ key: 't', value: '', effect: 'NoSchedule' }), { maxLength: 1 }),
});
type NodeMade = { labels: Record<string, string>; taints: Json[] };

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('place' as const), pod: podMade, at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('terminate' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('relabel' as const), at: fc.nat(), node: nodeMade }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const), node: nodeMade }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), at: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), pod: podMade }) },
);

// ---- a cluster with its history ----

interface Placed extends PodMade {
  row: PodId;
  node: number;
  terminating: boolean;
}

class History {
  readonly state: ClusterState = newState();
  readonly cache = new SchedulerCache(this.state, () => 0);
  readonly nodes = new Map<number, NodeMade>();
  readonly pods: Placed[] = [];
  readonly spread: Plugin;
  readonly affinity: Plugin;
  readonly texts: (verdict: number) => string;
  #names = 0;

  constructor() {
    const verdicts = new Verdicts();
    const instances: Instance[] = [];
    new Framework(settingsOf().profiles[0]!, this.cache, verdicts, instances, 100);
    const named = (name: string): Plugin => instances.find((each) => each.name === name)!.plugin;
    this.spread = named('PodTopologySpread');
    this.affinity = named('InterPodAffinity');
    this.texts = (verdict) => (verdict === 0 ? '' : verdicts.reasons(verdict).join());
  }
  join(node: NodeMade): void {
    const id = addNode(this.state, `node-${this.#names++}`, node);
    this.nodes.set(id, node);
    this.cache.nodeChanged(id);
  }
  relabel(id: number, node: NodeMade): void {
    this.nodes.set(id, node);
    this.state.nodes.labelSet[id] = this.state.labels.intern(node.labels);
    this.state.nodes.taints[id] = node.taints as never;
    this.cache.nodeChanged(id);
  }
  leave(id: number): void {
    this.nodes.delete(id);
    this.cache.nodeGone(id);
  }
  row(pod: PodMade): PodId {
    const { state } = this;
    const template = state.templates.intern({
      labels: pod.labels,
      annotations: {},
      spec: podSpec({}, pod.spec),
      metadata: null,
    });
    return state.pods.create({
      namespace: state.texts.id(pod.namespace),
      nameBase: state.texts.id(`pod-${this.#names++}`),
      nameSuffix: -1,
      template: template.id,
      labelSet: template.labelSet,
      owner: -1,
      priority: 0,
      createdUs: 0,
      revision: 1,
      runUs: Number.NaN,
    });
  }
  place(pod: PodMade, node: number): void {
    const row = this.row(pod);
    this.pods.push({ ...pod, row, node, terminating: false });
    this.cache.addPod(row, node, this.state.template(row));
  }
  remove(at: number): void {
    const [pod] = this.pods.splice(at, 1);
    this.cache.removePod(pod!.row);
  }
  terminate(at: number): void {
    const pod = this.pods[at]!;
    pod.terminating = true;
    this.state.pods.word[pod.row]! |= PodBit.deleting;
    this.cache.podTerminating(pod.row);
  }
  label(node: number, key: string): string | undefined {
    return key === HOSTNAME ? this.state.nodeName(node) : this.nodes.get(node)!.labels[key];
  }
  get list(): number[] {
    return [...this.cache.nodeOrder.list()];
  }
}

// ---- the plain form ----

function selects(selectorJson: Json, own: Record<string, string>): boolean {
  if (selectorJson === undefined) return false;
  for (const [key, value] of Object.entries(selectorJson.matchLabels ?? {}))
    if (own[key] !== value) return false;
  for (const { key, operator } of selectorJson.matchExpressions ?? []) {
    if ((own[key] !== undefined) !== (operator === 'Exists')) return false;
  }
  return true;
}

function counts(h: History, pod: PodMade, c: Json, node: number): boolean {
  const { labels: own, taints } = h.nodes.get(node)!;
  const { nodeSelector, tolerations } = pod.spec;
  if (c.nodeAffinityPolicy !== 'Ignore' && nodeSelector && own['disk'] !== nodeSelector.disk) return false;
  return c.nodeTaintsPolicy !== 'Honor' || taints.length === 0 || tolerations !== undefined;
}

const spreadPods = (h: History, pod: PodMade, c: Json, node: number): number =>
  h.pods.filter(
    (p) =>
      p.node === node &&
      !p.terminating &&
      p.namespace === pod.namespace &&
      selects(c.labelSelector, p.labels),
  ).length;

const byAction = (pod: PodMade, action: string): Json[] =>
  (pod.spec.topologySpreadConstraints ?? []).filter((c: Json) => c.whenUnsatisfiable === action);

function plainSpreadFilter(h: History, pod: PodMade): string[] {
  const hard = byAction(pod, 'DoNotSchedule');
  const has = (node: number): boolean => hard.every((c) => h.label(node, c.topologyKey) !== undefined);
  const tables = hard.map((c) => {
    const table = new Map<string, number>();
    for (const node of h.list.filter((n) => has(n) && counts(h, pod, c, n))) {
      const value = h.label(node, c.topologyKey)!;
      table.set(value, (table.get(value) ?? 0) + spreadPods(h, pod, c, node));
    }
    return table;
  });
  return h.list.map((node) => {
    for (const [i, c] of hard.entries()) {
      const value = h.label(node, c.topologyKey);
      if (value === undefined)
        return "node(s) didn't match pod topology spread constraints (missing required label)";
      const table = tables[i]!;
      const least = table.size < (c.minDomains ?? 1) ? 0 : Math.min(2 ** 31 - 1, ...table.values());
      const skew = (table.get(value) ?? 0) + (selects(c.labelSelector, pod.labels) ? 1 : 0) - least;
      if (skew > c.maxSkew) return "node(s) didn't match pod topology spread constraints";
    }
    return '';
  });
}

function plainSpreadScores(h: History, pod: PodMade): number[] | null {
  const soft = byAction(pod, 'ScheduleAnyway');
  if (soft.length === 0) return null;
  const has = (node: number): boolean => soft.every((c) => h.label(node, c.topologyKey) !== undefined);
  const valid = h.list.filter(has);
  const raw = h.list.map((node) => {
    if (!has(node)) return -1;
    let score = 0;
    for (const c of soft) {
      const values = new Set(valid.map((n) => h.label(n, c.topologyKey)));
      const isHost = c.topologyKey === HOSTNAME;
      const same = isHost
        ? [node]
        : h.list.filter(
            (n) =>
              has(n) && counts(h, pod, c, n) && h.label(n, c.topologyKey) === h.label(node, c.topologyKey),
          );
      const pods = same.reduce((sum, n) => sum + spreadPods(h, pod, c, n), 0);
      score += pods * Math.log((isHost ? valid.length : values.size) + 2) + (c.maxSkew - 1);
    }
    return Math.round(score);
  });
  const scored = raw.filter((score) => score >= 0);
  const most = Math.max(0, ...scored);
  const least = Math.min(...scored);
  return raw.map((score) => {
    if (score < 0) return 0;
    return most === 0 ? 100 : Math.floor((100 * (most + least - score)) / most);
  });
}

const means = (t: Json, owner: string, pod: PodMade): boolean =>
  (t.namespaces ?? [owner]).includes(pod.namespace) && selects(t.labelSelector, pod.labels);
const required = (pod: PodMade, kind: string): Json[] =>
  pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const preferred = (pod: PodMade, kind: string): Json[] =>
  pod.spec.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
/** Pods on nodes that are there. */
const living = (h: History): Placed[] => h.pods.filter(({ node }) => h.nodes.has(node));
const together = (h: History, a: number, b: number, key: string): boolean =>
  h.label(a, key) !== undefined && h.label(a, key) === h.label(b, key);

function plainAffinityFilter(h: History, pod: PodMade): string[] {
  const near = required(pod, 'podAffinity');
  const meant = living(h).filter((p) => near.every((t) => means(t, pod.namespace, p)));
  const anyThere = near.some((t) => meant.some((p) => h.label(p.node, t.topologyKey) !== undefined));
  return h.list.map((node) => {
    if (near.some((t) => h.label(node, t.topologyKey) === undefined))
      return "node(s) didn't match pod affinity rules";
    const isThere = near.every((t) => meant.some((p) => together(h, node, p.node, t.topologyKey)));
    const isFirst = !anyThere && near.every((t) => means(t, pod.namespace, pod));
    if (!isThere && !isFirst) return "node(s) didn't match pod affinity rules";
    for (const t of required(pod, 'podAntiAffinity')) {
      if (living(h).some((p) => means(t, pod.namespace, p) && together(h, node, p.node, t.topologyKey)))
        return "node(s) didn't match pod anti-affinity rules";
    }
    for (const p of living(h)) {
      for (const t of required(p, 'podAntiAffinity')) {
        if (means(t, p.namespace, pod) && together(h, node, p.node, t.topologyKey))
          return "node(s) didn't satisfy existing pods anti-affinity rules";
      }
    }
    return '';
  });
}

function plainAffinityScores(h: History, pod: PodMade): number[] | null {
  const weights: { key: string; at: number; weight: number }[] = [];
  const add = (t: Json, at: number, weight: number): void => {
    if (h.label(at, t.topologyKey) !== undefined) weights.push({ key: t.topologyKey, at, weight });
  };
  for (const p of living(h)) {
    for (const [kind, sign] of [
      ['podAffinity', 1],
      ['podAntiAffinity', -1],
    ] as const) {
      for (const { weight, podAffinityTerm: t } of preferred(pod, kind))
        if (means(t, pod.namespace, p)) add(t, p.node, sign * weight);
      for (const { weight, podAffinityTerm: t } of preferred(p, kind))
        if (means(t, p.namespace, pod)) add(t, p.node, sign * weight);
    }
    // hardPodAffinityWeight is 1 unless the profile says otherwise.
    for (const t of required(p, 'podAffinity')) if (means(t, p.namespace, pod)) add(t, p.node, 1);
  }
  if (weights.length === 0) return null;
  const raw = h.list.map((node) =>
    weights.reduce((sum, { key, at, weight }) => sum + (together(h, node, at, key) ? weight : 0), 0),
  );
  const least = Math.min(...raw);
  const range = Math.max(...raw) - least;
  return raw.map((score) => (range === 0 ? 0 : Math.trunc(100 * ((score - least) / range))));
}

// ---- the plug-ins ----

const free = { reject: () => undefined, restrict: () => undefined };

function filtered(h: History, plugin: Plugin, pod: PodCursor): string[] {
  const state = plugin.preFilter!(pod, h.cache, free);
  if (state === SKIP) return h.list.map(() => '');
  const view = new NodeCursor(h.cache);
  return h.list.map((node) => h.texts(plugin.filter!(pod, view.at(node), state)));
}

function scored(h: History, plugin: Plugin, pod: PodCursor): number[] | null {
  const nodes = Int32Array.from(h.list);
  const state = plugin.preScore!(pod, h.cache, nodes, nodes.length);
  if (state === SKIP) return null;
  const out = new Int32Array(nodes.length);
  plugin.scoreBatch!(pod, h.cache, nodes, nodes.length, state, out);
  plugin.normalize!(out, out.length);
  return [...out];
}

function ask(h: History, pod: PodMade): void {
  if (h.list.length === 0) return;
  const cursor = new PodCursor(h.state).at(h.row(pod));
  expect(filtered(h, h.spread, cursor), 'spread filter').toEqual(plainSpreadFilter(h, pod));
  expect(scored(h, h.spread, cursor), 'spread scores').toEqual(plainSpreadScores(h, pod));
  expect(filtered(h, h.affinity, cursor), 'affinity filter').toEqual(plainAffinityFilter(h, pod));
  expect(scored(h, h.affinity, cursor), 'affinity scores').toEqual(plainAffinityScores(h, pod));
}

describe('spreading and affinity', () => {
  it('decide as the plain form does, whatever came and went before', () => {
    fc.assert(
      fc.property(
        fc.array(nodeMade, { minLength: 2, maxLength: 5 }),
        fc.array(step, { minLength: 5, maxLength: 40 }),
        (nodes, steps) => {
          const h = new History();
          for (const node of nodes) h.join(node);
          const node = (at: number): number => [...h.nodes.keys()][at % h.nodes.size]!;
          for (const each of steps) {
            if (each.do === 'ask') ask(h, each.pod as PodMade);
            else if (each.do === 'join') h.join(each.node);
            else if (h.nodes.size === 0) continue;
            else if (each.do === 'place') h.place(each.pod as PodMade, node(each.at));
            else if (each.do === 'relabel') h.relabel(node(each.at), each.node);
            else if (each.do === 'leave') h.leave(node(each.at));
            else if (h.pods.length === 0) continue;
            else if (each.do === 'remove') h.remove(each.at % h.pods.length);
            else h.terminate(each.at % h.pods.length);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('sums of pods over domains', () => {
  it('are the same however few of them are kept', () => {
    const groups: TopologyGroup[] = ['zone', 'rack'].map((key) => ({
      key,
      topologyKey: key,
      includes: null,
    }));
    const selections: PodSelection[] = ['a', 'b', 'c'].map((app) => ({
      key: app,
      namespace: 'n1',
      label: ['app', app],
      selects: ({ namespace, template }) => namespace === 'n1' && template.labels['app'] === app,
    }));
    const event = fc.record({ at: fc.nat({ max: 3 }), app: pick('a', 'b', 'c'), ask: fc.nat({ max: 5 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const h = new History();
        for (let i = 0; i < 4; i++) h.join({ labels: { zone: `z${i % 2}`, rack: `r${i % 3}` }, taints: [] });
        const placed = new Map<number, number>();
        const classes = new PodClasses();
        const nodes = {
          rows: 64,
          isPresent: (node: number) => h.nodes.has(node),
          label: (node: number, key: string) => h.label(node, key),
          nodeOfPod: (pod: number) => placed.get(pod)!,
        };
        const few = new TopologyIndex(nodes, classes, 1);
        const many = new TopologyIndex(nodes, classes);
        events.forEach(({ at, app, ask: which }, i) => {
          const row = h.row({ namespace: 'n1', labels: { app }, spec: {} });
          placed.set(row, at);
          classes.add(row, at, h.state.template(row), 1, 'n1', false);
          if (i % 3 === 2) {
            const [gone, from] = [...placed][0]!;
            classes.remove(gone, from);
            placed.delete(gone);
          }
          const selection = selections[which % 3]!;
          const group = groups[which % 2]!;
          const a = few.counts(selection, group);
          const b = many.counts(selection, group);
          const expected = [0, 0, 0];
          for (const [pod, node] of placed) {
            const value = many.domains(group.topologyKey).of[node]!;
            if (h.state.template(pod).labels['app'] === selection.key) expected[value]! += 1;
          }
          expect([...a.counts.subarray(0, 3)]).toEqual(expected);
          expect([...b.counts.subarray(0, 3)]).toEqual(expected);
          expect(a.minimum()).toBe(b.minimum());
          expect(b.minimum()).toBe(Math.min(...expected.slice(0, b.occupied)));
          expect(a.total).toBe(b.total);
        });
      }),
      { numRuns: 200 },
    );
  });
});
