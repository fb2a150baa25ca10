// Reads a result table that was written as Parquet, one row group at a time, as the texts that its CSV would have.
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { type ColumnType, TABLES } from '../engine/contracts/tables.ts';
import { cellText } from '../reports/csv-cells.ts';

/** The header, then the rows. What is no Parquet file is an Error. */
export async function* parquetTexts(path: string, table: string): AsyncGenerator<string[]> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const header = metadata.schema.slice(1).map(({ name }) => name);
  yield header;
  const columns = TABLES.find(({ name }) => name === table)?.columns ?? [];
  const types = header.map((name) => columns.find((column) => column.name === name)?.type ?? 'text');
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd });
    for (const row of rows) yield header.map((name, i) => textOf(row[name], types[i]!));
    rowStart = rowEnd;
  }
}

function textOf(value: unknown, type: ColumnType): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && type === 'time') return cellText(Math.round(value * 1e6), type);
  return String(value);
}
