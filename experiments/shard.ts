// `--shard`: a part of a sweep for one machine. Runs are dealt in turn by their place in the plan, so that shards need
// not talk to each other. The number may come from a Kubernetes Indexed Job or a Slurm array.
import { UserError } from './problems.ts';

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly of: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/** `2/8`, `job/8` (JOB_COMPLETION_INDEX of 8) or `slurm` (SLURM_ARRAY_TASK_*). Throws UserError. */
export function parseShard(text: string, env: Env): Shard {
  const refuse = (message: string): never => {
    throw new UserError({
      code: 'E1003',
      path: `--shard ${text}`,
      message,
      hint: 'for example --shard 2/8; job/8 in a Kubernetes Indexed Job of 8 completions; slurm in a Slurm array',
    });
  };
  const number = (name: string, fallback?: string): number => {
    const value = env[name] ?? fallback;
    if (value === undefined || !/^[0-9]+$/.test(value))
      return refuse(
        value === undefined ? `${name} is not set` : `${name} is ${JSON.stringify(value)}, no number`,
      );
    return Number(value);
  };
  let shard: Shard;
  const match = /^(job|[0-9]+)\/([0-9]+)$/.exec(text);
  if (text === 'slurm') {
    const first = number('SLURM_ARRAY_TASK_MIN', '0');
    const step = number('SLURM_ARRAY_TASK_STEP', '1');
    const of = number('SLURM_ARRAY_TASK_COUNT');
    shard = { index: (number('SLURM_ARRAY_TASK_ID') - first) / Math.max(1, step) + 1, of };
  } else if (match === null) return refuse('expected I/N with I from 1 to N');
  else {
    const of = Number(match[2]);
    shard = { index: match[1] === 'job' ? number('JOB_COMPLETION_INDEX') + 1 : Number(match[1]), of };
  }
  const { index, of } = shard;
  if (!Number.isInteger(index) || index < 1 || index > of)
    return refuse(`there is no part ${index} of ${of}`);
  return shard;
}

/** The part of a list that is this shard's. */
export function shardOf<T>(all: readonly T[], { index, of }: Shard): T[] {
  return all.filter((_, i) => i % of === index - 1);
}
