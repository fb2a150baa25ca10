// One table session out of several: each row goes to every sink that wants the table.
import type { TableSession } from '../contracts/result.ts';

/** null where nobody wants the table; the session itself where one does. */
export function joined(wanted: readonly TableSession[]): TableSession | null {
  if (wanted.length <= 1) return wanted[0] ?? null;
  return {
    row(cells) {
      for (const table of wanted) table.row(cells);
    },
  };
}
