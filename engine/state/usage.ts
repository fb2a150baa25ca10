// What containers use: `given`, the number that stands at the pod (annotations `kubetick.io/cpu` and
// `kubetick.io/memory`, for each of its containers), until a step says otherwise for pods with certain labels. It is no API state:
// only the metrics pipeline reads it. Amounts are in thousandths: millicores, millibytes.
import type { Labels } from './labels.ts';

export type UsageResource = 'cpu' | 'memory';

interface Change {
  readonly fromUs: number;
  readonly resource: UsageResource;
  readonly namespace: string;
  readonly matchLabels: Labels;
  readonly milli: number;
}

const matches = (labels: Labels, part: Labels): boolean =>
  Object.keys(part).every((key) => labels[key] === part[key]);

export class Usage {
  /** In order of time. */
  readonly #changes: Change[] = [];
  /** When it was last set, µs. */
  changedUs = Number.NEGATIVE_INFINITY;
  /** CPU time, µs, that a pod spent on requests between two times; null: requests cost none. */
  served: ((pod: number, generation: number, fromUs: number, toUs: number) => number) | null = null;
  /** Until when requests take CPU, as far as is known, µs. */
  servedUntilUs = Number.NEGATIVE_INFINITY;
  readonly #listeners: (() => void)[] = [];

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** From now on every container of pods with these labels uses that much. */
  set(nowUs: number, resource: UsageResource, namespace: string, matchLabels: Labels, milli: number): void {
    this.changedUs = nowUs;
    this.#changes.push({ fromUs: nowUs, resource, namespace, matchLabels, milli });
    for (const listener of this.#listeners) listener();
  }

  /** What one container of a pod uses at that moment. */
  at(us: number, resource: UsageResource, namespace: string, labels: Labels, given: number): number {
    for (let i = this.#changes.length - 1; i >= 0; i--) {
      const change = this.#changes[i]!;
      if (change.fromUs > us || change.resource !== resource || change.namespace !== namespace) continue;
      if (matches(labels, change.matchLabels)) return change.milli;
    }
    return given;
  }

  /** Mean over a time, weighted by how long each value held. */
  mean(
    fromUs: number,
    toUs: number,
    resource: UsageResource,
    namespace: string,
    labels: Labels,
    given: number,
  ): number {
    if (toUs <= fromUs) return this.at(toUs, resource, namespace, labels, given);
    let sum = 0;
    let start = fromUs;
    for (const change of this.#changes) {
      if (change.fromUs <= start || change.fromUs >= toUs) continue;
      sum += this.at(start, resource, namespace, labels, given) * (change.fromUs - start);
      start = change.fromUs;
    }
    sum += this.at(start, resource, namespace, labels, given) * (toUs - start);
    return Math.round(sum / (toUs - fromUs));
  }
}
