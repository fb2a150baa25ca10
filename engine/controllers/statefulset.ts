// The StatefulSet controller: pods with ordinals, made and replaced in order (pkg/controller/statefulset, v1.36).
//
// A sync finds the revisions of the set (controller-history.ts), brings its pods to what is asked for
// (statefulset-sync.ts), writes status if that has changed and drops revisions beyond the history limit. Before all that
// it adopts pods of its ordinals' names that nobody controls, and releases those that it does not select any more.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObject,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { Stream } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { PodBit, Verb } from '../state/index.ts';
import {
  ControllerHistory,
  newRevision,
  nextNumber,
  type Revision,
  revisionsOf,
  templateOf,
} from './controller-history.ts';
import { Ownership } from './ownership.ts';
import { isReady } from './pod-view.ts';
import { RequestFailed } from './request-failed.ts';
import { ordinalOf } from './statefulset-identity.ts';
import {
  countReplicas,
  nextAvailableUs,
  type Replicas,
  replicasOf,
  statefulStatus,
} from './statefulset-replicas.ts';
import { StatefulSetSync } from './statefulset-sync.ts';
import { isSameTemplate } from './template-identity.ts';
import { UnseenWrites } from './unseen-writes.ts';

const SECOND = 1_000_000;
/** retry.DefaultRetry: tries of a status write, and the time between them. */
const STATUS_TRIES = 5;
const STATUS_RETRY_US = 10_000;

const STYLE = { hashLabel: 'controller.kubernetes.io/hash' };

/** What of a pod's state a sync depends on. */
const COUNTED = PodBit.phaseMask | PodBit.ready | PodBit.deleting;

interface Revisions {
  readonly current: Revision;
  readonly update: Revision;
  readonly collisionCount: number;
}

