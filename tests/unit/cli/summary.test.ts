// `kubetick summary`: cohorts of pods with their phases, exactly those of pods.csv; what `run` prints of phases and
// controllers, and that controllers.csv agrees with api.csv; what is refused.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from './harness.ts';

const deployment = (name: string, replicas: number) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec:\n  replicas: ${replicas}\n  selector: {matchLabels: {app: ${name}}}\n  template:\n    metadata: {labels: {app: ${name}, tier: t}}\n    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1}}}]}\n`;

let folder = '';
let run = '';
let printed = '';

const rowsOf = (table: string): Record<string, string>[] =>
  parse(readFileSync(join(run, `${table}.csv`), 'utf8'), { columns: true });

interface Told {
  readonly by: string;
  readonly cohorts: {
    readonly name: string;
    readonly pods: number;
    readonly started: number;
    readonly phases: {
      phase: string;
      count: number;
      mean: number;
      p50: number;
      max: number;
      share: number;
    }[];
  }[];
}

async function summary(...more: string[]): Promise<Told> {
  const { code, stdout, stderr } = await runCommand(['summary', run, '-o', 'json', ...more]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Told;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-summary-'));
  run = join(folder, 'run');
  const app = [deployment('web', 5), deployment('db', 3), deployment('none', 9)].join('---\n');
  const { code, stdout } = await runCommand(['run', 'app.yaml', '--out', run], { 'app.yaml': app });
  expect(code).toBe(0);
  printed = stdout;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('cohorts', () => {
  test('all pods: the total is created to watched of every pod in pods.csv', async () => {
    const [all] = (await summary()).cohorts;
    const micros = (text: string) => Math.round(Number(text) * 1e6);
    const starts = rowsOf('pods')
      .filter((row) => row['watched_s'] !== '')
      .map((row) => micros(row['watched_s']!) - micros(row['created_s']!))
      .sort((a, b) => a - b);
    // 3 nodes of 4 CPUs.
    expect(starts).toHaveLength(12);
    expect(all).toMatchObject({ name: 'all pods', pods: 17, started: 12 });
    const [total, ...phases] = all!.phases;
    expect(total).toMatchObject({ phase: 'total', count: 12, p50: starts[5]! / 1e6, max: starts[11]! / 1e6 });
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    expect(total!.mean).toBeCloseTo(sum(starts) / 12 / 1e6, 9);
    expect(sum(phases.map(({ count, mean }) => count * mean))).toBeCloseTo(sum(starts) / 1e6, 6);
    expect(sum(phases.map(({ share }) => share))).toBeCloseTo(1, 4);
  });

  const cases: readonly [string, RegExp][] = [
    ['label:app', /^app=(web|db|none)$/],
    ['label:tier', /^tier=t$/],
    ['label:missing', /^\(no missing\)$/],
    ['namespace', /^default$/],
    ['node', /^(node-[123]|\(no node\))$/],
    ['owner', /^ReplicaSet\/default\/(web|db|none)-/],
  ];
  for (const [by, names] of cases) {
    test(`by ${by}`, async () => {
      const told = await summary('--by', by);
      expect(told.by).toBe(by);
      for (const { name } of told.cohorts) expect(name).toMatch(names);
      expect(new Set(told.cohorts.map(({ name }) => name)).size).toBe(told.cohorts.length);
      expect(told.cohorts.reduce((pods, cohort) => pods + cohort.pods, 0)).toBe(17);
    });
  }

  test('as tables', async () => {
    const { stdout } = await runCommand(['summary', run, '--by', 'label:app']);
    expect(stdout).toMatch(/^app=\w+: \d pods, \d seen Ready\n┌/);
    expect(stdout).toMatch(/│ total +│ +\d │.*100\.0 % │\n/);
  });
});

describe('what a run prints', () => {
  test('the mean phases of all pods', () => {
    expect(printed).toMatch(
      /\npod start, mean of 12: [0-9.]+ s = 2\.00 ms watch by scheduler \+ .* image \+ /,
    );
  });

  test('a line a controller, as in controllers.csv', () => {
    const rows = rowsOf('controllers');
    expect(rows.map(({ controller }) => controller)).toEqual(
      expect.arrayContaining(['deployment', 'replicaset']),
    );
    for (const { controller, reconciles, requests, conflicts } of rows) {
      const line = printed.split('\n').find((each) => each.startsWith(`${controller} `))!;
      expect(line.split(/ {2,}/)).toEqual([
        controller,
        reconciles,
        expect.stringMatching(/^[0-9.]+( .?s)?$/),
        expect.stringMatching(/^[0-9.]+( .?s)?$/),
        requests,
        conflicts,
      ]);
    }
  });

  test('conflicts and requests are those that the API server counted', () => {
    // These two alone write ReplicaSets, Deployments' status and pods here.
    const own = rowsOf('controllers').filter(({ controller }) =>
      /^(deployment|replicaset)$/.test(controller!),
    );
    const asked = own.map(({ requests, conflicts }) => [Number(requests), Number(conflicts)]);
    const answered = rowsOf('api').filter(
      ({ verb, resource }) =>
        (verb === 'create' && (resource === 'pods' || resource === 'replicasets')) ||
        ((verb === 'update' || verb === 'patch') && /^(replicasets|deployments)(\/status)?$/.test(resource!)),
    );
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    expect(sum(asked.map(([requests]) => requests!))).toBe(sum(answered.map(({ count }) => Number(count))));
    const refused = answered.map(({ errors }) => Number(/409:(\d+)/.exec(errors!)?.[1] ?? 0));
    expect(sum(asked.map(([, conflicts]) => conflicts!))).toBe(sum(refused));
  });
});

describe('refused', () => {
  const cases: readonly [string, () => string[], string][] = [
    ['no run', () => ['summary'], 'E1004\n  RUN is missing\n  usage: kubetick summary RUN [options]\n'],
    [
      'no result, no such cohort and no such form, all at once',
      () => ['summary', 'nowhere', '--by', 'owners', '-o', 'csv'],
      'E1003 --output\n  found "csv", expected table or json\nE4003 nowhere\n  not a result directory: it has no readable manifest.json\n  give a directory written by `kubetick run`\nE1003 --by\n  found "owners", expected owner, namespace, node or label:KEY\n  did you mean "owner"?\n3 problems\n',
    ],
    [
      'a label without a key',
      () => ['summary', run, '--by', 'label'],
      'E1003 --by\n  found "label", expected owner, namespace, node or label:KEY\n  did you mean "label:KEY"?\n',
    ],
  ];
  for (const [what, args, expected] of cases) {
    test(what, async () => {
      const { code, stdout, stderr } = await runCommand(args());
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expected });
    });
  }
});
