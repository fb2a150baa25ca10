// How a cell of a result table is written: one rule for both CSV writers. Virtual times are whole µs and become
// seconds with 6 decimals by integer arithmetic, never by a division; what did not happen is an empty cell.
import type { Cell, ColumnType } from '../engine/contracts/tables.ts';

/** Seconds with 6 decimals of a whole number of µs (below 2^53 in size): 1500000 → `1.500000`. */
export function formatSeconds(us: number): string {
  const size = Math.abs(us);
  const micros = size % 1_000_000;
  const seconds = (size - micros) / 1_000_000;
  return `${us < 0 ? '-' : ''}${seconds}.${String(micros).padStart(6, '0')}`;
}

/** The text of a cell before quoting. */
export function cellText(cell: Cell, type: ColumnType): string {
  if (cell === null) return '';
  if (typeof cell === 'string') return cell;
  if (Number.isNaN(cell)) return '';
  return type === 'time' ? formatSeconds(cell) : String(cell);
}