class StatefulSetController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #sets: SeenObjects;
  readonly #history: ControllerHistory;
  readonly #unseen: UnseenWrites;
  readonly #ownership: Ownership;
  readonly #order: Stream;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#sets = ctx.objects('StatefulSet');
    this.#history = new ControllerHistory(ctx);
    this.#unseen = new UnseenWrites(ctx.pods);
    this.#order = ctx.run.rng.stream('controllers/statefulset/batches');
    ctx.objects('PersistentVolumeClaim');
    this.#ownership = new Ownership(ctx, 'StatefulSet', {
      fits: (pod, { name }) => ordinalOf(ctx.pods, ctx.run.state, pod, name) >= 0,
    });
    ctx.onObjects('StatefulSet', (seen, verb) => {
      if (verb === Verb.deleted) this.#unseen.forget(seen.key);
      ctx.queue.add(seen.key);
    });
    ctx.onPods((pod, verb, word, _node, oldWord) => this.#podSeen(pod, verb, word, oldWord), 'StatefulSet');
  }

  #podSeen(pod: number, verb: Verb, word: number, oldWord: number): void {
    const { pods, queue } = this.#ctx;
    const owner = pods.owner(pod);
    if (owner < 0) return;
    const seen = this.#sets.byId(owner);
    if (seen === undefined) return;
    // Upstream syncs at every change of a pod; the others would find nothing to do.
    const isNews = verb === Verb.deleted || oldWord < 0 || ((word ^ oldWord) & COUNTED) !== 0;
    if (!isNews && queue.retries(seen.key) === 0) return;
    const minReadySeconds: number = seen.object['spec'].minReadySeconds ?? 0;
    if (minReadySeconds > 0 && verb !== Verb.deleted && isReady(word) && !(oldWord >= 0 && isReady(oldWord)))
      queue.addAfter(seen.key, (minReadySeconds + 1) * SECOND);
    queue.add(seen.key);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#sets.get(key);
    if (seen === undefined) return DONE;
    if (!this.#unseen.settled(key)) return RETRY;
    try {
      yield* this.#sync(seen, calls);
      return DONE;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      return RETRY;
    }
  }

  *#sync(seen: SeenObject, calls: Calls): Steps<void> {
    const { object: set, revision } = seen;
    const revisions = yield* this.#history.list(seen, calls);
    yield* this.#ownership.claim(seen, calls);
    const found = yield* this.#revisions(seen, set, revisions, calls);
    const replicas = replicasOf(this.#ctx, seen, set);
    const failure = yield* this.#converge(seen, set, revision, found, replicas, calls);
    const live = new Set([found.current.name, found.update.name]);
    for (const list of [replicas.wanted, replicas.condemned])
      for (const replica of list) live.add(replica.revision);
    const unused = revisions.filter(({ name }) => !live.has(name));
    yield* this.#history.truncate(unused, set['spec'].revisionHistoryLimit ?? 10, calls);
    if (failure !== null) throw failure;
  }

  /** Pods and status. A refusal is kept until the status is written. */
  *#converge(
    seen: SeenObject,
    set: KubeObject,
    revision: number,
    revisions: Revisions,
    replicas: Replicas,
    calls: Calls,
  ): Steps<RequestFailed | null> {
    const { kernel } = this.#ctx.run;
    const tools = { ctx: this.#ctx, calls, unseen: this.#unseen, order: this.#order };
    const sync = new StatefulSetSync(tools, seen, set, revisions, replicas);
    let failure: RequestFailed | null = null;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        yield* sync.run();
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error;
        failure = error;
      }
    }
    const minReadySeconds: number = set['spec'].minReadySeconds ?? 0;
    const names = { current: revisions.current.name, update: revisions.update.name };
    const counts = countReplicas(replicas, names, minReadySeconds, kernel.now);
    counts.current -= sync.updating;
    const status = statefulStatus(set, counts, names, revisions.collisionCount);
    if (status !== null) {
      const refused = yield* this.#writeStatus(seen, set, revision, status, calls);
      failure ??= refused;
    }
    if (failure === null && minReadySeconds > 0 && counts.available !== (set['spec'].replicas ?? 1)) {
      const next = nextAvailableUs(replicas, minReadySeconds, kernel.now);
      this.#ctx.queue.addAfter(seen.key, next ?? minReadySeconds * SECOND);
    }
    return failure;
  }

  /** getStatefulSetRevisions: the revision of the template as it is now, and the one that pods are moved from. */
  *#revisions(
    seen: SeenObject,
    set: KubeObject,
    revisions: readonly Revision[],
    calls: Calls,
  ): Steps<Revisions> {
    const { template } = set['spec'];
    let collisionCount: number = set['status']?.collisionCount ?? 0;
    const equal = revisionsOf(revisions, template).at(-1);
    const last = revisions.at(-1);
    let update: Revision | undefined;
    if (equal !== undefined && last !== undefined && isSameTemplate(templateOf(last.object), template)) {
      update = last;
    } else if (equal !== undefined) {
      update = yield* this.#history.renumber(equal, nextNumber(revisions), calls);
    }
    while (update === undefined) {
      const made = newRevision(set, nextNumber(revisions), collisionCount, STYLE);
      const reply = yield calls.create(made);
      const name = made.metadata.name!;
      if (reply.code < 400) {
        update = { id: reply.id, name, object: reply.object!, revision: reply.revision };
      } else if (reply.reason === 'AlreadyExists') {
        const standing = yield* this.#history.standing(seen.namespace, name, calls);
        if (standing !== null && isSameTemplate(templateOf(standing.object), template)) update = standing;
        else collisionCount += 1;
      } else throw new RequestFailed(reply);
    }
    const current = revisions.find(({ name }) => name === set['status']?.currentRevision) ?? update;
    return { current: current.name === update.name ? update : current, update, collisionCount };
  }

  /** PUT status; after a conflict again upon the newest version seen. Null: it is written. */
  *#writeStatus(
    seen: SeenObject,
    set: KubeObject,
    revision: number,
    status: Json,
    calls: Calls,
  ): Steps<RequestFailed | null> {
    let reply = yield calls.updateStatus(seen.id, { ...set, status }, revision);
    for (let tries = 1; reply.code === 409 && tries < STATUS_TRIES; tries++) {
      yield calls.sleep(STATUS_RETRY_US);
      const newest = this.#sets.byId(seen.id);
      if (newest === undefined) break;
      reply = yield calls.updateStatus(seen.id, { ...newest.object, status }, newest.revision);
    }
    return reply.code < 400 ? null : new RequestFailed(reply);
  }
}

export const statefulSetController: ControllerDefinition = {
  name: 'statefulset',
  clientName: 'statefulset-controller',
  about: 'keeps the pods of each StatefulSet, one per ordinal, in order',
  create: (context) => new StatefulSetController(context),
};
