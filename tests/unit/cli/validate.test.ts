// `kubetick validate`: the lines that programs read, the text for people, and agreement with a recorded API server.
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { validatePaths } from '../../../experiments/validate.ts';
import { runCommand } from './harness.ts';

const pod = (name: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  containers: [{name: c, image: i}]\n`;
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('--json', () => {
  test('one line per object, in the order of documents and items', async () => {
    const { code, stdout, stderr } = await runCommand(['validate', 'a.yaml', '--json'], {
      'a.yaml': `${pod('a')}---\nkind: [\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b, namespace: shop}\n- apiVersion: v1\n  kind: Service\n  metadata: {name: c}\n  spec:\n    ports:\n    - {port: 80, nodePort: 0, protocol: UTP}\n`,
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(lines(stdout)).toEqual([
      {
        file: 'a.yaml',
        document: 0,
        item: 0,
        apiVersion: 'v1',
        kind: 'Pod',
        namespace: '',
        name: 'a',
        accepted: true,
        problems: [],
      },
      // A text that cannot be parsed: no kind.
      {
        file: 'a.yaml',
        document: 1,
        item: 0,
        accepted: false,
        problems: [
          {
            path: '',
            message: 'Flow sequence in block collection must be sufficiently indented and end with a ]',
            line: 8,
            column: 1,
          },
        ],
      },
      {
        file: 'a.yaml',
        document: 2,
        item: 0,
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: 'shop',
        name: 'b',
        accepted: true,
        problems: [],
      },
      {
        file: 'a.yaml',
        document: 2,
        item: 1,
        apiVersion: 'v1',
        kind: 'Service',
        namespace: '',
        name: 'c',
        accepted: false,
        problems: [
          {
            path: 'spec.ports[0].protocol',
            message: 'Unsupported value: "UTP": supported values: "SCTP", "TCP", "UDP"',
            line: 20,
            column: 41,
          },
        ],
      },
    ]);
  });

  test('problems of accepted objects are warnings, and the exit code is 0', async () => {
    const { code, stdout } = await runCommand(['validate', 'a.yaml', '--json'], {
      'a.yaml': `apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n---\n${pod('a')}  activeDeadlineSeconds: 5\n`,
    });
    expect(code).toBe(0);
    expect(lines(stdout).map((line) => [line['accepted'], line['problems']])).toEqual([
      [
        true,
        [
          {
            path: '',
            message: 'kind not served by the API server: stored, nothing acts on it',
            line: 2,
            column: 7,
          },
        ],
      ],
      [
        true,
        [
          {
            path: 'spec.activeDeadlineSeconds',
            message: 'field not modelled: the deadline is not enforced',
            line: 10,
            column: 26,
          },
        ],
      ],
    ]);
  });

  test('a missing file is told on standard error, the others on standard output', async () => {
    const { code, stdout, stderr } = await runCommand(['validate', 'a.yaml', 'b.yaml', '--json'], {
      'a.yaml': pod('a'),
    });
    expect(code).toBe(2);
    expect(lines(stdout)).toHaveLength(1);
    expect(lines(stderr)).toEqual([{ code: 'E1101', file: 'b.yaml', message: 'no such file or folder' }]);
  });

  test('reads standard input, and objects as the server stored them', async () => {
    const stdin = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMapList',
      items: [
        {
          metadata: { name: 'a', uid: 'u', resourceVersion: '5', creationTimestamp: '2024-01-01T00:00:00Z' },
        },
      ],
    });
    const { code, stdout } = await runCommand(['validate', '-', '--json'], {}, { stdin });
    expect(code).toBe(0);
    expect(lines(stdout)).toMatchObject([
      { file: '-', kind: 'ConfigMap', name: 'a', accepted: true, problems: [] },
    ]);
  });

  test('checks Experiments and scenario files too', async () => {
    const { code, stdout } = await runCommand(['validate', 'e.yaml', 's.yaml', '--json'], {
      'e.yaml':
        'apiVersion: kubetick.io/v1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  time: {rum: 1m}\n',
      's.yaml': `scenario: x\ncluster: {nodes: [{name: n1}]}\nsteps: []\nend: {maxMs: 10}\n---\n${pod('"${NS}-p"')}`,
    });
    expect(code).toBe(2);
    expect(lines(stdout).map((line) => `${line['kind']} ${line['name']} ${line['accepted']}`)).toEqual([
      'Experiment e false',
      'Scenario x true',
      'Pod ${NS}-p true',
    ]);
  });
});

test('for people: by file, with counts', async () => {
  const { code, stdout } = await runCommand(['validate', 'a.yaml', 'b.yaml'], {
    'a.yaml': `${pod('a')}---\n${pod('A_')}`,
    'b.yaml': `${pod('b')}  activeDeadlineSeconds: 5\n`,
  });
  expect(code).toBe(2);
  expect(stdout).toBe(`a.yaml: 2 objects, 1 rejected
  E2002 a.yaml:9:18 Pod/A_ metadata.name
    Invalid value: "A_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
b.yaml: 1 object, all accepted
  warning 6:26 Pod/b spec.activeDeadlineSeconds: field not modelled: the deadline is not enforced
2 files, 3 objects: 2 accepted, 1 rejected, 1 warning
`);
});

const answers = '../shared/oracle/controlplane/api-answers/manifests.jsonl.gz';
const manifests = '../shared/data/k8s-manifests';

test.skipIf(!existsSync(answers) || !existsSync(manifests))(
  `accepts and rejects what a recorded API server does in ${manifests} (skipped where it is absent)`,
  () => {
    const { lines: judged } = validatePaths([manifests]);
    const verdicts = new Map(
      judged.map((l) => [`${l.file.slice(manifests.length + 1)} ${l.document} ${l.item}`, l]),
    );
    const wrong: string[] = [];
    let compared = 0;
    let fields = 0;
    let sameFields = 0;
    for (const row of gunzipSync(readFileSync(answers)).toString().trimEnd().split('\n')) {
      const answer = JSON.parse(row) as {
        file: string;
        document: number;
        item: number;
        code: number;
        kind: string;
        causes?: { field: string }[];
      };
      // 201 accepted, 400 not decoded, 422 invalid; other codes depend on what else is in the cluster.
      if (![201, 400, 422].includes(answer.code)) continue;
      compared++;
      const ours = verdicts.get(`${answer.file} ${answer.document} ${answer.item}`);
      if (ours === undefined || ours.accepted !== (answer.code === 201))
        wrong.push(`${answer.code} ${answer.file} ${answer.kind}`);
      if (answer.causes === undefined || ours === undefined) continue;
      fields++;
      const sorted = (paths: string[]) => paths.sort().join();
      if (sorted(answer.causes.map((c) => c.field)) === sorted(ours.problems.map((p) => p.path)))
        sameFields++;
    }
    expect(compared).toBe(1_706);
    expect(wrong.length, wrong.join('\n')).toBeLessThanOrEqual(Math.floor(compared * 0.01));
    // Every rejection names the fields that the server names.
    expect(sameFields / fields).toBeGreaterThan(0.97);
  },
  120_000,
);
