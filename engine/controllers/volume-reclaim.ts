// What the volume controller does when it looks at a volume: its phase, and what becomes of it once its claim is gone
// (syncVolume, reclaimVolume and deleteVolumeOperation of pv_controller.go, v1.36).
import type { Calls, SeenObject, Steps } from '../contracts/controller.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { BOUND_BY_CONTROLLER, claimKeyOf, modeOf, PROVISIONED_BY } from '../kinds/volume-facts.ts';
import type { VolumeBinder } from './pv-binder.ts';
import { unbind, type Version, versionOf } from './volume-writes.ts';

const policyOf = (volume: KubeObject): string => volume['spec'].persistentVolumeReclaimPolicy ?? 'Retain';

export function* syncVolume(binder: VolumeBinder, seen: SeenObject, calls: Calls): Steps<void> {
  const volume = versionOf(seen);
  const { object } = volume;
  const ref = object['spec'].claimRef;
  // Free, or kept for a claim that has not been bound to it yet.
  if (!ref?.uid) {
    yield* binder.setPhase(volume, 'Available', calls);
    return;
  }
  const found = binder.claims.get(claimKeyOf(object));
  const claim = found?.object.metadata.uid === ref.uid ? found!.object : null;
  if (claim === null) return yield* release(binder, volume, calls);
  const bound: string | undefined = claim['spec'].volumeName;
  if (!bound) {
    if (modeOf(object) !== modeOf(claim)) {
      const to = `to requested PersistentVolumeClaim "${claim.metadata.name}" due to incompatible volumeMode.`;
      binder.tell(object, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume ${to}`);
      const text = `Cannot bind PersistentVolume "${object.metadata.name}" ${to}`;
      binder.tell(claim, 'Warning', 'VolumeMismatch', text);
      return;
    }
    // The claim's own sync finishes the binding.
    binder.ctx.queue.add(found!.key);
    return;
  }
  if (bound === object.metadata.name) {
    yield* binder.setPhase(volume, 'Bound', calls);
    return;
  }
  // The claim has another volume.
  const isProvisioned = object.metadata.annotations?.[PROVISIONED_BY] !== undefined;
  if (isProvisioned && policyOf(object) === 'Delete') return yield* release(binder, volume, calls);
  const isOurs = object.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined;
  if (isOurs || object['status']?.phase !== 'Available') yield* unbind(volume, binder.nowText, calls);
}

/** The volume's claim is gone. */
function* release(binder: VolumeBinder, volume: Version, calls: Calls): Steps<void> {
  const phase: string = volume.object['status']?.phase ?? 'Pending';
  const isTold = phase === 'Released' || phase === 'Failed';
  const released = isTold ? volume : yield* binder.setPhase(volume, 'Released', calls);
  const policy = policyOf(released.object);
  if (policy === 'Delete') yield* deleteVolume(binder, released.id, calls);
  else if (policy === 'Recycle') yield* recycle(binder, released, calls);
}

function* deleteVolume(binder: VolumeBinder, id: number, calls: Calls): Steps<void> {
  const live = yield calls.get(id);
  if (live.object === null || live.object.metadata.deletionTimestamp !== undefined) return;
  const { object } = live;
  const problem = deleterProblem(object);
  if (problem === '') return;
  if (problem !== null) {
    if (object['status']?.phase === 'Failed') return;
    yield* binder.setPhase({ id, object, revision: live.revision }, 'Failed', calls, problem);
    binder.tell(object, 'Warning', 'VolumeFailedDelete', problem);
    return;
  }
  yield calls.delete(id);
}

/**
 * Why the controller cannot delete the storage behind the volume; null: it can; '': the external provisioner that made
 * it does. Only hostPath has a deleter in the controller, for tests (pkg/volume/hostpath/host_path.go).
 */
function deleterProblem(volume: KubeObject): string | null {
  const provisioner = volume.metadata.annotations?.[PROVISIONED_BY] ?? '';
  if (provisioner !== '') return provisioner.startsWith('kubernetes.io/') ? noDeleter(volume) : '';
  const path: string | undefined = volume['spec'].hostPath?.path;
  if (path === undefined) return noDeleter(volume);
  if (/\/tmp\/.+/.test(path)) return null;
  return `host_path deleter only supports /tmp/.+ but received provided ${path}`;
}

const noDeleter = (volume: KubeObject): string =>
  `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`;

/** Sources that a recycler pod can scrub; its run is not modelled, the volume is free at once. */
function* recycle(binder: VolumeBinder, volume: Version, calls: Calls): Steps<void> {
  const { hostPath, nfs } = volume.object['spec'];
  if (hostPath !== undefined || nfs !== undefined) return yield* unbind(volume, binder.nowText, calls);
  const text = 'No recycler plugin found for the volume!';
  if (volume.object['status']?.phase === 'Failed') return;
  yield* binder.setPhase(volume, 'Failed', calls, text);
  binder.tell(volume.object, 'Warning', 'VolumeFailedRecycle', text);
}
