// Single plug-ins: cases with the arithmetic beside them. Whole decisions are compared with the real scheduler's in
// tests/oracle.
import { describe, expect, it } from 'vitest';
import type {
  ClusterChange,
  ClusterView,
  Plugin,
  PluginDefinition,
} from '../../../engine/contracts/scheduler.ts';
import { ClusterEvent } from '../../../engine/contracts/scheduler.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { Verdicts } from '../../../engine/scheduler/framework.ts';
import { NodeCursor, PodCursor } from '../../../engine/scheduler/views.ts';
import { imageLocality } from '../../../policies/scheduler/plugins/image-locality.ts';
import { nodeAffinity } from '../../../policies/scheduler/plugins/node-affinity.ts';
import { nodePorts } from '../../../policies/scheduler/plugins/node-ports.ts';
import { nodeResourcesBalancedAllocation } from '../../../policies/scheduler/plugins/node-resources-balanced-allocation.ts';
import { nodeResourcesFit } from '../../../policies/scheduler/plugins/node-resources-fit.ts';
import { nodeUnschedulable } from '../../../policies/scheduler/plugins/node-unschedulable.ts';
import { taintToleration } from '../../../policies/scheduler/plugins/taint-toleration.ts';
import { addNode, addPod, type NodeSpec, newState, podSpec } from './support.ts';

const MIB = 1024 * 1024;

function bench(definition: PluginDefinition, args: Json, nodes: readonly NodeSpec[]) {
  const state = newState();
  const cache = new SchedulerCache(state, () => 0);
  const ids = nodes.map((spec, i) => addNode(state, `n${i}`, spec));
  for (const id of ids) cache.nodeChanged(id);
  const verdicts = new Verdicts();
  const plugin: Plugin = definition.create(definition.args?.parse(args) ?? undefined, {
    cluster: cache,
    verdict: (code, ...reasons) => verdicts.register(0, code, reasons),
  });
  const node = new NodeCursor(cache);
  const cursor = new PodCursor(state);
  const control = { reject: () => undefined, restrict: () => undefined };
  return {
    state,
    cache,
    ids,
    place: (spec: Json, on: number) =>
      cache.addPod(addPod(state, 'placed', spec), on, state.template(state.pods.used - 1)),
    score: (spec: Json, on: number): number => {
      cursor.at(addPod(state, 'p', spec));
      const prepared = plugin.preScore?.(cursor, cache, new Int32Array([on]), 1);
      return plugin.score!(cursor, node.at(on), prepared);
    },
    reasons: (spec: Json, on: number): readonly string[] => {
      cursor.at(addPod(state, 'p', spec));
      const prepared = plugin.preFilter?.(cursor, cache, control);
      return verdicts.reasons(plugin.filter!(cursor, node.at(on), prepared));
    },
    hears: (spec: Json, change: Partial<ClusterChange> & { events: number }): boolean => {
      cursor.at(addPod(state, 'p', spec));
      const whole: ClusterChange = { node: -1, before: null, template: null, ...change };
      return (plugin.events ?? []).some(
        ({ events, hint }) =>
          (events & whole.events) !== 0 && (hint === undefined || hint(cursor, whole, cache as ClusterView)),
      );
    },
  };
}

describe('NodeResourcesFit scores', () => {
  const strategy = (type: string, resources: Json[], more: Json = {}): Json => ({
    scoringStrategy: { type, resources, ...more },
  });
  const both = [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ];
  const shape = (...points: [number, number][]): Json => ({
    requestedToCapacityRatio: { shape: points.map(([utilization, score]) => ({ utilization, score })) },
  });

  it.each([
    // Node of 4,000m and 16Gi with 1,000m and 4Gi taken; the pod asks 1,000m and 2Gi.
    // CPU (4000-2000)x100/4000 = 50; memory (16-6)x100/16 = 62; (50+62)/2 = 56.
    ['LeastAllocated', {}, 56],
    // CPU 2000x100/4000 = 50; memory 6x100/16 = 37; (50+37)/2 = 43.
    ['MostAllocated', strategy('MostAllocated', both), 43],
    // Weights 3 and 1: (3x50 + 62)/4 = 53.
    [
      'LeastAllocated, CPU three times',
      strategy('LeastAllocated', [{ name: 'cpu', weight: 3 }, both[1]]),
      53,
    ],
    // Shape 0 -> 0, 100 -> 10: scores 50 and 37; round(87/2) = 44, where the others truncate.
    ['RequestedToCapacityRatio', strategy('RequestedToCapacityRatio', both, shape([0, 0], [100, 10])), 44],
    // Shape 0 -> 10, 50 -> 0: CPU at 50 % scores 0 and leaves the mean; memory at 37: 100 - 100x37/50 = 26.
    [
      'RequestedToCapacityRatio with a zero',
      strategy('RequestedToCapacityRatio', both, shape([0, 10], [50, 0])),
      26,
    ],
    // Nobody asks for GPUs: they do not count.
    [
      'an extended resource nobody wants',
      strategy('LeastAllocated', [...both, { name: 'x.io/gpu', weight: 5 }]),
      56,
    ],
  ])('%s', (_name, args, expected) => {
    const b = bench(nodeResourcesFit, args, [{ extended: { 'x.io/gpu': '4' } }]);
    b.place(podSpec({ cpu: '1', memory: '4Gi' }), b.ids[0]!);
    expect(b.score(podSpec({ cpu: '1', memory: '2Gi' }), b.ids[0]!)).toBe(expected);
  });

  it('a container without requests counts 100m and 200 MiB', () => {
    const b = bench(nodeResourcesFit, {}, [{ cpu: '1', memory: '2000Mi' }]);
    // (1000-100)x100/1000 = 90; (2000-200)x100/2000 = 90.
    expect(b.score(podSpec(), b.ids[0]!)).toBe(90);
  });
});

