// The directory of a sweep: result directories as `<variant>-<hash>/r01`, and sweep.csv and sweep.json, which are made
// from what is there. They say the same whoever made the runs, in which order and on how many machines; several processes
// may work on one directory.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunSummary } from '../engine/contracts/result.ts';
import { judgeMeanExpect } from '../engine/metrics/expect.ts';
import { jsonText } from '../reports/summary.ts';
import { type Plan, type PlannedRun, scenarioOf } from './plan.ts';
import { UserError } from './problems.ts';
import { readManifest, runId } from './run-directory.ts';
import type { RunOutcome } from './run-task.ts';
import { sweepCsv } from './sweep-table.ts';
import type { TableFormat } from './table-formats.ts';

export interface SweepRun {
  readonly variant: string;
  readonly replication: number;
  readonly seed: number | string;
  /** Inside the directory of the sweep, with `/`. */
  readonly directory: string;
  /** Empty where the run is not done. */
  readonly fingerprint: string;
  readonly status: 'done' | 'failed' | 'pending';
  /** Why it failed. */
  readonly problem?: string;
}

/** sweep.json */
export interface SweepFile {
  readonly experiment: string;
  /** Variants in order, with the value of each axis. */
  readonly variants: readonly {
    readonly variant: string;
    readonly values: Readonly<Record<string, string>>;
  }[];
  readonly runs: readonly SweepRun[];
  /** Form of the tables of the runs; left out where it is CSV. */
  readonly tables?: TableFormat;
  readonly [more: string]: unknown;
}

type Failure = Extract<RunOutcome, { status: 'failed' }>;

const HASHED = /-[0-9a-f]{8}$/;

/**
 * Makes the directory, or refuses it (UserError) when it holds something else. With `resume` it may hold runs of an
 * earlier form of the experiment, which stay where they are and are no longer listed.
 */
