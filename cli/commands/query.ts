// `kubetick query RUNS... SQL`: a question in SQL to the tables of runs and sweeps.
import type { TextColumn } from '../../reports/query-text.ts';
import { ExitCode, type Io, UserError, type UserProblem } from '../errors.ts';
import { tableDraw } from '../tables.ts';

export interface QueryArguments {
  /** Sources of runs, and the statement last; without it with `tables` or `schema`. */
  readonly words: readonly string[];
  /** `table`, `json`, `csv`, `markdown`. */
  readonly format?: string;
  /** Rows of a table. */
  readonly rows?: number;
  readonly tables?: boolean;
  readonly schema?: boolean;
}

const ROWS_DEFAULT = 100;

/** Runs the command; returns its exit code. Bad input is thrown as UserError. */
export async function query(args: QueryArguments, io: Io): Promise<number> {
  const [{ QUERY_FORMATS, queryText }, { catalogueOf, tablesOf }, { queryRuns }] = await Promise.all([
    import('../../reports/query-text.ts'),
    import('../../experiments/query/catalogue.ts'),
    import('../../experiments/query/runs.ts'),
  ]);
  const problems: UserProblem[] = [];
  const format = QUERY_FORMATS.find((one) => one === (args.format ?? 'table'));
  if (format === undefined)
    problems.push({
      code: 'E1003',
      path: '--format',
      message: `found ${JSON.stringify(args.format)}, expected ${QUERY_FORMATS.join(', ')}`,
    });
  const listing = args.tables === true || args.schema === true;
  const sources = listing ? args.words : args.words.slice(0, -1);
  const sql = listing || sources.length === 0 ? '' : await statement(args.words.at(-1)!, io);
  if (!listing && sources.length === 0)
    problems.push({
      code: 'E1004',
      message: 'SQL is missing',
      hint: 'kubetick query RUNS... "select …", `-` reads it from standard input; --tables and --schema need none',
    });
  else if (!listing && isBlank(sql))
    problems.push({
      code: 'E1004',
      path: 'SQL',
      message: 'is empty',
      hint: 'for example "select * from runs"',
    });
  let found: ReturnType<typeof queryRuns> | null = null;
  try {
    found = sources.length === 0 ? null : queryRuns(sources);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0) throw new UserError(problems);
  const { runs, notes } = found!;
  for (const note of notes) io.stderr.write(`note: ${note}\n`);
  const catalogue = catalogueOf(runs);
  const print = async (columns: readonly TextColumn[], pieces: AsyncIterable<readonly unknown[][]>) => {
    const { rows = listing ? Number.POSITIVE_INFINITY : ROWS_DEFAULT } = args;
    for await (const text of queryText(format!, columns, pieces, rows, await tableDraw()))
      io.stdout.write(text);
    return ExitCode.ok;
  };
  if (listing) {
    const known = tablesOf(catalogue);
    if (args.schema === true) {
      const rows = known.flatMap((table) =>
        table.columns.map(({ name, type, help }) => [table.name, name, type, help]),
      );
      return print(textColumns(['table', 'column', 'type', 'meaning']), once(rows));
    }
    return print(textColumns(['table', 'meaning']), once(known.map(({ name, help }) => [name, help])));
  }
  const { ask } = await import('../../experiments/query/database.ts');
  const { columns, rows } = await ask(sql, catalogue, runs);
  return print(columns as readonly TextColumn[], rows as AsyncIterable<readonly unknown[][]>);
}

/** `-`: standard input. */
async function statement(word: string, io: Io): Promise<string> {
  if (word !== '-') return word;
  const { readFileSync } = await import('node:fs');
  return new TextDecoder().decode(io.readStdin === undefined ? readFileSync(0) : io.readStdin());
}

/** Nothing but spaces, comments and semicolons. */
function isBlank(sql: string): boolean {
  return sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').replaceAll(/[\s;]/g, '') === '';
}

const textColumns = (names: readonly string[]): TextColumn[] =>
  names.map((name) => ({ name, isNumber: false, json: (value) => value }));

async function* once(rows: readonly unknown[][]): AsyncGenerator<readonly unknown[][]> {
  yield rows;
}
