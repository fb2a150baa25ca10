// Owner references: who controls an object.
import type { KubeObject, OwnerReference } from '../kinds/kind.ts';

/** UID of the owner that controls the object; undefined if none does. */
export function controllerUid(object: KubeObject): string | undefined {
  for (const owner of object.metadata.ownerReferences ?? []) if (owner.controller) return owner.uid;
  return undefined;
}

/** The reference that makes `owner` the controller of another object (metav1.NewControllerRef). */
export const controllerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name!,
  uid: owner.metadata.uid!,
  controller: true,
  blockOwnerDeletion: true,
});
