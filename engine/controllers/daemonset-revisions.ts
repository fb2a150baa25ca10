// The revision that a DaemonSet is at, and the clearing away of old ones (constructHistory, snapshot and cleanupHistory
// of pkg/controller/daemon/update.go, v1.36).
import type { Calls, Reply, SeenObject, Steps } from '../contracts/controller.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import {
  type ControllerHistory,
  newRevision,
  type Revision,
  revisionsOf,
  templateOf,
} from './controller-history.ts';
import { RequestFailed } from './request-failed.ts';
import { isSameTemplate } from './template-identity.ts';

export const HASH_LABEL = 'controller-revision-hash';
export const GENERATION_LABEL = 'pod-template-generation';
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** How often the template has changed, as text; '' if the set does not say. */
export const templateGeneration = (set: KubeObject): string =>
  set.metadata.annotations?.[TEMPLATE_GENERATION] ?? '';

export interface DaemonRevisions {
  readonly current: Revision;
  readonly old: readonly Revision[];
}

export const hashOf = (revision: Revision): string => revision.object.metadata.labels?.[HASH_LABEL] ?? '';

/** Why a sync ends before anything was asked for. */
const retryLater = (message: string): RequestFailed =>
  new RequestFailed({ code: 0, reason: '', message, id: -1, object: null, revision: 0 } satisfies Reply);

/** Finds the revision of the template as it is, or makes it; revisions come by number. */
export function* daemonRevisions(
  seen: SeenObject,
  set: KubeObject,
  history: ControllerHistory,
  calls: Calls,
): Steps<DaemonRevisions> {
  const revisions = yield* history.list(seen, calls);
  const { template } = set['spec'];
  const equal = revisionsOf(revisions, template);
  const old = revisions.filter((revision) => !equal.includes(revision));
  const number = old.reduce((most, { object }) => Math.max(most, object['revision']), 0) + 1;
  let current = equal.at(-1);
  // Of several for one template the newest is kept.
  for (const { id } of equal.slice(0, -1)) yield calls.delete(id);
  if (current === undefined) current = yield* snapshot(seen, set, number, history, calls);
  else if (current.object['revision'] < number) current = yield* history.renumber(current, number, calls);
  return { current, old };
}

function* snapshot(
  seen: SeenObject,
  set: KubeObject,
  number: number,
  history: ControllerHistory,
  calls: Calls,
): Steps<Revision> {
  const collisionCount: number | undefined = set['status']?.collisionCount;
  const made = newRevision(set, number, collisionCount, { hashLabel: HASH_LABEL });
  const reply = yield calls.create(made);
  const name = made.metadata.name!;
  if (reply.code < 400) return { id: reply.id, name, object: reply.object!, revision: reply.revision };
  if (reply.reason !== 'AlreadyExists') throw new RequestFailed(reply);
  const standing = yield* history.standing(seen.namespace, name, calls);
  if (standing === null) throw new RequestFailed(reply);
  if (isSameTemplate(templateOf(standing.object), set['spec'].template)) return standing;
  // The name is taken by another template: the next sync hashes with the count raised.
  const live = yield calls.get(seen.id);
  if (live.object === null) throw new RequestFailed(live);
  if (live.object['status']?.collisionCount !== collisionCount)
    throw retryLater('found a stale collision count');
  const status: Json = { ...live.object['status'], collisionCount: (collisionCount ?? 0) + 1 };
  const raised = yield calls.updateStatus(seen.id, { ...live.object, status }, live.revision);
  throw new RequestFailed(raised.code >= 400 ? raised : reply);
}

/** Deletes the oldest revisions beyond the limit that no pod is of. */
export function* cleanUp(
  set: KubeObject,
  old: readonly Revision[],
  liveHashes: () => ReadonlySet<string>,
  calls: Calls,
): Steps<void> {
  let excess = old.length - (set['spec'].revisionHistoryLimit ?? 10);
  if (excess <= 0) return;
  const live = liveHashes();
  for (const revision of old) {
    if (excess <= 0) return;
    if (live.has(hashOf(revision))) continue;
    const reply = yield calls.delete(revision.id);
    if (reply.code >= 400) throw new RequestFailed(reply);
    excess -= 1;
  }
}
