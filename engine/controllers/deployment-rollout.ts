// One sync of a Deployment over the ReplicaSets that it had when the sync began: finding or making the ReplicaSet of
// the current template, moving sizes, writing status (pkg/controller/deployment/{sync,rolling,recreate,progress}.go,
// v1.36). Every step returns or throws RequestFailed, as upstream returns errors.
import type { Calls, ControllerContext, SeenObject, Steps } from '../contracts/controller.ts';
import { assert } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { Labels } from '../state/index.ts';
import { findCondition, withCondition } from './conditions.ts';
import {
  annotationsOf,
  DESIRED_REPLICAS,
  nextRevision,
  numberAt,
  REVISION,
  revisionOf,
  withRevision,
  withSizes,
} from './deployment-annotations.ts';
import { assertStaysAvailable, type SetNow } from './deployment-availability.ts';
import {
  activeOrLatest,
  byCreation,
  isScaledUp,
  objectsOf,
  type SeenSet,
  type Sets,
  sizeOf,
} from './deployment-sets.ts';
import {
  maxSurge,
  maxUnavailable,
  newReplicas,
  proportionalSizes,
  type Strategy,
  scaleDownBudget,
} from './deployment-sizes.ts';
import {
  calculateStatus,
  type DeploymentStatus,
  deploymentCondition,
  isComplete,
  isSameStatus,
  progressDeadlineSeconds,
  Reason,
  readStatus,
  rolloutStatus,
  specReplicas,
  stuckCheckUs,
  totalActual,
  totalAvailable,
  totalSpecReplicas,
  writeStatus,
} from './deployment-status.ts';
import { controllerReference } from './owner.ts';
import { RequestFailed } from './request-failed.ts';
import { isSameTemplate, POD_TEMPLATE_HASH, templateHash } from './template-identity.ts';

const SECOND = 1_000_000;

export class DeploymentRollout {
  readonly #ctx: ControllerContext;
  readonly #calls: Calls;
  readonly #seen: SeenObject;
  /** The sync's own copy: conditions and annotations that it writes are set here too. */
  #object: KubeObject;
  /** Not renewed by the sync's own writes: see deployment.ts about conflicts. */
  readonly #revision: number;
  readonly #sets: readonly SeenSet[];
  readonly #strategy: Strategy;

