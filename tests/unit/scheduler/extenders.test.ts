// Scheduler extenders: who is asked, and what their answers do to a decision
// (pkg/scheduler/extender.go, schedule_one.go, framework/preemption/preemption.go, v1.36).
import { describe, expect, it } from 'vitest';
import {
  type ExtenderShape,
  type KubeObject,
  type NodeView,
  type PodPlacement,
  place,
  type SchedulerSettings,
} from '../../../engine/index.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { settings, URL } from './extender-settings.ts';

const node = (name: string, cpu = '4', more: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  status: { allocatable: { cpu, memory: '16Gi', pods: '110', ...more } },
});

const pod = (
  name: string,
  requests: Json = { cpu: '1' },
  spec: Json = {},
  uid = `uid-${name}`,
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid },
  spec: {
    containers: [{ name: 'c', image: 'i', resources: { requests, limits: spec['limits'] ?? {} } }],
    priority: 0,
    ...Object.fromEntries(Object.entries(spec).filter(([key]) => key !== 'limits')),
  },
});

const NODES = ['a', 'b', 'c'].map((name) => node(name));

function placed(
  config: SchedulerSettings,
  cluster: readonly KubeObject[] = NODES,
  ...pending: readonly KubeObject[]
): PodPlacement {
  const pods = pending.length === 0 ? [pod('p')] : pending;
  return place({ name: 'case', family: '', settings: config, cluster, pending: pods }).pods.at(-1)!;
}

const names = (nodes: readonly NodeView[]): string[] => nodes.map(({ name }) => name).sort();

describe('filter', () => {
  it('is asked about the nodes that the plug-ins let pass, and leaves those that it names', () => {
    const asked: string[][] = [];
    const shape: ExtenderShape = {
      filter: (_pod, nodes) => {
        asked.push(names(nodes));
        return { nodes: ['c'] };
      },
    };
    // b has half a CPU, the pod asks for one.
    const got = placed(settings([{ shape }]), [node('a'), node('b', '500m'), node('c')]);
    expect(asked).toEqual([['a', 'c']]);
    expect(got).toMatchObject({ result: 'scheduled', node: 'c', feasible: ['c'] });
  });

  it('is asked in turn: the next one sees what the one before it left, ignorable ones come last', () => {
    const asked: string[] = [];
    const says = (url: string, failed: string, more: Json = {}) => ({
      url,
      more,
      shape: {
        filter: (_pod, nodes) => {
          asked.push(`${url} ${names(nodes).join('')}`);
          return { failed: { [failed]: 'no' } };
        },
      } satisfies ExtenderShape,
    });
    const list = [says('http://x', 'b', { ignorable: true }), says('http://y', 'a')];
    expect(placed(settings(list)).node).toBe('c');
    expect(asked).toEqual(['http://y abc', 'http://x bc']);
  });

  it('is not asked any more when no node is left', () => {
    let calls = 0;
    const none: ExtenderShape = { filter: () => ({ nodes: [] }) };
    const counts: ExtenderShape = {
      filter: () => {
        calls += 1;
        return {};
      },
    };
    const got = placed(
      settings([
        { shape: none, url: 'http://x' },
        { shape: counts, url: 'http://y' },
      ]),
    );
    expect(calls).toBe(0);
    expect(got.result).toBe('unschedulable');
  });

  it('keeps its reasons in the message, beside those of plug-ins; nodes dropped without a word have none', () => {
    const shape: ExtenderShape = {
      filter: () => ({ failed: { a: 'no licence' }, failedAndUnresolvable: { b: 'wrong rack', a: 'gone' } }),
    };
    const cluster = [node('a'), node('b'), node('c'), node('d', '500m')];
    const got = placed(settings([{ shape }]), cluster);
    // c passes: the extender names it in no map.
    expect(got).toMatchObject({
      node: 'c',
      rejected: {
        // failedAndUnresolvable goes before failed.
        a: { plugin: URL, code: 'UnschedulableAndUnresolvable', reasons: ['gone'] },
        b: { plugin: URL, code: 'UnschedulableAndUnresolvable', reasons: ['wrong rack'] },
        d: { plugin: 'NodeResourcesFit' },
      },
    });
    const silent: ExtenderShape = { filter: () => ({ nodes: [], failed: { a: 'no licence' } }) };
    const none = placed(settings([{ shape: silent }]), cluster);
    expect(none.message).toMatch(/^0\/4 nodes are available: 1 Insufficient cpu, 1 no licence\. /);
    expect(none.rejected).toMatchObject({
      a: { code: 'Unschedulable', reasons: ['no licence'] },
      b: { code: 'UnschedulableAndUnresolvable', reasons: [] },
    });
  });

  it.each([
    ['an error', (): { error: string } => ({ error: 'licence server is down' }), 'licence server is down'],
    [
      'a node that it was not given',
      () => ({ nodes: ['z'] }),
      `extender "${URL}" claims a filtered node "z" which is not found in the input node list`,
    ],
  ])(
    '%s fails the attempt, and preemption is not tried; ignorable extenders are passed over',
    (_, filter, message) => {
      const got = placed(settings([{ shape: { filter } }]));
      expect(got).toMatchObject({ result: 'unschedulable', message });
      expect(got).not.toHaveProperty('preemption');
      expect(placed(settings([{ shape: { filter }, more: { ignorable: true } }])).result).toBe('scheduled');
    },
  );

  it('decides about the nominated node, too', () => {
    const nominated = (): KubeObject => ({ ...pod('p'), status: { nominatedNodeName: 'b' } });
    const asked: string[][] = [];
    const shape = (failed: Json): ExtenderShape => ({
      filter: (_pod, nodes) => {
        asked.push(names(nodes));
        return { failed };
      },
    });
    expect(placed(settings([{ shape: shape({}) }]), NODES, nominated())).toMatchObject({
      nominated: true,
      node: 'b',
    });
    expect(asked).toEqual([['b']]);
    asked.length = 0;
    const only = shape({ b: 'no' });
    // First alone, then with all the others: the answers name b both times.
    expect(placed(settings([{ shape: only }]), NODES, nominated()).feasible).toEqual(['a', 'c']);
    expect(asked).toEqual([['b'], ['a', 'b', 'c']]);
  });
});

