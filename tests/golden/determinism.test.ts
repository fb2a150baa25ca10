// The same input gives the same run: twice in one process, after an unrelated run, with each event queue, and in a process
// of its own, where the result directories must be equal byte by byte.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { main } from '../../cli/program.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import { GOLDEN } from './cases.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const names = Object.keys(GOLDEN);

it.each(names)(
  '%s: again, after another run, and with each event queue',
  { timeout: 180_000 },
  async (name) => {
    const scenario = await GOLDEN[name]!();
    const first = simulateBuiltIn(scenario, {});
    simulateBuiltIn(await GOLDEN['scale up and down behind a service']!(), {});
    expect(simulateBuiltIn(scenario, {})).toEqual(first);
    for (const queue of ['ladder', 'fast-priority-queue'] as const) {
      expect(simulateBuiltIn({ ...scenario, queue }, {})).toEqual(first);
    }
  },
);

it('another seed is another run', async () => {
  const scenario = await GOLDEN['scale up and down behind a service']!();
  const first = simulateBuiltIn(scenario, {});
  expect(simulateBuiltIn({ ...scenario, seed: 8 }, {}).ingredients).not.toEqual(first.ingredients);
  expect(simulateBuiltIn({ ...scenario, replication: 2 }, {}).ingredients).not.toEqual(first.ingredients);
});

it('two processes leave equal directories', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-test-'));
  try {
    const args = (out: string) => [
      'run',
      join(root, 'examples/deployment.yaml'),
      '--quiet',
      '--out',
      join(folder, out),
    ];
    const silent = { write: () => true };
    expect(await main(args('here'), { stdout: silent, stderr: silent, env: {} })).toBe(0);
    const program = join(root, 'cli/main.ts');
    const child = spawnSync(process.execPath, ['--import', 'tsx', program, ...args('there')], { cwd: root });
    expect(child.stderr.toString()).toBe('');
    expect(child.status).toBe(0);
    const files = readdirSync(join(folder, 'here')).sort();
    expect(readdirSync(join(folder, 'there')).sort()).toEqual(files);
    expect(files).toContain('pods.csv');
    for (const file of files.filter((f) => f !== 'timing.json')) {
      const [a, b] = ['here', 'there'].map((where) => readFileSync(join(folder, where, file), 'utf8'));
      expect(b, file).toBe(a);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
