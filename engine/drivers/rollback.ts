// `kubectl rollout undo`: which earlier template a Deployment (of one of its ReplicaSets), a DaemonSet or a StatefulSet
// (of one of its ControllerRevisions) goes back to, and what is written for it (kubectl
// pkg/polymorphichelpers/rollback.go, v1.36).
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { ClusterState } from '../state/index.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const TEMPLATE_HASH = 'pod-template-hash';
/** Annotations that stay the Deployment's own; all others come from the ReplicaSet. */
const OWN = [
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
];

export type Rollback =
  | { readonly change: (deployment: KubeObject) => KubeObject }
  /** Nothing is sent: what kubectl prints instead, and whether that is a failure. */
  | { readonly says: string; readonly fails: boolean };

const revisionOf = (replicaSet: KubeObject): number =>
  Number(replicaSet.metadata.annotations?.[REVISION] ?? 0);

function chosen(sets: readonly KubeObject[], toRevision: number): KubeObject | undefined {
  if (toRevision > 0) return sets.find((set) => revisionOf(set) === toRevision);
  const newestFirst = [...sets].sort((a, b) => revisionOf(b) - revisionOf(a));
  return newestFirst[1];
}

/** The template without the label that names the ReplicaSet. */
function withoutHash(template: Json): Json {
  const { [TEMPLATE_HASH]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Objects of that kind that `owner` controls. */
function controlledBy(state: ClusterState, kind: string, owner: KubeObject): KubeObject[] {
  const { objects } = state;
  return [...(objects.findKind(kind)?.ids.values() ?? [])]
    .map((id) => objects.get(id)!)
    .filter((object) =>
      object.metadata.ownerReferences?.some(
        (reference) => reference.controller && reference.uid === owner.metadata.uid,
      ),
    );
}

const notFound = (toRevision: number, otherwise: string): Rollback => ({
  says: toRevision > 0 ? `unable to find specified revision ${toRevision} in history` : otherwise,
  fails: true,
});

const skipped = (toRevision: number): Rollback => ({
  says: `skipped rollback (current template already matches revision ${toRevision})`,
  fails: false,
});

/** What undoing to `toRevision` (0: the one before) does to a Deployment, DaemonSet or StatefulSet. */
export function rollback(state: ClusterState, object: KubeObject, toRevision: number): Rollback {
  return object.kind === 'Deployment'
    ? rollbackDeployment(state, object, toRevision)
    : rollbackByRevision(state, object, toRevision);
}

/** DaemonSetRollbacker and StatefulSetRollbacker: the revision holds the patch that brings its template back. */
function rollbackByRevision(state: ClusterState, owner: KubeObject, toRevision: number): Rollback {
  const history = controlledBy(state, 'ControllerRevision', owner).sort(
    (a, b) => a['revision'] - b['revision'],
  );
  const target = toRevision > 0 ? history.find((one) => one['revision'] === toRevision) : history.at(-2);
  if (target === undefined) return notFound(toRevision, 'no last revision to roll back to');
  const { $patch: _, ...template } = target['data'].spec.template;
  if (JSON.stringify(template) === JSON.stringify(owner['spec'].template)) return skipped(toRevision);
  return { change: (stored) => ({ ...stored, spec: { ...stored['spec'], template } }) };
}

function rollbackDeployment(state: ClusterState, deployment: KubeObject, toRevision: number): Rollback {
  const target = chosen(controlledBy(state, 'ReplicaSet', deployment), toRevision);
  if (target === undefined)
    return notFound(
      toRevision,
      `no rollout history found for deployment ${JSON.stringify(deployment.metadata.name)}`,
    );
  if (deployment['spec'].paused)
    return {
      says: `you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again`,
      fails: true,
    };
  const template = withoutHash(target['spec'].template);
  if (JSON.stringify(template) === JSON.stringify(withoutHash(deployment['spec'].template)))
    return skipped(toRevision);
  return {
    change: (stored) => {
      const annotations: Record<string, string> = {};
      for (const key of OWN) {
        const own = stored.metadata.annotations?.[key];
        if (own !== undefined) annotations[key] = own;
      }
      for (const [key, value] of Object.entries(target.metadata.annotations ?? {}))
        if (!OWN.includes(key)) annotations[key] = value;
      return {
        ...stored,
        metadata: { ...stored.metadata, annotations },
        spec: { ...stored['spec'], template },
      };
    },
  };
}
