// Policy files that cannot be used: each with the whole text that the user sees. Exit code 2, nothing written.
import { describe, expect, test } from 'vitest';
import { type BadInput, type Files, runCommand } from './harness.ts';

const POD = `apiVersion: v1
kind: Pod
metadata: { name: web }
spec: { containers: [{ name: c, image: i, resources: { requests: { memory: 1Gi } } }] }
`;
const profile = (
  name: string,
  point: string,
  config = '',
): string => `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - plugins:
      ${point}: { enabled: [{ name: ${name} }] }
${config}`;
const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: own }
spec:
  plugins: [./my.ts]
  cluster: { nodes: [{ count: 2 }] }
  policies: { scheduler: { config: ./profile.yaml } }
  workload: { manifests: [./pod.yaml] }
`;
/** An Experiment whose profile enables plug-in Mine of my.ts at a point. */
const files = (source: string, point = 'score', config = ''): Files => ({
  'e.yaml': EXPERIMENT,
  'pod.yaml': POD,
  'profile.yaml': profile('Mine', point, config),
  'my.ts': source,
});
const score = (body: string): string => `import { scorePlugin } from 'kubetick';
export default scorePlugin('Mine', {
  locality: 'node', reads: 0,
  create: () => ({
    ${body}
  }),
});
`;

const CASES: readonly BadInput[] = [
  {
    name: 'missing, named by an Experiment',
    args: ['run', 'e.yaml'],
    files: { 'e.yaml': EXPERIMENT, 'pod.yaml': POD, 'profile.yaml': profile('NodeName', 'filter') },
    expected: `E1101 e.yaml:5:13 spec.plugins[0]
  my.ts: no such file or folder`,
  },
  {
    name: 'missing, named on the command line',
    args: ['run', 'pod.yaml', '--plugin', 'nowhere.ts'],
    files: { 'pod.yaml': POD },
    expected: `E1101 nowhere.ts
  no such file or folder`,
  },
  {
    name: 'not a program text',
    args: ['list', 'scheduler', '--plugin', 'pod.yaml'],
    files: { 'pod.yaml': POD },
    expected: `E3102 pod.yaml
  found "pod.yaml", expected a file that ends in .ts, .mts, .js or .mjs`,
  },
  {
    name: 'a missing import',
    args: ['run', 'e.yaml'],
    files: files("import { x } from './helper.ts';\nexport default x;\n"),
    expected: `E1101 my.ts import "./helper.ts"
  no such file or folder`,
  },
  {
    name: 'an import of a package',
    args: ['run', 'e.yaml'],
    files: files("import fs from 'node:fs';\nexport default fs.readFileSync('x');\n"),
    expected: `E3101 my.ts import "node:fs"
  a policy may import "kubetick", "zod" and files beside it, not "node:fs"
  results must not depend on what is installed: copy the part you need into a file of your own`,
  },
  {
    name: 'a syntax error',
    args: ['run', 'e.yaml'],
    files: files('export default {\n  name: "Mine",\n  points: [,\n'),
    expected: `E3101 my.ts:4:1
  not valid TypeScript: unexpected token`,
  },
  {
    name: 'a syntax error that only Node sees',
    args: ['run', 'e.yaml'],
    files: files('const a = 1;\nconst a = 2;\nexport default a;\n'),
    expected: `E3101 my.ts:2:7
  not valid TypeScript: identifier 'a' has already been declared`,
  },
  {
    name: 'a syntax error in an import',
    args: ['run', 'e.yaml'],
    files: {
      ...files("import { x } from './helper';\nexport default x;\n"),
      'helper.ts': 'export const x = ;\n',
    },
    expected: `E3101 helper.ts:1:18
  not valid TypeScript: unexpected token`,
  },
  {
    name: 'a name that the program does not export',
    args: ['run', 'e.yaml'],
    files: files("import { scorePlugn } from 'kubetick';\n\nexport default scorePlugn('Mine', {});\n"),
    expected: `E3104 my.ts:3
  throws while it is loaded: kubetick exports no "scorePlugn": did you mean "scorePlugin"?`,
  },
  {
    name: 'it throws while it is loaded',
    args: ['run', 'e.yaml'],
    files: files('const settings: any = undefined;\nexport default settings.name;\n'),
    expected: `E3104 my.ts:2
  throws while it is loaded: TypeError: Cannot read properties of undefined (reading 'name')`,
  },
  {
    name: 'it reads the clock',
    args: ['run', 'e.yaml'],
    files: files('const begin = Date.now();\nexport default begin;\n'),
    expected: `E3104 my.ts:1
  throws while it is loaded: Date.now is not there for policies, whose runs must repeat: virtual time is what the run gives you`,
  },
  {
    name: 'no default export',
    args: ['run', 'e.yaml'],
    files: files('export const mine = 1;\n'),
    expected: `E3102 my.ts
  the file has no default export
  export default scorePlugin("Name", { … }), or a list of definitions`,
  },
  {
    name: 'no policy at all, and one without a name',
    args: ['run', 'pod.yaml', '--plugin', 'my.ts'],
    files: {
      'pod.yaml': POD,
      'my.ts': 'export default [7, { points: [] }, { name: "x", colour: "red" }];\n',
    },
    expected: `E3102 my.ts
  element 0 of the default export is 7, expected a policy
  export default scorePlugin("Name", { … }), or a list of definitions
