// The Job controller (pkg/controller/job/job_controller.go, v1.36): runs pods until enough of them have succeeded or
// too many have failed. This file says what wakes it; job-sync.ts decides, job-manage.ts creates and deletes pods,
// job-tracking.ts counts.
//
// A change of a Job's spec is looked at at once; pods and statuses are looked at a second after the first change.
// Pods that nobody controls are adopted, with the finalizer; those that the Job does not select any more released.
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
import { JOB_TRACKING } from '../kinds/ingest/pod-template.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { PodBit, timestampUs, Verb } from '../state/index.ts';
import { JobBackoffs } from './job-backoff.ts';
import type { JobRoom } from './job-context.ts';
import { JobExpectations } from './job-expectations.ts';
import { BATCH_US } from './job-manage.ts';
import { JobPods, withoutTracking } from './job-pods.ts';
import { isJobFinished, readStatus } from './job-status.ts';
import { beginSync, decide } from './job-sync.ts';
import { track } from './job-tracking.ts';
import { Ownership } from './ownership.ts';
import { RequestFailed } from './request-failed.ts';

const SECOND = 1_000_000;
/** Key of the one worker that takes finalizers off pods whose Job is over or gone (orphanQueue); no Job has it. */
const ORPHANS = '';
/** Label by which a Job selects its pods unless it says otherwise (manualSelector). */
const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
/** spec.managedBy of Jobs that this controller looks after: absent or this. */
const JOB_CONTROLLER = 'kubernetes.io/job-controller';

const isManagedElsewhere = (job: KubeObject): boolean =>
  (job['spec'].managedBy ?? JOB_CONTROLLER) !== JOB_CONTROLLER;

const isTracked = (word: number): boolean => (word & PodBit.tracked) !== 0;

