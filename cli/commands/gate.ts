// `kubetick gate EXPERIMENT --baseline FILE`: makes the experiment's runs and fails when a metric is shown to be worse than
// the baseline by more than what is tolerated. Everything that can be wrong with the input is told before anything runs.
import type { Baseline } from '../../experiments/baseline.ts';
import type { Executor } from '../../experiments/pool.ts';
import type { RecordedVariant } from '../../experiments/replications.ts';
import type { Match } from '../../reports/compare/compare.ts';
import type { GateResult } from '../../reports/gate/evaluate.ts';
import { ExitCode, type Io, UserError, type UserProblem } from '../errors.ts';
import { tableDraw } from '../tables.ts';

export interface GateArguments {
  readonly paths: readonly string[];
  readonly baseline?: string;
  readonly maxRegression?: string;
  readonly metric?: readonly string[];
  readonly updateBaseline?: boolean;
  readonly junit?: string;
  readonly summary?: string;
  readonly json?: boolean;
  readonly out?: string;
  readonly workers?: number;
  readonly set?: readonly string[];
  readonly plugin?: readonly string[];
}

const DEFAULT_MARGIN = 0.05;
const WORKERS_MAX = 1024;

/** Threads of this machine; replaced in tests. */
export type OpenExecutor = (workers: number) => Promise<Executor>;

const realExecutor: OpenExecutor = async (workers) => {
  const { workerPool } = await import('../../experiments/pool.ts');
  return workerPool(workers);
};

/** Runs the command; returns its exit code. Bad input is thrown as UserError. */
export async function gate(args: GateArguments, io: Io, open: OpenExecutor = realExecutor): Promise<number> {
  const problems: UserProblem[] = [];
  const margin = readMargin(args, problems);
  await checkOptions(args, problems);
  const [{ readBaseline, writeBaseline }, { loadPlan }] = await Promise.all([
    import('../../experiments/baseline.ts'),
    import('../../experiments/plan.ts'),
  ]);
  const update = args.updateBaseline === true;
  const file = args.baseline ?? '';
  let baseline: Baseline | null = null;
  if (file !== '') baseline = collect(update ? [] : problems, () => readBaseline(file));
  const plan = await collectAsync(problems, () =>
    loadPlan(args.paths, { ...args, ...(io.readStdin && { readStdin: io.readStdin }) }),
  );
  if (baseline !== null && plan !== null && !update) {
    checkFits(
      baseline,
      plan.experiment,
      plan.variants.map(({ name }) => name),
      file,
      problems,
    );
    await checkMetrics(args.metric ?? [], baseline, problems);
  }
  if (plan === null || problems.length > 0) throw new UserError(problems);

  const made = await makeRuns(plan, args, io, open);
  if (typeof made === 'number') return made;
  const { notes, variants } = made;
  if (update) {
    writeBaseline(file, plan.experiment, variants);
    io.stdout.write(await updatedText(file, baseline, variants));
    return ExitCode.ok;
  }
  const [{ evaluateGate }, text] = await Promise.all([
    import('../../reports/gate/evaluate.ts'),
    import('../../reports/gate/text.ts'),
  ]);
  const { matches, alone } = matchesWith(baseline!, variants);
  const evaluated = evaluateGate(matches, margin, args.metric ?? []);
  const result: GateResult = { ...evaluated, notes: [...notes, ...alone, ...evaluated.notes] };
  await writeReports(args, plan.experiment, result);
  io.stdout.write(
    args.json
      ? `${JSON.stringify(text.gateJson(plan.experiment, file, result), null, 2)}\n`
      : await tables(plan.experiment, result),
  );
  return result.passed ? ExitCode.ok : ExitCode.expectationFailed;
}

function readMargin({ maxRegression }: GateArguments, problems: UserProblem[]): number {
  if (maxRegression === undefined) return DEFAULT_MARGIN;
  const match = /^([0-9]+(?:\.[0-9]+)?)(%?)$/.exec(maxRegression);
  if (match !== null) return Number(match[1]) / (match[2] === '%' ? 100 : 1);
  const message = `found ${JSON.stringify(maxRegression)}, expected a share such as 5% or 0.05`;
  problems.push({ code: 'E1003', path: '--max-regression', message });
  return DEFAULT_MARGIN;
}

