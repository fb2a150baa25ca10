// The studies of examples/studies in a reduced form: each command of its page works, and what the page finds can be seen.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildProgram, start } from './built.ts';
import { type Row, root } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubetick-studies-'));
const studies = join(root, 'examples/studies');
let program = '';

afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  program = await buildProgram(join(folder, 'built'));
}, 120_000);

/** DuckDB is an optional package; without it there is nothing to ask. */
const hasDuckDb = ((): boolean => {
  try {
    createRequire(import.meta.url).resolve('@duckdb/node-api');
    return true;
  } catch {
    console.warn('studies are run but not asked: @duckdb/node-api is not installed');
    return false;
  }
})();

/** Makes the runs of a study with these changes and asks its question; null without DuckDB. */
async function study(name: string, ...changes: string[]): Promise<Row[] | null> {
  const set = changes.flatMap((change) => ['--set', change]);
  const swept = start(program, ['sweep', join(studies, `${name}.yaml`), '--quiet', ...set], folder);
  expect(await swept.ended).toEqual({ code: 0, stdout: '', stderr: '' });
  if (!hasDuckDb) return null;
  const sql = readFileSync(join(studies, `${name}.sql`), 'utf8');
  // In the checkout, where its packages are.
  const asked = start(
    join(root, 'cli/main.ts'),
    ['query', join(folder, 'runs', name), '-', '--format', 'json'],
    root,
    { NODE_OPTIONS: '--import tsx' },
  );
  asked.child.stdin!.end(sql);
  const { code, stdout, stderr } = await asked.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Row[];
}

const value = (rows: readonly Row[], where: Readonly<Record<string, unknown>>, column: string): number => {
  const found = rows.filter((row) =>
    Object.entries(where).every(([key, one]) => String(row[key]) === String(one)),
  );
  expect(found).toHaveLength(1);
  return Number(found[0]![column]);
};

test('openb: jobs of whole nodes starve where pods are spread', { timeout: 240_000 }, async () => {
  const rows = await study('openb-packing', 'seeds.replications=1');
  if (rows === null) return;
  const never = (variant: string): number => value(rows, { variant, gpus: 8 }, 'never_started');
  expect(never('least')).toBeGreaterThan(3 * never('most'));
  expect(never('least')).toBeGreaterThan(3 * never('whole'));
});

test('rollout: a short preStop loses requests, a slow probe costs time', { timeout: 240_000 }, async () => {
  const rows = await study('rollout', 'seeds.replications=1', 'sweep.axes.preStop.values=[5]');
  if (rows === null) return;
  const time = (strategy: string, period: number): number => value(rows, { strategy, period }, 'rollout_s');
  expect(rows.map(({ failed }) => Number(failed))).toEqual(rows.map(() => 0));
  expect(time('double', 1)).toBeLessThan(time('quarter', 1));
  expect(time('quarter', 1)).toBeLessThan(time('one-more', 1));
  expect(time('one-more', 1)).toBeLessThan(time('one-more', 10));
});

test('start-up by rate: beyond 50 pods a second they wait to be bound', { timeout: 240_000 }, async () => {
  const changes = [
    'sweep.axes.rate.values=[40, 80]',
    'sweep.axes.nodes.values=[1000]',
    'seeds.replications=1',
  ];
  const rows = await study('startup-rate', ...changes);
  if (rows === null) return;
  expect(value(rows, { rate: 40 }, 'bind_s')).toBeLessThan(0.1);
  expect(value(rows, { rate: 80 }, 'bind_s')).toBeGreaterThan(1);
});

test('priorities: urgent jobs wait less, at the cost of the others', { timeout: 240_000 }, async () => {
  const rows = await study('surf-priorities', 'workload.traces.0.limit=300', 'cluster.nodes.0.count=40');
  if (rows === null) return;
  const mean = (variant: string, group: string): number => value(rows, { variant, group }, 'mean_min');
  expect(mean('three', 'urgent')).toBeLessThan(mean('three', 'normal'));
  expect(mean('three', 'normal')).toBeLessThan(mean('three', 'bulk'));
});
