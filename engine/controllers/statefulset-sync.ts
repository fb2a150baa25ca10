// One sync of a StatefulSet: pods that are missing are created, those that have ended replaced, those of other
// ordinals and of other revisions deleted (pkg/controller/statefulset/stateful_set_control.go, v1.36).
//
// OrderedReady looks at one pod after the other and stops at the first that has to be waited for. Parallel asks for
// all, in batches of 1, 2, 4 … that stop at the first failure, and in no particular order within a batch: that order is
// drawn. An update deletes one pod at a time under both, the highest ordinal first, and waits until it is back: the gate
// MaxUnavailableStatefulSet is off by default.
import type { Calls, ControllerContext, Reply, SeenObject, Steps } from '../contracts/controller.ts';
import type { Stream } from '../kernel/index.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { Revision } from './controller-history.ts';
import { templateOf } from './controller-history.ts';
import { RequestFailed } from './request-failed.ts';
import {
  hasUnexpectedController,
  isStaleFor,
  ownersAreRight,
  type PodOwner,
  withOwners,
} from './statefulset-claims.ts';
import {
  claimName,
  claimOf,
  claimTemplates,
  podTemplate,
  startOrdinal,
  withIdentity,
} from './statefulset-identity.ts';
import {
  hasEnded,
  isAvailable,
  isCreated,
  isPending,
  isRunningAndReady,
  isTerminating,
  isUnavailable,
  type Replica,
  type Replicas,
} from './statefulset-replicas.ts';
import type { UnseenWrites } from './unseen-writes.ts';

/** Realistic value for in-flight requests of one batch (MaxBatchSize). */
const BATCH_MAX = 500;

const NO_REFUSALS: ReadonlyMap<Replica, RequestFailed> = new Map();

/** What a sync needs besides the set. */
export interface SyncTools {
  readonly ctx: ControllerContext;
  readonly calls: Calls;
  readonly unseen: UnseenWrites;
  /** Order within a batch. */
  readonly order: Stream;
}

export class StatefulSetSync {
  readonly #ctx: ControllerContext;
  readonly #calls: Calls;
  readonly #unseen: UnseenWrites;
  readonly #order: Stream;
  readonly #seen: SeenObject;
  readonly #set: KubeObject;
  readonly #current: Revision;
  readonly #update: Revision;
  readonly #replicas: Replicas;
  readonly #minReadySeconds: number;
  readonly #monotonic: boolean;
  /** Pods deleted for the update in this sync: they are no current replicas any more. */
  updating = 0;

  constructor(
    tools: SyncTools,
    seen: SeenObject,
    set: KubeObject,
    revisions: { current: Revision; update: Revision },
    replicas: Replicas,
  ) {
    this.#ctx = tools.ctx;
    this.#calls = tools.calls;
    this.#unseen = tools.unseen;
    this.#order = tools.order;
    this.#seen = seen;
    this.#set = set;
    this.#current = revisions.current;
    this.#update = revisions.update;
    this.#replicas = replicas;
    this.#minReadySeconds = set['spec'].minReadySeconds ?? 0;
    this.#monotonic = set['spec'].podManagementPolicy !== 'Parallel';
  }

