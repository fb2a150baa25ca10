// Preemptions as they are carried out in a run: who is told, how often, and what becomes of the pods.
import { describe, expect, it } from 'vitest';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { Sink } from '../../../engine/contracts/result.ts';
import type { TimelineRow } from '../../../engine/contracts/timeline.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { k8sMedium } from '../../../policies/costs/k8s-medium.ts';
import { create, pod, SECOND, scenario } from '../../property/simulation/scenario.ts';

const urgent: KubeObject = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: 'urgent' },
  value: 10,
};

/** Pods that start in 0.1 s and stop at once. */
const instant: CostPreset = {
  ...k8sMedium,
  kubelet: { ...k8sMedium.kubelet, exactDelays: { startUs: 100_000, readyUs: 0, stopUs: 0 } },
};

const oneCpuEach = (names: readonly string[], more: Json = {}) => names.map((name) => pod(name, '1', more));

// Of equal nodes that one is taken whose victims started last (pickOneNodeForPreemption); status.startTime has whole
// seconds. Pod b is created on the other node 0.3 s or 1.3 s after a: in the same second as a, or in the next one.
describe('of two nodes', () => {
  const victims = (gapMs: number): string[] => {
    const taken: string[] = [];
    for (let seed = 1; seed <= 12; seed++) {
      const sink: Sink = {
        open: () => ({
          table: ({ name }) =>
            name !== 'events'
              ? null
              : {
                  row: ([, , reason, , , victim]) =>
                    void (reason === 'Preempted' && taken.push(String(victim))),
                },
          close: () => {},
        }),
      };
      const asked = { priorityClassName: 'urgent' };
      const steps = [
        create(0, urgent, pod('a', '4')),
        create(gapMs, pod('b', '4')),
        create(20_000, pod('x', '4', asked)),
      ];
      simulateBuiltIn(scenario([{ count: 2 }], steps, { untilUs: 60 * SECOND, seed, costs: instant }), {
        sinks: [sink],
      });
    }
    return [...new Set(taken)].sort();
  };
  it.each([
    { gapMs: 300, taken: ['a', 'b'], which: 'either, where both pods started in one second' },
    { gapMs: 1300, taken: ['b'], which: 'the one whose pod started a second later' },
  ])('$which', ({ gapMs, taken }) => {
    expect(victims(gapMs)).toEqual(taken);
  });
});

// executor.go prepareCandidateAsync: all victims but the last in parallel, then the last; PreEnqueue of DefaultPreemption
// keeps the pod out of the queue meanwhile. Victims that end at once would wake it twice otherwise.
it('the last victim goes after the others, and the pod is not tried again before', () => {
  const rows: TimelineRow[] = [];
  let tries = 0;
  const sink: Sink = {
    open: () => ({
      table: ({ name }) =>
        name !== 'events'
          ? null
          : {
              row: ([, , reason, , , about, count]) =>
                void (reason === 'FailedScheduling' && about === 'x' && (tries = Number(count))),
            },
      close: () => {},
    }),
  };
  const asked = { priorityClassName: 'urgent' };
  const steps = [
    create(0, urgent, ...['a', 'b', 'c'].map((name) => pod(name, '1'))),
    create(20_000, pod('x', '3', asked)),
  ];
  simulateBuiltIn(scenario([{ count: 1, cpu: '3' }], steps, { untilUs: 60 * SECOND, costs: instant }), {
    sinks: [sink],
    timeline: (timeline) => rows.push(...timeline.transitions),
  });
  const times = (what: string): number[] =>
    rows
      .filter(({ o, w }) => /^Pod\/[abc]$/.test(o) && w === what)
      .map(({ t }) => t)
      .sort((a, b) => a - b);
  const [first, second, last] = times('condition.DisruptionTarget');
  const deleted = times('deleting');
  expect([first! < deleted[0]!, second! < deleted[0]!, last! > deleted[1]!]).toEqual([true, true, true]);
  expect(rows.some(({ o, w }) => o === 'Pod/x' && w === 'scheduled')).toBe(true);
  expect(tries).toBe(1);
});

describe('two pods that preempt at the same time', () => {
  // 4 CPUs, 4 victims to be had. The first pod takes the least important victim; before that one is marked, the second
  // looks: beside the first, which is promised a CPU, two CPUs stay for the four, so it takes the same victim and one
  // more. Each of the two says so of each of its victims, once (prepareCandidateAsync skips only victims that were
  // already being deleted when the attempt began).
  it('may choose the same victim, and each says so', () => {
    const said: [victim: string, preemptor: string, count: number][] = [];
    const sink: Sink = {
      open: () => ({
        table: ({ name }) =>
          name !== 'events'
            ? null
            : {
                row: ([, , reason, , , victim, count, message]) => {
                  const preemptor = /^Preempted by pod (\S+) on node node-1$/.exec(String(message))?.[1];
                  if (reason === 'Preempted') said.push([String(victim), preemptor ?? '', Number(count)]);
                },
              },
        close: () => {},
      }),
    };
    simulateBuiltIn(
      scenario(
        [{ count: 1 }],
        [
          create(0, urgent, ...oneCpuEach(['a', 'b', 'c', 'd'])),
          create(20_000, ...oneCpuEach(['x', 'y'], { priorityClassName: 'urgent' })),
        ],
        { untilUs: 60 * SECOND },
      ),
      { sinks: [sink] },
    );
    const preemptors = [...new Set(said.map(([, preemptor]) => preemptor))];
    const victims = preemptors.map((each) => said.filter(([, by]) => by === each).map(([victim]) => victim));
    expect(preemptors).toHaveLength(2);
    expect(victims.map((of) => of.length)).toEqual([1, 2]);
    expect(victims[1]).toContain(victims[0]![0]);
    expect(said.map(([, , count]) => count)).toEqual([1, 1, 1]);
  });
});
