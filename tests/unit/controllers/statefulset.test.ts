// StatefulSets with the real API server: in which order pods come, go and are replaced, and what the set says of them.
import { describe, expect, it } from 'vitest';
import { podUid } from '../../../engine/kinds/ingest/materialise.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { PodBit, Verb } from '../../../engine/state/index.ts';
import { Harness, MS, SECOND, statefulSet } from './harness.ts';

const names = (h: Harness): string[] => h.pods().map((pod) => h.state.podName(pod));
const find = (h: Harness, name: string): number => h.state.findPod(h.state.texts.id('default'), name);
const imageOf = (h: Harness, name: string): string =>
  h.state.template(find(h, name)).spec.containers[0].image;
/** Creations and deletions of pods by the controller, as its Events tell them. */
const acts = (h: Harness): string[] =>
  h.events
    .filter(({ object }) => object === 'StatefulSet/db')
    .map(({ reason, message }) => `${reason.replace('Successful', '')} ${/Pod (\S+)/.exec(message)![1]}`);
const status = (h: Harness): Json => h.get('StatefulSet', 'db').status;

const claims = {
  volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
};

describe('OrderedReady', () => {
  it('creates one pod after the other, each when the one before is ready', () => {
    const h = new Harness();
    h.create(statefulSet('db', 3));
    h.run(SECOND);
    expect(names(h)).toEqual(['db-0']);
    // db-0 was bound within 20 ms and takes 1 s to be ready.
    h.run(100 * MS);
    expect(names(h)).toEqual(['db-0', 'db-1']);
    h.run(5 * SECOND);
    expect(names(h)).toEqual(['db-0', 'db-1', 'db-2']);
    expect(status(h)).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      updatedReplicas: 3,
    });
  });

  it('stops where a pod never becomes ready', () => {
    const h = new Harness({ readyUs: (n) => (n === 1 ? Number.NaN : SECOND) });
    h.create(statefulSet('db', 3));
    h.run(60 * SECOND);
    expect(names(h)).toEqual(['db-0', 'db-1']);
  });

  it('removes from the top, one at a time, and waits until each is gone', () => {
    const h = new Harness({ stopUs: 2 * SECOND });
    h.create(statefulSet('db', 4));
    h.run(10 * SECOND);
    h.scale('StatefulSet', 'db', 1);
    h.run(SECOND);
    expect(acts(h).slice(4)).toEqual(['Delete db-3']);
    h.run(2 * SECOND);
    expect(acts(h).slice(4)).toEqual(['Delete db-3', 'Delete db-2']);
    h.run(5 * SECOND);
    expect(names(h)).toEqual(['db-0']);
  });

  it('holds the removal of healthy pods back while another is unavailable', () => {
    const h = new Harness();
    h.create(statefulSet('db', 4));
    h.run(10 * SECOND);
    h.setReady(find(h, 'db-0'), false);
    h.scale('StatefulSet', 'db', 2);
    h.run(5 * SECOND);
    expect(names(h)).toHaveLength(4);
    h.setReady(find(h, 'db-0'), true);
    h.run(5 * SECOND);
    expect(names(h)).toEqual(['db-0', 'db-1']);
  });

  it('counts ordinals from spec.ordinals.start; a later start moves the set', () => {
    const h = new Harness();
    h.create(statefulSet('db', 2, { ordinals: { start: 5 } }));
    h.run(5 * SECOND);
    expect(names(h)).toEqual(['db-5', 'db-6']);
    h.patch('StatefulSet', 'db', (set) => ({ ...set, spec: { ...set.spec, ordinals: { start: 6 } } }));
    h.run(10 * SECOND);
    expect(names(h).sort()).toEqual(['db-6', 'db-7']);
  });

  it('waits minReadySeconds, counted from the whole second of Ready, before the next pod', () => {
    const h = new Harness({ readyUs: () => 1500 * MS });
    h.create(statefulSet('db', 2, { minReadySeconds: 4 }));
    h.run(5900 * MS - 1000 * MS);
    // Ready at 1.52 s, which the API prints as 1 s: available at 5 s.
    expect(names(h)).toEqual(['db-0']);
    expect(status(h)).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    h.run(200 * MS);
    expect(names(h)).toEqual(['db-0', 'db-1']);
    expect(status(h)).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
  });
});

