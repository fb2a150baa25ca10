// What everybody who deals with claims and volumes knows: annotations and finalizers by which controllers talk to each
// other, who is bound to whom, sizes, modes, classes, and the claims behind a pod's volumes (component-helpers/storage,
// v1.36).
import type { Json, KubeObject } from './kind.ts';

/** component-helpers/storage/volume/pv_helpers.go. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';

export const PV_PROTECTION = 'kubernetes.io/pv-protection';
export const PVC_PROTECTION = 'kubernetes.io/pvc-protection';
/** sig-storage-lib-external-provisioner, controller.go. */
export const PROVISIONER_FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';

/** The annotation is older and goes first (storage/volume/helpers.go). undefined: no class is asked for or refused. */
export function classAskedFor(object: KubeObject): string | undefined {
  const annotated = object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'];
  return annotated ?? object['spec']?.storageClassName;
}

export const classOf = (object: KubeObject): string => classAskedFor(object) ?? '';

/** Size asked for or held. */
export const claimSize = (claim: KubeObject): string =>
  String(claim['spec'].resources?.requests?.storage ?? '0');
export const volumeSize = (volume: KubeObject): string => String(volume['spec'].capacity?.storage ?? '0');

export const modeOf = (object: KubeObject): string => object['spec'].volumeMode ?? 'Filesystem';

/** Every access mode that the claim asks for is one of the volume's. */
export function hasModes(volume: KubeObject, claim: KubeObject): boolean {
  const modes: readonly string[] = volume['spec'].accessModes ?? [];
  return (claim['spec'].accessModes ?? []).every((mode: string) => modes.includes(mode));
}

/** The volume names the claim as its own: by name, and by UID once it has one. */
export function isVolumeBoundToClaim(volume: KubeObject, claim: KubeObject): boolean {
  const ref = volume['spec'].claimRef;
  const { namespace, name, uid } = claim.metadata;
  return ref?.name === name && ref?.namespace === namespace && (!ref.uid || ref.uid === uid);
}

/** namespace/name of the claim that the volume names; '' for none. */
export function claimKeyOf(volume: KubeObject): string {
  const ref = volume['spec'].claimRef;
  return ref ? `${ref.namespace ?? ''}/${ref.name}` : '';
}

export const isBindCompleted = (claim: KubeObject): boolean =>
  claim.metadata.annotations?.[BIND_COMPLETED] !== undefined;

/** Reference by which a volume names its claim. */
export const claimReference = (claim: KubeObject): Json => ({
  kind: 'PersistentVolumeClaim',
  apiVersion: 'v1',
  namespace: claim.metadata.namespace,
  name: claim.metadata.name,
  uid: claim.metadata.uid,
});

/** A volume of a pod that stands for a claim. */
export interface PodClaim {
  /** Name of the volume in the pod. */
  readonly volume: string;
  /** The claim; of an ephemeral volume the part after `<pod>-`. */
  readonly name: string;
  /** volumeClaimTemplate of an ephemeral volume; null: the claim is not the pod's own. */
  readonly template: Json | null;
}

const NONE: readonly PodClaim[] = Object.freeze([]);

/** The claims of a pod's volumes, in the order of its spec. */
export function podClaims(spec: Json): readonly PodClaim[] {
  const volumes: readonly Json[] | undefined = spec.volumes;
  if (volumes === undefined) return NONE;
  const claims = volumes.flatMap((volume): PodClaim[] => {
    const claimName: string | undefined = volume.persistentVolumeClaim?.claimName;
    if (claimName !== undefined) return [{ volume: volume.name, name: claimName, template: null }];
    if (volume.ephemeral === undefined) return [];
    return [{ volume: volume.name, name: volume.name, template: volume.ephemeral.volumeClaimTemplate ?? {} }];
  });
  return claims.length === 0 ? NONE : claims;
}

/** Name of the claim behind a volume of the pod with that name. */
export const podClaimName = (pod: string, claim: PodClaim): string =>
  claim.template === null ? claim.name : `${pod}-${claim.name}`;
