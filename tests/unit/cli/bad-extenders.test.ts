// Extenders that cannot be used, in a KubeSchedulerConfiguration or in a policy file: each with the whole text that the
// user sees. Exit code 2, nothing written.
import { describe, expect, test } from 'vitest';
import { type BadInput, type Files, runCommand } from './harness.ts';

const POD = `apiVersion: v1
kind: Pod
metadata: { name: web }
spec: { containers: [{ name: c, image: i }] }
`;
const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: own }
spec:
  plugins: [./my.ts]
  cluster: { nodes: [{ count: 2 }] }
  policies: { scheduler: { config: ./config.yaml } }
  workload: { manifests: [./pod.yaml] }
`;
const config = (extenders: string): string => `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
extenders:
${extenders}`;
const served = (body: string, url = 'http://ext:8888'): string =>
  `import { extender } from 'kubetick';\nexport default extender('${url}', {\n  ${body}\n});\n`;
const files = (extenders: string, source: string): Files => ({
  'e.yaml': EXPERIMENT,
  'pod.yaml': POD,
  'config.yaml': config(extenders),
  'my.ts': source,
});
const ONE = '  - { urlPrefix: "http://ext:8888", filterVerb: filter }\n';
const FILTER = 'filter: () => ({}),';

const CASES: readonly BadInput[] = [
  {
    name: 'nobody serves it',
    args: ['run', 'e.yaml'],
    files: files(ONE, served(FILTER, 'http://other')),
    expected: `E3011 config.yaml:4:18 extenders[0].urlPrefix
  found "http://ext:8888", which no policy file serves: served are "http://other"
  programs outside are not called: export default extender("http://ext:8888", { filter }) in a file of plugins, or of --plugin`,
  },
  {
    name: 'no policy file at all',
    args: ['place', '--cluster', 'pod.yaml', '--config', 'config.yaml'],
    files: { 'pod.yaml': POD, 'config.yaml': config(ONE) },
    expected: `E3011 config.yaml:4:18 extenders[0].urlPrefix
  found "http://ext:8888", which no policy file serves
  programs outside are not called: export default extender("http://ext:8888", { filter }) in a file of plugins, or of --plugin`,
  },
  {
    name: 'a verb that the file does not serve',
    args: ['run', 'e.yaml'],
    files: files(
      '  - { urlPrefix: "http://ext:8888", filterVerb: filter, bindVerb: bind }\n',
      served('filter: () => ({}), prioritize: () => ({}),'),
    ),
    expected: `E3011 config.yaml:4:67 extenders[0].bindVerb
  found "bind", but extender("http://ext:8888", …) serves filter, prioritize only
  give it a method bind, or take the verb out of the configuration`,
  },
  {
    name: 'what the real scheduler refuses, all at once',
    args: ['run', 'e.yaml'],
    files: files(
      `  - urlPrefix: http://ext:8888
    prioritizeVerb: prioritize
    bindVerb: bind
    managedResources: [{ name: cpu }, { name: -x/y }, { name: a.com/b, ignoredByScheduler: maybe }]
  - urlPrefix: http://ext:8888
    bindVerb: bind
    httpTimeout: 5
    weight: heavy
    managedResources: [{ name: a.com/b }]
    tlsConfig: { insecur: true }
    filterVrb: filter
  - filterVerb: 7
`,
      served('prioritize: () => ({}), bind() {},'),
    ),
    expected: `E3011 config.yaml:7:32 extenders[0].managedResources[0].name
  found "cpu": is an invalid extended resource name
E3011 config.yaml:7:47 extenders[0].managedResources[1].name
  found "-x/y": prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
E3011 config.yaml:7:92 extenders[0].managedResources[2].ignoredByScheduler
  found "maybe", expected true or false
E3011 config.yaml:4:5 extenders[0].weight
  found 0, with a prioritizeVerb: must have a positive weight applied to it
E3011 config.yaml:14:16 extenders[1].filterVrb
  unknown field: did you mean "filterVerb"?
E3011 config.yaml:12:32 extenders[1].managedResources[0].name
  found "a.com/b": duplicate extender managed resource name
E3011 config.yaml:13:27 extenders[1].tlsConfig.insecur
  unknown field: did you mean "insecure"?
E3011 config.yaml:11:13 extenders[1].weight
  found "heavy", expected an integer up to 1000000
