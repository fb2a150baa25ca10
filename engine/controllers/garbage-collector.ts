// The garbage collector: keeps the graph of owners and dependents, and deletes what no owner holds any more
// (pkg/controller/garbagecollector/{graph_builder,garbagecollector}.go, v1.36). Three ways in which an owner goes:
//
// Background: the owner is gone at once, then its dependents follow. Foreground (finalizer foregroundDeletion): the
// dependents are deleted first, and the owner when none is left that blocks it. Orphan (finalizer orphan): the
// dependents lose their reference, then the owner goes. Each item costs a live read of itself and of each owner that is
// not known to be gone, and the write.
//
// An owner that is named and not known is looked up; if there is none of that UID, it counts as gone. Not so for what was
// there before the run: what comes from a cluster may be a part of it, without the owners.
//
// Left out: references of pods to owners that do not control them or never existed, pods that are named as owners and
// never existed, and the cycle breaker (owners that wait for one another).
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type Outcome,
  RETRY,
  type SeenObject,
  type Steps,
} from '../contracts/controller.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import type { KubeObject, OwnerReference } from '../kinds/kind.ts';
import { kindOf } from '../kinds/registry.ts';
import { PodBit, Verb } from '../state/index.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';
const NO_REFERENCES: readonly OwnerReference[] = Object.freeze([]);

const referencesOf = (object: KubeObject): readonly OwnerReference[] =>
  object.metadata.ownerReferences ?? NO_REFERENCES;

const isHeldBy = (object: KubeObject | null, finalizer: string): boolean =>
  object?.metadata.deletionTimestamp !== undefined &&
  (object.metadata.finalizers?.includes(finalizer) ?? false);

/** The object without its references to that owner; itself if it has none. */
const withoutOwner = (object: KubeObject, uids: ReadonlySet<string>): KubeObject => {
  const references = referencesOf(object);
  const kept = references.filter((reference) => !uids.has(reference.uid));
  if (kept.length === references.length) return object;
  const { ownerReferences: _, ...metadata } = object.metadata;
  return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } };
};

const ended = (code: number): Outcome => (code < 400 || code === 404 ? DONE : RETRY);

