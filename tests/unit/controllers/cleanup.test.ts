// What goes when something is deleted: dependents by the garbage collector, content by the namespace controller.
import { describe, expect, it } from 'vitest';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import { byEvictionAndAge, type Ended } from '../../../engine/controllers/pod-gc.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { create, scenario, workload } from '../../property/simulation/scenario.ts';
import { deployment, Harness, MS, replicationController, SECOND, service } from './harness.ts';

describe('garbage collector', () => {
  it('deletes the ReplicaSet of a deleted Deployment, then its pods', () => {
    const h = new Harness();
    h.create(deployment('web', 3));
    h.run(5 * SECOND);
    h.delete('Deployment', 'web');
    h.run(50 * MS);
    expect(h.all('ReplicaSet')).toEqual([]);
    h.run(2 * SECOND);
    expect(h.pods()).toEqual([]);
    h.run(10 * SECOND);
    expect(h.state.pods.created).toBe(3);
  });

  it('leaves everything else alone', () => {
    const h = new Harness();
    h.create(deployment('web', 2));
    h.create(deployment('api', 2));
    h.create(replicationController('rc', 1));
    h.run(5 * SECOND);
    h.delete('Deployment', 'web');
    h.run(5 * SECOND);
    expect(h.pods()).toHaveLength(3);
    expect(h.all('ReplicaSet')).toHaveLength(1);
  });

  it('gives running pods their grace period', () => {
    const h = new Harness({ stopUs: 4 * SECOND });
    h.create(replicationController('web', 2));
    h.run(5 * SECOND);
    h.delete('ReplicationController', 'web');
    h.run(2 * SECOND);
    expect(h.pods()).toHaveLength(2);
    h.run(4 * SECOND);
    expect(h.pods()).toEqual([]);
  });

  it('takes pods that their owner made while it was being deleted', () => {
    const h = new Harness();
    h.create(replicationController('web', 50));
    // In the midst of its slow start.
    h.run(60 * MS);
    const made = h.state.pods.created;
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(50);
    h.delete('ReplicationController', 'web');
    h.run(20 * SECOND);
    expect(h.pods()).toEqual([]);
  });
});

