// The volume controller against the real API server: which volume a claim gets, phases and Events on the way, what
// becomes of volumes whose claim is gone, and what holds objects that are in use.
import { describe, expect, it, test } from 'vitest';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { Harness, MS, SECOND } from './harness.ts';

interface VolumeOptions {
  size?: string;
  modes?: readonly string[];
  storageClass?: string;
  policy?: string;
  path?: string;
  labels?: Record<string, string>;
  spec?: Json;
}

const volume = (name: string, options: VolumeOptions = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, ...(options.labels === undefined ? {} : { labels: options.labels }) },
  spec: {
    capacity: { storage: options.size ?? '1Gi' },
    accessModes: [...(options.modes ?? ['ReadWriteOnce'])],
    storageClassName: options.storageClass ?? 'man',
    persistentVolumeReclaimPolicy: options.policy ?? 'Retain',
    hostPath: { path: options.path ?? '/data' },
    ...options.spec,
  },
});

const claim = (name: string, spec: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', finalizers: ['kubernetes.io/pvc-protection'] },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'man',
    resources: { requests: { storage: '1Gi' } },
    ...spec,
  },
  status: { phase: 'Pending' },
});

const storageClass = (name: string, fields: Json): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  ...fields,
});

const phase = (h: Harness, kind: string, name: string): string | undefined =>
  h.get(kind, name)?.status?.phase;

const eventsOf = (h: Harness, name: string): string[] =>
  h.events
    .filter(({ object }) => object.endsWith(`/${name}`))
    .map(({ reason, message }) => `${reason}: ${message}`);

describe('a claim gets', () => {
  test.each<[string, KubeObject[], KubeObject, string | undefined]>([
    [
      'the smallest volume that is large enough',
      [volume('a', { size: '5Gi' }), volume('b', { size: '2Gi' })],
      claim('c'),
      'b',
    ],
    ['nothing too small', [volume('a', { size: '512Mi' })], claim('c'), undefined],
    [
      'one with no more access modes than it asks for, though it is larger',
      [volume('a', { modes: ['ReadWriteOnce', 'ReadOnlyMany'] }), volume('b', { size: '9Gi' })],
      claim('c'),
      'b',
    ],
    ['none that lacks a mode', [volume('a')], claim('c', { accessModes: ['ReadWriteMany'] }), undefined],
    ['none of another class', [volume('a', { storageClass: 'x' })], claim('c'), undefined],
    [
      'one that its selector takes',
      [volume('a'), volume('b', { labels: { t: 'b' } })],
      claim('c', { selector: { matchLabels: { t: 'b' } } }),
      'b',
    ],
    ['none of another mode', [volume('a', { spec: { volumeMode: 'Block' } })], claim('c'), undefined],
    [
      'the one that names it, though a smaller one is free',
      [volume('a'), volume('b', { size: '9Gi', spec: { claimRef: { namespace: 'default', name: 'c' } } })],
      claim('c'),
      'b',
    ],
    [
      'the one that it names',
      [volume('a'), volume('b', { size: '9Gi' })],
      claim('c', { volumeName: 'b' }),
      'b',
    ],
  ])('%s', (_what, volumes, asked, got) => {
    const h = new Harness();
    for (const each of volumes) h.create(each);
    h.run(SECOND);
    h.create(asked);
    h.run(SECOND);
    const stored = h.get('PersistentVolumeClaim', 'c');
    expect([stored.status.phase, stored.spec.volumeName]).toEqual([
      got === undefined ? 'Pending' : 'Bound',
      got,
    ]);
    if (got === undefined) return;
    expect(stored.status.capacity).toEqual(h.get('PersistentVolume', got).spec.capacity);
    expect(h.get('PersistentVolume', got)).toMatchObject({
      spec: { claimRef: { name: 'c', namespace: 'default', uid: stored.metadata.uid } },
      status: { phase: 'Bound' },
    });
  });
});

