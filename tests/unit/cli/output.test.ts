// `spec.output` of an Experiment: which tables `run` writes, that the choice changes nothing else, and the page beside
// results of `run` and `sweep`.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './harness.ts';

let folder = '';
const at = (name: string): string => join(folder, name);
const experiment = (output: string): string => `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: small }
spec:
  cluster: { nodes: [{ count: 2, cpu: 2 }] }
  workload: { generators: [{ use: deployments, count: 2, replicas: 3, cpu: 500m }] }
  time: { run: 2m }
${output}`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-output-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs into the directory of that name; returns its files. */
async function files(name: string, output: string, command = 'run'): Promise<string[]> {
  writeFileSync(at(`${name}.yaml`), experiment(output));
  const { code, stderr } = await runCommand([command, at(`${name}.yaml`), '--out', at(name), '--quiet']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return readdirSync(at(name)).sort();
}

const text = (path: string): string => readFileSync(at(path), 'utf8');

test('tables that are not named are not written; summary and loss always are, and what is written is the same', async () => {
  const all = await files('all', '');
  expect(all).toEqual(expect.arrayContaining(['events.csv', 'nodes.csv', 'pods.csv', 'timeseries.csv']));
  expect(all).not.toContain('report.html');
  expect(await files('some', '  output: { tables: [timeseries, summary, pods] }\n')).toEqual([
    'loss.csv',
    'manifest.json',
    'pods.csv',
    'summary.csv',
    'summary.json',
    'timeseries.csv',
    'timing.json',
  ]);
  for (const file of ['pods.csv', 'timeseries.csv', 'summary.json'])
    expect(text(`some/${file}`)).toBe(text(`all/${file}`));
  expect(await files('none', '  output: { tables: [] }\n')).not.toContain('pods.csv');
});

test('verify repeats a run that left tables out, and finds a changed one', async () => {
  await files('kept', '  output: { tables: [pods] }\n');
  expect((await runCommand(['verify', at('kept')])).code).toBe(0);
  writeFileSync(at('kept/pods.csv'), text('kept/pods.csv').replace('Running', 'Pending'));
  expect((await runCommand(['verify', at('kept')])).code).toBe(4);
});

test('a table that was left out is missed with a hint at the key', async () => {
  await files('slo', '  output: { tables: [pods] }\n');
  const { code, stderr } = await runCommand(['report', at('slo'), '--slo']);
  expect(code).toBe(2);
  expect(stderr).toContain('slo/nodes.csv\n  the result directory lacks this table\n');
  expect(stderr).toContain('spec.output.tables');
});

test('html: a page beside the tables of a run, and one beside the runs of a sweep', async () => {
  expect(await files('page', '  output: { html: true }\n')).toContain('report.html');
  expect(text('page/report.html')).toContain('<title>');
  // The page has no part in what is repeated.
  expect((await runCommand(['verify', at('page')])).code).toBe(0);
  const swept = await files('pages', '  output: { html: true }\n  seeds: { replications: 2 }\n', 'sweep');
  expect(swept).toEqual([expect.stringMatching(/^default-/), 'report.html', 'sweep.csv', 'sweep.json']);
  expect(existsSync(join(at('pages'), swept[0]!, 'r01', 'report.html'))).toBe(false);
});

test('a table that does not exist is refused with its place', async () => {
  writeFileSync(at('bad.yaml'), experiment('  output: { tables: [pods, podz] }\n'));
  const { code, stderr, written } = await runCommand(['run', at('bad.yaml'), '--out', at('bad')]);
  expect({ code, written }).toEqual({ code: 2, written: [] });
  expect(stderr).toContain('bad.yaml:8:28 spec.output.tables[1]');
  expect(stderr).toContain('found "podz"');
});
