// What the parts of a Job's sync hand to each other (syncJobCtx in pkg/controller/job/job_controller.go, v1.36).
import type { ControllerContext, SeenObject } from '../contracts/controller.ts';
import type { Json } from '../kinds/kind.ts';
import type { BackoffRecord, JobBackoffs } from './job-backoff.ts';
import type { JobExpectations } from './job-expectations.ts';
import type { IndexSet } from './job-indexes.ts';
import { isPodTracked, type JobPod, type JobPods } from './job-pods.ts';
import { type FailureVerdict, judgeFailure } from './job-policies.ts';
import type { JobCondition, JobStatus } from './job-status.ts';

/** What all syncs share. */
export interface JobRoom {
  readonly ctx: ControllerContext;
  readonly pods: JobPods;
  readonly expectations: JobExpectations;
  readonly backoffs: JobBackoffs;
}

/** What one sync works on. */
export interface JobSync {
  readonly seen: SeenObject;
  readonly key: string;
  readonly spec: Json;
  readonly isDeleting: boolean;
  /** Changed as the sync goes on, and written once or twice. */
  readonly status: JobStatus;
  /** Those that have not ended or are not counted. */
  readonly pods: readonly JobPod[];
  readonly active: readonly JobPod[];
  readonly onlyReplaceFailed: boolean;
  readonly record: BackoffRecord;
  /** Ended for the Job's counters, whether counted or not. */
  succeeded: number;
  failed: number;
  ready: number;
  terminating: number;
  finished: JobCondition | null;
  /** Indexed Jobs: as the status told, and with those that ended since. */
  previousIndexes: IndexSet;
  succeededIndexes: IndexSet;
  /** With backoffLimitPerIndex only. */
  failedIndexes: IndexSet | null;
  /** By index: the failed pod that keeps its finalizer until its successor has taken over its count of failures. */
  delayed: ReadonlyMap<number, JobPod>;
}

export const isIndexed = (spec: Json): boolean => spec.completionMode === 'Indexed';
export const hasLimitPerIndex = (spec: Json): boolean => spec.backoffLimitPerIndex !== undefined;

/** A pod that has its finalizer, as far as this controller knows. */
export const isHeld = (room: JobRoom, key: string, pod: JobPod): boolean =>
  isPodTracked(pod) && !room.expectations.isFinalizerExpectedGone(key, pod.serial);

/** … and a valid index if the Job is Indexed. */
export const isCountable = (room: JobRoom, key: string, spec: Json, pod: JobPod): boolean =>
  isHeld(room, key, pod) && (!isIndexed(spec) || isValidIndex(spec, pod));

export const isValidIndex = (spec: Json, { index }: JobPod): boolean =>
  index >= 0 && index < spec.completions;

/** What the Job's failure policy says of a failed pod. */
export function verdictOf(room: JobRoom, sync: JobSync, pod: JobPod): FailureVerdict {
  const { state } = room.ctx.run;
  return judgeFailure(sync.spec.podFailurePolicy, {
    key: `${sync.seen.namespace}/${pod.name}`,
    word: pod.word,
    exitCode: pod.exitCode,
    containers: state.template(pod.pod).containers,
  });
}
