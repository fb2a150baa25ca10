// ReplicaSets and ReplicationControllers: keep as many pods as spec.replicas asks for. One implementation for both, as
// upstream (pkg/controller/replicaset/replica_set.go, v1.36).
//
// A sync compares the pods seen with spec.replicas. Too few: creates up to 500, in batches of 1, 2, 4, 8 … that stop
// at the first failure. Too many: deletes up to 500, chosen by pod-ranking.ts. While what it did has not been seen, it
// does not act again (expectations.ts). Then it writes status if that has changed. Before all that it adopts pods
// without owner that it selects, and releases those that it does not select any more (pod-claims.ts).
import {
  type Calls,
  type Controller,
  type ControllerContext,
  DONE,
  RETRY,
  type SeenObject,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import {
  compileLabelSelector,
  compileMapSelector,
  derivedPodUid,
  isTerminal,
  type Labels,
  PodBit,
  phaseOf,
  type Selector,
  Verb,
} from '../state/index.ts';
import { Expectations } from './expectations.ts';
import { OrphanPods } from './orphan-pods.ts';
import { controllerUid } from './owner.ts';
import { type Claims, claimPods, withClaims } from './pod-claims.ts';
import { chooseForDeletion, type DeletionCandidate } from './pod-ranking.ts';
import { isActive, isReady } from './pod-view.ts';
import {
  availableCount,
  countPods,
  includes,
  nextAvailableUs,
  type PodCounts,
  replicaStatus,
  type SyncFailure,
} from './replica-status.ts';
import { isNamespaceTerminating, RequestFailed } from './request-failed.ts';
import { ofLabelSelector, ofMap, SelectingObjects } from './selecting-objects.ts';

const SECOND = 1_000_000;
/** BurstReplicas: creations or deletions of one sync at most. */
const BURST_REPLICAS = 500;
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/** What differs between the two kinds. */
interface ReplicaKind {
  readonly kind: 'ReplicaSet' | 'ReplicationController';
  /** ReplicaSets report terminatingReplicas, ReplicationControllers do not. */
  readonly hasTerminating: boolean;
}

interface Candidate extends DeletionCandidate {
  readonly pod: number;
  readonly generation: number;
  readonly serial: number;
  readonly name: string;
}

/** Bits of a pod's state that a replica controller counts. */
const isCounted = (word: number): number =>
  (isActive(word) ? 1 : 0) | (isReady(word) ? 2 : 0) | (isTerminal(word) ? 4 : 0);

const NO_LABELS: Labels = Object.freeze({});

export class ReplicaManager implements Controller {
  readonly #ctx: ControllerContext;
  readonly #kind: ReplicaKind;
  readonly #objects: SeenObjects;
  readonly #expectations = new Expectations();
  readonly #orphans: OrphanPods;
  readonly #selecting: SelectingObjects;
  readonly #selectors = new WeakMap<object, Selector>();

  constructor(ctx: ControllerContext, kind: ReplicaKind) {
    this.#ctx = ctx;
    this.#kind = kind;
    this.#objects = ctx.objects(kind.kind);
    this.#orphans = OrphanPods.of(ctx);
    this.#selecting = new SelectingObjects(kind.kind === 'ReplicationController' ? ofMap : ofLabelSelector);
    ctx.onObjects(kind.kind, (seen, verb) => {
      if (verb === Verb.deleted) {
        this.#expectations.forget(seen.key);
        this.#selecting.delete(seen);
      } else {
        this.#orphans.activate();
        this.#selecting.set(seen);
      }
      ctx.queue.add(seen.key);
    });
    this.#orphans.onOrphan((pod) => this.#orphanSeen(pod));
    ctx.onPodIdentity((_pod, old, now) => {
      this.#ownerChanged(old.owner);
      this.#ownerChanged(now.owner);
    });
    ctx.onPods((pod, verb, word, _node, oldWord) => this.#podSeen(pod, verb, word, oldWord), kind.kind);
  }

  #ownerChanged(owner: number): void {
    const seen = owner < 0 ? undefined : this.#objects.byId(owner);
    if (seen !== undefined) this.#ctx.queue.add(seen.key);
  }

  /** Whoever selects it may adopt it. */
  #orphanSeen(pod: number): void {
    const { pods, run, queue } = this.#ctx;
    const { labels, texts } = run.state;
    const labelSet = pods.labelSet(pod);
    const namespace = texts.text(pods.table.namespace[pod]!);
    for (const seen of this.#selecting.candidates(namespace, labels.get(labelSet)))
      if (this.#selectorOf(seen.object).matchesSet(labelSet)) queue.add(seen.key);
  }

  #selectorOf(object: KubeObject): Selector {
    const { selector } = object['spec'] as Json;
    const { labels } = this.#ctx.run.state;
    if (selector === undefined || selector === null) return compileMapSelector(undefined, labels);
    let compiled = this.#selectors.get(selector);
    if (compiled === undefined) {
      const isMap = this.#kind.kind === 'ReplicationController';
      compiled = isMap ? compileMapSelector(selector, labels) : compileLabelSelector(selector, labels);
      this.#selectors.set(selector, compiled);
    }
    return compiled;
  }

  #podSeen(pod: number, verb: Verb, word: number, oldWord: number): void {
    const { table } = this.#ctx.pods;
    const owner = this.#ctx.pods.owner(pod);
    if (owner < 0) return;
    const seen = this.#objects.byId(owner);
    if (seen === undefined) return;
    const { queue } = this.#ctx;
    if (verb === Verb.deleted || (word & PodBit.deleting) !== 0) {
      this.#expectations.deletionObserved(seen.key, table.serial[pod]!);
    } else if (oldWord < 0) {
      this.#expectations.creationObserved(seen.key);
    } else {
      // Upstream syncs at every change of a pod. Changes that none of its numbers depend on (bound, sandbox made) would
      // find nothing to do: they matter only as an early retry of what failed.
      if (isCounted(word) === isCounted(oldWord) && queue.retries(seen.key) === 0) return;
      const minReadySeconds = seen.object['spec'].minReadySeconds ?? 0;
      if (minReadySeconds > 0 && isReady(word) && !isReady(oldWord)) {
        queue.addAfter(seen.key, (minReadySeconds + 1) * SECOND);
      }
    }
    queue.add(seen.key);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#objects.get(key);
    if (seen === undefined) {
      this.#expectations.forget(key);
      return DONE;
    }
    const { pods, run, queue } = this.#ctx;
    const { object, revision } = seen;
    const { spec } = object as Json;
    const minReadySeconds: number = spec.minReadySeconds ?? 0;
    const templateLabels: Labels = spec.template?.metadata?.labels ?? NO_LABELS;
    const isSatisfied = this.#expectations.satisfied(key, run.kernel.now);
    let claims: Claims;
    try {
      claims = yield* claimPods(this.#ctx, this.#orphans, seen, this.#selectorOf(object), calls);
    } catch (error) {
      if (error instanceof RequestFailed) return RETRY;
      throw error;
    }
    const labels = run.state.labels;
    const counts = withClaims(
      this.#ctx,
      seen.id,
      countPods(pods, seen.id, templateLabels, minReadySeconds, labels),
      claims,
      (labelSet) => includes(labels.get(labelSet), templateLabels),
    );
    let failure: SyncFailure | null = null;
    if (isSatisfied && object.metadata.deletionTimestamp === undefined) {
      failure = yield* this.#manage(seen, object, counts, claims, calls);
    }
    const now = run.kernel.now;
    const available = availableCount(counts, minReadySeconds, now);
    const status = replicaStatus(object, counts, available, failure, this.#kind.hasTerminating, now);
    if (status !== null && !(yield* this.#writeStatus(seen.id, object, revision, status, calls)))
      return RETRY;
    if (failure === null && minReadySeconds > 0 && counts.ready !== available) {
      queue.addAfter(key, nextAvailableUs(counts, minReadySeconds, now) ?? minReadySeconds * SECOND);
    }
    return failure === null ? DONE : RETRY;
  }

  /** PUT status; after a conflict once more upon the newest version. False if that failed too. */
  *#writeStatus(
    id: number,
    object: KubeObject,
    revision: number,
    status: Json,
    calls: Calls,
  ): Steps<boolean> {
    const first = yield calls.updateStatus(id, { ...object, status }, revision);
    if (first.code < 400) return true;
    const read = yield calls.get(id);
    if (read.object === null) return false;
    const second = yield calls.updateStatus(id, { ...read.object, status }, read.revision);
    return second.code < 400;
  }

  *#manage(
    seen: SeenObject,
    object: KubeObject,
    counts: PodCounts,
    claims: Claims,
    calls: Calls,
  ): Steps<SyncFailure | null> {
    const wanted: number = object['spec'].replicas ?? 1;
    const difference = Math.min(BURST_REPLICAS, Math.abs(wanted - counts.active));
    if (counts.active < wanted) return yield* this.#createPods(seen, object, difference, calls);
    if (counts.active > wanted)
      return yield* this.#deletePods(seen, counts.active, difference, claims, calls);
    return null;
  }

  *#createPods(seen: SeenObject, object: KubeObject, count: number, calls: Calls): Steps<SyncFailure | null> {
    const { run, client } = this.#ctx;
    const { state, recorder } = run;
    const { kind, namespace, name, key } = seen;
    this.#expectations.expectCreations(key, count, run.kernel.now);
    if (recorder.tracer.enabled) {
      recorder.tracer.hop(
        client.name,
        kind,
        namespace,
        name,
        `creating ${count} ${count === 1 ? 'pod' : 'pods'}`,
      );
    }
    const creation = {
      template: run.api.podTemplate(namespace, object['spec'].template),
      namespace: state.texts.id(namespace),
      owner: seen.id,
      nameBase: state.texts.id(`${name}-`),
      generate: true,
      runUs: Number.NaN,
    };
    let created = 0;
    let failure: SyncFailure | null = null;
    for (let batch = 1; created < count && failure === null; batch *= 2) {
      const size = Math.min(batch, count - created);
      let failed = 0;
      calls.each = (reply) => {
        if (reply.code < 400) {
          const podName = state.podName(reply.id);
          if (recorder.tracer.enabled) recorder.tracer.link('Pod', namespace, podName, kind, namespace, name);
          client.event('Normal', 'SuccessfulCreate', kind, namespace, name, `Created pod: ${podName}`);
          return;
        }
        // A namespace that is going away takes no pods; trying again would not help.
        if (isNamespaceTerminating(reply.code, reply.message)) return;
        failed += 1;
        failure ??= { reason: 'FailedCreate', message: reply.message };
        client.event('Warning', 'FailedCreate', kind, namespace, name, `Error creating: ${reply.message}`);
      };
      for (let i = 1; i < size; i++) calls.createPod(creation);
      yield calls.createPod(creation);
      created += size - failed;
    }
    // Pods that were refused or never tried will not be seen.
    if (created < count) this.#expectations.creationObserved(key, count - created);
    return failure;
  }

  *#deletePods(
    seen: SeenObject,
    active: number,
    count: number,
    claims: Claims,
    calls: Calls,
  ): Steps<SyncFailure | null> {
    const { run, client } = this.#ctx;
    const { tracer } = run.recorder;
    const { kind, namespace, name, key } = seen;
    const chosen = chooseForDeletion(this.#candidates(seen, claims, count < active), count, run.kernel.now);
    this.#expectations.expectDeletions(
      key,
      chosen.map((candidate) => candidate.serial),
      run.kernel.now,
    );
    if (tracer.enabled) {
      tracer.hop(client.name, kind, namespace, name, `deleting ${chosen.map((c) => c.name).join(', ')}`);
    }
    let failure: SyncFailure | null = null;
    calls.each = (reply, index) => {
      const candidate = chosen[index]!;
      if (reply.code < 400) {
        client.event('Normal', 'SuccessfulDelete', kind, namespace, name, `Deleted pod: ${candidate.name}`);
        return;
      }
      this.#expectations.deletionObserved(key, candidate.serial);
      if (reply.code === 404) return;
      failure ??= { reason: 'FailedDelete', message: `unable to delete pods: ${reply.message}` };
      client.event('Warning', 'FailedDelete', kind, namespace, name, `Error deleting: ${reply.message}`);
    };
    const last = chosen.length - 1;
    for (let i = 0; i < last; i++) calls.deletePod(chosen[i]!.pod, chosen[i]!.generation, -1, i);
    yield calls.deletePod(chosen[last]!.pod, chosen[last]!.generation, -1, last);
    return failure;
  }

  /** The active pods; their ranks are counted only where a choice has to be made. */
  #candidates(seen: SeenObject, claims: Claims, ranked: boolean): Candidate[] {
    const { pods, run } = this.#ctx;
    const { state } = run;
    const { table } = pods;
    const perNode = ranked ? this.#relatedPodsPerNode(seen) : null;
    const list: Candidate[] = [];
    const mine: number[] = claims.adopted.filter((pod) => pods.has(pod) && pods.owner(pod) !== seen.id);
    for (let pod = pods.firstOwned(seen.id); pod >= 0; pod = pods.nextOwned(pod))
      if (!claims.released.has(pod)) mine.push(pod);
    for (const pod of mine) {
      const word = pods.word(pod);
      if (!isActive(word)) continue;
      const serial = table.serial[pod]!;
      const node = pods.node(pod);
      list.push({
        pod,
        generation: table.generation[pod]!,
        serial,
        name: state.podName(pod),
        node,
        phase: phaseOf(word),
        ready: isReady(word),
        deletionCost: deletionCost(state.templates.get(table.template[pod]!).annotations),
        rank: perNode?.get(node) ?? 0,
        readyUs: pods.readyUs(pod),
        restarts: table.restarts[pod]!,
        createdUs: Math.floor(table.createdUs[pod]! / SECOND) * SECOND,
        uid: () => derivedPodUid(serial),
      });
    }
    return list;
  }

  /** Active pods by node of all ReplicaSets with the same controller; none without one (getIndirectlyRelatedPods). */
  #relatedPodsPerNode(seen: SeenObject): Map<number, number> {
    const { pods } = this.#ctx;
    const perNode = new Map<number, number>();
    const uid = controllerUid(seen.object);
    if (uid === undefined) return perNode;
    for (const related of this.#objects.controlledBy(uid)) {
      for (let pod = pods.firstOwned(related.id); pod >= 0; pod = pods.nextOwned(pod)) {
        if (!isActive(pods.word(pod))) continue;
        const node = pods.node(pod);
        perNode.set(node, (perNode.get(node) ?? 0) + 1);
      }
    }
    return perNode;
  }
}

const INTEGER = /^(0|-?[1-9]\d*)$/;

/** An int32 as written, or 0 (helper.GetDeletionCostFromPodAnnotations). */
export function deletionCost(annotations: Labels): number {
  const text = annotations[DELETION_COST];
  if (text === undefined || !INTEGER.test(text)) return 0;
  const value = Number(text);
  return Math.abs(value) <= 2 ** 31 - 1 || value === -(2 ** 31) ? value : 0;
}