// graph_builder.go addDependentToOwners (v1.36): an owner that is not in the graph is looked up, and when it is not found,
// or is another object of that name, the dependents are deleted as those of one that is gone.
describe('owners that are not there', () => {
  it.each([
    { title: 'no object of that name', name: 'nobody', uid: 'other', stays: false },
    { title: 'an object of that name with another UID', name: 'rc', uid: 'other', stays: false },
    { title: 'the object itself', name: 'rc', uid: 'own', stays: true },
  ])('$title: the dependent stays: $stays', ({ name, uid, stays }) => {
    const h = new Harness();
    h.create(replicationController('rc', 0));
    h.run(SECOND);
    const own = h.all('ReplicationController')[0]!.metadata.uid!;
    const owner = { apiVersion: 'v1', kind: 'ReplicationController', name, uid: uid === 'own' ? own : uid };
    const dependent = service('web');
    h.create({ ...dependent, metadata: { ...dependent.metadata, ownerReferences: [owner] } });
    h.run(SECOND);
    expect(h.all('Service')).toHaveLength(stays ? 1 : 0);
  });

  // All kinds have monitors (graph_builder.go resyncMonitors). Owners of kinds that the server does not serve never resolve
  // (restMappingError), nor does an owner in a namespace of a cluster-scoped dependent
  // (namespacedOwnerOfClusterScopedObjectErr).
  it.each<[string, string, string, string, boolean]>([
    ['Secret', 'of a Deployment', 'apps/v1', 'Deployment', false],
    ['Secret', 'of a ConfigMap', 'v1', 'ConfigMap', false],
    ['Secret', 'of a kind of which there is none', 'rbac.authorization.k8s.io/v1', 'Role', false],
    ['Secret', 'of a kind that nobody serves', 'example.com/v1', 'Thing', true],
    ['ClusterRole', 'of a ClusterRole', 'rbac.authorization.k8s.io/v1', 'ClusterRole', false],
    ['ClusterRole', 'of a ConfigMap', 'v1', 'ConfigMap', true],
  ])('a %s %s', (kind, _title, apiVersion, ownerKind, stays) => {
    const ownerReferences = [{ apiVersion, kind: ownerKind, name: 'nobody', uid: 'other' }];
    const dependent: KubeObject = {
      apiVersion: kind === 'Secret' ? 'v1' : 'rbac.authorization.k8s.io/v1',
      kind,
      metadata: { name: 'x', ...(kind === 'Secret' ? { namespace: 'default' } : {}), ownerReferences },
    };
    let timeline: Timeline | undefined;
    simulateBuiltIn(scenario([{ count: 1 }], [create(1000, dependent)], { untilUs: 5 * SECOND }), {
      timeline: (told) => (timeline = told),
    });
    const gone = [...timeline!.transitions].filter(({ o, w }) => o === `${kind}/x` && w === 'gone');
    expect(gone).toHaveLength(stays ? 0 : 1);
  });

  it('are taken to be there for what was there before: a dump may hold a part of a cluster', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd1', controller: true };
    const set = (name: string): KubeObject => ({
      ...workload('ReplicaSet', name, 1, '10m'),
      metadata: { name, namespace: 'default', uid: name, ownerReferences: [owner] },
    });
    const before = scenario([{ count: 1 }], [create(1000, set('later'))], { untilUs: 20 * SECOND });
    let timeline: Timeline | undefined;
    simulateBuiltIn(
      { ...before, existing: [{ source: 'dump', object: set('web') }] },
      { timeline: (told) => (timeline = told) },
    );
    const gone = [...timeline!.transitions].filter(({ o, w }) => /^ReplicaSet.\w+$/.test(o) && w === 'gone');
    expect(gone.map(({ o }) => o)).toEqual(['ReplicaSet/later']);
  });
});

