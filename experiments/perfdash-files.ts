// Puts the files of perfdash on disk: of one run as clusterloader2 leaves them in its report directory, of several as
// perfdash reads a local directory (perf-tests perfdash/local_metrics_dir.go): `JOB/BUILD/artifacts`, a job a variant, a
// build a replication.
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SloRun } from '../reports/slo/items.ts';
import { perfdashFiles } from '../reports/slo/perfdash.ts';
import { UserError, type UserProblem } from './problems.ts';

/** What is wrong with the place, before anything is read. */
export function checkPerfdash(directory: string): UserProblem[] {
  if (!existsSync(directory) || statSync(directory).isDirectory()) return [];
  return [{ code: 'E4002', file: directory, message: 'is no directory', hint: 'give another --perfdash' }];
}

/** Files of the same name are replaced; others stay. A failure to write is a UserError. */
export function writePerfdash(directory: string, runs: readonly SloRun[], test: string | undefined): void {
  for (const run of runs) {
    const job = [run.experiment, ...(run.variant === 'default' ? [] : [run.variant])]
      .map(partOfPath)
      .join('-');
    const folder = runs.length === 1 ? directory : join(directory, job, String(run.replication), 'artifacts');
    try {
      mkdirSync(folder, { recursive: true });
      for (const { name, text } of perfdashFiles(run, test ?? partOfPath(run.experiment))) {
        const temporary = join(folder, `.${name}.tmp-${process.pid}`);
        writeFileSync(temporary, text);
        renameSync(temporary, join(folder, name));
      }
    } catch (error) {
      throw new UserError({
        code: 'E4002',
        file: folder,
        message: `cannot be written: ${(error as Error).message}`,
        hint: 'check the path, permissions and free space',
      });
    }
  }
}

/** Letters, digits, points and dashes: perfdash cuts names at underscores. */
const partOfPath = (name: string): string => name.replaceAll(/[^\p{L}\p{N}.-]+/gu, '-');
