// Which changes of a claim the API server takes: a bound one may ask for more where its class allows that, and for less
// only down to more than it has (ValidatePersistentVolumeClaimUpdate of pkg/apis/core/validation; admission plug-in
// PersistentVolumeClaimResize, plugin/pkg/admission/storage/persistentvolume/resize; v1.36).
import { claimCapacity } from '../kinds/claim-resize.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { compareQuantities } from '../kinds/quantity.ts';
import { claimSize, classOf } from '../kinds/volume-facts.ts';
import type { ClusterState } from '../state/index.ts';
import type { Refusal } from './object-writes.ts';
import { isSameJson } from './same-json.ts';

const STORAGE = 'spec.resources.requests.storage';

/** The spec without what a bound claim may change. */
function fixedPart(claim: KubeObject, isBound: boolean): Json {
  if (!isBound) return claim['spec'];
  const { volumeAttributesClassName: _, resources, ...spec } = claim['spec'];
  const { requests, ...others } = resources ?? {};
  const { storage: _storage, ...rest } = requests ?? {};
  return { ...spec, resources: { ...others, requests: rest } };
}

/** null: the change is taken. */
export function claimUpdateRefusal(
  state: ClusterState,
  stored: KubeObject,
  changed: KubeObject,
): Refusal | null {
  if (stored.kind !== 'PersistentVolumeClaim' || isSameJson(stored['spec'], changed['spec'])) return null;
  const { name } = stored.metadata;
  const isBound = stored['status']?.phase === 'Bound';
  const problems: string[] = [];
  if (!isSameJson(fixedPart(stored, isBound), fixedPart(changed, isBound)))
    problems.push(
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    );
  const [before, after] = [claimSize(stored), claimSize(changed)];
  if (compareQuantities(after, before) < 0 && compareQuantities(after, claimCapacity(stored)) <= 0)
    problems.push(`${STORAGE}: Forbidden: field can not be less than status.capacity`);
  if (problems.length > 0) {
    const told = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
    const message = `PersistentVolumeClaim ${JSON.stringify(name)} is invalid: ${told}`;
    return { code: 422, reason: 'Invalid', message };
  }
  if (compareQuantities(after, before) <= 0 || allowsExpansion(state, changed)) return null;
  return {
    code: 403,
    reason: 'Forbidden',
    message: `persistentvolumeclaims ${JSON.stringify(name)} is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize`,
  };
}

function allowsExpansion({ objects }: ClusterState, claim: KubeObject): boolean {
  const id = classOf(claim) === '' ? -1 : objects.find('StorageClass', '', classOf(claim));
  return id >= 0 && objects.get(id)!['allowVolumeExpansion'] === true;
}
