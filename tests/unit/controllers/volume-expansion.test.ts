// Claims that ask for more: what the server takes, what the resizer and the kubelets do, and how long it lasts.
import { describe, expect, it } from 'vitest';
import { type ControllerDefinition, DONE } from '../../../engine/contracts/controller.ts';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { StorageBackend } from '../../../engine/contracts/storage-backend.ts';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import { simulate } from '../../../engine/index.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { BUILT_IN } from '../../../experiments/registry.ts';
import { instantBackends } from '../../../policies/costs/storage/index.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { create, pod, SECOND, scenario } from '../../property/simulation/scenario.ts';

/** Making a volume larger takes 7 s, its file system 2 s, everything else nothing; no attaching. */
const base: StorageBackend = {
  ...instantBackends['ceph-rbd']!,
  attachRequired: false,
  expansion: 'online',
  expandUs: 7 * SECOND,
  nodeExpandUs: 2 * SECOND,
};

const storageClass = (fields: Json = { allowVolumeExpansion: true }): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'own' },
  provisioner: base.driver,
  volumeBindingMode: 'Immediate',
  ...fields,
});
const claim = (spec: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'c', namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'own',
    resources: { requests: { storage: '1Gi' } },
    ...spec,
  },
});
const user = (name = 'p'): KubeObject =>
  pod(name, '100m', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }] });
const resize = (s: number, spec: Json): TimedStep => ({
  atUs: s * SECOND,
  do: 'patch',
  objects: [],
  target: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'c' },
  patch: { type: 'merge', body: { spec } },
});
const wants = (storage: string): Json => ({ resources: { requests: { storage } } });
const remove = (s: number, name: string): TimedStep => ({
  atUs: s * SECOND,
  do: 'delete-pod',
  objects: [],
  target: { kind: 'Pod', namespace: 'default', name },
});

function run(steps: readonly TimedStep[], backend: Partial<StorageBackend> = {}, untilS = 400) {
  let timeline: Timeline | undefined;
  const last = new Map<string, KubeObject>();
  /** Sees what a client would see. */
  const observer: ControllerDefinition = {
    name: 'observer',
    clientName: 'observer',
    about: '',
    create: (ctx) => {
      for (const kind of ['PersistentVolumeClaim', 'PersistentVolume'])
        ctx.onObjects(kind, (seen) => void last.set(kind, seen.object));
      return {
        *reconcile(_key, calls) {
          yield calls.sleep(0);
          return DONE;
        },
      };
    },
  };
  const result = simulate(
    scenario([{ count: 2 }], steps, {
      costs: { ...zero, storage: { own: { ...base, ...backend } } },
      untilUs: untilS * SECOND,
      stopWhenIdle: false,
    }),
    { ...BUILT_IN.registry, controllers: [observer] },
    { timeline: (told) => (timeline = told) },
  );
  const events = timeline!.events.filter((e) => e.o === 'PersistentVolumeClaim/c');
  const at = (reason: string): number =>
    Number(events.find((e) => e.reason === reason)?.first ?? Number.NaN) / 1000;
  const seen = last.get('PersistentVolumeClaim')!;
  const { status } = seen as KubeObject & { status: Json };
  const size = [status.capacity.storage, ...(status.conditions ?? []).map((one: Json) => one.type)].join(' ');
  const { loss } = result.summary;
  return {
    timeline: timeline!,
    events,
    at,
    /** What the claim has, and conditions. */
    size,
    volume: last.get('PersistentVolume')!,
    refusals: loss.filter(({ source }) => source === 'kubectl').map(({ note }) => note),
    expand: (result.summary.latency as Record<string, { count: number; max: number }>)['volume.expand'],
  };
}

