// The writes of the volume controller: each looks whether there is anything to change first, and a failed one ends the
// sync; the next event or the next resync tries again (bind, unbindVolume, updateClaimStatus and updateVolumePhase of
// pkg/controller/volume/persistentvolume/pv_controller.go, v1.36).
import type { Calls, Reply, SeenObject, Steps } from '../contracts/controller.ts';
import { PRE_RESIZE_CAPACITY } from '../kinds/claim-resize.ts';
import type { Json, KubeObject, ObjectMeta } from '../kinds/kind.ts';
import { compareQuantities } from '../kinds/quantity.ts';
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  claimReference,
  isVolumeBoundToClaim,
  volumeSize,
} from '../kinds/volume-facts.ts';

/** An object and the revision to write on top of. */
export interface Version {
  readonly id: number;
  readonly object: KubeObject;
  readonly revision: number;
}

/** Thrown where a write was refused. */
export class WriteRefused extends Error {}

export const versionOf = (seen: SeenObject): Version => ({
  id: seen.id,
  object: seen.object,
  revision: seen.revision,
});

function written(reply: Reply): Version {
  if (reply.code >= 400 || reply.object === null) throw new WriteRefused(reply.message);
  return { id: reply.id, object: reply.object, revision: reply.revision };
}

/** The metadata with the annotation set; null: without it. */
export function annotated(
  metadata: ObjectMeta,
  changes: Readonly<Record<string, string | null>>,
): ObjectMeta {
  const annotations: Record<string, string> = { ...metadata.annotations };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete annotations[key];
    else annotations[key] = value;
  }
  const { annotations: _, ...others } = metadata;
  return Object.keys(annotations).length === 0 ? others : { ...others, annotations };
}

export function* putVersion(v: Version, object: KubeObject, calls: Calls): Steps<Version> {
  return written(yield calls.update(v.id, object, v.revision));
}

function* putStatus(v: Version, status: Json, calls: Calls): Steps<Version> {
  return written(yield calls.updateStatus(v.id, { ...v.object, status }, v.revision));
}

export function* setVolumePhase(
  volume: Version,
  phase: string,
  message: string,
  nowText: string,
  calls: Calls,
): Steps<Version> {
  const { status } = volume.object as KubeObject & { status?: Json };
  if (status?.phase === phase) return volume;
  const { message: _, ...others } = status ?? {};
  // The server notes the time of the change (persistentvolume strategy).
  const next = { ...others, phase, ...(message === '' ? {} : { message }), lastPhaseTransitionTime: nowText };
  return yield* putStatus(volume, next, calls);
}

/** `volume` null: the claim has none, and its status tells no size. */
export function* setClaimStatus(
  claim: Version,
  phase: string,
  volume: KubeObject | null,
  calls: Calls,
): Steps<Version> {
  const status: Json = claim.object['status'] ?? {};
  const { accessModes: modes, capacity, ...others } = status;
  if (volume === null) {
    if (status.phase === phase && modes === undefined && capacity === undefined) return claim;
    return yield* putStatus(claim, { ...others, phase }, calls);
  }
  const wanted: readonly string[] = volume['spec'].accessModes ?? [];
  const sameModes = JSON.stringify(modes ?? []) === JSON.stringify(wanted);
  const held: string | undefined = capacity?.storage;
  // The size is the volume's when the claim becomes bound; later it is who makes volumes larger that writes it. A volume
  // that has grown further than its file system tells the size before.
  const before: string | undefined = volume.metadata.annotations?.[PRE_RESIZE_CAPACITY];
  const size = before ?? volumeSize(volume);
  const sameSize = held !== undefined && (status.phase === phase || compareQuantities(held, size) === 0);
  if (status.phase === phase && sameModes && sameSize) return claim;
  const next = {
    ...others,
    phase,
    accessModes: wanted,
    capacity: sameSize ? capacity : { ...volume['spec'].capacity, storage: size },
  };
  return yield* putStatus(claim, next, calls);
}

/** The volume names the claim. */
function* nameClaim(volume: Version, claim: KubeObject, calls: Calls): Steps<Version> {
  const { object } = volume;
  const ref = object['spec'].claimRef;
  const { namespace, name, uid } = claim.metadata;
  const isNamed = ref?.name === name && ref?.namespace === namespace && ref?.uid === uid;
  const isMarked =
    isVolumeBoundToClaim(object, claim) || object.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined;
  if (isNamed && isMarked) return volume;
  return yield* putVersion(
    volume,
    {
      ...object,
      metadata: isMarked ? object.metadata : annotated(object.metadata, { [BOUND_BY_CONTROLLER]: 'yes' }),
      spec: { ...object['spec'], claimRef: isNamed ? ref : claimReference(claim) },
    },
    calls,
  );
}

/** The claim names the volume. */
function* nameVolume(claim: Version, volume: string, calls: Calls): Steps<Version> {
  const { object } = claim;
  const { annotations } = object.metadata;
  const isNamed = object['spec'].volumeName === volume;
  const changes: Record<string, string> = {};
  if (!isNamed && annotations?.[BOUND_BY_CONTROLLER] === undefined) changes[BOUND_BY_CONTROLLER] = 'yes';
  if (annotations?.[BIND_COMPLETED] === undefined) changes[BIND_COMPLETED] = 'yes';
  if (isNamed && Object.keys(changes).length === 0) return claim;
  return yield* putVersion(
    claim,
    {
      ...object,
      metadata: annotated(object.metadata, changes),
      spec: { ...object['spec'], volumeName: volume },
    },
    calls,
  );
}

/** Four writes at most: volume, its phase, claim, its status. */
export function* bind(volume: Version, claim: Version, nowText: () => string, calls: Calls): Steps<void> {
  const named = yield* nameClaim(volume, claim.object, calls);
  const bound = yield* setVolumePhase(named, 'Bound', '', nowText(), calls);
  const naming = yield* nameVolume(claim, bound.object.metadata.name!, calls);
  yield* setClaimStatus(naming, 'Bound', bound.object, calls);
}

/** The volume is free again, or, where a user had named the claim, waits for it. */
export function* unbind(volume: Version, nowText: () => string, calls: Calls): Steps<void> {
  const { object } = volume;
  const isOurs = object.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined;
  const { claimRef, ...spec } = object['spec'];
  const { uid: _, ...unnamed } = claimRef;
  const next = yield* putVersion(
    volume,
    {
      ...object,
      metadata: isOurs ? annotated(object.metadata, { [BOUND_BY_CONTROLLER]: null }) : object.metadata,
      spec: isOurs ? spec : { ...spec, claimRef: unnamed },
    },
    calls,
  );
  yield* setVolumePhase(next, 'Available', '', nowText(), calls);
}