  constructor(
    ctx: ControllerContext,
    calls: Calls,
    seen: SeenObject,
    object: KubeObject,
    revision: number,
    sets: readonly SeenSet[],
  ) {
    this.#ctx = ctx;
    this.#calls = calls;
    this.#seen = seen;
    this.#object = object;
    this.#revision = revision;
    this.#sets = sets;
    const { strategy } = object['spec'];
    this.#strategy = {
      rolling: strategy?.type !== 'Recreate',
      replicas: specReplicas(object),
      maxSurge: strategy?.rollingUpdate?.maxSurge ?? '25%',
      maxUnavailable: strategy?.rollingUpdate?.maxUnavailable ?? '25%',
    };
  }

  get #now(): number {
    return this.#ctx.run.kernel.now;
  }

  /** A Deployment that is being deleted, or is only looked at. */
  *syncStatusOnly(): Steps<void> {
    const sets = yield* this.#getSets(false);
    yield* this.#writePlainStatus(sets);
  }

  /** Notes that a rollout was paused or resumed (checkPausedConditions). */
  *checkPaused(): Steps<void> {
    if (progressDeadlineSeconds(this.#object) === null) return;
    const progressing = findCondition(readStatus(this.#object).conditions, 'Progressing');
    if (progressing?.reason === Reason.timedOut) return;
    const noted = progressing?.reason === Reason.paused;
    const paused = this.#object['spec'].paused === true;
    if (paused === noted) return;
    if (paused) this.#setProgressing('Unknown', Reason.paused, 'Deployment is paused');
    else this.#setProgressing('Unknown', Reason.resumed, 'Deployment is resumed');
    yield* this.#putStatus();
  }

  /** Brings the sizes of the ReplicaSets in line without rolling (sync). */
  *syncSize(): Steps<void> {
    const sets = yield* this.#getSets(false);
    yield* this.#scale(sets);
    if (this.#object['spec'].paused) yield* this.#cleanUp(sets.old);
    yield* this.#writePlainStatus(sets);
  }

  /** spec.replicas is not what the ReplicaSets were sized for. */
  *isScalingEvent(): Steps<boolean> {
    const sets = yield* this.#getSets(false);
    for (const set of this.#all(sets)) {
      if (!isScaledUp(set)) continue;
      const desired = numberAt(annotationsOf(set.object), DESIRED_REPLICAS);
      if (desired !== undefined && desired !== this.#strategy.replicas) return true;
    }
    return false;
  }

  /** RollingUpdate (rolloutRolling). */
  *roll(): Steps<void> {
    const sets = yield* this.#getSets(true);
    const current = sets.current!;
    if (yield* this.#growCurrent(sets, current)) return yield* this.#writeRolloutStatus(sets);
    if (yield* this.#shrinkOld(sets, current)) return yield* this.#writeRolloutStatus(sets);
    if (isComplete(this.#object, readStatus(this.#object))) yield* this.#cleanUp(sets.old);
    yield* this.#writeRolloutStatus(sets);
  }

  /** Recreate (rolloutRecreate). */
  *recreate(): Steps<void> {
    let sets = yield* this.#getSets(false);
    const active = sets.old.filter(isScaledUp);
    let scaled = false;
    for (const set of active) scaled = (yield* this.#resize(set, 0)) !== null || scaled;
    if (scaled || this.#oldPodsRun(sets)) return yield* this.#writeRolloutStatus(sets);
    if (sets.current === null) sets = yield* this.#getSets(true);
    yield* this.#resize(sets.current!, this.#strategy.replicas);
    if (isComplete(this.#object, readStatus(this.#object))) yield* this.#cleanUp(sets.old);
    yield* this.#writeRolloutStatus(sets);
  }

  #oldPodsRun(sets: Sets): boolean {
    if (totalActual(objectsOf(sets.old)) > 0) return true;
    return this.#sets.some((set) => {
      const owned = this.#ctx.pods.owned(set.id);
      return set.id !== sets.current?.id && owned !== undefined && owned.active + owned.terminating > 0;
    });
  }

  #all(sets: Sets): SeenSet[] {
    return sets.current === null ? [...sets.old] : [...sets.old, sets.current];
  }

  // Finding and making the ReplicaSet of the current template.

  /** getAllReplicaSetsAndSyncRevision. */
  *#getSets(create: boolean): Steps<Sets> {
    const template: Json = this.#object['spec'].template;
    // FindNewReplicaSet sorts the list that FindOldReplicaSets walks through after it.
    const sets = [...this.#sets].sort(byCreation);
    const found = sets.find((set) => isSameTemplate(set.object['spec'].template, template));
    const old = sets.filter((set) => set !== found);
    const revision = nextRevision(objectsOf(old));
    if (found !== undefined) return { current: yield* this.#reuse(found, revision), old };
    return { current: create ? yield* this.#create(old, revision) : null, old };
  }

  *#reuse(set: SeenSet, revision: number): Steps<SeenSet> {
    const before = annotationsOf(set.object);
    const annotations = withRevision(before, annotationsOf(this.#object), revision);
    const minReadySeconds: number = this.#object['spec'].minReadySeconds ?? 0;
    const { spec } = set.object as Json;
    if (annotations !== before || (spec.minReadySeconds ?? 0) !== minReadySeconds) {
      const next: Json = { ...spec, minReadySeconds };
      if (minReadySeconds === 0) delete next.minReadySeconds;
      return yield* this.#updateSet(set, next, annotations);
    }
    let changed = this.#setRevision(String(revisionOf(set.object)));
    const progressing = findCondition(readStatus(this.#object).conditions, 'Progressing');
    if (progressDeadlineSeconds(this.#object) !== null && progressing === undefined) {
      const text = `Found new replica set "${set.object.metadata.name}"`;
      this.#setProgressing('True', Reason.foundNewReplicaSet, text);
      changed = true;
    }
    if (changed) yield* this.#putStatus();
    return set;
  }

  *#create(old: readonly SeenSet[], revision: number): Steps<SeenSet> {
    const { client, run } = this.#ctx;
    const { namespace, name } = this.#seen;
    const { spec } = this.#object as Json;
    const hash = templateHash(spec.template, this.#object['status']?.collisionCount);
    const labels = { ...spec.template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
    const replicas = newReplicas(this.#strategy, 0, totalSpecReplicas(objectsOf(old)));
    const annotations = withSizes(
      withRevision({}, annotationsOf(this.#object), revision),
      this.#strategy.replicas,
      this.#strategy.replicas + maxSurge(this.#strategy),
    );
    const reply = yield this.#calls.create({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations,
        ownerReferences: [controllerReference(this.#object)],
      },
      spec: {
        replicas,
        ...(spec.minReadySeconds ? { minReadySeconds: spec.minReadySeconds } : {}),
        selector: {
          ...spec.selector,
          matchLabels: { ...spec.selector?.matchLabels, [POD_TEMPLATE_HASH]: hash },
        },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
      status: { replicas: 0 },
    });
    if (reply.reason === 'AlreadyExists')
      return yield* this.#exists(`${namespace}/${name}-${hash}`, revision, reply);
    if (reply.code >= 400) {
      const failed = new RequestFailed(reply);
      if (failed.isNamespaceTerminating) throw failed;
      const text = `Failed to create new replica set "${name}-${hash}": ${reply.message}`;
      if (progressDeadlineSeconds(this.#object) !== null) {
        this.#setProgressing('False', Reason.failedCreate, text);
        yield this.#calls.updateStatus(this.#seen.id, this.#object, this.#revision);
      }
      client.event('Warning', Reason.failedCreate, 'Deployment', namespace, name, text);
      throw failed;
    }
    const made: SeenSet = { id: reply.id, object: reply.object!, revision: reply.revision };
    const setName = made.object.metadata.name!;
    if (run.recorder.tracer.enabled) {
      run.recorder.tracer.link('ReplicaSet', namespace, setName, 'Deployment', namespace, name);
      run.recorder.tracer.hop(
        client.name,
        'Deployment',
        namespace,
        name,
        `created ReplicaSet ${setName} of ${replicas}`,
      );
    }
    if (replicas > 0) this.#scaledEvent('up', setName, 0, replicas);
    let changed = this.#setRevision(String(revision));
    if (progressDeadlineSeconds(this.#object) !== null) {
      this.#setProgressing('True', Reason.newReplicaSet, `Created new replica set "${setName}"`);
      changed = true;
    }
    if (changed) yield* this.#putStatus();
    return made;
  }

  /** The name is taken: by this very ReplicaSet, not seen yet a moment ago, or by a clash of hashes. */
  *#exists(key: string, revision: number, reply: { code: number } & RequestFailed['reply']): Steps<SeenSet> {
    const seen = this.#ctx.objects('ReplicaSet').get(key);
    if (seen === undefined) throw new RequestFailed(reply);
    const { id, object } = seen;
    const owner = object.metadata.ownerReferences?.find((reference) => reference.controller);
    const isOurs = owner?.uid === this.#object.metadata.uid;
    if (isOurs && isSameTemplate(object['spec'].template, this.#object['spec'].template)) {
      if (this.#setRevision(String(revision))) yield* this.#putStatus();
      return { id, object, revision: seen.revision };
    }
    const status: Json = this.#object['status'] ?? {};
    const collisionCount = (status.collisionCount ?? 0) + 1;
    this.#object = { ...this.#object, status: { ...status, collisionCount } };
    yield this.#calls.updateStatus(this.#seen.id, this.#object, this.#revision);
    throw new RequestFailed(reply);
  }

  // Moving sizes.

  *#growCurrent(sets: Sets, current: SeenSet): Steps<boolean> {
    const size = specReplicas(current.object);
    if (size === this.#strategy.replicas) return false;
    const total = totalSpecReplicas(objectsOf(this.#all(sets)));
    const wanted =
      size > this.#strategy.replicas ? this.#strategy.replicas : newReplicas(this.#strategy, size, total);
    const most = this.#strategy.replicas + maxSurge(this.#strategy);
    assert(
      wanted <= size || total - size + wanted <= most,
      () => `Deployment ${this.#seen.key} would have ${total - size + wanted} pods of at most ${most}`,
    );
    return (yield* this.#resize(current, wanted)) !== null;
  }

  /** reconcileOldReplicaSets: an error ends it, but neither the sync nor does it bring another try. */
  *#shrinkOld(sets: Sets, current: SeenSet): Steps<boolean> {
    try {
      return yield* this.#takeFromOld(sets, current);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      return false;
    }
  }

  /** Pods that are not available first, then as many as maxUnavailable allows. */
  *#takeFromOld(sets: Sets, current: SeenSet): Steps<boolean> {
    const old = sets.old.filter(isScaledUp).sort(byCreation);
    if (old.length === 0) return false;
    const total = totalSpecReplicas(objectsOf(this.#all(sets)));
    const budget = scaleDownBudget(this.#strategy, total, sizeOf(current));
    if (budget <= 0) return false;
    let removed = 0;
    for (const [index, set] of old.entries()) {
      if (removed >= budget) break;
      const { replicas, available } = sizeOf(set);
      if (replicas === available) continue;
      const unhealthy = Math.min(budget - removed, replicas - available);
      if (unhealthy > 0) this.#checkAvailable([...old, current], index, replicas - unhealthy);
      // Its status still counts pods that the last scale-down takes away: an error upstream.
      if (unhealthy < 0) return false;
      old[index] = (yield* this.#resize(set, replicas - unhealthy)) ?? set;
      removed += unhealthy;
    }
    const minAvailable = this.#strategy.replicas - maxUnavailable(this.#strategy);
    const available = totalAvailable([...objectsOf(old), current.object]);
    let spare = available - minAvailable;
    for (const [index, set] of old.entries()) {
      if (spare <= 0) break;
      const { replicas } = sizeOf(set);
      if (replicas === 0) continue;
      const count = Math.min(replicas, spare);
      this.#checkAvailable([...old, current], index, replicas - count);
      old[index] = (yield* this.#resize(set, replicas - count)) ?? set;
      spare -= count;
      removed += count;
    }
    return removed > 0;
  }

  #checkAvailable(sets: readonly SeenSet[], index: number, to: number): void {
    const now = sets.map((set): SetNow => {
      const { replicas, available } = sizeOf(set);
      return { replicas, available, ready: this.#ctx.pods.owned(set.id)?.ready ?? 0 };
    });
    const least = this.#strategy.replicas - maxUnavailable(this.#strategy);
    assertStaysAvailable(this.#seen.key, least, now, index, to);
  }

  /** scale: without a rollout going on everything goes to one ReplicaSet, otherwise each gets its share. */
  *#scale(sets: Sets): Steps<void> {
    const { replicas } = this.#strategy;
    const only = activeOrLatest(sets);
    if (only !== null) {
      if (specReplicas(only.object) !== replicas) yield* this.#resize(only, replicas);
      return;
    }
    // FindActiveOrLatest has turned the list of the old ones round: the newest comes first.
    const active = this.#all({ ...sets, old: sets.old.toReversed() }).filter(isScaledUp);
    if (sets.current !== null && this.#isSaturated(sets.current)) {
      for (const set of active) if (set !== sets.current) yield* this.#resize(set, 0);
      return;
    }
    if (!this.#strategy.rolling) return;
    const allowed = replicas > 0 ? replicas + maxSurge(this.#strategy) : 0;
    const toAdd = allowed - totalSpecReplicas(objectsOf(active));
    // Largest first, and of equal ones the newer where pods are added, the older where they are taken away.
    if (toAdd !== 0)
      active.sort(
        (a, b) =>
          specReplicas(b.object) - specReplicas(a.object) ||
          (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)),
      );
    const sizes = proportionalSizes(this.#strategy, active.map(sizeOf), readStatus(this.#object).replicas);
    for (const [index, set] of active.entries()) yield* this.#resize(set, sizes[index]!, true);
  }

  #isSaturated(set: SeenSet): boolean {
    const { replicas } = this.#strategy;
    return (
      specReplicas(set.object) === replicas &&
      numberAt(annotationsOf(set.object), DESIRED_REPLICAS) === replicas &&
      (set.object['status']?.availableReplicas ?? 0) === replicas
    );
  }

  /** The new version if the size was changed. `annotate`: write the annotations even where the size stays. */
  *#resize(set: SeenSet, replicas: number, annotate = false): Steps<SeenSet | null> {
    const from = specReplicas(set.object);
    const before = annotationsOf(set.object);
    if (from === replicas && !annotate) return null;
    const desired = this.#strategy.replicas;
    const annotations = withSizes(before, desired, desired + maxSurge(this.#strategy));
    if (from === replicas && annotations === before) return null;
    const updated = yield* this.#updateSet(set, { ...set.object['spec'], replicas }, annotations);
    if (from === replicas) return null;
    this.#scaledEvent(from < replicas ? 'up' : 'down', set.object.metadata.name!, from, replicas);
    return updated;
  }

  *#updateSet(set: SeenSet, spec: Json, annotations: Labels): Steps<SeenSet> {
    const metadata = { ...set.object.metadata, annotations };
    const reply = yield this.#calls.update(set.id, { ...set.object, metadata, spec }, set.revision);
    if (reply.code >= 400) throw new RequestFailed(reply);
    return { id: set.id, object: reply.object!, revision: reply.revision };
  }

  #scaledEvent(direction: 'up' | 'down', setName: string, from: number, to: number): void {
    const { namespace, name } = this.#seen;
    const { client, run } = this.#ctx;
    const text = `Scaled ${direction} replica set ${setName} from ${from} to ${to}`;
    client.event('Normal', 'ScalingReplicaSet', 'Deployment', namespace, name, text);
    if (run.recorder.tracer.enabled)
      run.recorder.tracer.hop(client.name, 'Deployment', namespace, name, text);
  }

  /** Deletes the oldest empty ReplicaSets beyond revisionHistoryLimit. */
  *#cleanUp(old: readonly SeenSet[]): Steps<void> {
    const limit: number | undefined = this.#object['spec'].revisionHistoryLimit;
    if (limit === undefined || limit === 2 ** 31 - 1) return;
    const cleanable = old.filter((set) => set.object.metadata.deletionTimestamp === undefined);
    const surplus = cleanable.length - limit;
    if (surplus <= 0) return;
    cleanable.sort((a, b) => revisionOf(a.object) - revisionOf(b.object) || byCreation(a, b));
    for (const { id, object } of cleanable.slice(0, surplus)) {
      const status: Json = object['status'] ?? {};
      const isBehind = (object.metadata.generation ?? 0) > (status.observedGeneration ?? 0);
      if ((status.replicas ?? 0) !== 0 || specReplicas(object) !== 0 || isBehind) continue;
      const reply = yield this.#calls.delete(id);
      if (reply.code >= 400 && reply.code !== 404) throw new RequestFailed(reply);
    }
  }

  // Status.

  #setRevision(revision: string): boolean {
    const annotations = annotationsOf(this.#object);
    if (annotations[REVISION] === revision) return false;
    const metadata = { ...this.#object.metadata, annotations: { ...annotations, [REVISION]: revision } };
    this.#object = { ...this.#object, metadata };
    return true;
  }

  #setProgressing(status: 'True' | 'False' | 'Unknown', reason: string, message: string): void {
    const before = readStatus(this.#object);
    const conditions = withCondition(
      before.conditions,
      deploymentCondition('Progressing', status, reason, message, this.#now),
    );
    this.#object = { ...this.#object, status: writeStatus({ ...before, conditions }) };
  }

  *#putStatus(): Steps<void> {
    const reply = yield this.#calls.updateStatus(this.#seen.id, this.#object, this.#revision);
    if (reply.code >= 400) throw new RequestFailed(reply);
  }

  *#writePlainStatus(sets: Sets): Steps<void> {
    const all = objectsOf(this.#all(sets));
    const unavailable = maxUnavailable(this.#strategy);
    const status = calculateStatus(this.#object, all, sets.current?.object ?? null, unavailable, this.#now);
    yield* this.#putIfChanged(status);
  }

  *#writeRolloutStatus(sets: Sets): Steps<void> {
    const all = objectsOf(this.#all(sets));
    const unavailable = maxUnavailable(this.#strategy);
    const status = rolloutStatus(this.#object, all, sets.current?.object ?? null, unavailable, this.#now);
    if (yield* this.#putIfChanged(status)) return;
    const after = stuckCheckUs(this.#object, status, this.#now);
    const { queue } = this.#ctx;
    if (after === null) {
      // Upstream's check of a rollout that is complete meanwhile finds nothing to do; without it a run can end.
      queue.cancelAfter(this.#seen.key);
      return;
    }
    if (after < SECOND) queue.addRateLimited(this.#seen.key);
    else queue.addAfter(this.#seen.key, after + SECOND);
  }

  *#putIfChanged(status: DeploymentStatus): Steps<boolean> {
    if (isSameStatus(readStatus(this.#object), status)) return false;
    this.#object = { ...this.#object, status: writeStatus(status) };
    yield* this.#putStatus();
    return true;
  }
}
