// `kubetick run PATH...`: one scenario from its files to a result directory, with a summary for people or, with
// --json, for programs. Whatever is heavy is imported when the command runs: its options are also read for --help.
import { join } from 'node:path';
import type { RunOptions, RunResult, TraceHop } from '../../engine/contracts/result.ts';
import type { ResolvedScenario } from '../../engine/contracts/scenario.ts';
import type { Execution, Simulate } from '../../experiments/execute.ts';
import type { TimelineFile } from '../../experiments/timeline-file.ts';
import { ExitCode, type Io, UserError } from '../errors.ts';
import { Interrupted, simulateInterruptibly } from '../interruptible.ts';
import { tableFormat } from '../table-format.ts';

export interface RunArguments {
  readonly paths: readonly string[];
  readonly skipInvalid?: boolean;
  readonly nodes?: number;
  readonly nodeCpu?: string;
  readonly nodeMemory?: string;
  readonly until?: string;
  readonly seed?: number | string;
  /** `path=value`, for an Experiment. */
  readonly set?: readonly string[];
  /** Policy files. */
  readonly plugin?: readonly string[];
  readonly out?: string;
  /** Form of the tables: `csv` or `parquet`. */
  readonly format?: string;
  readonly timeline?: string;
  readonly trace?: string;
  readonly verifyDecisions?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly paranoid?: boolean;
}

/** Replaces loading and the engine in tests. */
export interface RunDependencies {
  load(args: RunArguments, io: Io): Promise<ResolvedScenario>;
  simulate: Simulate;
}

/** Hops kept for printing; of a trace with more, the rest is counted. */
const HOPS_MAX = 100_000;

/** Runs the command; returns its exit code. Bad input is thrown as UserError, our bugs as they come. */
export async function run(
  args: RunArguments,
  io: Io,
  dependencies: RunDependencies = realDependencies,
): Promise<number> {
  const format = await tableFormat(args.format);
  const trace = await openTrace(args.trace);
  let scenario: ResolvedScenario;
  try {
    scenario = await dependencies.load(args, io);
  } catch (error) {
    // A warm-up that is settled by a pilot can be interrupted, too.
    if (!(error instanceof Interrupted)) throw error;
    io.stderr.write('interrupted: nothing was written\n');
    return ExitCode.interrupted;
  }
  const [{ execute }, { defaultRunDirectory }, terminal, { ControllerRows }] = await Promise.all([
    import('../../experiments/execute.ts'),
    import('../../experiments/run-directory.ts'),
    import('../../reports/terminal.ts'),
    import('../../reports/controllers.ts'),
  ]);
  const reasons = new terminal.PendingReasons();
  const controllers = new ControllerRows();
  const timeline = await openTimeline(args.timeline);
  const progress = await openProgress(args, io);
  let verified = 0;
  const options: RunOptions = {
    sinks: args.json || args.quiet ? [] : [reasons, controllers],
    ...(trace === null ? {} : { trace }),
    ...(timeline === null ? {} : { timeline: (told) => timeline.write(told) }),
    ...(args.verifyDecisions
      ? {
          verifyDecisions: (decisions: number) => {
            verified = decisions;
          },
        }
      : {}),
    ...(progress === null ? {} : { progress: progress.update }),
    ...(args.paranoid === true ? { paranoid: true } : {}),
  };
  let execution: Execution;
  try {
    const path = args.out ?? defaultRunDirectory(scenario);
    execution = await execute(scenario, path, dependencies.simulate, options, format);
    timeline?.finish();
  } catch (error) {
    timeline?.abandon();
    if (!(error instanceof Interrupted)) throw error;
    io.stderr.write('interrupted: nothing was written\n');
    return ExitCode.interrupted;
  } finally {
    progress?.close();
  }
  const { result, timing, directory } = execution;
  if (scenario.output?.html === true) await writePage(directory);
  if (args.verifyDecisions)
    io.stderr.write(`verified ${verified} scheduling decisions: the index and the plain search agree\n`);
  const colour = wantsColour(io);
  if (trace !== null) printTrace(trace, args, io, terminal.traceText(trace.hops, colour && !args.json));
  if (args.json) {
    const { jsonText } = await import('../../reports/summary.ts');
    io.stdout.write(jsonText(result.summary));
  } else if (!args.quiet) {
    const pendingReasons = reasons.sorted();
    io.stdout.write(
      terminal.summaryText(result, { ...timing, directory, colour, pendingReasons, controllers }),
    );
  }
  return verdict(result, args, io);
}