E3102 my.ts
  element 1 of the default export has no usable name: found nothing, expected letters, digits, ".", "_" and "-"
  export default scorePlugin("Name", { … }), or a list of definitions
E3102 my.ts x
  element 2 of the default export is no policy: found name, colour
  a scheduler plug-in has points, an extender serves, a controller clientName, a workload a list of args, a cost preset apiserver and scheduler
3 problems`,
  },
  {
    name: 'unknown extension points, and one that nobody calls',
    args: ['run', 'pod.yaml', '--plugin', 'my.ts'],
    files: {
      'pod.yaml': POD,
      'my.ts': `import { definePlugin } from 'kubetick';
export default definePlugin({ name: 'Mine', about: 'x', points: ['scores', 'preBind'] as any, create: () => ({}) as any });
`,
    },
    expected: `E3102 my.ts Mine
  unknown extension point "scores"
  did you mean "score"?
E3102 my.ts Mine
  nothing happens at preBind in this version
  what must hold before a binding goes to permit
2 problems`,
  },
  {
    name: 'create and args of the wrong kind',
    args: ['run', 'pod.yaml', '--plugin', 'my.js'],
    files: {
      'pod.yaml': POD,
      'my.js': "export default { name: 'Mine', about: 'x', points: ['score'], args: { a: 1 }, create: 3 };\n",
    },
    expected: `E3102 my.js Mine
  create is 3, expected a function
E3102 my.js Mine
  args is an object, expected a schema
  args: z.strictObject({ … }), with z from "kubetick" or "zod"
2 problems`,
  },
  {
    name: 'the name of a built-in plug-in',
    args: ['run', 'e.yaml'],
    files: files(score('score: () => 1,').replace("'Mine'", "'NodeName'"), 'multiPoint'),
    expected: `E3103 my.ts NodeName
  the program has a scheduler plug-in named "NodeName" already
  give yours another name; a profile can disable the built-in one`,
  },
  {
    name: 'one name in two files',
    args: ['run', 'pod.yaml', '--plugin', 'a.ts', '--plugin', 'b.ts'],
    files: { 'pod.yaml': POD, 'a.ts': score('score: () => 1,'), 'b.ts': score('score: () => 2,') },
    expected: `E3103 b.ts Mine
  a.ts has a scheduler plug-in named "Mine" already
  rename one of the two`,
  },
  {
    name: 'a score without locality',
    args: ['run', 'e.yaml'],
    files: files(score('score: () => 1,').replace("locality: 'node', ", '')),
    expected: `E3105 my.ts scheduler plug-in "Mine" create
  locality is missing, expected "node", "stratum" or "global": what the answer for a node may depend on`,
  },
  {
    name: 'a score without reads',
    args: ['run', 'e.yaml'],
    files: files(score('score: () => 1,').replace('reads: 0,', '')),
    expected: `E3105 my.ts scheduler plug-in "Mine" create
  reads is missing, expected bits of NodeField joined by |: what of a node is read`,
  },
  {
    name: 'a point without its method',
    args: ['run', 'e.yaml'],
    files: files(score('normalize() {},')),
    expected: `E3105 my.ts scheduler plug-in "Mine" create
  points names score, but there is no method score`,
  },
  {
    name: 'a method without its point',
    args: ['run', 'e.yaml'],
    files: files(score('score: () => 1, preScore: () => {},')),
    expected: `E3105 my.ts scheduler plug-in "Mine" create
  it has preScore, but points does not name preScore: it would never be called`,
  },
  {
    name: 'create throws',
    args: ['place', '--cluster', 'pod.yaml', '--config', 'profile.yaml', '--plugin', 'my.ts'],
    files: files(`import { scorePlugin } from 'kubetick';
export default scorePlugin('Mine', {
  locality: 'node', reads: 0,
  create: () => {
    throw new RangeError('no luck');
  },
});
`),
    expected: `E3105 my.ts:5 scheduler plug-in "Mine" create
  RangeError: no luck`,
  },
  {
    name: 'bad arguments',
    args: ['run', 'e.yaml'],
    files: files(
      score('score: () => 1,')
        .replace("'kubetick'", "'kubetick';\nimport * as z from 'zod'")
        .replace("locality: 'node'", "args: z.strictObject({ reserve: z.number().int() }), locality: 'node'"),
      'score',
      '    pluginConfig:\n      - { name: Mine, args: { reserve: much, colour: red } }\n',
    ),
    expected: `E3011 profile.yaml:7:40 profiles[0].pluginConfig[0].args.reserve
  Invalid input: expected number, received string
