// `kubetick summary RUN`: where the time of pods' starts went, by cohort, out of a result directory.
import { ExitCode, type Io, UserError } from '../errors.ts';
import { tableDraw } from '../tables.ts';

export interface SummaryArguments {
  readonly run: string;
  /** `owner`, `namespace`, `node`, `label:KEY`. */
  readonly by?: string;
  /** `table` or `json`. */
  readonly output?: string;
}

/** Cohorts that are printed as tables; the rest is counted. */
const COHORTS_MAX = 20;

export async function summarise(args: SummaryArguments, io: Io): Promise<number> {
  const { run, by = 'all', output = 'table' } = args;
  const [{ cohortKey, cohorts }, { readRun }] = await Promise.all([
    import('../../experiments/cohorts.ts'),
    import('../../experiments/run-directory.ts'),
  ]);
  const problems = [];
  if (output !== 'table' && output !== 'json') {
    const message = `found ${JSON.stringify(output)}, expected table or json`;
    problems.push({ code: 'E1003', path: '--output', message });
  }
  for (const check of [() => readRun(run), () => cohortKey(by)]) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new UserError(problems);
  const found = await cohorts(run, by);
  if (output === 'json') {
    io.stdout.write(`${JSON.stringify({ run, by, cohorts: found }, null, 2)}\n`);
    return ExitCode.ok;
  }
  const [draw, { humanSeconds }] = await Promise.all([tableDraw(), import('../../reports/terminal.ts')]);
  const head = ['phase', 'pods', 'mean', 'p50', 'p90', 'p99', 'max', 'share'];
  for (const { name, pods, started, phases } of found.slice(0, COHORTS_MAX)) {
    io.stdout.write(`${name}: ${pods} pods, ${started} seen Ready\n`);
    if (phases.length === 0) continue;
    const rows = phases.map(({ phase, count, mean, p50, p90, p99, max, share }) => [
      phase,
      String(count),
      ...[mean, p50, p90, p99, max].map(humanSeconds),
      `${(share * 100).toFixed(1)} %`,
    ]);
    io.stdout.write(`${draw(head, rows, true)}\n`);
  }
  const hidden = found.length - COHORTS_MAX;
  if (hidden > 0) io.stdout.write(`and ${hidden} more with less time in all: -o json has them\n`);
  if (found.length === 0) io.stdout.write('the run had no pods\n');
  return ExitCode.ok;
}
