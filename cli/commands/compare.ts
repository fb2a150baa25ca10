// `kubetick compare A B...`: variants against a baseline, from the results of sweeps, without simulating: every metric with
// its paired difference, interval, corrected p-value and verdict; where the difference of pods' starts comes from; and the
// first decision at which a pair of runs parts.
import type { RecordedVariant } from '../../experiments/replications.ts';
import type { Comparison, ComparisonResult, Match } from '../../reports/compare/compare.ts';
import type { StartDifference } from '../../reports/compare/contributors.ts';
import type { Parting } from '../../reports/compare/text.ts';
import { ExitCode, type Io, UserError, type UserProblem } from '../errors.ts';
import { tableDraw } from '../tables.ts';

export interface CompareArguments {
  /** Sweep directories, variants' directories, result directories, `DIR:variant`. */
  readonly sources: readonly string[];
  readonly metric?: readonly string[];
  /** `table`, `json`, `md`, `csv`. */
  readonly format?: string;
  /** Rows of a table. */
  readonly rows?: number;
}

const FORMATS = ['table', 'json', 'md', 'csv'] as const;
type Format = (typeof FORMATS)[number];
const ROWS_DEFAULT = 24;

interface Report {
  readonly baseline: string;
  readonly matches: readonly Match<RecordedVariant>[];
  readonly result: ComparisonResult;
  readonly starts: readonly StartDifference[];
  readonly partings: readonly Parting[];
}

