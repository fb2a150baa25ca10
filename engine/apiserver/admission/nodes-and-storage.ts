// Plug-ins for nodes and volumes: a new node is tainted until it reports ready (TaintNodesByCondition); volumes and
// claims get the finalizer that keeps them while in use (StorageObjectInUseProtection).
import { list } from '../../kinds/field-lists.ts';
import type { KubeObject } from '../../kinds/kind.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const FINALIZERS: Record<string, string> = {
  PersistentVolume: 'kubernetes.io/pv-protection',
  PersistentVolumeClaim: 'kubernetes.io/pvc-protection',
};

export function admitNode(node: KubeObject): void {
  const taints = list(node.spec?.taints);
  if (taints.some((taint) => taint.key === NOT_READY && taint.effect === 'NoSchedule')) return;
  node.spec = { ...node.spec, taints: [...taints, { key: NOT_READY, effect: 'NoSchedule' }] };
}

export function admitStorage(object: KubeObject): void {
  const finalizer = FINALIZERS[object.kind] as string;
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
}