describe('Parallel', () => {
  it('creates in batches of 1, 2, 4 … without waiting for any, and removes without waiting', () => {
    const h = new Harness({ stopUs: 5 * SECOND });
    h.create(statefulSet('db', 7, { podManagementPolicy: 'Parallel' }));
    h.run(100 * MS);
    expect(names(h).sort()).toEqual(['db-0', 'db-1', 'db-2', 'db-3', 'db-4', 'db-5', 'db-6']);
    const order = names(h).map((name) => Number(name.slice(3)));
    // Within a batch the order is drawn, between batches it is not.
    expect(order[0]).toBe(0);
    expect(order.slice(1, 3).sort()).toEqual([1, 2]);
    expect(order.slice(3).sort()).toEqual([3, 4, 5, 6]);
    h.run(3 * SECOND);
    h.scale('StatefulSet', 'db', 2);
    h.run(100 * MS);
    const deleting = h.pods().filter((pod) => h.state.pods.word[pod]! & PodBit.deleting);
    expect(deleting).toHaveLength(5);
  });

  it('stops at the first batch that is refused and tries again by back-off', () => {
    const h = new Harness();
    h.refusePods('exceeded quota');
    h.create(statefulSet('db', 4, { podManagementPolicy: 'Parallel' }));
    h.run(200 * MS);
    expect(names(h)).toEqual([]);
    const told = h.events.filter(({ reason }) => reason === 'FailedCreate');
    expect(told[0]!.message).toBe('Create Pod db-0 in StatefulSet db failed error: exceeded quota');
    // Tries at 5, 10, 20 … ms after one another: no more than one pod was asked for each time.
    expect(new Set(told.map(({ message }) => message)).size).toBe(1);
    h.refusePods(null);
    h.run(5 * SECOND);
    expect(names(h)).toHaveLength(4);
  });
});

