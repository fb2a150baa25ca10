// `time.warmUp: auto`: a pilot run without warm-up, and MSER-5 over the start-up latencies of its pods in the order in
// which they were seen ready. What ends before the cut is left out of summaries. Nothing is written: the rows of the pilot
// go straight into the series.
import type { RunResult, Sink } from '../engine/contracts/result.ts';
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import type { Cell } from '../engine/contracts/tables.ts';
import { mser5 } from '../reports/stats/warm-up.ts';
import type { Simulate } from './execute.ts';

export interface WarmUpEstimate {
  readonly warmUpUs: number;
  /** False where the run is too short for its start to be told from its balance. */
  readonly settled: boolean;
}

const SECOND_US = 1_000_000;

/** Simulates the scenario without a warm-up and says where one should end. */
export async function estimateWarmUp(
  scenario: ResolvedScenario,
  simulate: Simulate,
): Promise<WarmUpEstimate> {
  const series = new StartUps();
  await simulate({ ...scenario, warmUpUs: 0, expect: [] }, { sinks: [series] });
  return warmUpOf(series.observations, scenario.untilUs);
}

/** One start of a pod. */
export interface StartUp {
  readonly createdUs: number;
  readonly watchedUs: number;
}

/** The end of the warm-up, a whole second where that is before the end of the run. */
export function warmUpOf(observations: readonly StartUp[], untilUs: number): WarmUpEstimate {
  // Pods that were seen in the same microsecond: by creation, so that the order of rows does not matter.
  const ordered = [...observations].sort((a, b) => a.watchedUs - b.watchedUs || a.createdUs - b.createdUs);
  const { cut, settled } = mser5(ordered.map(({ createdUs, watchedUs }) => watchedUs - createdUs));
  if (cut === 0) return { warmUpUs: 0, settled };
  const exactUs = ordered[cut]?.watchedUs ?? ordered.at(-1)!.watchedUs;
  const wholeUs = Math.ceil(exactUs / SECOND_US) * SECOND_US;
  return { warmUpUs: wholeUs < untilUs ? wholeUs : Math.min(exactUs, untilUs - 1), settled };
}

/** Takes creation and readiness of each pod from the table of pods. */
class StartUps implements Sink {
  readonly observations: StartUp[] = [];

  open(): ReturnType<Sink['open']> {
    return {
      table: ({ name, columns }) => {
        if (name !== 'pods') return null;
        const created = columns.findIndex((column) => column.name === 'created_s');
        const watched = columns.findIndex((column) => column.name === 'watched_s');
        return { row: (cells) => this.add(cells[created] ?? null, cells[watched] ?? null) };
      },
      close: (_result: RunResult) => {},
    };
  }

  private add(createdUs: Cell, watchedUs: Cell): void {
    if (typeof createdUs === 'number' && typeof watchedUs === 'number')
      this.observations.push({ createdUs, watchedUs });
  }
}
