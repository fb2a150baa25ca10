// The runs that a comparison is about, from where they lie: a sweep directory (sweep.json), `DIR:variant`, one variant's
// directory (r01, r02, …) or a single result directory. Of each run only the numbers of its summary are kept.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import type { RunSummary } from '../engine/contracts/result.ts';
import type { Match, Replication, VariantRuns } from '../reports/compare/compare.ts';
import { isMeasured } from '../reports/compare/directions.ts';
import { flattenSummary } from '../reports/summary.ts';
import { UserError, type UserProblem } from './problems.ts';
import { didYouMean } from './suggest.ts';

export interface RecordedReplication extends Replication {
  readonly directory: string;
  readonly fingerprint: string;
}

export interface RecordedVariant extends VariantRuns {
  /** As the sweep names it. */
  readonly name: string;
  /** Where it was found, as the user wrote it. */
  readonly source: string;
  readonly runs: readonly RecordedReplication[];
}

/** What is read of sweep.json. */
const sweepSchema = z.looseObject({
  runs: z.array(
    z.looseObject({
      variant: z.string(),
      replication: z.number(),
      directory: z.string(),
      status: z.string().optional(),
    }),
  ),
});

const summarySchema = z.looseObject({
  experiment: z.string(),
  variant: z.string(),
  replication: z.number(),
  seed: z.union([z.number(), z.string()]),
  fingerprint: z.string(),
  pods: z.record(z.string(), z.number()),
  latency: z.record(z.string(), z.record(z.string(), z.number())),
  expect: z.array(z.looseObject({ holds: z.boolean() })),
  loss: z.array(z.unknown()),
});

/** The numbers of a summary, by their columns of summary.csv. */
export function metricsOfSummary(summary: RunSummary): Map<string, number> {
  return new Map(
    flattenSummary(summary).filter(
      (entry): entry is [string, number] => isMeasured(entry[0]) && typeof entry[1] === 'number',
    ),
  );
}

