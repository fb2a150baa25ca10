// The result directory: whole or not there, the same bytes each time, never written over something else.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
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
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '../../../experiments/execute.ts';
import { UserError } from '../../../experiments/problems.ts';
import { defaultRunDirectory, readRun, runId } from '../../../experiments/run-directory.ts';
import { fakeSimulate, scenarioOf } from './fake-engine.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Every file of a directory by name, timing.json apart. */
function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name !== 'timing.json');
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(directory, name)).toString('latin1')]),
  );
}

async function problemOf(action: () => Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await action().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).problems[0]!;
}

describe('a result directory', () => {
  it('has the files of the contract and nothing beside it', async () => {
    const place = join(folder, 'deep', 'down', 'r01');
    const { result, timing, directory } = await execute(scenarioOf(), place, fakeSimulate());
    expect(directory).toBe(place);
    expect(readdirSync(place).sort()).toEqual([
      'api.csv',
      'controllers.csv',
      'events.csv',
      'loss.csv',
      'manifest.json',
      'nodes.csv',
      'pods.csv',
      'summary.csv',
      'summary.json',
      'timeseries.csv',
      'timing.json',
    ]);
    expect(readdirSync(join(folder, 'deep', 'down'))).toEqual(['r01']);
    const json = (name: string) => JSON.parse(readFileSync(join(place, name), 'utf8')) as unknown;
    expect(json('summary.json')).toEqual(JSON.parse(JSON.stringify(result.summary)));
    expect(json('timing.json')).toEqual(timing);
    expect(timing.peakMemoryBytes).toBeGreaterThan(2 ** 20);
    const pods = parse(readFileSync(join(place, 'pods.csv')), { columns: true }) as Record<string, string>[];
    expect(pods).toHaveLength(20);
    // seed 7: the third pod is created at 2 × 7000 µs, scheduled 500 µs later, started after 1 s
    expect(pods[2]).toMatchObject({
      pod: 'web-2',
      created_s: '0.014000',
      scheduled_s: '0.014500',
      started_s: '1.014500',
      ready_s: '',
    });
    const events = parse(readFileSync(join(place, 'events.csv')), { columns: true }) as Record<
      string,
      string
    >[];
    expect(events[0]!['message']).toBe('Assigned, to "node-1"');
  });

  it('is the same, byte by byte, at each repeat, but for timing.json', async () => {
    for (const name of ['a', 'b']) await execute(scenarioOf(), join(folder, name), fakeSimulate());
    expect(contents(join(folder, 'a'))).toEqual(contents(join(folder, 'b')));
    await execute(scenarioOf({ seed: 8 }), join(folder, 'c'), fakeSimulate());
    expect(contents(join(folder, 'c'))['pods.csv']).not.toBe(contents(join(folder, 'a'))['pods.csv']);
  });

  it('names no path and nothing of this machine', async () => {
    const place = join(folder, 'r01');
    await execute(scenarioOf(), place, fakeSimulate());
    for (const text of Object.values(contents(place))) {
      expect(text).not.toContain(folder);
      expect(text).not.toContain(process.cwd());
    }
  });

  it('holds the scenario to repeat the run from: in the manifest, or gzipped when it is long', async () => {
    const short = scenarioOf();
    const long = scenarioOf({ workloads: [{ use: 'trace', args: { data: 'x,'.repeat(300_000) } }] });
    for (const [name, scenario] of [
      ['short', short],
      ['long', long],
    ] as const) {
      await execute(scenario, join(folder, name), fakeSimulate());
      const { manifest, scenario: read } = readRun(join(folder, name));
      expect(read).toEqual(scenario);
      expect(runId(read)).toBe(manifest.run);
      expect(manifest).toMatchObject({
        experiment: 'shop',
        seed: 7,
        replication: 1,
        fingerprint: 'f-7-0',
        endReason: 'idle',
      });
      expect(manifest.versions.node).toBe(Number(process.versions.node.split('.')[0]));
      expect(existsSync(join(folder, name, 'scenario.json.gz'))).toBe(name === 'long');
    }
    // RFC 1952: bytes 4 to 7 are the time, byte 9 the operating system
    const gz = readFileSync(join(folder, 'long', 'scenario.json.gz'));
    expect([...gz.subarray(4, 8), gz[9]]).toEqual([0, 0, 0, 0, 255]);
    writeFileSync(join(folder, 'long', 'scenario.json.gz'), gz.subarray(0, 100));
    expect(() => readRun(join(folder, 'long'))).toThrow(/scenario.json.gz cannot be read/);
  });

  it('replaces a result of the same run', async () => {
    const place = join(folder, 'r01');
    await execute(scenarioOf(), place, fakeSimulate());
    const before = contents(place);
    writeFileSync(join(place, 'pods.csv'), 'spoiled');
    await execute(scenarioOf(), place, fakeSimulate());
    expect(contents(place)).toEqual(before);
    expect(readdirSync(folder)).toEqual(['r01']);
  });

  it.each([
    ['a file', (place: string) => writeFileSync(place, 'mine'), 'exists and is no result directory'],
    ['a folder', (place: string) => mkdirSync(place), 'exists and is no result directory'],
    [
      'another result',
      (place: string) => execute(scenarioOf({ experiment: 'other' }), place, fakeSimulate()),
      'holds the result of another run (other, variant default, seed 7)',
    ],
  ])('is never written over %s', async (_, put, message) => {
    const place = join(folder, 'r01');
    await put(place);
    const before = existsSync(join(place, 'manifest.json')) ? contents(place) : null;
    let simulated = false;
    const problem = await problemOf(() =>
      execute(scenarioOf(), place, (scenario, options) => {
        simulated = true;
        return fakeSimulate()(scenario, options);
      }),
    );
    expect(problem).toMatchObject({ code: 'E4001', file: place, message });
    expect(simulated).toBe(false);
    expect(readdirSync(folder)).toEqual(['r01']);
    if (before !== null) expect(contents(place)).toEqual(before);
  });

  it('that cannot be written is bad input', async () => {
    writeFileSync(join(folder, 'file'), '');
    const problem = await problemOf(() => execute(scenarioOf(), join(folder, 'file', 'r01'), fakeSimulate()));
    expect(problem.code).toBe('E4002');
    expect(problem.message).toMatch(/cannot be written: (ENOTDIR|EEXIST)/);
  });

  it('leaves nothing, new folders neither, when the run fails', async () => {
    const failing = execute(scenarioOf(), join(folder, 'a', 'b', 'r01'), (scenario, options) => {
      fakeSimulate()(scenario, options);
      throw new Error('our bug');
    });
    await expect(failing).rejects.toThrow('our bug');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has its default place from names and a hash that leaves the replication out', () => {
    const place = defaultRunDirectory(scenarioOf({ experiment: 'a b/../c', replication: 12 }));
    expect(place).toMatch(/^runs\/a-b-\.\.-c\/default-[0-9a-f]{8}\/r12$/);
    const hash = (fields: Parameters<typeof scenarioOf>[0]) =>
      defaultRunDirectory(scenarioOf(fields)).split('/')[2];
    expect(hash({ replication: 2 })).toBe(hash({ replication: 1 }));
    expect(hash({ seed: 8 })).not.toBe(hash({ seed: 7 }));
    expect(hash({ untilUs: 1 })).not.toBe(hash({}));
  });

  it.each([
    ['no folder', () => {}],
    ['an empty folder', (place: string) => mkdirSync(place)],
    [
      'a manifest of something else',
      (place: string) => {
        mkdirSync(place);
        writeFileSync(join(place, 'manifest.json'), '{"kind":"List"}');
      },
    ],
  ])('is not read from %s', (_, put) => {
    const place = join(folder, 'r01');
    put(place);
    expect(() => readRun(place)).toThrow(/E4003 not a result directory/);
  });
});

