// One question to the tables of some runs, answered by DuckDB in this process. Reads nothing but the files of these runs and
// writes nothing: everything else is locked away before the question is looked at, and of statements only queries are run.
// One thread, so that the order of rows and sums of fractions are the same at every repeat.
import { UserError } from '../problems.ts';
import { type Catalogue, type MadeTable, tablesOf } from './catalogue.ts';
import {
  type DuckDb,
  type DuckDbConnection,
  type DuckDbResult,
  type DuckDbType,
  loadDuckDb,
} from './duckdb.ts';
import type { QueryRun } from './runs.ts';
import { sqlText, tableSql, viewOf } from './views.ts';

/** A value as JSON can say it; numbers beyond 2^53 as text. */
export type QueryValue =
  | null
  | boolean
  | number
  | string
  | readonly QueryValue[]
  | { readonly [name: string]: QueryValue };

export interface AnswerColumn {
  readonly name: string;
  readonly isNumber: boolean;
  /** A value of a row with its numbers as numbers. */
  readonly json: (value: QueryValue) => QueryValue;
}

export interface Answer {
  readonly columns: readonly AnswerColumn[];
  /** In pieces of some thousand. Decimals and large whole numbers are texts with all their digits. */
  readonly rows: AsyncIterable<readonly (readonly QueryValue[])[]>;
}

/** SELECT (and what is one: FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW) and CREATE, which lives as long as the command. */
const ALLOWED: readonly string[] = ['SELECT', 'CREATE'];

/** Answers the last statement of `sql`. What is wrong with it is a UserError with DuckDB's own words. */
export async function ask(sql: string, catalogue: Catalogue, runs: readonly QueryRun[]): Promise<Answer> {
  const duckdb = await loadDuckDb();
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await prepareTables(connection, catalogue, runs);
  const result = await told(sql, catalogue, () => lastResult(duckdb, connection, sql));
  const numbers = new Set(NUMBERS.map((name) => duckdb.DuckDBTypeId[name]!));
  const types = result.columnTypes();
  const columns = result.deduplicatedColumnNames().map((name, i): AnswerColumn => {
    const type = types[i]!;
    return {
      name,
      isNumber: numbers.has(type.typeId),
      json: (value) => plainValue(value, type, numbers),
    };
  });
  return { columns, rows: result.yieldRowsJson() as AsyncIterable<QueryValue[][]> };
}

async function prepareTables(
  connection: DuckDbConnection,
  catalogue: Catalogue,
  runs: readonly QueryRun[],
): Promise<void> {
  const views = catalogue.files.map((table) => viewOf(table, runs));
  const files = views.flatMap((view) => view.files);
  refusePatterns(files);
  for (const table of catalogue.made) {
    await connection.run(tableSql(table));
    await fill(connection, table);
  }
  await connection.run(`set allowed_paths = [${files.map(sqlText).join(', ')}]`);
  await connection.run('set enable_external_access = false');
  for (const { sql } of views) {
    try {
      await connection.run(sql);
    } catch (error) {
      throw new UserError({
        code: 'E4003',
        message: `a table of the runs cannot be read: ${(error as Error).message}`,
        hint: 'give directories written by `kubetick run` or `kubetick sweep`',
      });
    }
  }
  await connection.run('set lock_configuration = true');
}

/** DuckDB takes these characters in a path for a pattern of several files. */
function refusePatterns(files: readonly string[]): void {
  const odd = files.find((path) => /[*?[\]]/.test(path));
  if (odd === undefined) return;
  throw new UserError({
    code: 'E4003',
    file: odd,
    message: 'the path has one of * ? [ ], which DuckDB takes for a pattern of names',
    hint: 'rename the directory',
  });
}

async function fill(connection: DuckDbConnection, { name, columns, rows }: MadeTable): Promise<void> {
  const appender = await connection.createAppender(name);
  for (const row of rows) {
    row.forEach((cell, i) => {
      const { type } = columns[i]!;
      if (cell === '') appender.appendNull();
      else if (type === 'int') appender.appendBigInt(BigInt(cell));
      else if (type === 'number') appender.appendDouble(Number(cell));
      else appender.appendVarchar(String(cell));
    });
    appender.endRow();
  }
  appender.closeSync();
}

async function lastResult(duckdb: DuckDb, connection: DuckDbConnection, sql: string): Promise<DuckDbResult> {
  const statements = await connection.extractStatements(sql);
  let result: DuckDbResult | null = null;
  for (let i = 0; i < statements.count; i++) {
    const prepared = await statements.prepare(i);
    const kind = duckdb.StatementType[prepared.statementType] ?? 'OTHER';
    if (!ALLOWED.includes(kind)) throw new Error(`A query reads; ${kind} is not run here`);
    result = await prepared.run();
  }
  return result!;
}

/** Failures of the user's own statement. */
async function told<T>(sql: string, catalogue: Catalogue, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const message = (error as Error).message.trim();
    throw new UserError({
      code: 'E4009',
      path: 'SQL',
      message: message.replace(/^Failed to extract statements: /, ''),
      hint: hintFor(sql, message, catalogue),
    });
  }
}

/** Columns of the tables that are named, where a column was not found; otherwise the tables. */
function hintFor(sql: string, message: string, catalogue: Catalogue): string {
  const tables = tablesOf(catalogue);
  const named = tables.filter(({ name }) => new RegExp(`\\b${name}\\b`, 'i').test(sql));
  if (/column/i.test(message) && named.length > 0) {
    return named
      .map(({ name, columns }) => {
        const shown = columns.slice(0, 40).map((column) => column.name);
        const rest = columns.length - shown.length;
        return `${name}: ${shown.join(', ')}${rest > 0 ? `, … (${columns.length} in all: --schema)` : ''}`;
      })
      .join('\n');
  }
  return `tables: ${tables.map(({ name }) => name).join(', ')}; --schema lists their columns`;
}

const NUMBERS = [
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'HUGEINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'UHUGEINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
] as const;

/** Whole numbers and decimals come as texts; inside of lists and structs, too. */
function plainValue(value: QueryValue, type: DuckDbType, numbers: ReadonlySet<number>): QueryValue {
  if (value === null) return null;
  if (numbers.has(type.typeId)) {
    if (typeof value !== 'string') return value;
    const number = Number(value);
    // Infinity and NaN stay texts, and so does what a number cannot hold.
    return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number))
      ? number
      : value;
  }
  const { valueType, entryNames, entryTypes } = type;
  if (Array.isArray(value) && valueType !== undefined)
    return value.map((one: QueryValue) => plainValue(one, valueType, numbers));
  if (typeof value === 'object' && entryNames !== undefined && entryTypes !== undefined) {
    const fields = value as { readonly [name: string]: QueryValue };
    return Object.fromEntries(
      entryNames.map((name, i) => [name, plainValue(fields[name] ?? null, entryTypes[i]!, numbers)]),
    );
  }
  return value;
}
