// `kubetick report RUNS --slo`: the runs against the objectives of Kubernetes, in the words of its scale tests, and the files
// that perfdash reads.
import type { SloRun } from '../../reports/slo/items.ts';
import type { SloVariant } from '../../reports/slo/variants.ts';
import { ExitCode, type Io, UserError, type UserProblem } from '../errors.ts';
import { tableDraw } from '../tables.ts';

export interface SloArguments {
  /** As `report` takes them. */
  readonly sources: readonly string[];
  /** Directory for the files of perfdash. */
  readonly perfdash?: string;
  /** Name of the test in these files. */
  readonly test?: string;
  readonly json?: boolean;
  readonly fail?: boolean;
}

/** Returns the exit code. Bad input is thrown as UserError, before anything is written. */
export async function reportSlo(args: SloArguments, io: Io): Promise<number> {
  const { sources, perfdash, test } = args;
  const [{ readVariants }, { sloRun }, { sloVariants }, files] = await Promise.all([
    import('../../experiments/replications.ts'),
    import('../../experiments/slo-run.ts'),
    import('../../reports/slo/variants.ts'),
    import('../../experiments/perfdash-files.ts'),
  ]);
  const problems: UserProblem[] = [];
  if (test !== undefined && !/^[A-Za-z0-9.-]+$/.test(test))
    problems.push({
      code: 'E1003',
      path: '--test',
      message: `found ${JSON.stringify(test)}, expected letters, digits, points and dashes`,
      hint: 'perfdash reads the files of `load` and `density`',
    });
  if (test !== undefined && perfdash === undefined)
    problems.push({ code: 'E1005', path: '--test', message: 'belongs to --perfdash, which was not given' });
  if (perfdash !== undefined) problems.push(...files.checkPerfdash(perfdash));
  const labels = new Map<string, string>();
  try {
    const { variants, notes } = readVariants(sources);
    for (const note of notes) io.stderr.write(`note: ${note}\n`);
    for (const { label, runs } of variants.flat())
      for (const { directory } of runs) labels.set(directory, label);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0) throw new UserError(problems);
  const runs: SloRun[] = [];
  for (const [directory, label] of labels) runs.push(sloRun(directory, label));
  const variants = sloVariants(runs);
  if (perfdash !== undefined) files.writePerfdash(perfdash, runs, test);
  if (args.json) {
    const { jsonText } = await import('../../reports/summary.ts');
    io.stdout.write(jsonText({ runs, variants }));
  } else {
    const { sloText } = await import('../../reports/slo/text.ts');
    io.stdout.write(sloText(runs, variants, await tableDraw()));
  }
  return args.fail === true && isMissed(variants, io) ? ExitCode.expectationFailed : ExitCode.ok;
}

/** Whether an official objective is missed; says which. */
function isMissed(variants: readonly SloVariant[], io: Io): boolean {
  const missed = variants.flatMap(({ variant, items }) =>
    items
      .filter(({ objective, verdict }) => objective?.of === 'SLO' && verdict === 'missed')
      .map(({ measurement, metric }) => `${variant}: ${measurement} ${metric}`),
  );
  for (const text of missed) io.stderr.write(`SLO missed: ${text}\n`);
  return missed.length > 0;
}