async function checkOptions(args: GateArguments, problems: UserProblem[]): Promise<void> {
  const { workers } = args;
  if (args.baseline === undefined)
    problems.push({
      code: 'E1004',
      path: '--baseline',
      message: '--baseline FILE is missing',
      hint: 'kubetick gate EXPERIMENT --baseline FILE --update-baseline writes the first one',
    });
  if (workers !== undefined && (workers < 1 || workers > WORKERS_MAX)) {
    const message = `found ${workers}, expected a whole number from 1 to ${WORKERS_MAX}`;
    problems.push({ code: 'E1003', path: '--workers', message });
  }
  const judging = [
    ['--max-regression', args.maxRegression],
    ['--metric', args.metric],
    ['--junit', args.junit],
    ['--summary', args.summary],
    ['--json', args.json],
  ] as const;
  if (args.updateBaseline === true)
    for (const [path, given] of judging)
      if (given !== undefined)
        problems.push({
          code: 'E1005',
          path,
          message: 'says nothing beside --update-baseline, which judges nothing',
        });
  const [{ existsSync }, { dirname }] = await Promise.all([import('node:fs'), import('node:path')]);
  const written = [args.junit, args.summary, args.updateBaseline === true ? args.baseline : undefined];
  for (const file of written)
    if (file !== undefined && !existsSync(dirname(file)))
      problems.push({ code: 'E4002', file, message: `there is no folder ${dirname(file)} to write it to` });
}

function collect<T>(problems: UserProblem[], action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}

async function collectAsync<T>(problems: UserProblem[], action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}

/** A baseline of something else is no baseline. */
function checkFits(
  baseline: Baseline,
  experiment: string,
  variants: readonly string[],
  file: string,
  problems: UserProblem[],
): void {
  const hint = 'kubetick gate … --update-baseline makes it anew';
  if (baseline.experiment !== experiment) {
    const message = `is the baseline of experiment ${JSON.stringify(baseline.experiment)}, not of ${JSON.stringify(experiment)}`;
    problems.push({ code: 'E4007', file, message, hint });
  } else if (!baseline.variants.some(({ label }) => variants.includes(label))) {
    const names = baseline.variants.map(({ label }) => label).join(', ');
    problems.push({
      code: 'E4007',
      file,
      message: `none of its variants (${names}) is among those of the experiment (${variants.join(', ')})`,
      hint,
    });
  }
}

async function checkMetrics(
  wanted: readonly string[],
  baseline: Baseline,
  problems: UserProblem[],
): Promise<void> {
  const [{ isMeant }, { didYouMean }] = await Promise.all([
    import('../../reports/compare/directions.ts'),
    import('../../experiments/suggest.ts'),
  ]);
  const runs = baseline.variants.flatMap((variant) => variant.runs);
  const known = [...new Set(runs.flatMap(({ metrics }) => [...metrics.keys()]))].sort();
  for (const name of wanted)
    if (!known.some((metric) => isMeant(name, metric)))
      problems.push({
        code: 'E1003',
        path: '--metric',
        message: `the baseline has no metric named ${JSON.stringify(name)} that can be better or worse`,
        hint: didYouMean(name, [...known.map((metric) => metric.replace(/^latency\./, '')), ...known]),
      });
}

