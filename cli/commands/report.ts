// `kubetick report RUNS --html FILE`: results as one page that opens offline; `--slo`: against the objectives of Kubernetes.
// Nothing is simulated.
import { ExitCode, type Io, UserError } from '../errors.ts';
import type { SloArguments } from './report-slo.ts';

export interface ReportArguments extends SloArguments {
  /** Sweep directories, variants' directories, result directories, `DIR:variant`. */
  readonly sources: readonly string[];
  /** Where the page is written. */
  readonly html?: string;
  readonly slo?: boolean;
}

/** What says nothing without `--slo`. */
const OF_SLO = ['perfdash', 'test', 'json', 'fail'] as const;

/** Runs the command; returns its exit code. Bad input is thrown as UserError, before anything is written. */
export async function report(args: ReportArguments, io: Io): Promise<number> {
  const { sources, html, slo } = args;
  if (slo === undefined) {
    const needless = OF_SLO.filter((name) => args[name] !== undefined).map((name) => ({
      code: 'E1005',
      path: `--${name}`,
      message: 'belongs to --slo, which was not given',
    }));
    if (needless.length > 0) throw new UserError(needless);
  }
  if (html === undefined && slo === undefined)
    throw new UserError({
      code: 'E1005',
      path: '--html',
      message: 'found nothing to make, expected --html FILE or --slo',
      hint: `for example: kubetick report ${sources[0]} --html report.html`,
    });
  if (html !== undefined) {
    await page(sources, html, io);
    // With --json standard output is the JSON and nothing else.
    (args.json === true ? io.stderr : io.stdout).write(`${html}\n`);
  }
  if (slo === undefined) return ExitCode.ok;
  const { reportSlo } = await import('./report-slo.ts');
  return reportSlo(args, io);
}

async function page(sources: readonly string[], html: string, io: Io): Promise<void> {
  const { writeReport } = await import('../../experiments/report-page.ts');
  const progress = await openProgress(io);
  try {
    writeReport(sources, html, progress?.update);
  } finally {
    progress?.close();
  }
}

/** A line on a terminal while tables are read. */
async function openProgress(
  io: Io,
): Promise<{ update: (done: number, total: number) => void; close: () => void } | null> {
  if (io.stderr.isTTY !== true) return null;
  const { ReadingLine } = await import('../../reports/reading-progress.ts');
  const line = new ReadingLine(io.stderr as NodeJS.WriteStream);
  return { update: (done, total) => line.update(done, total), close: () => line.close() };
}
