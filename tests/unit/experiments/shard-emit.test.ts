// What starts shards elsewhere: accepted by the API server's rules, read by a shell as meant.
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { judgeObject } from '../../../experiments/judge.ts';
import { type EmitOptions, emit } from '../../../experiments/shard-emit.ts';
import { readDocuments } from '../../../workloads/manifests.ts';

const OPTIONS: EmitOptions = {
  experiment: 'spread-vs-pack',
  shards: 8,
  workers: 4,
  args: ['e.yaml', '--set', "expect=['pods.lost == 0']"],
  out: 'runs/e',
  image: 'registry.example/kubetick:0.1.0',
  memoryBytes: 300 * 1024 * 1024,
};

describe('kubernetes-job', () => {
  const [job] = readDocuments('-', emit('kubernetes-job', OPTIONS)).documents;

  test('an Indexed Job that the API server accepts without a warning', () => {
    expect(judgeObject(job!.raw)).toMatchObject({ accepted: true, problems: [] });
    expect(job!.raw).toMatchObject({
      metadata: { name: 'sweep-spread-vs-pack' },
      spec: { completionMode: 'Indexed', completions: 8, parallelism: 8 },
    });
  });

  test('each pod makes its part on all its CPUs: 4 threads of 300 MiB', () => {
    const { spec } = job!.raw as { spec: { template: { spec: { containers: Record<string, unknown>[] } } } };
    expect(spec.template.spec.containers).toEqual([
      expect.objectContaining({
        image: 'registry.example/kubetick:0.1.0',
        args: [
          'sweep',
          'e.yaml',
          '--set',
          "expect=['pods.lost == 0']",
          ...['--shard', 'job/8', '--workers', '4', '--out', 'runs/e', '--quiet'],
        ],
        resources: { requests: { cpu: '4', memory: '1200Mi' } },
      }),
    ]);
  });

  test.each(['a.b', 'x'.repeat(80)])('a name that a Job may have, from %s', (experiment) => {
    const [named] = readDocuments('-', emit('kubernetes-job', { ...OPTIONS, experiment })).documents;
    expect(judgeObject(named!.raw)).toMatchObject({ accepted: true, problems: [] });
  });
});

test('slurm: a script whose shell hands over every word as it was given', () => {
  const script = emit('slurm', OPTIONS);
  expect(script).toContain('#SBATCH --array=1-8\n');
  expect(script).toContain('#SBATCH --cpus-per-task=4\n');
  expect(script).toContain('#SBATCH --mem=1200M\n');
  // The program is replaced by one that prints its arguments, a line each.
  const printing = script.replace('exec kubetick', "exec printf '%s\\n'");
  const words = execFileSync('bash', ['-c', printing], { env: { SLURM_CPUS_PER_TASK: '4' } }).toString();
  expect(words.trim().split('\n')).toEqual([
    'sweep',
    'e.yaml',
    '--set',
    "expect=['pods.lost == 0']",
    ...['--shard', 'slurm', '--out', 'runs/e', '--quiet', '--workers', '4'],
  ]);
});
