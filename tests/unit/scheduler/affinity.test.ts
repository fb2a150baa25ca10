// InterPodAffinity, case by case (plugins/interpodaffinity, v1.36).
import { describe, expect, it } from 'vitest';
import { ClusterEvent } from '../../../engine/contracts/scheduler.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { interPodAffinity } from '../../../policies/scheduler/plugins/inter-pod-affinity.ts';
import { Around, type PodSpecText } from './pods-and-domains.ts';

const NEAR = "node(s) didn't match pod affinity rules";
const AWAY = "node(s) didn't match pod anti-affinity rules";
const KEPT = "node(s) didn't satisfy existing pods anti-affinity rules";
const web = { app: 'web' };
const db = { app: 'db' };
const onto = (rack: string): Json => ({ labels: { rack } });
const around = (nodes: Json[], args: Json = {}): Around => new Around(interPodAffinity, args, nodes);

const term = (labels: Json, more: Json = {}): Json => ({
  topologyKey: 'rack',
  labelSelector: { matchLabels: labels },
  ...more,
});
type Kind = 'podAffinity' | 'podAntiAffinity';
const must = (kind: Kind, labels: Json, ...terms: Json[]): PodSpecText => ({
  labels,
  spec: { affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: terms } } },
});
const likes = (kind: Kind, labels: Json, weight: number, podAffinityTerm: Json): PodSpecText => ({
  labels,
  spec: {
    affinity: {
      [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
    },
  },
});

describe('required terms', () => {
  it('keep a pod near others, by the value of the key', () => {
    const a = around([onto('1'), onto('1'), onto('2'), {}]);
    a.place(0, { labels: db });
    expect(a.verdicts(must('podAffinity', web, term(db)))).toEqual(['', '', NEAR, NEAR]);
  });

  it('let the first of a series go anywhere with the key, if it means itself', () => {
    const a = around([onto('1'), {}]);
    expect(a.verdicts(must('podAffinity', web, term(web)))).toEqual(['', NEAR]);
    expect(a.verdicts(must('podAffinity', web, term(db)))).toEqual([NEAR, NEAR]);
    // A second term that it does not mean itself.
    expect(a.verdicts(must('podAffinity', web, term(web), term(db)))).toEqual([NEAR, NEAR]);
    // There is one already, though out of reach of the key: still the first.
    a.place(1, { labels: web });
    expect(a.verdicts(must('podAffinity', web, term(web)))).toEqual(['', NEAR]);
  });

  it('are to be met by the same pods, all of them', () => {
    const a = around([onto('1'), onto('2')]);
    a.place(0, { labels: web });
    a.place(1, { labels: { ...web, tier: 'front' } });
    expect(a.verdicts(must('podAffinity', db, term(web), term({ tier: 'front' })))).toEqual([NEAR, '']);
  });

  it('keep pods apart, in both directions', () => {
    const a = around([onto('1'), onto('2'), {}]);
    a.place(0, must('podAntiAffinity', db, term(web)));
    a.place(1, { labels: { app: 'cache' } });
    expect(a.verdicts({ labels: web })).toEqual([KEPT, '', '']);
    expect(a.verdicts({ labels: db })).toBeNull();
    expect(a.verdicts(must('podAntiAffinity', web, term({ app: 'cache' })))).toEqual([KEPT, AWAY, '']);
  });

  it('of pods that have left count no more', () => {
    const a = around([onto('1')]);
    const first = a.place(0, must('podAntiAffinity', db, term(web)));
    const second = a.place(0, must('podAntiAffinity', db, term(web)));
    expect(a.verdicts({ labels: web })).toEqual([KEPT]);
    expect(a.verdicts({ labels: web }, [second])).toEqual([KEPT]);
    expect(a.verdicts({ labels: web }, [first])).toEqual(['']);
  });

  it('join matchLabelKeys and mismatchLabelKeys to the selector', () => {
    const a = around([onto('1'), onto('2')]);
    a.place(0, { labels: { ...web, hash: 'old' } });
    a.place(1, { labels: { ...web, hash: 'new' } });
    const pod = (more: Json): PodSpecText =>
      must('podAntiAffinity', { ...web, hash: 'new' }, term(web, more));
    expect(a.verdicts(pod({ matchLabelKeys: ['hash'] }))).toEqual(['', AWAY]);
    expect(a.verdicts(pod({ mismatchLabelKeys: ['hash'] }))).toEqual([AWAY, '']);
  });

  it.each([
    // Pods of the namespaces default, blue and red stand on one node each.
    ['of the own namespace', {}, [AWAY, '', '']],
    ['of namespaces by name', { namespaces: ['blue'] }, ['', AWAY, '']],
    ['of namespaces by label', { namespaceSelector: { matchLabels: { color: 'red' } } }, ['', '', AWAY]],
    [
      'both',
      { namespaces: ['blue'], namespaceSelector: { matchLabels: { color: 'red' } } },
      ['', AWAY, AWAY],
    ],
    ['of all namespaces', { namespaceSelector: {} }, [AWAY, AWAY, AWAY]],
    // Each pod's namespace is asked once more, without its labels: absent labels match.
    [
      'of namespaces without a label, which is all of them',
      { namespaceSelector: { matchExpressions: [{ key: 'color', operator: 'DoesNotExist' }] } },
      [AWAY, AWAY, AWAY],
    ],
  ])('mean pods %s', (_what, more, expected) => {
    const a = around([onto('1'), onto('2'), onto('3')]);
    a.namespace('default', {});
    a.namespace('blue', { color: 'blue' });
    a.namespace('red', { color: 'red' });
    a.place(0, { labels: web });
    a.place(1, { labels: web, namespace: 'blue' });
    a.place(2, { labels: web, namespace: 'red' });
    expect(a.verdicts(must('podAntiAffinity', db, term(web, more)))).toEqual(expected);
  });

  it('of pods that run see the labels of the namespace as they are now', () => {
    const a = around([onto('1')]);
    a.place(
      0,
      must('podAntiAffinity', db, term(web, { namespaceSelector: { matchLabels: { color: 'red' } } })),
    );
    a.namespace('team', { color: 'blue' });
    expect(a.verdicts({ labels: web, namespace: 'team' })).toBeNull();
    a.namespace('team', { color: 'red' });
    expect(a.verdicts({ labels: web, namespace: 'team' })).toEqual([KEPT]);
  });
});

describe('scores', () => {
  const nodes = [onto('1'), onto('2'), onto('3')];

  it('add the weights of preferred terms, own and of pods that run', () => {
    const a = around(nodes);
    a.place(0, { labels: db });
    a.place(0, { labels: db });
    a.place(1, likes('podAntiAffinity', db, 30, term(web)));
    // Own: +10 for each db: 20, 10, 0. The one on n1 wants web away: -30. Together 20, -20, 0 -> 100, 0, 50.
    expect(a.scores(likes('podAffinity', web, 10, term(db)))).toEqual([100, 0, 50]);
    // Without own wishes: 0, -30, 0.
    expect(a.scores({ labels: web })).toEqual([100, 0, 100]);
  });

  it('count required affinity of pods that run by hardPodAffinityWeight', () => {
    const pod = must('podAffinity', db, term(web));
    const one = around(nodes);
    const none = around(nodes, { hardPodAffinityWeight: 0 });
    for (const a of [one, none]) a.place(2, pod);
    expect(one.scores({ labels: web })).toEqual([0, 0, 100]);
    expect(none.scores({ labels: web })).toBeNull();
  });

  it('may leave out wishes of others for pods without wishes', () => {
    const a = around(nodes, { ignorePreferredTermsOfExistingPods: true });
    a.place(1, likes('podAntiAffinity', db, 30, term(web)));
    expect(a.scores({ labels: web })).toBeNull();
    // A pod that has some meets those of others too: n1 +10 - 30.
    expect(a.scores(likes('podAffinity', web, 10, term(db)))).toEqual([100, 0, 100]);
  });

  it('are 0 for all if all sums are equal, and absent if nothing matches anything', () => {
    const a = around([onto('1'), onto('1')]);
    a.place(0, { labels: db });
    expect(a.scores(likes('podAffinity', web, 10, term(db)))).toEqual([0, 0]);
    expect(a.scores(likes('podAffinity', web, 10, term({ app: 'none' })))).toBeNull();
  });
});

describe('a pod that was kept away', () => {
  const a = around([onto('1'), {}]);
  const change = (events: number, pod: PodSpecText) => ({
    events,
    template: a.state.template(a.pod(pod)),
    namespace: 'default',
  });
  const { assignedPodAdd, assignedPodDelete, nodeAdd } = ClusterEvent;
  const near = must('podAffinity', web, term(db));
  const away = must('podAntiAffinity', web, term(db));

  it.each([
    ['the pod comes that it wants to be near', near, change(assignedPodAdd, { labels: db }), true],
    ['another pod comes', near, change(assignedPodAdd, { labels: web }), false],
    ['the pod leaves that it wants to be away from', away, change(assignedPodDelete, { labels: db }), true],
    ['such a pod comes', away, change(assignedPodAdd, { labels: db }), false],
    [
      'a pod leaves that kept it away',
      { labels: web },
      change(assignedPodDelete, must('podAntiAffinity', db, term(web))),
      true,
    ],
    ['a node with the key joins', near, { events: nodeAdd, node: 0 }, true],
    ['a node without the key joins', near, { events: nodeAdd, node: 1 }, false],
  ])('hears when %s', (_what, pod, event, heard) => {
    expect(a.hears(pod, event)).toBe(heard);
  });
});
