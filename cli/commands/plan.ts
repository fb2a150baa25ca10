// `kubetick plan EXPERIMENT`: the runs that a sweep would make, each with an estimate, without making any.
import type { Io } from '../errors.ts';
import { ExitCode } from '../errors.ts';

export interface PlanArguments {
  readonly paths: readonly string[];
  readonly seed?: number | string;
  readonly set?: readonly string[];
  readonly plugin?: readonly string[];
  readonly json?: boolean;
}

/** Rows of the table at most. */
const ROWS_MAX = 100;

/** Runs the command; returns its exit code. Bad input is thrown as UserError. */
export async function planCommand(args: PlanArguments, io: Io): Promise<number> {
  const [{ loadPlan }, { estimatePlan, RULE }, { defaultWorkers }] = await Promise.all([
    import('../../experiments/plan.ts'),
    import('../../experiments/estimate.ts'),
    import('../../experiments/pool.ts'),
  ]);
  const plan = await loadPlan(args.paths, { ...args, ...(io.readStdin && { readStdin: io.readStdin }) });
  const runs = estimatePlan(plan);
  const total = {
    runs: runs.length,
    cpuSeconds: rounded(runs.reduce((sum, { estimate }) => sum + estimate.cpuSeconds, 0)),
    diskBytes: runs.reduce((sum, { estimate }) => sum + estimate.diskBytes, 0),
  };
  if (args.json) {
    const { jsonText } = await import('../../reports/summary.ts');
    io.stdout.write(jsonText({ experiment: plan.experiment, rule: RULE, runs, total }));
    return ExitCode.ok;
  }
  const [{ tableDraw }, { grouped, humanSeconds }] = await Promise.all([
    import('../tables.ts'),
    import('../../reports/terminal.ts'),
  ]);
  const draw = await tableDraw();
  const rows = runs
    .slice(0, ROWS_MAX)
    .map(({ variant, replication, nodes, pods, estimate }) => [
      variant,
      String(replication),
      grouped(nodes),
      grouped(pods),
      `${estimate.cpuSeconds} s`,
      megabytes(estimate.memoryBytes),
    ]);
  io.stdout.write(`${draw(['variant', 'replication', 'nodes', 'pods', 'CPU', 'memory'], rows, true)}\n`);
  if (runs.length > ROWS_MAX) io.stdout.write(`… and ${grouped(runs.length - ROWS_MAX)} more\n`);
  const workers = Math.min(defaultWorkers(), runs.length);
  const wall = humanSeconds(Math.ceil(total.cpuSeconds / Math.max(1, workers)));
  io.stdout.write(
    `${grouped(total.runs)} runs: about ${humanSeconds(Math.ceil(total.cpuSeconds))} of CPU time, ${wall} on ${workers} cores; ${megabytes(total.diskBytes)} on disk\n${RULE}\n`,
  );
  return ExitCode.ok;
}

const rounded = (seconds: number): number => Number(seconds.toPrecision(3));

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