export function openSweep(path: string, plan: Plan, resume: boolean): void {
  const refuse = (message: string, hint: string): never => {
    throw new UserError({ code: 'E4001', file: path, message, hint });
  };
  try {
    if (existsSync(path)) {
      const before = readSweep(path);
      const others = readdirSync(path).filter((name) => !name.startsWith('.') && !HASHED.test(name));
      if (before === null && others.length > 0)
        refuse('exists and is no directory of a sweep', 'give another --out, or remove it');
      if (before !== null && before.experiment !== plan.experiment)
        refuse(
          `holds the sweep of another experiment (${before.experiment})`,
          'give another --out, or remove it',
        );
      if (before !== null && !resume && !isPartOf(before, plan))
        refuse(
          'holds a sweep with other variants',
          '--resume goes on here: runs that are still wanted are kept, the others are no longer listed',
        );
    }
    for (const { folder } of plan.variants) mkdirSync(join(path, folder), { recursive: true });
  } catch (error) {
    if (error instanceof UserError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UserError({
      code: 'E4002',
      file: path,
      message: `the directory of the sweep cannot be written: ${(error as Error).message}`,
      hint: 'check the path, permissions and free space',
    });
  }
}

/** The same variants: the number of replications may differ. */
function isPartOf(before: SweepFile, plan: Plan): boolean {
  const folders = new Set(before.runs.map(({ directory }) => dirname(directory)));
  return folders.size === plan.variants.length && plan.variants.every(({ folder }) => folders.has(folder));
}

/** sweep.json of a directory; null where there is none. */
export function readSweep(path: string): SweepFile | null {
  try {
    const file = JSON.parse(readFileSync(join(path, 'sweep.json'), 'utf8')) as SweepFile;
    return typeof file.experiment === 'string' && Array.isArray(file.runs) ? file : null;
  } catch {
    return null;
  }
}

/** What became of a run, from what is on disk. */
export function stateOf(path: string, run: PlannedRun): SweepRun {
  const scenario = scenarioOf(run);
  const label = {
    variant: run.variant.name,
    replication: run.replication,
    seed: scenario.seed,
    directory: run.directory,
  };
  const manifest = readManifest(join(path, run.directory));
  if (manifest !== null && manifest.run === runId(scenario))
    return { ...label, fingerprint: manifest.fingerprint, status: 'done' };
  const failure = readFailure(path, run);
  if (failure !== null) return { ...label, fingerprint: '', status: 'failed', problem: failure.message };
  return { ...label, fingerprint: '', status: 'pending' };
}

/** Form of the tables of a run that is done. */
export function formatOf(path: string, run: PlannedRun): TableFormat {
  return readManifest(join(path, run.directory))?.tables ?? 'csv';
}

function failureFile(path: string, { directory }: PlannedRun): string {
  return join(path, `${directory}.failed.json`);
}

export function readFailure(path: string, run: PlannedRun): Failure | null {
  try {
    return JSON.parse(readFileSync(failureFile(path, run), 'utf8')) as Failure;
  } catch {
    return null;
  }
}

/** Notes that a run failed, or with null that it did not. */
export function noteFailure(path: string, run: PlannedRun, failure: Failure | null): void {
  const file = failureFile(path, run);
  if (failure === null) rmSync(file, { force: true });
  else writeWhole(file, jsonText(failure));
}

export function readSummary(path: string, directory: string): RunSummary {
  return JSON.parse(readFileSync(join(path, directory, 'summary.json'), 'utf8')) as RunSummary;
}

/** Removes what runs that were ended in the middle have left. Only for runs of this process. */
export function removeLeftovers(path: string, runs: readonly PlannedRun[]): void {
  for (const folder of new Set(runs.map(({ variant }) => variant.folder))) {
    for (const name of readdirSync(join(path, folder))) {
      if (name.startsWith('.') && name.endsWith(`.tmp-${process.pid}`))
        rmSync(join(path, folder, name), { recursive: true, force: true });
    }
  }
}

/**
 * Writes sweep.csv and sweep.json as the runs on disk are now. Looks again afterwards, so that of several processes
 * that end at once the last word is right.
 */
export function writeSweep(
  path: string,
  plan: Plan,
  runs: readonly PlannedRun[],
  more: (runs: readonly SweepRun[]) => Readonly<Record<string, unknown>> = () => ({}),
): SweepFile {
  const variants = plan.variants.map(({ name, values }) => ({ variant: name, values }));
  for (let written = ''; ; ) {
    const states = runs.map((run) => stateOf(path, run));
    const text = JSON.stringify(states);
    const file: SweepFile = { experiment: plan.experiment, variants, runs: states, ...more(states) };
    if (text === written) return file;
    written = text;
    writeSweepFiles(path, file);
  }
}

/** sweep.csv and sweep.json, from what the file says is done. */
export function writeSweepFiles(path: string, file: SweepFile): void {
  writeWhole(join(path, 'sweep.csv'), sweepCsv(path, file));
  writeWhole(join(path, 'sweep.json'), jsonText(file));
}

/** An expectation on the mean over the replications of a variant; null while some of them are still to come. */
export interface VariantExpect {
  readonly variant: string;
  readonly text: string;
  readonly holds: boolean | null;
  readonly observed: number | null;
}

export function judgeVariants(
  path: string,
  texts: readonly string[],
  variants: SweepFile['variants'],
  states: readonly SweepRun[],
): VariantExpect[] {
  if (texts.length === 0) return [];
  return variants.flatMap(({ variant }): VariantExpect[] => {
    const of = states.filter((state) => state.variant === variant);
    if (of.some(({ status }) => status === 'pending'))
      return texts.map((text) => ({ variant, text, holds: null, observed: null }));
    const done = of.filter(({ status }) => status === 'done');
    const summaries = done.map(({ directory }) => readSummary(path, directory));
    return texts.map((text) => ({ variant, ...judgeMeanExpect(text, summaries) }));
  });
}

/** Under another name first: a reader sees the old file or the new one. */
function writeWhole(path: string, text: string): void {
  const temporary = `${path}.tmp-${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
