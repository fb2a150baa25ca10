// Runs on worker threads of this machine, by piscina: one run a thread at a time. What a thread does depends on its
// task alone, so their number and order leave no trace in results.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { failureOf, type RunOutcome, type RunTask } from './run-task.ts';

/** Where runs are made: threads of this process, or other machines. */
export interface Executor {
  /** Never rejects for what is wrong with one run. */
  run(task: RunTask): Promise<RunOutcome>;
  /** Ends what is under way at once; its runs leave nothing finished. */
  close(): Promise<void>;
}

export function defaultWorkers(): number {
  return availableParallelism();
}

/** Threads that load this very file when the program is bundled, and run-task.ts by tsx in a checkout. */
export async function workerPool(workers: number): Promise<Executor> {
  const { Piscina } = await import('piscina');
  // Collecting garbage by several threads at once is for programs that leave cores idle. Here all cores simulate, and
  // helpers that wait for a core hold up the thread whose garbage they collect.
  if (workers >= availableParallelism()) setFlagsFromString('--no-parallel-scavenge');
  const isSource = import.meta.url.endsWith('.ts');
  const pool = new Piscina({
    filename: isSource ? new URL('./run-task.ts', import.meta.url).href : import.meta.url,
    name: 'runTask',
    ...(isSource ? { execArgv: ['--import', loaderOfSources()] } : {}),
    minThreads: 1,
    maxThreads: workers,
    concurrentTasksPerWorker: 1,
    // A thread holds compiled code that the next run uses; it costs nothing while it waits.
    idleTimeout: Number.POSITIVE_INFINITY,
    maxQueue: Number.POSITIVE_INFINITY,
  });
  return {
    async run(task) {
      try {
        return (await pool.run(task)) as RunOutcome;
      } catch (error) {
        return failureOf(error);
      }
    },
    close: () => pool.destroy(),
  };
}

function loaderOfSources(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}
