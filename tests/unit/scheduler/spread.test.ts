// PodTopologySpread, case by case (plugins/podtopologyspread, v1.36).
import { describe, expect, it } from 'vitest';
import { ClusterEvent } from '../../../engine/contracts/scheduler.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { podTopologySpread } from '../../../policies/scheduler/plugins/pod-topology-spread.ts';
import { Around, type PodSpecText } from './pods-and-domains.ts';

const SKEW = "node(s) didn't match pod topology spread constraints";
const LABEL = "node(s) didn't match pod topology spread constraints (missing required label)";
const ZONE = 'topology.kubernetes.io/zone';
const web = { app: 'web' };
const onto = (zone: string): Json => ({ labels: { [ZONE]: zone } });
const around = (nodes: Json[], args: Json = {}): Around => new Around(podTopologySpread, args, nodes);

const hard = (more: Json = {}): Json => ({
  maxSkew: 1,
  topologyKey: ZONE,
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: { matchLabels: web },
  ...more,
});
const wants = (...constraints: Json[]): PodSpecText => ({
  labels: web,
  spec: { topologySpreadConstraints: constraints },
});

describe('constraints that must hold', () => {
  it.each([
    // Pods per zone, verdict per zone; the pod itself counts: pods + 1 - least > 1 is too skewed.
    [
      [0, 0, 0],
      ['', '', ''],
    ],
    [
      [1, 0, 0],
      [SKEW, '', ''],
    ],
    [
      [2, 1, 1],
      [SKEW, '', ''],
    ],
    [
      [3, 2, 1],
      [SKEW, SKEW, ''],
    ],
  ])('with %j pods in three zones: %j', (pods, expected) => {
    const a = around([onto('a'), onto('b'), onto('c')]);
    pods.forEach((count, node) => {
      for (let i = 0; i < count; i++) a.place(node, { labels: web });
    });
    expect(a.verdicts(wants(hard()))).toEqual(expected);
  });

  it('count only pods of the namespace that match and are not being deleted', () => {
    const a = around([onto('a'), onto('b')]);
    a.place(0, { labels: { app: 'db' } });
    a.place(0, { labels: web, namespace: 'other' });
    const leaving = a.place(0, { labels: web });
    expect(a.verdicts(wants(hard()))).toEqual([SKEW, '']);
    a.terminate(leaving);
    expect(a.verdicts(wants(hard()))).toEqual(['', '']);
  });

  it('without labelSelector match nothing, not even the pod itself', () => {
    const a = around([onto('a'), onto('b')]);
    a.place(0, { labels: web });
    expect(a.verdicts(wants(hard({ labelSelector: undefined })))).toEqual(['', '']);
    // An empty selector matches all.
    expect(a.verdicts(wants(hard({ labelSelector: {} })))).toEqual([SKEW, '']);
  });

  it('leave out nodes without the label', () => {
    const a = around([onto('a'), {}]);
    expect(a.verdicts(wants(hard()))).toEqual(['', LABEL]);
  });

  it('take the least count for 0 while there are fewer domains than minDomains', () => {
    const a = around([onto('a'), onto('b')]);
    a.place(0, { labels: web });
    a.place(1, { labels: web });
    expect(a.verdicts(wants(hard()))).toEqual(['', '']);
    expect(a.verdicts(wants(hard({ minDomains: 3 })))).toEqual([SKEW, SKEW]);
  });

  it('leave out of the least count what the policies say', () => {
    const taints = [{ key: 'k', value: '', effect: 'NoSchedule' }];
    const a = around([onto('a'), onto('b'), { ...onto('c'), taints }]);
    a.place(0, { labels: web });
    a.place(1, { labels: web });
    // Zone c is empty: it holds the others back, unless its taint counts or the pod may not go there anyway.
    expect(a.verdicts(wants(hard()))).toEqual([SKEW, SKEW, '']);
    expect(a.verdicts(wants(hard({ nodeTaintsPolicy: 'Honor' })))!.slice(0, 2)).toEqual(['', '']);
    const bound = wants(hard());
    bound.spec!.nodeSelector = { [ZONE]: 'a' };
    expect(a.verdicts(bound)![0]).toBe('');
    bound.spec!.topologySpreadConstraints = [hard({ nodeAffinityPolicy: 'Ignore' })];
    expect(a.verdicts(bound)![0]).toBe(SKEW);
  });

  it('merge matchLabelKeys into the selector', () => {
    const a = around([onto('a'), onto('b')]);
    a.place(0, { labels: { ...web, hash: 'old' } });
    const pod = wants(hard({ matchLabelKeys: ['hash', 'absent'] }));
    expect(a.verdicts({ ...pod, labels: { ...web, hash: 'new' } })).toEqual(['', '']);
    expect(a.verdicts({ ...pod, labels: { ...web, hash: 'old' } })).toEqual([SKEW, '']);
  });

  it('follow pods that are supposed to leave; one being deleted was not counted but is taken off', () => {
    const a = around([onto('a'), onto('b')]);
    a.place(1, { labels: web });
    const first = a.place(0, { labels: web });
    a.place(0, { labels: web });
    // 2 and 1: only b. With one less in a: 1 and 1.
    expect(a.verdicts(wants(hard()))).toEqual([SKEW, '']);
    expect(a.verdicts(wants(hard()), [first])).toEqual(['', '']);
    // 1 and 1, the leaving one of a not counted; taken off nevertheless: 0 and 1, so b is skewed.
    const leaving = a.place(0, { labels: web });
    a.terminate(leaving);
    expect(a.verdicts(wants(hard()), [leaving])).toEqual(['', SKEW]);
  });
});

