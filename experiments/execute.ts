// One run from a resolved scenario to its result directory: simulates, writes, measures what it cost. `run` and
// `verify` share it.
import type { RunOptions, RunResult } from '../engine/contracts/result.ts';
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import { RunDirectory, type RunTiming } from './run-directory.ts';
import { type TableFormat, tableEncoding } from './table-formats.ts';

/** The engine, as its door exports it. */
export type Simulate = (scenario: ResolvedScenario, options: RunOptions) => RunResult | Promise<RunResult>;

export interface Execution {
  readonly result: RunResult;
  readonly timing: RunTiming;
  readonly directory: string;
}

/**
 * Simulates into a result directory at `path`. When the run fails or is interrupted, nothing is left at `path` but
 * what was there before. Throws a UserError when `path` is taken by something else.
 */
export async function execute(
  scenario: ResolvedScenario,
  path: string,
  simulate: Simulate,
  options: RunOptions = {},
  format: TableFormat = 'csv',
): Promise<Execution> {
  const directory = new RunDirectory(scenario, path, await tableEncoding(format));
  const cost = startCost();
  try {
    const result = await simulate(scenario, {
      ...options,
      sinks: [directory.sink, ...(options.sinks ?? [])],
    });
    const timing = cost(result.summary.events);
    directory.finish(result, timing);
    return { result, timing, directory: path };
  } catch (error) {
    directory.abandon();
    throw error;
  }
}

/** Starts the clocks; the function returned stops them. */
function startCost(): (events: number) => RunTiming {
  const startNs = process.hrtime.bigint();
  const startCpu = process.cpuUsage();
  return (events) => {
    const wallSeconds = Number(process.hrtime.bigint() - startNs) / 1e9;
    const cpu = process.cpuUsage(startCpu);
    return {
      wallSeconds,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      eventsPerSecond: wallSeconds > 0 ? Math.round(events / wallSeconds) : 0,
    };
  };
}
