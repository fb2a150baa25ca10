// The program `kubetick`: hands the command line to program.ts and its exit code to the process. The same file is what
// the worker threads of a sweep load: they take `runTask` and no command line.
import { isMainThread } from 'node:worker_threads';
import type { RunOutcome, RunTask } from '../experiments/run-task.ts';
import { main } from './program.ts';

/** What a worker thread is given to do. */
export async function runTask(task: RunTask): Promise<RunOutcome> {
  const { runTask: run } = await import('../experiments/run-task.ts');
  return run(task);
}

async function begin(): Promise<void> {
  // A reader that has seen enough (`kubetick … | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    throw error;
  });
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
}

if (isMainThread) await begin();
