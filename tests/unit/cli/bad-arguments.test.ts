// Bad command lines: each with the whole text that the user sees. Exit code 2, nothing written.
import { describe, expect, test } from 'vitest';
import { type BadInput, runCommand } from './harness.ts';

const CASES: readonly BadInput[] = [
  {
    name: 'no such command',
    args: ['rnu', 'a.yaml'],
    expected: `E1001
  no command named "rnu"
  did you mean "run"?`,
  },
  {
    name: 'no such command, nothing near',
    args: ['frobnicate'],
    expected: `E1001
  no command named "frobnicate"
  known: run, plan, sweep, worker, gate, verify, validate, place, explain, summary, compare, query, … (16 in all)`,
  },
  {
    name: 'option before a command',
    args: ['--json', 'run', 'a.yaml'],
    expected:
      '{"code":"E1002","path":"--json","message":"no option --json before a command","hint":"usage: kubetick COMMAND [options]"}',
  },
  {
    name: 'misspelt option',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--node', '3'],
    expected: 'E1002 --node\n  `kubetick run` has no option --node\n  did you mean "--nodes"?',
  },
  {
    name: 'option of another command',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['validate', 'a.yaml', '--seed', '3'],
    expected: 'E1002 --seed\n  `kubetick validate` has no option --seed\n  known: json, help, version',
  },
  {
    name: 'tables in an unknown form',
    args: ['run', 'a.yaml', '--format', 'xml'],
    expected: 'E1003 --format\n  found "xml", expected csv or parquet',
  },
  {
    name: 'a sweep of tables in an unknown form, among other mistakes',
    args: ['sweep', 'a.yaml', '--format', 'Parquet', '--workers', '0'],
    expected: `E1003 --workers
  found 0, expected a whole number from 1 to 1024
E1003 --format
  found "Parquet", expected csv or parquet
2 problems`,
  },
  {
    name: 'no path',
    args: ['run'],
    expected: `E1004
  PATH is missing
  usage: kubetick run PATH... [options]`,
  },
  {
    name: 'too many arguments',
    args: ['list', 'kinds', 'tables'],
    expected: `E1004
  unexpected "tables"
  usage: kubetick list [WHAT] [options]`,
  },
  {
    name: 'unknown list',
    args: ['list', 'tabels'],
    expected: `E1003 WHAT
  no list named "tabels"
  did you mean "tables"?`,
  },
  {
    name: 'nodes is no number',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--nodes', 'three'],
    expected: `E1003 --nodes
  found "three", expected a whole number that is not negative`,
  },
  {
    name: 'nodes is negative',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--nodes=-1'],
    expected: `E1003 --nodes
  found "-1", expected a whole number that is not negative`,
  },
  {
    name: 'nodes is a fraction',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--nodes', '2.5'],
    expected: `E1003 --nodes
  found "2.5", expected a whole number that is not negative`,
  },
  {
    name: 'nodes is too large',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--nodes', '100000000'],
    expected: `E1003 --nodes
  found 100000000, expected a whole number from 0 to 1000000`,
  },
  {
    name: 'nodes without value',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--nodes'],
    expected: `E1003 --nodes
  needs a value: --nodes N`,
  },
  {
    name: 'nodes twice',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--nodes', '3', '--nodes', '4'],
    expected: `E1003 --nodes
  is given 2 times; it takes one value`,
  },
  {
    name: 'CPU is no quantity',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--node-cpu', 'four'],
    expected: `E1003 --node-cpu
  found "four", expected a quantity above 0 such as 4, 500m or 16Gi`,
  },
  {
    name: 'memory is zero',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--node-memory', '0'],
    expected: `E1003 --node-memory
  found "0", expected a quantity above 0 such as 4, 500m or 16Gi`,
  },
  {
    name: 'until is no duration',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--until', 'soon'],
    expected: `E1003 --until
  found "soon", expected a duration above 0 such as 250ms, 5s, 10m, 2h or 1d`,
  },
  {
    name: 'until without unit',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--until', '10'],
    expected: `E1003 --until
  found "10", expected a duration above 0 such as 250ms, 5s, 10m, 2h or 1d`,
  },
  {
    name: 'two bad options at once',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--until', '1 h', '--node-cpu', 'x'],
    expected: `E1003 --node-cpu
  found "x", expected a quantity above 0 such as 4, 500m or 16Gi
E1003 --until
  found "1 h", expected a duration above 0 such as 250ms, 5s, 10m, 2h or 1d
2 problems`,
  },
  {
    name: 'set without Experiment',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--set', 'cluster.nodes.0.count=3'],
    expected: `E1005 --set cluster.nodes.0.count=3
  --set changes an Experiment, and none was given
  give an Experiment file, or use --nodes, --node-cpu, --node-memory, --until, --seed`,
  },
  {
    name: 'nodes beside an Experiment',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time: {run: 1m}
`,
    },
    args: ['run', 'e.yaml', '--nodes', '5'],
    expected: `E1005 --nodes
  --nodes describes a cluster, but the Experiment has its own
  use --set cluster.nodes.0.count=5`,
  },
  {
    name: 'set without value',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time: {run: 1m}
`,
    },
    args: ['run', 'e.yaml', '--set', 'time.run'],
    expected: `E1003 --set time.run
  expected PATH=VALUE
  for example --set cluster.nodes.0.count=100`,
  },
  {
    name: 'set into a scalar',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time: {run: 1m}
`,
    },
    args: ['run', 'e.yaml', '--set', 'time.run.x=3'],
    expected: `E1003 --set time.run.x=3
  spec.time.run is "1m", not a mapping or list`,
  },
  {
    name: 'set beyond a list',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster: {nodes: [{count: 2}]}
`,
    },
    args: ['run', 'e.yaml', '--set', 'cluster.nodes.5.count=3'],
    expected: `E1003 --set cluster.nodes.5.count=3
  spec.cluster.nodes is a list of 1; 5 is not an index in it`,
  },
  {
    name: 'set to a value of the wrong type',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster: {nodes: [{count: 2}]}
`,
    },
    args: ['run', 'e.yaml', '--set', 'cluster.nodes.0.count=many'],
    expected: `E3002 e.yaml:5:29 spec.cluster.nodes[0].count
  expected number, received string`,
  },
  {
    name: 'worker without URL',
    args: ['worker'],
    expected: `E1004
  URL is missing
  usage: kubetick worker URL [options]`,
  },
  {
    name: 'worker: all that is wrong with its command line at once',
    args: ['worker', 'http://10.0.0.5', '--workers', '0', '--lost-after', '100ms'],
    expected: `E1003 URL
  found a URL that begins with "http:", expected redis: or rediss:
  for example redis://127.0.0.1:6379 or rediss://:password@host:6380/1
E1003 --workers
  found 0, expected a whole number from 1 to 1024
E1003 --lost-after
  found "100ms", expected a duration of at least 1s, such as 30s or 2m
3 problems`,
  },
  {
    name: 'worker: a database that is no number',
    args: ['worker', 'redis://host/jobs'],
    expected: `E1003 URL
  found the database "jobs", expected a number
  for example redis://127.0.0.1:6379 or rediss://:password@host:6380/1`,
  },
  {
    name: 'worker: nobody answers',
    args: ['worker', 'redis://127.0.0.1:1'],
    expected: `E5001 URL
  no Redis server answers at redis://127.0.0.1:1 (ECONNREFUSED)
  start one: redis-server --save "" --appendonly no`,
  },
  {
    name: 'trace of nothing',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', '--trace', 'web'],
    expected: `E4004 --trace
  "web" is not of the form KIND/NAME or KIND/NAMESPACE/NAME, such as rc/web or deployment/shop/web
  for example --trace rc/web, --trace deployment/shop/web`,
  },
];

describe('bad arguments', () => {
  test.each(CASES)('$name', async ({ args, files, expected }) => {
    const outcome = await runCommand(args, files);
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: `${expected}\n`, written: [] });
  });
});
