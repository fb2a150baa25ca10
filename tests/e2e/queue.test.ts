// Sweeps over Redis with workers in processes of their own: the same bytes as on one machine, also when workers are
// killed, stopped or lost; nothing is done twice by the wrong version, and a failing run spoils no other.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SweepFile } from '../../experiments/sweep-directory.ts';
import { buildProgram, contentsOf, type Outcome, type Started, start, until } from './built.ts';
import { type RedisServer, redisMissing, startRedis } from './redis.ts';

const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: s}
spec:
  cluster: {nodes: [{count: 2}]}
  workload:
    generators: [{use: poisson-deployments, ratePerMin: 20, replicas: 2, lifetime: 10m, cpu: 100m}]
  time: {run: 10m}
  seeds: {seed: 3, replications: 3}
  sweep:
    axes:
      nodes: {at: cluster.nodes.0.count, values: [2, 4]}
`;

/** Throws where a cluster of four nodes is scored. */
const POLICY = `import { definePlugin, NodeField } from 'kubetick';
export default definePlugin({
  name: 'Picky',
  about: 'does not like node-3',
  points: ['score'],
  create: () => ({
    locality: 'node',
    reads: NodeField.allocatable,
    sign: () => '',
    score(_pod, node) {
      if (node.name === 'node-3') throw new Error('not this one');
      return 1;
    },
  }),
});
`;

const missing = redisMissing();
if (missing !== null) console.warn(`tests of sweeps over Redis are skipped: ${missing}`);

describe.skipIf(missing !== null)('sweeps over Redis', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-queue-'));
  const program = join(folder, 'built', 'kubetick.js');
  const started: Started[] = [];
  let redis: RedisServer;

  const path = (name: string): string => join(folder, name);
  const run = (args: readonly string[], env?: Readonly<Record<string, string>>): Started => {
    const one = start(program, args, folder, env);
    started.push(one);
    return one;
  };
  const sweep = (out: string, ...args: string[]): Started =>
    run(['sweep', 's.yaml', '--queue', redis.url, '--out', out, ...args]);
  /** Its scratch files are in a folder of its name. */
  const worker = (name: string, ...args: string[]): Started => {
    mkdirSync(path(name));
    return run(['worker', redis.url, ...args], { TMPDIR: path(name) });
  };
  /** A worker has begun to simulate when there is a temporary result directory. */
  const isBusy = (name: string): boolean =>
    readdirSync(path(name), { recursive: true }).some((file) => String(file).includes('.tmp-'));
  const isReady = ({ output }: Started): boolean => output().stderr.includes('taking runs from');
  const statuses = (out: string): string[] =>
    (JSON.parse(readFileSync(path(`${out}/sweep.json`), 'utf8')) as SweepFile).runs.map(
      ({ status }) => status,
    );

  beforeAll(async () => {
    await buildProgram(path('built'));
    writeFileSync(path('s.yaml'), EXPERIMENT);
    writeFileSync(path('picky.ts'), POLICY);
    redis = await startRedis();
    expect(await start(program, ['sweep', 's.yaml', '--out', 'local', '--quiet'], folder).ended).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  }, 240_000);

  afterAll(async () => {
    for (const { child } of started) child.kill('SIGKILL');
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('of two workers one is killed in the middle of a run: the same bytes as on one machine', {
    timeout: 240_000,
  }, async () => {
    const handed = sweep('killed', '--quiet');
    const lost = worker('lost', '--workers', '1', '--lost-after', '3s');
    await until('the first worker simulates', () => isBusy('lost'));
    const other = worker('other', '--workers', '1', '--lost-after', '3s', '--exit-when-idle');
    lost.child.kill('SIGKILL');
    const { code, stderr } = await handed.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(contentsOf(path('killed'))).toEqual(contentsOf(path('local')));
    expect(statuses('killed')).toEqual(Array.from({ length: 6 }, () => 'done'));
    // What the killed one had finished was not made again.
    const made = (text: string): number => [...text.matchAll(/: done in /g)].length;
    const { code: ended, stdout } = await other.ended;
    expect(ended).toBe(0);
    expect(made(stdout)).toBe(6 - made(lost.output().stdout));
    expect(stdout).toContain(`${made(stdout)} runs made\n`);
  });

  test('a run that fails is told as it is on one machine, and the others are made', {
    timeout: 240_000,
  }, async () => {
    const short = ['--quiet', '--format', 'parquet', '--plugin', 'picky.ts', '--set', 'time.run=2m'];
    const picky = 'policies.scheduler.config=./picky.yaml';
    writeFileSync(
      path('picky.yaml'),
      'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{plugins: {score: {enabled: [{name: Picky}]}}}]\n',
    );
    const local = run(['sweep', 's.yaml', '--out', 'failing-local', ...short, '--set', picky]);
    const expected = await local.ended;
    expect(expected.code).toBe(2);
    const handed = sweep('failing', ...short, '--set', picky);
    await until('the sweep is there', () => existsSync(path('failing/sweep.json')));
    await worker('failing-worker', '--exit-when-idle').ended;
    const { code, stderr } = await handed.ended;
    expect({ code, stderr }).toEqual({ code: expected.code, stderr: expected.stderr });
    expect(contentsOf(path('failing'))).toEqual(contentsOf(path('failing-local')));
    expect(statuses('failing')).toEqual(['done', 'done', 'done', 'failed', 'failed', 'failed']);
  });

  test('Ctrl-C finishes the run under way, SIGTERM gives it back; both end the worker', {
    timeout: 240_000,
  }, async () => {
    const handed = sweep('stopped', '--quiet');
    const polite = worker('polite', '--workers', '1');
    await until('the first worker simulates', () => isBusy('polite'));
    polite.child.kill('SIGINT');
    const first: Outcome = await polite.ended;
    expect(first.code).toBe(130);
    expect(first.stderr).toContain('finishing the runs under way; Ctrl-C again gives them back');
    expect(first.stdout).toMatch(/: done in [\d.]+ s\n1 runs made\n$/);
    const hasty = worker('hasty', '--workers', '1');
    await until('the second worker simulates', () => isBusy('hasty'));
    hasty.child.kill('SIGTERM');
    const second: Outcome = await hasty.ended;
    expect(second.code).toBe(130);
    expect(second.stdout).toMatch(/: given back after [\d.]+ s\n0 runs made, 1 given back\n$/);
    expect(readdirSync(path('hasty'))).toEqual([]);
    // A lost lock would be waited for; what was given back is taken at once.
    const last = worker('last', '--lost-after', '10m', '--exit-when-idle');
    expect((await handed.ended).code).toBe(0);
    expect((await last.ended).stdout).toContain('5 runs made');
    expect(contentsOf(path('stopped'))).toEqual(contentsOf(path('local')));
  });

  test('a sweep that is stopped takes back what nobody has begun, and goes on with what was finished meanwhile', {
    timeout: 240_000,
  }, async () => {
    const handed = sweep('interrupted');
    await until('the runs are handed out', () => existsSync(path('interrupted/sweep.json')));
    const one = worker('one', '--workers', '1', '--exit-when-idle');
    await until('the worker simulates', () => isBusy('one'));
    handed.child.kill('SIGINT');
    const { code, stderr } = await handed.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/interrupted: \d runs are left; the same command goes on/);
    const before = statuses('interrupted').filter((status) => status === 'done').length;
    const { stdout } = await one.ended;
    const made = Number(/(\d+) runs made/.exec(stdout)![1]);
    expect(made).toBe(before + 1);
    const again = sweep('interrupted');
    // It stays until it is told to go: one that ends when idle might look before the sweep has come.
    const two = worker('two');
    expect((await again.ended).code).toBe(0);
    two.child.kill('SIGINT');
    expect((await two.ended).stdout).toContain(`${6 - made} runs made`);
    expect(contentsOf(path('interrupted'))).toEqual(contentsOf(path('local')));
  });

  describe('another version', () => {
    // A server of their own: a worker that was killed above is taken for present until its sign of life runs out.
    let shared: RedisServer;
    beforeAll(async () => {
      shared = redis;
      redis = await startRedis();
    });
    afterAll(async () => {
      await redis.stop();
      redis = shared;
    });

    const other = join(folder, 'other-build');
    const startOther = (args: readonly string[]): Started => {
      if (!existsSync(other)) {
        cpSync(path('built'), other, { recursive: true });
        writeFileSync(join(other, 'kubetick.js'), '\n// another build\n', { flag: 'a' });
      }
      const one = start(join(other, 'kubetick.js'), args, folder);
      started.push(one);
      return one;
    };

    test('a worker refuses the sweep that is there', { timeout: 60_000 }, async () => {
      const handed = sweep('version');
      await until('the sweep is there', () => existsSync(path('version/sweep.json')));
      const { code, stderr } = await startOther(['worker', redis.url]).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^E5003 URL\n {2}the sweep there is of another version, and results could differ\n {2}this worker: kubetick .* \(build [0-9a-f]{12}\) on Node \d+\n {2}sweep: kubetick .* \(build [0-9a-f]{12}\) on Node \d+ \(host /,
      );
      handed.child.kill('SIGINT');
      expect((await handed.ended).code).toBe(130);
    });

    test('a sweep refuses workers that are all of another version', { timeout: 60_000 }, async () => {
      const idle = startOther(['worker', redis.url]);
      await until('the worker is there', () => isReady(idle));
      const { code, stderr } = await sweep('refused').ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/^E5003 --queue\n {2}all workers there are of another version/);
      expect(existsSync(path('refused'))).toBe(false);
      idle.child.kill('SIGINT');
      expect((await idle.ended).code).toBe(130);
    });
  });

  test('a server that wants a password, and one that went away', { timeout: 120_000 }, async () => {
    const closed = await startRedis(['--requirepass', 'secret']);
    try {
      const refused = await run(['worker', closed.url]).ended;
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/^E5001 URL\n {2}the Redis server at \S+ refuses: NOAUTH/);
      const wrong = closed.url.replace('//', '//:wrong@');
      const { code, stderr } = await run(['sweep', 's.yaml', '--queue', wrong]).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^E5001 --queue\n {2}the Redis server at redis:\/\/:\*\*\*@\S+ refuses: WRONGPASS/,
      );
      const right = run(['worker', closed.url.replace('//', '//:secret@')]);
      await until('the worker is there', () => isReady(right));
      expect(right.output().stderr).not.toContain('secret');
      right.child.kill('SIGINT');
      await right.ended;
    } finally {
      await closed.stop();
    }
    const gone = await run(['worker', closed.url]).ended;
    expect(gone.code).toBe(2);
    expect(gone.stderr).toMatch(
      /^E5001 URL\n {2}no Redis server answers at \S+ \(ECONNREFUSED\)\n {2}start one: redis-server/,
    );
  });

  test('the program itself holds nothing of the queue: it is read when it is used', () => {
    const [text, library] = [program, path('built/lib/redis-library.js')].map((file) =>
      readFileSync(file, 'utf8'),
    );
    expect(library).toContain('node_modules/bullmq/');
    expect(text).not.toMatch(/node_modules\/(?:bullmq|ioredis)\//);
  });
});
