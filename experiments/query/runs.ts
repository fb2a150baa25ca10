// The runs that a query is about, from where they lie: result directories, directories of sweeps, `DIR:VARIANT`, in the
// order given. Of each: labels, the values of its axes, and its summary.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { RunSummary } from '../../engine/contracts/result.ts';
import { UserError, type UserProblem } from '../problems.ts';
import { readVariants } from '../replications.ts';
import { readRun } from '../run-directory.ts';
import { readSweep } from '../sweep-directory.ts';

export interface QueryRun {
  /** From 1, in the order of the runs. */
  readonly run: number;
  readonly directory: string;
  readonly experiment: string;
  readonly variant: string;
  readonly replication: number;
  readonly seed: string;
  readonly fingerprint: string;
  readonly endReason: string;
  readonly version: string;
  readonly virtualSeconds: number;
  readonly nodesPeak: number;
  readonly podsCreated: number;
  readonly warmUpSeconds: number;
  /** By axis of its sweep. */
  readonly values: Readonly<Record<string, string>>;
  /** Cells of summary.csv by column. */
  readonly summary: ReadonlyMap<string, string>;
}

/** All problems of all sources are thrown together as a UserError. */
export function queryRuns(sources: readonly string[]): {
  readonly runs: readonly QueryRun[];
  readonly notes: readonly string[];
} {
  const { variants, notes } = readVariants(sources);
  const problems: UserProblem[] = [];
  const sweeps = new Map<string, ReturnType<typeof readSweep>>();
  const directories = variants.flat().flatMap(({ runs }) => runs.map(({ directory }) => directory));
  // A directory that is named twice, by itself and by its sweep, is one run.
  const unique = [...new Map(directories.map((path) => [resolve(path), path])).values()];
  const runs = unique.flatMap((directory, i) => {
    try {
      return [queryRun(directory, i + 1, sweeps)];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new UserError(problems);
  return { runs, notes };
}

function queryRun(
  directory: string,
  run: number,
  sweeps: Map<string, ReturnType<typeof readSweep>>,
): QueryRun {
  const { manifest, scenario } = readRun(directory);
  const summary = JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8')) as RunSummary;
  const parent = dirname(dirname(resolve(directory)));
  if (!sweeps.has(parent)) sweeps.set(parent, readSweep(parent));
  const sweep = sweeps.get(parent);
  const values = sweep?.variants?.find(({ variant }) => variant === manifest.variant)?.values ?? {};
  return {
    run,
    directory,
    experiment: manifest.experiment,
    variant: manifest.variant,
    replication: manifest.replication,
    seed: String(manifest.seed),
    fingerprint: manifest.fingerprint,
    endReason: manifest.endReason,
    version: manifest.versions.kubetick,
    virtualSeconds: summary.virtualSeconds,
    nodesPeak: summary.nodes.peak,
    podsCreated: summary.pods.created,
    warmUpSeconds: scenario.warmUpUs / 1e6,
    values,
    summary: cellsOf(join(directory, 'summary.csv')),
  };
}

function cellsOf(path: string): Map<string, string> {
  if (!existsSync(path)) return new Map();
  const [header = [], cells = []] = parse(readFileSync(path)) as string[][];
  return new Map(header.map((column, i) => [column, cells[i] ?? '']));
}