class GarbageCollector implements Controller {
  readonly #ctx: ControllerContext;
  /** Names of the stores that are watched. */
  readonly #kinds: ReadonlySet<string>;
  /** Ids below were there before the run. */
  readonly #firstNew: number;
  /** Owners known to be gone: ObjectIds for pods, UIDs for the rest (absentOwnerCache). */
  readonly #goneIds = new Set<number>();
  readonly #goneUids = new Set<string>();
  /** Objects by the UIDs of their owners, in order of appearance. */
  readonly #dependents = new Map<string, Set<SeenObject>>();
  /** Some object has named a pod as its owner. */
  #ownedByPods = false;
  /** Owners that wait for their dependents to go (deletingDependents): ids, and ids by UID. */
  readonly #waiting = new Set<number>();
  readonly #waitingUids = new Map<string, number>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#firstNew = ctx.run.state.objects.used;
    this.#kinds = new Set(ctx.run.state.objects.kinds.map((store) => store.kind));
    for (const kind of this.#kinds)
      ctx.onObjects(kind, (seen, verb, old) => this.#objectSeen(seen, verb, old));
    ctx.onPods((pod, verb, _word, _node, oldWord) => {
      const owner = ctx.pods.owner(pod);
      if (verb === Verb.deleted) {
        this.#dependentGone(owner);
        if (this.#ownedByPods) this.#podGone(pod);
      }
      // Made by an owner that was deleted at the same time.
      else if (oldWord < 0 && this.#goneIds.has(owner)) this.#addPod(pod);
    });
    ctx.onPodIdentity((_pod, old, now) => {
      if (old.owner !== now.owner) this.#dependentGone(old.owner);
    });
  }

  // The graph.

  /** Claims of a StatefulSet that is scaled down belong to their pods. */
  #podGone(pod: number): void {
    const uid = podUid(this.#ctx.run.state, pod);
    const dependents = this.#dependents.get(uid);
    if (dependents === undefined) return;
    this.#goneUids.add(uid);
    for (const { id } of dependents) this.#ctx.queue.add(`object/${id}`);
  }

  #objectSeen(seen: SeenObject, verb: Verb, old: KubeObject | null): void {
    const { object } = seen;
    const before = old === null ? NO_REFERENCES : referencesOf(old);
    const after = verb === Verb.deleted ? NO_REFERENCES : referencesOf(object);
    if (before !== after) this.#relink(seen, before, after);
    if (verb === Verb.deleted) return this.#ownerGone(seen);
    // A new dependent of an owner that waits is not looked at for itself: the owner's next look finds it.
    if (old === null && seen.id >= this.#firstNew)
      for (const reference of after)
        if (!this.#isKnown(reference, seen.namespace))
          this.#ctx.queue.add(`owner/${seen.id}/${reference.uid}`);
    if (isHeldBy(object, FOREGROUND) && !isHeldBy(old, FOREGROUND)) this.#waitForDependents(seen);
    if (isHeldBy(object, ORPHAN) && !isHeldBy(old, ORPHAN)) this.#ctx.queue.add(`orphan/${seen.id}`);
  }

  /** The graph has the owner; of pods it is not asked. */
  #isKnown(reference: OwnerReference, namespace: string): boolean {
    const { apiVersion, kind, uid } = reference;
    if (kind === 'Pod' || kind === 'Node') return true;
    const served = this.#ctx.run.state.objects.findVersion(apiVersion, kind) ?? kindOf(apiVersion, kind);
    // Never resolved: a kind that the server does not serve, an owner in a namespace of what stands in none.
    if (served === undefined || (served.namespaced && namespace === '')) return true;
    return this.#ownerOf(reference, namespace)?.object.metadata.uid === uid;
  }

  /** What has the name of an owner, as the collector sees it. */
  #ownerOf({ apiVersion, kind, name }: OwnerReference, namespace: string): SeenObject | undefined {
    const store = this.#ctx.run.state.objects.findVersion(apiVersion, kind);
    if (store === undefined || !this.#kinds.has(store.kind)) return undefined;
    return this.#ctx.objects(store.kind).get(store.namespaced ? `${namespace}/${name}` : name);
  }

  #relink(seen: SeenObject, before: readonly OwnerReference[], after: readonly OwnerReference[]): void {
    for (const { uid } of before) {
      if (after.some((reference) => reference.uid === uid)) continue;
      const list = this.#dependents.get(uid);
      list?.delete(seen);
      if (list?.size === 0) this.#dependents.delete(uid);
      const owner = this.#waitingUids.get(uid);
      if (owner !== undefined) this.#dependentGone(owner);
    }
    for (const { uid, kind } of after) {
      if (kind === 'Pod') this.#ownedByPods = true;
      const list = this.#dependents.get(uid);
      if (list === undefined) this.#dependents.set(uid, new Set([seen]));
      else list.add(seen);
    }
  }

  #waitForDependents(owner: SeenObject): void {
    this.#waiting.add(owner.id);
    this.#waitingUids.set(owner.object.metadata.uid!, owner.id);
    this.#addDependents(owner);
    this.#ctx.queue.add(`object/${owner.id}`);
  }

  /** An owner that waits may have waited for this one. */
  #dependentGone(owner: number): void {
    if (this.#waiting.has(owner)) this.#ctx.queue.add(`object/${owner}`);
  }

  #ownerGone(owner: SeenObject): void {
    const { uid } = owner.object.metadata;
    this.#goneIds.add(owner.id);
    this.#waiting.delete(owner.id);
    if (uid !== undefined) {
      this.#goneUids.add(uid);
      this.#waitingUids.delete(uid);
    }
    this.#addDependents(owner);
  }

  #addDependents(owner: SeenObject): void {
    const { pods, queue } = this.#ctx;
    for (const dependent of this.#dependentsOf(owner)) queue.add(`object/${dependent.id}`);
    for (let pod = pods.firstOwned(owner.id); pod >= 0; pod = pods.nextOwned(pod)) this.#addPod(pod);
  }

