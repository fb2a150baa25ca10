// Runs the whole program for end-to-end tests, in this process, into a folder that is removed afterwards; reads back what
// it left.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { main } from '../../cli/program.ts';
import type { FullSummary } from '../../engine/metrics/full-summary.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
/** Recorded data beside the project; a clone alone does not have it. */
export const shared = join(root, '../shared');

export type Row = Readonly<Record<string, string>>;

export interface Left {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly files: readonly string[];
  summary(): FullSummary;
  table(name: string): Row[];
}

/** `kubetick run ...args --out FOLDER/r01`; `look` is called before the folder is removed. */
export async function runProgram<T>(args: readonly string[], look: (left: Left) => T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-e2e-'));
  let stdout = '';
  let stderr = '';
  try {
    const out = join(folder, 'r01');
    const code = await main(['run', ...args, '--out', out], {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      env: {},
    });
    const text = (file: string): string => readFileSync(join(out, file), 'utf8');
    return look({
      code,
      stdout,
      stderr,
      files: readdirSync(folder, { recursive: true }).map(String).sort(),
      summary: () => JSON.parse(text('summary.json')),
      table: (name) => parse(text(`${name}.csv`), { columns: true }) as Row[],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A time of a table, seconds; NaN: it did not happen. */
export const seconds = (row: Row, column: string): number =>
  row[column] === '' ? Number.NaN : Number(row[column]);
