// `kubetick explain RUN pod/NAME`: where the time of a pod's start went, its scheduling attempts, and one of them in full:
// nodes against plug-ins as the scheduler saw them at that moment, and what would have made the pod fit.
import type { Simulate } from '../../experiments/execute.ts';
import type { Explanation, ToldAttempt } from '../../experiments/explain.ts';
import { ExitCode, type Io, UserError } from '../errors.ts';
import { Interrupted, simulateInterruptibly } from '../interruptible.ts';
import { tableDraw } from '../tables.ts';

export interface ExplainArguments {
  readonly run: string;
  readonly object: string;
  readonly at?: string;
  readonly attempt?: number;
  /** `table` or `json`. */
  readonly output?: string;
  /** Rows of a table. */
  readonly nodes?: number;
  readonly noHints?: boolean;
}

/** Attempts listed: the first and the last ones. */
const ATTEMPTS_SHOWN = 20;

/** Runs the command; returns its exit code. Bad input is thrown as UserError. */
export async function explainPod(
  args: ExplainArguments,
  io: Io,
  simulate: Simulate = simulateInterruptibly,
): Promise<number> {
  const { output = 'table', at, attempt } = args;
  const problems = [];
  if (output !== 'table' && output !== 'json') {
    const message = `found ${JSON.stringify(output)}, expected table or json`;
    problems.push({ code: 'E1003', path: '--output', message });
  }
  if (at !== undefined && attempt !== undefined) {
    problems.push({
      code: 'E1003',
      path: '--at',
      message: 'is given together with --attempt; one is enough',
    });
  }
  if (problems.length > 0) throw new UserError(problems);
  const { explain } = await import('../../experiments/explain.ts');
  let told: Explanation;
  try {
    const hints = args.noHints !== true;
    const { run, object } = args;
    const which = { ...(at === undefined ? {} : { at }), ...(attempt === undefined ? {} : { attempt }) };
    told = await explain({ run, object, hints, ...which }, simulate);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return ExitCode.interrupted;
  }
  if (output === 'json') io.stdout.write(`${JSON.stringify(jsonOf(told))}\n`);
  else io.stdout.write(await text(told, args.nodes));
  for (const difference of told.differences) io.stderr.write(`${difference}\n`);
  if (told.differences.length > 0) {
    io.stderr.write(`what was recorded and what is explained may differ: kubetick verify ${told.run}\n`);
  }
  return told.differences.length > 0 ? ExitCode.notRepeatable : ExitCode.ok;
}

/** Seconds of virtual time. */
const seconds = (us: number): number => us / 1e6;

function jsonOf({ path, attempts, ...told }: Explanation): unknown {
  return {
    ...told,
    path: path.map(({ name, from, to }) => ({
      phase: name,
      from: seconds(from),
      to: seconds(to),
      seconds: seconds(to - from),
    })),
    attempts: attempts.map(({ fromUs, toUs, ...rest }) => ({
      from: seconds(fromUs),
      to: seconds(toUs),
      ...rest,
    })),
  };
}

async function text(told: Explanation, nodes: number | undefined): Promise<string> {
  const [draw, { pathText, secondsText }, { PHASES }, { placementText, ROWS_DEFAULT }] = await Promise.all([
    tableDraw(),
    import('../../reports/critical-path.ts'),
    import('../../engine/metrics/phases.ts'),
    import('../placement-text.ts'),
  ]);
  const { namespace, pod, phase, node, path, attempts, placement } = told;
  const where = node === '' ? '' : ` on ${node}`;
  const lines = [`pod ${namespace}/${pod}: ${phase}${where}`];
  if (path.length > 0) {
    const meaning = new Map<string, string>(PHASES.map(({ name, help }) => [name, help]));
    const rows = path.map(({ name, from, to }) => [
      secondsText(from),
      secondsText(to),
      secondsText(to - from),
      name,
      meaning.get(name)!,
    ]);
    lines.push('', pathText(path), draw(['from s', 'to s', 'seconds', 'phase', 'what it is'], rows, false));
  }
  if (attempts.length > 0) {
    lines.push('', `${attempts.length} scheduling ${attempts.length === 1 ? 'attempt' : 'attempts'}`);
    lines.push(...attemptLines(attempts, told.explained, secondsText));
  } else lines.push('', 'the scheduler never attempted it');
  if (placement === null) return `${lines.join('\n')}\n`;
  const rows = Math.max(1, nodes ?? ROWS_DEFAULT);
  const shown = attempts[told.explained - 1];
  lines.push('', heading(shown, secondsText), placementText(placement, { draw, rows }).trimEnd());
  if (shown !== undefined) lines.push(...sampling(shown, placement.best ?? []));
  return `${lines.join('\n')}\n`;
}

function heading(attempt: ToldAttempt | undefined, secondsText: (us: number) => string): string {
  return attempt === undefined
    ? 'as the scheduler saw it when the run ended:'
    : `attempt ${attempt.number} at ${secondsText(attempt.fromUs)} s, as the scheduler saw the cluster then:`;
}

function attemptLines(
  attempts: readonly ToldAttempt[],
  explained: number,
  secondsText: (us: number) => string,
): string[] {
  const half = ATTEMPTS_SHOWN / 2;
  const hidden = attempts.length - ATTEMPTS_SHOWN;
  return attempts.flatMap((attempt, i) => {
    if (hidden > 0 && i >= half && i < attempts.length - half) {
      return i === half ? [`    … ${hidden} more`] : [];
    }
    const { number, fromUs, result, node, message } = attempt;
    const mark = number === explained ? '>' : ' ';
    const what = message === '' ? `${result}${node === '' ? '' : ` on ${node}`}` : `${result}: ${message}`;
    return [`  ${mark} ${number}  ${secondsText(fromUs)} s  ${what}`];
  });
}

/** A large cluster is not looked at whole: what was chosen may not be the best of all. */
function sampling(
  { examined, feasible, nodes, node, result }: ToldAttempt,
  best: readonly string[],
): string[] {
  if (result !== 'scheduled' || examined === nodes) return [];
  const choice = best.includes(node) ? `${node} is` : `${node} was the best of these, though not`;
  return [
    `  in the run it looked at ${examined} of ${nodes} nodes, found ${feasible} feasible and chose ${node}; ${choice} among the best of all`,
  ];
}