  #dependentsOf(owner: SeenObject): Iterable<SeenObject> {
    return this.#dependents.get(owner.object.metadata.uid ?? '') ?? [];
  }

  #addPod(pod: number): void {
    this.#ctx.queue.add(`pod/${pod}/${this.#ctx.pods.table.generation[pod]}`);
  }

  #seen(id: number): SeenObject | undefined {
    const { kind } = this.#ctx.run.state.objects.kindOf(id);
    return this.#kinds.has(kind) ? this.#ctx.objects(kind).byId(id) : undefined;
  }

  // The work.

  *reconcile(key: string, calls: Calls): Steps {
    const [what, first, second] = key.split('/');
    const id = Number(first);
    if (what === 'pod') return yield* this.#pod(id, Number(second), calls);
    const seen = this.#seen(id);
    if (seen === undefined) return DONE;
    if (what === 'owner') return yield* this.#owner(seen, second!, calls);
    return what === 'orphan' ? yield* this.#orphan(seen, calls) : yield* this.#object(seen, calls);
  }

  /** attemptToDeleteItem for a pod: it goes if its owner is gone, or waits for its dependents. */
  *#pod(pod: number, generation: number, calls: Calls): Steps {
    const { pods } = this.#ctx;
    const isGone = !pods.has(pod) || pods.table.generation[pod] !== generation;
    if (isGone || (pods.word(pod) & PodBit.deleting) !== 0) return DONE;
    const read = yield calls.getPod(pod, generation);
    if (read.code === 404) return DONE;
    const owner = pods.owner(pod);
    if (owner < 0) return DONE;
    if (!this.#goneIds.has(owner)) {
      const live = yield calls.get(owner);
      if (live.object !== null && !isHeldBy(live.object, FOREGROUND)) return DONE;
    }
    const reply = yield calls.deletePod(pod, generation, -1);
    return ended(reply.code);
  }

  /** An owner that the graph does not have: if the server has none either, its dependents follow. */
  *#owner(dependent: SeenObject, uid: string, calls: Calls): Steps {
    const reference = referencesOf(dependent.object).find((other) => other.uid === uid);
    if (reference === undefined) return DONE;
    const { objects } = this.#ctx.run.state;
    const { apiVersion, kind, name } = reference;
    const store = objects.findVersion(apiVersion, kind);
    const { resource, namespaced } = store ?? kindOf(apiVersion, kind)!;
    const id =
      store === undefined ? -1 : objects.find(store.kind, namespaced ? dependent.namespace : '', name);
    const live =
      id < 0
        ? yield calls.send((api, reply, worker) => api.look('get', resource, reply, worker))
        : yield calls.get(id);
    if (id >= 0 && live.object?.metadata.uid === uid) return DONE;
    this.#goneUids.add(uid);
    for (const other of this.#dependents.get(uid) ?? [])
      if (other.id >= this.#firstNew) this.#ctx.queue.add(`object/${other.id}`);
    return DONE;
  }

  /** attemptToDeleteItem. */
  *#object(seen: SeenObject, calls: Calls): Steps {
    const waits = this.#waiting.has(seen.id);
    if (seen.object.metadata.deletionTimestamp !== undefined && !waits) return DONE;
    const { object } = yield calls.get(seen.id);
    if (object === null) return DONE;
    if (waits) return yield* this.#waits(seen, calls);
    const lost = new Set<string>();
    let isHeld = false;
    let isAwaited = false;
    for (const reference of referencesOf(object)) {
      const state = yield* this.#ownerState(reference, seen.namespace, calls);
      if (state === 'solid') isHeld = true;
      else lost.add(reference.uid);
      if (state === 'waiting') isAwaited = true;
    }
    if (lost.size === 0) return DONE;
    if (isHeld) {
      const reply = yield calls.patch(seen.id, (newest) => withoutOwner(newest, lost));
      return ended(reply.code);
    }
    const { finalizers = [] } = object.metadata;
    const hasDependents =
      this.#dependents.has(object.metadata.uid!) || this.#ctx.pods.firstOwned(seen.id) >= 0;
    const foreground = finalizers.includes(FOREGROUND) || (isAwaited && hasDependents);
    this.#trace(seen, isAwaited ? 'its owner waits for it: deleting it' : 'its owner is gone: deleting it');
    const how = finalizers.includes(ORPHAN) && !isAwaited ? ORPHAN : foreground ? FOREGROUND : '';
    const reply = yield calls.delete(
      seen.id,
      how === ORPHAN ? 'Orphan' : how === FOREGROUND ? 'Foreground' : 'Background',
    );
    return ended(reply.code);
  }

  /** classifyReferences, for one owner. */
  *#ownerState(
    reference: OwnerReference,
    namespace: string,
    calls: Calls,
  ): Steps<'solid' | 'dangling' | 'waiting'> {
    const { uid } = reference;
    if (this.#goneUids.has(uid)) return 'dangling';
    const owner = this.#ownerOf(reference, namespace);
    if (owner === undefined || owner.object.metadata.uid !== uid) return 'solid';
    const { object } = yield calls.get(owner.id);
    if (object === null) return 'dangling';
    return isHeldBy(object, FOREGROUND) ? 'waiting' : 'solid';
  }

  /** processDeletingDependentsItem: the owner goes when nothing blocks it; what does is looked at again. */
  *#waits(owner: SeenObject, calls: Calls): Steps {
    const { pods, queue } = this.#ctx;
    const { uid } = owner.object.metadata;
    let blocked = false;
    for (const dependent of this.#dependentsOf(owner)) {
      const reference = referencesOf(dependent.object).find((other) => other.uid === uid);
      if (reference?.blockOwnerDeletion !== true) continue;
      blocked = true;
      if (!this.#waiting.has(dependent.id)) queue.add(`object/${dependent.id}`);
    }
    for (let pod = pods.firstOwned(owner.id); pod >= 0; pod = pods.nextOwned(pod)) {
      blocked = true;
      this.#addPod(pod);
    }
    return blocked ? DONE : yield* this.#removeFinalizer(owner, FOREGROUND, calls);
  }

  /** attemptToOrphanWorker: every dependent forgets the owner, then the owner goes. */
  *#orphan(owner: SeenObject, calls: Calls): Steps {
    const { pods } = this.#ctx;
    const uids = new Set([owner.object.metadata.uid!]);
    let failed = false;
    let last = null;
    this.#trace(owner, 'deleted without its dependents: they lose their owner');
    calls.each = ({ code }) => {
      if (code >= 400 && code !== 404) failed = true;
    };
    for (const { id } of this.#dependentsOf(owner))
      last = calls.patch(id, (dependent) => withoutOwner(dependent, uids));
    for (let pod = pods.firstOwned(owner.id); pod >= 0; pod = pods.nextOwned(pod)) {
      last = calls.patchPod(pod, pods.table.generation[pod]!, (meta) =>
        meta.owner === owner.id ? { ...meta, owner: -1 } : meta,
      );
    }
    if (last !== null) yield last;
    return failed ? RETRY : yield* this.#removeFinalizer(owner, ORPHAN, calls);
  }

  *#removeFinalizer({ id }: SeenObject, finalizer: string, calls: Calls): Steps {
    const live = yield calls.get(id);
    if (live.object?.metadata.finalizers?.includes(finalizer) !== true) return DONE;
    const reply = yield calls.patch(id, (object) => {
      const finalizers = object.metadata.finalizers?.filter((name) => name !== finalizer) ?? [];
      return { ...object, metadata: { ...object.metadata, finalizers } };
    });
    return ended(reply.code);
  }

  #trace({ kind, namespace, name }: SeenObject, text: string): void {
    const { tracer } = this.#ctx.run.recorder;
    if (tracer.enabled) tracer.hop(this.#ctx.client.name, kind, namespace, name, text);
  }
}

export const garbageCollectorController: ControllerDefinition = {
  name: 'garbage-collector',
  clientName: 'generic-garbage-collector',
  about: 'deletes what is owned by something deleted',
  workers: 20,
  // A deletion takes a live read and a DELETE (cmd/kube-controller-manager/app/core.go).
  limits: ({ controller }) => ({ qps: 2 * controller.qps, burst: controller.burst }),
  create: (context) => new GarbageCollector(context),
};
