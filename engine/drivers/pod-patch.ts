// A PATCH of a pod's metadata by a user: its labels, annotations, finalizers and the owner that controls it. What else a
// pod has is written once, so that steps which would change it are refused before the run.
import type { PodMeta } from '../contracts/api.ts';
import type { TimedStep } from '../contracts/scenario.ts';
import type { Json, OwnerReference } from '../kinds/kind.ts';
import { applyPatch } from '../kinds/patch.ts';
import type { ClusterState } from '../state/index.ts';

/** How the newest metadata becomes the patched one; a JSON patch that does not fit it throws RangeError. */
export function podPatch(
  state: ClusterState,
  pod: number,
  { type, body }: NonNullable<TimedStep['patch']>,
): (meta: PodMeta) => PodMeta {
  return (meta) => {
    const { labels, annotations, finalizers } = meta;
    const references = referencesOf(state, meta.owner);
    const before = { labels, annotations, finalizers, ownerReferences: references };
    const after: Json = applyPatch({ metadata: before }, type, body).metadata ?? {};
    const wanted: readonly OwnerReference[] = after.ownerReferences ?? [];
    return {
      labels: after.labels ?? {},
      annotations: after.annotations ?? {},
      finalizers: after.finalizers ?? [],
      owner:
        after.ownerReferences === references
          ? meta.owner
          : ownerOf(state, state.podNamespace(pod), wanted, meta.owner),
    };
  };
}

function referencesOf(state: ClusterState, owner: number): readonly OwnerReference[] {
  const object = owner < 0 ? null : state.objects.lastVersion(owner);
  if (object === null) return [];
  const { apiVersion, kind, metadata } = object;
  const { name = '', uid = '' } = metadata;
  return [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }];
}

/** ObjectId of the controlling owner among the references, -1. */
function ownerOf(
  state: ClusterState,
  namespace: string,
  references: readonly OwnerReference[],
  before: number,
): number {
  const controller = references.find((reference) => reference.controller);
  if (controller === undefined) return -1;
  const { objects } = state;
  if (before >= 0 && objects.lastVersion(before)?.metadata.uid === controller.uid) return before;
  const known = objects.findKind(controller.kind) !== undefined;
  const id = known ? objects.find(controller.kind, namespace, controller.name) : -1;
  if (id < 0) throw new RangeError(`metadata.ownerReferences: no ${controller.kind} ${controller.name}`);
  return id;
}
