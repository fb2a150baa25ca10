// Policy files in runs: what a scenario carries of them, that they act, and that runs share nothing.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../../cli/program.ts';
import type { ResolvedScenario } from '../../../engine/contracts/scenario.ts';
import { loadScenario } from '../../../experiments/load.ts';
import { runId } from '../../../experiments/run-directory.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { withPortableSources } from '../../../experiments/source-names.ts';
import { runCommand } from '../cli/harness.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-policies-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: own }
spec:
  plugins: [./policies/last.ts]
  cluster: { nodes: [{ count: 4 }] }
  policies: { scheduler: { config: ./profile.yaml } }
  workload: { generators: [{ use: pods, count: 3 }] }
`;
const PROFILE = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - plugins:
      preScore: { disabled: [{ name: '*' }] }
      score: { disabled: [{ name: '*' }], enabled: [{ name: Last }] }
`;
/** Prefers the node that sorts last by name; keeps a count in the module, as one should not. */
const LAST = `import { NodeField, scorePlugin } from 'kubetick';
import { numberOf } from './names';
let calls = 0;
export default scorePlugin('Last', {
  about: 'x',
  locality: 'node',
  reads: NodeField.name,
  create: () => ({
    score(_pod, node) {
      calls += 1;
      return calls > 12 ? 0 : numberOf(node.name);
    },
  }),
});
`;
const NAMES = `export function numberOf(name: string): number {\n  return Number(name.split('-')[1]);\n}\n`;

async function loaded(files: Readonly<Record<string, string>>): Promise<ResolvedScenario> {
  const folder = folderWith(files);
  const path = join(folder, 'e.yaml');
  const { scenario } = await loadScenario([path]);
  return withPortableSources(scenario, [path]);
}

const FILES = {
  'e.yaml': EXPERIMENT,
  'profile.yaml': PROFILE,
  'policies/last.ts': LAST,
  'policies/names.ts': NAMES,
};

/** Node of each pod. */
function nodesOf(scenario: ResolvedScenario): unknown[] {
  const nodes: unknown[] = [];
  const table = (spec: { name: string; columns: readonly { name: string }[] }) => {
    const at = spec.columns.findIndex(({ name }) => name === 'node');
    return { row: (cells: readonly unknown[]) => void (spec.name === 'pods' && nodes.push(cells[at])) };
  };
  simulateBuiltIn(scenario, { sinks: [{ open: () => ({ table, close: () => undefined }) }] });
  return nodes;
}

describe('a scenario', () => {
  test('carries the files as they are run, with hashes of what the user wrote, named without their folder', async () => {
    const { policies } = await loaded(FILES);
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const [file] = policies.plugins!;
    expect(file!.modules.map(({ file: name, sha256, imports }) => ({ name, sha256, imports }))).toEqual([
      { name: 'policies/last.ts', sha256: hash(LAST), imports: { './names': 1 } },
      { name: 'policies/names.ts', sha256: hash(NAMES), imports: {} },
    ]);
    expect(file!.modules[1]!.code).not.toContain(': string');
  });

  test('is another run when a policy, or what it imports, changes', async () => {
    const id = runId(await loaded(FILES));
    expect(runId(await loaded(FILES))).toBe(id);
    expect(runId(await loaded({ ...FILES, 'policies/last.ts': `${LAST}// ` }))).not.toBe(id);
    expect(runId(await loaded({ ...FILES, 'policies/names.ts': `${NAMES}\n` }))).not.toBe(id);
  });

  test('has no policies where none are named', async () => {
    const scenario = await loaded({ 'e.yaml': EXPERIMENT.replace(/ {2}(plugins|policies).*\n/g, '') });
    expect(scenario.policies).toEqual({});
  });
});

test('the plug-in decides, and each run has module variables of its own', async () => {
  const scenario = await loaded(FILES);
  // 3 pods x 4 nodes = 12 calls of score; the 13th would answer otherwise.
  expect(nodesOf(scenario)).toEqual(['node-4', 'node-4', 'node-4']);
  expect(nodesOf(JSON.parse(JSON.stringify(scenario)))).toEqual(['node-4', 'node-4', 'node-4']);
});

test('verify repeats a run whose files are gone', async () => {
  const folder = folderWith(FILES);
  const said = { stdout: '', stderr: '' };
  const io = {
    stdout: { write: (text: string) => (said.stdout += text) },
    stderr: { write: (text: string) => (said.stderr += text) },
    env: {},
  };
  const out = join(folder, 'out');
  expect(await main(['run', join(folder, 'e.yaml'), '--out', out, '--quiet'], io)).toBe(0);
  for (const name of ['e.yaml', 'profile.yaml', 'policies']) rmSync(join(folder, name), { recursive: true });
  expect(await main(['verify', out], io)).toBe(0);
  expect(said.stdout).toContain('repeats');
  expect(said.stderr).toBe('');
  expect(
    JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).scenario.policies.plugins[0].modules[0].file,
  ).toBe('policies/last.ts');
});