describe('updates', () => {
  it.each(['OrderedReady', 'Parallel'])(
    '%s: one pod at a time from the top, each back before the next',
    (policy) => {
      const h = new Harness();
      h.create(statefulSet('db', 3, { podManagementPolicy: policy }));
      h.run(10 * SECOND);
      h.setImage('db', 'app:v2', 'StatefulSet');
      h.run(20 * SECOND);
      const after = acts(h).slice(3);
      expect(after).toEqual([
        'Delete db-2',
        'Create db-2',
        'Delete db-1',
        'Create db-1',
        'Delete db-0',
        'Create db-0',
      ]);
      expect(names(h).map((name) => imageOf(h, name))).toEqual(['app:v2', 'app:v2', 'app:v2']);
      const { currentRevision, updateRevision } = status(h);
      expect(currentRevision).toBe(updateRevision);
      expect(h.all('ControllerRevision').map(({ revision }) => revision)).toEqual([1, 2]);
    },
  );

  it('stops at the partition; pods below it come back as they were', () => {
    const h = new Harness();
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
    h.create(statefulSet('db', 4, { updateStrategy }));
    h.run(10 * SECOND);
    h.setImage('db', 'app:v2', 'StatefulSet');
    h.run(20 * SECOND);
    const images = () => ['db-0', 'db-1', 'db-2', 'db-3'].map((name) => imageOf(h, name).slice(-1)).join('');
    expect(images()).toBe('1122');
    h.deletePod(find(h, 'db-0'));
    h.deletePod(find(h, 'db-3'));
    h.run(10 * SECOND);
    expect(images()).toBe('1122');
    expect(status(h)).toMatchObject({ currentReplicas: 2, updatedReplicas: 2 });
  });

  // The server makes rollingUpdate only along with a type it makes, and only then does the partition of 0 count.
  it.each([
    ['no strategy', {}, 'app:v2'],
    ['an empty one', { updateStrategy: {} }, 'app:v2'],
    ['its type alone', { updateStrategy: { type: 'RollingUpdate' } }, 'app:v1'],
    [
      'type and an empty rollingUpdate',
      { updateStrategy: { type: 'RollingUpdate', rollingUpdate: {} } },
      'app:v2',
    ],
  ])('a lower pod lost in the middle of an update comes back as told by %s', (_what, extra, image) => {
    // The 5th pod created, db-3 of the new template, never gets ready.
    const h = new Harness({ readyUs: (n) => (n === 4 ? Number.NaN : SECOND) });
    h.create(statefulSet('db', 4, extra));
    h.run(10 * SECOND);
    h.setImage('db', 'app:v2', 'StatefulSet');
    h.run(10 * SECOND);
    expect(status(h)).toMatchObject({ currentReplicas: 3, updatedReplicas: 1 });
    h.deletePod(find(h, 'db-0'));
    h.run(10 * SECOND);
    expect(imageOf(h, 'db-0')).toBe(image);
  });

  it.each([
    [{}, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }],
    [{ type: 'RollingUpdate' }, { type: 'RollingUpdate' }],
    [
      { type: 'RollingUpdate', rollingUpdate: { partition: null } },
      { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ],
    [{ rollingUpdate: { partition: 2 } }, { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }],
    [{ type: 'OnDelete' }, { type: 'OnDelete' }],
  ])('the strategy %j is read as %j', (updateStrategy, expected) => {
    const h = new Harness();
    h.create(statefulSet('db', 1, { updateStrategy }));
    h.run(SECOND);
    expect(h.get('StatefulSet', 'db').spec.updateStrategy).toEqual(expected);
  });

  it('OnDelete leaves running pods alone and gives new ones the new template', () => {
    const h = new Harness();
    h.create(statefulSet('db', 2, { updateStrategy: { type: 'OnDelete' } }));
    h.run(10 * SECOND);
    h.setImage('db', 'app:v2', 'StatefulSet');
    h.run(10 * SECOND);
    expect(imageOf(h, 'db-1')).toBe('app:v1');
    h.deletePod(find(h, 'db-1'));
    h.run(10 * SECOND);
    expect([imageOf(h, 'db-0'), imageOf(h, 'db-1')]).toEqual(['app:v1', 'app:v2']);
  });

  it('a hanging update stays hanging when it is taken back, until somebody deletes the pod', () => {
    // The 3rd pod created is the first of the new template.
    const h = new Harness({ readyUs: (n) => (n === 2 ? Number.NaN : SECOND) });
    h.create(statefulSet('db', 2));
    h.run(10 * SECOND);
    h.setImage('db', 'app:bad', 'StatefulSet');
    h.run(10 * SECOND);
    h.setImage('db', 'app:v1', 'StatefulSet');
    h.run(60 * SECOND);
    expect(imageOf(h, 'db-1')).toBe('app:bad');
    h.deletePod(find(h, 'db-1'));
    h.run(10 * SECOND);
    expect(imageOf(h, 'db-1')).toBe('app:v1');
    // The first revision was taken up again: it has number 3 now, and 1 is nobody's.
    expect(h.all('ControllerRevision').map(({ revision }) => revision)).toEqual([3, 2]);
  });

  it('keeps revisionHistoryLimit revisions besides those in use', () => {
    const h = new Harness();
    h.create(statefulSet('db', 1, { revisionHistoryLimit: 1 }));
    for (const image of ['app:v2', 'app:v3', 'app:v4']) {
      h.run(10 * SECOND);
      h.setImage('db', image, 'StatefulSet');
    }
    h.run(10 * SECOND);
    expect(h.all('ControllerRevision').map(({ revision }) => revision)).toEqual([3, 4]);
  });
});

describe('pods', () => {
  it('carry their name, index and revision as labels, and a host name under the service', () => {
    const h = new Harness();
    h.create(statefulSet('db', 1));
    h.run(SECOND);
    const template = h.state.template(find(h, 'db-0'));
    const { currentRevision } = status(h);
    expect(template.labels).toEqual({
      app: 'db',
      'apps.kubernetes.io/pod-index': '0',
      'controller-revision-hash': currentRevision,
      'statefulset.kubernetes.io/pod-name': 'db-0',
    });
    expect(template.spec).toMatchObject({ hostname: 'db-0', subdomain: 'db' });
  });

  it('that have ended are deleted and made again, whether they failed or not', () => {
    const h = new Harness();
    h.create(statefulSet('db', 2));
    h.run(10 * SECOND);
    h.endPod(find(h, 'db-0'), 'Failed');
    h.endPod(find(h, 'db-1'), 'Succeeded');
    h.run(10 * SECOND);
    expect(names(h).sort()).toEqual(['db-0', 'db-1']);
    expect(h.state.pods.created).toBe(4);
    expect(status(h)).toMatchObject({ readyReplicas: 2 });
  });

  it('a pod of that name that is not the set’s stands in its way', () => {
    const h = new Harness();
    const spec = { containers: [{ name: 'c', image: 'x' }] };
    h.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'db-0', namespace: 'default' }, spec });
    h.run(SECOND);
    h.create(statefulSet('db', 1));
    h.run(5 * SECOND);
    expect(names(h)).toEqual(['db-0']);
    expect(h.state.pods.owner[find(h, 'db-0')]).toBe(-1);
    h.deletePod(find(h, 'db-0'));
    h.run(20 * SECOND);
    expect(h.state.pods.owner[find(h, 'db-0')]).toBeGreaterThanOrEqual(0);
  });
});

