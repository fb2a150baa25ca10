// A Job's status while a sync works on it, and the way from and to its API form
// (staging/src/k8s.io/api/batch/v1/types.go JobStatus, v1.36).
import type { Json, KubeObject } from '../kinds/kind.ts';
import { timestampText } from '../state/index.ts';

export type JobConditionType = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet' | 'Suspended';

export interface JobCondition {
  readonly type: JobConditionType;
  readonly status: 'True' | 'False';
  readonly lastProbeTime: string;
  readonly lastTransitionTime: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface JobStatus {
  conditions: readonly JobCondition[];
  startTime: string | undefined;
  completionTime: string | undefined;
  active: number;
  succeeded: number;
  failed: number;
  /** undefined before the first write. */
  terminating: number | undefined;
  ready: number | undefined;
  completedIndexes: string;
  failedIndexes: string | undefined;
  /** UIDs of pods that have ended, are not yet in the counters and may still have their finalizer. */
  uncountedSucceeded: readonly string[];
  uncountedFailed: readonly string[];
}

export function readStatus(job: KubeObject): JobStatus {
  const status: Json = job['status'] ?? {};
  return {
    conditions: status.conditions ?? [],
    startTime: status.startTime,
    completionTime: status.completionTime,
    active: status.active ?? 0,
    succeeded: status.succeeded ?? 0,
    failed: status.failed ?? 0,
    terminating: status.terminating,
    ready: status.ready,
    completedIndexes: status.completedIndexes ?? '',
    failedIndexes: status.failedIndexes,
    uncountedSucceeded: status.uncountedTerminatedPods?.succeeded ?? [],
    uncountedFailed: status.uncountedTerminatedPods?.failed ?? [],
  };
}

/** The API form: fields without a value are left out as their Go tags say. */
export function statusObject(s: JobStatus): Json {
  return {
    ...(s.conditions.length > 0 ? { conditions: s.conditions } : {}),
    ...(s.startTime === undefined ? {} : { startTime: s.startTime }),
    ...(s.completionTime === undefined ? {} : { completionTime: s.completionTime }),
    ...(s.active > 0 ? { active: s.active } : {}),
    ...(s.succeeded > 0 ? { succeeded: s.succeeded } : {}),
    ...(s.failed > 0 ? { failed: s.failed } : {}),
    ...(s.terminating === undefined ? {} : { terminating: s.terminating }),
    ...(s.completedIndexes === '' ? {} : { completedIndexes: s.completedIndexes }),
    ...(s.failedIndexes === undefined ? {} : { failedIndexes: s.failedIndexes }),
    uncountedTerminatedPods: {
      ...(s.uncountedSucceeded.length > 0 ? { succeeded: s.uncountedSucceeded } : {}),
      ...(s.uncountedFailed.length > 0 ? { failed: s.uncountedFailed } : {}),
    },
    ...(s.ready === undefined ? {} : { ready: s.ready }),
  };
}

/** A condition that begins now. */
export function jobCondition(
  type: JobConditionType,
  status: 'True' | 'False',
  reason: string | undefined,
  message: string | undefined,
  nowUs: number,
): JobCondition {
  const now = timestampText(nowUs);
  return {
    type,
    status,
    lastProbeTime: now,
    lastTransitionTime: now,
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  };
}

/** The condition of that type if it is True. */
export const trueCondition = (
  conditions: readonly JobCondition[],
  type: JobConditionType,
): JobCondition | undefined => conditions.find((one) => one.type === type && one.status === 'True');

/** The list with the condition; the same list if it says so already. A condition that never was True is not added. */
export function ensureCondition(
  conditions: readonly JobCondition[],
  wanted: JobCondition,
): readonly JobCondition[] {
  const known = conditions.find(({ type }) => type === wanted.type);
  if (known === undefined) return wanted.status === 'False' ? conditions : [...conditions, wanted];
  const same =
    known.status === wanted.status && known.reason === wanted.reason && known.message === wanted.message;
  return same ? conditions : conditions.map((one) => (one === known ? wanted : one));
}

/** Complete or Failed (job/util IsJobFinished). */
export function finishedCondition(job: KubeObject): JobCondition | undefined {
  const conditions: readonly JobCondition[] = job['status']?.conditions ?? [];
  return conditions.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

export const isJobFinished = (job: KubeObject): boolean => finishedCondition(job) !== undefined;
