// YAML as Kubernetes reads it: values of plain scalars, keys, merges, aliases; and the quick block reader against the
// full one.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readBlockYaml } from '../../../workloads/yaml-block.ts';
import { plainValue } from '../../../workloads/yaml-scalars.ts';
import { readYaml } from '../../../workloads/yaml-text.ts';

describe('plain scalars', () => {
  // Left: as written; right: what sigs.k8s.io/yaml makes of it.
  test.each([
    ['yes', true],
    ['Off', false],
    ['y', true],
    ['N', false],
    ['yEs', 'yEs'],
    ['~', null],
    ['Null', null],
    ['nUll', 'nUll'],
    ['010', 8],
    ['0o10', 8],
    ['0x1F', 31],
    ['0b101', 5],
    ['-0x10', -16],
    ['08', 8],
    ['1_000', 1000],
    ['+3', 3],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.', 1],
    ['1.20', 1.2],
    ['12:30', '12:30'],
    ['2024-01-01', '2024-01-01'],
    ['1e999', '1e999'],
    ['_1', '_1'],
    ['.5_0', '.5_0'],
    ['1_0.5', 10.5],
    ['500m', '500m'],
    ['1.2.3', '1.2.3'],
    ['-', '-'],
    ['18446744073709551615', 2 ** 64],
    ['<<', '<<'],
  ])('%s', (text, value) => expect(plainValue(text)).toBe(value));
});

const yamlValue = (text: string) => {
  const result = readYaml(text);
  if ('problem' in result) throw new Error(result.problem.message);
  return result.value;
};

describe('the full reader', () => {
  test.each([
    ['keys that are no text', '1: a\ntrue: b\n1.50: c\n', { 1: 'a', true: 'b', 1.5: 'c' }],
    [
      'own keys win over merged ones',
      'a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  x: 3\n',
      { a: { x: 1, z: 2 }, b: { x: 3, z: 2 } },
    ],
    [
      'earlier merges win over later ones',
      'a: &a {x: 1}\nb: &b {x: 2, z: 9}\nc: {<<: [*a, *b]}\n',
      { a: { x: 1 }, b: { x: 2, z: 9 }, c: { x: 1, z: 9 } },
    ],
    ['a quoted merge key is a key', '"<<": 1\n', { '<<': 1 }],
    [
      'tags decide the type',
      'a: !!str 1\nb: !!int "2"\nc: !!float 3\nd: !!binary aGk=\n',
      { a: '1', b: 2, c: 3, d: 'hi' },
    ],
    ['quoted text stays text', 'a: "yes"\nb: \'010\'\n', { a: 'yes', b: '010' }],
    ['an anchor may be used twice', 'a: &a [1]\nb: *a\nc: *a\n', { a: [1], b: [1], c: [1] }],
    [
      'KYAML',
      '---\n{\n  kind: "Pod",\n  spec: {\n    containers: [{\n      name: "c",\n    }],\n  },\n}\n',
      { kind: 'Pod', spec: { containers: [{ name: 'c' }] } },
    ],
    ['__proto__ is a key like others', '__proto__: {a: 1}\n', Object.fromEntries([['__proto__', { a: 1 }]])],
  ])('%s', (_name, text, value) => expect(yamlValue(text)).toEqual(value));
});

