// The SQL that puts files of results before a query: a view a table, with the columns and types of its definition. CSV is
// never sniffed: the header of each file says where a column stands, the definition what it is. A column that a file of an
// older version lacks is null there.
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ColumnSpec, ColumnType } from '../../engine/contracts/tables.ts';
import { TABLE_FORMATS, type TableFormat } from '../table-formats.ts';
import type { FileTable, QueryTable } from './catalogue.ts';
import type { QueryRun } from './runs.ts';

/** Virtual times are exact to the µs in SQL, too. */
export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: 'VARCHAR',
  int: 'BIGINT',
  number: 'DOUBLE',
  time: 'DECIMAL(18,6)',
};

export interface View {
  readonly sql: string;
  /** Whole paths of the files that it reads. */
  readonly files: readonly string[];
}

interface TableFile {
  readonly path: string;
  readonly format: TableFormat;
  /** Header of a CSV, in order; '' of Parquet, which names its columns itself. */
  readonly header: string;
  readonly run: QueryRun;
}

export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const sqlList = (values: readonly (string | number)[]): string =>
  `[${values.map((value) => (typeof value === 'number' ? String(value) : sqlText(value))).join(', ')}]`;

/** Statement that makes an empty table of these columns. */
export function tableSql({ name, columns }: QueryTable): string {
  const list = columns.map((column) => `${sqlName(column.name)} ${SQL_TYPES[column.type]}`);
  return `create table ${sqlName(name)} (${list.join(', ')})`;
}

export function viewOf(table: FileTable, runs: readonly QueryRun[]): View {
  const files = runs.flatMap((run) => fileOf(table.name, run) ?? []);
  const groups: TableFile[][] = [];
  // Neighbours of one form are read together; the order of the runs stays.
  for (const file of files) {
    const last = groups.at(-1)?.[0];
    if (last !== undefined && last.format === file.format && last.header === file.header)
      groups.at(-1)!.push(file);
    else groups.push([file]);
  }
  const selects = groups.length === 0 ? [emptySql(table)] : groups.map((group) => groupSql(table, group));
  return {
    sql: `create view ${sqlName(table.name)} as ${selects.join(' union all ')}`,
    files: files.map(({ path }) => path),
  };
}

function fileOf(name: string, run: QueryRun): TableFile | null {
  for (const format of TABLE_FORMATS) {
    const path = resolve(join(run.directory, `${name}.${format}`));
    if (existsSync(path)) return { path, format, run, header: format === 'csv' ? firstLine(path) : '' };
  }
  return null;
}

/** Our headers are plain names, never quoted. */
function firstLine(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(64 * 1024);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    return new TextDecoder().decode(bytes.subarray(0, length)).split(/\r?\n/, 1)[0]!;
  } finally {
    closeSync(file);
  }
}

function emptySql({ columns }: FileTable): string {
  const list = columns.map(({ name, type }) => `null::${SQL_TYPES[type]} as ${sqlName(name)}`);
  return `select ${list.join(', ')} where false`;
}

function groupSql(table: FileTable, group: readonly TableFile[]): string {
  const { format, header } = group[0]!;
  const paths = sqlList(group.map(({ path }) => path));
  const added = new Set(table.added.map(({ name }) => name));
  const own = table.columns.filter(({ name }) => !added.has(name));
  const there = format === 'csv' ? new Set(header.split(',')) : null;
  const selected = [
    ...table.added.map(({ name, type, of }) => {
      const values = sqlList(group.map(({ run }) => of(run)));
      return `${values}[(file_index + 1)::BIGINT]::${SQL_TYPES[type]} as ${sqlName(name)}`;
    }),
    ...own.map(({ name, type }) => {
      if (there !== null) return there.has(name) ? sqlName(name) : nullSql(name, type);
      return `${sqlName(name)}::${SQL_TYPES[type]} as ${sqlName(name)}`;
    }),
  ];
  const source =
    format === 'csv' ? csvSql(paths, header, own) : `read_parquet(${paths}, union_by_name = true)`;
  return `select ${selected.join(', ')} from ${source}`;
}

const nullSql = (name: string, type: ColumnType): string => `null::${SQL_TYPES[type]} as ${sqlName(name)}`;

function csvSql(paths: string, header: string, columns: readonly ColumnSpec[]): string {
  const types = header.split(',').map((name) => {
    const type = columns.find((column) => column.name === name)?.type ?? 'text';
    return `${sqlText(name)}: ${sqlText(SQL_TYPES[type])}`;
  });
  return (
    `read_csv(${paths}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', ` +
    `nullstr = '', columns = {${types.join(', ')}})`
  );
}
