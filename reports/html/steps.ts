// Step functions for a page: fewer points, and rates by cells of time.
import type { Series } from './model.ts';

/**
 * At most `most` points of a step function: time is cut into cells, and of each the value at its end and its extremes
 * stay, so that peaks are still seen.
 */
export function thinned(series: Series, most: number, endSeconds: number): Series {
  const { name, seconds, values } = series;
  if (seconds.length <= most) return series;
  const cells = Math.max(1, Math.floor(most / 3));
  const kept = new Set<number>([0]);
  let first = 0;
  for (let cell = 0; cell < cells; cell++) {
    const until = cell === cells - 1 ? Number.POSITIVE_INFINITY : ((cell + 1) * endSeconds) / cells;
    let last = first;
    let [low, high] = [first, first];
    for (; last < seconds.length && seconds[last]! < until; last++) {
      if (values[last]! < values[low]!) low = last;
      if (values[last]! > values[high]!) high = last;
    }
    if (last > first) for (const at of [low, high, last - 1]) kept.add(at);
    first = last;
  }
  const order = [...kept].sort((a, b) => a - b);
  return { name, seconds: order.map((at) => seconds[at]!), values: order.map((at) => values[at]!) };
}

/** Counts of what happens, by cells of time. */
export class Rate {
  readonly #counts: Float64Array;
  readonly #cellUs: number;

  constructor(cells: number, cellUs: number) {
    this.#counts = new Float64Array(cells);
    this.#cellUs = cellUs;
  }

  /** NaN: it did not happen. */
  add(us: number): void {
    if (Number.isNaN(us) || us < 0) return;
    const cell = Math.min(this.#counts.length - 1, Math.floor(us / this.#cellUs));
    this.#counts[cell] = this.#counts[cell]! + 1;
  }

  /** Per second. */
  series(name: string): Series {
    const cellSeconds = this.#cellUs / 1e6;
    return {
      name,
      seconds: Array.from(this.#counts, (_, i) => i * cellSeconds),
      values: Array.from(this.#counts, (count) => count / cellSeconds),
    };
  }
}
