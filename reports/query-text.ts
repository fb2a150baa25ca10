// The answer to a query as text: a table for people, JSON, CSV or Markdown. JSON and CSV are written piece by piece,
// whatever the number of rows; the other two show a limited number and count the rest.
import { plainCsv } from './csv.ts';
import { quoted } from './csv-rows.ts';

export const QUERY_FORMATS = ['table', 'json', 'csv', 'markdown'] as const;
export type QueryFormat = (typeof QUERY_FORMATS)[number];

/** What a database says, as JSON: numbers that JSON cannot hold, and decimals, as texts. */
export interface TextColumn {
  readonly name: string;
  readonly isNumber: boolean;
  json(value: unknown): unknown;
}

export type Pieces = AsyncIterable<readonly (readonly unknown[])[]>;
export type Draw = (head: string[], rows: string[][], numbers: boolean) => string;

/** Digits of fractions that people see; JSON and CSV have all of them. */
const SHOWN_DIGITS = 9;

/** Pieces of text; together they end with a newline. */
export async function* queryText(
  format: QueryFormat,
  columns: readonly TextColumn[],
  pieces: Pieces,
  rowsMax: number,
  draw: Draw,
): AsyncGenerator<string> {
  if (format === 'json') yield* jsonText(columns, pieces);
  else if (format === 'csv') yield* csvText(columns, pieces);
  else {
    const { rows, count } = await firstRows(columns, pieces, rowsMax);
    yield format === 'markdown' ? markdownText(columns, rows) : tableText(columns, rows, draw);
    if (count > rows.length)
      yield `${format === 'markdown' ? '\n' : ''}${rows.length} of ${count} rows: --rows N shows more, --format csv or json all\n`;
  }
}

async function* jsonText(columns: readonly TextColumn[], pieces: Pieces): AsyncGenerator<string> {
  let separator = '[\n';
  for await (const rows of pieces) {
    for (const row of rows) {
      const entries = columns.map(({ name, json }, i) => [name, json(row[i] ?? null)]);
      yield `${separator}  ${JSON.stringify(Object.fromEntries(entries))}`;
      separator = ',\n';
    }
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

async function* csvText(columns: readonly TextColumn[], pieces: Pieces): AsyncGenerator<string> {
  yield plainCsv(
    columns.map(({ name }) => name),
    [],
  );
  for await (const rows of pieces) {
    if (rows.length === 0) continue;
    yield rows
      .map((row) => `${columns.map((column, i) => quoted(plainText(row[i], column))).join(',')}\n`)
      .join('');
  }
}

function plainText(value: unknown, { json }: TextColumn): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(json(value)) : String(value);
}

function shownText(value: unknown, column: TextColumn): string {
  if (typeof value === 'number' && !Number.isInteger(value))
    return String(Number(value.toPrecision(SHOWN_DIGITS)));
  return plainText(value, column);
}

async function firstRows(
  columns: readonly TextColumn[],
  pieces: Pieces,
  rowsMax: number,
): Promise<{ rows: string[][]; count: number }> {
  const rows: string[][] = [];
  let count = 0;
  for await (const piece of pieces) {
    count += piece.length;
    for (const row of piece.slice(0, Math.max(0, rowsMax - rows.length)))
      rows.push(columns.map((column, i) => shownText(row[i], column)));
  }
  return { rows, count };
}

function tableText(columns: readonly TextColumn[], rows: string[][], draw: Draw): string {
  if (rows.length === 0) return `${columns.map(({ name }) => name).join(', ')}: no rows\n`;
  const flat = rows.map((row) => row.map((text) => text.replaceAll(/\s*\n\s*/g, ' ')));
  const numbers = columns.slice(1).every(({ isNumber }) => isNumber);
  return `${draw(
    columns.map(({ name }) => name),
    flat,
    numbers,
  )}\n`;
}

function markdownText(columns: readonly TextColumn[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const escaped = (text: string): string =>
    text
      .replaceAll('\\', '\\\\')
      .replaceAll('|', '\\|')
      .replaceAll(/\s*\n\s*/g, ' ');
  return `${[
    line(columns.map(({ name }) => escaped(name))),
    line(columns.map(({ isNumber }) => (isNumber ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(escaped))),
  ].join('\n')}\n`;
}
