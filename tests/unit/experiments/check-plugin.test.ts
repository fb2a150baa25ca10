// `kubetick check-plugin`: all built-in plug-ins do what they declare, and planted mistakes of every kind are found, on
// clusters small enough to read.
import { describe, expect, test } from 'vitest';
import {
  Code,
  definePlugin,
  filterPlugin,
  NodeField,
  type PluginDefinition,
  type PodView,
  SKIP,
  scorePlugin,
} from '../../../engine/index.ts';
import { vocabularyOf } from '../../../experiments/check-cases.ts';
import { type CheckName, type CheckResult, checkPlugin } from '../../../experiments/check-plugin.ts';
import { guardedPlugin } from '../../../experiments/plugin-guards.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';

const check = (definition: PluginDefinition, runs: number, only?: CheckName): Promise<CheckResult[]> =>
  checkPlugin({ definition, args: definition.args?.safeParse({}).data, words: [] }, { seed: 1, runs, only });

const POINTS = ['preFilter', 'filter', 'preScore', 'score'] as const;

describe('built-in plug-ins do what they declare', () => {
  const asked = schedulerRegistry.plugins.filter(({ points }) =>
    POINTS.some((point) => points.includes(point)),
  );

  test.each(asked.map((definition) => [definition.name, definition] as const))(
    '%s',
    { timeout: 120_000 },
    async (_name, definition) => {
      const results = await check(definition, 25);
      expect(results.filter(({ violation }) => violation !== null)).toEqual([]);
    },
  );
});

const score = (
  of: (
    pod: PodView,
    node: Parameters<NonNullable<ReturnType<PluginDefinition['create']>['score']>>[1],
  ) => number,
  over = {},
) => scorePlugin('Bad', { locality: 'node', reads: 0, create: () => ({ score: of }), ...over });

/** Each does one thing wrong. */
const BAD: readonly (readonly [string, CheckName, PluginDefinition])[] = [
  [
    'counts its calls',
    'repeats',
    scorePlugin('Bad', {
      locality: 'global',
      reads: 0,
      create: () => {
        let calls = 0;
        return { score: () => (calls += 1) % 100 };
      },
    }),
  ],
  [
    'remembers the node before',
    'order',
    scorePlugin('Bad', {
      locality: 'global',
      reads: 0,
      create: () => {
        let first = -1;
        return {
          preScore(_pod, _cluster, nodes) {
            first = nodes[0]!;
          },
          score: (_pod, node) => (node.id === first ? 1 : 0),
        };
      },
      points: ['preScore', 'score'],
    }),
  ],
  [
    'batch of another mind',
    'batch',
    scorePlugin('Bad', {
      locality: 'node',
      reads: NodeField.podCount,
      create: () => ({
        score: (_pod, node) => Math.min(100, node.podCount),
        scoreBatch(_pod, cluster, nodes, count, _state, out) {
          for (let i = 0; i < count; i++)
            out[i] = cluster.columns.podCount[nodes[i]!]! > 1 ? 7 : cluster.columns.podCount[nodes[i]!]!;
        },
      }),
    }),
  ],
  [
    'writes into the columns',
    'untouched',
    scorePlugin('Bad', {
      locality: 'global',
      reads: 0,
      create: (_args, { cluster }) => ({
        score(_pod, node) {
          cluster.columns.cpuRequested[node.id]! += 1;
          return 0;
        },
      }),
    }),
  ],
  ['reads taints unsaid', 'reads', score((_pod, node) => node.taints.length)],
  [
    'reads labels unsaid',
    'reads',
    score((_pod, node) => (node.label('disk') === undefined ? 0 : 9), { reads: NodeField.requested }),
  ],
  [
    'reads requests unsaid',
    'reads',
    score((_pod, node) => (node.cpuRequested > 0 ? 1 : 0), { reads: NodeField.allocatable }),
  ],
  [
    'counts nodes as a local',
    'locality',
    scorePlugin('Bad', {
      locality: 'node',
      reads: 0,
      create: (_args, { cluster }) => ({ score: () => cluster.nodeCount }),
    }),
  ],
  [
    'looks at pods elsewhere as a local',
    'locality',
    scorePlugin('Bad', {
      locality: 'node',
      reads: NodeField.pods,
      create: (_args, { cluster }) => ({ score: () => (cluster.lowestPriority < 50 ? 1 : 0) }),
    }),
  ],
  [
    'signs too little',
    'sign',
    scorePlugin('Bad', {
      locality: 'node',
      reads: 0,
      sign: () => '',
      create: () => ({ score: (pod) => (pod.template.cpuMilli > 0 ? 1 : 0) }),
    }),
  ],
  [
    'forgets the namespace',
    'sign',
    filterPlugin('Bad', {
      locality: 'node',
      reads: 0,
      sign: (pod) => JSON.stringify(pod.labels),
      create: (_args, handle) => {
        const no = handle.verdict(Code.unschedulable, 'no');
        return { filter: (pod) => (pod.namespace === 'other' ? no : 0) };
      },
    }),
  ],
  [
    'a stale preFilter',
    'state',
    definePlugin<undefined, number>({
      name: 'Bad',
      about: '',
      points: ['preFilter', 'filter'],
      create: (_args, handle) => {
        const full = handle.verdict(Code.unschedulable, 'full');
        return {
          locality: 'node',
          reads: NodeField.podCount,
          preFilter: (_pod, cluster) => cluster.columns.podCount.reduce((sum, n) => sum + n, 0),
          filter: (_pod, _node, pods) => (pods > 2 ? full : 0),
        };
      },
    }),
  ],
  [
    'restricts what it would let pass',
    'restrict',
    definePlugin<undefined, undefined>({
      name: 'Bad',
      about: '',
      points: ['preFilter', 'filter'],
      create: () => ({
        locality: 'node',
        reads: 0,
        preFilter(pod, _cluster, control) {
          if (pod.priority === 0) return SKIP;
          control.restrict(['node-1']);
          return undefined;
        },
        filter: () => 0,
      }),
    }),
  ],
];

