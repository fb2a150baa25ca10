// Files and options to a resolved scenario: defaults, order, dumps, Experiments, steps, losses.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ResolvedScenario, SourcedObject } from '../../../engine/contracts/scenario.ts';
import { type LoadOptions, loadScenario } from '../../../experiments/load.ts';
import { UserError } from '../../../experiments/problems.ts';

let folder = '';
let before = '';
beforeEach(() => {
  before = process.cwd();
  folder = mkdtempSync(join(tmpdir(), 'kubetick-load-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

function write(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(name), { recursive: true });
    writeFileSync(name, content);
  }
}

const load = async (paths: string[], options: LoadOptions = {}): Promise<ResolvedScenario> =>
  (await loadScenario(paths, options)).scenario;
const idOf = ({ object }: SourcedObject): string =>
  [object.kind, object.metadata.namespace, object.metadata.name]
    .filter((part) => part !== undefined)
    .join('/');
const stepsOf = (scenario: ResolvedScenario): string[] =>
  scenario.steps.map(
    ({ atUs, do: verb, objects, target }) =>
      `${atUs} ${verb} ${target === undefined ? objects.map(idOf).join(' ') : `${target.kind}/${target.namespace}/${target.name}${target.replicas === undefined ? '' : `=${target.replicas}`}`}`,
  );
const codesOf = async (paths: string[], options: LoadOptions = {}): Promise<string[]> => {
  try {
    await load(paths, options);
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.problems.map((p) => p.code);
  }
};

const pod = (name: string, more = '') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}${more}}\nspec:\n  containers: [{name: c, image: i}]\n`;
const deployment = (name: string, replicas = 1) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec:\n  replicas: ${replicas}\n  selector: {matchLabels: {app: ${name}}}\n  template:\n    metadata: {labels: {app: ${name}}}\n    spec:\n      containers: [{name: c, image: i}]\n`;
const namespace = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`;
const experiment = (spec: string) =>
  `apiVersion: kubetick.io/v1\nkind: Experiment\nmetadata: {name: trial}\nspec:\n${spec}`;

describe('plain manifests', () => {
  test('run on three nodes of 4 CPU, 16Gi and 110 pods, at most 1 h, with seed 1', async () => {
    write({ 'web.yaml': deployment('web') });
    const scenario = await load(['web.yaml']);
    expect(scenario).toMatchObject({
      experiment: 'web',
      variant: 'default',
      replication: 1,
      seed: 1,
      existing: [],
      untilUs: 3_600_000_000,
      warmUpUs: 0,
      stopWhenIdle: true,
      queue: 'heap',
      loss: [],
    });
    expect(scenario.nodes).toHaveLength(1);
    expect(scenario.nodes[0]).toMatchObject({ prefix: 'node-', first: 1, count: 3, zones: [] });
    expect(scenario.nodes[0]!.object['status'].allocatable).toMatchObject({
      cpu: '4',
      memory: '16Gi',
      pods: '110',
    });
    expect(stepsOf(scenario)).toEqual(['0 create Deployment/web']);
  });

  test('take size, number, end and seed from the options', async () => {
    write({ 'a.yaml': pod('a') });
    const scenario = await load(['a.yaml'], {
      nodes: 7,
      nodeCpu: '500m',
      nodeMemory: '1Gi',
      until: '90s',
      seed: '42',
    });
    expect(scenario).toMatchObject({ seed: 42, untilUs: 90_000_000 });
    expect(scenario.nodes[0]).toMatchObject({ count: 7 });
    expect(scenario.nodes[0]!.object['status'].capacity).toMatchObject({ cpu: '500m', memory: '1Gi' });
  });

  test('are created in the order of the input, Namespaces first, missing ones added and told', async () => {
    write({
      'a.yaml': `${pod('a', ', namespace: shop')}---\n${namespace('web')}---\n${pod('b', ', namespace: web')}---\n${pod('c', ', namespace: kube-system')}`,
    });
    const scenario = await load(['a.yaml']);
    expect(stepsOf(scenario)).toEqual([
      '0 create Namespace/shop Namespace/web Pod/shop/a Pod/web/b Pod/kube-system/c',
    ]);
    expect(scenario.loss).toEqual([
      {
        source: 'a.yaml',
        kind: 'Namespace',
        field: '',
        count: 1,
        note: 'namespace shop is used and not defined: added',
      },
    ]);
  });

  test('come from folders in byte order, gzip, patterns and standard input', async () => {
    write({
      'd/b.yaml': pod('b'),
      'd/a.json': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }),
      'd/B.yml': pod('upper'),
      'd/sub/c.yaml.gz': gzipSync(pod('c')),
      'd/notes.txt': 'no manifest',
      'd/node_modules/x.yaml': pod('never'),
      'd/empty.yaml': '# nothing\n',
      'e1.yaml': pod('e1'),
      'e2.yaml': pod('e2'),
    });
    const readStdin = () => new TextEncoder().encode(pod('stdin'));
    const scenario = await load(['d', 'e*.yaml', '-', 'd/b.yaml'], { readStdin });
    // Upper case sorts before lower case; a file that was read already is not read again.
    expect(stepsOf(scenario)).toEqual(['0 create Pod/upper ConfigMap/a Pod/b Pod/c Pod/e1 Pod/e2 Pod/stdin']);
    expect(scenario.steps[0]!.objects.map((o) => o.source)).toEqual([
      'd/B.yml',
      'd/a.json',
      'd/b.yaml',
      'd/sub/c.yaml.gz',
      'e1.yaml',
      'e2.yaml',
      '-',
    ]);
  });

  test.each([
    ['x.yaml', 'x'],
    ['My App.yaml', 'my-app'],
    ['d/app.v2.yaml.gz', 'app.v2'],
    ['d/', 'd'],
  ])('give the run its name: %s is %s', async (path, name) => {
    write({ 'x.yaml': pod('a'), 'My App.yaml': pod('a'), 'd/app.v2.yaml.gz': gzipSync(pod('a')) });
    expect((await load([path])).experiment).toBe(name);
  });
});

describe('--skip-invalid', () => {
  test('runs the rest and tells what was left out and why', async () => {
    write({
      'a.yaml': `${pod('a')}---\n${pod('A')}---\nkind: [\n---\n${pod('b')}---\n${pod('a')}`,
      'package.json': '{"name": "x"}',
    });
    expect(await codesOf(['.'])).toEqual(['E1201', 'E2002', 'E2001', 'E2004']);
    const scenario = await load(['.'], { skipInvalid: true });
    expect(stepsOf(scenario)).toEqual(['0 create Pod/a Pod/b']);
    expect(scenario.loss.map((l) => `${l.source} ${l.kind} ${l.count} ${l.note.slice(0, 40)}`)).toEqual([
      'a.yaml  1 skipped: line 14: E1201 Flow sequence in',
      'a.yaml Pod/A 1 skipped: line 9: E2002 Invalid value: "A',
      'package.json  1 skipped: line 1: E2001 not a Kubernetes ',
      'a.yaml Pod 1 skipped: a is defined twice, the first o',
    ]);
  });

  test('does not help against files that are not there, or when nothing is left', async () => {
    write({ 'a.yaml': pod('A') });
    expect(await codesOf(['a.yaml', 'b.yaml'], { skipInvalid: true })).toEqual(['E1101']);
    expect(await codesOf(['a.yaml'], { skipInvalid: true })).toEqual(['E1105']);
  });
});

describe('losses', () => {
  test('are told once per kind and field, with the number of objects', async () => {
    const policy = '    resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]\n';
    const withPolicy = (name: string) =>
      `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  containers:\n  - name: c\n    image: i\n    env: [{name: A, value: b}]\n${policy}  - name: d\n    image: i\n${policy}`;
    write({
      'a.yaml': `${withPolicy('a')}---\n${withPolicy('b')}---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {x: 1}\n`,
    });
    expect((await load(['a.yaml'])).loss).toEqual([
      {
        source: 'a.yaml',
        kind: 'Pod',
        field: 'spec.containers.resizePolicy',
        count: 2,
        note: 'kept, not acted on',
      },
      {
        source: 'a.yaml',
        kind: 'Thing',
        field: '',
        count: 1,
        note: 'kind not modelled (example.com/v1): stored, nothing acts on it',
      },
    ]);
  });
});

/** What `kubectl get -o yaml` prints: a List of stored objects. */
const stored = (kind: string, name: string, more: Record<string, unknown> = {}, apiVersion = 'v1') => {
  const { metadata = {}, ...rest } = more as { metadata?: object };
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid: `uid-${kind}-${name}`,
      resourceVersion: '77',
      creationTimestamp: '2024-01-01T00:00:00Z',
      managedFields: [],
      ...metadata,
    },
    ...rest,
  };
};
const dump = (...items: object[]) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items });
const node = (name: string) =>
  stored('Node', name, {
    status: {
      capacity: { cpu: '8', memory: '32Gi', pods: '110' },
      allocatable: { cpu: '7', memory: '30Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
const runningPod = (name: string, nodeName: string | null, owner?: string) =>
  stored('Pod', name, {
    metadata: {
      namespace: 'shop',
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [
              {
                apiVersion: 'apps/v1',
                kind: 'ReplicaSet',
                name: owner,
                uid: `uid-ReplicaSet-${owner}`,
                controller: true,
              },
            ],
          }),
    },
    spec: { containers: [{ name: 'c', image: 'i' }], ...(nodeName === null ? {} : { nodeName }) },
    status: { phase: nodeName === null ? 'Pending' : 'Running' },
  });
const replicaSet = (name: string) =>
  stored(
    'ReplicaSet',
    name,
    {
      metadata: { namespace: 'shop' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    },
    'apps/v1',
  );

describe('a dump of a cluster', () => {
  test('with nodes: what is bound stays, what is not is pending, nothing is made twice', async () => {
    write({
      'dump.json': dump(
        runningPod('p1', 'n1', 'web'),
        node('n1'),
        runningPod('p2', null, 'web'),
        replicaSet('web'),
        runningPod('p3', 'gone'),
        node('n2'),
      ),
    });
    const scenario = await load(['dump.json']);
    expect(scenario.nodes).toEqual([]);
    expect(scenario.existing.map(idOf)).toEqual([
      'Node/n1',
      'Node/n2',
      'Namespace/shop',
      'Pod/shop/p1',
      'ReplicaSet/shop/web',
    ]);
    expect(scenario.existing[0]!.object['status'].allocatable.cpu).toBe('7');
    expect(stepsOf(scenario)).toEqual(['0 create Pod/shop/p2']);
    expect(scenario.loss.filter((l) => l.kind === 'Pod')).toEqual([
      {
        source: 'dump.json',
        kind: 'Pod',
        field: 'spec.nodeName',
        count: 1,
        note: 'bound to a node that is not in the input: left out',
      },
    ]);
  });

  test('with nodes and --nodes gets those nodes besides', async () => {
    write({ 'dump.json': dump(node('node-1')) });
    const scenario = await load(['dump.json'], { nodes: 2 });
    expect(scenario.nodes).toMatchObject([{ count: 2, prefix: 'added-node-' }]);
  });

  test('without nodes is created anew, each object by its maker only', async () => {
    write({
      'dump.json': dump(
        replicaSet('web'),
        runningPod('p1', 'n1', 'web'),
        runningPod('p2', 'n1', 'lost'),
        runningPod('p3', 'n1'),
      ),
    });
    const scenario = await load(['dump.json']);
    expect(scenario.nodes).toMatchObject([{ count: 3 }]);
    expect(scenario.existing).toEqual([]);
    expect(stepsOf(scenario)).toEqual([
      '0 create Namespace/shop ReplicaSet/shop/web Pod/shop/p2 Pod/shop/p3',
    ]);
    const [, , orphan, bare] = scenario.steps[0]!.objects;
    expect(orphan!.object.metadata.ownerReferences).toBeUndefined();
    expect([orphan!.object['spec'].nodeName, bare!.object['spec'].nodeName]).toEqual([undefined, undefined]);
  });

  test('takes nodes without capacity at the size of the options', async () => {
    write({ 'n.yaml': 'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n' });
    const scenario = await load(['n.yaml'], { nodeCpu: '16' });
    expect(scenario.existing[0]!.object['status'].allocatable).toMatchObject({
      cpu: '16',
      memory: '16Gi',
      pods: '110',
    });
    expect(scenario.loss.map((l) => l.field)).toEqual(['status.capacity']);
  });
});

describe('an Experiment', () => {
  test('resolves nodes, manifests, workloads, costs, times and seeds', async () => {
    write({
      'x/e.yaml': experiment(`  cluster:
    nodes:
    - {count: 2, type: m5.xlarge, zones: [a, b]}
    - {count: 3, cpu: 2, memory: 4Gi, pods: 20, labels: {role: small}, taints: [{key: k, effect: NoSchedule}]}
    - {name: gpu, cpu: 64}
    - {name: big, count: 2}
  workload:
    manifests: [./app/*.yaml]
    generators: [{use: pods, count: 5}]
  control: {costs: zero, queue: ladder}
  time: {warmUp: 10s, run: 5m}
  seeds: {seed: abc}
  expect: ["pods.pending == 0"]
`),
      'x/app/a.yaml': pod('a'),
    });
    const scenario = await load(['x/e.yaml']);
    expect(scenario).toMatchObject({
      experiment: 'trial',
      seed: 'abc',
      queue: 'ladder',
      untilUs: 300_000_000,
      warmUpUs: 10_000_000,
      stopWhenIdle: false,
      expect: ['pods.pending == 0'],
      workloads: [{ use: 'pods', args: { count: 5 } }],
      costs: { name: 'zero' },
    });
    expect(
      scenario.nodes.map((g) => [
        g.names?.join() ?? `${g.prefix}${g.first}+${g.count}`,
        g.object['status'].capacity.cpu,
        g.object['status'].capacity.pods,
        g.zones.join(),
      ]),
    ).toEqual([
      // m5.xlarge: 4 CPUs and, by its network interfaces, 58 pods
      ['node-1+2', '4', '58', 'a,b'],
      ['node-3+3', '2', '20', ''],
      ['gpu', '64', '110', ''],
      ['big-1+2', '4', '110', ''],
    ]);
    expect(scenario.nodes[1]!.object).toMatchObject({
      metadata: { labels: { role: 'small' } },
      spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] },
    });
    expect(stepsOf(scenario)).toEqual(['0 create Pod/a']);
    expect(scenario.steps[0]!.objects[0]!.source).toBe('x/app/a.yaml');
  });

  test('may stand in one file with its manifests; steps take over what they create', async () => {
    write({
      'e.yaml': `${experiment(`  steps:
  - {at: 20s, do: scale, ref: deployment/web, replicas: 5}
  - {at: 10s, do: create, ref: [Deployment/web, Pod/b]}
  - {at: 30s, do: patch, ref: deploy/web, type: merge, body: {spec: {replicas: 2}}}
  - {t: 40000, do: delete, ref: Pod/default/b}
  - {at: 50s, apply: later.yaml}
  - {at: 60s, do: delete-pod, name: web-0}
  - {at: 70s, do: delete-namespace, name: shop}
`)}---\n${deployment('web')}---\n${pod('a')}---\n${pod('b')}`,
      'later.yaml': pod('late', ', namespace: shop'),
    });
    expect(stepsOf(await load(['e.yaml']))).toEqual([
      '0 create Namespace/shop Pod/a',
      '10000000 create Deployment/web Pod/b',
      '20000000 scale Deployment/default/web=5',
      '30000000 patch Deployment/default/web',
      '40000000 delete Pod/default/b',
      '50000000 apply Pod/shop/late',
      '60000000 delete Pod/default/web-0',
      '70000000 delete Namespace//shop',
    ]);
  });

  test('--set, --until and --seed win over the file', async () => {
    write({ 'e.yaml': experiment('  cluster: {nodes: [{count: 2}]}\n  time: {run: 5m}\n') });
    const set = [
      'cluster.nodes.0.count=9',
      'spec.cluster.nodes[0].labels={a: b}',
      'metadata.name=other',
      'control.queue=ladder',
    ];
    const scenario = await load(['e.yaml'], { set, until: '7s', seed: 3 });
    expect(scenario).toMatchObject({ experiment: 'other', queue: 'ladder', untilUs: 7_000_000, seed: 3 });
    expect(scenario.nodes[0]).toMatchObject({ count: 9, object: { metadata: { labels: { a: 'b' } } } });
  });

  test('a cost file changes its preset', async () => {
    write({
      'e.yaml': experiment('  control: {costs: ./c.yaml}\n'),
      'c.yaml':
        'base: k8s-medium\netcd: {fsyncUs: 5000}\napiserver:\n  handlerUs: {create pods: {dist: uniform, min: 1, max: 9}}\nclients: {scheduler: {qps: 500}}\n',
    });
    const { costs } = await load(['e.yaml']);
    expect(costs).toMatchObject({ name: 'c', etcd: { fsyncUs: 5000 }, clients: { scheduler: { qps: 500 } } });
    expect(costs.apiserver.handlerUs['create pods']).toEqual({ dist: 'uniform', min: 1, max: 9 });
    expect(costs.kubelet.pullBytesPerSecond).toBeGreaterThan(0);
  });

  test('a sweep and replications are noted: run makes one run with the base values', async () => {
    write({
      'e.yaml': experiment(
        '  sweep: {axes: {n: {at: cluster.nodes.0.count, values: [1, 2]}}}\n  seeds: {replications: 10}\n',
      ),
    });
    expect((await load(['e.yaml'])).loss.map((l) => l.field)).toEqual([
      'spec.sweep',
      'spec.seeds.replications',
    ]);
  });
});

test('a scenario file: its nodes, setup, steps and end', async () => {
  write({
    's.yaml': `scenario: demo
cluster: {nodes: [{name: n1, zone: z1, cpu: '8', memory: 16Gi, pods: 110}]}
setup: [{t: 0, do: create, ref: ConfigMap/c}]
steps:
- {t: 0, do: kubectl, args: [create, -f, '-'], stdin: [Deployment/web]}
- {t: 2500, do: scale, ref: Deployment/web, replicas: 4}
- {t: 5000, do: kubectl, args: [get, pods]}
end: {idleMs: 3500, maxMs: 40000}
---
${deployment('web')}---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {node: '\${NS}-n1'}
`,
  });
  const scenario = await load(['s.yaml']);
  expect(scenario).toMatchObject({ experiment: 'demo', untilUs: 42_500_000, stopWhenIdle: true });
  expect(scenario.nodes).toMatchObject([{ count: 1, names: ['demo-n1'], zones: ['z1'] }]);
  expect(scenario.existing.map(idOf)).toEqual(['Namespace/demo']);
  expect(scenario.steps[0]!.objects[0]!.object['data']).toEqual({ node: 'demo-n1' });
  // The setup takes the first 2.5 s of the run; the scenario's time 0 comes after it.
  expect(stepsOf(scenario)).toEqual([
    '0 create ConfigMap/demo/c',
    '2500000 create Deployment/demo/web',
    '5000000 scale Deployment/demo/web=4',
    '7500000 look ',
  ]);
  expect(scenario.steps.map((step) => step.ordinal)).toEqual([undefined, 0, 1, 2]);
  expect(scenario.frame).toMatchObject({ namespace: 'demo', idleUs: 3_500_000, minUs: 0, shared: true });
});

test('equal input gives equal scenarios, whatever ran before', async () => {
  write({ 'a.yaml': `${pod('a')}---\n${deployment('web')}` });
  const first = JSON.stringify(await load(['a.yaml']));
  await load(['a.yaml'], { nodes: 9 });
  expect(JSON.stringify(await load(['a.yaml']))).toBe(first);
});
