// One sync of a Job, second half: pods that have ended are counted exactly once (job_controller.go
// trackJobStatusAndRemoveFinalizers, v1.36). Three writes a pod: its UID among the uncounted ones of the status, its
// finalizer away, and the counter in place of the UID. Whatever fails in between, the pod is either still marked, or
// in the list, or in the counter.
import { type Calls, DONE, type Outcome, RETRY, type Steps } from '../contracts/controller.ts';
import { together } from './goroutines.ts';
import {
  hasLimitPerIndex,
  isHeld,
  isIndexed,
  isValidIndex,
  type JobRoom,
  type JobSync,
  verdictOf,
} from './job-context.ts';
import { hasIndex, indexCount, indexText, withIndexes } from './job-indexes.ts';
import { isPodFailed, isPodSucceeded, type JobPod, withoutTracking } from './job-pods.ts';
import { ensureCondition, jobCondition, statusObject, trueCondition } from './job-status.ts';

/** MaxUncountedPods: at most so many at a time, to keep the status small. */
const UNCOUNTED_MAX = 500;

/** The Job as last written. */
interface Written {
  revision: number;
}

export function* track(room: JobRoom, sync: JobSync, needsFlush: boolean, calls: Calls): Steps<Outcome> {
  let flush = needsFlush;
  const held = new Set<string>();
  for (const pod of sync.pods) if (isHeld(room, sync.key, pod)) held.add(pod.uid);
  if (countReleased(sync, held)) flush = true;
  const { released, full, changed } = collect(room, sync);
  if (changed) flush = true;
  if (isIndexed(sync.spec) && tellIndexes(sync)) flush = true;
  if (tellTarget(room, sync)) flush = true;
  const written: Written = { revision: sync.seen.revision };
  if (flush) {
    if (!(yield* write(sync, written, calls))) return RETRY;
    room.backoffs.set(sync.key, sync.record);
    flush = false;
  }
  const failed = yield* release(room, sync, released, held, calls);
  if (countReleased(sync, held)) flush = true;
  if (failed) {
    if (flush) yield* write(sync, written, calls);
    return RETRY;
  }
  const finished = !full && enactFinish(room, sync);
  if (!flush && !finished) return DONE;
  if (!(yield* write(sync, written, calls))) return RETRY;
  if (finished) tellFinish(room, sync);
  return DONE;
}

function* write({ seen, status }: JobSync, written: Written, calls: Calls): Steps<boolean> {
  const reply = yield calls.updateStatus(
    seen.id,
    { ...seen.object, status: statusObject(status) },
    written.revision,
  );
  written.revision = reply.revision;
  return reply.code < 400;
}

/** Moves pods from the lists of uncounted ones, whose finalizer is gone, to the counters. */
function countReleased({ status }: JobSync, held: ReadonlySet<string>): boolean {
  const succeeded = status.uncountedSucceeded.filter((uid) => held.has(uid));
  const failed = status.uncountedFailed.filter((uid) => held.has(uid));
  const moved =
    status.uncountedSucceeded.length - succeeded.length + status.uncountedFailed.length - failed.length;
  if (moved === 0) return false;
  status.succeeded += status.uncountedSucceeded.length - succeeded.length;
  status.failed += status.uncountedFailed.length - failed.length;
  status.uncountedSucceeded = succeeded;
  status.uncountedFailed = failed;
  return true;
}

interface Collected {
  /** Pods whose finalizer goes. */
  readonly released: readonly JobPod[];
  /** There are more; the next sync goes on. */
  readonly full: boolean;
  /** Something is to be written before. */
  readonly changed: boolean;
}

/** Adds pods that have ended to the lists of uncounted ones; of Indexed Jobs the succeeded ones to the indexes. */
function collect(room: JobRoom, sync: JobSync): Collected {
  const { spec, status, finished } = sync;
  const indexedJob = isIndexed(spec);
  const failedBefore = new Set(status.uncountedFailed);
  const succeededBefore = new Set(status.uncountedSucceeded);
  const succeeded = [...status.uncountedSucceeded];
  const failed = [...status.uncountedFailed];
  const newIndexes: number[] = [];
  const released: JobPod[] = [];
  let full = false;
  let changed = false;
  const pods = indexedJob ? [...sync.pods].sort((a, b) => a.index - b.index) : sync.pods;
  for (const pod of pods) {
    if (!isHeld(room, sync.key, pod)) continue;
    const hasFailed = isPodFailed(pod, sync.onlyReplaceFailed);
    if (!mayRelease(sync, pod, hasFailed)) continue;
    released.push(pod);
    if (isPodSucceeded(pod) && !failedBefore.has(pod.uid)) {
      if (indexedJob) {
        // The index is enough not to count it twice.
        if (isValidIndex(spec, pod) && !hasIndex(sync.previousIndexes, pod.index)) {
          newIndexes.push(pod.index);
          changed = true;
        }
      } else if (!succeededBefore.has(pod.uid)) {
        succeeded.push(pod.uid);
        changed = true;
      }
    } else if (hasFailed || (finished !== null && finished.type !== 'SuccessCriteriaMet')) {
      // When the Job has failed, whatever has not ended has failed with it.
      const counts =
        !failedBefore.has(pod.uid) &&
        (!indexedJob || isValidIndex(spec, pod)) &&
        verdictOf(room, sync, pod).counts;
      if (counts) {
        failed.push(pod.uid);
        changed = true;
      }
    }
    if (newIndexes.length + succeeded.length + failed.length >= UNCOUNTED_MAX) {
      full = true;
      break;
    }
  }
  status.uncountedSucceeded = succeeded;
  status.uncountedFailed = failed;
  sync.succeededIndexes = withIndexes(sync.succeededIndexes, newIndexes);
  return { released, full, changed };
}

