// Whether a claim may ask for more: only where its storage class allows that (admission plug-in
// PersistentVolumeClaimResize, plugin/pkg/admission/storage/persistentvolume/resize, v1.36). What else may change of a
// claim says updates.ts.
import type { KubeObject } from '../kinds/kind.ts';
import { compareQuantities } from '../kinds/quantity.ts';
import { claimSize, classOf } from '../kinds/volume-facts.ts';
import type { ClusterState } from '../state/index.ts';
import type { Refusal } from './object-writes.ts';

/** null: the change is taken. */
export function expansionRefusal(
  { objects }: ClusterState,
  stored: KubeObject,
  changed: KubeObject,
): Refusal | null {
  if (stored.kind !== 'PersistentVolumeClaim') return null;
  if (compareQuantities(claimSize(changed), claimSize(stored)) <= 0) return null;
  const id = classOf(changed) === '' ? -1 : objects.find('StorageClass', '', classOf(changed));
  if (id >= 0 && objects.get(id)!['allowVolumeExpansion'] === true) return null;
  const name = JSON.stringify(stored.metadata.name);
  return {
    code: 403,
    reason: 'Forbidden',
    message: `persistentvolumeclaims ${name} is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize`,
  };
}
