// What the HTML report shows, from where RUNS lie: numbers of every run by the readers of `compare`, distributions over all
// pods of a variant, and of each variant one run looked at closely, all of them the same replication.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LossEntry, RunSummary } from '../engine/contracts/result.ts';
import packageJson from '../package.json' with { type: 'json' };
import { compareVariants } from '../reports/compare/compare.ts';
import { startDifference } from '../reports/compare/contributors.ts';
import type {
  ReportComparison,
  ReportData,
  ReportExpect,
  ReportRun,
  ReportVariant,
} from '../reports/html/model.ts';
import { StartDigest } from '../reports/html/start-digest.ts';
import { quotedWord, shortened } from '../reports/html/words.ts';
import { UserError } from './problems.ts';
import { matchesOf, type RecordedReplication, type RecordedVariant, readVariants } from './replications.ts';
import { addStarts, type DetailLimits, readDetail, readSummary } from './report-run.ts';
import { TABLE_FORMATS } from './table-formats.ts';

/** Told bytes read and bytes in all. */
export type ReadingProgress = (done: number, total: number) => void;

/** Variants looked at closely. */
const DETAILS_MAX = 6;
/** Characters of a variant's label, of a text of the input, of a note; and how many notes. */
const LABEL_MAX = 120;
const TEXT_MAX = 300;
const NOTE_MAX = 600;
const NOTES_MAX = 12;
const TABLES = ['pods', 'timeseries'].flatMap((name) => TABLE_FORMATS.map((format) => `${name}.${format}`));

/** Of so many variants, what each may take of the page. */
function limitsFor(variants: number): DetailLimits {
  if (variants <= 1) return { cells: 400, frames: 120 };
  if (variants === 2) return { cells: 300, frames: 100 };
  return variants <= 4 ? { cells: 225, frames: 80 } : { cells: 150, frames: 64 };
}

/** Reads RUNS; all problems are thrown together as a UserError. */
export function reportData(sources: readonly string[], progress: ReadingProgress = () => {}): ReportData {
  const read = readVariants(sources);
  const notes = [...read.notes];
  const found = withShortLabels(read.variants);
  const recorded = found.flat();
  const compared = comparisonOf(found, notes);
  const chosen = commonReplication(recorded);
  const detailed = recorded.slice(0, DETAILS_MAX);
  if (recorded.length > DETAILS_MAX)
    notes.push(
      `time series and placement are shown of the first ${DETAILS_MAX} of ${recorded.length} variants; name others first to see them (DIR:VARIANT)`,
    );
  const limits = limitsFor(detailed.length);
  const reading = new Reading(recorded, progress);
  const experiments = new Set<string>();
  const variants = recorded.map((variant): ReportVariant => {
    const summaries = variant.runs.map(({ directory }) => readSummary(directory));
    for (const { experiment } of summaries) experiments.add(experiment);
    const at = detailed.includes(variant) ? detailOf(variant.runs, chosen) : -1;
    const starts = new StartDigest();
    let detail: ReportVariant['detail'] = null;
    let tables = 0;
    for (const [i, { directory }] of variant.runs.entries()) {
      if (!hasTables(directory)) continue;
      tables++;
      if (i === at) detail = readDetail(directory, summaries[i]!, starts, limits, reading.bytes);
      else addStarts(directory, starts, reading.bytes);
    }
    if (tables < variant.runs.length)
      notes.push(
        `${variant.label}: ${tables} of ${variant.runs.length} runs have kept their tables (manifest.json, pods.csv)`,
      );
    return {
      label: variant.label,
      runs: variant.runs.map((run, i): ReportRun => ({ ...run, experiment: summaries[i]!.experiment })),
      expects: [...runExpects(summaries), ...variantExpects(variant)],
      loss: lossOf(summaries),
      starts: tables === 0 ? null : starts,
      detail,
    };
  });
  return {
    experiments: [...experiments],
    sources,
    command: `kubetick report ${sources.map(quotedWord).join(' ')} --html report.html`,
    kubetick: packageJson.version,
    variants,
    comparison: compared,
    notes: firstNotes([...new Set(notes)]),
  };
}

/** Labels are repeated all over the page; those that are cut stay different. */
function withShortLabels(sources: readonly (readonly RecordedVariant[])[]): RecordedVariant[][] {
  let number = 0;
  return sources.map((variants) =>
    variants.map((variant) => {
      number++;
      if (variant.label.length <= LABEL_MAX) return variant;
      return { ...variant, label: `${shortened(variant.label, LABEL_MAX)} #${number}` };
    }),
  );
}

