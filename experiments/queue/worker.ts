// The worker's side of a queue: takes runs of its own version, one a thread, and sends their files back. Simulations hold
// threads, never the event loop, so that the locks of runs under way are renewed in time; when a worker is killed its
// locks run out, and its runs are taken by others.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Queue, Worker } from 'bullmq';
import type { ResolvedScenario } from '../../engine/contracts/scenario.ts';
import { type Executor, workerPool } from '../pool.ts';
import { UserError } from '../problems.ts';
import { replicationName } from '../run-directory.ts';
import type { RunOutcome } from '../run-task.ts';
import { type CodeVersion, codeVersion } from './code-version.ts';
import { type Connection, connect } from './connection.ts';
import { queueName } from './executor.ts';
import { PREFIX, PRESENCE_BEAT_MS, type Presence, type QueuedRun, Store, versionsOf } from './store.ts';

const ARGUMENT = 'URL';
/** Workers that may be lost with a run before it is given up. */
const LOST_MAX = 2;
/** Scenarios kept in memory: replications of a variant follow each other. */
const SCENARIOS_MAX = 4;
const IDLE_LOOK_MS = 1000;

export interface WorkerOptions {
  readonly threads: number;
  /** A worker that has been silent for so long is taken for lost, ms. */
  readonly lostAfterMs: number;
  /** End when there is no sweep and nothing in the queue. */
  readonly exitWhenIdle: boolean;
  /** Takes no more runs and finishes those under way. */
  readonly stop: AbortSignal;
  /** Gives back the runs under way. */
  readonly giveBack: AbortSignal;
  readonly tell: (event: WorkerEvent) => void;
}

export type WorkerEvent =
  | { readonly what: 'ready'; readonly server: string; readonly version: string }
  | { readonly what: 'other-version'; readonly sweeps: readonly Presence[]; readonly version: string }
  | {
      readonly what: 'run';
      readonly name: string;
      readonly outcome: RunOutcome | 'given back';
      readonly seconds: number;
    }
  | { readonly what: 'trouble'; readonly message: string };

export interface WorkerTotals {
  readonly done: number;
  readonly failed: number;
  readonly givenBack: number;
}

/** Works until it is stopped or idle. Throws a UserError where there is no server, or only sweeps of another version. */
export async function serveQueue(url: string, options: WorkerOptions): Promise<WorkerTotals> {
  const connection = await connect(url, ARGUMENT);
  try {
    const code = codeVersion();
    const store = new Store(connection.redis);
    const others = await sweepsOfOthers(store, code);
    if (others.length > 0) throw otherVersion(others, code);
    const leave = await store.announce('worker', code);
    const server = new QueueServer(connection, store, code, options, await workerPool(options.threads));
    try {
      return await Promise.race([server.serve(), connection.lost]);
    } finally {
      await server.close();
      await leave();
    }
  } finally {
    await connection.close();
  }
}

/** The sweeps that are there, if none of them is of this version. */
async function sweepsOfOthers(store: Store, { id }: CodeVersion): Promise<Presence[]> {
  const sweeps = await store.present('sweep');
  return sweeps.some(({ code }) => code === id) ? [] : sweeps;
}

function otherVersion(sweeps: readonly Presence[], { text }: CodeVersion): UserError {
  return new UserError({
    code: 'E5003',
    path: ARGUMENT,
    message: `the sweep there is of another version, and results could differ\nthis worker: ${text}\nsweep: ${versionsOf(sweeps)}`,
    hint: 'install the same version everywhere, with the same major version of Node',
  });
}

class QueueServer {
  private readonly connection: Connection;
  private readonly store: Store;
  private readonly code: CodeVersion;
  private readonly options: WorkerOptions;
  private readonly pool: Executor;
  private readonly worker: Worker<QueuedRun, RunOutcome>;
  private readonly folder: string;
  private readonly scenarios = new Map<string, ResolvedScenario>();
  private readonly totals = { done: 0, failed: 0, givenBack: 0 };
  /** Aborts when no more runs are taken, for whatever reason. */
  private readonly ended = new AbortController();
  private running = 0;

  constructor(
    connection: Connection,
    store: Store,
    code: CodeVersion,
    options: WorkerOptions,
    pool: Executor,
  ) {
    this.connection = connection;
    this.store = store;
    this.code = code;
    this.options = options;
    this.pool = pool;
    this.folder = mkdtempSync(join(tmpdir(), 'kubetick-worker-'));
    this.worker = new connection.bull.Worker<QueuedRun, RunOutcome>(
      queueName(code),
      (job, token) => this.process(job, token),
      {
        connection: connection.redis,
        prefix: PREFIX,
        autorun: false,
        concurrency: options.threads,
        lockDuration: options.lostAfterMs,
        stalledInterval: options.lostAfterMs / 2,
        maxStalledCount: LOST_MAX,
      },
    );
    this.worker.on('error', ({ message }) => {
      if (connection.redis.status === 'ready') options.tell({ what: 'trouble', message });
    });
  }