describe('claims', () => {
  it('are made before their pod, stay, and serve the next pod of the ordinal', () => {
    const h = new Harness();
    h.create(statefulSet('db', 2, claims));
    h.run(10 * SECOND);
    expect(h.all('PersistentVolumeClaim').map(({ metadata }) => metadata.name)).toEqual([
      'data-db-0',
      'data-db-1',
    ]);
    const { volumes } = h.state.template(find(h, 'db-1')).spec;
    expect(volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }]);
    h.deletePod(find(h, 'db-1'));
    h.run(10 * SECOND);
    expect(h.all('PersistentVolumeClaim')).toHaveLength(2);
    expect(
      h.all('PersistentVolumeClaim').every(({ metadata }) => metadata.ownerReferences === undefined),
    ).toBe(true);
    expect(h.events.filter(({ message }) => message.startsWith('Create Claim'))).toHaveLength(2);
  });

  // whenScaled, whenDeleted: owners of the claim of a pod that stays, and of one that is scaled away.
  it.each([
    ['Retain', 'Retain', [], []],
    ['Retain', 'Delete', ['StatefulSet'], ['StatefulSet']],
    ['Delete', 'Retain', [], ['Pod']],
    ['Delete', 'Delete', ['StatefulSet'], ['Pod']],
  ])('scaled %s, deleted %s', (whenScaled, whenDeleted, staying, leaving) => {
    const h = new Harness({ stopUs: 5 * SECOND });
    const persistentVolumeClaimRetentionPolicy = { whenScaled, whenDeleted };
    h.create(statefulSet('db', 2, { ...claims, persistentVolumeClaimRetentionPolicy }));
    h.run(10 * SECOND);
    const owners = (name: string): string[] =>
      (h.get('PersistentVolumeClaim', name).metadata.ownerReferences ?? []).map((ref: Json) => ref.kind);
    expect(owners('data-db-1')).toEqual(staying);
    const uid = podUid(h.state, find(h, 'db-1'));
    h.scale('StatefulSet', 'db', 1);
    h.run(2 * SECOND);
    expect(owners('data-db-0')).toEqual(staying);
    expect(owners('data-db-1')).toEqual(leaving);
    if (leaving[0] === 'Pod')
      expect(h.get('PersistentVolumeClaim', 'data-db-1').metadata.ownerReferences[0].uid).toBe(uid);
    // The pod goes, and with it the claim that is its own; the others go with the set, if they are the set's.
    h.run(10 * SECOND);
    const left = (): string[] => h.all('PersistentVolumeClaim').map(({ metadata }) => metadata.name);
    expect(left()).toEqual(leaving[0] === 'Pod' ? ['data-db-0'] : ['data-db-0', 'data-db-1']);
    h.delete('StatefulSet', 'db');
    h.run(10 * SECOND);
    expect(left()).toHaveLength(staying.length > 0 ? 0 : leaving[0] === 'Pod' ? 1 : 2);
  });

  // stateful_pod_control.go createPersistentVolumeClaims: a claim on its way out is an error, tried again by back-off.
  it('on their way out serve no new pod: it waits until they are gone and gets new ones', () => {
    const h = new Harness();
    h.create(statefulSet('db', 1, claims));
    h.run(10 * SECOND);
    const uid = (): string => h.get('PersistentVolumeClaim', 'data-db-0').metadata.uid;
    const first = uid();
    // The claim is protected while its pod is there.
    h.patch('PersistentVolumeClaim', 'data-db-0', (claim) => ({
      ...claim,
      metadata: { ...claim.metadata, finalizers: ['example.com/held'] },
    }));
    h.run(SECOND);
    h.delete('PersistentVolumeClaim', 'data-db-0');
    h.deletePod(find(h, 'db-0'));
    h.run(2 * SECOND);
    expect(names(h)).toEqual([]);
    expect(h.events.map(({ message }) => message)).toContain(
      'Create Pod db-0 in StatefulSet db failed error: pvc data-db-0 is being deleted',
    );
    h.patch('PersistentVolumeClaim', 'data-db-0', (claim) => ({
      ...claim,
      metadata: { ...claim.metadata, finalizers: [] },
    }));
    h.run(5 * SECOND);
    expect(names(h)).toEqual(['db-0']);
    expect(uid()).not.toBe(first);
  });

  it('a policy given later is applied to the claims that are there', () => {
    const h = new Harness();
    h.create(statefulSet('db', 2, claims));
    h.run(10 * SECOND);
    const policy = { whenScaled: 'Retain', whenDeleted: 'Delete' };
    h.patch('StatefulSet', 'db', (set) => ({
      ...set,
      spec: { ...set.spec, persistentVolumeClaimRetentionPolicy: policy },
    }));
    h.run(SECOND);
    for (const claim of h.all('PersistentVolumeClaim'))
      expect(claim.metadata.ownerReferences).toHaveLength(1);
    expect(acts(h)).toContain('Update db-1');
  });
});

