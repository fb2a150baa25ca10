// The sweep's side of a queue: hands every run to BullMQ under the run's own id, waits for a worker's answer and puts the
// files that come back where a local run would have written them. Events of the queue tell early, a look at every open
// run from time to time tells surely: an event may be lost, another sweep may have taken a shared result away.
import type { Job, Queue, QueueEvents } from 'bullmq';
import type { Executor } from '../pool.ts';
import { UserError } from '../problems.ts';
import { RunDirectory, runId } from '../run-directory.ts';
import { failureOf, type RunOutcome, type RunTask } from '../run-task.ts';
import { type CodeVersion, codeVersion } from './code-version.ts';
import { type Connection, connect } from './connection.ts';
import { KEEP_RESULTS_S, PREFIX, type QueuedRun, Store, versionsOf } from './store.ts';

const OPTION = '--queue';
/** Between looks at all open runs, ms. */
const LOOK_MS = 5000;
/** Runs in a request to the queue. */
const LOOK_AT_ONCE = 100;

export interface QueueOptions {
  /** The experiment, for those who look at the queue. */
  readonly experiment: string;
  /** Told to the user while the sweep goes on. */
  readonly tell: (text: string) => void;
}

/** Name of the queue of one version of the program. */
export function queueName({ id }: CodeVersion): string {
  return `runs-${id}`;
}