/** The runs of the experiment, made now: kept with --out, otherwise only for as long as they are compared. */
async function makeRuns(
  plan: Awaited<ReturnType<typeof import('../../experiments/plan.ts')['loadPlan']>>,
  args: GateArguments,
  io: Io,
  open: OpenExecutor,
): Promise<{ readonly variants: readonly RecordedVariant[]; readonly notes: readonly string[] } | number> {
  const [{ runSweep }, { defaultWorkers }, { readVariants }, fs, { tmpdir }, { join }] = await Promise.all([
    import('../../experiments/sweep.ts'),
    import('../../experiments/pool.ts'),
    import('../../experiments/replications.ts'),
    import('node:fs'),
    import('node:os'),
    import('node:path'),
  ]);
  const scratch = args.out === undefined ? fs.mkdtempSync(join(tmpdir(), 'kubetick-gate-')) : null;
  const path = args.out ?? join(scratch!, 'sweep');
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const workers = Math.max(1, Math.min(args.workers ?? defaultWorkers(), plan.runs.length));
    const { failures, interrupted } = await runSweep(plan, path, await open(workers), {
      signal: stop.signal,
    });
    if (interrupted) {
      io.stderr.write('interrupted: nothing was judged\n');
      return ExitCode.interrupted;
    }
    for (const { variant, replication, message } of failures)
      io.stderr.write(`failed: ${variant} r${replication}: ${message.replaceAll('\n', '\n  ')}\n`);
    if (failures.length > 0) {
      io.stderr.write('nothing was judged: not all runs have a result\n');
      return failures.some(({ code }) => code === 1) ? ExitCode.bug : ExitCode.badInput;
    }
    const { variants, notes } = readVariants([path]);
    return { variants: variants.flat(), notes };
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    if (scratch !== null) fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function matchesWith(
  baseline: Baseline,
  variants: readonly RecordedVariant[],
): { readonly matches: Match[]; readonly alone: string[] } {
  const matches: Match[] = [];
  const alone: string[] = [];
  for (const variant of variants) {
    const before = baseline.variants.find(({ label }) => label === variant.name);
    if (before === undefined) alone.push(`variant ${variant.name} is not in the baseline and is not judged`);
    else matches.push({ baseline: before, variant: { ...variant, label: variant.name } });
  }
  for (const { label } of baseline.variants)
    if (!variants.some(({ name }) => name === label)) alone.push(`variant ${label} of the baseline is gone`);
  return { matches, alone };
}

async function writeReports(args: GateArguments, experiment: string, result: GateResult): Promise<void> {
  const [text, { appendFileSync, writeFileSync }] = await Promise.all([
    import('../../reports/gate/text.ts'),
    import('node:fs'),
  ]);
  const guarded = (file: string, write: () => void): void => {
    try {
      write();
    } catch (error) {
      throw new UserError({ code: 'E4002', file, message: `cannot be written: ${(error as Error).message}` });
    }
  };
  const { junit, summary } = args;
  if (junit !== undefined) guarded(junit, () => writeFileSync(junit, text.gateJunit(experiment, result)));
  // A step summary belongs to the whole step: others write to it as well.
  if (summary !== undefined)
    guarded(summary, () => appendFileSync(summary, text.gateMarkdown(experiment, result)));
}

async function tables(experiment: string, result: GateResult): Promise<string> {
  const [draw, text] = await Promise.all([tableDraw(), import('../../reports/gate/text.ts')]);
  const lines = [`${experiment}: ${text.gateSentence(result)}`];
  for (const variant of text.variantsOf(result)) {
    const own = result.metrics.filter((one) => one.variant === variant && one.verdict !== 'equal');
    const equal = result.metrics.filter((one) => one.variant === variant).length - own.length;
    lines.push(`${variant}: ${equal} metrics equal, ${own.length} moved`);
    if (own.length > 0) lines.push(draw([...text.GATE_HEAD], own.map(text.gateRow), true));
  }
  lines.push(...result.notes.map((note) => `note: ${note}`));
  return `${lines.join('\n')}\n`;
}

async function updatedText(
  file: string,
  before: Baseline | null,
  variants: readonly RecordedVariant[],
): Promise<string> {
  const runs = variants.reduce((sum, variant) => sum + variant.runs.length, 0);
  const lines = [`${file}: ${variants.length} variants, ${runs} runs`];
  if (before !== null) {
    const [{ compareVariants }, { countsText }] = await Promise.all([
      import('../../reports/compare/compare.ts'),
      import('../../reports/compare/text.ts'),
    ]);
    const { comparisons } = compareVariants(matchesWith(before, variants).matches);
    lines.push(`against the baseline before: ${countsText(comparisons)}`);
  }
  return `${lines.join('\n')}\n`;
}