describe('the quick reader', () => {
  const agree = (text: string) => {
    const quick = readBlockYaml(text);
    if (quick === undefined) return 'gave up';
    expect({ text, value: quick.value }).toEqual({ text, value: yamlValue(text) });
    return 'read';
  };

  test.each([
    ['sequence at the column of its key', 'a:\n- b: 1\n  c: 2\n- d\n', 'read'],
    ['nested sequences', 'a:\n- - 1\n  - 2\n-\n  - 3\n', 'read'],
    ['literal blocks', 'a: |\n  x\n\n   y\nb: |-\n  z\nc: |+\n  w\n\nd: 1\n', 'read'],
    ['folded plain and quoted scalars', "a: one\n  two\nb: 'three\n  four'\nc: 1\n", 'read'],
    ['quotes', 'a: "x\\ny\\u00e9"\nb: \'it\'\'s\'\nc: ""\n"d": 1\n', 'read'],
    ['empty values and collections', 'a:\nb: {}\nc: []\nd: null\n', 'read'],
    ['comments on lines of their own', '# x\na: 1\n  # y\nb: 2\n', 'read'],
    ['comment behind a value', 'a: 1 # one\n', 'gave up'],
    ['flow style', 'a: {b: 1}\n', 'gave up'],
    ['anchors', 'a: &x 1\nb: *x\n', 'gave up'],
    ['folded block', 'a: >\n  x\n', 'gave up'],
    ['numbers as keys', '1: a\n', 'gave up'],
    ['the same key twice', 'a: 1\na: 2\n', 'gave up'],
    ['wrong indentation', 'a:\n  b: 1\n c: 2\n', 'gave up'],
    ['tabs', 'a:\n\tb: 1\n', 'gave up'],
    ['colon in a plain scalar', 'a: b: c\n', 'gave up'],
    ['block scalar with spaces in blank lines', 'a: |\n  x\n     \n  y\n', 'gave up'],
  ])('%s', (_name, text, outcome) => expect(agree(text)).toBe(outcome));

  // Any JSON tree, printed as block YAML in several widths, is either read to the same value or left alone.
  test('agrees with the full reader on random trees', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(
        'yes',
        '010',
        '1e3',
        'a: b',
        '- x',
        '#c',
        'x #c',
        "it's",
        '"q"',
        'two words',
        ' lead',
        'trail ',
        'a\nb',
        'a\n\nb\n',
        'é',
        '',
        '|',
        '>',
        '&a',
        '*a',
        '12:30',
      ),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        scalar,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(
          fc.oneof(fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9./-]{0,8}$/), fc.string({ maxLength: 4 })),
          tie('tree'),
          { maxKeys: 4 },
        ),
      ),
    }));
    let read = 0;
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tree, { minKeys: 1, maxKeys: 5 }),
        fc.constantFrom(0, 20, 80),
        (value, lineWidth) => {
          const text = stringify(value, {
            version: '1.1',
            lineWidth,
            indentSeq: lineWidth !== 20,
            aliasDuplicateObjects: false,
          });
          if (agree(text) === 'read') read++;
        },
      ),
      { numRuns: 2_000, seed: 7 },
    );
    // The property says something only if the quick reader takes a good part of the texts.
    expect(read).toBeGreaterThan(500);
  });

  // Mutilated manifests: whatever the quick reader accepts, the full one accepts with the same value.
  test('agrees on texts with random damage', () => {
    const base =
      'apiVersion: v1\nitems:\n- kind: Pod\n  metadata:\n    name: "a"\n    labels: {}\n  spec:\n    args:\n    - \'x\'\n    - |\n      line\n    message: a long\n      text\n';
    fc.assert(
      fc.property(
        fc.nat(base.length - 1),
        fc.nat(4),
        fc.constantFrom('', ' ', '  ', '\n', ':', ': ', '- ', '#', "'", '"', '|', '\t', 'x'),
        (at, cut, put) => {
          const text = base.slice(0, at) + put + base.slice(at + cut);
          const quick = readBlockYaml(text);
          if (quick === undefined) return;
          expect({ text, result: readYaml(text) }).toEqual({ text, result: { value: quick.value } });
        },
      ),
      { numRuns: 5_000, seed: 11 },
    );
  });

  const manifests = '../shared/data/k8s-manifests';
  test.skipIf(!existsSync(manifests))(
    `agrees on every document of ${manifests} (skipped where it is absent)`,
    () => {
      let documents = 0;
      let read = 0;
      for (const name of readdirSync(manifests, { recursive: true }).map(String)) {
        if (!/\.ya?ml$/.test(name)) continue;
        for (const text of readFileSync(join(manifests, name), 'utf8')
          .replaceAll('\r\n', '\n')
          .split(/^---/m)) {
          if (text.trim() === '') continue;
          documents++;
          if (agree(text) === 'read') read++;
        }
      }
      expect(documents).toBeGreaterThan(2_000);
      expect(read / documents).toBeGreaterThan(0.6);
    },
  );
});
