// Reading large tables: the same rows as csv-parse reads, for any cells and any size of file; what is wrong with a file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../../experiments/problems.ts';
import { microseconds } from '../../../experiments/run-tables.ts';
import { scanTable } from '../../../experiments/table-scan.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-scan-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string): void => writeFileSync(join(folder, 't.csv'), text);

function texts(columns: readonly string[]): string[][] {
  const rows: string[][] = [];
  scanTable(folder, 't', columns, (row) => rows.push(columns.map((_, i) => row.text(i))));
  return rows;
}

describe('as csv-parse and csv-stringify', () => {
  const cell = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é', '😀', '') }),
    fc.string({ unit: 'grapheme' }),
  );

  test('any cells', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 }),
        // A lone return outside of quotes is the one thing that no writer of tables leaves.
        (rows) => {
          write(stringify([['a', 'b', 'c'], ...rows], { quoted_match: /\r/ }));
          expect(texts(['c', 'a', 'none'])).toEqual(rows.map(([a, , c]) => [c, a, '']));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('records across the borders of what is read at once', () => {
    // The buffer holds 1 MiB: rows of 70 kB, with quotes and line breaks, cross its end at many places.
    const rows = Array.from({ length: 40 }, (_, i) => [String(i), `${'x"\n'.repeat(23_000)}${i}`]);
    write(stringify([['n', 'text'], ...rows]));
    expect(texts(['n', 'text'])).toEqual(rows);
  });

  test('a record longer than the buffer', () => {
    const long = 'y'.repeat(3_000_000);
    write(stringify([['a'], [long], ['z']]));
    expect(texts(['a'])).toEqual([[long], ['z']]);
  });

  test('line ends of Windows, and no line end at the end', () => {
    write('a,b\r\n1,2\r\n"3",4');
    expect(texts(['a', 'b'])).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
  });

  test('times are the µs that the reader by rows gives, exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), fc.constantFrom(0, 1, 3, 6), (us, digits) => {
        const text = `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
        const cut = digits === 0 ? text.split('.')[0]! : text.slice(0, text.indexOf('.') + 1 + digits);
        write(`t\n${cut}\n`);
        scanTable(folder, 't', ['t'], (row) => expect(row.micros(0)).toBe(microseconds(cut)));
      }),
      { numRuns: 100 },
    );
    write('t,u\n,x\n');
    scanTable(folder, 't', ['t', 'none'], (row) => {
      expect(row.micros(0)).toBeNaN();
      expect(row.number(0)).toBeNaN();
      expect(row.micros(1)).toBeNaN();
    });
  });

  test('tells the bytes read', () => {
    write(`a\n${'1\n'.repeat(1_000_000)}`);
    let [bytes, rows] = [0, 0];
    rows = scanTable(folder, 't', ['a'], () => {}, { progress: (more) => (bytes += more) });
    expect([bytes, rows]).toEqual([2_000_002, 1_000_000]);
  });
});

describe('what is wrong with a file', () => {
  const problem = (columns: string[], read: 'text' | 'micros' | 'number' = 'text'): object => {
    try {
      scanTable(folder, 't', columns, (row) => void row[read](0), { required: ['a'] });
    } catch (error) {
      if (error instanceof UserError) return error.problems[0]!;
      throw error;
    }
    return {};
  };
  test.each([
    ['no columns', '', 1, 'is empty, expected a line of column names'],
    ['another table', 'x,y\n1,2\n', 1, 'found the columns x, y, expected also a'],
    ['a row that was cut off', 'a,b\n1,2\n3', 3, 'found 1 cells, expected 2'],
    ['one cell too many', 'a,b\n1,2,3\n', 2, 'found 3 cells, expected 2'],
    ['an open quote', 'a,b\n1,"2\n', 2, 'a quote is not closed'],
    ['text behind a quote', 'a,b\n"1"x,2\n', 2, 'text follows a closing quote'],
  ])('%s', (_, text, line, message) => {
    write(text);
    expect(problem(['a'])).toMatchObject({ code: 'E4003', file: join(folder, 't.csv'), line, message });
  });

  test('a cell that is no time, and one that is no number', () => {
    write('a\n"soon"\n');
    expect(problem(['a'], 'micros')).toMatchObject({
      line: 2,
      message: 'a: found "soon", expected seconds such as 1.500000',
    });
    expect(problem(['a'], 'number')).toMatchObject({
      line: 2,
      message: 'a: found "soon", expected a number',
    });
  });

  test('no such table, unless it may be missing', () => {
    expect(() => scanTable(folder, 'nothing', [], () => {})).toThrow('the result directory lacks this table');
    expect(scanTable(folder, 'nothing', [], () => {}, { optional: true })).toBe(0);
  });
});
