// A sweep from its plan to its directory: hands runs to an executor, keeps what is finished, adds replications until the
// wanted precision, and writes sweep.csv and sweep.json. Which run is made when, where and by whom leaves no trace in
// results: every run depends on its scenario alone, and the files are made from what is on disk in the order of the plan.
import { join } from 'node:path';
import type { ExpectResult, RunSummary } from '../engine/contracts/result.ts';
import { observedMetric } from '../engine/metrics/expect.ts';
import { meanInterval } from '../reports/stats/mean.ts';
import { replicationsWanted } from '../reports/stats/precision.ts';
import {
  type Plan,
  type PlannedRun,
  type PlannedVariant,
  plannedRun,
  scenarioOf,
  withWarmUp,
} from './plan.ts';
import type { Executor } from './pool.ts';
import { type Shard, shardOf } from './shard.ts';
import {
  formatOf,
  judgeVariants,
  noteFailure,
  openSweep,
  readFailure,
  readSummary,
  removeLeftovers,
  type SweepFile,
  type SweepRun,
  stateOf,
  type VariantExpect,
  writeSweep,
} from './sweep-directory.ts';
import { writeSweepParquet } from './sweep-table.ts';
import type { TableFormat } from './table-formats.ts';

/** `--until-precision` */
export interface Precision {
  /** Wanted half width of the interval over the mean, above 0. */
  readonly relative: number;
  readonly metrics: readonly string[];
  /** Replications of a variant at most. */
  readonly most: number;
}

export interface SweepProgress {
  readonly runs: number;
  /** Finished before this process began. */
  readonly kept: number;
  readonly done: number;
  readonly failed: number;
  /** Handed to the executor and not yet ended. */
  readonly open: number;
}

export interface SweepOptions {
  readonly resume?: boolean;
  readonly shard?: Shard;
  readonly precision?: Precision;
  /** Form of the tables; CSV without. */
  readonly format?: TableFormat;
  readonly progress?: (progress: SweepProgress) => void;
  /** When it aborts, runs under way are given up and the sweep returns with what is finished. */
  readonly signal?: AbortSignal;
}

export interface SweepFailure {
  readonly variant: string;
  readonly replication: number;
  readonly code: 1 | 2;
  readonly message: string;
}

export interface SweepResult {
  readonly file: SweepFile;
  readonly interrupted: boolean;
  readonly kept: number;
  /** Of the runs of this process. */
  readonly failures: readonly SweepFailure[];
  /** Expectations that do not hold: of runs, and of variants (replication null). */
  readonly unmet: readonly (ExpectResult & {
    readonly variant: string;
    readonly replication: number | null;
  })[];
}

/** Estimate of a metric of a variant, in sweep.json under `precision`. */
export interface PrecisionEntry {
  readonly variant: string;
  readonly metric: string;
  readonly replications: number;
  readonly mean: number;
  readonly ci95: readonly [number, number];
  /** Half width over mean. */
  readonly relative: number;
  readonly reached: boolean;
}

export async function runSweep(
  plan: Plan,
  path: string,
  executor: Executor,
  options: SweepOptions = {},
): Promise<SweepResult> {
  let sweep: Sweep;
  try {
    const warmUp = await settleWarmUp(plan, executor, options);
    const settled = warmUp === null ? plan : withWarmUp(plan, warmUp.seconds * 1e6);
    if (options.signal?.aborted !== true) openSweep(path, settled, options.resume === true);
    sweep = new Sweep(settled, path, executor, options, warmUp);
    await sweep.run();
  } finally {
    await executor.close();
  }
  const result = sweep.finish();
  if (options.format === 'parquet') await writeSweepParquet(path, result.file);
  return result;
}

/** Ends of warm-ups as pilots found them, in sweep.json under `warmUp`. */
interface WarmUps {
  /** That of all variants: the latest. */
  readonly seconds: number;
  readonly variants: readonly {
    readonly variant: string;
    readonly seconds: number;
    /** False where the pilot was too short to tell. */
    readonly settled: boolean;
  }[];
}

