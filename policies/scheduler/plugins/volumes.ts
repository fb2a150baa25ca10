// What the volume plug-ins share: which claims a pod's volumes stand for, texts for what is missing, and sizes.
import type { Json, KubeObject, PodTemplate, PodView, StorageView } from '../../../engine/index.ts';

/** Annotations of component-helpers/storage/volume/pv_helpers.go. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
/** Provisioner of classes whose volumes somebody makes by hand. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** The claim behind a volume of a pod. */
export interface ClaimVolume {
  readonly ephemeral: boolean;
  /** Of the claim, or of the volume if it is ephemeral: the claim is then called `<pod>-<volume>`. */
  readonly name: string;
}

const NO_VOLUMES: readonly Json[] = Object.freeze([]);

export const volumesOf = (template: PodTemplate): readonly Json[] => template.spec.volumes ?? NO_VOLUMES;

export function claimVolume(volume: Json): ClaimVolume | null {
  if (volume.persistentVolumeClaim !== undefined) {
    return { ephemeral: false, name: volume.persistentVolumeClaim.claimName ?? '' };
  }
  return volume.ephemeral === undefined ? null : { ephemeral: true, name: volume.name };
}

const NO_CLAIMS: readonly ClaimVolume[] = Object.freeze([]);
const claimsOf = new WeakMap<PodTemplate, readonly ClaimVolume[]>();

/** The claims of a pod's volumes in the order of the spec, found once per template. */
export function claimVolumes(template: PodTemplate): readonly ClaimVolume[] {
  // Most pods have none, and several plug-ins ask in each attempt.
  if (template.spec.volumes === undefined) return NO_CLAIMS;
  let claims = claimsOf.get(template);
  if (claims === undefined) {
    claims = volumesOf(template).flatMap((volume) => claimVolume(volume) ?? []);
    claimsOf.set(template, claims);
  }
  return claims;
}

/** Name of the claim behind a volume of the pod with that name. */
export const claimName = (pod: { readonly name: string }, volume: ClaimVolume): string =>
  volume.ephemeral ? `${pod.name}-${volume.name}` : volume.name;

export const missingClaim = (name: string): string => `persistentvolumeclaim "${name}" not found`;
export const missingVolume = (name: string): string => `persistentvolume "${name}" not found`;
export const missingClass = (name: string): string => `storageclass.storage.k8s.io "${name}" not found`;

/** The claim of an ephemeral volume is controlled by its pod; otherwise, what is wrong (storage/ephemeral). */
export function ownershipProblem(
  pod: { readonly namespace: string; readonly name: string; readonly uid: string },
  claim: KubeObject,
): string | null {
  const controller = claim.metadata.ownerReferences?.find((owner) => owner.controller === true);
  if (controller?.uid === pod.uid) return null;
  const { namespace, name } = claim.metadata;
  return `PVC ${namespace}/${name} was not created for pod ${pod.namespace}/${pod.name} (pod is not owner)`;
}

/** Bound, and the binding is complete on both sides. */
export const isFullyBound = (claim: KubeObject): boolean =>
  Boolean(claim['spec'].volumeName) && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined;

/** True if the class delays binding until a pod needs it; an absent class does not. */
export function delaysBinding(storage: StorageView, className: string): boolean {
  return (
    className !== '' && storage.storageClass(className)?.['volumeBindingMode'] === 'WaitForFirstConsumer'
  );
}

/** Size asked for or held. */
export const requestedSize = (claim: KubeObject): string =>
  String(claim['spec'].resources?.requests?.storage ?? '0');
export const capacityOf = (volume: KubeObject): string => String(volume['spec'].capacity?.storage ?? '0');

/** Whether one of the pod's volumes stands for the claim. Other pods of an equal template may have it, too. */
export function asksFor(pod: PodView, claim: KubeObject): boolean {
  if (claim.metadata.namespace !== pod.namespace) return false;
  const { name } = claim.metadata;
  return claimVolumes(pod.template).some((volume) =>
    volume.ephemeral ? name!.endsWith(`-${volume.name}`) : volume.name === name,
  );
}
