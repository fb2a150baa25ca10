// PATCH as the API server applies it.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../engine/kinds/kind.ts';
import { applyPatch, type PatchType } from '../../../engine/kinds/patch.ts';

const target = {
  metadata: { labels: { a: '1', b: '2' } },
  spec: {
    replicas: 3,
    containers: [
      { name: 'app', image: 'app:v1', env: [{ name: 'X', value: '1' }] },
      { name: 'log', image: 'log:v1' },
    ],
    args: ['a', 'b'],
  },
};

describe('a patch', () => {
  it.each<[string, PatchType, Json, (patched: Json) => unknown, unknown]>([
    [
      'merge sets and, with null, removes',
      'merge',
      { metadata: { labels: { a: null, c: '3' } } },
      (p) => p.metadata.labels,
      { b: '2', c: '3' },
    ],
    [
      'merge replaces lists whole',
      'merge',
      { spec: { containers: [{ name: 'x' }] } },
      (p) => p.spec.containers,
      [{ name: 'x' }],
    ],
    [
      'strategic merges containers by name',
      'strategic',
      { spec: { containers: [{ name: 'app', image: 'app:v2' }] } },
      (p) => p.spec.containers.map((c: Json) => c.image),
      ['app:v2', 'log:v1'],
    ],
    [
      'strategic keeps what the patch does not say',
      'strategic',
      { spec: { containers: [{ name: 'app', image: 'app:v2' }] } },
      (p) => p.spec.containers[0].env,
      [{ name: 'X', value: '1' }],
    ],
    [
      'strategic puts new elements first',
      'strategic',
      { spec: { containers: [{ name: 'new' }] } },
      (p) => p.spec.containers.map((c: Json) => c.name),
      ['new', 'app', 'log'],
    ],
    [
      'strategic deletes elements',
      'strategic',
      { spec: { containers: [{ name: 'log', $patch: 'delete' }] } },
      (p) => p.spec.containers.map((c: Json) => c.name),
      ['app'],
    ],
    [
      'strategic replaces lists of plain values',
      'strategic',
      { spec: { args: ['c'] } },
      (p) => p.spec.args,
      ['c'],
    ],
    [
      'strategic replaces an object on demand',
      'strategic',
      { metadata: { labels: { $patch: 'replace', z: '9' } } },
      (p) => p.metadata.labels,
      { z: '9' },
    ],
    [
      'json replaces, inserts and removes',
      'json',
      [
        { op: 'replace', path: '/spec/replicas', value: 5 },
        { op: 'add', path: '/spec/args/1', value: 'x' },
        { op: 'remove', path: '/metadata/labels/b' },
      ],
      (p) => [p.spec.replicas, p.spec.args, p.metadata.labels],
      [5, ['a', 'x', 'b'], { a: '1' }],
    ],
    [
      'json moves and copies',
      'json',
      [
        { op: 'copy', from: '/spec/replicas', path: '/spec/old' },
        { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/c~1d' },
      ],
      (p) => [p.spec.old, p.metadata.labels],
      [3, { b: '2', 'c/d': '1' }],
    ],
  ])('%s', (_name, type, body, read, expected) => {
    const before = JSON.stringify(target);
    expect(read(applyPatch(target, type, body))).toEqual(expected);
    expect(JSON.stringify(target)).toBe(before);
  });

  it.each([
    ['a path that is not there', [{ op: 'remove', path: '/spec/none' }]],
    ['an index beyond the end', [{ op: 'add', path: '/spec/args/7', value: 1 }]],
    ['a test that fails', [{ op: 'test', path: '/spec/replicas', value: 4 }]],
    ['an unknown operation', [{ op: 'twist', path: '/spec' }]],
  ])('refuses %s', (_name, body) => {
    expect(() => applyPatch(target, 'json', body)).toThrow(RangeError);
  });
});