describe('planted mistakes are found', () => {
  test.each(BAD)('%s: %s', { timeout: 60_000 }, async (_name, kind, definition) => {
    const [result] = await check(definition, 300, kind);
    const found = result!.violation;
    expect(found).not.toBeNull();
    expect(found!.was).not.toBe(found!.is);
    // Nodes and pods on them.
    expect(found!.cluster.length).toBeLessThanOrEqual(4);
  });

  test.each([
    ['out of range', () => 101, 'returned 101, expected an integer from 0 to 100 (bad.ts)'],
    [
      'throws',
      (pod: PodView) => {
        if (pod.template.cpuMilli > 0) throw new Error('no');
        return 0;
      },
      'no (bad.ts)',
    ],
  ])('%s', async (_name, of, is) => {
    const results = await check(guardedPlugin(score(of), 'bad.ts'), 200, 'repeats');
    const { violation } = results[0]!;
    expect(violation).toMatchObject({ text: 'scheduler plug-in "Bad" score fails', was: 'an answer', is });
    expect(violation!.cluster).toHaveLength(1);
  });

  test('the same seed finds the same case', async () => {
    const bad = score((_pod, node) => node.taints.length);
    expect(await check(bad, 100, 'reads')).toEqual(await check(bad, 100, 'reads'));
  });
});

test('texts of the file take part in the cases', async () => {
  const code = `'use strict'; const label = 'acme.io/rack'; if (node.label("tier") === 'gold') {}; f('a b', 'x\\n')`;
  const words = vocabularyOf(code);
  expect(words).toEqual(['acme.io/rack', 'tier', 'gold']);
  const definition = score((_pod, node) => (node.label('acme.io/rack') === 'gold' ? 1 : 0));
  const subject = { definition, args: undefined, words };
  const [found] = await checkPlugin(subject, { seed: 1, runs: 300, only: 'reads' });
  expect(found!.violation?.text).toContain('labels of the node becomes {"acme.io/rack":"gold"}');
});
