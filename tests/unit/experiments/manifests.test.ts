// Texts to objects: documents, Lists, JSON, broken parts, places, and the speed that large dumps need.
import { describe, expect, test } from 'vitest';
import { parseFieldPath, readDocuments } from '../../../workloads/manifests.ts';

const names = (text: string) =>
  readDocuments('f', text).documents.map(
    (d) =>
      `${d.document}.${d.item} ${String(d.raw['kind'])}/${String((d.raw['metadata'] as { name?: string })?.name)}`,
  );
const object = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

describe('documents', () => {
  test.each([
    [
      'several, empty ones not counted',
      `---\n# c\n---\n${object('a')}---\n---\n${object('b')}...\n`,
      ['0.0 ConfigMap/a', '1.0 ConfigMap/b'],
    ],
    [
      'content behind the dashes',
      `--- {apiVersion: v1, kind: X, metadata: {name: a}}\n--- # c\n${object('b')}`,
      ['0.0 X/a', '1.0 ConfigMap/b'],
    ],
    [
      'byte order mark, CRLF',
      `\ufeff${object('a')}---\n${object('b')}`.replaceAll('\n', '\r\n'),
      ['0.0 ConfigMap/a', '1.0 ConfigMap/b'],
    ],
    ['dashes inside a literal block', `${object('a')}data:\n  x: |\n    ---\n    y\n`, ['0.0 ConfigMap/a']],
    ['%YAML directive', `%YAML 1.1\n---\n${object('a')}`, ['0.0 ConfigMap/a']],
    [
      'a List',
      `apiVersion: v1\nkind: List\nitems:\n- ${object('a').replaceAll('\n', '\n  ').trimEnd()}\n- ${object('b').replaceAll('\n', '\n  ').trimEnd()}\nmetadata:\n  resourceVersion: ""\n`,
      ['0.0 ConfigMap/a', '0.1 ConfigMap/b'],
    ],
    ['an empty List', 'apiVersion: v1\nkind: List\nitems: []\n', []],
    [
      'a typed List whose items leave out their kind',
      'apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n',
      ['0.0 Pod/a'],
    ],
    [
      'a List in a List',
      'kind: List\nitems:\n- kind: X\n  metadata: {name: a}\n- kind: List\n  items:\n  - kind: W\n    metadata: {name: b}\n- kind: Z\n  metadata: {name: c}\n',
      ['0.0 X/a', '0.1 W/b', '0.2 Z/c'],
    ],
    [
      'anchors across the items of a List',
      'kind: List\nitems:\n- &a\n  kind: X\n  metadata: {name: a}\n- *a\n',
      ['0.0 X/a', '0.1 X/a'],
    ],
    [
      'items under an indented List',
      'apiVersion: v1\nkind: List\nitems:\n  - kind: X\n    metadata:\n      name: a\n  - kind: W\n    metadata:\n      name: b\n',
      ['0.0 X/a', '0.1 W/b'],
    ],
    [
      'a kind that merely ends in List',
      'kind: AllowList\nmetadata: {name: a}\nspec: {}\n',
      ['0.0 AllowList/a'],
    ],
    [
      'JSON one after another',
      '{"kind":"X","metadata":{"name":"a"}}\n{"kind":"W","metadata":{"name":"b"}}',
      ['0.0 X/a', '1.0 W/b'],
    ],
    [
      'JSON List',
      '{"kind":"List","items":[{"kind":"X","metadata":{"name":"a"}},{"kind":"W","metadata":{"name":"b"}}]}',
      ['0.0 X/a', '0.1 W/b'],
    ],
    [
      'JSON between YAML',
      `${object('a')}---\n{"kind":"W","metadata":{"name":"b"}}\n---\n${object('c')}`,
      ['0.0 ConfigMap/a', '1.0 W/b', '2.0 ConfigMap/c'],
    ],
    ['KYAML', '---\n{\n  kind: "X",\n  metadata: {\n    name: "a",\n  },\n}\n', ['0.0 X/a']],
  ])('%s', (_name, text, expected) => expect(names(text)).toEqual(expected));
});