/** Sources in the order given; all problems are thrown together as a UserError. */
export function readVariants(sources: readonly string[]): {
  readonly variants: readonly (readonly RecordedVariant[])[];
  readonly notes: readonly string[];
} {
  const problems: UserProblem[] = [];
  const notes: string[] = [];
  const variants = sources.map((source) => {
    try {
      return readSource(source, notes);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new UserError(problems);
  return { variants: labelled(variants), notes };
}

/** Names where they are enough, with their source where two are called the same. */
function labelled(sources: readonly (readonly RecordedVariant[])[]): RecordedVariant[][] {
  const count = new Map<string, number>();
  for (const { name } of sources.flat()) count.set(name, (count.get(name) ?? 0) + 1);
  return sources.map((variants) =>
    variants.map((variant) =>
      count.get(variant.name) === 1 ? variant : { ...variant, label: `${variant.source}:${variant.name}` },
    ),
  );
}

const HINT = 'give a directory written by `kubetick sweep` or `kubetick run`, or DIR:VARIANT';

function refuse(file: string, message: string, hint = HINT): never {
  throw new UserError({ code: 'E4006', file, message, hint });
}

function readSource(source: string, notes: string[]): RecordedVariant[] {
  if (isDirectory(source)) return readDirectory(source, notes);
  // Variants may have colons in their names (`image=web:2`): the first that follows a directory separates.
  const colon = [...source.matchAll(/:/g)]
    .map(({ index }) => index)
    .find((at) => isDirectory(source.slice(0, at)));
  if (colon === undefined)
    return refuse(source, existsSync(source) ? 'is no directory' : 'there is no such directory');
  const [folder, wanted] = [source.slice(0, colon), source.slice(colon + 1)];
  const all = readDirectory(folder, notes);
  const found = all.filter(({ name }) => name === wanted);
  if (found.length > 0) return found;
  const names = all.map(({ name }) => name);
  return refuse(
    source,
    `${folder} has no variant named ${JSON.stringify(wanted)}`,
    didYouMean(wanted, names),
  );
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function readDirectory(folder: string, notes: string[]): RecordedVariant[] {
  if (existsSync(join(folder, 'sweep.json'))) return readSweep(folder, notes);
  if (existsSync(join(folder, 'summary.json'))) return grouped(folder, [readRun(folder)]);
  const inside = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'summary.json')))
    .sort();
  if (inside.length === 0)
    return refuse(folder, 'holds neither sweep.json nor a result: there is no summary.json in it');
  return grouped(
    folder,
    inside.map((name) => readRun(join(folder, name))),
  );
}

function readSweep(folder: string, notes: string[]): RecordedVariant[] {
  const file = join(folder, 'sweep.json');
  const sweep = parsed(file, sweepSchema);
  const runs: Run[] = [];
  const left: string[] = [];
  for (const { variant, replication, directory, status } of sweep.runs) {
    const path = placeOf(folder, directory);
    // A run that failed has left no result: it is told and left out.
    if (existsSync(join(path, 'summary.json'))) runs.push({ ...readRun(path), variant });
    else left.push(`${variant} ${replication}${status === undefined ? '' : ` (${status})`}`);
  }
  if (left.length > 0)
    notes.push(
      `${folder}: without a result, left out: ${left.slice(0, 8).join(', ')}${left.length > 8 ? `, … (${left.length})` : ''}`,
    );
  if (runs.length === 0) return refuse(file, 'none of its runs has a result');
  return grouped(folder, runs);
}

/** Directories of sweep.json start at it, or stand as the sweep was told them. */
function placeOf(folder: string, directory: string): string {
  if (isAbsolute(directory)) return directory;
  const inside = join(folder, directory);
  if (isDirectory(inside)) return inside;
  // A sweep directory that was moved or is called from elsewhere: the last two parts are its own.
  const own = join(folder, ...directory.split(/[\\/]/).slice(-2));
  return isDirectory(own) ? own : inside;
}

interface Run extends RecordedReplication {
  readonly variant: string;
}

function readRun(directory: string): Run {
  const summary = parsed(join(directory, 'summary.json'), summarySchema) as unknown as RunSummary;
  const { variant, replication, seed, fingerprint } = summary;
  return { variant, replication, seed, fingerprint, directory, metrics: metricsOfSummary(summary) };
}

function parsed<T>(file: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuse(file, `cannot be read: ${(error as Error).message}`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  return refuse(file, `is not what it should be: ${issue.path.join('.')}: ${issue.message}`);
}

function grouped(source: string, runs: readonly Run[]): RecordedVariant[] {
  const names = [...new Set(runs.map(({ variant }) => variant))];
  return names.map((name) => ({
    name,
    label: name,
    source: source.replace(/(?<=.)[\\/]+$/, '') || basename(source),
    runs: runs.filter(({ variant }) => variant === name).map(({ variant: _, ...run }) => run),
  }));
}

/**
 * Who is compared with whom. One source: its variants with its first. Several: everything with the first source where
 * that has one variant; otherwise variants of the same name.
 */
export function matchesOf(sources: readonly (readonly RecordedVariant[])[]): {
  readonly matches: readonly Match<RecordedVariant>[];
  readonly notes: readonly string[];
} {
  const [first = [], ...rest] = sources;
  if (rest.length === 0) {
    const [baseline, ...others] = first;
    if (baseline === undefined || others.length === 0)
      return refuse(
        first[0]?.source ?? '',
        `has one variant, ${JSON.stringify(first[0]?.name)}: nothing to compare it with`,
        'name a second directory, or sweep an axis (spec.sweep)',
      );
    return { matches: others.map((variant) => ({ baseline, variant })), notes: [] };
  }
  const variants = rest.flat();
  if (first.length === 1)
    return { matches: variants.map((variant) => ({ baseline: first[0]!, variant })), notes: [] };
  const matches: Match<RecordedVariant>[] = [];
  const notes: string[] = [];
  for (const variant of variants) {
    const baseline = first.find(({ name }) => name === variant.name);
    if (baseline === undefined)
      notes.push(`${variant.label} has no variant of its name in ${first[0]!.source}`);
    else matches.push({ baseline, variant });
  }
  if (matches.length > 0) return { matches, notes };
  const names = first.map(({ name }) => name);
  return refuse(
    first[0]!.source,
    `has ${first.length} variants (${names.slice(0, 6).join(', ')}), and none has the name of a variant to compare with`,
    `say which is the baseline: ${first[0]!.source}:${names[0]}`,
  );
}
