// What a replica controller expects to see: while the pods that it created or deleted have not shown up in its watch,
// it must not act again on counts that lack them (pkg/controller/controller_utils.go, v1.36).

/** ExpectationsTimeout: after this a lost watch event is given up. */
const TIMEOUT_US = 300_000_000;

interface Expected {
  creations: number;
  /** Pod serials whose deletion is to be seen. */
  readonly deletions: Set<number>;
  sinceUs: number;
}

export class Expectations {
  readonly #byKey = new Map<string, Expected>();

  /** Nothing is awaited any more, or it has been awaited for too long. */
  satisfied(key: string, nowUs: number): boolean {
    const expected = this.#byKey.get(key);
    if (expected === undefined) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return nowUs - expected.sinceUs > TIMEOUT_US;
  }

  expectCreations(key: string, count: number, nowUs: number): void {
    this.#byKey.set(key, { creations: count, deletions: new Set(), sinceUs: nowUs });
  }

  /** Both at once. */
  expect(key: string, creations: number, deletions: readonly number[], nowUs: number): void {
    this.#byKey.set(key, { creations, deletions: new Set(deletions), sinceUs: nowUs });
  }

  expectDeletions(key: string, serials: readonly number[], nowUs: number): void {
    this.#byKey.set(key, { creations: 0, deletions: new Set(serials), sinceUs: nowUs });
  }

  /** A pod was seen, or its creation failed or was never tried. */
  creationObserved(key: string, count = 1): void {
    const expected = this.#byKey.get(key);
    if (expected !== undefined) expected.creations -= count;
  }

  /** A pod was seen being deleted or gone, or its deletion failed. */
  deletionObserved(key: string, serial: number): void {
    this.#byKey.get(key)?.deletions.delete(serial);
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