  async serve(): Promise<WorkerTotals> {
    const { stop, giveBack, tell } = this.options;
    const { shown, bull } = this.connection;
    await this.worker.waitUntilReady();
    tell({ what: 'ready', server: shown, version: this.code.text });
    const ended = this.worker.run();
    const queue = new bull.Queue<QueuedRun, RunOutcome>(this.worker.name, {
      connection: this.connection.redis,
      prefix: PREFIX,
    });
    queue.on('error', () => {});
    try {
      giveBack.addEventListener('abort', () => void this.pool.close(), { once: true });
      await Promise.race([ended, aborted(stop), this.idle(queue), this.warnOfOthers()]);
      this.ended.abort();
      // Waits for the runs under way, which end early when they are given back.
      await this.worker.close();
      return this.totals;
    } finally {
      await queue.close().catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.pool.close();
    await this.worker.close(true).catch(() => {});
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async process(job: Job<QueuedRun, RunOutcome>, token: string | undefined): Promise<RunOutcome> {
    const { experiment, variant, replication, pilot } = job.data;
    const name = `${experiment} ${variant} ${pilot ? 'pilot' : replicationName(replication)}`;
    const started = performance.now();
    const tell = (outcome: RunOutcome | 'given back'): void =>
      this.options.tell({ what: 'run', name, outcome, seconds: (performance.now() - started) / 1000 });
    this.running++;
    try {
      const outcome = await this.make(job);
      if (outcome === null) {
        await job.moveToWait(token);
        this.totals.givenBack++;
        tell('given back');
        throw new this.connection.bull.WaitingError();
      }
      this.totals[outcome.status]++;
      tell(outcome);
      return outcome;
    } finally {
      this.running--;
    }
  }

  /** Makes a run and sends its files; null: it is to be given back. */
  private async make({ id = '', data }: Job<QueuedRun, RunOutcome>): Promise<RunOutcome | null> {
    const { giveBack } = this.options;
    const scenario = await this.scenarioOf(data);
    if (giveBack.aborted) return null;
    const path = join(this.folder, id);
    const outcome = await this.pool.run({ scenario, path: data.pilot ? null : path, format: data.format });
    if (giveBack.aborted && outcome.status !== 'done') return null;
    if (outcome.status === 'done' && !data.pilot) {
      await this.store.removeFiles(id);
      for (const name of readdirSync(path).sort())
        await this.store.putFile(id, name, readFileSync(join(path, name)));
    }
    rmSync(path, { recursive: true, force: true });
    return outcome;
  }

  private async scenarioOf({ scenario: hash, replication }: QueuedRun): Promise<ResolvedScenario> {
    const known = this.scenarios.get(hash);
    const scenario = known ?? (await this.store.scenario(hash));
    if (scenario === null) throw new Error('its scenario is no longer in Redis: its sweep ended long ago');
    this.scenarios.delete(hash);
    this.scenarios.set(hash, scenario);
    for (const oldest of this.scenarios.keys()) {
      if (this.scenarios.size <= SCENARIOS_MAX) break;
      this.scenarios.delete(oldest);
    }
    return { ...scenario, replication };
  }

  /** Resolves when nothing is left to take; never where that is not asked for. */
  private async idle(queue: Queue<QueuedRun, RunOutcome>): Promise<void> {
    if (!this.options.exitWhenIdle) return new Promise(() => {});
    while (!this.ended.signal.aborted) {
      const waiting = await queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized');
      const sweeps = await this.store.present('sweep');
      const isWanted = sweeps.some(({ code }) => code === this.code.id);
      if (waiting === 0 && this.running === 0 && !isWanted) return;
      await sleep(IDLE_LOOK_MS, this.ended.signal);
    }
  }

  /** Tells of sweeps that wait for workers of another version. Never resolves. */
  private async warnOfOthers(): Promise<void> {
    const told = new Set<string>();
    for (;;) {
      await sleep(PRESENCE_BEAT_MS, this.ended.signal);
      if (this.ended.signal.aborted) break;
      const sweeps = (await sweepsOfOthers(this.store, this.code).catch(() => [])).filter(
        ({ host, pid }) => !told.has(`${host} ${pid}`),
      );
      for (const { host, pid } of sweeps) told.add(`${host} ${pid}`);
      if (sweeps.length > 0) this.options.tell({ what: 'other-version', sweeps, version: this.code.text });
    }
    return new Promise(() => {});
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return sleep(null, signal);
}

/** Resolves after so many ms (null: never) or when the signal aborts. */
function sleep(ms: number | null, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      if (timer !== null) clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = ms === null ? null : setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
