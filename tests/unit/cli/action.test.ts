// action.yml: its script hands inputs to `kubetick gate` as single arguments, whatever they hold, passes its exit code on,
// and says in its outputs what came of it. Options that it uses exist.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { commandNamed } from '../../../cli/command-table.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const action = parse(readFileSync(join(root, 'action.yml'), 'utf8'));
const step = action.runs.steps.find(({ id }: { id?: string }) => id === 'gate');

const folder = mkdtempSync(join(tmpdir(), 'kubetick-action-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the step's script with a program that tells its arguments and exits as it is told. */
function runStep(
  inputs: Readonly<Record<string, string>>,
  code: number,
): { code: number | null; args: string[]; outputs: string } {
  const program = join(folder, 'program.mjs');
  const told = join(folder, 'args.json');
  const output = join(folder, `output-${code}`);
  writeFileSync(output, '');
  writeFileSync(
    program,
    `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(told)}, JSON.stringify(process.argv.slice(2)));\nprocess.exitCode = ${code};\n`,
  );
  const env = {
    PATH: process.env['PATH'],
    EXPERIMENT: 'e.yaml',
    BASELINE: 'b.json',
    MAX_REGRESSION: '5%',
    METRICS: '',
    JUNIT: 'gate.xml',
    ...inputs,
    KUBETICK: program,
    GITHUB_STEP_SUMMARY: 'summary.md',
    GITHUB_OUTPUT: output,
  };
  // As a runner starts `shell: bash`.
  const { status } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run], { env });
  return {
    code: status,
    args: JSON.parse(readFileSync(told, 'utf8')),
    outputs: readFileSync(output, 'utf8'),
  };
}

test('passes: the arguments, each in one piece', () => {
  const { code, args, outputs } = runStep(
    { EXPERIMENT: 'load $(touch x)/e.yaml', METRICS: 'pod.startup.p99\n  pods.pending' },
    0,
  );
  expect(code).toBe(0);
  expect(args).toEqual([
    'gate',
    'load $(touch x)/e.yaml',
    '--baseline',
    'b.json',
    '--max-regression',
    '5%',
    '--metric',
    'pod.startup.p99',
    '--metric',
    'pods.pending',
    '--junit',
    'gate.xml',
    '--summary',
    'summary.md',
  ]);
  expect(outputs).toBe('passed=true\n');
});

test('without metrics: no --metric; a regression fails the step, and the output says why', () => {
  const { code, args, outputs } = runStep({}, 3);
  expect(code).toBe(3);
  expect(args).not.toContain('--metric');
  expect(outputs).toBe('passed=false\n');
});

test('bad input fails the step and says nothing about passing', () => {
  expect(runStep({}, 2)).toMatchObject({ code: 2, outputs: '' });
});

test('its options are options of the command', () => {
  const known = commandNamed('gate')!.options.map(({ name }) => `--${name}`);
  for (const option of step.run.match(/--[a-z-]+/g)) expect(known).toContain(option);
  expect(Object.keys(action.inputs).sort()).toEqual(
    ['baseline', 'experiment', 'junit', 'max-regression', 'metrics', 'node-version'].sort(),
  );
});
