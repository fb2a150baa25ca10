// Rows of a job trace: CSV text -> columns of numbers, every cell checked. A month of jobs is some ten thousand rows
// of five numbers; they are kept as typed arrays, and the objects are made one at a time when they arrive.
import { parse } from 'csv-parse/sync';

/** Column names in the file; `memory` may be left out. */
export interface JobColumns {
  readonly id: string;
  readonly submit: string;
  readonly duration: string;
  readonly cpu: string;
  readonly memory?: string | undefined;
}

/** Jobs by time of submission; of equal times the one that stands first in the file. */
export interface JobRows {
  readonly count: number;
  readonly id: readonly string[];
  /** Seconds, as in the file. */
  readonly submit: Float64Array;
  readonly duration: Float64Array;
  /** Units of the file. */
  readonly cpu: Float64Array;
  readonly memory: Float64Array;
}

/** What is wrong with the file; `column` names the entry of JobColumns that it concerns. */
export interface RowProblem {
  readonly column?: keyof JobColumns;
  readonly message: string;
}

/** Listing more says nothing new: one wrong column fails in every row. */
const PROBLEMS_LISTED = 20;

const NUMERIC = ['submit', 'duration', 'cpu', 'memory'] as const;

export function readJobRows(
  text: string,
  columns: JobColumns,
): { rows: JobRows } | { problems: RowProblem[] } {
  const problems: RowProblem[] = [];
  let unlisted = 0;
  const report = (problem: RowProblem): void => {
    if (problems.length < PROBLEMS_LISTED) problems.push(problem);
    else unlisted++;
  };
  const ids: string[] = [];
  const numbers = {
    submit: [] as number[],
    duration: [] as number[],
    cpu: [] as number[],
    memory: [] as number[],
  };
  let header: Positions | null = null;

  const onRecord = (cells: string[], line: number): null => {
    if (header === null) {
      header = locate(cells, columns, report);
      return null;
    }
    if (cells.length !== header.width) {
      report({ message: `line ${line}: ${cells.length} cells, the header has ${header.width}` });
      return null;
    }
    ids.push(header.id < 0 ? '' : cells[header.id]!);
    for (const column of NUMERIC) {
      const position = header[column];
      if (position < 0) {
        numbers[column].push(0);
        continue;
      }
      const cell = cells[position]!.trim();
      const value = cell === '' ? Number.NaN : Number(cell);
      if (!(Number.isFinite(value) && value >= 0)) {
        report({
          column,
          message: `line ${line}: ${columns[column]} is ${JSON.stringify(cell)}, not a number of 0 or more`,
        });
      }
      numbers[column].push(value);
    }
    return null;
  };
  try {
    parse(text, {
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (cells: string[], { lines }: { lines: number }) => onRecord(cells, lines),
    });
  } catch (error) {
    // CsvError: an unclosed quote and the like; its message names the line.
    report({ message: error instanceof Error ? error.message : String(error) });
  }
  if (header === null && problems.length === 0) report({ message: 'the file is empty' });
  if (unlisted > 0) problems.push({ message: `and ${unlisted} problems more` });
  return problems.length > 0 ? { problems } : { rows: inOrder(ids, numbers) };
}

interface Positions {
  readonly width: number;
  readonly id: number;
  readonly submit: number;
  readonly duration: number;
  readonly cpu: number;
  readonly memory: number;
}

/** Where the columns stand; -1 for `memory` and `id` where the file has none. */
function locate(
  cells: readonly string[],
  columns: JobColumns,
  report: (problem: RowProblem) => void,
): Positions {
  const header = cells.map((cell) => cell.trim());
  const at = (column: keyof JobColumns, required: boolean): number => {
    const name = columns[column];
    const position = name === undefined ? -1 : header.indexOf(name);
    if (position < 0 && required) {
      report({
        column,
        message: `the file has no column ${JSON.stringify(name)}; it has ${header.join(', ')}`,
      });
    }
    return position;
  };
  return {
    width: cells.length,
    id: at('id', false),
    submit: at('submit', true),
    duration: at('duration', true),
    cpu: at('cpu', true),
    memory: at('memory', columns.memory !== undefined),
  };
}

function inOrder(
  ids: readonly string[],
  numbers: Record<(typeof NUMERIC)[number], readonly number[]>,
): JobRows {
  const order = ids.map((_, index) => index);
  // Array.prototype.sort is stable: of equal times the file's order stays.
  order.sort((a, b) => numbers.submit[a]! - numbers.submit[b]!);
  const column = (of: readonly number[]): Float64Array => Float64Array.from(order, (index) => of[index]!);
  return {
    count: ids.length,
    id: order.map((index) => ids[index]!),
    submit: column(numbers.submit),
    duration: column(numbers.duration),
    cpu: column(numbers.cpu),
    memory: column(numbers.memory),
  };
}