class JobController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #jobs: SeenObjects;
  readonly #room: JobRoom;
  /** Pods with a finalizer that nobody will count: row to generation, in order. */
  readonly #orphans = new Map<number, number>();
  readonly #ownership: Ownership;
  /** Jobs by UID, and those with selectors of their own. */
  readonly #byUid = new Map<string, SeenObject>();
  readonly #manual = new Set<SeenObject>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#jobs = ctx.objects('Job');
    this.#room = {
      ctx,
      pods: new JobPods(ctx.run.state, ctx.pods),
      expectations: new JobExpectations(),
      backoffs: new JobBackoffs(),
    };
    this.#ownership = new Ownership(ctx, 'Job', {
      finalizer: JOB_TRACKING,
      delayUs: BATCH_US,
      candidates: (pod) => this.#selecting(pod),
      manages: (seen) => !isManagedElsewhere(seen.object) && !isJobFinished(seen.object),
    });
    ctx.onObjects('Job', (seen, verb, old) => this.#jobSeen(seen, verb, old));
    ctx.onPods((pod, verb, word, _node, oldWord) => this.#podSeen(pod, verb, word, oldWord));
    ctx.onPodIdentity((pod, old, now) => {
      if (old.owner === now.owner || old.owner < 0) return;
      const job = this.#jobs.byId(old.owner);
      if (job === undefined) return;
      this.#room.pods.seen(old.owner, pod, -1);
      ctx.queue.addAfter(job.key, BATCH_US);
    });
  }

  /** Jobs that may select the pod. */
  #selecting(pod: number): SeenObject[] {
    const { pods, run } = this.#ctx;
    const { labels, texts } = run.state;
    const uid = labels.get(pods.labelSet(pod))[CONTROLLER_UID];
    const own = uid === undefined ? undefined : this.#byUid.get(uid);
    const namespace = texts.text(pods.table.namespace[pod]!);
    return [...(own === undefined ? [] : [own]), ...this.#manual].filter(
      (seen) => seen.namespace === namespace,
    );
  }

  #register(seen: SeenObject, verb: Verb): void {
    const uid = seen.object.metadata.uid!;
    if (verb === Verb.deleted) {
      this.#byUid.delete(uid);
      this.#manual.delete(seen);
      return;
    }
    this.#byUid.set(uid, seen);
    if (seen.object['spec'].manualSelector === true) this.#manual.add(seen);
  }

  #jobSeen(seen: SeenObject, verb: Verb, old: KubeObject | null): void {
    if (old === null || verb === Verb.deleted) this.#register(seen, verb);
    const { queue, run } = this.#ctx;
    const { key, object } = seen;
    if (old === null || verb === Verb.deleted) {
      queue.add(key);
      if (verb === Verb.deleted) this.#releaseAll(seen);
      return;
    }
    const sameSpec = old.metadata.generation === object.metadata.generation;
    queue.addAfter(key, sameSpec ? BATCH_US : 0);
    if (isJobFinished(object)) this.#releaseAll(seen);
    const { startTime } = readStatus(object);
    const deadline: number | undefined = object['spec'].activeDeadlineSeconds;
    if (startTime === undefined || deadline === undefined) return;
    if (old['spec'].activeDeadlineSeconds === deadline) return;
    queue.addAfter(key, timestampUs(startTime) + deadline * SECOND - run.kernel.now);
  }

  #podSeen(pod: number, verb: Verb, word: number, oldWord: number): void {
    const { table } = this.#ctx.pods;
    const owner = this.#ctx.pods.owner(pod);
    const gone = verb === Verb.deleted;
    const job = owner < 0 ? undefined : this.#jobs.byId(owner);
    if (job === undefined) {
      // The Job is gone, or the pod was taken from it: only the finalizer tells that there was one.
      if (isTracked(word) && !gone) this.#orphan(pod);
      return;
    }
    const { pods, expectations } = this.#room;
    const { key } = job;
    pods.seen(owner, pod, gone ? -1 : word);
    if (gone || (word & PodBit.deleting) !== 0) {
      if (isJobFinished(job.object)) {
        if (isTracked(word) && !gone) this.#orphan(pod);
        return;
      }
      expectations.deletionObserved(key);
      if (gone || !isTracked(word)) expectations.finalizerObserved(key, table.serial[pod]!);
    } else if (oldWord < 0) expectations.creationObserved(key);
    else if (!isTracked(word)) expectations.finalizerObserved(key, table.serial[pod]!);
    this.#ctx.queue.addAfter(key, BATCH_US);
  }

  *reconcile(key: string, calls: Calls): Steps {
    if (key === ORPHANS) return yield* this.#releaseOrphans(calls);
    const { expectations, backoffs } = this.#room;
    const seen = this.#jobs.get(key);
    if (seen === undefined) {
      expectations.forget(key);
      backoffs.forget(key);
      return DONE;
    }
    if (isManagedElsewhere(seen.object)) return DONE;
    if (isJobFinished(seen.object)) {
      backoffs.forget(key);
      return DONE;
    }
    const satisfied = expectations.satisfied(key, this.#ctx.run.kernel.now);
    try {
      yield* this.#ownership.claim(seen, calls);
    } catch (error) {
      if (error instanceof RequestFailed) return RETRY;
      throw error;
    }
    const sync = beginSync(this.#room, seen, readStatus(seen.object));
    const { failed, flush } = yield* decide(this.#room, sync, satisfied, calls);
    const outcome = yield* track(this.#room, sync, flush, calls);
    return failed ? RETRY : outcome;
  }

  // Orphans.

  /** The Job is over or gone: what still has its finalizer will not be counted by a sync. */
  #releaseAll(job: SeenObject): void {
    if (isManagedElsewhere(job.object)) return;
    for (const pod of this.#room.pods.rows(job.id))
      if (isTracked(this.#ctx.pods.word(pod))) this.#orphan(pod);
  }

  #orphan(pod: number): void {
    this.#orphans.set(pod, this.#ctx.pods.table.generation[pod]!);
    this.#ctx.queue.add(ORPHANS);
  }

  /** One after the other, as upstream's single worker does. */
  *#releaseOrphans(calls: Calls): Steps {
    for (const [pod, generation] of this.#orphans) {
      this.#orphans.delete(pod);
      const { pods } = this.#ctx;
      if (pods.table.generation[pod] !== generation || !pods.has(pod) || !isTracked(pods.word(pod))) continue;
      const job = this.#jobs.byId(pods.owner(pod));
      if (job !== undefined && (isManagedElsewhere(job.object) || !isJobFinished(job.object))) continue;
      const reply = yield calls.patchPod(pod, generation, withoutTracking);
      if (reply.code >= 400 && reply.code !== 404) {
        this.#orphans.set(pod, generation);
        return RETRY;
      }
    }
    return DONE;
  }
}

export const jobController: ControllerDefinition = {
  name: 'job',
  clientName: 'job-controller',
  about: 'runs pods of Jobs to completion',
  // DefaultJobApiBackOff, MaxJobApiBackOff.
  backoff: { baseUs: SECOND, maxUs: 60 * SECOND },
  create: (context) => new JobController(context),
};
