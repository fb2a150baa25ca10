// Both CSV writers: how cells look, and that the fast one writes the bytes of csv-stringify, whatever the cells.

import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell, ColumnType, TableSpec } from '../../../engine/contracts/tables.ts';
import { PODS_TABLE } from '../../../engine/contracts/tables.ts';
import { tableCsv } from '../../../reports/csv.ts';
import { cellText, formatSeconds } from '../../../reports/csv-cells.ts';
import { CsvRows } from '../../../reports/csv-rows.ts';

function specOf(types: readonly ColumnType[]): TableSpec {
  return { name: 'pods', help: '', columns: types.map((type, i) => ({ name: `c${i}`, type, help: '' })) };
}

function fast(spec: TableSpec, rows: readonly (readonly Cell[])[]): { text: string; chunks: number[] } {
  const chunks: Uint8Array[] = [];
  const writer = new CsvRows(spec, (bytes) => chunks.push(bytes.slice()));
  for (const row of rows) writer.row(row);
  writer.flush();
  return { text: Buffer.concat(chunks).toString('utf8'), chunks: chunks.map((chunk) => chunk.length) };
}

describe('formatSeconds', () => {
  it.each([
    [0, '0.000000'],
    [1, '0.000001'],
    [999_999, '0.999999'],
    [1_000_000, '1.000000'],
    [1_500_000, '1.500000'],
    // 0.1 + 0.2 and its kin: no division ever rounds
    [300_000, '0.300000'],
    [86_400_000_001, '86400.000001'],
    [Number.MAX_SAFE_INTEGER, '9007199254.740991'],
    [-250, '-0.000250'],
    [-1_000_001, '-1.000001'],
  ])('%d µs is %s', (us, text) => {
    expect(formatSeconds(us)).toBe(text);
  });
});

describe('cellText', () => {
  it.each([
    [null, 'text', ''],
    [null, 'time', ''],
    [Number.NaN, 'time', ''],
    [Number.NaN, 'number', ''],
    ['', 'text', ''],
    [0, 'int', '0'],
    [-0, 'int', '0'],
    [0.1, 'number', '0.1'],
    [1e21, 'number', '1e+21'],
    [134217728, 'int', '134217728'],
    [1, 'time', '0.000001'],
  ] as const)('%s as %s is "%s"', (cell, type, text) => {
    expect(cellText(cell, type)).toBe(text);
  });
});

describe('CsvRows', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({
      unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a', 'é', '漢', '🎈', "'", ';', '\t', '='),
      maxLength: 8,
    }),
    fc.constantFrom(
      '',
      ' leading',
      'trailing ',
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      'a"b',
      '\ud800',
      'x'.repeat(300),
      '0',
      'null',
    ),
  );
  const numbers = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.constantFrom(0, -0, 1, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 1e21, 1e-7, Number.NaN),
  );
  const times = fc.oneof(
    fc.maxSafeNat(),
    fc.maxSafeInteger(),
    fc.constantFrom(0, 1, 999_999, 1e6, (2 ** 31 - 1) * 1e6 - 1, (2 ** 31 - 1) * 1e6, Number.NaN),
  );
  const cellOf = (type: ColumnType): fc.Arbitrary<Cell> =>
    fc.oneof(fc.constant(null), type === 'text' ? nasty : type === 'time' ? times : numbers);
  const tables = fc
    .array(fc.constantFrom<ColumnType>('text', 'int', 'number', 'time'), { minLength: 2, maxLength: 6 })
    .chain((types) =>
      fc.tuple(
        fc.constant(types),
        fc.array(fc.tuple(...types.map(cellOf)) as unknown as fc.Arbitrary<Cell[]>, { maxLength: 20 }),
      ),
    );

  it('writes the bytes of csv-stringify', () => {
    fc.assert(
      fc.property(tables, ([types, rows]) => {
        const spec = specOf(types);
        // As bytes: a lone surrogate becomes the replacement character in both.
        const slow = Buffer.from(tableCsv(spec, rows), 'utf8').toString('utf8');
        expect(fast(spec, rows).text).toBe(slow);
      }),
      { numRuns: 500 },
    );
  });

  it('is read back by csv-parse as what was written', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(nasty, nasty), { minLength: 1, maxLength: 10 }), (rows) => {
        const wellFormed = rows.map((row) => row.map((cell) => Buffer.from(cell, 'utf8').toString('utf8')));
        const { text } = fast(specOf(['text', 'text']), wellFormed);
        const back = parse(text, { record_delimiter: '\n', skip_empty_lines: false }) as string[][];
        expect(back).toEqual([['c0', 'c1'], ...wellFormed]);
      }),
    );
  });

  it('hands on chunks of at most 128 KiB, across which rows run', () => {
    const rows = Array.from({ length: 20_000 }, (_, i): Cell[] => [
      `pod-${i}`,
      i,
      i * 1_000_003,
      'ü,"'.repeat(i % 7),
    ]);
    const spec = specOf(['text', 'int', 'time', 'text']);
    const { text, chunks } = fast(spec, rows);
    expect(text).toBe(tableCsv(spec, rows));
    expect(chunks.length).toBeGreaterThan(4);
    expect(Math.max(...chunks)).toBeLessThanOrEqual(128 * 1024);
  });

  it('writes a cell larger than a chunk', () => {
    const long = 'ä'.repeat(200_000);
    const spec = specOf(['text', 'text']);
    expect(
      fast(spec, [
        ['a', long],
        ['b', `${long},`],
      ]).text,
    ).toBe(
      tableCsv(spec, [
        ['a', long],
        ['b', `${long},`],
      ]),
    );
  });

  it('writes the header of the contract', () => {
    expect(fast(PODS_TABLE, []).text).toBe(
      'experiment,variant,replication,namespace,pod,owner_kind,owner,node,phase,priority,cpu_milli,memory_bytes,created_s,first_attempt_s,scheduled_s,bound_s,sandbox_s,pulled_s,started_s,ready_s,finished_s,deleting_s,deleted_s,attempts,restarts,reason,queued_s,seen_s,watched_s,labels,volumes_s,stateful,running_s\n',
    );
  });
});
