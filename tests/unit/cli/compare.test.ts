// `kubetick compare`: its four forms, what it says about the cause, who is compared with whom, what is refused; on made
// sweeps, and once on real runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute } from '../../../experiments/execute.ts';
import { loadScenario } from '../../../experiments/load.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { type FixtureRun, writeSweep } from '../compare/sweep-fixture.ts';
import { runCommand } from './harness.ts';

let folder = '';
const at = (name: string): string => join(folder, name);

const startups = [2.0, 2.2, 2.1, 1.9, 2.05];
const runs = (variant: string, by: number, more: Partial<FixtureRun> = {}): FixtureRun[] =>
  startups.map((startup, i) => ({
    variant,
    replication: i + 1,
    seed: 7,
    startup: startup + by + i / 1000,
    phases: { queue: 0.5, image: startup + by + i / 1000 - 0.5 },
    ...more,
  }));

interface Told {
  baseline: string;
  comparisons: Record<string, unknown>[];
  starts: { phases: { phase: string }[] }[];
  divergence: { time: unknown; choice: unknown }[];
  notes: string[];
}

async function json(...args: string[]): Promise<Told> {
  const { code, stdout, stderr } = await runCommand(['compare', ...args, '--format', 'json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Told;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-compare-'));
  const pods = (node: string, scheduled: string): FixtureRun['pods'] => [
    ['db-0', 'node-1', '1.000000', '1.500000'],
    ['web-0', node, '2.000000', scheduled],
    ['web-1', 'node-3', '2.000000', '4.000000'],
  ];
  writeSweep(at('sweep'), [
    ...runs('least', 0, { pods: pods('node-1', '3.000000') }),
    ...runs('most', 1, { pods: pods('node-2', '3.250000') }),
    ...runs('image=web:2', -1),
    { variant: 'most', replication: 6, seed: 7, startup: 0, status: 'failed' },
  ]);
  writeSweep(at('later'), [...runs('least', 0), ...runs('most', 1.5)]);
  writeSweep(at('one'), runs('default', 0));
  writeSweep(at('other'), runs('default', 0.5, { seed: 8 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('who is compared with whom', () => {
  test('one directory: its variants with its first', async () => {
    const told = await json(at('sweep'), '--metric', 'pod.startup.p99');
    expect(told.baseline).toBe('least');
    // 5 pairs; the difference is 1 s in each, exactly.
    expect(told.comparisons.map((c) => [c['variant'], c['verdict'], c['n']])).toEqual([
      ['most', 'worse', 5],
      ['image=web:2', 'better', 5],
    ]);
    const [most] = told.comparisons;
    expect(most).toMatchObject({ metric: 'latency.pod.startup.p99', direction: 'lower', paired: true });
    expect(most!['difference']).toBeCloseTo(1, 12);
    expect(most!['relative']).toBeCloseTo(1 / 2.052, 12);
    expect(told.notes).toContain(`${at('sweep')}: without a result, left out: most 6 (failed)`);
  });

  test('DIR:VARIANT, also of a name with a colon', async () => {
    const told = await json(
      `${at('sweep')}:image=web:2`,
      `${at('sweep')}:least`,
      '--metric',
      'pod.startup.p99',
    );
    expect(told.baseline).toBe('image=web:2');
    expect(told.comparisons.map((c) => [c['variant'], c['verdict']])).toEqual([['least', 'worse']]);
  });

  test('two sweeps: variants of the same name', async () => {
    const told = await json(at('sweep'), at('later'), '--metric', 'pod.startup.mean');
    const [before, after] = [at('sweep'), at('later')];
    expect(told.comparisons.map((c) => [c['against'], c['variant'], c['verdict']])).toEqual([
      [`${before}:most`, `${after}:most`, 'worse'],
      [`${before}:least`, `${after}:least`, 'no evidence'],
    ]);
  });

  test('single results, variants’ directories', async () => {
    const [a, b] = [at('sweep/least-0a1b2c3d'), at('sweep/most-0a1b2c3d')];
    expect((await json(a, b, '--metric', 'pod.startup.p50')).comparisons[0]).toMatchObject({ n: 5 });
    const single = await json(join(a, 'r01'), join(b, 'r01'), '--metric', 'pod.startup.p50');
    expect(single.comparisons[0]).toMatchObject({
      n: 1,
      ci95: [null, null],
      mde: null,
      verdict: 'no evidence',
    });
    expect(single.notes).toEqual([expect.stringMatching(/one replication shows a difference/)]);
  });

  test('other seeds: no pairs', async () => {
    const told = await json(at('one'), at('other'), '--metric', 'pod.startup.p99');
    expect(told.comparisons[0]).toMatchObject({ paired: false, verdict: 'worse' });
    expect(told.starts).toEqual([]);
    expect(told.divergence).toEqual([]);
  });
});

describe('why', () => {
  test('the phase that made most of it, and where the runs part', async () => {
    const told = await json(at('sweep'));
    expect(told.starts[0]!.phases.map(({ phase }) => phase)).toEqual(['image']);
    expect(told.divergence[0]).toMatchObject({
      variant: 'most',
      against: 'least',
      replication: 1,
      seed: 7,
      time: { pod: 'default/web-0', stage: 'scheduled', baselineUs: 3_000_000, variantUs: 3_250_000 },
      choice: {
        pod: 'default/web-0',
        baseline: { node: 'node-1', atUs: 3_000_000 },
        variant: { node: 'node-2', atUs: 3_250_000 },
      },
    });
  });

  test('in words', async () => {
    const { stdout } = await runCommand(['compare', at('sweep')]);
    const [run, other] = ['least', 'most'].map((name) => at(`sweep/${name}-0a1b2c3d/r01`));
    expect(stdout).toContain(
      [
        'mean start of a pod, most against least: +1.00 s = +1.00 s image',
        '  most of it: image (95 %: +1.00 s … +1.00 s)',
      ]
        .join('\n')
        .split('\n')[0],
    );
    expect(stdout).toContain(
      [
        'replication 1, seed 7, where most and least part:',
        '  first other placement: pod default/web-0 went to node-2 at 3.250000 s instead of to node-1 at 3.000000 s',
        `    why: kubetick explain ${run} pod/default/web-0`,
        `    why: kubetick explain ${other} pod/default/web-0`,
        '  first other time: pod default/web-0 scheduled at 3.250000 s instead of at 3.000000 s',
      ].join('\n'),
    );
  });
});

describe('forms', () => {
  test('table: evidence first, counts above', async () => {
    const { stdout } = await runCommand(['compare', `${at('sweep')}:least`, `${at('sweep')}:most`]);
    expect(stdout).toMatch(
      /^most against least \(5 and 5 replications\): 0 better, \d+ worse, \d+ without evidence/,
    );
    expect(stdout).toMatch(/│ latency\.pod\.startup\.p99 +│ +2\.05 s │ +3\.05 s │ +\+1\.00 s │ +\+48\.7 % │/);
  });

  test('Markdown', async () => {
    const { stdout } = await runCommand([
      'compare',
      at('sweep'),
      '--format',
      'md',
      '--metric',
      'pod.startup.p99',
    ]);
    expect(stdout).toMatch(/^### most against least \(5 and 5 replications\)\n\n0 better, 1 worse/);
    expect(stdout).toContain('\n| latency.pod.startup.p99 | 2.05 s | 3.05 s | +1.00 s | +48.7 % |');
  });

  test('CSV: the numbers of the JSON form', async () => {
    const { stdout } = await runCommand(['compare', at('sweep'), '--format', 'csv']);
    const rows: Record<string, string>[] = parse(stdout, { columns: true });
    const { comparisons } = await json(at('sweep'));
    expect(rows).toHaveLength(comparisons.length);
    for (const [i, row] of rows.entries()) {
      const one = comparisons[i]!;
      for (const key of ['variant', 'metric', 'direction', 'verdict']) expect(row[key]).toBe(one[key]);
      for (const key of ['n', 'baseline', 'value', 'difference', 'p', 'pHolm'])
        expect(Number(row[key])).toBe(one[key]);
    }
  });
});

test('real runs: a cluster of half the CPUs starts pods later, because they wait for room', async () => {
  const experiment = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: room}
spec:
  cluster: {nodes: [{count: 2, cpu: 4, memory: 16Gi}]}
  workload:
    generators:
      # 4 a minute x 1 min x 2 pods x 0.5 CPU: 4 of 8 CPUs on average, all of 4.
      - {use: poisson-deployments, ratePerMin: 4, replicas: 2, cpu: 500m, memory: 64Mi, lifetime: 1m}
  time: {run: 5m}
  seeds: {seed: 3, replications: 3}
`;
  const { writeFileSync } = await import('node:fs');
  writeFileSync(at('room.yaml'), experiment);
  for (const [variant, set] of [
    ['whole', []],
    ['half', ['cluster.nodes.0.cpu=2']],
  ] as const)
    for (let replication = 1; replication <= 3; replication++) {
      const { scenario } = await loadScenario([at('room.yaml')], { set: [...set] });
      const directory = at(`room/${variant}-11112222/r0${replication}`);
      await execute({ ...scenario, variant, replication }, directory, simulateBuiltIn);
    }
  const told = await json(at('room/whole-11112222'), at('room/half-11112222'));
  expect(told.comparisons.find((c) => c['metric'] === 'pods.pending')!['difference']).toBeGreaterThanOrEqual(
    0,
  );
  expect(told.starts[0]!.phases[0]!.phase).toBe('retries');
  const equal = await json(at('room/whole-11112222'), at('room/whole-11112222'));
  expect(equal.divergence[0]).toMatchObject({ time: null, choice: null });
  for (const one of equal.comparisons)
    expect(one).toMatchObject({ difference: 0, verdict: 'no evidence', mde: 0 });
});

describe('refused', () => {
  const cases: readonly [string, () => string[], string][] = [
    [
      'nothing to compare',
      () => [],
      'E1004\n  RUNS is missing\n  usage: kubetick compare RUNS... [options]\n',
    ],
    [
      'no directory, no variant and no such form, all at once',
      () => ['nowhere', 'sweep:leest', '-o', 'xml'],
      'E1003 --format\n  found "xml", expected table, json, md or csv\nE4006 nowhere\n  there is no such directory\n  give a directory written by `kubetick sweep` or `kubetick run`, or DIR:VARIANT\nE4006 sweep:leest\n  sweep has no variant named "leest"\n  did you mean "least"?\n3 problems\n',
    ],
    [
      'an unknown metric',
      () => ['sweep', '--metric', 'pod.startup.p999'],
      'E1003 --metric\n  no run has a metric named "pod.startup.p999"\n  did you mean "pod.startup.p99"?\n',
    ],
    [
      'one variant alone',
      () => ['one'],
      'E4006 one\n  has one variant, "default": nothing to compare it with\n  name a second directory, or sweep an axis (spec.sweep)\n',
    ],
    [
      'no names in common',
      () => ['sweep', 'one'],
      'E4006 sweep\n  has 3 variants (least, most, image=web:2), and none has the name of a variant to compare with\n  say which is the baseline: sweep:least\n',
    ],
    [
      'a folder without results',
      () => ['empty', 'one'],
      'E4006 empty\n  holds neither sweep.json nor a result: there is no summary.json in it\n  give a directory written by `kubetick sweep` or `kubetick run`, or DIR:VARIANT\n',
    ],
    [
      'a damaged sweep.json',
      () => ['damaged', 'one'],
      'E4006 damaged/sweep.json\n  is not what it should be: runs: Invalid input: expected array, received undefined\n  give a directory written by `kubetick sweep` or `kubetick run`, or DIR:VARIANT\n',
    ],
  ];
  for (const [what, args, expected] of cases) {
    test(what, async () => {
      const files = {
        'empty/': '',
        'damaged/sweep.json': '{}',
        sweep: { link: at('sweep') },
        one: { link: at('one') },
      };
      const { code, stdout, stderr } = await runCommand(['compare', ...args()], files);
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expected });
    });
  }
});
