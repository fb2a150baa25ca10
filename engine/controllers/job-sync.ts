// One sync of a Job, first half: what has ended, whether the Job is over, how many pods there should be
// (pkg/controller/job/job_controller.go syncJob, v1.36). The second half is job-tracking.ts.
import type { Calls, SeenObject, Steps } from '../contracts/controller.ts';
import type { Json } from '../kinds/kind.ts';
import { timestampText, timestampUs } from '../state/index.ts';
import { together } from './goroutines.ts';
import { nextRecord } from './job-backoff.ts';
import {
  hasLimitPerIndex,
  isCountable,
  isIndexed,
  isValidIndex,
  type JobRoom,
  type JobSync,
  verdictOf,
} from './job-context.ts';
import { hasIndex, type IndexSet, indexCount, NO_INDEXES, parseIndexes, withIndexes } from './job-indexes.ts';
import { manageJob } from './job-manage.ts';
import {
  isPodActive,
  isPodFailed,
  isPodLive,
  isPodReady,
  isPodSucceeded,
  isPodTerminating,
  isPodTracked,
  type JobPod,
} from './job-pods.ts';
import { metSuccessRule } from './job-policies.ts';
import { ensureCondition, type JobStatus, jobCondition, trueCondition } from './job-status.ts';

const SECOND = 1_000_000;

export function beginSync(room: JobRoom, seen: SeenObject, status: JobStatus): JobSync {
  const { key, object } = seen;
  const { spec } = object as Json;
  const pods = room.pods.of(seen.id);
  const active = pods.filter(isPodActive);
  const onlyReplaceFailed = spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
  const uncounted = new Set([...status.uncountedSucceeded, ...status.uncountedFailed]);
  const fresh = pods.filter((pod) => !uncounted.has(pod.uid) && isCountable(room, key, spec, pod));
  const newSucceeded = fresh.filter(isPodSucceeded);
  const newFailed = fresh.filter((pod) => isPodFailed(pod, onlyReplaceFailed));
  const ends = (ended: readonly JobPod[]): number[] => ended.map((pod) => room.pods.finishedUs(pod));
  const sync: JobSync = {
    seen,
    key,
    spec,
    isDeleting: object.metadata.deletionTimestamp !== undefined,
    status,
    pods,
    active,
    onlyReplaceFailed,
    record: nextRecord(room.backoffs.get(key), ends(newSucceeded), ends(newFailed)),
    succeeded: status.succeeded + newSucceeded.length + status.uncountedSucceeded.length,
    failed: status.failed + status.uncountedFailed.length,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    finished: null,
    previousIndexes: NO_INDEXES,
    succeededIndexes: NO_INDEXES,
    failedIndexes: null,
    delayed: new Map(),
  };
  sync.failed += newFailed.filter((pod) => verdictOf(room, sync, pod).counts).length;
  return sync;
}

/** Decides and acts. `failed`: a request was refused; `flush`: the status is to be written whatever has ended. */
export function* decide(
  room: JobRoom,
  sync: JobSync,
  satisfied: boolean,
  calls: Calls,
): Steps<{ readonly failed: boolean; readonly flush: boolean }> {
  const { spec, status } = sync;
  const { kernel } = room.ctx.run;
  if (status.startTime === undefined && spec.suspend !== true) status.startTime = timestampText(kernel.now);
  judge(room, sync);
  if (isIndexed(spec)) judgeIndexes(room, sync);
  let active = sync.active.length;
  let failed = false;
  let suspensionChanged = false;
  if (sync.finished !== null) {
    const deleted = yield* deleteActive(room, sync, calls);
    // Not over yet: pods may be left whose finalizers stay, or that nobody here has seen.
    if (deleted.done !== active || !satisfied) sync.finished = null;
    active -= deleted.done;
    sync.terminating += deleted.done;
    sync.ready -= deleted.ready;
    failed = deleted.done !== sync.active.length;
  } else {
    let managed = false;
    if (satisfied && !sync.isDeleting) {
      const result = yield* manageJob(room, sync, calls);
      active = result.active;
      failed = result.failed;
      managed = true;
    }
    const enough = spec.completions === undefined ? sync.succeeded > 0 : sync.succeeded >= spec.completions;
    if (enough && active === 0) {
      sync.finished = jobCondition(
        'SuccessCriteriaMet',
        'True',
        'CompletionsReached',
        'Reached expected number of succeeded pods',
        kernel.now,
      );
    } else if (managed) suspensionChanged = applySuspension(room, sync);
  }
  const flush =
    suspensionChanged ||
    active !== status.active ||
    sync.ready !== status.ready ||
    sync.terminating !== status.terminating;
  status.active = active;
  status.ready = sync.ready;
  status.terminating = sync.terminating;
  return { failed, flush };
}

