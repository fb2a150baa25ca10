// How the tables of a result are written: as CSV, or as Parquet for tools that read columns. What is needed for Parquet is
// loaded only where it is asked for.
import type { Cell, TableName, TableSpec } from '../engine/contracts/tables.ts';
import { tableCsv } from '../reports/csv.ts';
import { CsvRows } from '../reports/csv-rows.ts';

export const TABLE_FORMATS = ['csv', 'parquet'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** Takes the rows of one table; `flush` hands on what is left, once, at the end. */
export interface RowWriter {
  row(cells: readonly Cell[]): void;
  flush(): void;
}

export interface TableEncoding {
  /** Also the ending of the files' names. */
  readonly format: TableFormat;
  /** `write` takes the bytes at once; the array is reused after it returns. */
  rows(spec: TableSpec, write: (bytes: Uint8Array) => void): RowWriter;
}

/** Tables with a row per pod, node or Event. */
const LARGE_TABLES: ReadonlySet<TableName> = new Set(['pods', 'nodes', 'events']);

export const CSV: TableEncoding = {
  format: 'csv',
  rows: (spec, write) => (LARGE_TABLES.has(spec.name) ? new CsvRows(spec, write) : smallCsv(spec, write)),
};

export async function tableEncoding(format: TableFormat): Promise<TableEncoding> {
  if (format === 'csv') return CSV;
  const { ParquetRows } = await import('../reports/parquet-rows.ts');
  return { format, rows: (spec, write) => new ParquetRows(spec, write) };
}

function smallCsv(spec: TableSpec, write: (bytes: Uint8Array) => void): RowWriter {
  const rows: Cell[][] = [];
  return {
    row: (cells) => rows.push([...cells]),
    flush: () => write(new TextEncoder().encode(tableCsv(spec, rows))),
  };
}
