// Bad Experiments: each with the whole text that the user sees. Exit code 2, nothing written.
import { describe, expect, test } from 'vitest';
import { type BadInput, runCommand } from './harness.ts';

const CASES: readonly BadInput[] = [
  {
    name: 'unknown kind',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experimet
metadata: {name: e}
spec: {}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:2:7 kind
  unknown kind "Experimet" in kubetick.io/v1; expected "Experiment"`,
  },
  {
    name: 'unknown key',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster:
    nodez: []
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3001 e.yaml:6:5 spec.cluster.nodez
  unknown key "nodez"
  did you mean "nodes"?`,
  },
  {
    name: 'unknown key at the top',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  workloads:
    manifests: []
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3001 e.yaml:5:3 spec.workloads
  unknown key "workloads"
  did you mean "workload"?`,
  },
  {
    name: 'unknown key in a list',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster:
    nodes:
    - count: 3
      memroy: 1Gi
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3001 e.yaml:8:15 spec.cluster.nodes[0].memroy
  unknown key "memroy"
  did you mean "memory"?`,
  },
  {
    name: 'no name',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {}
spec: {}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:3:1 metadata.name
  is missing (expected string)`,
  },
  {
    name: 'bad duration',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time:
    run: ten minutes
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3004 e.yaml:6:10 spec.time.run
  cannot read the duration "ten minutes"`,
  },
  {
    name: 'duration as number',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time:
    run: 600
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:6:10 spec.time.run
  expected a duration like 250ms, 5s, 10m, 2h or 1d, found 600`,
  },
  {
    name: 'warm-up longer than the run',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time: {run: 1m, warmUp: 2m}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:5:27 spec.time.warmUp
  the warm-up is as long as the run or longer`,
  },
  {
    name: 'count is text',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster:
    nodes:
    - count: three
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:7:14 spec.cluster.nodes[0].count
  expected number, received string`,
  },
  {
    name: 'negative count',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster:
    nodes:
    - count: -3
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:7:14 spec.cluster.nodes[0].count
  expected number to be >=0, found -3`,
  },
  {
    name: 'unknown machine type',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster:
    nodes:
    - type: m5.4xlrage
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3005 e.yaml:7:13 spec.cluster.nodes[0].type
  no machine type named "m5.4xlrage"
  did you mean "m5.4xlarge"?`,
  },
  {
    name: 'unknown cluster preset',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster: {preset: mediun}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3005 e.yaml:5:21 spec.cluster.preset
  no cluster preset named "mediun"
  did you mean "medium"?`,
  },
  {
    name: 'bad taint',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster:
    nodes:
    - taints: [{key: a, effect: NoSchedul}]
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:7:33 spec.cluster.nodes[0].taints[0].effect
  expected one of "NoSchedule"|"PreferNoSchedule"|"NoExecute", found "NoSchedul"`,
  },
  {
    name: 'same node name twice',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster:
    nodes:
    - {name: w, count: 2}
    - {name: w, count: 1}
    - {name: w-2, count: 1}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E2004 e.yaml:9:14 spec.cluster.nodes[2].name
  a node named "w-2" exists already
  give the groups different names`,
  },
  {
    name: 'missing manifest',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  workload:
    manifests: [app.yaml]
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E1101 e.yaml:6:17 spec.workload.manifests[0]
  app.yaml: no such file or folder`,
  },
  {
    name: 'unknown workload',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  workload:
    generators:
    - use: poison-deployments
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3005 e.yaml:7:12 spec.workload.generators[0].use
  no workload named "poison-deployments"
  did you mean "poisson-deployments"?`,
  },
  {
    name: 'unknown argument of a workload',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  workload:
    generators:
    - use: pods
      cuont: 3
`,
    },
    args: ['run', 'e.yaml'],
    expected:
      'E3007 e.yaml:8:14 spec.workload.generators[0].cuont\n  unknown argument; did you mean count?\n  `kubetick list workloads` shows the arguments',
  },
  {
    name: 'missing trace file',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  workload:
    traces:
    - use: job-trace
      file: jobs.csv
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E1101 e.yaml:8:13 spec.workload.traces[0].file
  jobs.csv: no such file or folder`,
  },
  {
    name: 'unknown costs',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  control: {costs: k8s-medum}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3005 e.yaml:5:20 spec.control.costs
  no cost preset named "k8s-medum"
  did you mean "k8s-medium"?`,
  },
  {
    name: 'cost file with an unknown key',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  control: {costs: ./costs.yaml}
`,
      'costs.yaml': `etcd:
  fsynkUs: 10
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 costs.yaml:2:12 etcd.fsynkUs
  unknown key "fsynkUs"
  did you mean "fsyncUs"?`,
  },
  {
    name: 'cost file with a wrong type',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  control: {costs: ./costs.yaml}
`,
      'costs.yaml': `base: zero
scheduler:
  parallelism: many
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 costs.yaml:3:16 scheduler.parallelism
  expected a number that is not negative, found "many"`,
  },
  {
    name: 'scheduler configuration of another kind',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  policies: {scheduler: {config: a.yaml}}
`,
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3010 e.yaml:5:34 spec.policies.scheduler.config
  a.yaml holds v1 Pod, expected kubescheduler.config.k8s.io/v1 KubeSchedulerConfiguration`,
  },
  {
    name: 'bad expectation',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  expect: ["pod.startup.p99 is low"]
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3008 e.yaml:5:12 spec.expect[0]
  not of the form METRIC OPERATOR VALUE, such as "pod.startup.p99 < 5s" or "pods.pending == 0"`,
  },
];

describe('bad experiments', () => {
  test.each(CASES)('$name', async ({ args, files, expected }) => {
    const outcome = await runCommand(args, files);
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: `${expected}\n`, written: [] });
  });
});
