// `run` and `verify` as commands: what they print where, which files they leave, how they end. The engine is a
// stand-in; loading is its own test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunArguments, run } from '../../../cli/commands/run.ts';
import { verify } from '../../../cli/commands/verify.ts';
import { type Io, UserError } from '../../../cli/errors.ts';
import type { ResolvedScenario } from '../../../engine/contracts/scenario.ts';
import { withPortableSources } from '../../../experiments/source-names.ts';
import { fakeSimulate, scenarioOf } from './fake-engine.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function capture(): { io: Io; out: () => string; err: () => string } {
  const [out, err]: string[][] = [[], []];
  const stream = (into: string[]) => ({ write: (text: string) => into.push(text), isTTY: false });
  return {
    io: { stdout: stream(out!), stderr: stream(err!), env: {} },
    out: () => out!.join(''),
    err: () => err!.join(''),
  };
}

async function runIt(args: Partial<RunArguments>, scenario: ResolvedScenario = scenarioOf()) {
  const { io, out, err } = capture();
  const dependencies = { load: async () => scenario, simulate: fakeSimulate() };
  const code = await run({ paths: ['x.yaml'], out: join(folder, 'r01'), ...args }, io, dependencies);
  return { code, out: out(), err: err() };
}

describe('run', () => {
  it('prints tables and writes the result', async () => {
    const { code, out, err } = await runIt({});
    expect(code).toBe(0);
    expect(out).toMatch(/^shop · seed 7 · 2\.13 s of cluster time/);
    expect(out).toContain('pod.scheduleToRun');
    expect(out).toContain(`results      ${join(folder, 'r01')}`);
    expect(err).toBe('');
    expect(readdirSync(folder)).toEqual(['r01']);
  });

  it('prints with --json the summary and nothing else', async () => {
    const { code, out, err } = await runIt({ json: true });
    expect(code).toBe(0);
    expect(out).toBe(readFileSync(join(folder, 'r01', 'summary.json'), 'utf8'));
    expect(JSON.parse(out)).toMatchObject({ experiment: 'shop', pods: { created: 20, running: 20 } });
    expect(err).toBe('');
  });

  it('prints nothing with --quiet', async () => {
    expect(await runIt({ quiet: true })).toEqual({ code: 0, out: '', err: '' });
    expect(readdirSync(folder)).toEqual(['r01']);
  });

  it('ends with 3 when an expectation fails, with the result written', async () => {
    const failing = scenarioOf({ expect: ['pods.pending == 0', 'pods.created == 21'] });
    const table = await runIt({}, failing);
    expect(table.code).toBe(3);
    expect(table.out).toContain('FAILS  pods.created == 21  (20)');
    const quiet = await runIt({ quiet: true }, failing);
    expect(quiet).toEqual({
      code: 3,
      out: '',
      err: 'expectation failed: pods.created == 21 (observed 20)\n',
    });
    expect(readdirSync(folder)).toEqual(['r01']);
  });

  it('prints the trace before the tables; with --json to standard error', async () => {
    const line = '0.021000 s  kubectl  pod/web-3  create\n';
    const table = await runIt({ trace: 'pod/web-3' });
    expect(table.out.startsWith(`${line}\n`)).toBe(true);
    const json = await runIt({ trace: 'pod/web-3', json: true });
    expect(json.err).toBe(line);
    expect(JSON.parse(json.out)).toMatchObject({ experiment: 'shop' });
  });

  it('says so when the object to trace was never seen', async () => {
    const { code, err } = await runIt({ trace: 'pod/nobody' });
    expect(code).toBe(0);
    expect(err).toBe('--trace pod/nobody: no such object was seen in this run\n');
  });

  it('refuses a bad --trace before anything is written', async () => {
    await expect(runIt({ trace: 'web' })).rejects.toThrow(/E4004 "web" is not of the form KIND\/NAME/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses a place that is taken', async () => {
    writeFileSync(join(folder, 'r01'), '');
    await expect(runIt({})).rejects.toThrow(UserError);
  });

  it('ended by Ctrl-C leaves nothing and exits with 130', { timeout: 60_000 }, async () => {
    const place = join(folder, 'a', 'r01');
    const script = fileURLToPath(new URL('./long-run.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, place], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exit = once(child, 'exit');
    let err = '';
    child.stderr.on('data', (data: Buffer) => {
      err += data.toString();
    });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect((await exit)[0]).toBe(130);
    expect(err).toBe('interrupted: nothing was written\n');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('verify', () => {
  async function recorded(scenario = scenarioOf()): Promise<string> {
    await runIt({ quiet: true }, scenario);
    return join(folder, 'r01');
  }
  async function verifyIt(place: string, drift = 0, json = false) {
    const { io, out, err } = capture();
    const code = await verify({ run: place, json }, io, fakeSimulate(drift));
    return { code, out: out(), err: err() };
  }

  it('finds a run that repeats equal', async () => {
    const place = await recorded();
    expect(await verifyIt(place)).toEqual({
      code: 0,
      out: `${place}: repeats; 10 files equal, fingerprint f-7-0\n`,
      err: '',
    });
    expect(readdirSync(folder)).toEqual(['r01']);
  });

  it('repeats a scenario that stands in its own file', async () => {
    const place = await recorded(
      scenarioOf({ workloads: [{ use: 'trace', args: { data: 'x,'.repeat(300_000) } }] }),
    );
    expect((await verifyIt(place)).out).toContain('repeats; 11 files equal');
  });

  it('finds the one planted cell in pods.csv, and that the run itself repeats', async () => {
    const place = await recorded();
    const file = join(place, 'pods.csv');
    // pod web-11: created at 11 × 7000 µs
    writeFileSync(file, readFileSync(file, 'utf8').replace('0.077000', '0.077001'));
    expect(await verifyIt(place)).toEqual({
      code: 4,
      out: [
        `${place}: does not repeat\n`,
        '  first difference: pods.csv:13 created_s\n',
        '    recorded  0.077001\n',
        '    now       0.077000\n',
        '  the run itself repeats (equal fingerprints): the recorded files were changed afterwards\n',
      ].join(''),
      err: '',
    });
  });

  it('finds a run that went another way, with the first ingredient that differs', async () => {
    const place = await recorded();
    const { code, out } = await verifyIt(place, 250);
    expect(code).toBe(4);
    expect(out).toContain(
      '  first difference: summary.json:6 fingerprint\n    recorded  "f-7-0"\n    now       "f-7-250"\n',
    );
    expect(out).toContain('  first differing ingredient: t (times of events)\n');
    expect(out).toContain('  fingerprint f-7-0 recorded, f-7-250 now\n');
  });

  it('gives its verdict as JSON', async () => {
    const place = await recorded();
    const { out } = await verifyIt(place, 250, true);
    expect(JSON.parse(out)).toEqual({
      run: place,
      repeats: false,
      fingerprint: { was: 'f-7-0', is: 'f-7-250' },
      ingredient: 't',
      files: 1,
      difference: { file: 'summary.json', line: 6, column: 'fingerprint', was: '"f-7-0"', is: '"f-7-250"' },
    });
  });

  it('finds a missing file', async () => {
    const place = await recorded();
    rmSync(join(place, 'events.csv'));
    const { code, out } = await verifyIt(place);
    expect(code).toBe(4);
    expect(out).toContain(
      'first difference: events.csv:1\n    recorded  (nothing)\n    now       the file\n',
    );
  });

  it('warns when another version recorded it', async () => {
    const place = await recorded();
    const file = join(place, 'manifest.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"node": \d+/, '"node": 18'));
    const { code, err } = await verifyIt(place);
    expect(code).toBe(4);
    expect(err).toBe(
      `recorded on Node 18, repeated on ${process.versions.node.split('.')[0]}: results may differ\n`,
    );
  });

  it('refuses what is no result directory', async () => {
    await expect(verifyIt(folder)).rejects.toThrow(/E4003 not a result directory/);
  });
});

describe('withPortableSources', () => {
  const named = (source: string) => ({ source, object: { apiVersion: 'v1', kind: 'Pod', metadata: {} } });
  it.each([
    [['/data/shop'], '/data/shop/sub/a.yaml', 'shop/sub/a.yaml'],
    [['/data/shop/a.yaml'], '/data/shop/a.yaml', 'a.yaml'],
    [['/data', '/data/shop/app'], '/data/shop/app/a.yaml', 'app/a.yaml'],
    [['shop'], 'shop/a.yaml', 'shop/a.yaml'],
    [['-'], '-', '-'],
    [['x.yaml'], '/elsewhere/b.yaml', 'b.yaml'],
  ])('%j: %s is %s', (paths, source, name) => {
    const scenario = scenarioOf({
      existing: [named(source)],
      steps: [{ atUs: 0, do: 'create', objects: [named(source)] }],
      loss: [{ source, kind: 'Pod', field: '', count: 1, note: '' }],
    });
    const portable = withPortableSources(scenario, paths);
    expect(portable.existing[0]!.source).toBe(name);
    expect(portable.steps[0]!.objects[0]!.source).toBe(name);
    expect(portable.loss[0]!.source).toBe(name);
  });
});
