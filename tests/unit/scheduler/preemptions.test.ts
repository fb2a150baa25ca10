// Preemptions as they are carried out in a run: who is told, how often, and what becomes of the pods.
import { describe, expect, it } from 'vitest';
import type { Sink } from '../../../engine/contracts/result.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { create, pod, SECOND, scenario } from '../../property/simulation/scenario.ts';

const urgent: KubeObject = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: 'urgent' },
  value: 10,
};

const oneCpuEach = (names: readonly string[], more: Json = {}) => names.map((name) => pod(name, '1', more));

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
