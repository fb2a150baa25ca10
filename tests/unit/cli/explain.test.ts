// `kubetick explain`: a pod that waits for a node that never comes, one that got one, one that was never attempted; what
// is refused; and that a result which this version would not give is told.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from './harness.ts';

const pod = (name: string, cpu: number, more = '', namespace = 'default') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec:\n  containers: [{name: c, image: i, resources: {requests: {cpu: ${cpu}}}}]\n${more}`;

const APP = [
  pod('fits', 3),
  pod('small-1', 0.25),
  pod('small-2', 0.25),
  pod('waits', 2),
  pod('gated', 1, '  schedulingGates: [{name: later}]\n'),
  pod('both', 100, '', 'a'),
  pod('both', 100, '', 'b'),
].join('---\n');

// Two pods go: too little room each time, but the scheduler looks again.
const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: waits}
spec:
  cluster: {nodes: [{count: 1, name: node-1, cpu: 4}]}
  workload: {manifests: [app.yaml]}
  steps:
  - {at: 100s, do: delete-pod, name: small-1}
  - {at: 200s, do: delete-pod, name: small-2}
  time: {run: 250s}
`;
const FILES = { 'app.yaml': APP, 'e.yaml': EXPERIMENT };

let folder = '';
let run = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-explain-'));
  run = join(folder, 'run');
  const { code, stderr } = await runCommand(['run', 'e.yaml', '--out', run, '--quiet'], FILES);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MESSAGE =
  '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';

describe('a pod that waits', () => {
  test('every attempt with its time, the last one in full, and what would have made it fit', async () => {
    const { code, stdout, stderr } = await runCommand(['explain', run, 'pod/waits']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^pod default\/waits: Pending\n\n0\.\d+ s = 0\.\d+ watch by scheduler/);
    expect(stdout).toContain('\n3 scheduling attempts\n');
    const lines = stdout.split('\n').filter((line) => line.includes('unschedulable: '));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toContain(MESSAGE);
    expect(lines[2]).toMatch(/^ {2}> 3 {2}2\d\d\./);
    expect(stdout).toMatch(/attempt 3 at 2\d\d\.\d+ s, as the scheduler saw the cluster then:/);
    expect(stdout).toMatch(/│ node-1 │ NodeResourcesFit │ Insufficient cpu │/);
    expect(stdout).toContain('    lower the request of cpu from 2 to 1: then it goes to node-1\n');
    expect(stdout).toContain(
      'delete pod default/fits on node-1 (preemption does not: its priority 0 is not below 0)',
    );
  });

  test('as JSON, an earlier attempt, by number and by time', async () => {
    const first = await runCommand(['explain', run, 'pod/default/waits', '--attempt', '1', '-o', 'json']);
    const told = JSON.parse(first.stdout) as {
      explained: number;
      path: { seconds: number }[];
      attempts: { number: number; from: number; result: string }[];
      placement: { result: string; message: string; hints: unknown[] };
    };
    expect(told.explained).toBe(1);
    expect(told.attempts.map(({ number, result }) => [number, result])).toEqual([
      [1, 'unschedulable'],
      [2, 'unschedulable'],
      [3, 'unschedulable'],
    ]);
    expect(told.placement).toMatchObject({ result: 'unschedulable', message: MESSAGE });
    expect(told.placement.hints.length).toBeGreaterThan(0);
    const at = `${Math.ceil(told.attempts[1]!.from) + 1}s`;
    const second = await runCommand(['explain', run, 'pod/waits', '--at', at, '-o', 'json', '--no-hints']);
    expect(JSON.parse(second.stdout)).toMatchObject({ explained: 2, placement: { result: 'unschedulable' } });
    expect(second.stdout).not.toContain('"hints"');
  });
});

test('a pod that got a node: its phases, and the table with the scores', async () => {
  const { code, stdout } = await runCommand(['explain', run, 'po/fits']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^pod default\/fits: Running on node-1\n/);
  expect(stdout).toMatch(
    / s = [0-9.]+ watch by scheduler \+ .* sandbox \+ [0-9.]+ image \+ .* watch by client\n/,
  );
  expect(stdout).toContain('goes to node-1, the only node that fits');
});

