// Reads result tables that were written as Parquet: chosen columns, one row group at a time, without promises, so that
// whoever reads CSV row after row reads them the same way. The decoding is that of hyparquet.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type FileMetaData, parquetMetadata } from 'hyparquet';
import { readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getSchemaPath } from 'hyparquet/src/schema.js';
import { type ColumnType, TABLES } from '../engine/contracts/tables.ts';
import { cellText } from '../reports/csv-cells.ts';

/** Values of a column of a row group: text, numbers, whole numbers as bigint; null or undefined: an empty cell. */
type Values = ArrayLike<unknown>;

export interface ParquetGroup {
  readonly rows: number;
  /** By place among the columns asked for; null: the file has no such column. */
  readonly columns: readonly (Values | null)[];
}

/** Length of the metadata and the magic number at the end of a file. */
const TAIL_BYTES = 8;

export class ParquetTable {
  readonly names: readonly string[];
  private readonly descriptor: number;
  private readonly metadata: FileMetaData;

  /** What is no Parquet file is an Error. */
  constructor(path: string) {
    this.descriptor = openSync(path, 'r');
    try {
      const { size } = fstatSync(this.descriptor);
      if (size < TAIL_BYTES) throw new Error('is no Parquet file: it is too short');
      const tail = new DataView(this.bytes(size - TAIL_BYTES, size).buffer);
      const length = tail.getUint32(0, true) + TAIL_BYTES;
      if (length > size) throw new Error('is no Parquet file: its end is missing');
      this.metadata = parquetMetadata(this.bytes(size - length, size).buffer);
      this.names = this.metadata.schema.slice(1).map(({ name }) => name);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  *groups(wanted: readonly string[], progress?: (bytes: number) => void): Generator<ParquetGroup> {
    const places = wanted.map((name) => this.names.indexOf(name));
    for (const group of this.metadata.row_groups) {
      const rows = Number(group.num_rows);
      const columns = places.map((at) => (at < 0 ? null : this.values(group.columns[at]!.meta_data!, rows)));
      progress?.(Number(group.total_compressed_size ?? group.total_byte_size));
      yield { rows, columns };
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private values(
    chunk: NonNullable<FileMetaData['row_groups'][0]['columns'][0]['meta_data']>,
    rows: number,
  ): Values {
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
    const { buffer } = this.bytes(start, start + Number(chunk.total_compressed_size));
    const schemaPath = getSchemaPath(this.metadata.schema, chunk.path_in_schema);
    const { data } = readColumn(
      { view: new DataView(buffer), offset: 0 },
      { groupStart: 0, selectStart: 0, selectEnd: rows, groupRows: rows },
      {
        pathInSchema: chunk.path_in_schema,
        type: chunk.type,
        element: schemaPath.at(-1)!.element,
        schemaPath,
        codec: chunk.codec,
        parsers: DEFAULT_PARSERS,
      },
    );
    return data.length === 1 ? data[0]! : data.flatMap((page) => Array.from(page as ArrayLike<unknown>));
  }

  private bytes(from: number, to: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(to - from);
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(this.descriptor, bytes, at, bytes.length - at, from + at);
      if (read === 0) throw new Error('is no Parquet file: its end is missing');
      at += read;
    }
    return bytes;
  }
}

/** The header, then the rows, as the texts that the CSV would have. */
export function* parquetTexts(path: string, table: string): Generator<string[]> {
  const file = new ParquetTable(path);
  try {
    const header = [...file.names];
    yield header;
    const columns = TABLES.find(({ name }) => name === table)?.columns ?? [];
    const types = header.map((name) => columns.find((column) => column.name === name)?.type ?? 'text');
    for (const group of file.groups(header))
      for (let row = 0; row < group.rows; row++)
        yield types.map((type, i) => parquetText(group.columns[i]?.[row], type));
  } finally {
    file.close();
  }
}

export function parquetText(value: unknown, type: ColumnType): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' && type === 'time') return cellText(Math.round(value * 1e6), type);
  return String(value);
}
