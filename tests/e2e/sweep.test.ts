// Whole sweeps on worker threads: the same bytes however they are made, nothing made twice, and nothing lost when a run
// fails, the process is stopped or killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SweepFile } from '../../experiments/sweep-directory.ts';
import { buildProgram, contentsOf, type Outcome, start } from './built.ts';
import type { Row } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubetick-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: s}
spec:
  cluster: {nodes: [{count: 2}]}
  workload:
    generators: [{use: poisson-deployments, ratePerMin: 20, replicas: 2, lifetime: 1m, cpu: 100m}]
  time: {run: 2m}
  seeds: {seed: 3, replications: 3}
  sweep:
    axes:
      nodes: {at: cluster.nodes.0.count, values: [2, 4]}
`;

const program = join(folder, 'built', 'kubetick.js');

function path(name: string): string {
  return join(folder, name);
}

/** `kubetick sweep ...args`. */
function sweep(...args: string[]): Promise<Outcome> {
  return start(program, ['sweep', ...args], folder).ended;
}

function sweepFile(name: string): SweepFile {
  return JSON.parse(readFileSync(path(join(name, 'sweep.json')), 'utf8')) as SweepFile;
}

/** Every file of a directory but timing.json, with its bytes. */
function contents(name: string): Record<string, string> {
  return contentsOf(path(name));
}

function table(name: string, directory: string, file: string): Row[] {
  return parse(readFileSync(path(join(name, directory, file)), 'utf8'), { columns: true }) as Row[];
}

/** When each run was written: those that are kept keep it. */
function times(name: string): Record<string, number> {
  return Object.fromEntries(
    sweepFile(name)
      .runs.filter(({ status }) => status === 'done')
      .map(({ directory }) => [directory, statSync(path(join(name, directory, 'timing.json'))).mtimeMs]),
  );
}

beforeAll(async () => {
  await buildProgram(path('built'));
  writeFileSync(path('s.yaml'), EXPERIMENT);
  const { code, stderr } = await sweep(path('s.yaml'), '--workers', '1', '--out', path('one'), '--quiet');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}, 120_000);

test('--format parquet: the tables change their form, the runs do not', { timeout: 120_000 }, async () => {
  cpSync(path('one'), path('parquet'), { recursive: true });
  const args = [path('s.yaml'), '--workers', '1', '--out', path('parquet'), '--quiet'];
  // Runs whose tables have another form are made again, those of the same form are kept.
  const before = times('parquet');
  expect(await sweep(...args, '--format', 'parquet')).toEqual({ code: 0, stdout: '', stderr: '' });
  const made = times('parquet');
  expect(Object.values(made)).not.toEqual(Object.values(before));
  expect((await sweep(...args, '--format', 'parquet')).code).toBe(0);
  expect(times('parquet')).toEqual(made);
  expect(sweepFile('parquet').runs).toEqual(sweepFile('one').runs);
  expect(sweepFile('parquet').tables).toBe('parquet');
  const [first] = sweepFile('parquet').runs;
  expect(readdirSync(path(join('parquet', first!.directory))).sort()).toEqual([
    'api.parquet',
    'controllers.parquet',
    'events.parquet',
    'loss.parquet',
    'manifest.json',
    'nodes.parquet',
    'pods.parquet',
    'summary.csv',
    'summary.json',
    'timeseries.parquet',
    'timing.json',
  ]);
  const file = path('parquet/sweep.parquet');
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
  const csv = table('parquet', '.', 'sweep.csv');
  const shown = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value === null ? '' : String(value)]),
    ),
  );
  expect(shown).toEqual(csv);
  expect(csv.map((row) => row['axis.nodes'])).toEqual(['2', '2', '2', '4', '4', '4']);
});

describe('the same bytes, timing.json apart', () => {
  test('with one thread and with two', { timeout: 120_000 }, async () => {
    expect((await sweep(path('s.yaml'), '--workers', '2', '--out', path('two'), '--quiet')).code).toBe(0);
    expect(contents('two')).toEqual(contents('one'));
    // 2 variants × 3 replications of 11 files, sweep.csv and sweep.json; not nothing against nothing.
    expect(Object.keys(contents('one')).length).toBeGreaterThan(60);
  });

  test('in shards, the second first', { timeout: 120_000 }, async () => {
    expect((await sweep(path('s.yaml'), '--shard', '2/2', '--out', path('shards'), '--quiet')).code).toBe(0);
    const half = sweepFile('shards').runs.map(({ status }) => status);
    expect(half).toEqual(['pending', 'done', 'pending', 'done', 'pending', 'done']);
    expect((await sweep(path('s.yaml'), '--shard', '1/2', '--out', path('shards'), '--quiet')).code).toBe(0);
    expect(contents('shards')).toEqual(contents('one'));
  });
});

describe('shards in directories of their own', () => {
  test('merged, they are the same bytes', { timeout: 120_000 }, async () => {
    for (const index of ['1', '2', '3']) {
      const shard = ['--shard', `${index}/3`, '--out', path(`part${index}`), '--quiet'];
      expect((await sweep(path('s.yaml'), ...shard)).code).toBe(0);
    }
    const parts = ['3', '1'].map((index) => path(`part${index}`));
    const some = await sweep('--merge', ...parts, '--out', path('merged'));
    expect(some).toEqual({ code: 0, stdout: `4 runs in ${path('merged')}, 2 to come\n`, stderr: '' });
    expect((await sweep('--merge', path('part2'), '--out', path('merged'), '--quiet')).code).toBe(0);
    expect(contents('merged')).toEqual(contents('one'));
  });

  test('another sweep, or none, is refused', { timeout: 60_000 }, async () => {
    cpSync(path('one'), path('foreign'), { recursive: true });
    const file = JSON.parse(readFileSync(path('foreign/sweep.json'), 'utf8')) as SweepFile;
    writeFileSync(path('foreign/sweep.json'), JSON.stringify({ ...file, runs: file.runs.slice(1) }));
    const { code, stderr } = await sweep(
      '--merge',
      path('one'),
      path('foreign'),
      path('built'),
      '--out',
      path('no'),
    );
    expect(code).toBe(2);
    expect(stderr).toContain(`E4003 ${path('built')}\n  not the directory of a sweep`);
    expect(stderr).toContain(`E4001 ${path('foreign')}\n  holds another sweep than ${path('one')}`);
    expect(existsSync(path('no'))).toBe(false);
    expect((await sweep('--merge', path('one'))).stderr).toContain('E1004 --out\n  is missing');
  });
});

test('sweep.json lists the runs in the order of the plan, sweep.csv holds their rows', () => {
  const { experiment, variants, runs } = sweepFile('one');
  expect(experiment).toBe('s');
  expect(variants).toEqual([
    { variant: 'nodes=2', values: { nodes: '2' } },
    { variant: 'nodes=4', values: { nodes: '4' } },
  ]);
  expect(runs.map(({ variant, replication, status, seed }) => [variant, replication, status, seed])).toEqual(
    ['nodes=2', 'nodes=4'].flatMap((variant) => [1, 2, 3].map((r) => [variant, r, 'done', 3])),
  );
  expect(runs.map(({ directory }) => directory.replace(/-[0-9a-f]{8}/, ''))).toEqual(
    ['nodes-2', 'nodes-4'].flatMap((variant) => ['r01', 'r02', 'r03'].map((r) => `${variant}/${r}`)),
  );
  const rows = table('one', '', 'sweep.csv');
  expect(rows.map((row) => row['axis.nodes'])).toEqual(['2', '2', '2', '4', '4', '4']);
  rows.forEach((row, i) => {
    const [own] = table('one', runs[i]!.directory, 'summary.csv');
    expect(row).toMatchObject(own!);
    expect(own!['fingerprint']).toBe(runs[i]!.fingerprint);
  });
});

test('common random numbers: variants see the same arrivals, replications others', () => {
  const arrivals = sweepFile('one').runs.map(({ directory }) =>
    table('one', directory, 'pods.csv')
      .filter((row) => Number(row['created_s']) < 60)
      .map((row) => row['owner'])
      .sort(),
  );
  // Pods are made by controllers of a cluster that differs; who owns them is what arrived.
  expect(arrivals[0]!.length).toBeGreaterThan(10);
  expect(arrivals.slice(3)).toEqual(arrivals.slice(0, 3));
  const made = sweepFile('one').runs.map(
    ({ directory }) => table('one', directory, 'summary.csv')[0]!['pods.created'],
  );
  expect(made.slice(3)).toEqual(made.slice(0, 3));
  expect(new Set(made).size).toBeGreaterThan(1);
});

test('warmUp: auto is settled by pilots and is the same for all variants', { timeout: 120_000 }, async () => {
  const args = [
    '--set',
    'time.warmUp=auto',
    '--set',
    'seeds.replications=1',
    '--out',
    path('auto'),
    '--quiet',
  ];
  expect((await sweep(path('s.yaml'), ...args)).code).toBe(0);
  const { warmUp, runs } = sweepFile('auto') as SweepFile & {
    warmUp: { seconds: number; variants: { variant: string; seconds: number }[] };
  };
  expect(warmUp.variants.map(({ variant }) => variant)).toEqual(['nodes=2', 'nodes=4']);
  expect(warmUp.seconds).toBe(Math.max(...warmUp.variants.map(({ seconds }) => seconds)));
  const manifests = runs.map(({ directory }) =>
    readFileSync(path(join('auto', directory, 'manifest.json')), 'utf8'),
  );
  const used = manifests.map(
    (text) => (JSON.parse(text) as { scenario: { warmUpUs: number } }).scenario.warmUpUs,
  );
  expect(used).toEqual([warmUp.seconds * 1e6, warmUp.seconds * 1e6]);
});

describe('finished runs are not repeated', () => {
  test('what is missing is made, what is there stays', { timeout: 120_000 }, async () => {
    cpSync(path('one'), path('again'), { recursive: true, preserveTimestamps: true });
    const before = times('again');
    const lost = sweepFile('again').runs[4]!.directory;
    rmSync(path(join('again', lost)), { recursive: true });
    const { code, stdout } = await sweep(path('s.yaml'), '--out', path('again'));
    expect(code).toBe(0);
    expect(stdout).toContain('6 runs in');
    expect(stdout).toContain('5 of them made before');
    const after = times('again');
    expect(Object.keys(after).filter((directory) => after[directory] !== before[directory])).toEqual([lost]);
    expect(contents('again')).toEqual(contents('one'));
  });

  test('more replications are added to those there', { timeout: 120_000 }, async () => {
    cpSync(path('one'), path('more'), { recursive: true, preserveTimestamps: true });
    const before = times('more');
    const more = ['--set', 'seeds.replications=4', '--out', path('more'), '--quiet'];
    expect((await sweep(path('s.yaml'), ...more)).code).toBe(0);
    expect(Object.keys(times('more'))).toHaveLength(8);
    expect(times('more')).toMatchObject(before);
  });

  test('other variants need --resume, and another experiment another directory', {
    timeout: 120_000,
  }, async () => {
    cpSync(path('one'), path('other'), { recursive: true, preserveTimestamps: true });
    const other = [path('s.yaml'), '--set', 'sweep.axes.nodes.values=[4]', '--out', path('other')];
    const refused = await sweep(...other);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('holds a sweep with other variants');
    const before = times('other');
    expect((await sweep(...other, '--resume', '--quiet')).code).toBe(0);
    expect(sweepFile('other').runs.map(({ variant }) => variant)).toEqual(['nodes=4', 'nodes=4', 'nodes=4']);
    expect(before).toMatchObject(times('other'));
    const renamed = await sweep(
      path('s.yaml'),
      '--set',
      'metadata.name=t',
      '--out',
      path('other'),
      '--resume',
    );
    expect(renamed.code).toBe(2);
    expect(renamed.stderr).toContain('holds the sweep of another experiment (s)');
  });
});

test('a run that fails spoils no other: exit 2, its reason, and it is tried again', {
  timeout: 120_000,
}, async () => {
  // A workload of the user's that breaks for one value of its argument, when the run has begun.
  const workload = (condition: string): string => `import { defineWorkload } from 'kubetick';