describe('status', () => {
  it('is written upon what was seen: counts lag one sync behind what the sync did', () => {
    const h = new Harness();
    h.create(statefulSet('db', 1));
    h.run(5 * SECOND);
    const told = h.versions
      .filter(({ object, verb }) => object.kind === 'StatefulSet' && verb === Verb.modified)
      .map(({ object }) => object['status'])
      .map(({ replicas, readyReplicas = 0, currentReplicas = 0 }) => [
        replicas,
        readyReplicas,
        currentReplicas,
      ]);
    expect(told).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [1, 1, 1],
    ]);
  });

  // stateful_set_control.go takes every pod deleted for the update off currentReplicas, whatever its revision;
  // apps/validation ValidateStatefulSetStatus refuses the -1, so the next sync writes the status.
  it('that counts below 0 is refused: a third template while all pods are of the second', () => {
    const h = new Harness({ readyUs: () => 3 * SECOND });
    h.create({
      ...statefulSet('db', 2),
      spec: { ...(statefulSet('db', 2) as Json).spec, podManagementPolicy: 'Parallel' },
    });
    h.run(10 * SECOND);
    h.setImage('db', 'app:v2', 'StatefulSet');
    // db-1 is replaced at 13 s, then db-0, which is not ready yet: both are of v2 and the current revision is still v1.
    h.run(5 * SECOND);
    expect(status(h)).toMatchObject({ updatedReplicas: 2, readyReplicas: 1 });
    h.setImage('db', 'app:v3', 'StatefulSet');
    h.run(20 * SECOND);
    const counted = h.versions
      .filter(({ object }) => object.kind === 'StatefulSet')
      .map(({ object }) => (object as Json).status?.currentReplicas ?? 0);
    expect(Math.min(...counted)).toBe(0);
    expect(status(h)).toMatchObject({ currentReplicas: 2, updatedReplicas: 2, readyReplicas: 2 });
  });

  it('a template whose revision name is taken by another gets the next hash', () => {
    const h = new Harness();
    h.create(statefulSet('db', 1));
    h.run(5 * SECOND);
    const [{ metadata, data }] = h.all('ControllerRevision');
    h.delete('StatefulSet', 'db');
    h.run(5 * SECOND);
    const other = { spec: { template: { ...data.spec.template, metadata: { labels: { app: 'other' } } } } };
    h.create({
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { name: metadata.name, namespace: 'default', labels: { app: 'other' } },
      data: other,
      revision: 1,
    });
    h.create(statefulSet('db', 1));
    h.run(5 * SECOND);
    expect(status(h)).toMatchObject({ collisionCount: 1, readyReplicas: 1 });
    expect(status(h).currentRevision).not.toBe(metadata.name);
  });
});
