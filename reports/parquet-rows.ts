// Result tables as Parquet, in bounded memory: rows are collected by column and written as row groups, each handed on
// when it is whole. Types are those of the column, not of what happens to stand in it: text STRING, whole numbers INT64,
// numbers and times DOUBLE. A time is seconds, as in the CSV; µs over 10^6 is the double next to the six decimals that
// the CSV prints, so that both read back as the same number. An empty cell is null.
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { Cell, ColumnType, TableSpec } from '../engine/contracts/tables.ts';

/** Rows of a group: 30 columns of so many take some 20 MB until they are written. */
const GROUP_ROWS = 50_000;
const BUFFER_BYTES = 256 * 1024;

const PHYSICAL: Readonly<Record<ColumnType, 'STRING' | 'INT64' | 'DOUBLE'>> = {
  text: 'STRING',
  int: 'INT64',
  number: 'DOUBLE',
  time: 'DOUBLE',
};

type Value = string | number | bigint | null;

export class ParquetRows {
  private readonly types: readonly ColumnType[];
  private readonly names: readonly string[];
  private columns: Value[][];
  private rows = 0;
  private readonly file: ParquetWriter;

  /** @param write takes the bytes at once; the array is reused after it returns */
  constructor(spec: Pick<TableSpec, 'columns'>, write: (bytes: Uint8Array) => void) {
    this.types = spec.columns.map(({ type }) => type);
    this.names = spec.columns.map(({ name }) => name);
    this.columns = this.empty();
    this.file = new ParquetWriter({
      writer: handingOn(write),
      schema: schemaFromColumnData({ columnData: this.sources(), schemaOverrides: {} }),
      createdBy: 'kubetick',
    });
  }

  /** One row; missing cells at the end are null. */
  row(cells: readonly Cell[]): void {
    const { types, columns } = this;
    for (let i = 0; i < types.length; i++) columns[i]!.push(parquetValue(cells[i] ?? null, types[i]!));
    if (++this.rows === GROUP_ROWS) this.group();
  }

  /** Hands on what is left and the footer. Call once at the end. */
  flush(): void {
    if (this.rows > 0) this.group();
    this.file.finish();
  }

  private group(): void {
    this.file.write({ columnData: this.sources(), rowGroupSize: GROUP_ROWS });
    this.columns = this.empty();
    this.rows = 0;
  }

  private empty(): Value[][] {
    return this.types.map(() => []);
  }

  private sources() {
    return this.names.map((name, i) => ({
      name,
      data: this.columns[i]!,
      type: PHYSICAL[this.types[i]!],
      nullable: true,
    }));
  }
}

function parquetValue(cell: Cell, type: ColumnType): Value {
  if (cell === null || cell === '') return null;
  if (type === 'text') return String(cell);
  const number = Number(cell);
  if (Number.isNaN(number)) return null;
  if (type === 'int') return BigInt(number);
  return type === 'time' ? number / 1e6 : number;
}

/** A writer whose buffer is handed on whenever it is full and at the end of a row group. */
function handingOn(write: (bytes: Uint8Array) => void): ByteWriter {
  const grow = ByteWriter.prototype.ensure;
  class Handing extends ByteWriter {
    override ensure(size: number): void {
      if (this.index + size > BUFFER_BYTES) this.flush();
      grow.call(this, size);
    }

    flush(): void {
      if (this.index > 0) write(this.getBytes());
      this.index = 0;
    }

    override finish(): void {
      this.flush();
    }
  }
  return new Handing(BUFFER_BYTES);
}
