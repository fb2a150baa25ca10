// Which part of a sweep a machine makes: from the command line, a Kubernetes Indexed Job or a Slurm array.
import { describe, expect, test } from 'vitest';
import { UserError } from '../../../experiments/problems.ts';
import { parseShard, shardOf } from '../../../experiments/shard.ts';

const array = (id: string, min: string, step: string, count: string): Record<string, string> => ({
  SLURM_ARRAY_TASK_ID: id,
  SLURM_ARRAY_TASK_MIN: min,
  SLURM_ARRAY_TASK_STEP: step,
  SLURM_ARRAY_TASK_COUNT: count,
});

describe('the text of --shard', () => {
  test.each<[string, Record<string, string>, number, number]>([
    ['1/1', {}, 1, 1],
    ['2/8', {}, 2, 8],
    // Completion indexes count from 0.
    ['job/8', { JOB_COMPLETION_INDEX: '0' }, 1, 8],
    ['job/8', { JOB_COMPLETION_INDEX: '7' }, 8, 8],
    // --array=0-3, --array=1-4, --array=10-30:10
    ['slurm', array('3', '0', '1', '4'), 4, 4],
    ['slurm', array('1', '1', '1', '4'), 1, 4],
    ['slurm', array('20', '10', '10', '3'), 2, 3],
  ])('%s with %j is part %i of %i', (text, env, index, of) => {
    expect(parseShard(text, env)).toEqual({ index, of });
  });

  test.each<[string, Record<string, string>, string]>([
    ['', {}, 'expected I/N'],
    ['two/8', {}, 'expected I/N'],
    ['0/8', {}, 'there is no part 0 of 8'],
    ['9/8', {}, 'there is no part 9 of 8'],
    ['1/0', {}, 'there is no part 1 of 0'],
    ['job/8', {}, 'JOB_COMPLETION_INDEX is not set'],
    ['job/8', { JOB_COMPLETION_INDEX: 'x' }, 'JOB_COMPLETION_INDEX is "x", no number'],
    ['job/8', { JOB_COMPLETION_INDEX: '8' }, 'there is no part 9 of 8'],
    ['slurm', {}, 'SLURM_ARRAY_TASK_COUNT is not set'],
  ])('%s with %j is refused: %s', (text, env, message) => {
    expect(() => parseShard(text, env)).toThrow(UserError);
    expect(() => parseShard(text, env)).toThrow(message);
  });
});

test('shards share out everything, nothing twice, sizes within one', () => {
  const runs = Array.from({ length: 23 }, (_, i) => i);
  const parts = [1, 2, 3, 4, 5].map((index) => shardOf(runs, { index, of: 5 }));
  expect(parts.flat().sort((a, b) => a - b)).toEqual(runs);
  expect(new Set(parts.map(({ length }) => length))).toEqual(new Set([4, 5]));
});
