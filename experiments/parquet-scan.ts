// A table in Parquet behind the face of table-scan.ts: chosen columns, row after row.
import { ParquetTable, parquetText } from './parquet-tables.ts';
import { UserError } from './problems.ts';
import type { ScannedRow, ScanOptions } from './table-scan.ts';

/** Calls `row` for each row; returns their number. A broken file is a UserError. */
export function scanParquet(
  path: string,
  columns: readonly string[],
  row: (cells: ScannedRow) => void,
  { required = [], progress }: ScanOptions,
): number {
  const refuse = (message: string): never => {
    throw new UserError({
      code: 'E4003',
      file: path,
      message,
      hint: 'give a directory written by `kubetick run`; `kubetick verify` tells whether its files were changed',
    });
  };
  let file: ParquetTable;
  try {
    file = new ParquetTable(path);
  } catch (error) {
    return refuse(`cannot be read: ${(error as Error).message}`);
  }
  try {
    const missing = required.filter((name) => !file.names.includes(name));
    if (missing.length > 0)
      refuse(
        `found the columns ${file.names.slice(0, 6).join(', ')}${file.names.length > 6 ? ', …' : ''}, expected also ${missing.join(', ')}`,
      );
    let count = 0;
    const groups = file.groups(columns, progress);
    for (;;) {
      // Decoding may fail; what the rows are used for fails on its own account.
      const next = decoded(() => groups.next(), refuse);
      if (next.done === true) return count;
      const cells = new GroupRow(next.value.columns);
      for (cells.at = 0; cells.at < next.value.rows; cells.at++) row(cells);
      count += next.value.rows;
    }
  } finally {
    file.close();
  }
}

function decoded<T>(action: () => T, refuse: (message: string) => never): T {
  try {
    return action();
  } catch (error) {
    return refuse(`cannot be read: ${(error as Error).message}`);
  }
}

class GroupRow implements ScannedRow {
  at = 0;
  private readonly columns: readonly (ArrayLike<unknown> | null)[];

  constructor(columns: readonly (ArrayLike<unknown> | null)[]) {
    this.columns = columns;
  }

  text(column: number): string {
    return parquetText(this.columns[column]?.[this.at], 'text');
  }

  micros(column: number): number {
    const value = this.columns[column]?.[this.at];
    return value === null || value === undefined ? Number.NaN : Math.round(Number(value) * 1e6);
  }

  number(column: number): number {
    const value = this.columns[column]?.[this.at];
    return value === null || value === undefined ? Number.NaN : Number(value);
  }
}