const realDependencies: RunDependencies = {
  async load(args, io) {
    const [{ loadScenario }, { withPortableSources }] = await Promise.all([
      import('../../experiments/load.ts'),
      import('../../experiments/source-names.ts'),
    ]);
    const loaded = await loadScenario(args.paths, { ...args, readStdin: io.readStdin });
    const scenario = withPortableSources(loaded.scenario, args.paths);
    if (!loaded.autoWarmUp) return scenario;
    const { estimateWarmUp } = await import('../../experiments/warm-up.ts');
    const { warmUpUs, settled } = await estimateWarmUp(scenario, realDependencies.simulate);
    if (!settled) io.stderr.write('warmUp: auto: the run is too short to tell where its warm-up ends\n');
    return { ...scenario, warmUpUs };
  },
  simulate: simulateInterruptibly,
};

/** Beside the tables that it is made of. */
async function writePage(directory: string): Promise<void> {
  const { writeReport, REPORT_FILE } = await import('../../experiments/report-page.ts');
  writeReport([directory], join(directory, REPORT_FILE));
}

function verdict(result: RunResult, args: RunArguments, io: Io): number {
  const failed = result.summary.expect.filter((expect) => !expect.holds);
  if (failed.length === 0) return ExitCode.ok;
  // The table says it already; what prints no table says it here.
  if (args.json || args.quiet)
    for (const { text, observed } of failed)
      io.stderr.write(
        `expectation failed: ${text} (${observed === null ? 'nothing was observed' : `observed ${observed}`})\n`,
      );
  return ExitCode.expectationFailed;
}

interface OpenTrace {
  readonly object: string;
  readonly hops: TraceHop[];
  left: number;
  emit(hop: TraceHop): void;
}

async function openTrace(object: string | undefined): Promise<OpenTrace | null> {
  if (object === undefined) return null;
  const { parseTraceTarget } = await import('../../engine/metrics/tracer.ts');
  const target = parseTraceTarget(object);
  if (typeof target === 'string')
    throw new UserError({
      code: 'E4004',
      path: '--trace',
      message: target,
      hint: 'for example --trace rc/web, --trace deployment/shop/web',
    });
  const trace: OpenTrace = {
    object,
    hops: [],
    left: 0,
    emit(hop) {
      if (trace.hops.length < HOPS_MAX) trace.hops.push(hop);
      else trace.left++;
    },
  };
  return trace;
}

async function openTimeline(path: string | undefined): Promise<TimelineFile | null> {
  if (path === undefined) return null;
  const { TimelineFile } = await import('../../experiments/timeline-file.ts');
  return new TimelineFile(path);
}

/** With --json the trace goes to standard error: standard output is the summary and nothing else. */
function printTrace(trace: OpenTrace, args: RunArguments, io: Io, text: string): void {
  const stream = args.json ? io.stderr : io.stdout;
  stream.write(text);
  if (trace.left > 0) stream.write(`… and ${trace.left} more hops\n`);
  if (trace.hops.length === 0)
    io.stderr.write(`--trace ${trace.object}: no such object was seen in this run\n`);
  else if (!args.json && !args.quiet) stream.write('\n');
}

/** Colours on a terminal, unless NO_COLOR is set to anything (https://no-color.org). */
function wantsColour(io: Io): boolean {
  const { NO_COLOR: off, TERM: terminal } = io.env;
  return io.stdout.isTTY === true && (off === undefined || off === '') && terminal !== 'dumb';
}

/** A progress line on a terminal, for runs of more than a second. */
async function openProgress(
  args: RunArguments,
  io: Io,
): Promise<{ update: NonNullable<RunOptions['progress']>; close: () => void } | null> {
  if (args.quiet || io.stderr.isTTY !== true) return null;
  const { ProgressLine } = await import('../../reports/progress.ts');
  const line = new ProgressLine(io.stderr as NodeJS.WriteStream);
  return { update: (state) => line.update(state), close: () => line.close() };
}
