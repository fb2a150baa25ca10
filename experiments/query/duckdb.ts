// DuckDB as far as queries use it. The package is optional and its binary is not there for every system: nothing but this
// file names it, it is looked for when a query is asked, and types are those written here, so that the program builds and
// is checked without it.
import { UserError } from '../problems.ts';

const PACKAGE = '@duckdb/node-api';

export interface DuckDbType {
  readonly typeId: number;
  /** Of a list or array. */
  readonly valueType?: DuckDbType;
  /** Of a struct. */
  readonly entryNames?: readonly string[];
  readonly entryTypes?: readonly DuckDbType[];
}

export interface DuckDbResult {
  deduplicatedColumnNames(): string[];
  columnTypes(): DuckDbType[];
  /** Whole numbers of 64 bits and more and decimals as texts. */
  yieldRowsJson(): AsyncIterable<unknown[][]>;
}

interface DuckDbStatement {
  readonly statementType: number;
  run(): Promise<DuckDbResult>;
}

interface DuckDbAppender {
  appendNull(): void;
  appendBigInt(value: bigint): void;
  appendDouble(value: number): void;
  appendVarchar(value: string): void;
  endRow(): void;
  closeSync(): void;
}

export interface DuckDbConnection {
  run(sql: string): Promise<DuckDbResult>;
  extractStatements(sql: string): Promise<{
    readonly count: number;
    prepare(index: number): Promise<DuckDbStatement>;
  }>;
  createAppender(table: string): Promise<DuckDbAppender>;
}

export interface DuckDb {
  readonly DuckDBInstance: {
    create(
      path: string,
      options: Readonly<Record<string, string>>,
    ): Promise<{ connect(): Promise<DuckDbConnection> }>;
  };
  /** Names by number and numbers by name. */
  readonly StatementType: Readonly<Record<number, string>>;
  readonly DuckDBTypeId: Readonly<Record<string, number>>;
}

/** A UserError where the package is not installed or has no binary for this system. */
export async function loadDuckDb(load: () => Promise<unknown> = () => import(PACKAGE)): Promise<DuckDb> {
  try {
    return (await load()) as DuckDb;
  } catch (error) {
    throw new UserError({
      code: 'E4008',
      message: `DuckDB cannot be loaded: ${(error as Error).message.split('\n')[0]}`,
      hint: `npm install ${PACKAGE} (an optional dependency with a binary for this system); --tables and --schema work without it`,
    });
  }
}
