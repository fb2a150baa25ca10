// Bad input to `plan` and `sweep`: each with the text that the user sees. Exit code 2, nothing run, nothing written.
import { describe, expect, test } from 'vitest';
import { runCommand } from './harness.ts';

const experiment = (rest: string): string => `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
${rest}`;

const AXIS = experiment('  sweep: {axes: {nodes: {at: cluster.nodes.0.count, values: [1, 2]}}}\n');
const POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i}]}\n';

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly expected: string;
}

const CASES: readonly Case[] = [
  {
    name: 'a path that does not exist, at its place',
    files: {
      'e.yaml': experiment('  sweep:\n    axes:\n      nodes: {at: cluster.nodes.0.cont, values: [1]}\n'),
    },
    args: ['plan', 'e.yaml'],
    expected: `E3012 e.yaml:7:19 spec.sweep.axes.nodes.at
  cluster.nodes.0.cont: unknown key "cont" in spec.cluster.nodes[0]
  did you mean "count"?`,
  },
  {
    name: 'a value that only one variant has',
    files: {
      'e.yaml': experiment(
        '  sweep: {axes: {c: {at: control.costs, values: [zero, nothing, k8s-medium]}}}\n',
      ),
    },
    args: ['sweep', 'e.yaml'],
    expected: `E3005 e.yaml:5:56 spec.control.costs, from spec.sweep.axes.c.values[1]
  no cost preset named "nothing"
  in variant c=nothing
  known: `,
  },
  {
    name: 'a queue that is no URL, and options that it leaves nothing to do',
    files: { 'e.yaml': AXIS },
    args: ['sweep', 'e.yaml', '--queue', 'localhost', '--workers', '2', '--shard', '1/2'],
    expected: `E1003 --queue
  found "localhost", expected a URL redis://HOST[:PORT][/DATABASE]
  for example redis://127.0.0.1:6379 or rediss://:password@host:6380/1
E1005 --workers
  with --queue nothing is simulated here; \`kubetick worker\` takes --workers
E1005 --shard
  --queue divides the runs among the workers
3 problems`,
  },
  {
    name: 'a queue where nobody answers',
    files: { 'e.yaml': AXIS },
    args: ['sweep', 'e.yaml', '--queue', 'redis://127.0.0.1:1'],
    expected: `E5001 --queue
  no Redis server answers at redis://127.0.0.1:1 (ECONNREFUSED)
  start one: redis-server --save "" --appendonly no`,
  },
  {
    name: 'a value that cannot be set there',
    files: {
      'e.yaml': experiment(
        '  cluster: {nodes: [{count: 1}]}\n  sweep: {axes: {c: {at: cluster.nodes.0.count.x, values: [1]}}}\n',
      ),
    },
    args: ['sweep', 'e.yaml'],
    expected: `E3012 e.yaml:6:60 spec.sweep.axes.c.values[0]
  cannot be set at cluster.nodes.0.count.x: spec.cluster.nodes.0.count is 1, not a mapping or list`,
  },
  {
    name: 'an axis that YAML takes for a boolean',
    files: { 'e.yaml': experiment('  sweep: {axes: {n: {at: control.queue, values: [heap]}}}\n') },
    args: ['plan', 'e.yaml'],
    expected: `an axis cannot be named false
  YAML reads y, n, yes, no, on and off as booleans: quote the name`,
  },
  {
    name: 'no file',
    files: {},
    args: ['sweep', 'missing.yaml'],
    expected: 'E1101 missing.yaml',
  },
  {
    name: 'no Experiment in the file',
    files: { 'pod.yaml': POD },
    args: ['plan', 'pod.yaml'],
    expected: 'E1005 pod.yaml\n  no Experiment in what was given',
  },
  {
    name: 'two Experiments',
    files: { 'e.yaml': AXIS, 'f.yaml': AXIS },
    args: ['sweep', 'e.yaml', 'f.yaml'],
    expected: 'E3003 f.yaml\n  another Experiment or scenario; the first is in e.yaml',
  },
  {
    name: 'no workers',
    files: { 'e.yaml': AXIS },
    args: ['sweep', 'e.yaml', '--workers', '0'],
    expected: 'E1003 --workers\n  found 0, expected a whole number from 1 to 1024',
  },
  {
    name: 'a shard that does not exist, in a sweep that knows no shards',
    files: { 'e.yaml': AXIS },
    args: ['sweep', 'e.yaml', '--shard', '3/2', '--until-precision', '0', '--metric', 'pod.startup'],
    expected: `E1003 --until-precision
  found "0", expected a share such as 5% or 0.05
E1003 --metric
  unknown metric "pod.startup"`,
  },
  {
    name: 'options of --until-precision without it',
    files: { 'e.yaml': AXIS },
    args: ['sweep', 'e.yaml', '--metric', 'pod.startup.p50', '--max-replications', '3'],
    expected: `E1005 --metric
  belongs to --until-precision, which was not given
E1005 --max-replications
  belongs to --until-precision, which was not given`,
  },
  {
    name: 'options about shards that do not go together',
    files: { 'e.yaml': AXIS },
    args: ['sweep', 'e.yaml', '--emit', 'pbs', '--shards', '0', '--image', 'x', '--shard', '1/2'],
    expected: `E1003 --emit
  found "pbs", expected kubernetes-job or slurm
E1003 --shards
  found 0, expected a whole number from 1 to 100000
E1005 --image
  belongs to --emit kubernetes-job, which was not given
E1005 --shard
  --emit starts all shards; --shards says how many`,
  },
  {
    name: 'a directory with something else in it',
    files: { 'e.yaml': AXIS, 'out/notes.txt': 'mine' },
    args: ['sweep', 'e.yaml', '--out', 'out'],
    expected: 'E4001 out\n  exists and is no directory of a sweep',
  },
];