/** One pilot for each variant with `warmUp: auto`; null where there is none. A pilot that fails has no say. */
async function settleWarmUp(
  plan: Plan,
  executor: Executor,
  { signal }: SweepOptions,
): Promise<WarmUps | null> {
  const open = plan.variants.filter(({ autoWarmUp }) => autoWarmUp);
  if (open.length === 0) return null;
  const pilots = Promise.all(
    open.map(async (variant) => {
      const outcome = await executor.run({ scenario: variant.scenario, path: null });
      const warmUp = outcome.status === 'done' ? outcome.warmUp : undefined;
      const seconds = (warmUp?.warmUpUs ?? 0) / 1e6;
      return { variant: variant.name, seconds, settled: warmUp?.settled ?? false };
    }),
  );
  const variants = (await Promise.race([pilots, aborted(signal)])) ?? [];
  return { seconds: Math.max(0, ...variants.map(({ seconds }) => seconds)), variants };
}

/** Resolves when the signal aborts, and never without one. */
function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve(undefined);
    else signal?.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

class Sweep {
  private readonly plan: Plan;
  private readonly path: string;
  private readonly executor: Executor;
  private readonly options: SweepOptions;
  private readonly warmUp: WarmUps | null;
  /** Replications of each variant, which `--until-precision` may raise. */
  private readonly replications: Map<PlannedVariant, number>;
  /** Runs that this process answers for, by directory. */
  private readonly mine = new Map<string, PlannedRun>();
  private kept = 0;
  private done = 0;
  private open = 0;
  private readonly failed = new Map<string, PlannedRun>();

  constructor(plan: Plan, path: string, executor: Executor, options: SweepOptions, warmUp: WarmUps | null) {
    this.warmUp = warmUp;
    this.plan = plan;
    this.path = path;
    this.executor = executor;
    this.options = options;
    const { precision } = options;
    const first =
      precision === undefined
        ? plan.replications
        : Math.max(plan.replications, replicationsWanted([], precision));
    this.replications = new Map(plan.variants.map((variant) => [variant, first]));
  }

  async run(): Promise<void> {
    if (this.isStopped) return;
    const { precision, shard } = this.options;
    const all = this.runs();
    const mine = new Set(shard === undefined ? all : shardOf(all, shard));
    // What is to come stands there from the start, so that a process that is killed leaves a directory of a sweep.
    writeSweep(this.path, this.plan, all);
    const variants = this.plan.variants.map(async (variant) => {
      const count = this.replications.get(variant)!;
      await Promise.all(
        all.filter((run) => run.variant === variant && mine.has(run)).map((run) => this.make(run)),
      );
      if (precision !== undefined) await this.refine(variant, count, precision);
    });
    await Promise.race([Promise.all(variants), aborted(this.options.signal)]);
  }

  /** Adds replications of a variant as long as its intervals ask for more. */
  private async refine(variant: PlannedVariant, count: number, precision: Precision): Promise<void> {
    for (let there = count; !this.isStopped; ) {
      const wanted = wantedReplications(this.summariesOf(variant, there), precision);
      // A failed run leaves a hole: its variant is as precise as it can be.
      if (wanted <= there || [...this.failed.values()].some((run) => run.variant === variant)) return;
      this.replications.set(variant, wanted);
      const added = Array.from({ length: wanted - there }, (_, i) => plannedRun(variant, there + i + 1));
      await Promise.all(added.map((run) => this.make(run)));
      there = wanted;
    }
  }

  private async make(run: PlannedRun): Promise<void> {
    if (this.isStopped) return;
    this.mine.set(run.directory, run);
    const { format = 'csv' } = this.options;
    // A run whose tables have another form is made again.
    if (stateOf(this.path, run).status === 'done' && formatOf(this.path, run) === format) {
      noteFailure(this.path, run, null);
      this.kept++;
      this.tell();
      return;
    }
    this.open++;
    this.tell();
    const outcome = await this.executor.run({
      scenario: scenarioOf(run),
      path: join(this.path, run.directory),
      format,
    });
    if (this.isStopped) return;
    this.open--;
    noteFailure(this.path, run, outcome.status === 'failed' ? outcome : null);
    if (outcome.status === 'failed') this.failed.set(run.directory, run);
    else this.done++;
    this.tell();
  }