describe('a broken document', () => {
  test('costs one problem with its place; the others are read', () => {
    const { documents, problems } = readDocuments(
      'f.yaml',
      `${object('a')}---\nkind: "X\n---\n${object('b')}`,
    );
    expect(documents.map((d) => d.document)).toEqual([0, 2]);
    expect(problems).toMatchObject([{ code: 'E1201', file: 'f.yaml', line: 7, document: 1 }]);
  });

  test('in concatenated JSON leaves those before it', () => {
    const { documents, problems } = readDocuments('f.json', '{"kind":"X"}\n{"kind":\n}\n');
    expect(documents).toHaveLength(1);
    expect(problems).toMatchObject([{ code: 'E1204', line: 3, column: 1, document: 1 }]);
  });

  test('in a List is told with its own place', () => {
    const { problems } = readDocuments('f', 'kind: List\nitems:\n- kind: X\n- kind: W\n  a: 1\n  a: 2\n');
    expect(problems).toMatchObject([{ code: 'E1202', line: 6, column: 3 }]);
  });
});

describe('places', () => {
  const yaml =
    'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {app.io/x: "1"}\nspec:\n  containers:\n  - name: c\n    image: i\n';
  const json =
    '{"kind": "Pod",\n "metadata": {"name": "a", "labels": {"app.io/x": "1"}},\n "spec": {"containers": [{"name": "c",\n   "image": "i"}]}}';
  test.each([
    ['metadata.name', '4:9', '2:23'],
    ['metadata.labels[app.io/x]', '5:22', '2:51'],
    ['spec', '6:1', '3:10'],
    ['spec.containers[0].image', '9:12', '4:13'],
    // What is missing is shown at its nearest ancestor.
    ['spec.containers[0].ports[1].hostPort', '8:5', '3:26'],
    ['spec.nodeName', '6:1', '3:10'],
    ['status.phase', '1:1', '1:1'],
  ])('%s', (path, inYaml, inJson) => {
    const place = (text: string) => {
      const { line, column } = readDocuments('f', text).documents[0]!.position(path);
      return `${line}:${column}`;
    };
    expect([place(yaml), place(json)]).toEqual([inYaml, inJson]);
    // The same object as second item of a List, in block style: ten lines further down, two columns to the right.
    const item = yaml.trimEnd().replaceAll('\n', '\n  ');
    const list = readDocuments('f', `kind: List\nitems:\n- ${item}\n- ${item}\n`).documents[1]!.position(
      path,
    );
    const [line, column] = inYaml.split(':').map(Number);
    expect(list).toEqual({ line: line! + 11, column: column! + 2 });
  });

  test('paths as the API server prints them', () => {
    expect(parseFieldPath('spec.containers[0].ports[12].name')).toEqual([
      'spec',
      'containers',
      0,
      'ports',
      12,
      'name',
    ]);
    expect(parseFieldPath('metadata.labels[a.b/c]')).toEqual(['metadata', 'labels', 'a.b/c']);
  });
});

test('a dump of thousands of pods is read at more than 10 MB a second', () => {
  const pod = (i: number) =>
    `- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: web-${i}\n    namespace: shop\n  spec:\n    containers:\n${Array.from({ length: 20 }, (_, k) => `    - image: registry.example.com/app-${k}:v1\n      name: c${k}\n      resources:\n        requests:\n          cpu: 100m\n          memory: 64Mi\n`).join('')}    nodeName: node-${i % 50}\n`;
  const text = `apiVersion: v1\nitems:\n${Array.from({ length: 3_000 }, (_, i) => pod(i)).join('')}kind: List\nmetadata:\n  resourceVersion: ""\n`;
  const cpu = process.cpuUsage();
  const { documents, problems } = readDocuments('dump.yaml', text);
  const seconds = process.cpuUsage(cpu).user / 1e6;
  expect({ objects: documents.length, problems, last: documents.at(-1)!.item }).toEqual({
    objects: 3_000,
    problems: [],
    last: 2_999,
  });
  // Measured: 40 to 60 MB/s; the full reader makes 2.
  expect(text.length / 1e6 / seconds).toBeGreaterThan(10);
});
