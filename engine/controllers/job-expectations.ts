// What the Job controller expects to see: while the pods that it created or deleted have not shown up in its watch, it
// neither creates nor deletes more (pkg/controller/controller_utils.go); pods whose finalizer it took away are not
// counted a second time although its view still shows it (pkg/controller/job/tracking_utils.go; v1.36).

/** ExpectationsTimeout: after this a lost watch event is given up. */
const TIMEOUT_US = 300_000_000;

interface Expected {
  creations: number;
  /** A number, not a set: a pod that is being deleted is counted off at each of its changes, as upstream does. */
  deletions: number;
  readonly sinceUs: number;
}

export class JobExpectations {
  readonly #pods = new Map<string, Expected>();
  /** Serials of pods whose finalizer was taken away, by job. */
  readonly #finalizers = new Map<string, Set<number>>();

  /** Nothing is awaited any more, or it has been awaited for too long. */
  satisfied(key: string, nowUs: number): boolean {
    const expected = this.#pods.get(key);
    if (expected === undefined || (expected.creations <= 0 && expected.deletions <= 0)) return true;
    return nowUs - expected.sinceUs > TIMEOUT_US;
  }

  expectCreations(key: string, count: number, nowUs: number): void {
    this.#pods.set(key, { creations: count, deletions: 0, sinceUs: nowUs });
  }

  expectDeletions(key: string, count: number, nowUs: number): void {
    this.#pods.set(key, { creations: 0, deletions: count, sinceUs: nowUs });
  }

  /** Pods were seen, or their creation failed or was never tried. */
  creationObserved(key: string, count = 1): void {
    const expected = this.#pods.get(key);
    if (expected !== undefined) expected.creations -= count;
  }

  /** A pod was seen being deleted or gone, or its deletion failed. */
  deletionObserved(key: string): void {
    const expected = this.#pods.get(key);
    if (expected !== undefined) expected.deletions -= 1;
  }

  expectFinalizerRemoved(key: string, serial: number): void {
    const serials = this.#finalizers.get(key);
    if (serials === undefined) this.#finalizers.set(key, new Set([serial]));
    else serials.add(serial);
  }

  /** The pod was seen without its finalizer or gone, or the request failed. */
  finalizerObserved(key: string, serial: number): void {
    this.#finalizers.get(key)?.delete(serial);
  }

  isFinalizerExpectedGone(key: string, serial: number): boolean {
    return this.#finalizers.get(key)?.has(serial) ?? false;
  }

  forget(key: string): void {
    this.#pods.delete(key);
    this.#finalizers.delete(key);
  }
}
