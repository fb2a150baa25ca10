// One run of a sweep, as a worker does it: simulates into the result directory and tells what came of it. A run that
// fails is an answer, not an exception, so that the others go on.
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import { execute } from './execute.ts';
import { UserError } from './problems.ts';
import { simulateBuiltIn } from './simulate.ts';
import type { TableFormat } from './table-formats.ts';
import { estimateWarmUp, type WarmUpEstimate } from './warm-up.ts';

export interface RunTask {
  readonly scenario: ResolvedScenario;
  /** The result directory; null: a pilot, which leaves nothing but the end of its warm-up. */
  readonly path: string | null;
  /** Form of the tables; CSV without. */
  readonly format?: TableFormat;
}

export type RunOutcome =
  | { readonly status: 'done'; readonly warmUp?: WarmUpEstimate }
  /** `code`: exit code of the program that did only this run, 1 (our bug) or 2 (bad input). */
  | { readonly status: 'failed'; readonly code: 1 | 2; readonly message: string };

export async function runTask({ scenario, path, format }: RunTask): Promise<RunOutcome> {
  try {
    if (path === null) return { status: 'done', warmUp: await estimateWarmUp(scenario, simulateBuiltIn) };
    await execute(scenario, path, simulateBuiltIn, {}, format);
    return { status: 'done' };
  } catch (error) {
    return failureOf(error);
  }
}

export function failureOf(error: unknown): RunOutcome {
  if (error instanceof UserError) {
    const lines = error.problems.map(({ code, message }) => `${code} ${message}`);
    return { status: 'failed', code: 2, message: lines.join('\n') };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { status: 'failed', code: 1, message };
}
