// The annotations by which a Deployment and its ReplicaSets know one another: revisions, and the size that a
// ReplicaSet was made for (pkg/controller/deployment/util/deployment_util.go, v1.36). Pure: maps in, maps out.
import type { KubeObject } from '../kinds/kind.ts';
import type { Labels } from '../state/index.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** Annotations of a Deployment that its ReplicaSets do not inherit. */
const NOT_COPIED: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
];

/** maxRevHistoryLengthInChars: older numbers are dropped beyond it. */
const HISTORY_CHARS_MAX = 2000;

const NONE: Labels = Object.freeze({});
export const annotationsOf = (object: KubeObject): Labels => object.metadata.annotations ?? NONE;

const INTEGER = /^[+-]?\d+$/;

/** An annotation as a number, undefined if it is absent or none. */
export function numberAt(annotations: Labels, key: string): number | undefined {
  const text = annotations[key];
  return text !== undefined && INTEGER.test(text) ? Number(text) : undefined;
}

/** The revision of a ReplicaSet, 0 if it has none (Revision). */
export const revisionOf = (set: KubeObject): number => numberAt(annotationsOf(set), REVISION) ?? 0;

/** The number a new revision gets: one above the largest (MaxRevision + 1). */
export const nextRevision = (oldSets: readonly KubeObject[]): number =>
  Math.max(0, ...oldSets.map(revisionOf)) + 1;

/** With desired-replicas and max-replicas set; the same map if they were (SetReplicasAnnotations). */
export function withSizes(annotations: Labels, desired: number, max: number): Labels {
  const [desiredText, maxText] = [String(desired), String(max)];
  if (annotations[DESIRED_REPLICAS] === desiredText && annotations[MAX_REPLICAS] === maxText)
    return annotations;
  return { ...annotations, [DESIRED_REPLICAS]: desiredText, [MAX_REPLICAS]: maxText };
}

/**
 * The annotations of the ReplicaSet that is the Deployment's newest, of that revision; the same map if nothing changes
 * (SetNewReplicaSetAnnotations). A ReplicaSet that is used again remembers the revisions that it had.
 */
export function withRevision(set: Labels, deployment: Labels, revision: number): Labels {
  const next: Record<string, string> = { ...set };
  let changed = false;
  for (const [key, value] of Object.entries(deployment)) {
    if (NOT_COPIED.includes(key) || next[key] === value) continue;
    next[key] = value;
    changed = true;
  }
  const oldText = next[REVISION];
  // A number that cannot be read is left alone.
  if (oldText !== undefined && oldText !== '' && !INTEGER.test(oldText)) return set;
  if (Number(oldText ?? 0) < revision) {
    next[REVISION] = String(revision);
    changed = true;
    if (oldText !== undefined) next[REVISION_HISTORY] = withPast(next[REVISION_HISTORY] ?? '', oldText);
  }
  return changed ? next : set;
}

function withPast(history: string, revision: string): string {
  if (history === '') return revision;
  let past = history.split(',');
  const length = (): number => past.join(',').length + 1 + revision.length;
  while (past.length > 0 && length() > HISTORY_CHARS_MAX) past = past.slice(1);
  return [...past, revision].join(',');
}
