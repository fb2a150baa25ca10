// `kubetick sweep --merge` and `--emit`: what concerns the shards of a sweep on other machines.

import { estimatePlan } from '../../experiments/estimate.ts';
import type { Plan } from '../../experiments/plan.ts';
import { emit } from '../../experiments/shard-emit.ts';
import { mergeSweeps } from '../../experiments/shard-merge.ts';
import { writeSweepParquet } from '../../experiments/sweep-table.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { jsonText } from '../../reports/summary.ts';
import { ExitCode, type Io, UserError } from '../errors.ts';
import type { SweepArguments } from './sweep.ts';

const DEFAULT_SHARDS = 8;

/** Merges directories of shards; returns the exit code. */
export async function mergeCommand(args: SweepArguments, io: Io): Promise<number> {
  const { paths, out, merge: _merge, json, quiet, ...others } = args;
  const needless = Object.keys(others).map((name) => ({
    code: 'E1005',
    path: `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    message: 'says nothing beside --merge, which runs nothing',
  }));
  if (needless.length > 0) throw new UserError(needless);
  if (out === undefined)
    throw new UserError({
      code: 'E1004',
      path: '--out',
      message: 'is missing: where the merged sweep goes',
      hint: 'usage: kubetick sweep --merge DIR... --out DIR',
    });
  const file = mergeSweeps(paths, out);
  if (file.tables === 'parquet') await writeSweepParquet(out, file);
  const count = (status: string): number => file.runs.filter((run) => run.status === status).length;
  if (json) io.stdout.write(jsonText(file));
  else if (!quiet) {
    const [failed, pending] = [count('failed'), count('pending')];
    const rest = `${failed > 0 ? `, ${failed} failed` : ''}${pending > 0 ? `, ${pending} to come` : ''}`;
    io.stdout.write(`${count('done')} runs in ${out}${rest}\n`);
  }
  return ExitCode.ok;
}

/** Prints what starts the shards; returns the exit code. */
export function emitCommand(args: SweepArguments, plan: Plan, out: string, io: Io): number {
  const shards = args.shards ?? Math.min(DEFAULT_SHARDS, plan.runs.length);
  const option = (name: string, values: readonly (string | number)[] = []): string[] =>
    values.flatMap((value) => [`--${name}`, String(value)]);
  io.stdout.write(
    emit(args.emit as Parameters<typeof emit>[0], {
      experiment: plan.experiment,
      shards,
      workers: args.workers ?? 1,
      args: [
        ...args.paths,
        ...option('seed', args.seed === undefined ? [] : [args.seed]),
        ...option('set', args.set),
        ...option('plugin', args.plugin),
        ...(args.resume === true ? ['--resume'] : []),
        ...option('format', args.format === undefined ? [] : [args.format]),
      ],
      out,
      image: args.image ?? `kubetick:${packageJson.version}`,
      memoryBytes: Math.max(...estimatePlan(plan).map(({ estimate }) => estimate.memoryBytes)),
    }),
  );
  return ExitCode.ok;
}