/** Runs the command; returns its exit code. Bad input is thrown as UserError. */
export async function compare(args: CompareArguments, io: Io): Promise<number> {
  const { format = 'table', rows = ROWS_DEFAULT, metric = [] } = args;
  const problems: UserProblem[] = [];
  if (!(FORMATS as readonly string[]).includes(format)) {
    const message = `found ${JSON.stringify(format)}, expected table, json, md or csv`;
    problems.push({ code: 'E1003', path: '--format', message });
  }
  const [{ matchesOf, readVariants }, { compareVariants }, { startDifference }, text] = await Promise.all([
    import('../../experiments/replications.ts'),
    import('../../reports/compare/compare.ts'),
    import('../../reports/compare/contributors.ts'),
    import('../../reports/compare/text.ts'),
  ]);
  const read = collect(problems, () => readVariants(args.sources));
  const found = read === null ? null : collect(problems, () => matchesOf(read.variants));
  if (read !== null) problems.push(...(await unknownMetrics(metric, read.variants.flat())));
  if (found === null || problems.length > 0) throw new UserError(problems);
  const { matches } = found;
  const compared = compareVariants(matches, metric);
  const report: Report = {
    baseline: matches[0]!.baseline.label,
    matches,
    result: { ...compared, notes: [...read!.notes, ...found.notes, ...compared.notes] },
    starts: matches.flatMap((match) => startDifference(match) ?? []),
    partings: format === 'csv' ? [] : await partingsOf(matches),
  };
  switch (format as Format) {
    case 'json': {
      const { baseline, result, starts, partings } = report;
      io.stdout.write(
        `${JSON.stringify(text.comparisonJson(baseline, result, starts, partings), null, 2)}\n`,
      );
      break;
    }
    case 'csv':
      io.stdout.write(text.comparisonsCsv(report.result.comparisons));
      break;
    case 'md':
      io.stdout.write(await markdown(report));
      break;
    case 'table':
      io.stdout.write(await tables(report, rows));
  }
  return ExitCode.ok;
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

/** `--metric` names that no run has observed. */
async function unknownMetrics(
  wanted: readonly string[],
  variants: readonly RecordedVariant[],
): Promise<UserProblem[]> {
  if (wanted.length === 0) return [];
  const [{ isMeant }, { didYouMean }] = await Promise.all([
    import('../../reports/compare/directions.ts'),
    import('../../experiments/suggest.ts'),
  ]);
  const known = [
    ...new Set(variants.flatMap(({ runs }) => runs.flatMap(({ metrics }) => [...metrics.keys()]))),
  ].sort();
  return wanted
    .filter((name) => !known.some((metric) => isMeant(name, metric)))
    .map((name) => ({
      code: 'E1003',
      path: '--metric',
      message: `no run has a metric named ${JSON.stringify(name)}`,
      hint: didYouMean(name, [...known.map((metric) => metric.replace(/^latency\./, '')), ...known]),
    }));
}

/** Of each variant the first pair of replications: where it parts from the baseline. */
async function partingsOf(matches: readonly Match<RecordedVariant>[]): Promise<Parting[]> {
  const [{ divergence }, { pairBySeed }] = await Promise.all([
    import('../../experiments/divergence.ts'),
    import('../../reports/compare/compare.ts'),
  ]);
  const partings: Parting[] = [];
  for (const { baseline, variant } of matches) {
    const [pair] = pairBySeed(baseline.runs, variant.runs).pairs;
    if (pair === undefined) continue;
    const [a, b] = pair;
    let found: Awaited<ReturnType<typeof divergence>>;
    try {
      found = await divergence(a.directory, b.directory);
    } catch (error) {
      // Results may be kept without their tables: the numbers are compared all the same.
      if (error instanceof UserError) continue;
      throw error;
    }
    partings.push({
      variant: variant.label,
      against: baseline.label,
      replication: a.replication,
      seed: a.seed,
      directories: { baseline: a.directory, variant: b.directory },
      time: found.time,
      choice: found.choice,
    });
  }
  return partings;
}

const titleOf = ({ baseline, variant }: Match): string =>
  `${variant.label} against ${baseline.label} (${variant.runs.length} and ${baseline.runs.length} replications)`;

async function tables(report: Report, rowsMax: number): Promise<string> {
  const [draw, text, { isUnmoved }] = await Promise.all([
    tableDraw(),
    import('../../reports/compare/text.ts'),
    import('../../reports/compare/compare.ts'),
  ]);
  const lines: string[] = [];
  for (const match of report.matches) {
    const own = ofMatch(report.result.comparisons, match);
    lines.push(`${titleOf(match)}: ${text.countsText(own)}`);
    const rows = shown(own, rowsMax, isUnmoved);
    if (rows.length > 0) lines.push(draw([...text.TABLE_HEAD], rows.map(text.tableRow), true));
    if (rows.length < own.length)
      lines.push(`and ${own.length - rows.length} more: --format json or csv has them all, --metric chooses`);
    lines.push(...(await sentences(report, match)), '');
  }
  for (const note of report.result.notes) lines.push(`note: ${note}`);
  return `${lines.join('\n').trimEnd()}\n`;
}

async function markdown(report: Report): Promise<string> {
  const text = await import('../../reports/compare/text.ts');
  const parts: string[] = [];
  for (const match of report.matches) {
    const own = ofMatch(report.result.comparisons, match);
    parts.push(`### ${titleOf(match)}`, `${text.countsText(own)}.`, text.markdownTable(own));
    const said = await sentences(report, match);
    if (said.length > 0) parts.push(`\`\`\`\n${said.join('\n')}\n\`\`\``);
  }
  parts.push(...report.result.notes.map((note) => `> ${note}`));
  return `${parts.join('\n\n')}\n`;
}

/** What stands below a table. */
async function sentences(report: Report, match: Match): Promise<string[]> {
  const text = await import('../../reports/compare/text.ts');
  return [
    ...ofMatch(report.starts, match).map(text.contributorsText),
    text.neutralText(ofMatch(report.result.neutral, match)),
    ...ofMatch(report.partings, match).map(text.partingText),
  ].filter((sentence): sentence is string => sentence !== null);
}

function ofMatch<T extends { readonly variant: string; readonly against: string }>(
  list: readonly T[],
  { baseline, variant }: Match,
): T[] {
  return list.filter((one) => one.variant === variant.label && one.against === baseline.label);
}

/** The rows that fit, in their order; details only with evidence, and nothing that is equal on both sides. */
function shown(
  comparisons: readonly Comparison[],
  rowsMax: number,
  isUnmoved: (one: Comparison) => boolean,
): Comparison[] {
  const moved = comparisons.filter((one) => !isUnmoved(one));
  const worth = moved.filter(({ verdict, family }) => verdict !== 'no evidence' || family === 'outcome');
  return (worth.length > 0 ? worth : moved).slice(0, rowsMax);
}
