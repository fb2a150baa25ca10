// `kubetick sweep --merge`: directories of shards into one. Runs are copied as they are; sweep.csv and sweep.json are
// made from what is then on disk, so that the result has the bytes that one machine would have written.
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError, type UserProblem } from './problems.ts';
import { readManifest } from './run-directory.ts';
import {
  judgeVariants,
  readSweep,
  type SweepFile,
  type SweepRun,
  type VariantExpect,
  writeSweepFiles,
} from './sweep-directory.ts';

/** Merges into `out`. Directories that are no sweeps, or not of one sweep, are a UserError, and nothing is written. */
export function mergeSweeps(directories: readonly string[], out: string): SweepFile {
  const problems: UserProblem[] = [];
  const parts: { path: string; file: SweepFile }[] = [];
  for (const path of directories) {
    const file = readSweep(path);
    if (file !== null) parts.push({ path, file });
    else
      problems.push({
        code: 'E4003',
        file: path,
        message: 'not the directory of a sweep: it has no readable sweep.json',
        hint: 'give directories written by `kubetick sweep --out DIR`',
      });
  }
  const [first] = parts;
  for (const { path, file } of parts.slice(1)) {
    if (planOf(file) === planOf(first!.file)) continue;
    problems.push({
      code: 'E4001',
      file: path,
      message: `holds another sweep than ${first!.path}: experiment, variants or replications differ`,
      hint: 'merge shards of one Experiment, made by one version with the same options',
    });
  }
  const before = readSweep(out);
  if (before === null ? existsSync(out) : first !== undefined && planOf(before) !== planOf(first.file))
    problems.push({
      code: 'E4001',
      file: out,
      message: before === null ? 'exists and is no directory of a sweep' : 'holds another sweep',
      hint: 'give another --out, or remove it',
    });
  if (problems.length > 0) throw new UserError(problems);
  const sources = [...(before === null ? [] : [{ path: out, file: before }]), ...parts];
  const runs = first!.file.runs.map((run) => take(run, sources, out));
  const { expect, ...rest } = first!.file;
  const texts = [...new Set(((expect ?? []) as readonly VariantExpect[]).map(({ text }) => text))];
  const judged = judgeVariants(out, texts, rest.variants, runs);
  const file: SweepFile = { ...rest, runs, ...(texts.length === 0 ? {} : { expect: judged }) };
  writeSweepFiles(out, file);
  return file;
}

/** What must agree: everything of the plan, nothing of what was done. */
function planOf({ experiment, variants, runs }: SweepFile): string {
  return JSON.stringify([
    experiment,
    variants,
    runs.map(({ variant, replication, seed, directory }) => [variant, replication, seed, directory]),
  ]);
}

/** A run from the first of the directories that has it done; else failed, if one says so. */
function take(
  run: SweepRun,
  sources: readonly { readonly path: string; readonly file: SweepFile }[],
  out: string,
): SweepRun {
  const states = sources.map(({ path, file }) => ({
    path,
    state: file.runs.find(({ directory }) => directory === run.directory)!,
  }));
  const done = states.find(
    ({ path, state }) =>
      state.status === 'done' && readManifest(join(path, run.directory))?.fingerprint === state.fingerprint,
  );
  if (done !== undefined) {
    copyWhole(join(done.path, run.directory), join(out, run.directory));
    return done.state;
  }
  const failed = states.find(({ state }) => state.status === 'failed');
  if (failed !== undefined) {
    const name = `${run.directory}.failed.json`;
    copyWhole(join(failed.path, name), join(out, name));
    return failed.state;
  }
  const { problem: _problem, ...label } = run;
  return { ...label, fingerprint: '', status: 'pending' };
}

/** Under another name first, so that what stands at its place is whole. */
function copyWhole(from: string, to: string): void {
  if (existsSync(to) || !existsSync(from)) return;
  const temporary = join(dirname(to), `.merge.tmp-${process.pid}`);
  try {
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, temporary, { recursive: true });
    renameSync(temporary, to);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw new UserError({
      code: 'E4002',
      file: to,
      message: `cannot be written: ${(error as Error).message}`,
      hint: 'check the path, permissions and free space',
    });
  }
}
