// The engine with everything that comes with the program: all workloads, all scheduler plug-ins. What `run` and
// `verify` call; the registry is made anew for each run and belongs to it.
import type { RunOptions, RunResult } from '../engine/contracts/result.ts';
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import { simulate } from '../engine/index.ts';
import { schedulerRegistry } from '../policies/scheduler/index.ts';
import { workloads } from '../workloads/index.ts';

/** Runs a scenario with the built-in registry, to its end, in this thread. */
export function simulateBuiltIn(scenario: ResolvedScenario, options: RunOptions): RunResult {
  return simulate(scenario, { workloads, scheduler: schedulerRegistry }, options);
}
