// Tables as Parquet: whatever the cells, they read back as the texts that the CSV has; equal rows give equal bytes; rows
// leave the memory by groups.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cell,
  EVENTS_TABLE,
  PODS_TABLE,
  TABLES,
  type TableSpec,
} from '../../../engine/contracts/tables.ts';
import { parquetTexts } from '../../../experiments/parquet-tables.ts';
import { UserError } from '../../../experiments/problems.ts';
import { scanTable } from '../../../experiments/table-scan.ts';
import { tableCsv } from '../../../reports/csv.ts';
import { ParquetRows } from '../../../reports/parquet-rows.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-parquet-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bytesOf(spec: TableSpec, rows: readonly (readonly Cell[])[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new ParquetRows(spec, (bytes) => chunks.push(bytes.slice()));
  for (const row of rows) writer.row(row);
  writer.flush();
  return Buffer.concat(chunks);
}

function textsOf(spec: TableSpec, bytes: Uint8Array): string[][] {
  const path = join(folder, `${spec.name}.parquet`);
  writeFileSync(path, bytes);
  const texts: string[][] = [];
  for (const row of parquetTexts(path, spec.name)) texts.push(row);
  return texts;
}

/** Times up to 30 years: beyond, seconds as a double no longer tell µs apart. */
const CELLS = {
  text: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'node-1', 'a,b "c"\nd')),
  int: fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }).map((n) => n + 0),
  number: fc.double({ noNaN: true }).filter((n) => !Object.is(n, -0)),
  time: fc.integer({ min: 0, max: 30 * 366 * 86_400 * 1_000_000 }),
} as const;

describe('scanTable', () => {
  const columns = ['node', 'created_s', 'cpu_milli', 'not there', 'labels', 'ready_s'];
  const row = fc.tuple(
    ...PODS_TABLE.columns.map(({ type }) => fc.option(CELLS[type] as fc.Arbitrary<Cell>, { nil: null })),
  );
  /** Every way to read every cell. */
  const scanned = (directory: string): unknown[][] => {
    const rows: unknown[][] = [];
    scanTable(directory, 'pods', columns, (cells) => {
      rows.push([
        cells.text(0),
        cells.text(4),
        cells.micros(1),
        cells.micros(5),
        cells.number(2),
        cells.number(3),
      ]);
    });
    return rows;
  };

  it('reads the same of both forms', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        const [csv, columnar] = [join(folder, 'as-csv'), join(folder, 'as-parquet')];
        for (const path of [csv, columnar]) mkdirSync(path, { recursive: true });
        writeFileSync(join(csv, 'pods.csv'), tableCsv(PODS_TABLE, rows));
        writeFileSync(join(columnar, 'pods.parquet'), bytesOf(PODS_TABLE, rows));
        expect(scanned(columnar)).toEqual(scanned(csv));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['nothing', new Uint8Array(0), 'is no Parquet file: it is too short'],
    ['something else', new TextEncoder().encode('experiment,variant\n1,2\n'), 'is no Parquet file'],
    ['a file that was cut', bytesOf(PODS_TABLE, []).slice(0, -20), 'is no Parquet file'],
  ])('refuses %s', (_, bytes, message) => {
    const path = join(folder, 'broken');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'pods.parquet'), bytes);
    expect(() => scanned(path)).toThrow(UserError);
    expect(() => scanned(path)).toThrow(message);
  });

  it('refuses a table without a column that must be there', () => {
    const path = join(folder, 'other');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'pods.parquet'), bytesOf(EVENTS_TABLE, []));
    expect(() => scanTable(path, 'pods', ['pod'], () => {}, { required: ['pod'] })).toThrow(
      'found the columns t_s, type, reason, kind, namespace, name, …, expected also pod',
    );
  });
});

describe('ParquetRows', () => {
  it.each(TABLES.map((spec) => [spec.name, spec] as const))('%s: reads back as its CSV', (_, spec) => {
    const row = fc.tuple(
      ...spec.columns.map(({ type }) => fc.option(CELLS[type] as fc.Arbitrary<Cell>, { nil: null })),
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        const csv = parse(tableCsv(spec, rows)) as string[][];
        expect(textsOf(spec, bytesOf(spec, rows))).toEqual(csv);
      }),
      { numRuns: 15 },
    );
  });

  it('has the types of the columns, whatever stands in them', () => {
    const { buffer, byteOffset, byteLength } = bytesOf(PODS_TABLE, []);
    const metadata = parquetMetadata(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
    const types = new Map(metadata.schema.map(({ name, type }) => [name, type]));
    // Seconds are DOUBLE: what every reader of Parquet takes for a number.
    expect(['pod', 'cpu_milli', 'memory_bytes', 'created_s'].map((name) => types.get(name))).toEqual([
      'BYTE_ARRAY',
      'INT64',
      'INT64',
      'DOUBLE',
    ]);
    expect(metadata.created_by).toBe('kubetick');
  });

  it('hands rows on by groups, and the same bytes for the same rows', () => {
    const spec: TableSpec = {
      name: 'events',
      help: '',
      columns: TABLES.find(({ name }) => name === 'events')!.columns,
    };
    const write = (): { before: number; bytes: Uint8Array } => {
      const chunks: Uint8Array[] = [];
      const writer = new ParquetRows(spec, (bytes) => chunks.push(bytes.slice()));
      // 120,000 rows are two groups of 50,000 and a rest of 20,000.
      for (let i = 0; i < 120_000; i++)
        writer.row([i * 1000, 'Normal', `reason-${i % 7}`, 'Pod', 'default', `pod-${i}`, 1, `message ${i}`]);
      const before = chunks.length;
      writer.flush();
      return { before, bytes: Buffer.concat(chunks) };
    };
    const [first, second] = [write(), write()];
    expect(first.before).toBeGreaterThan(0);
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
    const { buffer, byteOffset, byteLength } = first.bytes;
    const metadata = parquetMetadata(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([50_000, 50_000, 20_000]);
  });
});
