// The variants of a sweep: products, ranges, named variants, exceptions; and every mistake at its place.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandSweep, type Variant } from '../../../experiments/expand.ts';
import { readExperiment } from '../../../experiments/experiment-file.ts';
import { readDocuments } from '../../../workloads/manifests.ts';

function expand(sweep: unknown): ReturnType<typeof expandSweep> {
  const text = JSON.stringify({
    apiVersion: 'kubetick.io/v1',
    kind: 'Experiment',
    metadata: { name: 'e' },
    spec: { cluster: { nodes: [{ count: 1 }] }, ...(sweep === undefined ? {} : { sweep }) },
  });
  const [manifest] = readDocuments('e.json', text).documents;
  const read = readExperiment(manifest!, []);
  if ('problems' in read) return { problems: read.problems };
  return expandSweep(read.value, manifest!);
}

function variantsOf(sweep: unknown): readonly Variant[] {
  const expanded = expand(sweep);
  if ('problems' in expanded) throw new Error(JSON.stringify(expanded.problems));
  return expanded.variants;
}

const COUNT = 'cluster.nodes.0.count';
const CPU = 'cluster.nodes.0.cpu';

describe('names of the variants', () => {
  test.each<[string, unknown, string[]]>([
    ['no sweep', undefined, ['default']],
    ['a list', { axes: { n: { at: COUNT, values: [3, 1] } } }, ['n=3', 'n=1']],
    ['a range with its end', { axes: { n: { at: COUNT, from: 1, to: 5, step: 2 } } }, ['n=1', 'n=3', 'n=5']],
    [
      'a range that stops before its end',
      { axes: { n: { at: COUNT, from: 1, to: 4, step: 2 } } },
      ['n=1', 'n=3'],
    ],
    ['steps of 1 by default', { axes: { n: { at: COUNT, from: 1, to: 3 } } }, ['n=1', 'n=2', 'n=3']],
    ['downwards', { axes: { n: { at: COUNT, from: 2, to: 1, step: -1 } } }, ['n=2', 'n=1']],
    // 0.1 + 0.1 + 0.1 is 0.30000000000000004; 3 × 0.1 rounded to 12 digits is 0.3.
    ['tenths', { axes: { n: { at: CPU, from: 0.1, to: 0.3, step: 0.1 } } }, ['n=0.1', 'n=0.2', 'n=0.3']],
    [
      'a product, the last axis fastest',
      { axes: { n: { at: COUNT, values: [1, 2] }, c: { at: CPU, values: [4, 8] } } },
      ['n=1,c=4', 'n=1,c=8', 'n=2,c=4', 'n=2,c=8'],
    ],
    [
      'less what is excepted, one value or several',
      {
        axes: { n: { at: COUNT, values: [1, 2, 3] }, c: { at: CPU, values: [4, 8] } },
        except: [
          { n: 1, c: 8 },
          { n: [2, 3], c: [4] },
        ],
      },
      ['n=1,c=4', 'n=2,c=8', 'n=3,c=8'],
    ],
    ['named variants', { variants: { small: { set: { [COUNT]: 1 } }, same: {} } }, ['small', 'same']],
    [
      'named variants times an axis',
      {
        variants: { a: {}, b: {} },
        axes: { n: { at: COUNT, values: [1, 2] } },
        except: [{ variant: 'a', n: 2 }],
      },
      ['a,n=1', 'b,n=1', 'b,n=2'],
    ],
    [
      'lists and texts with blanks by number',
      { axes: { z: { at: 'cluster.nodes.0.zones', values: [['a'], ['a', 'b']] } } },
      ['z=#1', 'z=#2'],
    ],
  ])('%s', (_name, sweep, names) => {
    expect(variantsOf(sweep).map(({ name }) => name)).toEqual(names);
  });
});

test('a variant has what it extends below its own values, over several steps', () => {
  const variants = variantsOf({
    variants: {
      base: { set: { [COUNT]: 1, [CPU]: 2 } },
      middle: { extends: 'base', set: { [COUNT]: 5 } },
      top: { extends: 'middle', set: { [CPU]: 16 } },
    },
  });
  // Later ones win: base 1, 2; middle 5; top 16.
  expect(variants[2]!.changes.map(({ path, value }) => [path, value])).toEqual([
    [COUNT, 1],
    [CPU, 2],
    [COUNT, 5],
    [CPU, 16],
  ]);
});

