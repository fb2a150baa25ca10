// docs/experiment-file.md names every key of the schema; known keys feed "did you mean".
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { experimentSchema, knownKeys, STEP_VERBS } from '../../../experiments/schema.ts';
import { nearest } from '../../../experiments/suggest.ts';

const documentation = readFileSync('docs/experiment-file.md', 'utf8');

/** Keys that only scenario files use, or that belong to verbs which are refused. */
const OF_SCENARIOS = [
  'type',
  'selector',
  'nth',
  'deleting',
  'node',
  'spec',
  'label',
  'grace',
  'cpu',
  'args',
  'stdin',
  'expect',
  'gracePeriodSeconds',
];

test('every key and every verb is documented', () => {
  const paths = [
    ['spec'],
    ['spec', 'cluster'],
    ['spec', 'cluster', 'nodes', 0],
    ['spec', 'cluster', 'nodes', 0, 'taints', 0],
    ['spec', 'workload'],
    ['spec', 'policies'],
    ['spec', 'policies', 'scheduler'],
    ['spec', 'control'],
    ['spec', 'time'],
    ['spec', 'seeds'],
    ['spec', 'sweep'],
    ['spec', 'output'],
  ];
  const keys = paths.flatMap((path) => knownKeys(experimentSchema, path));
  expect(keys.length).toBeGreaterThan(40);
  const steps = knownKeys(experimentSchema, ['spec', 'steps', 0]).filter(
    (key) => !OF_SCENARIOS.includes(key),
  );
  const missing = [...keys, ...steps, ...STEP_VERBS.filter((verb) => verb !== 'kubectl')].filter(
    (key) => !new RegExp(`\\b${key}\\b`).test(documentation),
  );
  expect(missing).toEqual([]);
});

test('known keys stop where any key goes', () => {
  expect(knownKeys(experimentSchema, ['spec', 'time'])).toEqual(['warmUp', 'run']);
  expect(knownKeys(experimentSchema, ['spec', 'workload', 'generators', 0])).toEqual(['use']);
  expect(knownKeys(experimentSchema, ['spec', 'cluster', 'nodes', 3, 'labels', 'x'])).toEqual([]);
  expect(knownKeys(experimentSchema, ['spec', 'nothing'])).toEqual([]);
});

test.each([
  ['memroy', 'memory'],
  ['Nodes', 'nodes'],
  ['xyz', undefined],
])('nearest to %s is %s', (name, near) => expect(nearest(name, ['memory', 'nodes', 'replicas'])).toBe(near));
