// Keeps claims while pods use them, and volumes while they are bound: takes away the finalizers that admission gave
// them once nobody needs the object any more (pkg/controller/volume/pvcprotection and pvprotection, v1.36).
//
// A claim counts as used by every pod on a node that names it, ended or not. Before the finalizer goes, the pods of the
// namespace are listed from etcd; the model pays a read for the list.
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
import type { KubeObject } from '../kinds/kind.ts';
import { PV_PROTECTION, PVC_PROTECTION } from '../kinds/volume-facts.ts';
import { isTerminal, Verb } from '../state/index.ts';
import { ClaimPods } from './claim-pods.ts';

const hasFinalizer = (object: KubeObject, finalizer: string): boolean =>
  object.metadata.finalizers?.includes(finalizer) === true;

/** Deleted and held by the finalizer, or not deleted and without it. */
function needsLook(object: KubeObject, finalizer: string): boolean {
  return (object.metadata.deletionTimestamp !== undefined) === hasFinalizer(object, finalizer);
}

/** Writes the object with the finalizer, or without it. */
function* setFinalizer(seen: SeenObject, finalizer: string, on: boolean, calls: Calls): Steps {
  const { metadata } = seen.object;
  const others = (metadata.finalizers ?? []).filter((name) => name !== finalizer);
  const finalizers = on ? [...others, finalizer] : others;
  const reply = yield calls.update(
    seen.id,
    { ...seen.object, metadata: { ...metadata, finalizers } },
    seen.revision,
  );
  return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
}

class ClaimProtection implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;
  readonly #pods: ClaimPods;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('PersistentVolumeClaim');
    ctx.onObjects('PersistentVolumeClaim', (seen, verb) => {
      if (verb !== Verb.deleted && needsLook(seen.object, PVC_PROTECTION)) ctx.queue.add(seen.key);
    });
    // Only a pod that is gone, has ended or was never bound can have stopped using its claims.
    this.#pods = new ClaimPods(ctx, (claim, pod, { gone }) => {
      if (gone || isTerminal(ctx.pods.word(pod)) || ctx.pods.node(pod) < 0) ctx.queue.add(claim);
    });
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#claims.get(key);
    if (seen === undefined) return DONE;
    if (!needsLook(seen.object, PVC_PROTECTION)) return DONE;
    if (seen.object.metadata.deletionTimestamp === undefined)
      return yield* setFinalizer(seen, PVC_PROTECTION, true, calls);
    if (this.#isUsed(key)) return DONE;
    yield calls.get(seen.id);
    if (this.#isUsedInStore(key)) return DONE;
    return yield* setFinalizer(seen, PVC_PROTECTION, false, calls);
  }

  #isUsed(key: string): boolean {
    for (const pod of this.#pods.using(key)) if (this.#ctx.pods.node(pod) >= 0) return true;
    return false;
  }

  /** A pod that the watch has not told of, or told as unbound. Rows that the watch knows of are the only candidates. */
  #isUsedInStore(key: string): boolean {
    const { pods } = this.#ctx.run.state;
    for (const pod of this.#pods.using(key)) if (pods.node[pod]! >= 0) return true;
    return false;
  }
}

class VolumeProtection implements Controller {
  readonly #volumes: SeenObjects;

  constructor(ctx: ControllerContext) {
    this.#volumes = ctx.objects('PersistentVolume');
    ctx.onObjects('PersistentVolume', (seen, verb) => {
      if (verb !== Verb.deleted && needsLook(seen.object, PV_PROTECTION)) ctx.queue.add(seen.key);
    });
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#volumes.get(key);
    if (seen === undefined || !needsLook(seen.object, PV_PROTECTION)) return DONE;
    const isDeleted = seen.object.metadata.deletionTimestamp !== undefined;
    if (isDeleted && seen.object['status']?.phase === 'Bound') return DONE;
    return yield* setFinalizer(seen, PV_PROTECTION, !isDeleted, calls);
  }
}

export const pvcProtectionController: ControllerDefinition = {
  name: 'persistentvolumeclaim-protection',
  clientName: 'pvc-protection-controller',
  about: 'keeps claims that pods use from being deleted',
  workers: 1,
  create: (context) => new ClaimProtection(context),
};

export const pvProtectionController: ControllerDefinition = {
  name: 'persistentvolume-protection',
  clientName: 'pv-protection-controller',
  about: 'keeps bound volumes from being deleted',
  workers: 1,
  create: (context) => new VolumeProtection(context),
};
