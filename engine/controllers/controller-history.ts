// ControllerRevisions: earlier pod templates of a StatefulSet or DaemonSet, numbered
// (pkg/controller/history/controller_history.go and the newRevision of both controllers, v1.36).
//
// A revision holds the template whole. Two revisions are equal when their templates are; a template that comes back
// takes its old revision, which gets the next number. Names end in a hash of the template (template-identity.ts).
import type {
  Calls,
  ControllerContext,
  Reply,
  SeenObject,
  SeenObjects,
  Steps,
} from '../contracts/controller.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { compileLabelSelector } from '../state/index.ts';
import { controllerReference, controllerUid } from './owner.ts';
import { RequestFailed } from './request-failed.ts';
import { isSameTemplate, templateHash } from './template-identity.ts';

/** A revision's version as a sync knows it. */
export interface Revision {
  readonly id: number;
  readonly name: string;
  readonly object: KubeObject;
  /** etcd revision of that version. */
  readonly revision: number;
}

/** Longest prefix of a revision's name (ControllerRevisionName). */
const PREFIX_MAX = 223;

export const revisionName = (parent: string, hash: string): string =>
  `${parent.slice(0, PREFIX_MAX)}-${hash}`;

/** The pod template that a revision holds. The same object at each call. */
export function templateOf(revision: KubeObject): Json {
  const data: Json = revision['data'];
  let template = templates.get(data);
  if (template === undefined) {
    const { $patch: _patch, ...rest } = data.spec.template;
    template = rest;
    templates.set(data, template);
  }
  return template;
}
const templates = new WeakMap<object, Json>();

const dataOf = (template: Json): Json => ({ spec: { template: { $patch: 'replace', ...template } } });

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** SortControllerRevisions. */
const byNumber = (a: Revision, b: Revision): number =>
  a.object['revision'] - b.object['revision'] ||
  byText(a.object.metadata.creationTimestamp ?? '', b.object.metadata.creationTimestamp ?? '') ||
  byText(a.name, b.name);

const toRevision = ({ id, name, object, revision }: SeenObject): Revision => ({ id, name, object, revision });

/** What a controller puts on its revisions. */
export interface RevisionStyle {
  /** Label with the hash. */
  readonly hashLabel: string;
}

/** A revision to be created: all that the server does not add. */
export function newRevision(
  parent: KubeObject,
  number: number,
  collisionCount: number | undefined,
  style: RevisionStyle,
): KubeObject {
  const template = parent['spec'].template;
  const hash = templateHash(template, collisionCount);
  const { annotations, namespace, name } = parent.metadata;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: revisionName(name!, hash),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, [style.hashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(parent)],
    },
    data: dataOf(template),
    revision: number,
  };
}

export class ControllerHistory {
  readonly #ctx: ControllerContext;
  readonly #seen: SeenObjects;
  /** Revisions that nobody controls. */
  readonly #orphans = new Set<SeenObject>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#seen = ctx.objects('ControllerRevision');
    ctx.onObjects('ControllerRevision', (seen) => {
      const isOrphan = controllerUid(seen.object) === undefined && this.#seen.byId(seen.id) !== undefined;
      if (isOrphan) this.#orphans.add(seen);
      else this.#orphans.delete(seen);
    });
  }

  /** The parent's revisions by number, those that it takes over now among them. */
  *list(parent: SeenObject, calls: Calls): Steps<Revision[]> {
    const own = this.#seen.controlledBy(parent.object.metadata.uid!).map(toRevision);
    if (this.#orphans.size > 0) own.push(...(yield* this.#adopted(parent, calls)));
    return own.sort(byNumber);
  }

  *#adopted(parent: SeenObject, calls: Calls): Steps<Revision[]> {
    const { labels } = this.#ctx.run.state;
    const selector = compileLabelSelector(parent.object['spec'].selector, labels);
    const wanted = [...this.#orphans].filter(
      ({ namespace, object }) =>
        namespace === parent.namespace &&
        object.metadata.deletionTimestamp === undefined &&
        selector.matches(object.metadata.labels ?? {}),
    );
    if (wanted.length === 0 || parent.object.metadata.deletionTimestamp !== undefined) return [];
    // Before anything is adopted, it is made sure that the owner itself has not been deleted meanwhile.
    const live = yield calls.get(parent.id);
    if (live.object === null || live.object.metadata.deletionTimestamp !== undefined)
      throw new RequestFailed(live);
    const adopted: Revision[] = [];
    for (const { id, name } of wanted) {
      const reply = yield calls.patch(id, (object) => ({
        ...object,
        metadata: { ...object.metadata, ownerReferences: [controllerReference(parent.object)] },
      }));
      if (reply.code === 404) continue;
      if (reply.code >= 400) throw new RequestFailed(reply);
      adopted.push({ id, name, object: reply.object!, revision: reply.revision });
    }
    return adopted;
  }

  /** Gives a revision another number; nothing is written if it has it. */
  *renumber(revision: Revision, number: number, calls: Calls): Steps<Revision> {
    if (revision.object['revision'] === number) return revision;
    const changed = { ...revision.object, revision: number };
    let reply = yield calls.update(revision.id, changed, revision.revision);
    if (reply.code === 409) {
      const live = yield calls.get(revision.id);
      if (live.object === null) throw new RequestFailed(live);
      reply = yield calls.update(revision.id, { ...live.object, revision: number }, live.revision);
    }
    if (reply.code >= 400) throw new RequestFailed(reply);
    return { ...revision, object: reply.object!, revision: reply.revision };
  }

  /** The revision that stands in the way of creating one of that name; null: it is gone again. */
  *standing(namespace: string, name: string, calls: Calls): Steps<Revision | null> {
    const id = this.#ctx.run.state.objects.find('ControllerRevision', namespace, name);
    if (id < 0) return null;
    const live: Reply = yield calls.get(id);
    return live.object === null ? null : { id, name, object: live.object, revision: live.revision };
  }

  /** Deletes the oldest of `unused` until `limit` are left; a negative limit keeps all. */
  *truncate(unused: readonly Revision[], limit: number, calls: Calls): Steps<void> {
    if (limit < 0) return;
    for (const { id } of unused.slice(0, Math.max(0, unused.length - limit))) {
      const reply = yield calls.delete(id);
      if (reply.code >= 400 && reply.code !== 404) throw new RequestFailed(reply);
    }
  }
}

/** Those with the template (FindEqualRevisions), in the given order. */
export const revisionsOf = (revisions: readonly Revision[], template: Json): Revision[] =>
  revisions.filter(({ object }) => isSameTemplate(templateOf(object), template));

/** nextRevision: one more than the last. */
export const nextNumber = (revisions: readonly Revision[]): number =>
  (revisions.at(-1)?.object['revision'] ?? 0) + 1;
