// Objects that the API server refuses: each with the whole text that the user sees. Exit code 2, nothing written.
import { describe, expect, test } from 'vitest';
import { type BadInput, runCommand } from './harness.ts';

const CASES: readonly BadInput[] = [
  {
    name: 'no kind',
    files: {
      'a.yaml': `apiVersion: v1
metadata: {name: a}
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2001 a.yaml:1:1 a
  not a Kubernetes object: kind is missing (found apiVersion, metadata)`,
  },
  {
    name: 'neither apiVersion nor kind',
    files: {
      'a.yaml': `name: x
version: 1
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2001 a.yaml:1:1
  not a Kubernetes object: apiVersion and kind are missing (found name, version)`,
  },
  {
    name: 'unknown field',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
  replicas: 3
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2003 a.yaml:6:13 Pod/a spec.replicas
  unknown field "spec.replicas"`,
  },
  {
    name: 'unknown field in JSON',
    files: {
      'a.json': `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},
"spec":{"containers":[{"name":"c","image":"i",
"imag":"x"}]}}`,
    },
    args: ['run', 'a.json'],
    expected: `E2003 a.json:3:8 Pod/a spec.containers[0].imag
  unknown field "spec.containers[0].imag"`,
  },
  {
    name: 'wrong type',
    files: {
      'a.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: many
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2003 a.yaml:5:13 Deployment/web spec.replicas
  json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`,
  },
  {
    name: 'number as label',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: a
  labels: {version: 1.20}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2003 a.yaml:5:3 Pod/a metadata.labels
  json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string`,
  },
  {
    name: 'missing selector',
    files: {
      'a.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected:
      'E2002 a.yaml:4:1 Deployment/web spec.selector\n  Required value\nE2002 a.yaml:7:16 Deployment/web spec.template.metadata.labels\n  Invalid value: {"app":"web"}: `selector` does not match template `labels`\n2 problems',
  },
  {
    name: 'selector does not match',
    files: {
      'a.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected:
      'E2002 a.yaml:7:16 Deployment/web spec.template.metadata.labels\n  Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  },
  {
    name: 'negative replicas',
    files: {
      'a.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: -1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2002 a.yaml:5:13 Deployment/web spec.replicas
  Invalid value: -1: must be greater than or equal to 0`,
  },
  {
    name: 'replicas beyond 32 bits',
    files: {
      'a.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 99999999999
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2003 a.yaml:5:13 Deployment/web spec.replicas
  json: cannot unmarshal number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32`,
  },
  {
    name: 'bad quantity',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: c
    image: i
    resources:
      requests:
        cpu: lots
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2003 a.yaml:10:14 Pod/a spec.containers[0].resources.requests.cpu
  quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
  },
  {
    name: 'request above limit',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: c
    image: i
    resources:
      requests: {cpu: 2}
      limits: {cpu: 1}
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2002 a.yaml:9:7 Pod/a spec.containers[0].resources.requests
  Invalid value: "2": must be less than or equal to cpu limit of 1`,
  },
  {
    name: 'bad name',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: My_Pod}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected:
      "E2002 a.yaml:3:18 Pod/My_Pod metadata.name\n  Invalid value: \"My_Pod\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  },
  {
    name: 'missing name',
    files: {
      'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {}
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2002 a.yaml:3:1 ConfigMap metadata.name
  Required value: name or generateName is required`,
  },
  {
    name: 'no containers',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {}
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2002 a.yaml:4:1 Pod/a spec.containers
  Required value`,
  },
  {
    name: 'port out of range',
    files: {
      'a.yaml': `apiVersion: v1
kind: Service
metadata: {name: a}
spec:
  ports:
  - port: 70000
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2002 a.yaml:6:11 Service/a spec.ports[0].port
  Invalid value: 70000: must be between 1 and 65535, inclusive
E2002 a.yaml:6:5 Service/a spec.ports[0].targetPort
  Invalid value: 70000: must be between 1 and 65535, inclusive
2 problems`,
  },
  {
    name: 'impossible namespace',
    files: {
      'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: A_B}
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2005 a.yaml:1:1 ConfigMap/a
  namespaces "A_B" not found`,
  },
  {
    name: 'defined twice',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
      'b.yaml': `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml', 'b.yaml'],
    expected: `E2004 b.yaml:4:18 Pod/default/a
  the object is defined twice; first in a.yaml:3`,
  },
  {
    name: 'defined twice in one file',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
---
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E2004 a.yaml:9:18 Pod/default/a
  the object is defined twice; first in a.yaml:3`,
  },
  {
    name: 'problems of three files at once',
    files: {
      'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: A}
spec:
  containers: [{name: c, image: i}]
`,
      'b.yaml': 'x: [',
      'c.yaml': `kind: Pod
`,
    },
    args: ['run', '.'],
    expected:
      "E2002 a.yaml:3:18 Pod/A metadata.name\n  Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\nE1201 b.yaml:1:5\n  Flow sequence in block collection must be sufficiently indented and end with a ]\nE2001 c.yaml:1:1 Pod\n  not a Kubernetes object: apiVersion is missing (found kind)\n3 problems",
  },
];

describe('bad objects', () => {
  test.each(CASES)('$name', async ({ args, files, expected }) => {
    const outcome = await runCommand(args, files);
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: `${expected}\n`, written: [] });
  });
});
