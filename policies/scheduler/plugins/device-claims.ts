// The claims of a pod: which objects they are, whether they are its own, and who may use them
// (staging/src/k8s.io/dynamic-resource-allocation/resourceclaim/claim.go, v1.36).
import type { DeviceView, Json, KubeObject, PodTemplate, PodView } from '../../../engine/index.ts';

/** resource/v1 Finalizer: the claim is allocated and has to be given back before it goes. */
export const FINALIZER = 'resource.kubernetes.io/delete-protection';
/** resource/v1 ResourceClaimReservedForMaxSize. */
const RESERVED_MAX = 256;

const NONE: readonly Json[] = Object.freeze([]);

/** spec.resourceClaims of pods of the template. */
export const claimEntries = ({ spec }: PodTemplate): readonly Json[] => spec.resourceClaims ?? NONE;

export const allocationOfClaim = (claim: KubeObject): Json | undefined =>
  claim['status']?.allocation ?? undefined;

export const reservationsOf = (claim: KubeObject): readonly Json[] => claim['status']?.reservedFor ?? NONE;

export const isReservedFor = (claim: KubeObject, uid: string): boolean =>
  reservationsOf(claim).some((each) => each.uid === uid);

/** There is room for one more pod. */
export const canBeReserved = (claim: KubeObject): boolean => reservationsOf(claim).length < RESERVED_MAX;

/** The object behind an entry, null: the pod needs none for it; or why the pod has to wait. */
function claimOf(devices: DeviceView, pod: PodView, entry: Json): KubeObject | null | string {
  const isGenerated = entry.resourceClaimName === undefined;
  const name = isGenerated ? devices.claimName(pod.id, entry.name) : entry.resourceClaimName;
  if (name === undefined) return `pod "${pod.namespace}/${pod.name}": ResourceClaim not created yet`;
  if (name === null) return null;
  const claim = devices.claim(pod.namespace, name);
  if (claim === null) return `could not find ResourceClaim "${pod.namespace}/${name}"`;
  if (claim.metadata.deletionTimestamp !== undefined) return `resourceclaim "${name}" is being deleted`;
  const isOwner = claim.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === pod.uid);
  if (isGenerated && isOwner !== true)
    return `ResourceClaim ${pod.namespace}/${name} was not created for pod ${pod.namespace}/${pod.name} (pod is not owner)`;
  return claim;
}

/** The pod's claims in the order of its spec, or why it has to wait. */
export function claimsOf(devices: DeviceView, pod: PodView): readonly KubeObject[] | string {
  const claims: KubeObject[] = [];
  for (const entry of claimEntries(pod.template)) {
    const claim = claimOf(devices, pod, entry);
    if (typeof claim === 'string') return claim;
    if (claim !== null) claims.push(claim);
  }
  return claims;
}
