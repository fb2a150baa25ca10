// Makes claims of devices from templates, takes back what ended pods had reserved, and gives devices back that nobody
// uses any more (pkg/controller/resourceclaim/controller.go, v1.36). One queue with two kinds of keys: a pod that needs
// claims, and a claim whose reservations are to be looked at. Pods without claims cost one look at their template.
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
import { podUid } from '../kinds/ingest/materialise.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { isTerminal, keyOf, PodBit, Verb } from '../state/index.ts';

/** Which entry of its pod's spec.resourceClaims a claim was made for. */
const ENTRY_ANNOTATION = 'resource.kubernetes.io/pod-claim-name';
/** resource/v1 Finalizer. */
const FINALIZER = 'resource.kubernetes.io/delete-protection';
/** Room for a hyphen and the server's five characters in a name of 63. */
const GENERATED_MAX = 57;
/** Deleted pods that are remembered (maxUIDCacheEntries). */
const DELETED_MAX = 500;
/** resource/v1 ResourceClaimReservedForMaxSize. */
const RESERVED_MAX = 256;

const NONE: readonly Json[] = Object.freeze([]);

/** Pod and entry, each cut in proportion where both together are too long. */
export function generatedName(pod: string, entry: string): string {
  const whole = `${pod}-${entry}-`;
  if (whole.length <= GENERATED_MAX) return whole;
  const part = (text: string): string =>
    text.slice(0, Math.floor((text.length * GENERATED_MAX) / whole.length));
  return `${part(pod)}-${part(entry)}`;
}

const reservations = (claim: KubeObject): readonly Json[] => claim['status']?.reservedFor ?? NONE;
const isAllocated = (claim: KubeObject): boolean => claim['status']?.allocation !== undefined;
const isOwnedBy = (claim: KubeObject, uid: string): boolean =>
  claim.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid) === true;

