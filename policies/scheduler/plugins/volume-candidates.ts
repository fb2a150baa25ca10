// Volumes that a claim can be bound to, but for the node, and the volume as it is once it is bound (FindMatchingVolume
// and GetBindVolumeToClaim of component-helpers/storage/volume/pv_helpers.go, v1.36).
import {
  type ClusterView,
  compareQuantities,
  compileLabelSelector,
  type KubeObject,
  storageClassOf,
} from '../../../engine/index.ts';
import { BOUND_BY_CONTROLLER, capacityOf, requestedSize, SELECTED_NODE } from './volumes.ts';

/** A claim that waits for its pod, and the volumes that would do. */
export interface WaitingClaim {
  readonly claim: KubeObject;
  /** Node that a provisioner was told before; undefined: none. */
  readonly selectedNode: string | undefined;
  /** Volumes that name the claim already: the first of them, or none. */
  readonly prebound: readonly KubeObject[];
  /** Free volumes, smallest first. */
  readonly free: readonly KubeObject[];
}

/** The volume names the claim as its own. */
function isBoundTo(volume: KubeObject, claim: KubeObject): boolean {
  const ref = volume['spec'].claimRef;
  const { namespace, name, uid } = claim.metadata;
  return ref?.name === name && ref?.namespace === namespace && (!ref.uid || ref.uid === uid);
}

const modeOf = (object: KubeObject): string => object['spec'].volumeMode ?? 'Filesystem';
const attributesOf = (object: KubeObject): string => object['spec'].volumeAttributesClassName ?? '';

/** What the claim can be bound to, but for the node (FindMatchingVolume). */
export function candidates(cluster: ClusterView, claim: KubeObject): WaitingClaim {
  const { spec, metadata } = claim;
  const size = requestedSize(claim);
  const selector = spec.selector ? compileLabelSelector(spec.selector, cluster.labelSets) : null;
  const prebound: KubeObject[] = [];
  const free: KubeObject[] = [];
  for (const volume of cluster.storage.volumesOfClass(storageClassOf(claim))) {
    const own = isBoundTo(volume, claim);
    if (volume['spec'].claimRef && !own) continue;
    if (compareQuantities(capacityOf(volume), size) < 0 || modeOf(volume) !== modeOf(claim)) continue;
    if (attributesOf(volume) !== attributesOf(claim)) continue;
    if (volume.metadata.deletionTimestamp !== undefined) continue;
    if (own) {
      prebound.push(volume);
      continue;
    }
    const modes: readonly string[] = volume['spec'].accessModes ?? [];
    if (volume['status']?.phase !== 'Available') continue;
    if (selector !== null && !selector.matches(volume.metadata.labels ?? {})) continue;
    if ((spec.accessModes ?? []).every((mode: string) => modes.includes(mode))) free.push(volume);
  }
  free.sort((a, b) => compareQuantities(capacityOf(a), capacityOf(b)));
  return { claim, selectedNode: metadata.annotations?.[SELECTED_NODE], prebound, free };
}

/** The volume as it is once bound to the claim; null: it is that already. */
export function boundVolume(volume: KubeObject, claim: KubeObject): KubeObject | null {
  const { namespace, name, uid } = claim.metadata;
  const ref = volume['spec'].claimRef;
  const isNamed = ref?.name === name && ref?.namespace === namespace && ref?.uid === uid;
  const { annotations } = volume.metadata;
  if (isNamed && (isBoundTo(volume, claim) || annotations?.[BOUND_BY_CONTROLLER] !== undefined)) return null;
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid };
  const marked = isBoundTo(volume, claim) ? annotations : { ...annotations, [BOUND_BY_CONTROLLER]: 'yes' };
  return {
    ...volume,
    metadata: { ...volume.metadata, ...(marked === undefined ? {} : { annotations: marked }) },
    spec: { ...volume['spec'], claimRef },
  };
}
