// The garbage collector: what is controlled by an object that is gone is deleted, in the background
// (pkg/controller/garbagecollector, v1.36). Each dependent costs a live read and a DELETE.
//
// Left out: foreground and orphaning deletion, owners that are no controllers, owners that never existed.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObject,
  type Steps,
} from '../contracts/controller.ts';
import { Verb } from '../state/index.ts';
import { controllerUid } from './owner.ts';

class GarbageCollector implements Controller {
  readonly #ctx: ControllerContext;
  readonly #kinds: readonly string[];
  /** Owners known to be gone: ObjectIds for pods, UIDs for the rest (absentOwnerCache). */
  readonly #goneIds = new Set<number>();
  readonly #goneUids = new Set<string>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#kinds = ctx.run.state.objects.kinds.map((store) => store.kind);
    for (const kind of this.#kinds) ctx.onObjects(kind, (seen, verb) => this.#objectSeen(seen, verb));
    ctx.onPods((pod, verb, _word, _node, oldWord) => {
      // Made by an owner that was deleted at the same time.
      if (oldWord < 0 && verb === Verb.added && this.#goneIds.has(ctx.pods.table.owner[pod]!))
        this.#addPod(pod);
    });
  }

  #objectSeen(seen: SeenObject, verb: Verb): void {
    if (verb === Verb.deleted) this.#ownerGone(seen);
    if (verb !== Verb.added) return;
    const uid = controllerUid(seen.object);
    if (uid !== undefined && this.#goneUids.has(uid)) this.#ctx.queue.add(`object/${seen.id}`);
  }

  #ownerGone(owner: SeenObject): void {
    const { pods, queue } = this.#ctx;
    this.#goneIds.add(owner.id);
    const { uid } = owner.object.metadata;
    if (uid !== undefined) {
      this.#goneUids.add(uid);
      for (const kind of this.#kinds) {
        for (const dependent of this.#ctx.objects(kind).controlledBy(uid))
          queue.add(`object/${dependent.id}`);
      }
    }
    for (let pod = pods.firstOwned(owner.id); pod >= 0; pod = pods.nextOwned(pod)) this.#addPod(pod);
  }

  #addPod(pod: number): void {
    this.#ctx.queue.add(`pod/${pod}/${this.#ctx.pods.table.generation[pod]}`);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const [what, first, second] = key.split('/');
    const id = Number(first);
    const { tracer } = this.#ctx.run.recorder;
    if (what === 'pod') {
      const generation = Number(second);
      const read = yield calls.getPod(id, generation);
      if (read.code === 404) return DONE;
      const reply = yield calls.deletePod(id, generation, -1);
      return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
    }
    const read = yield calls.get(id);
    if (read.object === null || read.object.metadata.deletionTimestamp !== undefined) return DONE;
    const { kind, metadata } = read.object;
    if (tracer.enabled) {
      const text = 'its owner is gone: deleting it';
      tracer.hop(this.#ctx.client.name, kind, metadata.namespace ?? '', metadata.name!, text);
    }
    const reply = yield calls.delete(id);
    return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
  }
}

export const garbageCollectorController: ControllerDefinition = {
  name: 'garbage-collector',
  clientName: 'generic-garbage-collector',
  about: 'deletes what is owned by something deleted',
  workers: 20,
  // app/core.go gives it twice the qps; live reads and deletions share them half and half, and reads are not sent
  // through the client here.
  limits: ({ controller }) => ({ qps: controller.qps, burst: Math.ceil(controller.burst / 2) }),
  create: (context) => new GarbageCollector(context),
};