test('a plug-in that no profile enables is told in the loss report', async () => {
  const { loss } = await loaded({
    ...FILES,
    'e.yaml': EXPERIMENT.replace(/ {2}policies:.*\n/, ''),
  });
  expect(loss).toEqual([
    {
      source: 'policies/last.ts',
      kind: 'Plugin',
      field: 'Last',
      count: 1,
      note: 'no scheduler profile enables this plug-in: it is never asked',
    },
  ]);
});

/** One file with a workload and a controller. */
const MANY = `import { common, defineWorkload, DONE, objects, type ControllerDefinition } from 'kubetick';
export default [
  defineWorkload({
    name: 'pairs',
    about: 'two pods at a time',
    args: { every: { ...common.startAtArgument, help: 'gap' } },
    build: ({ every }) => ({
      workload: {
        namespaces: ['default'],
        *arrivals({ untilUs }) {
          for (let i = 0; i * every <= Math.min(untilUs, 3_000_000); i++)
            for (const half of ['a', 'b'])
              yield { atUs: i * every, object: objects.pod('p', 'app:v1', { cpu: 100, memory: 0 }, 'Always'), name: \`p-\${i}-\${half}\` };
        },
      },
    }),
  }),
  {
    name: 'marker', clientName: 'marker-controller', about: 'annotates pods',
    create(context) {
      context.onPods((pod) => context.queue.add(String(pod)));
      return {
        *reconcile(key) {
          const pod = Number(key);
          if (context.pods.has(pod)) context.client.podEvent('Normal', 'Marked', pod, 'seen');
          return DONE;
        },
      };
    },
  } satisfies ControllerDefinition,
];
`;

test('workloads and controllers of a file act, and lists show them', async () => {
  const experiment = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: own }
spec:
  plugins: [./many.ts]
  cluster: { nodes: [{ count: 2 }] }
  workload: { generators: [{ use: pairs, every: 1s }] }
  time: { run: 10s }
`;
  const run = await runCommand(['run', 'e.yaml', '--json', '--out', 'r'], {
    'e.yaml': experiment,
    'many.ts': MANY,
  });
  expect(run.stderr).toBe('');
  // At 0, 1, 2 and 3 s.
  expect(JSON.parse(run.stdout).pods.created).toBe(8);
  const last = async (what: string): Promise<unknown> => {
    const { stdout } = await runCommand(['list', what, '--plugin', 'many.ts', '--json'], { 'many.ts': MANY });
    return JSON.parse(stdout).at(-1).name;
  };
  expect([await last('workloads'), await last('controllers')]).toEqual(['pairs', 'marker']);
});

test('place asks a plug-in of a .js file', async () => {
  const nodes = ['n-1', 'n-2', 'n-3']
    .map(
      (name) =>
        `apiVersion: v1\nkind: Node\nmetadata: { name: ${name} }\nstatus: { allocatable: { cpu: 4, memory: 8Gi, pods: 110 } }\n`,
    )
    .join('---\n');
  const { stdout, code } = await runCommand(
    [
      'place',
      '--cluster',
      'nodes.yaml',
      '--pending',
      'pod.yaml',
      '--config',
      'profile.yaml',
      '--plugin',
      'last.js',
      '-o',
      'json',
    ],
    {
      'nodes.yaml': nodes,
      'pod.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: c, image: i }] }\n',
      'profile.yaml': PROFILE,
      'last.js': LAST.replace(
        "import { numberOf } from './names';",
        'const numberOf = (name) => Number(name.slice(2));',
      ),
    },
  );
  expect(code).toBe(0);
  const [pod] = JSON.parse(stdout).pods;
  expect(pod.node).toBe('n-3');
  expect(pod.scores).toEqual({ 'n-1': { Last: 1 }, 'n-2': { Last: 2 }, 'n-3': { Last: 3 } });
});

test('list shows plug-ins of a file beside the built-in ones', async () => {
  const { stdout } = await runCommand(['list', 'scheduler', '--plugin', 'policies/last.ts', '--json'], FILES);
  const rows: { name: string; default: boolean; points: string }[] = JSON.parse(stdout);
  expect(rows.at(-1)).toMatchObject({ name: 'Last', default: false, points: 'score' });
  expect(rows.length).toBeGreaterThan(20);
});