describe('the server', () => {
  const immutable =
    'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  const forbidden =
    '403 persistentvolumeclaims "c" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
  it.each<{ name: string; fields?: Json; spec: Json; holds: string }>([
    { name: 'takes a larger size', spec: wants('2Gi'), holds: '' },
    {
      name: 'refuses it where the class does not allow that',
      fields: {},
      spec: wants('2Gi'),
      holds: forbidden,
    },
    {
      name: 'refuses less than the claim has',
      spec: wants('512Mi'),
      holds:
        '422 PersistentVolumeClaim "c" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    },
    {
      name: 'refuses other changes',
      spec: { accessModes: ['ReadOnlyMany'] },
      holds: `422 PersistentVolumeClaim "c" is invalid: ${immutable}`,
    },
    {
      name: 'tells of both at once',
      spec: { ...wants('512Mi'), storageClassName: 'other' },
      holds: `422 PersistentVolumeClaim "c" is invalid: [${immutable}, spec.resources.requests.storage: Forbidden: field can not be less than status.capacity]`,
    },
  ])('$name', ({ fields, spec, holds }) => {
    const { size, refusals } = run([create(0, storageClass(fields), claim()), resize(30, spec)]);
    expect(refusals).toEqual(holds === '' ? [] : [holds]);
    // Nobody mounts it, so that a larger one waits for its file system.
    expect(size).toBe(holds === '' ? '1Gi FileSystemResizePending' : '1Gi');
  });
});

describe('a volume that grows', () => {
  it('online: 7 s by the driver, the next sync of the pod, 2 s on the node', () => {
    const k = run([create(0, storageClass(), claim(), user()), resize(30, wants('2Gi'))]);
    expect(k.at('ExternalExpanding')).toBeCloseTo(30, 3);
    expect(k.at('Resizing')).toBeCloseTo(30, 3);
    expect(k.at('FileSystemResizeRequired')).toBeCloseTo(37, 3);
    // A pod is synced each 60 to 90 s.
    expect(k.at('FileSystemResizeSuccessful')).toBeGreaterThanOrEqual(39);
    expect(k.at('FileSystemResizeSuccessful')).toBeLessThanOrEqual(39 + 90);
    expect(k.size).toBe('2Gi');
    expect(k.expand).toMatchObject({
      count: 1,
      max: expect.closeTo(k.at('FileSystemResizeSuccessful') - 30, 2),
    });
    expect(k.volume['spec'].capacity.storage).toBe('2Gi');
    expect(k.volume.metadata.annotations).not.toHaveProperty(
      'volume.alpha.kubernetes.io/pre-resize-capacity',
    );
  });

  it('waits for a pod where none has it, and grows on the way into that', () => {
    const k = run([create(0, storageClass(), claim()), resize(30, wants('2Gi')), create(100_000, user())]);
    expect(k.at('FileSystemResizeRequired')).toBeCloseTo(37, 3);
    // Mounting takes nothing, growing 2 s; the pod's worker is told at the next of its looks each 300 ms.
    expect(k.at('FileSystemResizeSuccessful')).toBeCloseTo(102, 3);
    const ready = [...k.timeline.transitions].find(
      (row) => row.o === 'Pod/p' && row.w === 'ready' && row.v === 'True',
    );
    expect(ready!.t / 1000).toBeCloseTo(102.1, 1);
    expect(k.size).toBe('2Gi');
  });

  it('has nothing to do on nodes where the backend says so', () => {
    const { nodeExpandUs: _, ...without } = base;
    const k = run([create(0, storageClass(), claim(), user()), resize(30, wants('2Gi'))], {
      ...without,
      nodeExpandUs: undefined,
    } as unknown as StorageBackend);
    expect(k.at('VolumeResizeSuccessful')).toBeCloseTo(37, 3);
    expect(k.size).toBe('2Gi');
  });

  it('has no file system: a block device', () => {
    const k = run([create(0, storageClass(), claim({ volumeMode: 'Block' })), resize(30, wants('2Gi'))]);
    expect(k.at('VolumeResizeSuccessful')).toBeCloseTo(37, 3);
  });

  it('only while nobody has it: tried again by back-off until the pod has gone', () => {
    const k = run(
      [
        create(0, storageClass(), claim(), user()),
        resize(30, wants('2Gi')),
        remove(60, 'p'),
        create(150_000, user('q')),
      ],
      { attachRequired: true, expansion: 'offline' },
    );
    const failed = k.events.filter((e) => e.reason === 'VolumeResizeFailed').map((e) => e.message);
    expect(failed[0]).toMatch(
      /^resize volume "pvc-.*" by resizer "rbd\.csi\.ceph\.com" failed: rpc error: code = FailedPrecondition desc = volume is in use$/,
    );
    expect(failed[1]).toBe(
      'Unable to expand NS/c because CSI driver rbd.csi.ceph.com only supports offline expansion and volume is currently in-use',
    );
    // Tries at 30, 38 (1 s after a failure at 37), then 2, 4, 8, 16, 32 s apart; detached within 12 s after 60 s.
    expect(k.at('FileSystemResizeRequired')).toBeGreaterThan(60);
    expect(k.at('FileSystemResizeRequired')).toBeLessThan(60 + 12 + 32 + 7);
    expect(k.at('FileSystemResizeSuccessful')).toBeGreaterThan(150);
    expect(k.size).toBe('2Gi');
  });

  it('never, where the driver cannot', () => {
    const k = run([create(0, storageClass(), claim(), user()), resize(30, wants('2Gi'))], {
      expansion: 'none',
    });
    expect(k.events.map((e) => e.reason)).toContain('ExternalExpanding');
    expect(k.at('Resizing')).toBeNaN();
    expect(k.size).toBe('1Gi');
  });

  it('twice: the second growth begins when the first is over on its node', () => {
    const k = run([
      create(0, storageClass(), claim(), user()),
      resize(30, wants('2Gi')),
      resize(40, wants('3Gi')),
    ]);
    expect(k.size).toBe('3Gi');
    expect(k.expand!.count).toBe(1);
  });
});
