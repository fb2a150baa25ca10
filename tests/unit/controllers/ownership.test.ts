// Who owns what: pods adopted and released as labels change, and the three ways in which an owner's deletion reaches its
// dependents.
import { describe, expect, it } from 'vitest';
import type { PodMeta } from '../../../engine/contracts/api.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { deployment, Harness, MS, replicationController, SECOND, service } from './harness.ts';

const patchPod = (h: Harness, pod: number, change: (meta: PodMeta) => PodMeta): void =>
  h.server.client('user', { qps: 0, burst: 0 }).patchPod(pod, h.state.pods.generation[pod]!, change, null);

const relabel = (h: Harness, pod: number, labels: Record<string, string>): void =>
  patchPod(h, pod, (meta) => ({ ...meta, labels }));

const ownerOf = (h: Harness, pod: number): string => {
  const owner = h.state.pods.owner[pod]!;
  return owner < 0 ? 'none' : h.state.objects.lastVersion(owner)!.metadata.name!;
};

const barePod = (name: string, labels: Record<string, string>): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});

const remove = (h: Harness, kind: string, name: string, how: 'Foreground' | 'Orphan'): void =>
  h.server
    .client('user', { qps: 0, burst: 0 })
    .delete(h.state.objects.find(kind, 'default', name), null, 0, 0, how);

describe('pods change hands', () => {
  it('releases a pod whose labels no longer match and makes another (recorded: rs-adopt-release)', () => {
    const h = new Harness();
    h.create(replicationController('web', 3));
    h.run(3 * SECOND);
    const [first] = h.pods();
    relabel(h, first!, { app: 'other' });
    h.run(100 * MS);
    expect(ownerOf(h, first!)).toBe('none');
    expect(h.pods()).toHaveLength(4);
    expect(h.get('ReplicationController', 'web').status.replicas).toBe(3);
  });

  it('adopts a pod that gets its label back, and then has one too many', () => {
    const h = new Harness();
    h.create(replicationController('web', 3));
    h.run(3 * SECOND);
    const [first] = h.pods();
    relabel(h, first!, { app: 'other' });
    h.run(3 * SECOND);
    relabel(h, first!, { app: 'web' });
    h.run(40 * MS);
    expect(ownerOf(h, first!)).toBe('web');
    h.run(2 * SECOND);
    // The replacement is the youngest of four: it goes.
    expect(h.pods()).toHaveLength(3);
    expect(h.pods()).toContain(first);
  });

  it('adopts a bare pod and deletes it in the same sync when there are enough', () => {
    const h = new Harness();
    h.create(replicationController('web', 2));
    h.run(3 * SECOND);
    h.create(barePod('bare', { app: 'web' }));
    h.run(3 * SECOND);
    expect(h.pods()).toHaveLength(2);
    expect(h.events.map((event) => event.message)).toContain('Deleted pod: bare');
  });

  it('counts bare pods that were there before it instead of making its own', () => {
    const h = new Harness();
    for (const name of ['a', 'b']) h.create(barePod(name, { app: 'web' }));
    h.run(3 * SECOND);
    h.create(replicationController('web', 3));
    h.run(3 * SECOND);
    expect(h.state.pods.created).toBe(3);
    expect(h.pods().map((pod) => ownerOf(h, pod))).toEqual(['web', 'web', 'web']);
  });

  it.each([
    ['one that is being deleted', (h: Harness, pod: number) => h.deletePod(pod)],
    ['one of another namespace', () => {}],
  ])('does not adopt %s', (_, prepare) => {
    const h = new Harness({ stopUs: 20 * SECOND });
    h.seedNamespace('elsewhere');
    const pod = barePod('bare', { app: 'web' });
    if (prepare.length === 0) pod.metadata.namespace = 'elsewhere';
    h.create(pod);
    h.run(2 * SECOND);
    const [bare] = h.pods();
    prepare(h, bare!);
    h.run(100 * MS);
    h.create(replicationController('web', 1));
    h.run(2 * SECOND);
    expect(ownerOf(h, bare!)).toBe('none');
  });

  it('takes a relabelled pod out of its Service and into the other', () => {
    const h = new Harness();
    h.create(replicationController('web', 2));
    h.create(service('web'));
    h.create({ ...service('other'), spec: { ...service('other')['spec'], selector: { app: 'other' } } });
    h.run(3 * SECOND);
    const count = (name: string): number => h.get('Endpoints', name).subsets?.[0]?.addresses?.length ?? 0;
    expect([count('web'), count('other')]).toEqual([2, 0]);
    relabel(h, h.pods()[0]!, { app: 'other' });
    h.run(500 * MS);
    // One left, and the replacement is not Ready yet.
    expect([count('web'), count('other')]).toEqual([1, 1]);
  });
});

