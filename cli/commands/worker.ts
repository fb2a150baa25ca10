// `kubetick worker URL`: makes runs that sweeps hand out over Redis, until it is stopped or nothing is left.
import type { WorkerEvent } from '../../experiments/queue/worker.ts';
import { ExitCode, type Io, UserError, type UserProblem } from '../errors.ts';

export interface WorkerArguments {
  readonly url: string;
  readonly workers?: number;
  readonly exitWhenIdle?: boolean;
  readonly lostAfter?: string;
  readonly quiet?: boolean;
}

const WORKERS_MAX = 1024;
const LOST_AFTER_MS = 30_000;
/** Below this a short pause of the machine would look like the end of a worker, ms. */
const LOST_AFTER_LEAST_MS = 1000;

/** Runs the command; returns its exit code. Bad input is thrown as UserError. */
export async function workerCommand(args: WorkerArguments, io: Io): Promise<number> {
  const lostAfterMs = await readOptions(args);
  const [{ serveQueue }, { defaultWorkers }] = await Promise.all([
    import('../../experiments/queue/worker.ts'),
    import('../../experiments/pool.ts'),
  ]);
  const [stop, giveBack] = [new AbortController(), new AbortController()];
  const onInterrupt = (): void => {
    if (stop.signal.aborted) giveBack.abort();
    else if (args.quiet !== true)
      io.stderr.write('finishing the runs under way; Ctrl-C again gives them back\n');
    stop.abort();
  };
  const onTerminate = (): void => {
    giveBack.abort();
    stop.abort();
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  try {
    const { done, failed, givenBack } = await serveQueue(args.url, {
      threads: args.workers ?? defaultWorkers(),
      lostAfterMs,
      exitWhenIdle: args.exitWhenIdle === true,
      stop: stop.signal,
      giveBack: giveBack.signal,
      tell: (event) => tell(event, args, io),
    });
    if (args.quiet !== true)
      io.stdout.write(
        `${done} runs made${failed > 0 ? `, ${failed} failed` : ''}${givenBack > 0 ? `, ${givenBack} given back` : ''}\n`,
      );
    return stop.signal.aborted ? ExitCode.interrupted : ExitCode.ok;
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
  }
}

/** Checks the options; returns `--lost-after`, ms. */
async function readOptions({ url, workers, lostAfter }: WorkerArguments): Promise<number> {
  const [{ checkRedisUrl }, { parseDuration }] = await Promise.all([
    import('../../experiments/queue/connection.ts'),
    import('../../experiments/duration.ts'),
  ]);
  const problems: UserProblem[] = [];
  const bad = (path: string, message: string): void => {
    problems.push({ code: 'E1003', path, message });
  };
  try {
    checkRedisUrl(url, 'URL');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.push(...error.problems);
  }
  if (workers !== undefined && (workers < 1 || workers > WORKERS_MAX))
    bad('--workers', `found ${workers}, expected a whole number from 1 to ${WORKERS_MAX}`);
  const us = lostAfter === undefined ? LOST_AFTER_MS * 1000 : parseDuration(lostAfter);
  if (us === undefined || us < LOST_AFTER_LEAST_MS * 1000)
    bad(
      '--lost-after',
      `found ${JSON.stringify(lostAfter)}, expected a duration of at least 1s, such as 30s or 2m`,
    );
  if (problems.length > 0) throw new UserError(problems);
  return Math.round((us ?? 0) / 1000);
}

function tell(event: WorkerEvent, { quiet }: WorkerArguments, io: Io): void {
  switch (event.what) {
    case 'ready':
      if (quiet !== true)
        io.stderr.write(`taking runs from ${event.server} as ${event.version}; Ctrl-C ends\n`);
      return;
    case 'other-version':
      for (const { experiment, version, host } of event.sweeps)
        io.stderr.write(
          `the sweep of ${experiment ?? 'an experiment'} on ${host} is of another version and is left alone\n  sweep: ${version}\n  this worker: ${event.version}\n`,
        );
      return;
    case 'trouble':
      io.stderr.write(`${event.message}\n`);
      return;
    case 'run': {
      if (quiet === true) return;
      const { name, outcome, seconds } = event;
      const took = `${seconds.toFixed(1)} s`;
      if (outcome === 'given back') io.stdout.write(`${name}: given back after ${took}\n`);
      else if (outcome.status === 'done') io.stdout.write(`${name}: done in ${took}\n`);
      else io.stdout.write(`${name}: failed after ${took}: ${outcome.message.replaceAll('\n', '\n  ')}\n`);
    }
  }
}