  get #now(): number {
    return this.#ctx.run.kernel.now;
  }

  /** Throws RequestFailed at the first refusal. */
  *run(): Steps<void> {
    const { wanted, condemned } = this.#replicas;
    if (this.#monotonic) {
      for (const replica of wanted) if (yield* this.#settle(replica)) return;
      if (this.#claimTemplates.length > 0) for (const pod of condemned) yield* this.#fixClaims([pod]);
      const first = this.#firstUnavailable();
      for (const replica of condemned) if (yield* this.#retire(replica, first)) return;
    } else {
      yield* this.#batches(wanted, (batch) => this.#settleAll(batch));
      if (this.#claimTemplates.length > 0) yield* this.#batches(condemned, (batch) => this.#fixClaims(batch));
      yield* this.#batches(condemned, (batch) =>
        this.#deletePods(batch.filter((pod) => !isTerminating(pod))),
      );
    }
    if (this.#set['spec'].updateStrategy?.type !== 'OnDelete') yield* this.#roll();
  }

  get #claimTemplates(): ReturnType<typeof claimTemplates> {
    return claimTemplates(this.#set);
  }

  /** slowStartBatch: 1, 2, 4 … of the list at a time; a failure ends it after its batch. */
  *#batches(list: readonly Replica[], act: (batch: Replica[]) => Steps<void>): Steps<void> {
    let from = 0;
    for (let size = 1; from < list.length; size = Math.min(2 * size, BATCH_MAX)) {
      const batch = list.slice(from, from + size);
      from += batch.length;
      yield* act(this.#shuffled(batch));
    }
  }

  #shuffled(batch: Replica[]): Replica[] {
    for (let i = batch.length - 1; i > 0; i--) {
      const j = this.#order.int(i + 1);
      [batch[i], batch[j]] = [batch[j]!, batch[i]!];
    }
    return batch;
  }

  /** One place under OrderedReady. True: it has to be waited for. */
  *#settle(replica: Replica): Steps<boolean> {
    if (this.#needsRequests(replica)) yield* this.#settleAll([replica]);
    return (
      hasEnded(replica) ||
      !isCreated(replica) ||
      isTerminating(replica) ||
      !isRunningAndReady(replica) ||
      !isAvailable(replica, this.#minReadySeconds, this.#now)
    );
  }

  #needsRequests(replica: Replica): boolean {
    return (
      !isCreated(replica) ||
      hasEnded(replica) ||
      this.#claimTemplates.length > 0 ||
      !this.#hasIdentity(replica)
    );
  }

  /** identityMatches: its label says its name. Adopted pods may lack it. */
  #hasIdentity({ pod, ordinal }: Replica): boolean {
    const { pods, run } = this.#ctx;
    const labels = run.state.labels.get(pods.labelSet(pod));
    return withIdentity(labels, this.#seen.name, ordinal) === labels;
  }

  /** Places side by side: their claims, then their pods, then who owns the claims. */
  *#settleAll(batch: readonly Replica[]): Steps<void> {
    const ended = batch.filter((replica) => hasEnded(replica) && !isTerminating(replica));
    const missing = batch.filter((replica) => !isCreated(replica) && !this.#hasStaleClaim(replica));
    const hasClaims = this.#claimTemplates.length > 0;
    const pending = hasClaims ? batch.filter(isPending) : [];
    const refused = hasClaims ? yield* this.#createClaims([...missing, ...pending]) : NO_REFUSALS;
    const claimed = missing.filter((replica) => !refused.has(replica));
    if (ended.length > 0) yield* this.#deletePods(ended);
    if (claimed.length > 0) yield* this.#createPods(claimed);
    if (hasClaims) yield* this.#fixClaims([...claimed, ...pending.filter((pod) => !refused.has(pod))]);
    for (const failure of refused.values()) throw failure;
    // What is looked after only once the pod runs under OrderedReady, and at once under Parallel.
    const rest = batch.filter(
      (replica) =>
        isCreated(replica) &&
        !hasEnded(replica) &&
        !isPending(replica) &&
        !(
          this.#monotonic &&
          (isTerminating(replica) ||
            !isRunningAndReady(replica) ||
            !isAvailable(replica, this.#minReadySeconds, this.#now))
        ),
    );
    for (const replica of rest)
      if (!this.#hasIdentity(replica) || !this.#claimsAreRight(replica)) yield* this.#updatePod(replica);
  }

  // ---- claims ----

  #claim(replica: Replica, template: number): SeenObject | undefined {
    const name = claimName(this.#set, this.#claimTemplates[template]!, replica.ordinal);
    return this.#ctx.objects('PersistentVolumeClaim').get(`${this.#seen.namespace}/${name}`);
  }

  #owner(replica: Replica): PodOwner {
    const start = startOrdinal(this.#set);
    const { ordinal, pod } = replica;
    return {
      name: this.#podName(replica),
      uid: pod < 0 ? undefined : podUid(this.#ctx.run.state, pod),
      isCondemned: ordinal < start || ordinal >= start + this.#replicas.wanted.length,
    };
  }

  #podName(replica: Replica): string {
    return `${this.#seen.name}-${replica.ordinal}`;
  }

  #hasStaleClaim(replica: Replica): boolean {
    return this.#claimTemplates.some((_, t) => {
      const claim = this.#claim(replica, t);
      return claim !== undefined && isStaleFor(claim.object, this.#set, this.#owner(replica));
    });
  }

  /**
   * Those that are not seen; one template after the other. Returns whose claims are not all to be had: a claim on its
   * way out serves no new pod (createPersistentVolumeClaims).
   */
  *#createClaims(replicas: readonly Replica[]): Steps<ReadonlyMap<Replica, RequestFailed>> {
    const refused = new Map<Replica, RequestFailed>();
    const refuse = (replica: Replica, failure: RequestFailed, text: string): void => {
      if (refused.has(replica)) return;
      refused.set(replica, failure);
      if (!isCreated(replica)) this.#failedPod('Create', replica, text);
    };
    for (const [t, template] of this.#claimTemplates.entries()) {
      const missing: Replica[] = [];
      for (const replica of replicas) {
        const claim = this.#claim(replica, t);
        if (claim === undefined) missing.push(replica);
        else if (claim.object.metadata.deletionTimestamp !== undefined) {
          const message = `pvc ${claim.name} is being deleted`;
          const { id, object, revision } = claim;
          refuse(replica, new RequestFailed({ code: 0, reason: '', message, id, object, revision }), message);
        }
      }
      if (missing.length === 0) continue;
      this.#calls.each = (reply, i) => {
        const replica = missing[i]!;
        const name = claimName(this.#set, template, replica.ordinal);
        if (reply.code < 400) {
          this.#event(
            'Create',
            `Claim ${name} Pod ${this.#podName(replica)} in StatefulSet ${this.#seen.name} success`,
          );
          return;
        }
        if (reply.code !== 409) {
          const about = `Claim ${name} for Pod ${this.#podName(replica)} in StatefulSet ${this.#seen.name}`;
          this.#failed('Create', `${about} failed error: ${reply.message}`);
        }
        refuse(replica, new RequestFailed(reply), `failed to create PVC ${name}: ${reply.message}`);
      };
      const last = missing.length - 1;
      const claim = (i: number) => claimOf(this.#set, template, missing[i]!.ordinal);
      for (let i = 0; i < last; i++) this.#calls.create(claim(i), i);
      yield this.#calls.create(claim(last), last);
    }
    return refused;
  }

  #claimsAreRight(replica: Replica): boolean {
    const owner = this.#owner(replica);
    return this.#claimTemplates.every((_, t) => {
      const claim = this.#claim(replica, t);
      return claim === undefined || ownersAreRight(claim.object, this.#set, owner);
    });
  }

  /** UpdatePodClaimForRetentionPolicy. */
  *#fixClaims(replicas: readonly Replica[]): Steps<void> {
    for (let t = 0; t < this.#claimTemplates.length; t++) {
      const wrong: { replica: Replica; claim: SeenObject }[] = [];
      for (const replica of replicas) {
        const claim = this.#claim(replica, t);
        if (claim === undefined) continue;
        const owner = this.#owner(replica);
        if (hasUnexpectedController(claim.object, this.#set, owner)) {
          const text = `PersistentVolumeClaim ${claim.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
          this.#ctx.client.event('Warning', 'ConflictingController', ...this.#names, text);
        }
        if (!ownersAreRight(claim.object, this.#set, owner)) wrong.push({ replica, claim });
      }
      if (wrong.length === 0) continue;
      let failure: Reply | null = null;
      this.#calls.each = (reply, i) => {
        if (reply.code < 400) return;
        failure ??= reply;
        const { replica, claim } = wrong[i]!;
        const text = `could not update claim ${claim.name} for delete policy ownerRefs: ${reply.message}`;
        this.#failedPod('Update', replica, text);
      };
      const last = wrong.length - 1;
      const update = (i: number) => {
        const { replica, claim } = wrong[i]!;
        const changed = withOwners(claim.object, this.#set, this.#owner(replica));
        return this.#calls.update(claim.id, changed, claim.revision, i);
      };
      for (let i = 0; i < last; i++) update(i);
      yield update(last);
      if (failure !== null) throw new RequestFailed(failure);
    }
  }

  /** The pod's labels or its claims are not as they should be: claims are put right, and the pod is written anyway. */
  *#updatePod(replica: Replica): Steps<void> {
    yield* this.#fixClaims([replica]);
    const reply = yield this.#calls.patchPod(replica.pod, replica.generation, (meta) => {
      const labels = withIdentity(meta.labels, this.#seen.name, replica.ordinal);
      return labels === meta.labels ? meta : { ...meta, labels };
    });
    const what = `Pod ${this.#podName(replica)} in StatefulSet ${this.#seen.name}`;
    if (reply.code >= 400) {
      this.#failed('Update', `${what} failed error: ${reply.message}`);
      throw new RequestFailed(reply);
    }
    this.#event('Update', `${what} successful`);
  }

  // ---- pods ----

  /** newVersionedStatefulSetPod: below the partition the current revision, from it on the new one. */
  #revisionFor(ordinal: number): Revision {
    const { updateStrategy } = this.#set['spec'];
    const start = startOrdinal(this.#set);
    const rolling = updateStrategy?.rollingUpdate;
    if (rolling !== undefined && rolling !== null)
      return ordinal < start + (rolling.partition ?? 0) ? this.#current : this.#update;
    const kept: number = this.#set['status']?.currentReplicas ?? 0;
    return updateStrategy?.type === 'RollingUpdate' && ordinal < start + kept ? this.#current : this.#update;
  }

  *#createPods(missing: readonly Replica[]): Steps<void> {
    const { run, client } = this.#ctx;
    const { state, recorder } = run;
    const { kind, namespace, name, key, id } = this.#seen;
    const base = { namespace: state.texts.id(namespace), nameBase: state.texts.id(`${name}-`) };
    let failure: Reply | null = null;
    this.#calls.each = (reply, i) => {
      const replica = missing[i]!;
      if (reply.code < 400) {
        this.#unseen.created(key, reply.id);
        if (recorder.tracer.enabled)
          recorder.tracer.link('Pod', namespace, this.#podName(replica), kind, namespace, name);
        this.#event('Create', `Pod ${this.#podName(replica)} in StatefulSet ${name} successful`);
        return;
      }
      failure ??= reply;
      if (reply.reason !== 'AlreadyExists') this.#failedPod('Create', replica, reply.message);
    };
    if (recorder.tracer.enabled) {
      const names = missing.map((replica) => this.#podName(replica)).join(', ');
      recorder.tracer.hop(client.name, kind, namespace, name, `creating ${names}`);
    }
    const create = (i: number) => {
      const { ordinal } = missing[i]!;
      const revision = this.#revisionFor(ordinal);
      const template = podTemplate(this.#set, templateOf(revision.object), revision.name, ordinal);
      return this.#calls.createPod(
        {
          ...base,
          template: run.api.podTemplate(namespace, template),
          owner: id,
          generate: false,
          ordinal,
          runUs: Number.NaN,
        },
        i,
      );
    };
    const last = missing.length - 1;
    for (let i = 0; i < last; i++) create(i);
    yield create(last);
    if (failure !== null) throw new RequestFailed(failure);
  }

  /** Throws at a refusal; `goneIsFine`: a pod that is gone already is none. */
  *#deletePods(list: readonly Replica[], goneIsFine = false): Steps<void> {
    if (list.length === 0) return;
    const { client, run } = this.#ctx;
    const { tracer } = run.recorder;
    const { kind, namespace, name, key } = this.#seen;
    if (tracer.enabled) {
      const names = list.map((replica) => this.#podName(replica)).join(', ');
      tracer.hop(client.name, kind, namespace, name, `deleting ${names}`);
    }
    let failure: Reply | null = null;
    this.#calls.each = (reply, i) => {
      const replica = list[i]!;
      if (reply.code < 400) {
        this.#unseen.deleted(key, replica.pod, replica.generation);
        this.#event('Delete', `Pod ${this.#podName(replica)} in StatefulSet ${name} successful`);
        return;
      }
      this.#failedPod('Delete', replica, reply.message);
      if (!(goneIsFine && reply.code === 404)) failure ??= reply;
    };
    const last = list.length - 1;
    for (let i = 0; i < last; i++) this.#calls.deletePod(list[i]!.pod, list[i]!.generation, -1, i);
    yield this.#calls.deletePod(list[last]!.pod, list[last]!.generation, -1, last);
    if (failure !== null) throw new RequestFailed(failure);
  }

  /** The first unavailable pod by place, or else the lowest unavailable one that has to go. */
  #firstUnavailable(): Replica | undefined {
    const { wanted, condemned } = this.#replicas;
    const isBad = (replica: Replica): boolean => isUnavailable(replica, this.#minReadySeconds, this.#now);
    return wanted.find(isBad) ?? condemned.findLast(isBad);
  }

  /** One pod too many under OrderedReady. True: nothing more is done now. */
  *#retire(replica: Replica, firstUnavailable: Replica | undefined): Steps<boolean> {
    if (isTerminating(replica)) return true;
    const isHealthy = isRunningAndReady(replica) && isAvailable(replica, this.#minReadySeconds, this.#now);
    if (!isHealthy && replica !== firstUnavailable) return true;
    yield* this.#deletePods([replica]);
    return true;
  }

  /** The pod of the highest ordinal that is of another revision goes, once all above it are available. */
  *#roll(): Steps<void> {
    const { wanted } = this.#replicas;
    const partition: number = this.#set['spec'].updateStrategy?.rollingUpdate?.partition ?? 0;
    for (let target = wanted.length - 1; target >= partition; target--) {
      const replica = wanted[target]!;
      // A place that was filled in this sync has a pod of the right revision, which is not available yet.
      if (isCreated(replica) && replica.revision !== this.#update.name && !isTerminating(replica)) {
        yield* this.#deletePods([replica], true);
        this.updating += 1;
        return;
      }
      if (isUnavailable(replica, this.#minReadySeconds, this.#now)) return;
    }
  }

  // ---- Events ----

  get #names(): [kind: string, namespace: string, name: string] {
    return [this.#seen.kind, this.#seen.namespace, this.#seen.name];
  }

  #event(verb: 'Create' | 'Update' | 'Delete', what: string): void {
    this.#ctx.client.event('Normal', `Successful${verb}`, ...this.#names, `${verb} ${what}`);
  }

  #failed(verb: 'Create' | 'Update' | 'Delete', what: string): void {
    this.#ctx.client.event('Warning', `Failed${verb}`, ...this.#names, `${verb} ${what}`);
  }

  #failedPod(verb: 'Create' | 'Update' | 'Delete', replica: Replica, message: string): void {
    this.#failed(
      verb,
      `Pod ${this.#podName(replica)} in StatefulSet ${this.#seen.name} failed error: ${message}`,
    );
  }
}