import * as z from 'zod';
export default defineWorkload({
  name: 'fragile',
  about: 'x',
  args: { size: { schema: z.number(), type: 'number', help: 'x' } },
  build: ({ size }) => ({
    workload: {
      namespaces: [],
      *arrivals() {
        if (${condition}) throw new Error('broken for 2');
        yield { atUs: 0, object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'i' }] } } };
      },
    },
  }),
});
`;
  writeFileSync(path('fragile.ts'), workload('size === 2'));
  writeFileSync(
    path('fragile.yaml'),
    `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: fragile}
spec:
  plugins: [fragile.ts]
  workload: {generators: [{use: fragile, size: 1}]}
  sweep: {axes: {size: {at: workload.generators.0.size, values: [1, 2, 3]}}}
`,
  );
  const { code, stderr } = await sweep(path('fragile.yaml'), '--out', path('fragile'), '--quiet');
  expect(code).toBe(2);
  expect(stderr).toContain('failed: size=2 r1: ');
  expect(stderr).toContain('broken for 2');
  const { runs } = sweepFile('fragile');
  expect(runs.map(({ status }) => status)).toEqual(['done', 'failed', 'done']);
  expect(runs[1]!.problem).toContain('broken for 2');
  expect(runs[1]!.fingerprint).toBe('');
  expect(table('fragile', '', 'sweep.csv')).toHaveLength(2);
  // The policy is part of the scenario: the mended one is another sweep.
  writeFileSync(path('fragile.ts'), workload('size === 4'));
  const again = await sweep(path('fragile.yaml'), '--out', path('fragile'), '--quiet', '--resume');
  expect(again.code).toBe(0);
  expect(sweepFile('fragile').runs.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
});

test('expectations of runs and of means over replications: exit 3', { timeout: 120_000 }, async () => {
  const expectations = [
    '--set',
    'expect=["pods.created > 1000000"]',
    '--set',
    'sweep.expect=["pods.created > 0","nodes.count == 2"]',
  ];
  const { code, stderr } = await sweep(path('s.yaml'), ...expectations, '--out', path('expect'), '--quiet');
  expect(code).toBe(3);
  expect(stderr).toContain('expectation failed: nodes=2 r1: pods.created > 1000000 (observed ');
  expect(stderr).toContain('expectation failed: nodes=4, mean: nodes.count == 2 (observed 4)');
  expect(stderr).not.toContain('nodes=2, mean');
  expect(sweepFile('expect')['expect']).toHaveLength(4);
});

describe('a process that ends in the middle', () => {
  const long = ['--set', 'time.run=60m', '--set', 'workload.generators.0.lifetime=10m'];

  async function begun(name: string): Promise<ReturnType<typeof spawn>> {
    const args = ['sweep', path('s.yaml'), '--workers', '2', '--out', path(name), ...long];
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    // The temporary folder of a run shows that one has begun.
    const isBegun = (): boolean =>
      existsSync(path(name)) &&
      readdirSync(path(name), { recursive: true }).some((file) => String(file).includes('.tmp-'));
    for (let i = 0; i < 1200 && !isBegun(); i++) await sleep(25);
    expect(isBegun()).toBe(true);
    return child;
  }

  test('Ctrl-C: exit 130, no traces of what was under way', { timeout: 120_000 }, async () => {
    const child = await begun('stopped');
    let stderr = '';
    child.stderr!.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    const exit = once(child, 'close');
    child.kill('SIGINT');
    expect((await exit)[0]).toBe(130);
    expect(stderr).toMatch(/interrupted: \d runs are left; the same command goes on/);
    const left = readdirSync(path('stopped'), { recursive: true }).map(String);
    expect(left.filter((file) => /tmp-|old-/.test(file))).toEqual([]);
    expect(sweepFile('stopped').runs.some(({ status }) => status === 'pending')).toBe(true);
  });

  test('kill -9: the same command makes the rest', { timeout: 180_000 }, async () => {
    const child = await begun('killed');
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    expect((await exit)[1]).toBe('SIGKILL');
    expect(sweepFile('killed').runs).toHaveLength(6);
    expect((await sweep(path('s.yaml'), ...long, '--out', path('killed'), '--quiet')).code).toBe(0);
    expect(sweepFile('killed').runs.every(({ status }) => status === 'done')).toBe(true);
    const left = readdirSync(path('killed'), { recursive: true }).map(String);
    expect(left.filter((file) => /tmp-|old-/.test(file))).toEqual([]);
  });
});

test('--until-precision adds replications until the interval is as narrow as asked for', {
  timeout: 240_000,
}, async () => {
  const args = ['--until-precision', '2%', '--metric', 'pod.startup.p50', '--max-replications', '60'];
  const one = ['--set', 'sweep.axes.nodes.values=[2]'];
  const { code, stdout } = await sweep(path('s.yaml'), ...args, ...one, '--out', path('precise'));
  expect(code).toBe(0);
  const { runs, precision } = sweepFile('precise') as unknown as {
    runs: unknown[];
    precision: {
      replications: number;
      mean: number;
      ci95: [number, number];
      relative: number;
      reached: boolean;
    }[];
  };
  const [{ replications, mean, ci95, relative, reached }] = precision as [(typeof precision)[number]];
  expect(replications).toBe(runs.length);
  // Twenty at least, so that the spread is known; then either narrow enough or at the limit.
  expect(replications).toBeGreaterThanOrEqual(20);
  expect(reached || replications === 60).toBe(true);
  expect((ci95[1] - ci95[0]) / 2 / mean).toBeCloseTo(relative, 9);
  if (reached) expect(relative).toBeLessThanOrEqual(0.02);
  expect(stdout).toContain(`nodes=2: pod.startup.p50 within ±`);
});
