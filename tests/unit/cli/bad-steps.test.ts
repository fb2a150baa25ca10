// Steps, faults and scenario files that cannot be carried out: each with the whole text that the user sees. Exit code 2, nothing written.
import { describe, expect, test } from 'vitest';
import { type BadInput, runCommand } from './harness.ts';

const CASES: readonly BadInput[] = [
  {
    name: 'unsupported step',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s, do: kubectl, args: [exec, a]}
`,
    },
    args: ['run', 'e.yaml'],
    expected:
      'E3006 e.yaml:6:27 spec.steps[0].args\n  step `kubectl exec` is not supported by this version\n  supported: apply, create, patch, scale, delete, delete-pod, patch-pod (metadata), debug, evict, set-cpu, delete-namespace, add-node, remove-node, patch-node, cordon, uncordon, stop-node, start-node, cut-off, reboot, rolloutUndo',
  },
  {
    name: 'unknown step',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s, do: destroy}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:6:18 spec.steps[0].do
  expected one of "create"|"patch"|"scale"|"delete"|"delete-pod"|"patch-pod"|"debug"|"evict"|"patch-node"|"stop-node"|"start-node"|"cut-off"|"reboot"|"cordon"|"uncordon"|"add-node"|"remove-node"|"set-cpu"|"delete-namespace"|"kubectl", found "destroy"`,
  },
  {
    name: 'step without verb',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s}
`,
    },
    args: ['run', 'e.yaml'],
    expected: 'E3002 e.yaml:6:5 spec.steps[0]\n  the step says neither `do:` nor `apply:`',
  },
  {
    name: 'step with a bad time',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: soon, do: create, ref: Pod/a}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3004 e.yaml:6:10 spec.steps[0].at
  cannot read the duration "soon"`,
  },
  {
    name: 'step refers to nothing',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s, do: scale, ref: Deployment/web, replicas: 3}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3009 e.yaml:6:30 spec.steps[0].ref
  no object "Deployment/web" in the input`,
  },
  {
    name: 'step refers to an object that is rejected: one problem, not two',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s, do: create, ref: Pod/a}
---
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: c, image: i}], priority: high}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E2003 e.yaml:11:53 Pod/a spec.priority
  json: cannot unmarshal string into Go struct field PodSpec.spec.priority of type int32`,
  },
  {
    name: 'step scales a Pod',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s, do: scale, ref: Pod/a, replicas: 3}
---
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:6:30 spec.steps[0].ref
  Pod cannot be scaled`,
  },
  {
    name: 'scale without replicas',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s, do: scale, ref: Deployment/web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'e.yaml'],
    expected: 'E3002 e.yaml:6:5 spec.steps[0]\n  step `scale` needs replicas',
  },
  {
    name: 'foreground deletion',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  steps:
  - {at: 5s, do: delete, ref: Pod/a, propagation: Foreground}
---
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3006 e.yaml:6:51 spec.steps[0].propagation
  propagation Foreground of a Pod is not supported by this version
  supported: Background for pods; Background, Foreground and Orphan for other objects`,
  },
  {
    name: 'faults',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  faults:
  - {at: 60m, do: stop-node}
  - {at: 60m, do: remove-node, node: n1, for: 5m}
  - {at: 60m, do: cut-off, node: n1, zone: b}
  - {at: 60m, do: patch-node, node: n1}
  - {at: 60m, do: patch-node, node: n1, type: apply, body: {}}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3002 e.yaml:6:5 spec.faults[0]
  step \`stop-node\` needs a node
  node: NAME, or zone, selector and count
E3002 e.yaml:7:47 spec.faults[1].for
  step \`remove-node\` cannot be undone
  with for: stop-node, cut-off, reboot, cordon
E3002 e.yaml:8:34 spec.faults[2].node
  give either \`node\`, or \`zone\` and \`selector\`, not both
E3002 e.yaml:9:5 spec.faults[3]
  step \`patch-node\` needs a body
E3002 e.yaml:10:47 spec.faults[4].type
  no patch type "apply": merge, strategic or json
5 problems`,
  },
  {
    name: 'autoscaler',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  policies:
    autoscaler: {use: karpenter}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3006 e.yaml:6:5 spec.policies.autoscaler
  autoscalers are not supported by this version`,
  },
  {
    name: 'two Experiments',
    files: {
      'e.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time: {run: 1m}
---
apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  time: {run: 2m}
`,
    },
    args: ['run', 'e.yaml'],
    expected: `E3003 e.yaml:7:1
  another Experiment or scenario; the first is in e.yaml`,
  },
  {
    name: 'scenario with an unknown key',
    files: {
      's.yaml': `scenario: x
cluster: {nodes: [{name: n1, cpus: 3}]}
steps: []
end: {maxMs: 1000}
`,
    },
    args: ['run', 's.yaml'],
    expected: `E3001 s.yaml:2:36 cluster.nodes[0].cpus
  unknown key "cpus"
  did you mean "cpu"?`,
  },
  {
    name: 'scenario with an unsupported step',
    files: {
      's.yaml': `scenario: x
cluster: {nodes: [{name: n1}]}
steps:
- {t: 5, do: kubectl, args: [exec, a]}
end: {maxMs: 1000}
`,
    },
    args: ['run', 's.yaml'],
    expected:
      'E3006 s.yaml:4:23 steps[0].args\n  step `kubectl exec` is not supported by this version\n  supported: apply, create, patch, scale, delete, delete-pod, patch-pod (metadata), debug, evict, set-cpu, delete-namespace, add-node, remove-node, patch-node, cordon, uncordon, stop-node, start-node, cut-off, reboot, rolloutUndo',
  },
];

describe('bad steps', () => {
  test.each(CASES)('$name', async ({ args, files, expected }) => {
    const outcome = await runCommand(args, files);
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: `${expected}\n`, written: [] });
  });
});