function firstNotes(notes: readonly string[]): string[] {
  const shown = notes.slice(0, NOTES_MAX).map((note) => shortened(note, NOTE_MAX));
  return notes.length > shown.length ? [...shown, `and ${notes.length - shown.length} more notes`] : shown;
}

function comparisonOf(
  sources: readonly (readonly RecordedVariant[])[],
  notes: string[],
): ReportComparison | null {
  if (sources.flat().length < 2) return null;
  try {
    const { matches, notes: told } = matchesOf(sources);
    const result = compareVariants(matches);
    return {
      baseline: matches[0]!.baseline.label,
      result: { ...result, notes: firstNotes([...told, ...result.notes]) },
      starts: matches.flatMap((match) => startDifference(match) ?? []),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notes.push(
      ...error.problems.map(({ message, hint }) => `not compared: ${message}${hint ? `; ${hint}` : ''}`),
    );
    return null;
  }
}

const hasTables = (directory: string): boolean =>
  existsSync(join(directory, 'manifest.json')) &&
  TABLE_FORMATS.some((format) => existsSync(join(directory, `pods.${format}`)));

/** The smallest replication of which every variant has the tables; NaN: there is none. */
function commonReplication(variants: readonly RecordedVariant[]): number {
  const lists = variants.map(({ runs }) =>
    runs.filter(({ directory }) => hasTables(directory)).map(({ replication }) => replication),
  );
  const [first = [], ...rest] = lists.filter((list) => list.length > 0);
  const common = first.filter((replication) => rest.every((list) => list.includes(replication)));
  return common.length === 0 ? Number.NaN : Math.min(...common);
}

/** Which run of a variant is looked at closely; -1: none has its tables. */
function detailOf(runs: readonly RecordedReplication[], chosen: number): number {
  const common = runs.findIndex((run) => run.replication === chosen && hasTables(run.directory));
  return common >= 0 ? common : runs.findIndex(({ directory }) => hasTables(directory));
}

/** Counts the bytes of the tables that are read. */
class Reading {
  readonly bytes: (bytes: number) => void;

  constructor(variants: readonly RecordedVariant[], progress: ReadingProgress) {
    let total = 0;
    for (const { directory } of variants.flatMap(({ runs }) => runs))
      for (const table of TABLES)
        total += statSync(join(directory, table), { throwIfNoEntry: false })?.size ?? 0;
    let done = 0;
    this.bytes = (bytes) => {
      done += bytes;
      progress(done, total);
    };
  }
}

/** Expectations of the runs, by text, in the order in which they stand. */
function runExpects(summaries: readonly RunSummary[]): ReportExpect[] {
  const byText = new Map<string, { held: number; judged: number; observed: (number | null)[] }>();
  for (const { expect } of summaries) {
    for (const { text, holds, observed } of expect) {
      const known = byText.get(text) ?? { held: 0, judged: 0, observed: [] };
      known.judged++;
      if (holds) known.held++;
      known.observed.push(observed);
      byText.set(text, known);
    }
  }
  return [...byText].map(([text, found]) => ({ text: shortened(text, TEXT_MAX), of: 'run', ...found }));
}

interface SweepExpect {
  readonly variant?: unknown;
  readonly text?: unknown;
  readonly holds?: unknown;
  readonly observed?: unknown;
}

/** `sweep.expect` as sweep.json has judged it; what waits for runs is left out. */
function variantExpects({ source, name }: RecordedVariant): ReportExpect[] {
  const file = join(source, 'sweep.json');
  if (!existsSync(file)) return [];
  const { expect } = JSON.parse(readFileSync(file, 'utf8')) as { expect?: unknown };
  if (!Array.isArray(expect)) return [];
  return (expect as SweepExpect[]).flatMap(({ variant, text, holds, observed }): ReportExpect[] => {
    if (variant !== name || typeof text !== 'string' || typeof holds !== 'boolean') return [];
    const value = typeof observed === 'number' ? observed : null;
    return [
      { text: shortened(text, TEXT_MAX), of: 'variant', held: holds ? 1 : 0, judged: 1, observed: [value] },
    ];
  });
}

/** Once each, with the largest count of a run. */
function lossOf(summaries: readonly RunSummary[]): LossEntry[] {
  const merged = new Map<string, LossEntry>();
  for (const { loss } of summaries) {
    for (const entry of loss) {
      const key = JSON.stringify([entry.kind, entry.field, entry.note]);
      const known = merged.get(key);
      if (known === undefined)
        merged.set(key, {
          ...entry,
          kind: shortened(entry.kind, TEXT_MAX),
          field: shortened(entry.field, TEXT_MAX),
          note: shortened(entry.note, TEXT_MAX),
        });
      else known.count = Math.max(known.count, entry.count);
    }
  }
  return [...merged.values()];
}
