// Who owns the claims of a StatefulSet's pods, so that the garbage collector deletes them or lets them be: what
// persistentVolumeClaimRetentionPolicy asks for (isClaimOwnerUpToDate and updateClaimOwnerRefForSetAndPod of
// pkg/controller/statefulset/stateful_set_utils.go, v1.36).
import type { KubeObject, OwnerReference } from '../kinds/kind.ts';

/** A pod as an owner; without UID while it does not exist. */
export interface PodOwner {
  readonly name: string;
  readonly uid: string | undefined;
  /** Its ordinal is not asked for any more. */
  readonly isCondemned: boolean;
}

type Policy = 'Retain' | 'Delete';

function policyOf(set: KubeObject): { whenScaled: Policy; whenDeleted: Policy } {
  const { whenScaled = 'Retain', whenDeleted = 'Retain' } =
    set['spec'].persistentVolumeClaimRetentionPolicy ?? {};
  return { whenScaled, whenDeleted };
}

const refsOf = (claim: KubeObject): readonly OwnerReference[] => claim.metadata.ownerReferences ?? [];

const meansSet = (ref: OwnerReference, set: KubeObject): boolean =>
  ref.apiVersion === set.apiVersion && ref.kind === 'StatefulSet' && ref.name === set.metadata.name;
const meansPod = (ref: OwnerReference, pod: PodOwner): boolean =>
  ref.apiVersion === 'v1' && ref.kind === 'Pod' && ref.name === pod.name;

const hasOwner = (claim: KubeObject, uid: string | undefined): boolean =>
  refsOf(claim).some((ref) => ref.uid === uid);

function isStale(claim: KubeObject, set: KubeObject, pod: PodOwner): boolean {
  return refsOf(claim).some(
    (ref) =>
      (meansSet(ref, set) && ref.uid !== set.metadata.uid) || (meansPod(ref, pod) && ref.uid !== pod.uid),
  );
}

/** Somebody else controls the claim, and the policy would have it deleted. */
export function hasUnexpectedController(claim: KubeObject, set: KubeObject, pod: PodOwner): boolean {
  const { whenScaled, whenDeleted } = policyOf(set);
  if (whenScaled === 'Retain' && whenDeleted === 'Retain') return false;
  return refsOf(claim).some((ref) => {
    if (meansSet(ref, set)) return ref.uid !== set.metadata.uid;
    if (meansPod(ref, pod)) return ref.uid !== pod.uid;
    return ref.controller === true;
  });
}

/** Which of the two is to own the claim. */
function wanted(set: KubeObject, pod: PodOwner): { set: boolean; pod: boolean } {
  const { whenScaled, whenDeleted } = policyOf(set);
  const byPod = whenScaled === 'Delete' && pod.isCondemned;
  return { set: whenDeleted === 'Delete' && !byPod, pod: byPod };
}

/** The claim's owners are as the policy has it, or none of the controller's business. */
export function ownersAreRight(claim: KubeObject, set: KubeObject, pod: PodOwner): boolean {
  if (isStale(claim, set, pod)) return true;
  const hasSet = hasOwner(claim, set.metadata.uid);
  const hasPod = pod.uid !== undefined && hasOwner(claim, pod.uid);
  if (hasUnexpectedController(claim, set, pod)) return !hasSet && !hasPod;
  const isLoose = refsOf(claim).some(
    (ref) => (ref.uid === set.metadata.uid || ref.uid === pod.uid) && ref.controller !== true,
  );
  if (isLoose) return false;
  const want = wanted(set, pod);
  return hasSet === want.set && hasPod === want.pod;
}

/** The claim with the owners that the policy wants. */
export function withOwners(claim: KubeObject, set: KubeObject, pod: PodOwner): KubeObject {
  const refs = refsOf(claim).filter((ref) => !meansSet(ref, set) && !meansPod(ref, pod));
  if (!hasUnexpectedController(claim, set, pod)) {
    const want = wanted(set, pod);
    const controller = { controller: true, blockOwnerDeletion: true };
    if (want.pod && pod.uid !== undefined)
      refs.push({ apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid, ...controller });
    if (want.set) {
      const { apiVersion, kind, metadata } = set;
      refs.push({ apiVersion, kind, name: metadata.name!, uid: metadata.uid!, ...controller });
    }
  }
  const { ownerReferences: _old, ...metadata } = claim.metadata;
  return { ...claim, metadata: { ...metadata, ...(refs.length > 0 ? { ownerReferences: refs } : {}) } };
}

/** The claim is another pod's, which is on its way out: no pod may be created on it (PodClaimIsStale). */
export function isStaleFor(claim: KubeObject, set: KubeObject, pod: PodOwner): boolean {
  if (policyOf(set).whenScaled === 'Retain') return false;
  return refsOf(claim).some((ref) => meansPod(ref, pod) && ref.uid !== pod.uid);
}
