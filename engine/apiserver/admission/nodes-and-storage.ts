// Plug-ins for nodes and volumes: a new node is tainted until it reports ready (TaintNodesByCondition); volumes and
// claims get the finalizer that keeps them while in use (StorageObjectInUseProtection), claims without class the
// default one (DefaultStorageClass).
import { list } from '../../kinds/field-lists.ts';
import type { KubeObject } from '../../kinds/kind.ts';
import { protectionFinalizers } from '../../kinds/persistentvolume.ts';
import { classAskedFor } from '../../kinds/volume-facts.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';

export function admitNode(node: KubeObject): void {
  const taints = list(node.spec?.taints);
  if (taints.some((taint) => taint.key === NOT_READY && taint.effect === 'NoSchedule')) return;
  node.spec = { ...node.spec, taints: [...taints, { key: NOT_READY, effect: 'NoSchedule' }] };
}

export function admitStorage(object: KubeObject): void {
  const finalizer = protectionFinalizers[object.kind] as string;
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
}

/** A class of '' is a class, too: volumes without one. */
export function admitClass(claim: KubeObject, storageClassName: string | undefined): void {
  if (storageClassName === undefined || classAskedFor(claim) !== undefined) return;
  claim['spec'] = { ...claim['spec'], storageClassName };
}
