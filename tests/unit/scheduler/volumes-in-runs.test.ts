// Claims in a run: what the watches tell moves waiting pods, a claim that waits for its pod is bound before the pod is,
// and a binding that fails gives the volume back. The volume controller is not there: the test writes what it would.
import { describe, expect, it } from 'vitest';
import { MS, SECOND } from '../../../engine/kernel/index.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { Scheduler } from '../../../engine/scheduler/scheduler.ts';
import { STORAGE_KINDS } from '../../../engine/scheduler/storage.ts';
import { podSpec, settingsOf, World } from './support.ts';

const object = (kind: string, name: string, fields: Json, metadata: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, uid: `uid-${name}`, ...metadata },
  ...fields,
});

const claim = (name: string, storageClass: string, spec: Json = {}, metadata: Json = {}): KubeObject =>
  object(
    'PersistentVolumeClaim',
    name,
    {
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: storageClass,
        resources: { requests: { storage: '1Gi' } },
        ...spec,
      },
      status: { phase: 'Pending' },
    },
    { namespace: 'default', ...metadata },
  );

const zonal = (name: string, zone: string): KubeObject =>
  object(
    'PersistentVolume',
    name,
    {
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'now' },
      status: { phase: 'Bound' },
    },
    { labels: { 'topology.kubernetes.io/zone': zone } },
  );

const using = (...claims: string[]): Json =>
  podSpec({}, { volumes: claims.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })) });

function started(): { world: World; scheduler: Scheduler } {
  const world = new World();
  for (const kind of STORAGE_KINDS.keys()) {
    world.state.objects.register(kind, 'v1', kind.toLowerCase(), kind === 'PersistentVolumeClaim');
  }
  const scheduler = new Scheduler(world.context, settingsOf());
  scheduler.start();
  return { world, scheduler };
}

const bindings = (world: World): string[] => world.said.filter((what) => what.startsWith('bind '));

describe('claims in a run', () => {
  it('that are missing keep the pod waiting until they are there; the claim of another pod does not help', () => {
    const { world } = started();
    world.addNode('n1');
    world.addPod('p', using('c'));
    world.kernel.run(2 * SECOND);
    expect(world.said[0]).toBe(
      'Warning FailedScheduling p: 0/1 nodes are available: persistentvolumeclaim "c" not found. not found',
    );
    world.setObject(claim('other', 'now'));
    world.kernel.run(4 * SECOND);
    expect(bindings(world)).toEqual([]);
    world.setObject(claim('c', 'now'));
    world.kernel.run(6 * SECOND);
    expect(world.said).toContain(
      'Warning FailedScheduling p: 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
    );
    world.setObject(zonal('v', 'z1'));
    world.setObject(
      claim('c', 'now', { volumeName: 'v' }, { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }),
    );
    world.kernel.run(9 * SECOND);
    expect(bindings(world)).toEqual(['bind p n1']);
    expect(world.losses).toEqual([]);
  });

  it('that are bound keep their pod in the zone of the volume', () => {
    const { world } = started();
    const labels = (zone: string): Record<string, string> => ({ 'topology.kubernetes.io/zone': zone });
    world.setObject(
      claim('c', 'now', { volumeName: 'v' }, { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }),
    );
    world.setObject(zonal('v', 'z2'));
    world.addNode('n1', { labels: labels('z1') });
    world.addPod('p', using('c'));
    world.kernel.run(2 * SECOND);
    expect(bindings(world)).toEqual([]);
    world.addNode('n2', { labels: labels('z2') });
    world.kernel.run(4 * SECOND);
    expect(bindings(world)).toEqual(['bind p n2']);
  });

  it('give their volume back if the binding fails', () => {
    const { world, scheduler } = started();
    const { storage } = scheduler.cache;
    world.setObject(
      object('StorageClass', 'late', { provisioner: 'x', volumeBindingMode: 'WaitForFirstConsumer' }),
    );
    const free = object('PersistentVolume', 'v', {
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'late' },
      status: { phase: 'Available' },
    });
    world.setObject(free);
    world.setObject(claim('c', 'late'));
    world.setObject(claim('d', 'late'));
    world.addNode('n1');
    world.refuse = { code: 500, message: 'no' };
    const p = world.addPod('p', using('c', 'd'));
    const node = (name: string): string | undefined =>
      storage.claim('default', name)?.metadata.annotations?.['volume.kubernetes.io/selected-node'];
    // The attempt takes 1 ms; then the pod's status, the volume and the claim are written, 2 ms each. In between, v is
    // c's and d is provisioned for n1.
    world.kernel.run(2 * MS);
    expect(storage.volume('v')!['spec'].claimRef).toMatchObject({ name: 'c', uid: 'uid-c' });
    expect([node('c'), node('d')]).toEqual([undefined, 'n1']);
    // The status has told where the pod goes, and takes it back (clearNominatedNode of schedule_one.go).
    const nominated = (): number => world.state.pods.nominatedNode[p]!;
    expect(nominated()).toBe(0);
    world.kernel.run(100 * MS);
    expect(nominated()).toBe(-1);
    expect(storage.volume('v')).toBe(free);
    expect([...storage.volumesOfClass('late')]).toEqual([free]);
    expect([node('c'), node('d')]).toEqual([undefined, undefined]);
    expect(world.said.filter((what) => what.startsWith('Warning'))).toEqual([
      'Warning FailedScheduling p: running PreBind plugin "VolumeBinding": no',
    ]);
    world.refuse = null;
    world.kernel.run(1500 * MS);
    expect(world.said.filter((what) => what.startsWith('update'))).toEqual([
      'update PersistentVolume v',
      'update PersistentVolume v',
      'update PersistentVolumeClaim d',
    ]);
    expect(bindings(world)).toEqual([]);
    // Looked at each second from the last write on: bound once both claims are.
    const done = { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } };
    const selected = { 'volume.kubernetes.io/selected-node': 'n1' };
    world.setObject(claim('c', 'late', { volumeName: 'v' }, done));
    world.kernel.run(3 * SECOND);
    expect(bindings(world)).toEqual([]);
    world.setObject(object('PersistentVolume', 'w', { spec: {}, status: {} }));
    world.setObject(
      claim('d', 'late', { volumeName: 'w' }, { annotations: { ...done.annotations, ...selected } }),
    );
    world.kernel.run(5 * SECOND);
    expect(bindings(world)).toEqual(['bind p n1']);
    // A newer version from the API server ends what was assumed.
    world.setObject(free);
    world.kernel.run(6 * SECOND);
    expect(storage.volume('v')).toBe(free);
  });

  // checkBindings of volumebinding/binder.go: a claim that nobody on a node uses may go while its pod waits.
  it('that go while their pod waits for them end the wait', () => {
    const { world } = started();
    world.setObject(
      object('StorageClass', 'late', { provisioner: 'x', volumeBindingMode: 'WaitForFirstConsumer' }),
    );
    world.setObject(claim('c', 'late'));
    world.addNode('n1');
    world.addPod('p', using('c'));
    world.kernel.run(100 * MS);
    const { objects } = world.state;
    objects.remove(objects.find('PersistentVolumeClaim', 'default', 'c') as never, 1, world.kernel.now);
    world.setObject(claim('other', 'late'));
    world.kernel.run(1500 * MS);
    const gone = 'could not find v1.PersistentVolumeClaim "default/c"';
    expect(world.said).toContain(
      `Warning FailedScheduling p: running PreBind plugin "VolumeBinding": binding volumes: failed to check provisioning pvc: ${gone}`,
    );
  });
});