describe('NodeResourcesFit filters', () => {
  const b = bench(nodeResourcesFit, {}, [{ cpu: '2', memory: '4Gi', pods: '1' }]);
  b.place(podSpec({ cpu: '1' }), b.ids[0]!);
  it.each([
    [
      'every shortage is named',
      podSpec({ cpu: '1500m', memory: '5Gi' }),
      ['Too many pods', 'Insufficient cpu', 'Insufficient memory'],
    ],
    [
      'a resource the node does not know',
      podSpec({ 'x.io/fpga': '1' }),
      ['Too many pods', 'Insufficient x.io/fpga'],
    ],
    ['nothing asked: only the count', podSpec(), ['Too many pods']],
  ])('%s', (_name, spec, expected) => {
    expect(b.reasons(spec, b.ids[0]!)).toEqual(expected);
  });

  it('ignored resources and groups of resources are not looked at', () => {
    const args = { ignoredResources: ['x.io/a'], ignoredResourceGroups: ['y.io'] };
    const own = bench(nodeResourcesFit, args, [{}]);
    expect(own.reasons(podSpec({ 'x.io/a': '1', 'y.io/b': '1' }), own.ids[0]!)).toEqual([]);
    expect(own.reasons(podSpec({ 'x.io/c': '1' }), own.ids[0]!)).toEqual(['Insufficient x.io/c']);
  });
});

describe('NodeResourcesBalancedAllocation', () => {
  it.each([
    // Empty node of 4 CPU, 16Gi. Pod 1 CPU, 4Gi: shares 1/4 and 1/4, balance 100 before and after: 50 + 50/2 = 75.
    [{ cpu: '1', memory: '4Gi' }, {}, 75],
    // 2 CPU, 4Gi: shares .5 and .25: deviation .125, balance 87; 50 + floor((50 + 87 - 100)/2) = 50 + 18.
    [{ cpu: '2', memory: '4Gi' }, {}, 68],
    // The node had .5 and 0: deviation .25, balance 75; with 8Gi .5 and .5: 100. 50 + floor((50 + 100 - 75)/2) = 87.
    [{ memory: '8Gi' }, { cpu: '2' }, 87],
  ])('pod of %o on a node with %o', (requests, taken, expected) => {
    const b = bench(nodeResourcesBalancedAllocation, {}, [{}]);
    b.place(podSpec(taken as Record<string, string>), b.ids[0]!);
    expect(b.score(podSpec(requests as Record<string, string>), b.ids[0]!)).toBe(expected);
  });
});

describe('ImageLocality', () => {
  const image = (name: string, bytes: number): Json => ({ names: [name], sizeBytes: bytes });
  it.each([
    // On 1 of 2 nodes: 500 MiB x 1/2 = 250 MiB. (250-23)x100/(1000-23) = 23.2.
    [500, 1, 23],
    // 40 MiB x 1/2 = 20 MiB: below the least that counts.
    [40, 1, 0],
    // 3,000 MiB x 1/2: above the most that counts.
    [3000, 1, 100],
    // Two containers with one image: counted twice, 500 MiB of 2 x 1000: (500-23)x100/(2000-23) = 24.1.
    [500, 2, 24],
  ])('%i MiB, %i containers: %i', (mib, containers, expected) => {
    const b = bench(imageLocality, {}, [{ images: [image('app:v1', mib * MIB)] }, {}]);
    const list = Array.from({ length: containers }, (_, i) => ({ name: `c${i}`, image: 'app:v1' }));
    expect(b.score(podSpec({}, { containers: list }), b.ids[0]!)).toBe(expected);
    expect(b.score(podSpec({}, { containers: list }), b.ids[1]!)).toBe(0);
  });
});