test('a pod that was never attempted: as things stood at the end', async () => {
  const { code, stdout } = await runCommand(['explain', run, 'pod/gated']);
  expect(code).toBe(0);
  expect(stdout).toContain('the scheduler never attempted it');
  expect(stdout).toContain('as the scheduler saw it when the run ended:');
  expect(stdout).toContain('stays out of the queue: SchedulingGates');
  expect(stdout).toContain('remove the scheduling gates later: then it goes to node-1');
});

test('a result that this version would not give is told, exit 4', async () => {
  const changed = join(folder, 'changed');
  await runCommand(['run', 'e.yaml', '--out', changed, '--quiet'], FILES);
  const path = join(changed, 'pods.csv');
  expect(existsSync(path)).toBe(true);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/(,fits,.*?,)node-1,/, '$1node-9,'));
  const { code, stderr } = await runCommand(['explain', changed, 'pod/fits']);
  expect(code).toBe(4);
  expect(stderr).toMatch(
    /^recorded on node-9 at [0-9.]+ s, repeated on node-1 at [0-9.]+ s\n.*kubetick verify/,
  );
});

describe('refused', () => {
  const cases: readonly [string, () => string[], string][] = [
    [
      'no run',
      () => ['explain'],
      'E1004\n  RUN is missing\n  usage: kubetick explain RUN OBJECT [options]\n',
    ],
    [
      'no pod',
      () => ['explain', 'x'],
      'E1004\n  OBJECT is missing\n  usage: kubetick explain RUN OBJECT [options]\n',
    ],
    [
      'a directory that is not there',
      () => ['explain', 'nowhere', 'pod/x'],
      'E4003 nowhere\n  not a result directory: it has no readable manifest.json\n  give a directory written by `kubetick run`\n',
    ],
    [
      'another kind of object',
      () => ['explain', run, 'deployment/web'],
      'E4005 deployment/web\n  found "deployment/web", expected pod/NAME or pod/NAMESPACE/NAME\n  only pods are explained; `kubetick run --trace` follows other objects\n',
    ],
    [
      'an unknown pod',
      () => ['explain', run, 'pod/wait'],
      'E4005 RUN pod/wait\n  no such pod in this run\n  did you mean "waits"?\n',
    ],
    [
      'a pod of another namespace',
      () => ['explain', run, 'pod/a/waits'],
      'E4005 RUN pod/a/waits\n  no such pod in namespace a\n  pod/default/waits\n',
    ],
    [
      'a name in several namespaces',
      () => ['explain', run, 'pod/both'],
      'E4005 RUN pod/both\n  there are pods of this name in 2 namespaces\n  pod/a/both, pod/b/both\n',
    ],
    [
      'an attempt that was not made',
      () => ['explain', run, 'pod/waits', '--attempt', '4'],
      'E1003 --attempt\n  found 4, expected 1 to 3: the pod was attempted 3 times\n',
    ],
    [
      'a time that cannot be read',
      () => ['explain', run, 'pod/waits', '--at', 'noon'],
      'E1003 --at\n  found "noon", expected a duration like 250ms, 5s or 10m\n',
    ],
    [
      'a time before the first attempt',
      () => ['explain', run, 'pod/waits', '--at', '0s'],
      'E1003 --at\n  found 0s, but the first attempt began at TIME s\n',
    ],
    [
      'both a time and a number, and another form',
      () => ['explain', run, 'pod/waits', '--at', '5s', '--attempt', '1', '-o', 'yaml'],
      'E1003 --output\n  found "yaml", expected table or json\nE1003 --at\n  is given together with --attempt; one is enough\n2 problems\n',
    ],
    [
      'an unknown option',
      () => ['explain', run, 'pod/waits', '--attemp', '1'],
      'E1002 --attemp\n  `kubetick explain` has no option --attemp\n  did you mean "--attempt"?\n',
    ],
  ];
  for (const [what, args, expected] of cases) {
    test(what, async () => {
      const { code, stdout, stderr } = await runCommand(args());
      const told = stderr.replaceAll(run, 'RUN').replace(/began at [0-9.]+ s/, 'began at TIME s');
      expect({ code, stdout, told }).toEqual({ code: 2, stdout: '', told: expected });
    });
  }
});