E3011 profile.yaml:7:23 profiles[0].pluginConfig[0].args
  Unrecognized key: "colour"
2 problems`,
  },
  {
    name: 'a profile that names a point it does not have',
    args: ['run', 'e.yaml'],
    files: files(score('score: () => 1,'), 'filter'),
    expected: `E3011 profile.yaml:5:35 profiles[0].plugins.filter.enabled[0].name
  plug-in "Mine" has nothing to do at filter`,
  },
  {
    name: 'it throws during the run',
    args: ['run', 'e.yaml'],
    files: files(score('score(pod, node) { return (node as any).memory.free; },')),
    expected: `E3105 my.ts:5 scheduler plug-in "Mine" score
  TypeError: Cannot read properties of undefined (reading 'free')
  pod default/web, node node-1, virtual time T s`,
  },
  {
    name: 'a score out of range',
    args: ['run', 'e.yaml'],
    files: files(score('score: () => 101,')),
    expected: `E3105 my.ts scheduler plug-in "Mine" score
  returned 101, expected an integer from 0 to 100
  pod default/web, node node-1, virtual time T s`,
  },
  {
    name: 'a score that is no integer, in place',
    args: [
      'place',
      '--cluster',
      'nodes.yaml',
      '--pending',
      'pod.yaml',
      '--config',
      'profile.yaml',
      '--plugin',
      'my.ts',
    ],
    files: {
      ...files(score('score: () => 0.5,')),
      'nodes.yaml': ['a', 'b']
        .map(
          (name) =>
            `apiVersion: v1\nkind: Node\nmetadata: { name: ${name} }\nstatus: { allocatable: { cpu: 4, memory: 8Gi, pods: 110 } }\n`,
        )
        .join('---\n'),
    },
    expected: `E3105 my.ts scheduler plug-in "Mine" score
  returned 0.5, expected an integer from 0 to 100
  pod default/web, node a`,
  },
  {
    name: 'a filter that returns a boolean',
    args: ['run', 'e.yaml'],
    files: files(
      `import { filterPlugin } from 'kubetick';
export default filterPlugin('Mine', { locality: 'node', reads: 0, create: () => ({ filter: () => true as any }) });
`,
      'filter',
    ),
    expected: `E3105 my.ts scheduler plug-in "Mine" filter
  returned true, expected 0 (passes) or what handle.verdict(code, reason) gave
  pod default/web, node node-1, virtual time T s`,
  },
  {
    name: 'chance during the run',
    args: ['run', 'e.yaml'],
    files: files(score('score: () => Math.floor(100 * Math.random()),')),
    expected: `E3105 my.ts:5 scheduler plug-in "Mine" score
  Math.random is not there for policies, whose runs must repeat: draw from the rng that a workload is given, or derive it from pod.uid
  pod default/web, node node-1, virtual time T s`,
  },
  {
    name: 'a workload whose time goes back',
    args: ['run', 'w.yaml'],
    files: {
      'w.yaml': `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: own }
spec:
  plugins: [./my.ts]
  workload: { generators: [{ use: waves }] }
`,
      'my.ts': `import { defineWorkload } from 'kubetick';
const object = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [{ name: 'c', image: 'i' }] } };
export default defineWorkload({
  name: 'waves', about: 'x', args: {},
  build: () => ({
    workload: {
      namespaces: ['default'],
      *arrivals() {
        yield { atUs: 500, object, name: 'a' };
        yield { atUs: 400, object, name: 'b' };
      },
    },
  }),
});
`,
    },
    expected: `E3105 my.ts workload "waves" arrivals
  yielded atUs 400, expected integer µs, at least 500, the time of the arrival before
  virtual time T s`,
  },
  {
    name: 'a controller that throws',
    args: ['run', 'pod.yaml', '--plugin', 'my.ts'],
    files: {
      'pod.yaml': POD,
      'my.ts': `import { DONE, type ControllerDefinition } from 'kubetick';
export default {
  name: 'tidy', clientName: 'tidy-controller', about: 'x',
  create: (context) => {
    context.onPods((pod) => context.queue.add(String(pod)));
    return {
      *reconcile(key) {
        if (key !== '') throw new Error('lost');
        return DONE;
      },
    };
  },
} satisfies ControllerDefinition;
`,
    },
    expected: `E3105 my.ts:8 controller "tidy" reconcile("0")
  lost
  virtual time T s`,
  },
];

describe('policy files', () => {
  test.each(CASES)('$name', async ({ args, files: given, expected }) => {
    const { code, stdout, stderr, written } = await runCommand(args, given);
    // When depends on the cost preset.
    expect(stderr.replace(/(?<=virtual time )\d+\.\d{6}(?= s$)/m, 'T')).toBe(`${expected}\n`);
    expect({ code, stdout, written }).toEqual({ code: 2, stdout: '', written: [] });
  });
});
