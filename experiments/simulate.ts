// The engine with everything that comes with the program and with the policy files of the scenario. What `run` and
// `verify` call; the registry is made anew for each run and belongs to it.
import type { RunOptions, RunResult } from '../engine/contracts/result.ts';
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import { simulate } from '../engine/index.ts';
import { BUILT_IN, policiesOfScenario, withFaultsTold } from './registry.ts';

/** Runs a scenario to its end, in this thread. A policy file's mistake is a UserError. */
export function simulateBuiltIn(scenario: ResolvedScenario, options: RunOptions): RunResult {
  const { plugins } = scenario.policies;
  if (plugins === undefined) return simulate(scenario, BUILT_IN.registry, options);
  const { registry } = policiesOfScenario(plugins);
  return withFaultsTold(() => simulate(scenario, registry, options));
}
