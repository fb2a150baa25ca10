// `kubetick sweep EXPERIMENT`: all runs of an experiment into one directory, on threads of this machine. Everything that
// can be wrong with the input is told before anything runs.
import { join } from 'node:path';
import type { Executor } from '../../experiments/pool.ts';
import type { Precision, SweepOptions, SweepProgress, SweepResult } from '../../experiments/sweep.ts';
import { ExitCode, type Io, UserError, type UserProblem } from '../errors.ts';
import { tableFormat } from '../table-format.ts';

export interface SweepArguments {
  readonly paths: readonly string[];
  readonly seed?: number | string;
  readonly set?: readonly string[];
  readonly plugin?: readonly string[];
  readonly workers?: number;
  readonly resume?: boolean;
  readonly untilPrecision?: string;
  readonly metric?: readonly string[];
  readonly maxReplications?: number;
  readonly shard?: string;
  readonly merge?: boolean;
  readonly emit?: string;
  readonly shards?: number;
  readonly queue?: string;
  readonly image?: string;
  readonly out?: string;
  /** Form of the tables: `csv` or `parquet`. */
  readonly format?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What `--until-precision` looks at, and how far it goes, unless the options say so. */
const DEFAULT_METRIC = 'pod.startup.mean';
const DEFAULT_MOST = 1000;
const WORKERS_MAX = 1024;
/** Completions of an Indexed Job whose indexes fail on their own: upstream's limit (KEP-3850). */
const SHARDS_MAX = 100_000;
/** Failures printed at most. */
const PRINTED_MAX = 20;

/** Runs the command; returns its exit code. Bad input is thrown as UserError. */
export async function sweepCommand(args: SweepArguments, io: Io): Promise<number> {
  if (args.merge === true) {
    const { mergeCommand } = await import('./sweep-elsewhere.ts');
    return mergeCommand(args, io);
  }
  const [{ loadPlan, defaultSweepDirectory }, { runSweep }, pool] = await Promise.all([
    import('../../experiments/plan.ts'),
    import('../../experiments/sweep.ts'),
    import('../../experiments/pool.ts'),
  ]);
  const { workers = pool.defaultWorkers(), ...options } = await readOptions(args, io);
  const plan = await loadPlan(args.paths, { ...args, ...(io.readStdin && { readStdin: io.readStdin }) });
  const path = args.out ?? defaultSweepDirectory(plan);
  if (args.emit !== undefined) {
    const { emitCommand } = await import('./sweep-elsewhere.ts');
    return emitCommand(args, plan, path, io);
  }
  const stop = new AbortController();
  const progress = await openProgress(args, io);
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  let result: SweepResult;
  try {
    const threads = Math.max(1, Math.min(workers, plan.runs.length + (options.precision ? workers : 0)));
    const executor =
      args.queue === undefined
        ? await pool.workerPool(threads)
        : await queueOf(args.queue, plan.experiment, args, io);
    result = await runSweep(plan, path, executor, {
      ...options,
      signal: stop.signal,
      ...(progress === null ? {} : { progress: progress.update }),
    });
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    progress?.close();
  }
  // A shard holds a part of the runs; the page is that of the whole.
  const isWhole = !result.interrupted && args.shard === undefined;
  if (isWhole && plan.variants.some(({ scenario }) => scenario.output?.html)) {
    const { writeReport, REPORT_FILE } = await import('../../experiments/report-page.ts');
    writeReport([path], join(path, REPORT_FILE));
  }
  if (args.json) {
    const { jsonText } = await import('../../reports/summary.ts');
    io.stdout.write(jsonText(result.file));
  } else if (!args.quiet) {
    const { sweepText } = await import('../sweep-text.ts');
    io.stdout.write(await sweepText(result, path));
  }
  tellFailures(result, io);
  return exitCode(result);
}

async function queueOf(
  url: string,
  experiment: string,
  { quiet }: SweepArguments,
  io: Io,
): Promise<Executor> {
  const { queueExecutor } = await import('../../experiments/queue/executor.ts');
  const tell = (text: string): void => {
    if (quiet !== true) io.stderr.write(`${text}\n`);
  };
  return queueExecutor(url, { experiment, tell });
}

async function readOptions(
  args: SweepArguments,
  io: Io,
): Promise<Omit<SweepOptions, 'progress' | 'signal'> & { readonly workers?: number }> {
  const problems: UserProblem[] = [];
  const bad = (path: string, message: string, hint?: string): void => {
    problems.push({ code: 'E1003', path, message, ...(hint === undefined ? {} : { hint }) });
  };
  const { workers, shard: shardText, resume } = args;
  if (workers !== undefined && (workers < 1 || workers > WORKERS_MAX))
    bad('--workers', `found ${workers}, expected a whole number from 1 to ${WORKERS_MAX}`);
  const precision = await readPrecision(args, bad);
  const format = await tableFormat(args.format).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.problems);
    return 'csv' as const;
  });
  let shard: SweepOptions['shard'];
  if (shardText !== undefined) {
    const { parseShard } = await import('../../experiments/shard.ts');
    try {
      shard = parseShard(shardText, io.env);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(...error.problems);
    }
    if (args.untilPrecision !== undefined)
      problems.push({
        code: 'E1005',
        path: '--until-precision',
        message: 'a shard sees only its part of the replications',
        hint: 'leave --shard out, or set seeds.replications',
      });
  }
  for (const option of ['metric', 'maxReplications'] as const)
    if (args[option] !== undefined && args.untilPrecision === undefined)
      problems.push({
        code: 'E1005',
        path: option === 'metric' ? '--metric' : '--max-replications',
        message: 'belongs to --until-precision, which was not given',
      });
  checkEmit(args, problems);
  if (args.queue !== undefined) await checkQueue(args, problems);
  if (problems.length > 0) throw new UserError(problems);
  return {
    ...(workers === undefined ? {} : { workers }),
    ...(resume === undefined ? {} : { resume }),
    ...(shard === undefined ? {} : { shard }),
    ...(precision === undefined ? {} : { precision }),
    format,
  };
}