describe('a claim that finds nothing', () => {
  test.each<[string, Json, KubeObject[], string]>([
    [
      'without class',
      { storageClassName: '' },
      [],
      'FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ],
    [
      'of a class that is not there',
      {},
      [],
      'ProvisioningFailed: storageclass.storage.k8s.io "man" not found',
    ],
    [
      'of a class without provisioner',
      {},
      [storageClass('man', { provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'Immediate' })],
      'ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
    ],
    [
      'of a class that waits for a pod',
      {},
      [storageClass('man', { provisioner: 'x/y', volumeBindingMode: 'WaitForFirstConsumer' })],
      'WaitForFirstConsumer: waiting for first consumer to be created before binding',
    ],
    [
      'of a class with an external provisioner',
      {},
      [storageClass('man', { provisioner: 'x/y', volumeBindingMode: 'Immediate' })],
      "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'x/y' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
    ],
    [
      'that names a volume too small for it',
      { volumeName: 'small' },
      [volume('small', { size: '1Mi' })],
      'VolumeMismatch: Cannot bind to requested volume "small": requested PV is too small',
    ],
  ])('%s says why', (_what, spec, others, text) => {
    const h = new Harness();
    for (const each of others) h.create(each);
    h.run(SECOND);
    h.create(claim('c', spec));
    h.run(500 * MS);
    expect(new Set(eventsOf(h, 'c'))).toEqual(new Set([text]));
    expect(phase(h, 'PersistentVolumeClaim', 'c')).toBe('Pending');
  });

  it('is bound at the 15 s resync after a volume appears, not by its event', () => {
    const h = new Harness();
    h.create(claim('c'));
    h.run(20 * SECOND);
    const ticks = h.events.filter(({ object }) => object.endsWith('/c')).map(({ timeUs }) => timeUs);
    const tick = ticks.at(-1)!;
    h.create(volume('v'));
    h.run(tick + 14.9 * SECOND - h.now);
    expect(phase(h, 'PersistentVolume', 'v')).toBe('Available');
    h.run(200 * MS);
    expect(phase(h, 'PersistentVolumeClaim', 'c')).toBe('Bound');
  });

  // findBestMatchForClaim with delayBinding (pv_controller.go syncUnboundClaim): a chosen node starts the provisioner and
  // nothing else; free volumes stay the scheduler's to give away.
  it('of a class that waits and has a node chosen is left to its provisioner, though a volume is free', () => {
    const h = new Harness();
    h.create(storageClass('late', { provisioner: 'x.example', volumeBindingMode: 'WaitForFirstConsumer' }));
    h.create(volume('a', { storageClass: 'late' }));
    h.run(SECOND);
    const wanted = claim('c', { storageClassName: 'late' });
    h.create({
      ...wanted,
      metadata: { ...wanted.metadata, annotations: { 'volume.kubernetes.io/selected-node': 'n1' } },
    });
    h.run(SECOND);
    expect(h.get('PersistentVolumeClaim', 'c').spec.volumeName).toBeUndefined();
    expect(eventsOf(h, 'c').map((text) => text.split(':')[0])).toContain('ExternalProvisioning');
  });

  it('and no class gets the default class when there is one', () => {
    const h = new Harness();
    h.create(claim('c', { storageClassName: undefined }));
    h.run(SECOND);
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    const made = storageClass('std', { provisioner: 'x/y', volumeBindingMode: 'WaitForFirstConsumer' });
    h.create({ ...made, metadata: { name: 'std', annotations } });
    h.run(16 * SECOND);
    expect(h.get('PersistentVolumeClaim', 'c').spec.storageClassName).toBe('std');
  });
});

describe('a volume whose claim is gone', () => {
  test.each<[string, VolumeOptions, string | undefined, string[]]>([
    ['Retain', { policy: 'Retain' }, 'Released', []],
    ['Delete, a path below /tmp', { policy: 'Delete', path: '/tmp/v' }, undefined, []],
    [
      'Delete, another path',
      { policy: 'Delete', path: '/data/v' },
      'Failed',
      ['VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /data/v'],
    ],
    [
      'Delete, storage that nobody here deletes',
      { policy: 'Delete', spec: { hostPath: undefined, nfs: { server: 's', path: '/' } } },
      'Failed',
      [
        'VolumeFailedDelete: error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
      ],
    ],
    ['Recycle', { policy: 'Recycle' }, 'Available', []],
  ])('%s', (_what, options, end, events) => {
    const h = new Harness();
    h.create(volume('v', options));
    h.create(claim('c'));
    h.run(20 * SECOND);
    expect(phase(h, 'PersistentVolumeClaim', 'c')).toBe('Bound');
    h.delete('PersistentVolumeClaim', 'c');
    h.run(20 * SECOND);
    expect(phase(h, 'PersistentVolume', 'v')).toBe(end);
    expect(eventsOf(h, 'v')).toEqual(events);
  });

  it('is not given to a new claim of the same name', () => {
    const h = new Harness();
    h.create(volume('v'));
    h.create(claim('c'));
    h.run(20 * SECOND);
    h.delete('PersistentVolumeClaim', 'c');
    h.run(SECOND);
    h.create(claim('c'));
    h.run(20 * SECOND);
    expect([phase(h, 'PersistentVolumeClaim', 'c'), phase(h, 'PersistentVolume', 'v')]).toEqual([
      'Pending',
      'Released',
    ]);
  });
});

it('a bound volume that is deleted stays; without its finalizer it goes, and its claim is lost', () => {
  const h = new Harness();
  h.create(volume('v'));
  h.create(claim('c'));
  h.run(20 * SECOND);
  h.delete('PersistentVolume', 'v');
  h.run(20 * SECOND);
  expect(phase(h, 'PersistentVolume', 'v')).toBe('Bound');
  h.patch('PersistentVolume', 'v', (v) => ({ ...v, metadata: { ...v.metadata, finalizers: [] } }));
  h.run(SECOND);
  expect(phase(h, 'PersistentVolumeClaim', 'c')).toBe('Lost');
  expect(eventsOf(h, 'c').at(-1)).toBe(
    'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  );
});

it('a deleted claim stays while a pod on a node uses it', () => {
  const h = new Harness();
  h.create(volume('v'));
  h.create(claim('c'));
  h.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
    },
  } as KubeObject);
  h.run(20 * SECOND);
  h.delete('PersistentVolumeClaim', 'c');
  h.run(20 * SECOND);
  expect(h.get('PersistentVolumeClaim', 'c').metadata.deletionTimestamp).toBeDefined();
  h.deletePod(h.pods()[0]!);
  h.run(SECOND);
  expect(h.get('PersistentVolumeClaim', 'c')).toBeNull();
  expect(phase(h, 'PersistentVolume', 'v')).toBe('Released');
});

it('an ephemeral volume gets a claim of its own, owned by the pod', () => {
  const h = new Harness();
  h.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: claim('x')['spec'] } } }],
    },
  } as KubeObject);
  h.run(SECOND);
  expect(h.get('PersistentVolumeClaim', 'p-scratch')).toMatchObject({
    metadata: { ownerReferences: [{ kind: 'Pod', name: 'p', controller: true }] },
    spec: { storageClassName: 'man' },
  });
});