describe('prioritize', () => {
  const points = (given: Record<string, number>): ExtenderShape => ({ prioritize: () => given });
  /** No scores but those of extenders. */
  const bare = {
    profiles: [
      { plugins: { preScore: { disabled: [{ name: '*' }] }, score: { disabled: [{ name: '*' }] } } },
    ],
  };

  it('adds points × weight × (100 / 10) to the totals; a node that is left out gets none', () => {
    const got = placed(
      settings(
        [
          { url: 'http://x', shape: points({ a: 3, b: 10 }), more: { weight: 2 } },
          { url: 'http://y', shape: points({ a: 7, c: 1 }), more: { weight: 5 } },
        ],
        bare,
      ),
    );
    // a: 3 × 2 × 10 + 7 × 5 × 10 = 60 + 350; b: 10 × 2 × 10; c: 1 × 5 × 10.
    expect(got.totals).toEqual({ a: 410, b: 200, c: 50 });
    expect(got.scores!['a']).toEqual({ 'http://x': 60, 'http://y': 350 });
    expect(got.node).toBe('a');
  });

  it('adds to the scores of plug-ins', () => {
    const without = placed(settings([])).totals!;
    const got = placed(settings([{ shape: points({ c: 10 }), more: { weight: 4 } }])).totals!;
    expect(got).toEqual({ a: without['a'], b: without['b'], c: without['c']! + 400 });
  });

  it('is not asked when one node is left, and an error means no points', () => {
    let calls = 0;
    const shape: ExtenderShape = {
      prioritize: () => {
        calls += 1;
        return { error: 'down' };
      },
    };
    expect(placed(settings([{ shape }]), [node('a')]).node).toBe('a');
    expect(calls).toBe(0);
    expect(placed(settings([{ shape }], bare)).totals).toEqual({ a: 0, b: 0, c: 0 });
    expect(calls).toBe(1);
  });
});