describe('default constraints', () => {
  const nodes = [onto('a'), onto('a'), onto('b')];
  const service = (a: Around, selector: Json = web): unknown =>
    a.object('v1', 'Service', { namespace: 'default', name: 'web' }, { selector });

  it('spread pods of a Service over hosts and zones', () => {
    const a = around(nodes);
    a.place(0, { labels: web });
    expect(a.scores({ labels: web })).toBeNull();
    service(a);
    // Hosts: weight ln(3 + 2) = 1.609, maxSkew 3. Zones: ln(2 + 2) = 1.386, maxSkew 5.
    // n0: 1.609 + 2 + 1.386 + 4 = 8.995 -> 9; n1: 2 + 5.386 -> 7; n2: 2 + 4 = 6.
    // Normalised by (9 + 6 - raw) / 9: 66, 88, 100.
    expect(a.scores({ labels: web })).toEqual([66, 88, 100]);
    expect(a.verdicts({ labels: web })).toBeNull();
  });

  it.each([
    ['v1', 'ReplicationController', web],
    ['apps/v1', 'ReplicaSet', { matchLabels: web }],
    ['apps/v1', 'StatefulSet', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }],
  ])('take the selector of a %s %s', (apiVersion, kind, selector) => {
    const a = around(nodes);
    a.place(0, { labels: web });
    const object = a.object(apiVersion, kind, { namespace: 'default', name: 'own' }, { selector });
    const store = a.state.objects.register(kind, apiVersion, `${kind.toLowerCase()}s`, true);
    const owner = a.state.objects.create(store, object, 1, 0);
    expect(a.scores({ labels: web, owner })).toEqual([66, 88, 100]);
    // Gone: nothing says what belongs together.
    a.cache.objects.remove(object);
    expect(a.scores({ labels: web, owner })).toBeNull();
  });

  it('score nodes without a zone; a list of the profile gives them 0', () => {
    const list = [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'ScheduleAnyway' }];
    const system = around([onto('a'), {}]);
    const listed = around([onto('a'), {}], { defaultingType: 'List', defaultConstraints: list });
    for (const a of [system, listed]) service(a);
    // System: hosts 2 each, zone 4 for n0 only: 6 and 2 -> 100 x (8 - 6) / 6 = 33, 100 x (8 - 2) / 6 = 100.
    expect(system.scores({ labels: web })).toEqual([33, 100]);
    expect(listed.scores({ labels: web })).toEqual([100, 0]);
  });

  it('are replaced by constraints of the pod, whatever these say', () => {
    const a = around(nodes);
    service(a);
    expect(a.scores(wants(hard()))).toBeNull();
  });

  it.each([
    [
      { defaultConstraints: [{ maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' }] },
      'must be empty',
    ],
    [
      {
        defaultingType: 'List',
        defaultConstraints: [{ maxSkew: 0, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' }],
      },
      '>=1',
    ],
    [{ defaultingType: 'Some' }, 'System'],
  ])('are refused when they make no sense: %j', (args, message) => {
    const { error } = podTopologySpread.args!.safeParse(args);
    expect(JSON.stringify(error?.issues)).toContain(message);
  });
});

describe('a pod that was kept away', () => {
  const a = around([onto('a'), {}]);
  const pod = wants(hard());
  const gone = (labels: Record<string, string>, namespace = 'default') => ({
    events: ClusterEvent.assignedPodDelete,
    template: a.state.template(a.pod({ labels })),
    namespace,
  });

  it.each([
    ['a pod that counts leaves', gone(web), true],
    ['a pod that does not count leaves', gone({ app: 'db' }), false],
    ['a pod of another namespace leaves', gone(web, 'other'), false],
    ['a node with the key joins', { events: ClusterEvent.nodeAdd, node: 0 }, true],
    ['a node without the key joins', { events: ClusterEvent.nodeAdd, node: 1 }, false],
  ])('hears when %s: %j', (_what, change, heard) => {
    expect(a.hears(pod, change)).toBe(heard);
  });
});