describe('NodePorts', () => {
  const port = (hostPort: number, hostIP = '', protocol = 'TCP'): Json => ({
    containers: [{ name: 'c', image: 'a', ports: [{ containerPort: 1, hostPort, hostIP, protocol }] }],
  });
  const b = bench(nodePorts, {}, [{}]);
  b.place(podSpec({}, port(80, '10.0.0.1')), b.ids[0]!);
  b.place(podSpec({}, port(53)), b.ids[0]!);
  const taken = ["node(s) didn't have free ports for the requested pod ports"];
  it.each([
    ['the same address', port(80, '10.0.0.1'), taken],
    ['another address', port(80, '10.0.0.2'), []],
    ['all addresses against one', port(80), taken],
    ['one address against all', port(53, '10.0.0.2'), taken],
    ['another protocol', port(53, '', 'UDP'), []],
    ['another port', port(81, '10.0.0.1'), []],
  ])('%s', (_name, over, expected) => {
    expect(b.reasons(podSpec({}, over), b.ids[0]!)).toEqual(expected);
  });

  it('comes back only for a pod that held one of its ports', () => {
    const left = (over: Json): Partial<ClusterChange> & { events: number } => {
      addPod(b.state, 'left', podSpec({}, over));
      return { events: ClusterEvent.assignedPodDelete, template: b.state.template(b.state.pods.used - 1) };
    };
    expect(b.hears(podSpec({}, port(53)), left(port(53, '10.0.0.9')))).toBe(true);
    expect(b.hears(podSpec({}, port(53)), left(port(54)))).toBe(false);
    expect(b.hears(podSpec({}, port(53)), left({}))).toBe(false);
  });
});

describe('what a change of a node is good for', () => {
  it('NodeResourcesFit: a node that grew in what the pod wants, and is large enough', () => {
    const b = bench(nodeResourcesFit, {}, [{ cpu: '2' }]);
    const grown = b.cache.nodeChanged.bind(b.cache);
    b.state.nodes.cpuMilli[b.ids[0]!] = 4000;
    const { events, before } = grown(b.ids[0]!);
    expect(events).toBe(ClusterEvent.nodeAllocatable);
    const change = { events, before, node: b.ids[0]! };
    expect(b.hears(podSpec({ cpu: '3' }), change)).toBe(true);
    expect(b.hears(podSpec({ cpu: '5' }), change)).toBe(false);
    // It grew, but not in memory.
    expect(b.hears(podSpec({ memory: '1Gi' }), change)).toBe(false);
  });

  it('TaintToleration: the taint that kept the pod away has gone', () => {
    const b = bench(taintToleration, {}, [{ taints: [{ key: 'a', effect: 'NoSchedule' }] }]);
    b.state.nodes.taints[b.ids[0]!] = [{ key: 'b', effect: 'NoSchedule' }];
    const { events, before } = b.cache.nodeChanged(b.ids[0]!);
    expect(events).toBe(ClusterEvent.nodeTaint);
    const change = { events, before, node: b.ids[0]! };
    expect(b.hears(podSpec(), change)).toBe(false);
    expect(b.hears(podSpec({}, { tolerations: [{ key: 'b', operator: 'Exists' }] }), change)).toBe(true);
    // It was welcome before, so this changes nothing.
    expect(b.hears(podSpec({}, { tolerations: [{ operator: 'Exists' }] }), change)).toBe(false);
  });

  it('NodeUnschedulable: the node was uncordoned', () => {
    const b = bench(nodeUnschedulable, {}, [{ unschedulable: true }]);
    b.state.nodes.unschedulable[b.ids[0]!] = 0;
    const { events, before } = b.cache.nodeChanged(b.ids[0]!);
    expect(b.hears(podSpec(), { events, before, node: b.ids[0]! })).toBe(true);
    // Nothing about the cordon changed the second time.
    expect(b.cache.nodeChanged(b.ids[0]!).events).toBe(0);
  });

  it('NodeAffinity: the labels match now and did not before', () => {
    const b = bench(nodeAffinity, {}, [{ labels: { disk: 'hdd' } }]);
    b.state.nodes.labelSet[b.ids[0]!] = b.state.labels.intern({ disk: 'ssd' });
    const { events, before } = b.cache.nodeChanged(b.ids[0]!);
    expect(events).toBe(ClusterEvent.nodeLabel);
    const change = { events, before, node: b.ids[0]! };
    expect(b.hears(podSpec({}, { nodeSelector: { disk: 'ssd' } }), change)).toBe(true);
    expect(b.hears(podSpec({}, { nodeSelector: { disk: 'nvme' } }), change)).toBe(false);
  });
});
