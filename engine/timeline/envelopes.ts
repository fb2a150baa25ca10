// How many pods each workload has at any time: what maxSurge and maxUnavailable promise, as the most and, from the
// first step on that changes something, the fewest. Looked at after each change of one of its pods.
import type { Envelope, EnvelopeBounds } from '../contracts/timeline.ts';

/** What a pod counts as. */
export const Standing = { none: 0, ended: 1, notReady: 2, ready: 3 } as const;
export type Standing = (typeof Standing)[keyof typeof Standing];

const MEASURES = ['notDeleting', 'readyNotDeleting', 'all'] as const;

class Workload {
  readonly counts = [0, 0, 0];
  readonly max = [0, 0, 0];
  readonly min: (number | undefined)[] = [undefined, undefined, undefined];
}

const COUNTED: Readonly<Record<Standing, readonly [number, number, number]>> = {
  [Standing.none]: [0, 0, 0],
  [Standing.ended]: [0, 0, 1],
  [Standing.notReady]: [1, 0, 1],
  [Standing.ready]: [1, 1, 1],
};

export class Envelopes {
  readonly #workloads = new Map<string, Workload>();
  /** First step that creates nothing, µs; Infinity if there is none. */
  readonly #firstChangeUs: number;

  constructor(firstChangeUs: number) {
    this.#firstChangeUs = firstChangeUs;
  }

  /** A pod of `workload` (`Deployment/web`) changes from `before` to `after`. */
  move(us: number, workload: string, before: Standing, after: Standing): void {
    let entry = this.#workloads.get(workload);
    if (entry === undefined) {
      entry = new Workload();
      this.#workloads.set(workload, entry);
    }
    for (let i = 0; i < 3; i++) {
      const count = entry.counts[i]! + COUNTED[after][i]! - COUNTED[before][i]!;
      entry.counts[i] = count;
      if (count > entry.max[i]!) entry.max[i] = count;
      if (us >= this.#firstChangeUs) {
        const least = entry.min[i];
        if (least === undefined || count < least) entry.min[i] = count;
      }
    }
  }

  result(): Record<string, Envelope> {
    const result: Record<string, Envelope> = {};
    for (const name of [...this.#workloads.keys()].sort()) {
      const workload = this.#workloads.get(name)!;
      const bounds = MEASURES.map((measure, i): [string, EnvelopeBounds] => {
        const min = workload.min[i];
        return [
          measure,
          { max: workload.max[i]!, ...(min === undefined ? {} : { minAfterFirstChange: min }) },
        ];
      });
      result[name] = Object.fromEntries(bounds) as unknown as Envelope;
    }
    return result;
  }
}
