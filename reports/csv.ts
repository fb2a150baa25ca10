// CSV of small tables, by csv-stringify: the summary, api, timeseries and loss. Tables with a row per pod, node or
// Event go through csv-rows.ts, which writes the same bytes faster (`npm run bench -- rows` prints both rates).
import { stringify } from 'csv-stringify/sync';
import type { Cell, TableSpec } from '../engine/contracts/tables.ts';
import { cellText } from './csv-cells.ts';

/** Header and rows, each ended by a newline. */
export function tableCsv(spec: TableSpec, rows: readonly (readonly Cell[])[]): string {
  const { columns } = spec;
  const texts = rows.map((row) => columns.map((column, i) => cellText(row[i] ?? null, column.type)));
  return plainCsv(
    columns.map((column) => column.name),
    texts,
  );
}

/** As `tableCsv`, of cells that are texts already. */
export function plainCsv(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return stringify([header as string[], ...(rows as string[][])]);
}
