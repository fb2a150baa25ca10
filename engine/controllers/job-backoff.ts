// How long a Job waits before it replaces failed pods: 10 s after the first failure's end, doubling with each failure
// since the last success, at most 10 min (pkg/controller/job/backoff_utils.go, v1.36).

/** DefaultJobPodFailureBackOff, MaxJobPodFailureBackOff. */
const BASE_US = 10_000_000;
const MAX_US = 600_000_000;

export interface BackoffRecord {
  readonly failures: number;
  /** End of the last failed pod, µs in whole seconds; NaN without failures. */
  readonly lastFailureUs: number;
}

const NONE: BackoffRecord = Object.freeze({ failures: 0, lastFailureUs: Number.NaN });

/** µs from now until the pod after `failures` failures in a row may be made; 0: at once. */
export function remainingUs(failures: number, lastFailureUs: number, nowUs: number): number {
  if (failures === 0) return 0;
  const backoff = Math.min(MAX_US, BASE_US * 2 ** Math.min(failures - 1, 10));
  return Math.max(0, lastFailureUs + backoff - nowUs);
}

/** The record with newly ended pods, by the times at which they ended. */
export function nextRecord(
  record: BackoffRecord | undefined,
  succeededUs: readonly number[],
  failedUs: readonly number[],
): BackoffRecord {
  const known = record ?? NONE;
  if (succeededUs.length === 0) {
    if (failedUs.length === 0) return known;
    return { failures: known.failures + failedUs.length, lastFailureUs: Math.max(...failedUs) };
  }
  // Only failures after the last success count on.
  const lastSuccessUs = Math.max(...succeededUs);
  const later = failedUs.filter((us) => us > lastSuccessUs);
  return later.length === 0 ? NONE : { failures: later.length, lastFailureUs: Math.max(...later) };
}

/** Records by Job. */
export class JobBackoffs {
  readonly #records = new Map<string, BackoffRecord>();

  get(key: string): BackoffRecord | undefined {
    return this.#records.get(key);
  }
  set(key: string, record: BackoffRecord): void {
    this.#records.set(key, record);
  }
  forget(key: string): void {
    this.#records.delete(key);
  }
}
