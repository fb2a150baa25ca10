// Reads the tables of a result directory row by row, whatever their size; columns are found by their names, so that
// directories of older versions can be read, too.
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse';
import type { PodTimes } from '../reports/critical-path.ts';
import { parquetTexts } from './parquet-tables.ts';
import { UserError } from './problems.ts';
import { TABLE_FORMATS, type TableFormat } from './table-formats.ts';

/** The cell of the column of that name; '' where the table lacks it. Valid until the next row. */
export type Row = (column: string) => string;

/** A result directory without this table. */
export function missingTable(path: string): UserError {
  return new UserError({
    code: 'E4003',
    file: path,
    message: 'the result directory lacks this table',
    hint: 'give a directory written by `kubetick run`; an Experiment may leave tables out with spec.output.tables',
  });
}

/** Rows of `DIR/NAME.csv` or `DIR/NAME.parquet`. A missing or broken file is a UserError. */
export async function* tableRows(directory: string, name: string): AsyncGenerator<Row> {
  const format = TABLE_FORMATS.find((one) => existsSync(join(directory, `${name}.${one}`))) ?? 'csv';
  const path = join(directory, `${name}.${format}`);
  const refuse = (message: string): UserError =>
    new UserError({ code: 'E4003', file: path, message, hint: 'give a directory written by `kubetick run`' });
  if (!existsSync(path)) throw missingTable(path);
  let columns: Map<string, number> | null = null;
  let cells: string[] = [];
  const row: Row = (column) => cells[columns!.get(column) ?? -1] ?? '';
  try {
    for await (const line of linesOf(path, name, format)) {
      cells = line as string[];
      if (columns === null) columns = new Map(cells.map((column, i) => [column, i]));
      else yield row;
    }
  } catch (error) {
    throw refuse(`cannot be read: ${(error as Error).message}`);
  }
}

function linesOf(
  path: string,
  name: string,
  format: TableFormat,
): AsyncIterable<unknown> | Iterable<unknown> {
  return format === 'csv' ? createReadStream(path).pipe(parse()) : parquetTexts(path, name);
}

/** Whole µs of a time in seconds with 6 decimals; null for an empty cell. */
export function microseconds(cell: string): number | null {
  if (cell === '') return null;
  const [seconds = '0', micros = '0'] = cell.split('.');
  return Number(seconds) * 1_000_000 + Number(micros.padEnd(6, '0').slice(0, 6));
}

/** When nodes joined, µs, by name; of several of one name in order. */
export async function nodeTimes(directory: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map<string, number[]>();
  for await (const row of tableRows(directory, 'nodes')) {
    const added = microseconds(row('added_s'));
    if (added === null) continue;
    const known = times.get(row('node'));
    if (known === undefined) times.set(row('node'), [added]);
    else known.push(added);
  }
  return times;
}

/** Times of the pod of a row of pods.csv. */
export function podTimes(row: Row, nodes: ReadonlyMap<string, readonly number[]>): PodTimes {
  const at = (column: string): number | null => microseconds(row(`${column}_s`));
  const scheduled = at('scheduled');
  const joined = (nodes.get(row('node')) ?? []).filter((us) => scheduled === null || us <= scheduled);
  return {
    created: at('created'),
    queued: at('queued'),
    firstAttempt: at('first_attempt'),
    scheduled,
    bound: at('bound'),
    seen: at('seen'),
    volumes: at('volumes'),
    sandbox: at('sandbox'),
    pulled: at('pulled'),
    started: at('started'),
    ready: at('ready'),
    watched: at('watched'),
    attempts: Number(row('attempts')),
    nodeAdded: joined.at(-1) ?? null,
  };
}