describe('PATCH of pods', () => {
  it('writes nothing where nothing changes', () => {
    const h = new Harness();
    h.create(barePod('bare', { app: 'web' }));
    h.run(2 * SECOND);
    const [pod] = h.pods();
    const before = h.state.pods.revision[pod!];
    patchPod(h, pod!, (meta) => ({ ...meta, labels: { app: 'web' } }));
    h.run(SECOND);
    expect(h.state.pods.revision[pod!]).toBe(before);
  });

  it('keeps a deleted pod until its last finalizer is gone', () => {
    const h = new Harness();
    h.create(barePod('bare', { app: 'web' }));
    h.run(2 * SECOND);
    const [pod] = h.pods();
    patchPod(h, pod!, (meta) => ({ ...meta, finalizers: ['example.com/hold'] }));
    h.run(SECOND);
    h.deletePod(pod!);
    h.run(5 * SECOND);
    expect(h.pods()).toEqual([pod]);
    patchPod(h, pod!, (meta) => ({ ...meta, finalizers: [] }));
    h.run(SECOND);
    expect(h.pods()).toEqual([]);
  });
});

describe('deletion reaches the dependents', () => {
  it('Foreground: pods first, then the ReplicaSet, then the Deployment (recorded: gc-deployment-foreground)', () => {
    const h = new Harness({ stopUs: SECOND });
    h.create(deployment('web', 3));
    h.run(3 * SECOND);
    remove(h, 'Deployment', 'web', 'Foreground');
    h.run(500 * MS);
    const [set] = h.all('ReplicaSet');
    for (const object of [h.get('Deployment', 'web'), set]) {
      expect(object.metadata.finalizers).toEqual(['foregroundDeletion']);
      expect(object.metadata.deletionTimestamp).toBeDefined();
    }
    expect(h.pods()).toHaveLength(3);
    h.run(2 * SECOND);
    expect(h.pods()).toEqual([]);
    expect(h.all('ReplicaSet')).toEqual([]);
    expect(h.get('Deployment', 'web')).toBeNull();
    const gone = h.versions.filter((version) => version.verb === 2).map((version) => version.object.kind);
    expect(gone.filter((kind) => kind !== 'Event')).toEqual(['ReplicaSet', 'Deployment']);
  });

  it('Foreground: makes no more pods for an owner that is being deleted', () => {
    const h = new Harness({ stopUs: 3 * SECOND });
    h.create(replicationController('web', 2));
    h.run(3 * SECOND);
    remove(h, 'ReplicationController', 'web', 'Foreground');
    h.run(10 * SECOND);
    expect(h.state.pods.created).toBe(2);
    expect(h.get('ReplicationController', 'web')).toBeNull();
  });

  // graph_builder.go addDependentToOwners (v1.36): what a waiting owner makes is found when one of its dependents goes.
  it('Foreground: takes what the owner made in the midst of its slow start, and then the owner', () => {
    const h = new Harness();
    h.create(replicationController('web', 50));
    h.run(60 * MS);
    expect(h.state.pods.created).toBeLessThan(50);
    remove(h, 'ReplicationController', 'web', 'Foreground');
    h.run(20 * SECOND);
    expect(h.pods()).toEqual([]);
    expect(h.get('ReplicationController', 'web')).toBeNull();
  });

  it('Orphan: the ReplicaSet stays without owner and goes on (recorded: gc-deployment-orphan)', () => {
    const h = new Harness();
    h.create(deployment('web', 3));
    h.run(3 * SECOND);
    remove(h, 'Deployment', 'web', 'Orphan');
    h.run(2 * SECOND);
    expect(h.get('Deployment', 'web')).toBeNull();
    const [set] = h.all('ReplicaSet');
    expect(set.metadata.ownerReferences ?? []).toEqual([]);
    expect(h.pods()).toHaveLength(3);
    // A Deployment of the same template finds it: no new pod.
    h.create(deployment('web', 3));
    h.run(3 * SECOND);
    expect(h.all('ReplicaSet')).toHaveLength(1);
    expect(h.state.pods.created).toBe(3);
    expect(h.get('Deployment', 'web').status.conditions.map((c: Json) => c.reason)).toContain(
      'NewReplicaSetAvailable',
    );
  });

  it('Orphan: pods stay without owner', () => {
    const h = new Harness();
    h.create(replicationController('web', 2));
    h.run(3 * SECOND);
    remove(h, 'ReplicationController', 'web', 'Orphan');
    h.run(2 * SECOND);
    expect(h.get('ReplicationController', 'web')).toBeNull();
    expect(h.pods().map((pod) => ownerOf(h, pod))).toEqual(['none', 'none']);
  });

  it('keeps what another owner still holds, and takes the lost reference away', () => {
    const h = new Harness();
    h.create(deployment('a', 0));
    h.create(deployment('b', 0));
    h.run(SECOND);
    const [b] = h.all('ReplicaSet').filter((set) => set.metadata.name.startsWith('b-'));
    const { apiVersion, kind, metadata } = h.get('Deployment', 'a');
    h.patch('ReplicaSet', b.metadata.name, (set) => ({
      ...set,
      metadata: {
        ...set.metadata,
        ownerReferences: [
          ...set.metadata.ownerReferences,
          { apiVersion, kind, name: metadata.name, uid: metadata.uid },
        ],
      },
    }));
    h.run(SECOND);
    h.delete('Deployment', 'a');
    h.run(SECOND);
    const owners = h.get('ReplicaSet', b.metadata.name).metadata.ownerReferences.map((o: Json) => o.name);
    expect(owners).toEqual(['b']);
  });
});