  /** Writes the files of the sweep and says what came of it. */
  finish(): SweepResult {
    const { path, plan, options } = this;
    if (this.isStopped) removeLeftovers(path, [...this.mine.values()]);
    const { precision } = options;
    const variants = plan.variants.map(({ name, values }) => ({ variant: name, values }));
    const file = writeSweep(path, plan, this.runs(), (states) => ({
      ...(options.format === 'parquet' ? { tables: options.format } : {}),
      ...(this.warmUp === null ? {} : { warmUp: this.warmUp }),
      ...(precision === undefined ? {} : { precision: this.precisionOf(precision, states) }),
      ...(plan.expect.length === 0 ? {} : { expect: judgeVariants(path, plan.expect, variants, states) }),
    }));
    const states = new Map(file.runs.map((state) => [state.directory, state]));
    const unmet: SweepResult['unmet'][number][] = [];
    const ordered = this.runs().filter(({ directory }) => this.mine.has(directory));
    for (const { directory, replication, variant } of ordered) {
      if (states.get(directory)?.status !== 'done') continue;
      for (const one of readSummary(path, directory).expect)
        if (!one.holds) unmet.push({ ...one, variant: variant.name, replication });
    }
    for (const { variant, text, holds, observed } of (file['expect'] as VariantExpect[] | undefined) ?? [])
      if (holds === false) unmet.push({ text, holds, observed, variant, replication: null });
    return {
      file,
      interrupted: this.isStopped,
      kept: this.kept,
      failures: ordered.flatMap((run) => {
        const failure = this.failed.has(run.directory) ? readFailure(path, run) : null;
        return failure === null
          ? []
          : [
              {
                variant: run.variant.name,
                replication: run.replication,
                code: failure.code,
                message: failure.message,
              },
            ];
      }),
      unmet,
    };
  }

  private precisionOf({ relative, metrics }: Precision, states: readonly SweepRun[]): PrecisionEntry[] {
    return this.plan.variants.flatMap((variant) => {
      const summaries = states
        .filter((state) => state.variant === variant.name && state.status === 'done')
        .map(({ directory }) => readSummary(this.path, directory));
      return metrics.flatMap((metric) => {
        const samples = samplesOf(metric, summaries);
        if (samples.length < 2) return [];
        const { n, mean, halfWidth, low, high } = meanInterval(samples);
        const share = mean === 0 && halfWidth === 0 ? 0 : halfWidth / Math.abs(mean);
        // As precision.ts asks for: the true mean is then within `relative` of the estimate.
        const reached = share <= relative / (1 + relative);
        return [
          {
            variant: variant.name,
            metric,
            replications: n,
            mean,
            ci95: [low, high] as const,
            relative: share,
            reached,
          },
        ];
      });
    });
  }

  private summariesOf(variant: PlannedVariant, count: number): RunSummary[] {
    return Array.from({ length: count }, (_, i) => plannedRun(variant, i + 1))
      .filter((run) => stateOf(this.path, run).status === 'done')
      .map(({ directory }) => readSummary(this.path, directory));
  }

  /** All runs in the order of the plan, with the replications that were added. */
  private runs(): PlannedRun[] {
    const given = new Map(this.plan.runs.map((run) => [run.directory, run]));
    return this.plan.variants.flatMap((variant) =>
      Array.from({ length: this.replications.get(variant)! }, (_, i) => {
        const run = plannedRun(variant, i + 1);
        return given.get(run.directory) ?? run;
      }),
    );
  }

  private get isStopped(): boolean {
    return this.options.signal?.aborted === true;
  }

  private tell(): void {
    const { kept, done, open } = this;
    this.options.progress?.({
      runs: [...this.replications.values()].reduce((sum, n) => sum + n, 0),
      kept,
      done,
      failed: this.failed.size,
      open,
    });
  }
}

/** The most replications that any of the metrics asks for. */
export function wantedReplications(summaries: readonly RunSummary[], precision: Precision): number {
  const asked = precision.metrics.map((metric) => {
    const samples = samplesOf(metric, summaries);
    // What a run did not observe has no interval, however many there are.
    return samples.length < summaries.length ? 0 : replicationsWanted(samples, precision);
  });
  return Math.max(0, ...asked);
}

function samplesOf(metric: string, summaries: readonly RunSummary[]): number[] {
  return summaries.map((summary) => observedMetric(metric, summary)).filter((value) => value !== null);
}