/** When the Job ends all go; else what has succeeded, and what has failed unless its successor needs its counts. */
function mayRelease(sync: JobSync, pod: JobPod, hasFailed: boolean): boolean {
  if (sync.isDeleting || sync.finished !== null || isPodSucceeded(pod)) return true;
  if (!hasFailed) return false;
  return !hasLimitPerIndex(sync.spec) || sync.delayed.get(pod.index)?.serial !== pod.serial;
}

function tellIndexes({ status, succeededIndexes, failedIndexes }: JobSync): boolean {
  const completed = indexText(succeededIndexes);
  const failed = failedIndexes === null ? undefined : indexText(failedIndexes);
  const changed = completed !== status.completedIndexes || failed !== status.failedIndexes;
  status.succeeded = indexCount(succeededIndexes);
  status.completedIndexes = completed;
  status.failedIndexes = failed;
  return changed;
}

/** The condition that announces the end stands in the status before finalizers go; the final one follows. */
function tellTarget(room: JobRoom, sync: JobSync): boolean {
  const { finished, status } = sync;
  if (finished === null) return false;
  const { now } = room.ctx.run.kernel;
  if (finished.type === 'FailureTarget') {
    status.conditions = [...status.conditions, finished];
    sync.finished = jobCondition('Failed', 'True', finished.reason, finished.message, now);
    return true;
  }
  if (finished.type !== 'SuccessCriteriaMet') return false;
  const known = trueCondition(status.conditions, 'SuccessCriteriaMet') !== undefined;
  if (!known) status.conditions = [...status.conditions, finished];
  sync.finished = jobCondition('Complete', 'True', finished.reason, finished.message, now);
  return !known;
}

/** Takes the finalizers away, all at once; `held` loses what has none any more. True if some stayed. */
function* release(
  room: JobRoom,
  { key }: JobSync,
  pods: readonly JobPod[],
  held: Set<string>,
  calls: Calls,
): Steps<boolean> {
  if (pods.length === 0) return false;
  const { expectations } = room;
  let failed = false;
  for (const { serial } of pods) expectations.expectFinalizerRemoved(key, serial);
  calls.each = (reply, i) => {
    const { serial, uid } = pods[i]!;
    if (reply.code >= 400) expectations.finalizerObserved(key, serial);
    if (reply.code < 400 || reply.code === 404) held.delete(uid);
    else failed = true;
  };
  yield together(pods.length, (i) => calls.patchPod(pods[i]!.pod, pods[i]!.generation, withoutTracking, i));
  return failed;
}

/** Complete or Failed, once all pods have ended and are counted. */
function enactFinish(room: JobRoom, sync: JobSync): boolean {
  const { finished, status } = sync;
  if (finished === null) return false;
  if (status.uncountedSucceeded.length + status.uncountedFailed.length > 0) return false;
  if (sync.terminating > 0) return false;
  const { now } = room.ctx.run.kernel;
  const { type, reason, message } = finished;
  const condition = jobCondition(type, 'True', reason, message, now);
  status.conditions = ensureCondition(status.conditions, condition);
  if (type === 'Complete') status.completionTime = finished.lastTransitionTime;
  return true;
}

function tellFinish(room: JobRoom, { seen, spec, status, finished }: JobSync): void {
  const { client } = room.ctx;
  const { kind, namespace, name } = seen;
  if (finished!.type === 'Failed') {
    client.event('Warning', finished!.reason!, kind, namespace, name, finished!.message!);
    return;
  }
  if (spec.completions !== undefined && status.succeeded > spec.completions) {
    const text = 'Too many succeeded pods running after completion count reached';
    client.event('Warning', 'TooManySucceededPods', kind, namespace, name, text);
  }
  client.event('Normal', 'Completed', kind, namespace, name, 'Job completed');
}
