// What a controller did in a run: the rows of controllers.csv. A controller counts by itself, the recorder reads the
// numbers at the end.
import type { Cell } from '../contracts/tables.ts';
import type { Histogram } from './histogram.ts';
import { summarise } from './requests.ts';

export interface ControllerCounts {
  readonly name: string;
  readonly workers: number;
  /** Id of the latency in which its queue's waits are. */
  readonly wait: number;
  reconciles: number;
  /** API requests answered; of these with 409; with another code of 400 and more. */
  requests: number;
  conflicts: number;
  errors: number;
}

/** Rows without the run labels; controllers without reconciles are left out. */
export function* controllerRows(
  controllers: readonly ControllerCounts[],
  histogram: (id: number) => Histogram,
): Generator<Cell[]> {
  for (const { name, workers, wait, reconciles, requests, conflicts, errors } of controllers) {
    if (reconciles === 0) continue;
    const waits = histogram(wait);
    const { p50, p90, p99, max } =
      waits.count === 0 ? { p50: null, p90: null, p99: null, max: null } : summarise(waits);
    yield [name, workers, reconciles, p50, p90, p99, max, requests, conflicts, errors];
  }
}