/** Whether the Job is over: by what its status says already, by a failed pod, by number of failures, by time. */
function judge(room: JobRoom, sync: JobSync): void {
  const { spec, status } = sync;
  const { now } = room.ctx.run.kernel;
  sync.finished = trueCondition(status.conditions, 'SuccessCriteriaMet') ?? null;
  if (sync.finished !== null) return;
  const target = trueCondition(status.conditions, 'FailureTarget');
  if (target !== undefined) {
    sync.finished = jobCondition('Failed', 'True', target.reason, target.message, now);
    return;
  }
  const fail = (reason: string, message: string): void => {
    sync.finished = jobCondition('FailureTarget', 'True', reason, message, now);
  };
  if (spec.podFailurePolicy !== undefined) {
    for (const pod of sync.pods) {
      const { message } = isPodFailed(pod, sync.onlyReplaceFailed)
        ? verdictOf(room, sync, pod)
        : { message: null };
      if (message !== null) return fail('PodFailurePolicy', message);
    }
  }
  if (sync.failed > spec.backoffLimit || hasTooManyRestarts(sync)) {
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const deadline: number | undefined = spec.activeDeadlineSeconds;
  if (deadline === undefined || spec.suspend === true || status.startTime === undefined) return;
  const leftUs = timestampUs(status.startTime) + deadline * SECOND - now;
  if (leftUs <= 0) return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
  room.ctx.queue.addAfter(sync.key, leftUs);
}

/** With restartPolicy OnFailure the restarts of pods that have not ended count (pastBackoffLimitOnFailure). */
function hasTooManyRestarts({ spec, pods }: JobSync): boolean {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return false;
  const restarts = pods.filter(isPodLive).reduce((sum, pod) => sum + pod.restarts, 0);
  return spec.backoffLimit === 0 ? restarts > 0 : restarts >= spec.backoffLimit;
}

function judgeIndexes(room: JobRoom, sync: JobSync): void {
  const { spec, status, pods } = sync;
  const { completions } = spec;
  const { now } = room.ctx.run.kernel;
  const tracked = pods.filter((pod) => isPodTracked(pod) && isValidIndex(spec, pod));
  sync.previousIndexes = parseIndexes(status.completedIndexes, completions);
  sync.succeededIndexes = withIndexes(
    sync.previousIndexes,
    tracked.filter(isPodSucceeded).map(({ index }) => index),
  );
  sync.succeeded = indexCount(sync.succeededIndexes);
  if (hasLimitPerIndex(spec)) {
    const failed = withIndexes(
      parseIndexes(status.failedIndexes, completions),
      tracked.filter((pod) => isIndexFailed(room, sync, pod)).map(({ index }) => index),
    );
    sync.failedIndexes = failed;
    const count = indexCount(failed);
    if (sync.finished === null) {
      const fail = (reason: string, message: string): void => {
        sync.finished = jobCondition('FailureTarget', 'True', reason, message, now);
      };
      if (spec.maxFailedIndexes !== undefined && count > spec.maxFailedIndexes)
        fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
      else if (count > 0 && count + sync.succeeded >= completions)
        fail('FailedIndexes', 'Job has failed indexes');
    }
    sync.delayed = delayedPods(room, sync, failed);
  }
  if (sync.finished !== null) return;
  const message = metSuccessRule(spec.successPolicy, completions, sync.succeededIndexes);
  if (message !== null)
    sync.finished = jobCondition('SuccessCriteriaMet', 'True', 'SuccessPolicy', message, now);
}

function isIndexFailed(room: JobRoom, sync: JobSync, pod: JobPod): boolean {
  if (!isPodFailed(pod, sync.onlyReplaceFailed)) return false;
  const { action, counts } = verdictOf(room, sync, pod);
  return action === 'FailIndex' || (counts && pod.failures >= sync.spec.backoffLimitPerIndex);
}

/** Of each index without a successor its last failed pod (getPodsWithDelayedDeletionPerIndex). */
function delayedPods(room: JobRoom, sync: JobSync, failed: IndexSet): Map<number, JobPod> {
  const running = new Set(sync.active.map(({ index }) => index));
  const last = new Map<number, JobPod>();
  for (const pod of sync.pods) {
    if (!isPodFailed(pod, sync.onlyReplaceFailed) || !isCountable(room, sync.key, sync.spec, pod)) continue;
    const { index } = pod;
    if (hasIndex(sync.succeededIndexes, index) || hasIndex(failed, index) || running.has(index)) continue;
    const known = last.get(index);
    const isLater =
      known === undefined ||
      (known.failures + known.ignoredFailures <= pod.failures + pod.ignoredFailures &&
        room.pods.finishedUs(pod) >= room.pods.finishedUs(known));
    if (isLater) last.set(index, pod);
  }
  return last;
}

/** DELETE of every active pod, all at once; finalizers stay until the pods are counted. */
function* deleteActive(
  room: JobRoom,
  { seen, active }: JobSync,
  calls: Calls,
): Steps<{ readonly done: number; readonly ready: number }> {
  if (active.length === 0) return { done: 0, ready: 0 };
  const { client } = room.ctx;
  let done = active.length;
  calls.each = (reply, i) => {
    const { name } = active[i]!;
    if (reply.code < 400) {
      client.event(
        'Normal',
        'SuccessfulDelete',
        seen.kind,
        seen.namespace,
        seen.name,
        `Deleted pod: ${name}`,
      );
    } else if (reply.code !== 404) {
      done -= 1;
      client.event(
        'Warning',
        'FailedDelete',
        seen.kind,
        seen.namespace,
        seen.name,
        `Error deleting: ${reply.message}`,
      );
    }
  };
  yield together(active.length, (i) => calls.deletePod(active[i]!.pod, active[i]!.generation, -1, i));
  return { done, ready: active.filter(isPodReady).length };
}

/** The condition Suspended; a Job that is resumed starts anew, one that is suspended has no start. */
function applySuspension(room: JobRoom, { seen, spec, status }: JobSync): boolean {
  const { client, run } = room.ctx;
  const { now } = run.kernel;
  const wanted =
    spec.suspend === true
      ? jobCondition('Suspended', 'True', 'JobSuspended', 'Job suspended', now)
      : jobCondition('Suspended', 'False', 'JobResumed', 'Job resumed', now);
  const conditions = ensureCondition(status.conditions, wanted);
  if (conditions === status.conditions) return false;
  status.conditions = conditions;
  const suspended = wanted.status === 'True';
  status.startTime = suspended ? undefined : timestampText(now);
  const { kind, namespace, name } = seen;
  client.event('Normal', suspended ? 'Suspended' : 'Resumed', kind, namespace, name, wanted.message!);
  return true;
}