E3011 config.yaml:10:18 extenders[1].httpTimeout
  found 5, expected a duration like "100ms" or "5s"
E3011 config.yaml:15:17 extenders[2].filterVerb
  found 7, expected a text
E3011 config.yaml:15:5 extenders[2].urlPrefix
  found nothing, expected the URL at which the extender listens
E3011 config.yaml:3:1 extenders
  found 2 extenders implementing bind: only one extender can implement bind
12 problems`,
  },
  {
    name: 'it is no list',
    args: ['run', 'e.yaml'],
    files: files('  urlPrefix: http://ext\n', served(FILTER)),
    expected: `E3011 config.yaml:3:1 extenders
  expected a list`,
  },
  {
    name: 'a file that serves nothing, and one with an unknown verb and latency',
    args: ['list', 'scheduler', '--plugin', 'a.ts', '--plugin', 'b.ts'],
    files: {
      'a.ts': served('about: "x",'),
      'b.ts': served('filtr: () => ({}), filter: 3, latency: { filter: -1 },', ''),
    },
    expected: `E3102 a.ts http://ext:8888
  it serves nothing
  give it one of filter, prioritize, preempt, bind
E3102 b.ts
  found "", expected the urlPrefix of the extender in the KubeSchedulerConfiguration, or its host name
  extender("http://licences.kube-system:8888", { filter(pod, nodes) { … } })
E3102 b.ts
  unknown verb "filtr"
  did you mean "filter"?
E3102 b.ts
  filter is 3, expected a function
E3102 b.ts
  latency is -1, expected whole µs from 0, or a distribution
  latency: 800, or { dist: "lognormal", p50: 800, p99: 5000, max: 50000 }, or { filter: 800, bind: 2000 }
5 problems`,
  },
  {
    name: 'it throws',
    args: ['run', 'e.yaml'],
    files: files(ONE, served('filter: (pod) => pod.spec.nodeName,')),
    expected: `E3105 my.ts:3 extender "http://ext:8888" filter
  TypeError: Cannot read properties of undefined (reading 'nodeName')
  pod default/web, virtual time T s`,
  },
  {
    name: 'filter returns a list',
    args: ['run', 'e.yaml'],
    files: files(ONE, served('filter: (pod, nodes) => nodes,')),
    expected: `E3105 my.ts extender "http://ext:8888" filter
  returned [{"id":0},{"id":1}], expected { nodes } or { failed: { node: reason } }, or { error }
  pod default/web, virtual time T s`,
  },
  {
    name: 'filter rejects a node that it was not given',
    args: ['run', 'e.yaml'],
    files: files(ONE, served('filter: () => ({ failed: { elsewhere: "no" } }),')),
    expected: `E3105 my.ts extender "http://ext:8888" filter
  failed names a node that was not among those given
  pod default/web, node elsewhere, virtual time T s`,
  },
  {
    name: 'more than ten points',
    args: ['run', 'e.yaml'],
    files: files(
      '  - { urlPrefix: "http://ext:8888", prioritizeVerb: p, weight: 1 }\n',
      served('prioritize: (pod, nodes) => ({ [nodes[0].name]: 100 }),'),
    ),
    expected: `E3105 my.ts extender "http://ext:8888" prioritize
  gave 100, expected an integer from 0 to 10
  pod default/web, node node-1, virtual time T s`,
  },
];

describe('bad extenders', () => {
  test.each(CASES)('$name', async ({ args, files: given, expected }) => {
    const { code, stdout, stderr, written } = await runCommand(args, given);
    // When depends on the cost preset.
    expect(stderr.replace(/(?<=virtual time )\d+\.\d{6}(?= s$)/m, 'T')).toBe(`${expected}\n`);
    expect({ code, stdout, written }).toEqual({ code: 2, stdout: '', written: [] });
  });
});

test('an extender that no configuration names is told, and listed', async () => {
  const given = { 'pod.yaml': POD, 'my.ts': served(FILTER) };
  const run = await runCommand(['run', 'pod.yaml', '--plugin', 'my.ts'], given);
  expect(run.code).toBe(0);
  expect(run.stdout).toContain('no scheduler configuration names this extender: it is never asked');
  const list = await runCommand(['list', 'scheduler', '--plugin', 'my.ts', '--json'], given);
  expect(list.stdout).toContain('"extender: filter"');
});