/** Connects to the workers. Throws a UserError where there is no server, or only workers of another version. */
export async function queueExecutor(url: string, options: QueueOptions): Promise<Executor> {
  const connection = await connect(url, OPTION);
  try {
    const code = codeVersion();
    const store = new Store(connection.redis);
    await refuseOtherVersions(store, code);
    const leave = await store.announce('sweep', code, options.experiment);
    const executor = new QueueExecutor(connection, store, code, leave, options);
    await executor.open();
    return executor;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function refuseOtherVersions(store: Store, { id, text }: CodeVersion): Promise<void> {
  const workers = await store.present('worker');
  if (workers.length === 0 || workers.some(({ code }) => code === id)) return;
  throw new UserError({
    code: 'E5003',
    path: OPTION,
    message: `all workers there are of another version, whose results could differ\nthis sweep: ${text}\nworkers: ${versionsOf(workers)}`,
    hint: 'install the same version everywhere, with the same major version of Node, and start the workers again',
  });
}

interface OpenRun {
  readonly id: string;
  readonly task: RunTask;
  readonly queued: QueuedRun;
  readonly end: (outcome: RunOutcome) => void;
  readonly fail: (error: unknown) => void;
  /** Being looked at. */
  busy: boolean;
  /** An event came while it was being looked at. */
  again: boolean;
}

class QueueExecutor implements Executor {
  private readonly connection: Connection;
  private readonly store: Store;
  private readonly leave: () => Promise<void>;
  private readonly options: QueueOptions;
  private readonly queue: Queue<QueuedRun, RunOutcome>;
  private readonly events: QueueEvents;
  private readonly runs = new Map<string, OpenRun>();
  private readonly timer: NodeJS.Timeout;
  private receiving: Promise<unknown> = Promise.resolve();
  private looks = 0;
  private isClosed = false;

  constructor(
    connection: Connection,
    store: Store,
    code: CodeVersion,
    leave: () => Promise<void>,
    options: QueueOptions,
  ) {
    this.connection = connection;
    this.store = store;
    this.leave = leave;
    this.options = options;
    const { Queue, QueueEvents } = connection.bull;
    const common = { connection: connection.redis, prefix: PREFIX };
    this.queue = new Queue(queueName(code), common);
    this.events = new QueueEvents(queueName(code), common);
    // The connection itself tells when the server is gone.
    this.queue.on('error', () => {});
    this.events.on('error', () => {});
    this.events.on('completed', ({ jobId }) => this.lookAt(jobId));
    this.events.on('failed', ({ jobId }) => this.lookAt(jobId));
    this.timer = setInterval(() => this.lookAtAll(), LOOK_MS);
  }

  async open(): Promise<void> {
    await Promise.race([
      Promise.all([this.queue.waitUntilReady(), this.events.waitUntilReady()]),
      this.connection.lost,
    ]);
  }

  async run(task: RunTask): Promise<RunOutcome> {
    const { scenario, path, format = 'csv' } = task;
    const id = `${path === null ? 'pilot' : format}-${runId(scenario)}`;
    // Without the replication: sent once for all of a variant.
    const hash = await this.store.putScenario(JSON.stringify({ ...scenario, replication: 0 }));
    const { experiment, variant, replication } = scenario;
    const queued = { experiment, variant, replication, scenario: hash, pilot: path === null, format };
    const ended = new Promise<RunOutcome>((end, fail) => {
      this.runs.set(id, { id, task, queued, end, fail, busy: false, again: false });
    });
    await this.add(this.runs.get(id)!, true);
    this.lookAt(id);
    return Promise.race([ended, this.connection.lost]);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.timer);
    if (this.connection.redis.status === 'ready') {
      // What nobody has begun is taken back; what is under way may end, and is there for the next time.
      await Promise.all([...this.runs.values()].map(({ id }) => this.takeBack(id)));
      await this.leave();
    }
    await this.events.close().catch(() => {});
    await this.queue.close().catch(() => {});
    await this.connection.close();
  }

  /** Puts the run into the queue, where it is not. `fresh`: what failed before this sweep is made anew. */
  private async add({ id, queued }: OpenRun, fresh: boolean): Promise<void> {
    if (fresh) {
      const before = await this.queue.getJob(id);
      const state = await before?.getState();
      if (state === 'failed' || (state === 'completed' && before?.returnvalue?.status === 'failed'))
        await before?.remove();
    }
    await this.queue.add('run', queued, {
      jobId: id,
      removeOnComplete: { age: KEEP_RESULTS_S },
      removeOnFail: { age: KEEP_RESULTS_S },
    });
  }

  private async takeBack(id: string): Promise<void> {
    const job = await this.queue.getJob(id);
    if (job !== undefined && (await job.isWaiting())) await job.remove().catch(() => {});
  }

  private lookAtAll(): void {
    const ids = [...this.runs.keys()];
    this.looks++;
    void (async () => {
      for (let at = 0; at < ids.length && !this.isClosed; at += LOOK_AT_ONCE)
        await Promise.all(ids.slice(at, at + LOOK_AT_ONCE).map((id) => this.look(id)));
      await this.store.keepScenarios();
      if (this.looks === 1) await this.tellWhoWorks();
    })().catch(() => {});
  }

  private lookAt(id: string): void {
    void this.look(id);
  }

  private async look(id: string): Promise<void> {
    const run = this.runs.get(id);
    if (run === undefined || this.isClosed) return;
    if (run.busy) {
      run.again = true;
      return;
    }
    run.busy = true;
    run.again = false;
    try {
      const outcome = await this.outcomeOf(run);
      if (outcome !== null && !this.isClosed) {
        this.runs.delete(id);
        run.end(outcome);
      }
    } catch (error) {
      if (error instanceof UserError) {
        this.runs.delete(id);
        run.end(failureOf(error));
      } else if (this.connection.redis.status === 'ready' && !this.isClosed) {
        this.runs.delete(id);
        run.fail(error);
      }
    } finally {
      run.busy = false;
    }
    if (run.again) this.lookAt(id);
  }

  /** Null while it is under way. */
  private async outcomeOf(run: OpenRun): Promise<RunOutcome | null> {
    const job = await this.queue.getJob(run.id);
    const state = job === undefined ? 'unknown' : await job.getState();
    if (job === undefined || state === 'unknown') {
      // Taken back by the end of this sweep: it stays out.
      if (!this.isClosed) await this.add(run, false);
      return null;
    }
    if (state === 'failed') {
      await job.remove();
      return { status: 'failed', code: 1, message: lostText(job) };
    }
    if (state !== 'completed') return null;
    const outcome = (await this.queue.getJob(run.id))?.returnvalue;
    if (outcome?.status === 'done' && run.task.path !== null) {
      const received = this.receiving.then(() => this.receive(run.task, run.id, run.task.path!));
      this.receiving = received.catch(() => {});
      if (!(await received)) {
        // Fetched by another sweep that waits for the same run, or expired.
        await job.remove();
        await this.add(run, false);
        return null;
      }
    }
    await job.remove();
    await this.store.removeFiles(run.id);
    return outcome ?? null;
  }

  /** Fetches the files of a run and puts them in their place, one run at a time. False: they are gone. */
  private async receive({ scenario }: RunTask, id: string, path: string): Promise<boolean> {
    if (this.isClosed) return false;
    const names = await this.store.fileNames(id);
    if (names.length === 0) return false;
    const directory = new RunDirectory(scenario, path);
    let isPlaced = false;
    try {
      for (const name of names) {
        const content = await this.store.file(id, name);
        if (content === null || this.isClosed) return false;
        directory.receive(name, content);
      }
      directory.placeReceived();
      isPlaced = true;
      return true;
    } finally {
      if (!isPlaced) directory.abandon();
    }
  }

  private async tellWhoWorks(): Promise<void> {
    if ((await this.store.present('worker')).length > 0 || this.runs.size === 0) return;
    this.options.tell(`no worker is there yet: start some with \`kubetick worker ${this.connection.shown}\``);
  }
}

function lostText({ failedReason, stalledCounter }: Job): string {
  if (!/stalled/.test(failedReason)) return failedReason;
  return `its worker was lost ${stalledCounter} times; a run that needs more memory than its host has ends like this`;
}
