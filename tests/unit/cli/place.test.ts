// `kubetick place`: what it reads, what it prints for people and for programs, what it refuses. That its verdicts are
// those of the real scheduler is held by tests/oracle/scheduler.test.ts.
import { describe, expect, test } from 'vitest';
import { runCommand } from './harness.ts';

const node = (name: string, cpu = 4) =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nstatus: {allocatable: {cpu: ${cpu}, memory: 8Gi, pods: 110}}\n`;
const pod = (name: string, cpu: number, more = '') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  containers: [{name: c, image: i, resources: {requests: {cpu: ${cpu}}}}]\n${more}`;
const list = (...objects: string[]) => objects.join('---\n');

interface Line {
  readonly name: string;
  readonly kubernetes: string;
  readonly nodes: Record<string, { pods: number }>;
  readonly pods: readonly Record<string, unknown>[];
}
const lines = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('-o json', () => {
  test('one line a case, in the order of files and lines', async () => {
    const one = (name: string, cpu: number) =>
      JSON.stringify({
        name,
        family: 'own',
        scheduler: { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' },
        cluster: {
          apiVersion: 'v1',
          kind: 'List',
          items: [
            {
              apiVersion: 'v1',
              kind: 'Node',
              metadata: { name: 'n1' },
              status: { allocatable: { cpu, pods: 10 } },
            },
          ],
        },
        pending: {
          apiVersion: 'v1',
          kind: 'List',
          items: [
            {
              apiVersion: 'v1',
              kind: 'Pod',
              metadata: { name: 'p', namespace: 'a' },
              spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: 2 } } }] },
            },
          ],
        },
      });
    const { code, stdout, stderr } = await runCommand(['place', 'b.jsonl', 'a.json', '-o', 'json'], {
      'a.json': one('third', 4),
      'b.jsonl': `${one('first', 4)}\n${one('second', 1)}\n`,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout).map(({ name, pods }) => [name, pods[0]!['pod'], pods[0]!['result']])).toEqual([
      ['first', 'a/p', 'scheduled'],
      ['second', 'a/p', 'unschedulable'],
      ['third', 'a/p', 'scheduled'],
    ]);
    expect(lines(stdout)[0]).toMatchObject({
      family: 'own',
      kubernetes: 'v1.36.3',
      nodes: { n1: { pods: 0 } },
    });
  });

  test('pods of the cluster without a node are pending; what is decided counts for the next', async () => {
    const dump = list(
      node('n1'),
      pod('there', 1, '  nodeName: n1\nstatus: {phase: Running}\n'),
      pod('over', 4, '  nodeName: n1\nstatus: {phase: Succeeded}\n'),
      pod('a', 2),
      pod('b', 2),
    );
    const { stdout } = await runCommand(['place', '--cluster', '-', '-o', 'json'], {}, { stdin: dump });
    const [line] = lines(stdout);
    expect(line!.nodes['n1']!.pods).toBe(1);
    expect(line!.pods.map(({ pod: name, result }) => [name, result])).toEqual([
      ['default/a', 'scheduled'],
      ['default/b', 'unschedulable'],
    ]);
  });

  test('--pending names the pods to place, --config the profile', async () => {
    const { stdout } = await runCommand(
      ['place', '--cluster', 'c.yaml', '--pending', 'p.yaml', '--config', 's.yaml', '-o', 'json'],
      {
        'c.yaml': list(
          node('n1', 4),
          node('n2', 8),
          pod('there', 1, '  nodeName: n1\n'),
          pod('not-asked', 1),
        ),
        'p.yaml': pod('new', 1),
        's.yaml':
          'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- pluginConfig:\n  - name: NodeResourcesFit\n    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 1}]}}\n  plugins: {score: {disabled: [{name: NodeResourcesBalancedAllocation}]}}\n',
      },
    );
    // MostAllocated: n1 (1 + 1) / 4 = 50, n2 1 / 8 = 12.
    const placed = lines(stdout)[0]!.pods;
    expect(placed.map(({ pod: name, node: at }) => [name, at])).toEqual([['default/new', 'n1']]);
    expect(placed[0]!['scores']).toMatchObject({
      n1: { NodeResourcesFit: 50 },
      n2: { NodeResourcesFit: 12 },
    });
  });
});