describe('bad input', () => {
  test.each(CASES)('$name', async ({ files, args, expected }) => {
    const { code, stdout, stderr, written } = await runCommand(args, files);
    expect({ code, stdout, written }).toEqual({ code: 2, stdout: '', written: [] });
    expect(stderr).toContain(expected);
  });
});

test('validate tells it too', async () => {
  const { code, stdout } = await runCommand(['validate', 'e.yaml'], CASES[0]!.files);
  expect(code).toBe(2);
  expect(stdout).toContain('unknown key "cont" in spec.cluster.nodes[0]');
});

test('plan lists every run with counted pods', async () => {
  const files = {
    'e.yaml': experiment(`  cluster: {nodes: [{count: 7}]}
  workload: {manifests: [app.yaml]}
  seeds: {replications: 2}
  sweep: {variants: {small: {}, large: {set: {'cluster.nodes.0.count': 9}}}}
`),
    'app.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {replicas: 5, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: e}
spec: {selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: c, image: i}]}}}
`,
  };
  const { code, stdout, written } = await runCommand(['plan', 'e.yaml', '--json'], files);
  expect({ code, written }).toEqual({ code: 0, written: [] });
  const plan = JSON.parse(stdout) as {
    experiment: string;
    runs: {
      variant: string;
      replication: number;
      nodes: number;
      pods: number;
      estimate: { cpuSeconds: number };
    }[];
    total: { runs: number; cpuSeconds: number };
  };
  // Five replicas, and a daemon pod a node.
  expect(
    plan.runs.map(({ variant, replication, nodes, pods }) => [variant, replication, nodes, pods]),
  ).toEqual([
    ['small', 1, 7, 12],
    ['small', 2, 7, 12],
    ['large', 1, 9, 14],
    ['large', 2, 9, 14],
  ]);
  expect(plan.total.runs).toBe(4);
  expect(plan.total.cpuSeconds).toBeCloseTo(
    plan.runs.reduce((sum, { estimate }) => sum + estimate.cpuSeconds, 0),
    1,
  );
});