describe('namespace controller', () => {
  it('gives a new namespace its ServiceAccount and its ConfigMap, and makes the account again', () => {
    const h = new Harness();
    h.create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop' },
      spec: { finalizers: ['kubernetes'] },
    });
    h.run(SECOND);
    const names = (): string[] =>
      h.state.objects.kinds
        .flatMap((store) => [...store.ids.keys()].map((key) => `${store.kind} ${key}`))
        .filter((key) => key.includes(' shop/'));
    const wanted = ['ConfigMap.v1 shop/kube-root-ca.crt', 'ServiceAccount shop/default'];
    expect(names().sort()).toEqual(wanted);
    const account = h.state.objects.find('ServiceAccount', 'shop', 'default');
    h.server.client('user', { qps: 0, burst: 0 }).delete(account, null);
    h.run(SECOND);
    expect(names().sort()).toEqual(wanted);
    h.delete('Namespace', 'shop');
    h.run(12 * SECOND);
    expect(names()).toEqual([]);
  });

  it('tells what finalizers hold, and lets the namespace go when they are gone', () => {
    const h = new Harness();
    h.seedNamespace('shop');
    h.create({
      ...service('web'),
      metadata: { name: 'web', namespace: 'shop', finalizers: ['example.com/hold'] },
    });
    h.run(SECOND);
    h.delete('Namespace', 'shop');
    h.run(7 * SECOND);
    const conditions = (): string[] =>
      (h.get('Namespace', 'shop')?.status.conditions ?? []).map((c: { message: string }) => c.message);
    expect(conditions()).toEqual(
      expect.arrayContaining([
        'Some resources are remaining: services. has 1 resource instances',
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ]),
    );
    const id = h.state.objects.find('Service', 'shop', 'web');
    h.server
      .client('user', { qps: 0, burst: 0 })
      .patch(id, (object) => ({ ...object, metadata: { ...object.metadata, finalizers: [] } }), null);
    h.run(20 * SECOND);
    expect(h.get('Namespace', 'shop')).toBeNull();
  });

  it('waits 5 s, deletes the pods, and 5 s after its status write everything else (recorded: ns-delete)', () => {
    const h = new Harness({ stopUs: 1500 * MS });
    h.create(deployment('web', 2));
    h.create(service('web'));
    h.run(6 * SECOND);
    h.delete('Namespace', 'default');
    h.run(100 * MS);
    expect(h.get('Namespace', 'default').status.phase).toBe('Terminating');
    h.run(4800 * MS);
    expect(h.pods().every((pod) => Number.isNaN(h.state.pods.deletionUs[pod]!))).toBe(true);
    h.run(200 * MS);
    expect(h.pods().some((pod) => Number.isNaN(h.state.pods.deletionUs[pod]!))).toBe(false);
    expect(h.all('Deployment')).toHaveLength(1);
    h.run(4700 * MS);
    expect(h.pods()).toEqual([]);
    expect(h.all('Deployment')).toHaveLength(1);
    h.run(SECOND);
    for (const kind of ['Deployment', 'ReplicaSet', 'Service', 'Endpoints', 'EndpointSlice', 'Namespace']) {
      expect(h.all(kind), kind).toEqual([]);
    }
  });

  it('waits for pods that take longer to end', () => {
    const h = new Harness({ stopUs: 12 * SECOND });
    h.create(replicationController('web', 1));
    h.run(3 * SECOND);
    h.delete('Namespace', 'default');
    h.run(15 * SECOND);
    // Deleted at 5 s, gone at 17 s; the third look, half the grace period (30 s) and a second later, finds it empty.
    expect(h.all('Namespace')).toHaveLength(1);
    h.run(15 * SECOND);
    expect(h.all('Namespace')).toEqual([]);
  });

  it('says so when pods outstay their grace period', () => {
    // Deleted at 5 s with 30 s of grace; from 30 s after the namespace's deletion on nothing excuses what is left.
    const h = new Harness({ stopUs: 60 * SECOND });
    h.create(replicationController('web', 1));
    h.run(3 * SECOND);
    h.delete('Namespace', 'default');
    const failure = (): string | undefined =>
      h
        .get('Namespace', 'default')
        ?.status.conditions?.find((c: { type: string }) => c.type === 'NamespaceDeletionContentFailure')
        ?.reason;
    h.run(20 * SECOND);
    expect(failure()).toBe('ContentDeleted');
    h.run(30 * SECOND);
    expect(failure()).toBe('ContentDeletionFailed');
    h.run(90 * SECOND);
    expect(h.all('Namespace')).toEqual([]);
  });

  it('deletes pods by name, one after the other', () => {
    const h = new Harness({ stopUs: 2 * SECOND });
    h.create(replicationController('web', 4));
    h.run(3 * SECOND);
    h.delete('Namespace', 'default');
    h.run(6 * SECOND);
    const { pods } = h.state;
    const inTable = h.pods();
    expect(inTable).toHaveLength(4);
    const revisions = [...inTable]
      .sort((a, b) => (h.state.podName(a) < h.state.podName(b) ? -1 : 1))
      .map((pod) => pods.revision[pod]!);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    expect(new Set(revisions).size).toBe(4);
  });
});

// byEvictionAndCreationTimestamp of podgc/gc_controller.go.
describe('of ended pods beyond the limit the first to go', () => {
  const pod = (name: string, seconds: number, isEvicted = false): Ended => ({
    pod: 0,
    isEvicted,
    createdUs: seconds * SECOND,
    name,
  });
  it.each([
    ['are evicted ones, though younger', [pod('old', 1), pod('evicted', 9, true)], 'evicted old'],
    ['are the oldest', [pod('b', 3), pod('a', 5), pod('c', 1)], 'c b a'],
    ['of one second go by name', [pod('b', 3.1), pod('a', 3.9), pod('c', 3)], 'a b c'],
  ])('%s', (_name, pods, order) => {
    expect(pods.sort(byEvictionAndAge).map(({ name }) => name)).toEqual(order.split(' '));
  });
});