describe('managedResources', () => {
  const shape: ExtenderShape = { filter: () => ({ nodes: [] }) };
  const more = { managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: true }] };
  const fits = (asking: KubeObject): boolean =>
    placed(settings([{ shape, more }]), NODES, asking).result === 'scheduled';

  it.each([
    ['nothing of it', pod('p'), true],
    ['it in requests', pod('p', { 'example.com/gpu': '1' }, { limits: { 'example.com/gpu': '1' } }), false],
    ['it in limits', pod('p', {}, { limits: { 'example.com/gpu': '1' } }), false],
    [
      'it in an init container',
      pod(
        'p',
        { cpu: '1' },
        {
          initContainers: [
            {
              name: 'i',
              image: 'i',
              resources: { limits: { 'example.com/gpu': '1' }, requests: { 'example.com/gpu': '1' } },
            },
          ],
        },
      ),
      false,
    ],
    [
      'another resource',
      pod('p', { 'example.com/fpga': '0' }, { limits: { 'example.com/fpga': '0' } }),
      true,
    ],
  ])('a pod that asks for %s', (_, asking, isPassed) => {
    expect(fits(asking)).toBe(isPassed);
  });

  it('ignoredByScheduler takes the resource out of NodeResourcesFit, instead of the list in its arguments', () => {
    const asks = (resource: string): KubeObject =>
      pod('p', { [resource]: '1' }, { limits: { [resource]: '1' } });
    const config = (ignoredByScheduler: boolean): SchedulerSettings =>
      settings(
        [
          {
            shape: { filter: () => ({}) },
            more: { managedResources: [{ name: 'example.com/gpu', ignoredByScheduler }] },
          },
        ],
        {
          profiles: [
            {
              pluginConfig: [{ name: 'NodeResourcesFit', args: { ignoredResources: ['example.com/fpga'] } }],
            },
          ],
        },
      );
    const results = [true, false].flatMap((ignored) =>
      ['example.com/gpu', 'example.com/fpga'].map(
        (name) => placed(config(ignored), NODES, asks(name)).result,
      ),
    );
    expect(results).toEqual(['scheduled', 'unschedulable', 'unschedulable', 'scheduled']);
  });
});

describe('preempt', () => {
  const low = (name: string, at: string): KubeObject => ({
    ...pod(name, { cpu: '1' }, { nodeName: at }),
    status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' },
  });
  const cluster = [node('a', '1'), node('b', '1'), low('low-a', 'a'), low('low-b', 'b')];
  const urgent = pod('urgent', { cpu: '1' }, { priority: 10 });
  const ask = (shape: ExtenderShape, more: Json = {}): PodPlacement =>
    placed(settings([{ shape, more }]), cluster, urgent);

  it('is told who would leave, and leaves the nodes that it names', () => {
    let told: unknown;
    const got = ask({
      preempt: (_pod, victims) => {
        told = victims;
        return { b: { pods: victims['b']!.pods.map(({ uid }) => uid) } };
      },
    });
    const victim = (name: string) => ({ uid: `uid-${name}`, namespace: 'default', name, priority: 0 });
    expect(told).toEqual({
      a: { pods: [victim('low-a')], numPDBViolations: 0 },
      b: { pods: [victim('low-b')], numPDBViolations: 0 },
    });
    expect(got).toMatchObject({
      result: 'preempting',
      preemption: { outcomes: [{ node: 'b', victims: ['default/low-b'] }] },
    });
  });

  it.each([
    ['nothing left', () => ({}), 'preemption: no candidate node for preemption'],
    ['an error', () => ({ error: 'no' }), 'preemption: no'],
    ['no victims', () => ({ a: { pods: [] } }), 'preemption: expected at least one victim pod on node "a"'],
    [
      'a pod that is not there',
      () => ({ a: { pods: ['uid-low-b'] } }),
      `preemption: extender: ${URL} claims to preempt pod (UID: uid-low-b) on node: a, but the pod is not found on that node`,
    ],
    ['an unknown node', () => ({ z: { pods: ['x'] } }), 'preemption: nodeinfo not found for node name "z"'],
  ])('%s: nobody is evicted', (_, preempt, message) => {
    const got = ask({ preempt: preempt as ExtenderShape['preempt'] & object });
    expect(got.result).toBe('unschedulable');
    expect(got.preemption!.message).toMatch(new RegExp(`(^|, )${message.replace(/[()]/g, '\\$&')}$`));
  });

  it('an ignorable one that fails is passed over', () => {
    expect(ask({ preempt: () => ({ error: 'no' }) }, { ignorable: true }).result).toBe('preempting');
  });

  it('unresolvable rejections of an extender keep preemption from trying the node', () => {
    const shape = (how: 'failed' | 'failedAndUnresolvable'): ExtenderShape => ({
      filter: () => ({ [how]: { a: 'no licence' } }),
    });
    const room = [node('a'), low('low-a', 'a')];
    // There is room beside low-a: without victims preemption changes nothing, and says so when it may try.
    expect(placed(settings([{ shape: shape('failed') }]), room, urgent).preemption!.message).toContain(
      'expected at least one victim pod on node "a"',
    );
    expect(
      placed(settings([{ shape: shape('failedAndUnresolvable') }]), room, urgent).preemption!.message,
    ).toContain('1 Preemption is not helpful for scheduling');
  });
});
