// The command `check-plugin`: exit codes, what people and programs are told, bad input.
import { expect, test } from 'vitest';
import { runCommand } from './harness.ts';

const plugin = (reads: string): string => `import { NodeField, scorePlugin, z } from 'kubetick';
export default scorePlugin('TaintCount', {
  args: z.strictObject({ each: z.number().int().default(1) }),
  locality: 'node',
  reads: ${reads},
  create: ({ each }) => ({ score: (_pod, node) => Math.min(100, each * node.taints.length) }),
});
`;

test('a plug-in that does what it declares', async () => {
  const { code, stdout, stderr, written } = await runCommand(['check-plugin', 'my.ts', '--runs', '30'], {
    'my.ts': plugin('NodeField.taints'),
  });
  expect({ code, stderr, written }).toEqual({ code: 0, stderr: '', written: [] });
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    'TaintCount',
    '  holds  repeats    asked twice, and made anew, it answers the same (30 cases)',
    '  holds  order      the order of the nodes does not matter (30 cases)',
  ]);
});

test('a plug-in that reads more than it says: the smallest cluster, as YAML, and exit 3', async () => {
  const files = { 'my.ts': plugin('NodeField.labels') };
  const { code, stdout } = await runCommand(['check-plugin', 'my.ts', '--runs', '100'], files);
  expect(code).toBe(3);
  expect(stdout).toMatch(/^ {2}FAILS {2}reads/m);
  expect(stdout).toMatch(
    /TaintCount reads: taints of the node becomes .*: `reads` does not name that, and the answer for that node changes\n {2}node-1: passes, score \d\n {2}node-1: passes, score \d\n# the cluster\napiVersion: v1\nkind: Node/,
  );
  const json = await runCommand(['check-plugin', 'my.ts', '--runs', '100', '--json'], files);
  expect(json.code).toBe(3);
  const { plugin: name, seed, checks } = JSON.parse(json.stdout);
  expect({ name, seed }).toEqual({ name: 'TaintCount', seed: 1 });
  const broken = checks.filter((check: { violation: unknown }) => check.violation !== null);
  expect(broken.map(({ check }: { check: string }) => check)).toEqual(['reads']);
  expect(broken[0].violation.cluster[0]).toMatchObject({ kind: 'Node', metadata: { name: 'node-1' } });
});

test('arguments come from a configuration', async () => {
  const { code, stdout } = await runCommand(
    ['check-plugin', 'my.ts', '--runs', '100', '--config', 'profile.yaml'],
    {
      'my.ts': plugin('NodeField.labels'),
      'profile.yaml': `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - plugins: { score: { enabled: [{ name: TaintCount }] } }
    pluginConfig: [{ name: TaintCount, args: { each: 0 } }]
`,
    },
  );
  // Nothing times a number is nothing: with these arguments the declaration is true.
  expect({ code, fails: stdout.includes('FAILS') }).toEqual({ code: 0, fails: false });
});

test.each([
  [['check-plugin', 'nowhere.ts'], 'E1101 nowhere.ts\n  no such file or folder\n'],
  [['check-plugin', 'load.ts'], 'E3102 load.ts\n  the file has no scheduler plug-in: nothing to check\n'],
  [['check-plugin', 'my.ts', '--seed', 'x'], 'E1003 --seed\n  found "x", expected a whole number\n'],
  [
    ['check-plugin', 'my.ts', '--runs', '0'],
    'E1003 --runs\n  found 0, expected a whole number from 1 to 1000000\n',
  ],
  [
    ['check-plugin', 'needs.ts'],
    'E1005 needs.ts TaintCount\n  it needs arguments: each: Invalid input: expected number, received undefined\n  give them with --config FILE, a KubeSchedulerConfiguration that enables it\n',
  ],
])('%j', async (args, expected) => {
  const { code, stdout, stderr } = await runCommand(args, {
    'my.ts': plugin('0'),
    'needs.ts': plugin('0').replace('.default(1)', ''),
    'load.ts': `import { defineWorkload } from 'kubetick';
export default defineWorkload({ name: 'none', about: 'x', args: {}, build: () => ({ problems: [] }) });
`,
  });
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expected });
});
