// `kubetick gate` on real runs: a baseline is written, the same code and seeds are equal to it, a smaller cluster is a
// regression; reports, exit codes and what is refused before anything runs.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GateArguments, gate } from '../../../cli/commands/gate.ts';
import { runTask } from '../../../experiments/run-task.ts';
import { type Files, runCommand } from './harness.ts';

const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: busy}
spec:
  cluster: {nodes: [{count: 2, cpu: 4, memory: 16Gi}]}
  workload:
    generators:
      - {use: poisson-deployments, ratePerMin: 6, replicas: 2, cpu: 500m, memory: 64Mi, lifetime: 1m}
  time: {run: 4m}
  seeds: {seed: 3, replications: 4}
`;

let folder = '';
let made: { code: number; stdout: string; stderr: string };
const at = (name: string): string => join(folder, name);

/** The command with its runs made in this thread. */
async function gated(
  more: Partial<GateArguments>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  };
  const args = { paths: [at('busy.yaml')], baseline: at('baseline.json'), ...more };
  const code = await gate(args, io, async () => ({ run: runTask, close: async () => {} }));
  return { code, stdout, stderr };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-gates-'));
  writeFileSync(at('busy.yaml'), EXPERIMENT);
  made = await gated({ updateBaseline: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('real runs', () => {
  test('--update-baseline writes a file to be committed, and nothing else', () => {
    expect(made).toEqual({ code: 0, stdout: `${at('baseline.json')}: 1 variants, 4 runs\n`, stderr: '' });
    expect(readdirSync(folder).sort()).toEqual(['baseline.json', 'busy.yaml']);
    const { kind, variants } = JSON.parse(readFileSync(at('baseline.json'), 'utf8'));
    expect(kind).toBe('Baseline');
    expect(variants[0].runs.map((run: { replication: number }) => run.replication)).toEqual([1, 2, 3, 4]);
    expect(variants[0].runs[0].metrics).not.toHaveProperty('events');
  });

  test('the same code and seeds: every difference is exactly 0', async () => {
    const { code, stdout } = await gated({ json: true, maxRegression: '0' });
    expect(code).toBe(0);
    const { metrics, passed } = JSON.parse(stdout);
    expect(passed).toBe(true);
    expect(metrics.length).toBeGreaterThan(5);
    for (const { verdict, difference } of metrics) expect([verdict, difference]).toEqual(['equal', 0]);
  });

  test('half of the CPUs: exit 3, with reports', async () => {
    writeFileSync(at('summary.md'), 'of a step before\n');
    const { code, stdout, stderr } = await gated({
      set: ['cluster.nodes.0.cpu=1'],
      junit: at('gate.xml'),
      summary: at('summary.md'),
      out: at('kept'),
    });
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).toMatch(/^busy: regression beyond 5 %: /);
    expect(readFileSync(at('gate.xml'), 'utf8')).toMatch(/failures="[1-9]/);
    expect(readFileSync(at('summary.md'), 'utf8')).toMatch(/^of a step before\n## Failed: busy\n/);
    expect(existsSync(at('kept/sweep.json'))).toBe(true);
  });

  test('updating says how the new baseline differs from the old one', async () => {
    const text = readFileSync(at('baseline.json'), 'utf8');
    writeFileSync(at('copy.json'), text);
    const { stdout } = await gated({ baseline: at('copy.json'), updateBaseline: true });
    expect(stdout).toMatch(/against the baseline before: 0 better, 0 worse, /);
    expect(readFileSync(at('copy.json'), 'utf8')).toBe(text);
  });
});

describe('refused before anything runs', () => {
  const baseline = (experiment: string, variant = 'default'): string =>
    JSON.stringify({
      apiVersion: 'kubetick.io/v1',
      kind: 'Baseline',
      experiment,
      versions: { kubetick: '0.1.0', kubernetes: '1.36', node: 20 },
      variants: [
        {
          variant,
          runs: [{ replication: 1, seed: 3, fingerprint: '', metrics: { 'latency.pod.startup.p99': 1 } }],
        },
      ],
    });
  const files: Files = {
    'busy.yaml': EXPERIMENT,
    'good.json': baseline('busy'),
    'other.json': baseline('idle'),
    'variant.json': baseline('busy', 'small'),
    'broken.json': '{"kind": "Sweep"}',
  };
  const update = '\n  kubetick gate … --update-baseline';
  const cases: readonly [string, readonly string[], string][] = [
    [
      'no baseline named',
      ['busy.yaml'],
      `E1004 --baseline\n  --baseline FILE is missing\n  kubetick gate EXPERIMENT --baseline FILE --update-baseline writes the first one\n`,
    ],
    [
      'no baseline there',
      ['busy.yaml', '--baseline', 'none.json'],
      `E4007 none.json\n  there is no baseline${update} writes it\n`,
    ],
    [
      'no baseline in the file',
      ['busy.yaml', '--baseline', 'broken.json'],
      `E4007 broken.json\n  is no baseline: apiVersion: Invalid input: expected "kubetick.io/v1"${update} writes it\n`,
    ],
    [
      'the baseline of another experiment',
      ['busy.yaml', '--baseline', 'other.json'],
      `E4007 other.json\n  is the baseline of experiment "idle", not of "busy"${update} makes it anew\n`,
    ],
    [
      'the baseline of other variants',
      ['busy.yaml', '--baseline', 'variant.json'],
      `E4007 variant.json\n  none of its variants (small) is among those of the experiment (default)${update} makes it anew\n`,
    ],
    [
      'bad options, all at once',
      [
        'busy.yaml',
        '--baseline',
        'good.json',
        '--max-regression',
        'much',
        '--metric',
        'pod.startup.p999',
        '--workers',
        '0',
        '--junit',
        'no/gate.xml',
      ],
      'E1003 --max-regression\n  found "much", expected a share such as 5% or 0.05\nE1003 --workers\n  found 0, expected a whole number from 1 to 1024\nE4002 no/gate.xml\n  there is no folder no to write it to\nE1003 --metric\n  the baseline has no metric named "pod.startup.p999" that can be better or worse\n  did you mean "pod.startup.p99"?\n4 problems\n',
    ],
    [
      'what says nothing beside --update-baseline',
      ['busy.yaml', '--baseline', 'good.json', '--update-baseline', '--metric', 'pod.startup'],
      'E1005 --metric\n  says nothing beside --update-baseline, which judges nothing\n',
    ],
  ];
  for (const [what, args, expected] of cases) {
    test(what, async () => {
      const { code, stdout, stderr, written } = await runCommand(['gate', ...args], files);
      expect({ code, stdout, stderr, written }).toEqual({
        code: 2,
        stdout: '',
        stderr: expected,
        written: [],
      });
    });
  }
});