class ResourceClaims implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;
  readonly #templates: SeenObjects;
  /** Rows of pods with claims, as seen, by UID. */
  readonly #pods = new Map<string, number>();
  /** UIDs of pods that are known to be gone, the latest ones. */
  readonly #deleted = new Set<string>();
  /** By key of a claim: pods that came to their node without the scheduler, which reserves nothing for them. */
  readonly #direct = new Map<string, Set<number>>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('ResourceClaim');
    this.#templates = ctx.objects('ResourceClaimTemplate');
    const { state } = ctx.run;
    ctx.onPods((pod, verb, word, node, oldWord) => {
      if (this.#entries(pod).length === 0) return;
      const uid = podUid(state, pod);
      const gone = verb === Verb.deleted;
      if (gone) this.#forget(uid, pod);
      else this.#pods.set(uid, pod);
      if (oldWord < 0 && node >= 0) this.#remember(pod);
      const isUnscheduled = (word & PodBit.deleting) !== 0 && node < 0;
      if (gone || isTerminal(word) || isUnscheduled)
        for (const key of this.#claimKeys(pod)) ctx.queue.add(`claim ${key}`);
      if (!gone) this.#offer(pod);
    });
    ctx.onObjects('ResourceClaim', (seen, verb) => {
      if (verb !== Verb.deleted) ctx.queue.add(`claim ${seen.key}`);
      for (const pod of this.#direct.get(seen.key) ?? []) this.#offer(pod);
      const owner = seen.object.metadata.ownerReferences?.find(({ controller }) => controller === true);
      const pod = owner === undefined ? undefined : this.#pods.get(owner.uid);
      if (pod !== undefined) this.#offer(pod);
    });
  }

  #entries(pod: number): readonly Json[] {
    return this.#ctx.run.state.template(pod).spec.resourceClaims ?? NONE;
  }

  /** Name of the claim of an entry; null: none is needed; undefined: none is made yet. */
  #claimName(pod: number, entry: Json): string | null | undefined {
    if (entry.resourceClaimName !== undefined) return entry.resourceClaimName;
    return this.#ctx.run.state.pods.claimNames.get(pod)?.get(entry.name);
  }

  #keyOf(pod: number, claim: string): string {
    return keyOf(this.#ctx.run.state.podNamespace(pod), claim);
  }

  #claimKeys(pod: number): string[] {
    return this.#entries(pod).flatMap((entry) => {
      const name = this.#claimName(pod, entry);
      return name === null || name === undefined ? [] : [this.#keyOf(pod, name)];
    });
  }

  #remember(pod: number): void {
    for (const key of this.#claimKeys(pod)) {
      const pods = this.#direct.get(key);
      if (pods === undefined) this.#direct.set(key, new Set([pod]));
      else pods.add(pod);
    }
  }

  #forget(uid: string, pod: number): void {
    this.#pods.delete(uid);
    this.#deleted.add(uid);
    if (this.#deleted.size > DELETED_MAX) {
      const [oldest] = this.#deleted;
      this.#deleted.delete(oldest!);
    }
    if (this.#direct.size === 0) return;
    for (const key of this.#claimKeys(pod)) {
      const pods = this.#direct.get(key);
      pods?.delete(pod);
      if (pods?.size === 0) this.#direct.delete(key);
    }
  }

  /** It has ended, or is to: it gets no claims any more. */
  #isOver(pod: number): boolean {
    const word = this.#ctx.pods.word(pod);
    return isTerminal(word) || (word & PodBit.deleting) !== 0;
  }

  /** It will never run again (isPodDone). */
  #isDone(pod: number): boolean {
    const word = this.#ctx.pods.word(pod);
    return isTerminal(word) || ((word & PodBit.deleting) !== 0 && this.#ctx.pods.node(pod) < 0);
  }

  /** Adds the pod to the queue if there is something to do for it (podNeedsWork). */
  #offer(pod: number): void {
    const { queue, pods, run } = this.#ctx;
    if (!pods.has(pod) || this.#isOver(pod)) return;
    const uid = podUid(run.state, pod);
    for (const entry of this.#entries(pod)) {
      const name = this.#claimName(pod, entry);
      if (name === null) return;
      const claim = name === undefined ? undefined : this.#claims.get(this.#keyOf(pod, name))?.object;
      const isGenerated = entry.resourceClaimName === undefined;
      if (claim === undefined && !isGenerated) return;
      if (claim !== undefined && isGenerated && !isOwnedBy(claim, uid)) return;
      if (claim === undefined || (pods.node(pod) >= 0 && this.#isToReserve(claim, uid))) {
        queue.add(`pod ${pod} ${pods.table.generation[pod]}`);
        return;
      }
    }
  }

  #isToReserve(claim: KubeObject, uid: string): boolean {
    const reserved = reservations(claim);
    return isAllocated(claim) && reserved.length < RESERVED_MAX && !reserved.some((each) => each.uid === uid);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const [kind, ...rest] = key.split(' ');
    if (kind === 'claim') return yield* this.#syncClaim(rest[0]!, calls);
    return yield* this.#syncPod(Number(rest[0]), Number(rest[1]), calls);
  }

  // ---- pods ----

  *#syncPod(pod: number, generation: number, calls: Calls): Steps {
    const { state } = this.#ctx.run;
    const { pods } = this.#ctx;
    if (!state.pods.alive(pod, generation) || !pods.has(pod) || this.#isOver(pod)) return DONE;
    const made = new Map<string, string>();
    for (const entry of this.#entries(pod)) {
      const problem = yield* this.#makeClaim(pod, entry, made, calls);
      if (problem === null) continue;
      const text = `PodResourceClaim ${entry.name}: ${problem}`;
      this.#ctx.client.podEvent('Warning', 'FailedResourceClaimCreation', pod, text);
      return RETRY;
    }
    if (made.size > 0) {
      const claimNames = new Map([...(state.pods.claimNames.get(pod) ?? []), ...made]);
      const change = { phase: -1, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0, claimNames };
      const reply = yield calls.send((api, answer, worker) =>
        api.patchPodStatus(pod, generation, change, answer, worker),
      );
      if (reply.code >= 400) return reply.code === 404 ? DONE : RETRY;
    }
    // For pods of no node the scheduler does the rest.
    return pods.node(pod) < 0 ? DONE : yield* this.#reserve(pod, calls);
  }

  /** Makes the claim of an entry that names a template, unless it is there; why that failed, null. */
  *#makeClaim(pod: number, entry: Json, made: Map<string, string>, calls: Calls): Steps<string | null> {
    const { state } = this.#ctx.run;
    const template: string | undefined = entry.resourceClaimTemplateName;
    const known = this.#claimName(pod, entry);
    if (template === undefined || known === null) return null;
    const uid = podUid(state, pod);
    if (known !== undefined) {
      const claim = this.#claims.get(this.#keyOf(pod, known));
      if (claim !== undefined && isOwnedBy(claim.object, uid)) return null;
    }
    // One that was made when the status could not be written.
    const orphan = this.#claims
      .controlledBy(uid)
      .find(({ object }) => object.metadata.annotations?.[ENTRY_ANNOTATION] === entry.name);
    if (orphan !== undefined) {
      made.set(entry.name, orphan.name);
      return null;
    }
    const source = this.#templates.get(this.#keyOf(pod, template))?.object;
    if (source === undefined) {
      const missing = `resourceclaimtemplate.resource.k8s.io "${template}" not found`;
      return `resource claim template "${template}": ${missing}`;
    }
    const podName = state.podName(pod);
    const { labels, annotations } = source['spec'].metadata ?? {};
    const reply = yield calls.create({
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: {
        generateName: generatedName(podName, entry.name),
        namespace: state.podNamespace(pod),
        ...(labels === undefined ? {} : { labels }),
        annotations: { ...annotations, [ENTRY_ANNOTATION]: entry.name },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Pod', name: podName, uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      spec: source['spec'].spec,
      status: {},
    });
    if (reply.code >= 400) return `create ResourceClaim : ${reply.message}`;
    made.set(entry.name, reply.object!.metadata.name!);
    return null;
  }

  /** Reserves allocated claims for a pod that the scheduler did not bring to its node. */
  *#reserve(pod: number, calls: Calls): Steps {
    const { state } = this.#ctx.run;
    const uid = podUid(state, pod);
    for (const key of this.#claimKeys(pod)) {
      const seen = this.#claims.get(key);
      if (seen === undefined) return DONE;
      if (!this.#isToReserve(seen.object, uid)) continue;
      const own = { resource: 'pods', name: state.podName(pod), uid };
      const reply = yield* this.#writeStatus(
        seen,
        { reservedFor: [...reservations(seen.object), own] },
        calls,
      );
      if (reply === null) return RETRY;
    }
    return DONE;
  }

  // ---- claims ----

  *#syncClaim(key: string, calls: Calls): Steps {
    const seen = this.#claims.get(key);
    if (seen === undefined) return DONE;
    const before = reservations(seen.object);
    const valid: Json[] = [];
    for (const each of before) if (yield* this.#isNeeded(seen.namespace, each, calls)) valid.push(each);
    const { deletionTimestamp, finalizers = [] } = seen.object.metadata;
    const isProtected = finalizers.includes(FINALIZER);
    const isDone =
      valid.length < before.length
        ? yield* this.#release(seen, valid, isProtected, calls)
        : isProtected && deletionTimestamp !== undefined && valid.length === 0
          ? yield* this.#release(seen, valid, true, calls)
          : true;
    if (!isDone) return RETRY;
    return valid.length > 0 ? DONE : yield* this.#deleteGenerated(seen, calls);
  }

  /** Writes the reservations that are left; with the last one the devices go back, and the claim may go. */
  *#release(seen: SeenObject, valid: readonly Json[], isProtected: boolean, calls: Calls): Steps<boolean> {
    const isFree = valid.length === 0 && isProtected;
    let { object, revision } = seen;
    if (valid.length < reservations(object).length || (isFree && isAllocated(object))) {
      const { allocation, devices, reservedFor: _, ...others } = object['status'] ?? {};
      const status = {
        ...others,
        ...(isFree || allocation === undefined ? {} : { allocation }),
        ...(isFree || devices === undefined ? {} : { devices }),
        ...(valid.length > 0 ? { reservedFor: valid } : {}),
      };
      const reply = yield calls.updateStatus(seen.id, { ...object, status }, revision);
      if (reply.code >= 400) return reply.code === 404;
      object = reply.object!;
      revision = reply.revision;
    }
    const { metadata } = object;
    if (!metadata.finalizers?.includes(FINALIZER) || isAllocated(object)) return true;
    const finalizers = metadata.finalizers.filter((name) => name !== FINALIZER);
    const reply = yield calls.update(seen.id, { ...object, metadata: { ...metadata, finalizers } }, revision);
    return reply.code < 400 || reply.code === 404;
  }

  /** Whether the pod of a reservation may still run. One that was never seen is asked for. */
  *#isNeeded(namespace: string, { name, uid }: Json, calls: Calls): Steps<boolean> {
    const { state } = this.#ctx.run;
    const pod = this.#pods.get(uid);
    if (pod !== undefined) return !this.#isDone(pod);
    if (this.#deleted.has(uid)) return false;
    yield calls.send((api, reply, worker) => api.look('get', 'pods', reply, worker));
    const found = state.findPod(state.texts.find(namespace), name);
    return found >= 0 && podUid(state, found) === uid;
  }

  /** A generated claim goes when its pod will not run any more, long before the pod does. */
  *#deleteGenerated(seen: SeenObject, calls: Calls): Steps {
    const owner = seen.object.metadata.ownerReferences?.find(
      ({ controller, kind }) => controller === true && kind === 'Pod',
    );
    const pod = owner === undefined ? undefined : this.#pods.get(owner.uid);
    // A pod that is not known, or not any more, is the garbage collector's business.
    if (pod === undefined || !this.#isDone(pod)) return DONE;
    if (seen.object.metadata.deletionTimestamp !== undefined) return DONE;
    const reply = yield calls.delete(seen.id);
    return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
  }

  /** null: the write was refused. */
  *#writeStatus(seen: SeenObject, change: Json, calls: Calls): Steps<KubeObject | null> {
    const status = { ...seen.object['status'], ...change };
    const reply = yield calls.updateStatus(seen.id, { ...seen.object, status }, seen.revision);
    return reply.code < 400 ? reply.object : null;
  }
}

export const resourceClaimController: ControllerDefinition = {
  name: 'resourceclaim',
  clientName: 'resource-claim-controller',
  about: 'makes claims of devices from templates, and takes back what ended pods had',
  workers: 50,
  create: (context) => new ResourceClaims(context),
};
