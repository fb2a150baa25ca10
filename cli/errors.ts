// How problems reach the user: bad input in the form of docs/errors.md, our own bugs with what is needed to repeat
// them. The only place that turns an error into an exit code.
import type { UserProblem } from '../experiments/problems.ts';
import { UserError } from '../experiments/problems.ts';

export type { UserProblem };
export { UserError };

/** Exit codes of every command; scripts read them. */
export const ExitCode = {
  ok: 0,
  bug: 1,
  badInput: 2,
  expectationFailed: 3,
  notRepeatable: 4,
  interrupted: 130,
} as const;

/** Where a command writes; tests pass buffers. `isTTY` decides on progress bars and colours. */
export interface Io {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads standard input whole; the default reads file descriptor 0. */
  readonly readStdin?: () => Uint8Array;
}

/** Problems printed at most; the rest is counted. */
const PRINTED_MAX = 200;

/**
 * One problem, two to three lines: `CODE file:line:column path`, then what was found and expected, then the hint.
 */
export function formatProblem(p: UserProblem): string {
  let place = p.file ?? '';
  if (p.line !== undefined) place += `:${p.line}`;
  if (p.line !== undefined && p.column !== undefined) place += `:${p.column}`;
  const head = [p.code, place, p.path ?? ''].filter((part) => part !== '').join(' ');
  const lines = [head, ...p.message.split('\n').map((line) => `  ${line}`)];
  if (p.hint !== undefined && p.hint !== '') lines.push(...p.hint.split('\n').map((line) => `  ${line}`));
  return lines.join('\n');
}

/** All problems as text, at most 200 of them, with a closing count when there is more than one. */
export function formatProblems(problems: readonly UserProblem[]): string {
  const shown = problems.slice(0, PRINTED_MAX).map(formatProblem);
  if (problems.length > PRINTED_MAX) shown.push(`… and ${problems.length - PRINTED_MAX} more`);
  if (problems.length > 1) shown.push(`${problems.length} problems`);
  return `${shown.join('\n')}\n`;
}

/** What InvariantError of the engine carries; read by shape, so that `--help` need not load the engine. */
interface InvariantShape {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Numbers and names; `seed`, `timeUs` (virtual time) and `lastEvents` have lines of their own. */
  readonly details?: Readonly<Record<string, unknown>>;
}

const isInvariant = (error: unknown): error is InvariantShape =>
  typeof error === 'object' && error !== null && (error as { name?: unknown }).name === 'InvariantError';

/** The text for an error that is our fault, with the command that repeats it. */
export function formatBug(error: unknown, argv: readonly string[]): string {
  const repeat = `kubetick ${argv.map((a) => (/^[\w./:=@%+,-]+$/.test(a) ? a : `'${a.replaceAll("'", "'\\''")}'`)).join(' ')}`;
  const lines: string[] = [];
  if (isInvariant(error)) {
    lines.push(`internal error: ${error.message}`);
    const { seed, timeUs, lastEvents, ...others } = error.details ?? {};
    if (seed !== undefined) lines.push(`  seed ${seed}`);
    if (typeof timeUs === 'number') lines.push(`  virtual time ${(timeUs / 1e6).toFixed(6)} s`);
    for (const [name, value] of Object.entries(others))
      lines.push(`  ${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
    if (Array.isArray(lastEvents) && lastEvents.length > 0) {
      lines.push('  last events:', ...lastEvents.map((event) => `    ${event}`));
    }
  } else {
    lines.push(`internal error: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (error instanceof Error && error.stack !== undefined) {
    lines.push(
      ...error.stack
        .split('\n')
        .slice(1, 9)
        .map((line) => `  ${line.trim()}`),
    );
  }
  lines.push('This is a bug in kubetick, not in your input. To repeat it:', `  ${repeat}`);
  return `${lines.join('\n')}\n`;
}

/** Prints the error to standard error (or, for `--json`, problems as JSON lines) and gives the exit code. */
export function reportError(error: unknown, io: Io, argv: readonly string[], json = false): number {
  if (error instanceof UserError) {
    if (json) for (const problem of error.problems) io.stderr.write(`${JSON.stringify(problem)}\n`);
    else io.stderr.write(formatProblems(error.problems));
    return ExitCode.badInput;
  }
  io.stderr.write(formatBug(error, argv));
  return ExitCode.bug;
}
