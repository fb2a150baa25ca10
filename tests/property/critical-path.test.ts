// Phases of a pod's start follow each other without gap or overlap and add up exactly, whatever the stamps are: in µs, for
// random stamps (missing ones, ones out of order) and for every pod of a run.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../../engine/contracts/tables.ts';
import { PODS_TABLE } from '../../engine/contracts/tables.ts';
import { PHASES } from '../../engine/metrics/phases.ts';
import { loadScenario } from '../../experiments/load.ts';
import { podTimes } from '../../experiments/run-tables.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import { criticalPath, lengthOf, type PodTimes, pathText, secondsText } from '../../reports/critical-path.ts';
import { cellText } from '../../reports/csv-cells.ts';

const time = fc.option(fc.integer({ min: 0, max: 2 ** 40 }));
const times = fc.record({
  created: time,
  queued: time,
  firstAttempt: time,
  scheduled: time,
  bound: time,
  seen: time,
  volumes: time,
  sandbox: time,
  pulled: time,
  started: time,
  ready: time,
  watched: time,
  attempts: fc.nat(3),
  nodeAdded: time,
});

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function holds(of: PodTimes): void {
  const path = criticalPath(of);
  for (const [i, { from, to }] of path.entries()) {
    expect(to).toBeGreaterThan(from);
    if (i > 0) expect(from).toBe(path[i - 1]!.to);
    else expect(from).toBe(of.created);
  }
  expect(sum(path.map(({ from, to }) => to - from))).toBe(lengthOf(path));
  // What is printed adds up, too: whole µs again.
  const micros = (text: string): number => Math.round(Number(text) * 1e6);
  const [whole = '', parts = ''] = pathText(path).split(' s = ');
  const printed = parts.split(' + ').map((part) => micros(part.split(' ')[0]!));
  expect(sum(printed)).toBe(micros(whole));
  const order = PHASES.map(({ name }): string => name);
  const found = path.map(({ name }) => order.indexOf(name));
  expect(found).toEqual([...found].sort((a, b) => a - b));
}

describe('the critical path', () => {
  it('adds up for any stamps', () => {
    fc.assert(fc.property(times, holds), { numRuns: 2000 });
  });

  it('adds up to pod.startup for every pod of a run', async () => {
    const text = JSON.stringify({
      apiVersion: 'kubetick.io/v1',
      kind: 'Experiment',
      metadata: { name: 'full' },
      spec: {
        cluster: { nodes: [{ count: 1, name: 'first', cpu: 4 }] },
        workload: { generators: [{ use: 'deployments', count: 4, replicas: 2, cpu: 1 }] },
        time: { run: '120s' },
      },
    });
    const { scenario } = await loadScenario(['-'], { readStdin: () => new TextEncoder().encode(text) });
    const pods: Cell[][] = [];
    let startups = 0;
    const { summary } = simulateBuiltIn(scenario, {
      sinks: [
        {
          open: () => ({
            table: (spec) => (spec.name === 'pods' ? { row: (cells) => pods.push([...cells]) } : null),
            close: () => {},
          }),
        },
      ],
    });
    const none = new Map<string, number[]>();
    for (const cells of pods) {
      const column = (name: string): string => {
        const at = PODS_TABLE.columns.findIndex((each) => each.name === name);
        return cellText(cells[at]!, PODS_TABLE.columns[at]!.type);
      };
      const of = podTimes(column, none);
      holds(of);
      if (of.watched === null) continue;
      expect(lengthOf(criticalPath(of))).toBe(of.watched - of.created!);
      startups += of.watched - of.created!;
    }
    const { count, mean } = summary.latency['pod.startup']!;
    expect(count).toBe(4);
    // 4 of 8 pods have room; the mean of the summary is over the same µs.
    expect(Math.round(mean * count * 1e6)).toBe(startups);
  });
});

describe('the words', () => {
  const none: PodTimes = {
    created: null,
    queued: null,
    firstAttempt: null,
    scheduled: null,
    bound: null,
    seen: null,
    volumes: null,
    sandbox: null,
    pulled: null,
    started: null,
    ready: null,
    watched: null,
    attempts: 0,
    nodeAdded: null,
  };
  const S = 1_000_000;
  const cases: readonly [string, Partial<PodTimes>, string][] = [
    ['nothing has happened yet', { created: 5 }, '0.0 s = 0.0'],
    [
      // A node joins at 41.2 s; the attempt that finds it ends at 42 s.
      'a pod that waits for a node',
      { created: 0, queued: 0, firstAttempt: 3 * S, nodeAdded: 41.2 * S, scheduled: 42 * S, attempts: 2 },
      '42.0 s = 3.0 queue + 38.2 node start + 0.8 retries',
    ],
    [
      'exact delays: no sandbox, no images',
      {
        created: 0,
        queued: 1,
        firstAttempt: 1,
        scheduled: 3,
        bound: 4,
        seen: 5,
        started: 9,
        ready: 9,
        attempts: 1,
      },
      '0.000009 s = 0.000001 watch by scheduler + 0.000002 attempt + 0.000001 binding + 0.000001 watch by kubelet + 0.000004 containers',
    ],
    [
      'out of order: started before its image was stamped',
      { created: 0, pulled: 9, started: 4 },
      '0.000009 s = 0.000009 image',
    ],
  ];
  for (const [what, given, expected] of cases) {
    it(what, () => {
      expect(pathText(criticalPath({ ...none, ...given }))).toBe(expected);
    });
  }
  it('seconds keep every µs', () => {
    expect([0, 1, 1_000_000, 2_100_000, 12_345_678].map(secondsText)).toEqual([
      '0.0',
      '0.000001',
      '1.0',
      '2.1',
      '12.345678',
    ]);
  });
});