describe('a process killed while it writes', () => {
  it('leaves a whole result or none, and the next run removes what it left', {
    timeout: 120_000,
  }, async () => {
    const place = join(folder, 'r01');
    const expected = join(folder, 'expected');
    const scenario = scenarioOf({ podCount: 3000 });
    await execute(scenario, expected, fakeSimulate());
    let leftovers = 0;
    // Delays from the first rows to several whole runs (about 30 ms each).
    for (const delayMs of [1, 7, 23, 41, 67, 120, 190]) {
      await killWriterAfter(place, delayMs);
      const beside = readdirSync(folder).filter((name) => name.startsWith('.r01.'));
      leftovers += beside.length;
      // Between the two renames of a replacement the result is at its old name; the next run brings it back.
      if (existsSync(place)) expect(contents(place)).toEqual(contents(expected));
      expect(beside.every((name) => /^\.r01\.(tmp|old)-\d+$/.test(name))).toBe(true);
      await execute(scenario, place, fakeSimulate());
      expect(readdirSync(folder).sort()).toEqual(['expected', 'r01']);
      expect(contents(place)).toEqual(contents(expected));
    }
    // Otherwise the kills came at moments that show nothing.
    expect(leftovers).toBeGreaterThan(0);
  });

  it('in the middle of a replacement loses no result', async () => {
    const place = join(folder, 'r01');
    await execute(scenarioOf(), place, fakeSimulate());
    const before = contents(place);
    const dead = await deadProcess();
    // As a process leaves it that dies between its two renames.
    const { renameSync } = await import('node:fs');
    renameSync(place, join(folder, `.r01.old-${dead}`));
    mkdirSync(join(folder, `.r01.tmp-${dead}`));
    const problem = await problemOf(() => execute(scenarioOf({ seed: 99 }), place, fakeSimulate()));
    expect(problem.code).toBe('E4001');
    expect(readdirSync(folder)).toEqual(['r01']);
    expect(contents(place)).toEqual(before);
  });
});

async function killWriterAfter(place: string, delayMs: number): Promise<void> {
  const writer = fileURLToPath(new URL('./endless-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', writer, place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  child.kill('SIGKILL');
  await exit;
}

/** The number of a process that is no more. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}