describe('mistakes', () => {
  test.each<[string, unknown, [path: string, text: string, hint?: string][]]>([
    [
      'a path that does not exist: the nearest key',
      { axes: { n: { at: 'cluster.nodes.0.cuont', values: [1] } } },
      [['spec.sweep.axes.n.at', 'unknown key "cuont" in spec.cluster.nodes[0]', 'did you mean "count"?']],
    ],
    [
      'a name where a number belongs',
      { axes: { n: { at: 'cluster.nodes.first.count', values: [1] } } },
      [['spec.sweep.axes.n.at', 'spec.cluster.nodes is a list; "first" is not a number']],
    ],
    [
      'what a variant may not change',
      { axes: { n: { at: 'seeds.seed', values: [1] } } },
      [['spec.sweep.axes.n.at', 'seeds.seed is not part of what a variant can change']],
    ],
    ['neither values nor range', { axes: { n: { at: COUNT } } }, [['spec.sweep.axes.n', 'has no values']]],
    [
      'values and a range',
      { axes: { n: { at: COUNT, values: [1], from: 1, to: 2 } } },
      [['spec.sweep.axes.n', 'has values and a range']],
    ],
    ['half a range', { axes: { n: { at: COUNT, from: 1 } } }, [['spec.sweep.axes.n', 'a range needs `to`']]],
    [
      'a range in the wrong direction',
      { axes: { n: { at: COUNT, from: 1, to: 5, step: -1 } } },
      [['spec.sweep.axes.n', 'from 1 by steps of -1 never comes to 5']],
    ],
    [
      'no step',
      { axes: { n: { at: COUNT, from: 1, to: 5, step: 0 } } },
      [['spec.sweep.axes.n', 'never comes to 5']],
    ],
    [
      'a value twice',
      { axes: { n: { at: COUNT, values: [1, 2, 1] } } },
      [['spec.sweep.axes.n.values[2]', 'the value 1 stands here twice']],
    ],
    [
      'an exception about nothing',
      { axes: { nodes: { at: COUNT, values: [1, 2] } }, except: [{ node: 1 }, { nodes: 3 }] },
      [
        ['spec.sweep.except[0].node', 'no axis named "node"', 'did you mean "nodes"?'],
        ['spec.sweep.except[1].nodes', '3 is no value of nodes', 'it has 1, 2'],
      ],
    ],
    [
      'everything excepted',
      { axes: { n: { at: COUNT, values: [1] } }, except: [{ n: 1 }] },
      [['spec.sweep.except', 'every combination is left out']],
    ],
    ['nothing at all', {}, [['spec.sweep', 'the sweep has neither axes nor variants']]],
    [
      'a variant that extends none',
      { variants: { large: {}, b: { extends: 'lagre' } } },
      [['spec.sweep.variants.b.extends', 'no variant named "lagre"', 'did you mean "large"?']],
    ],
    [
      'variants that extend each other',
      { variants: { a: { extends: 'b' }, b: { extends: 'a' } } },
      [
        ['spec.sweep.variants.a.extends', 'extends itself'],
        ['spec.sweep.variants.b.extends', 'extends itself'],
      ],
    ],
    [
      'an expectation that cannot be read',
      { axes: { n: { at: COUNT, values: [1] } }, expect: ['pod.startup.p99 is low'] },
      [['spec.sweep.expect[0]', 'not of the form METRIC OPERATOR VALUE']],
    ],
    [
      'too many',
      { axes: { n: { at: COUNT, from: 1, to: 1000 }, c: { at: CPU, from: 1, to: 1000 } } },
      [['spec.sweep', '1000000 variants, at most 100000']],
    ],
    [
      'all at once',
      { axes: { n: { at: 'cluster.nodez', values: [1] }, m: { at: COUNT } }, except: [{ k: 1 }] },
      [
        ['spec.sweep.axes.n.at', 'unknown key "nodez"'],
        ['spec.sweep.axes.m', 'has no values'],
        ['spec.sweep.except[0].k', 'no axis named "k"'],
      ],
    ],
  ])('%s', (_name, sweep, expected) => {
    const expanded = expand(sweep);
    const problems = 'problems' in expanded ? expanded.problems : [];
    expect(problems.map(({ path }) => path)).toEqual(expected.map(([path]) => path));
    expected.forEach(([, text, hint], i) => {
      expect(problems[i]!.message).toContain(text);
      expect(problems[i]!).toMatchObject({ file: 'e.json', line: 1 });
      if (hint !== undefined) expect(problems[i]!.hint).toBe(hint);
    });
  });
});

test('the product of any axes has each combination once, and leaves out what except names', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sizes, fc.nat(), (lengths, salt) => {
      const axes = lengths.map((length, i) => [`a${i}`, { at: COUNT, from: 1, to: length }] as const);
      const product = lengths.reduce((a, b) => a * b, 1);
      const all = variantsOf({ axes: Object.fromEntries(axes) });
      expect(new Set(all.map(({ name }) => name)).size).toBe(product);
      if (product === 1) return;
      const [left] = [all[salt % product]!];
      const except = [
        Object.fromEntries(Object.entries(left.values).map(([axis, text]) => [axis, Number(text)])),
      ];
      const rest = variantsOf({ axes: Object.fromEntries(axes), except });
      expect(rest.map(({ name }) => name)).toEqual(
        all.map(({ name }) => name).filter((name) => name !== left.name),
      );
    }),
    { numRuns: 50, seed: 1 },
  );
});
