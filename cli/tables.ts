// Tables on a terminal, drawn by cli-table3; the package is loaded when the first one is wanted.

/** Draws a table; `numbers`: all columns but the first stand to the right. */
export type Draw = (head: string[], rows: string[][], numbers: boolean) => string;

export async function tableDraw(): Promise<Draw> {
  const { default: Table } = await import('cli-table3');
  return (head, rows, numbers) => {
    const drawn = new Table({
      head,
      style: { head: [], border: [], compact: true },
      colAligns: head.map((_, i) => (numbers && i > 0 ? 'right' : 'left')),
    });
    drawn.push(...rows);
    return drawn.toString();
  };
}
