// One table of a whole sweep: a row a run that is done, in the order of the plan, with what its summary.csv says and the
// value of each axis, so that a row carries its parameters. sweep.csv, and sweep.parquet beside tables in that form.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Cell, ColumnSpec } from '../engine/contracts/tables.ts';
import { plainCsv } from '../reports/csv.ts';
import type { SweepFile } from './sweep-directory.ts';

interface SweepTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns of labels; every other column of a summary is a number. */
const TEXTS: ReadonlySet<string> = new Set(['experiment', 'variant', 'seed', 'fingerprint']);

/** The type of a column of summary.csv or sweep.csv, by its name alone. */
export function summaryColumn(name: string): ColumnSpec {
  if (name.startsWith('axis.')) return { name, type: 'text', help: 'value of an axis of the sweep' };
  if (TEXTS.has(name)) return { name, type: 'text', help: 'label of the run' };
  if (name === 'replication') return { name, type: 'int', help: 'number of the replication' };
  return { name, type: 'number', help: 'number under this path in summary.json' };
}

/** Columns that only some runs have stand where those have them. */
export function sweepTable(path: string, { runs, variants }: SweepFile): SweepTable {
  const valuesOf = new Map(variants.map(({ variant, values }) => [variant, values]));
  const axes = [...new Set(variants.flatMap(({ values }) => Object.keys(values)))];
  const columns: string[] = [];
  const known = new Set<string>();
  const rows: Map<string, string>[] = [];
  for (const { status, directory, variant } of runs) {
    if (status !== 'done') continue;
    const [header = [], cells = []] = parse(readFileSync(join(path, directory, 'summary.csv'))) as string[][];
    const row = new Map(header.map((column, i) => [column, cells[i] ?? '']));
    header.forEach((column, i) => {
      if (known.has(column)) return;
      known.add(column);
      columns.splice(i === 0 ? 0 : columns.indexOf(header[i - 1]!) + 1, 0, column);
    });
    for (const axis of axes) row.set(`axis.${axis}`, valuesOf.get(variant)?.[axis] ?? '');
    rows.push(row);
  }
  const all = [...columns, ...axes.map((axis) => `axis.${axis}`)];
  return { columns: all, rows: rows.map((row) => all.map((column) => row.get(column) ?? '')) };
}

export function sweepCsv(path: string, file: SweepFile): string {
  const { columns, rows } = sweepTable(path, file);
  return plainCsv(columns, rows);
}

/** Writes sweep.parquet, under another name first. */
export async function writeSweepParquet(path: string, file: SweepFile): Promise<void> {
  const { ParquetRows } = await import('../reports/parquet-rows.ts');
  const table = sweepTable(path, file);
  const columns = table.columns.map(summaryColumn);
  const chunks: Uint8Array[] = [];
  const writer = new ParquetRows({ columns }, (bytes) => chunks.push(bytes.slice()));
  for (const row of table.rows) {
    writer.row(
      row.map((text, i): Cell => (text === '' || columns[i]!.type === 'text' ? text : Number(text))),
    );
  }
  writer.flush();
  const temporary = join(path, `sweep.parquet.tmp-${process.pid}`);
  writeFileSync(temporary, Buffer.concat(chunks));
  renameSync(temporary, join(path, 'sweep.parquet'));
}