describe('the tables', () => {
  test('nodes against plug-ins, the winner and its margin; who rejected which node and why', async () => {
    const { code, stdout } = await runCommand(['place', '--cluster', 'c.yaml'], {
      'c.yaml': list(node('n1'), node('n2', 8), node('n3', 1), pod('a', 2), pod('b', 16)),
    });
    expect(code).toBe(0);
    expect(stdout).toContain('c: 2 pods, 3 nodes\n');
    expect(stdout).toMatch(
      /default\/a \(priority 0\): goes to n2, \d+ points ahead of the next \(total \d+\)\n/,
    );
    expect(stdout).toMatch(/│ n2 \* │/);
    expect(stdout).toMatch(/│ n3 +│ NodeResourcesFit +│ Insufficient cpu \(eviction would not help\) +│/);
    expect(stdout).toContain('default/b (priority 0): fits nowhere\n');
    expect(stdout).toContain(
      '  0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption:',
    );
    expect(stdout).toMatch(/\n1 scheduled, 1 unschedulable\n$/);
  });
});

describe('refused', () => {
  const cases: readonly [string, string[], Record<string, string>, RegExp][] = [
    ['nothing to place', ['place'], {}, /^E1004\n {2}nothing to place/],
    [
      'pods without a cluster',
      ['place', '--pending', 'p.yaml'],
      { 'p.yaml': pod('p', 1) },
      /^E1005 --pending\n/,
    ],
    ['another form', ['place', 'c.json', '-o', 'yaml'], { 'c.json': '{}' }, /^E1003 --output\n/],
    [
      'a document that is no case',
      ['place', 'c.json'],
      { 'c.json': '{"cluster": []}' },
      /^E2006 c\.json:1:1\n/,
    ],
    [
      'an object that cannot be decoded',
      ['place', '--cluster', 'c.yaml'],
      { 'c.yaml': `${node('n1')}spec: {taint: []}\n` },
      /^E2003 c\.yaml:5:\d+ Node\/n1 spec\.taint\n/,
    ],
    [
      'a profile with an unknown plug-in',
      ['place', '--cluster', 'c.yaml', '--config', 's.yaml'],
      {
        'c.yaml': node('n1'),
        's.yaml':
          'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- plugins: {score: {enabled: [{name: NodeResourceFit}]}}\n',
      },
      /^E3011 s\.yaml:4:\d+ profiles\[0\]\.plugins\.score\.enabled\[0\]\.name\n.*\n?.*did you mean "NodeResourcesFit"/,
    ],
  ];
  for (const [what, args, files, expected] of cases) {
    test(what, async () => {
      const { code, stdout, stderr } = await runCommand(args, files);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(expected);
    });
  }
});

test('a run preempts: victims are deleted, the urgent pod takes their place, their owner makes new ones', async () => {
  const deployment = (name: string, replicas: number, cpu: number, extra: string) =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec:\n  replicas: ${replicas}\n  selector: {matchLabels: {app: ${name}}}\n  template:\n    metadata: {labels: {app: ${name}}}\n    spec:\n      terminationGracePeriodSeconds: 1\n      ${extra}\n      containers: [{name: c, image: i, resources: {requests: {cpu: ${cpu}}}}]\n`;
  const { code, stdout } = await runCommand(['run', 'e.yaml', '--json'], {
    'e.yaml':
      'apiVersion: kubetick.io/v1\nkind: Experiment\nmetadata: {name: preempt}\nspec:\n  cluster: {nodes: [{count: 3, cpu: 4, memory: 16Gi, pods: 110}]}\n  workload: {manifests: [./low.yaml]}\n  steps: [{at: 1m, apply: ./high.yaml}]\n  time: {run: 5m}\n',
    'low.yaml': list(
      'apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n',
      deployment('low', 12, 1, 'priority: 0'),
    ),
    'high.yaml': deployment('high', 2, 2, 'priorityClassName: high'),
  });
  expect(code).toBe(0);
  // 12 CPUs are full of 12 pods; each of the 2 new ones takes the room of 2, whose replacements find none.
  expect((JSON.parse(stdout) as { pods: Record<string, number> }).pods).toMatchObject({
    created: 18,
    deleted: 4,
    running: 10,
    pending: 4,
    unschedulable: 4,
  });
});