function checkEmit({ emit, shards, image, shard }: SweepArguments, problems: UserProblem[]): void {
  if (emit !== undefined && emit !== 'kubernetes-job' && emit !== 'slurm')
    problems.push({
      code: 'E1003',
      path: '--emit',
      message: `found ${JSON.stringify(emit)}, expected kubernetes-job or slurm`,
    });
  if (shards !== undefined && (shards < 1 || shards > SHARDS_MAX))
    problems.push({
      code: 'E1003',
      path: '--shards',
      message: `found ${shards}, expected a whole number from 1 to ${SHARDS_MAX}`,
    });
  const needless = (path: string, message: string): void => {
    problems.push({ code: 'E1005', path, message });
  };
  if (emit === undefined && shards !== undefined)
    needless('--shards', 'belongs to --emit, which was not given');
  if (image !== undefined && emit !== 'kubernetes-job')
    needless('--image', 'belongs to --emit kubernetes-job, which was not given');
  if (emit !== undefined && shard !== undefined)
    needless('--shard', '--emit starts all shards; --shards says how many');
}

async function checkQueue(args: SweepArguments, problems: UserProblem[]): Promise<void> {
  const { checkRedisUrl } = await import('../../experiments/queue/connection.ts');
  try {
    checkRedisUrl(args.queue!, '--queue');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.problems);
  }
  const needless = (path: string, message: string): void => {
    problems.push({ code: 'E1005', path, message });
  };
  if (args.workers !== undefined)
    needless('--workers', 'with --queue nothing is simulated here; `kubetick worker` takes --workers');
  if (args.shard !== undefined) needless('--shard', '--queue divides the runs among the workers');
  if (args.emit !== undefined) needless('--emit', 'starts shards, which take no queue');
}

async function readPrecision(
  args: SweepArguments,
  bad: (path: string, message: string, hint?: string) => void,
): Promise<Precision | undefined> {
  if (args.untilPrecision === undefined) return undefined;
  const { checkMetric } = await import('../../engine/metrics/expect.ts');
  const match = /^([0-9]+(?:\.[0-9]+)?)(%?)$/.exec(args.untilPrecision);
  const relative = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(relative > 0 && relative < 1))
    bad(
      '--until-precision',
      `found ${JSON.stringify(args.untilPrecision)}, expected a share such as 5% or 0.05`,
    );
  const metrics = args.metric ?? [DEFAULT_METRIC];
  for (const metric of metrics) {
    const problem = checkMetric(metric);
    if (problem !== null) bad('--metric', problem);
  }
  const most = args.maxReplications ?? DEFAULT_MOST;
  if (most < 2) bad('--max-replications', `found ${most}, expected a whole number of at least 2`);
  return { relative, metrics, most };
}

function tellFailures({ failures, unmet, interrupted, file }: SweepResult, io: Io): void {
  for (const { variant, replication, message } of failures.slice(0, PRINTED_MAX))
    io.stderr.write(`failed: ${variant} r${replication}: ${message.replaceAll('\n', '\n  ')}\n`);
  if (failures.length > PRINTED_MAX) io.stderr.write(`… and ${failures.length - PRINTED_MAX} more failed\n`);
  for (const { variant, replication, text, observed } of unmet.slice(0, PRINTED_MAX)) {
    const where = replication === null ? `${variant}, mean` : `${variant} r${replication}`;
    const seen = observed === null ? 'nothing was observed' : `observed ${observed}`;
    io.stderr.write(`expectation failed: ${where}: ${text} (${seen})\n`);
  }
  if (unmet.length > PRINTED_MAX)
    io.stderr.write(`… and ${unmet.length - PRINTED_MAX} more expectations failed\n`);
  if (interrupted) {
    const left = file.runs.filter(({ status }) => status === 'pending').length;
    io.stderr.write(`interrupted: ${left} runs are left; the same command goes on\n`);
  }
}

function exitCode({ interrupted, failures, unmet }: SweepResult): number {
  if (interrupted) return ExitCode.interrupted;
  if (failures.some(({ code }) => code === 1)) return ExitCode.bug;
  if (failures.length > 0) return ExitCode.badInput;
  return unmet.length > 0 ? ExitCode.expectationFailed : ExitCode.ok;
}

/** A progress line on a terminal. */
async function openProgress(
  args: SweepArguments,
  io: Io,
): Promise<{ update: (progress: SweepProgress) => void; close: () => void } | null> {
  if (args.quiet || io.stderr.isTTY !== true) return null;
  const { SweepProgressLine } = await import('../../reports/sweep-progress.ts');
  const line = new SweepProgressLine(
    io.stderr as NodeJS.WriteStream,
    args.queue === undefined ? args.workers : 'queue',
  );
  return { update: (progress) => line.update(progress), close: () => line.close() };
}
