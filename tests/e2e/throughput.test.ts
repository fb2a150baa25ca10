// How fast a cluster fills under the default client limits, against what a real v1.36.3 control plane needed for the same
// (recorded: one Deployment of 2,000 pods on 100 nodes, kubelets that start a pod in 1 s) and against the arithmetic of
// the limits.
import { expect, it } from 'vitest';
import type { Sink } from '../../engine/contracts/result.ts';
import { PODS_TABLE } from '../../engine/contracts/tables.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import { k8sMedium } from '../../policies/costs/k8s-medium.ts';
import { create, SECOND, scenario, workload } from '../property/simulation/scenario.ts';

interface Times {
  readonly createdS: number[];
  readonly boundS: number[];
  readonly runningS: number[];
}

function fill(kind: 'Deployment' | 'ReplicaSet', replicas: number, nodes: number, costs = k8sMedium): Times {
  const at = (name: string): number => PODS_TABLE.columns.findIndex((column) => column.name === name);
  const columns = [at('created_s'), at('bound_s'), at('started_s')];
  const times: [number[], number[], number[]] = [[], [], []];
  const sink: Sink = {
    open: () => ({
      table: ({ name }) =>
        name !== 'pods'
          ? null
          : { row: (cells) => columns.forEach((c, i) => void times[i]!.push(Number(cells[c]) / SECOND)) },
      close: () => {},
    }),
  };
  const annotations = { 'kubetick.io/start-delay-ms': '1000' };
  const object = workload(kind, 'web', replicas, '10m', { annotations });
  simulateBuiltIn(scenario([{ count: nodes, cpu: '8' }], [create(0, object)], { costs }), { sinks: [sink] });
  for (const list of times) list.sort((a, b) => a - b);
  return { createdS: times[0], boundS: times[1], runningS: times[2] };
}

/** Pods a second between the 10th and the 90th percentile. */
const rate = (list: readonly number[]): number => {
  const n = list.length;
  return (0.8 * n) / (list[Math.floor(0.9 * n) - 1]! - list[Math.floor(0.1 * n)]!);
};

it('a Deployment of 2,000 pods on 100 nodes takes the recorded 100 s', { timeout: 60_000 }, () => {
  const { createdS, boundS, runningS } = fill('Deployment', 2000, 100);
  // Recorded: all created after 99.9 s, bound after 100.0, running after 101.0; 19.7, 19.8, 19.8 pods/s.
  expect(createdS.at(-1)).toBeGreaterThan(99.9 * 0.99);
  expect(createdS.at(-1)).toBeLessThan(99.9 * 1.01);
  expect(boundS.at(-1)! / 100).toBeCloseTo(1, 2);
  expect(runningS.at(-1)! / 101).toBeCloseTo(1, 2);
  for (const [list, recorded] of [
    [createdS, 19.7],
    [boundS, 19.8],
    [runningS, 19.8],
  ] as const) {
    expect(Math.abs(rate(list) / recorded - 1)).toBeLessThan(0.03);
  }
});

it('a ReplicaSet of 60 takes the recorded 1.8 s: Events wait for each other and hardly for tokens', () => {
  // Pods alone: (60 - 30) / 20 = 1.5 s; with a token for each of 25 Events as well 2.75 s.
  const { createdS } = fill('ReplicaSet', 60, 10);
  expect(createdS.at(-1)).toBeGreaterThan(1.8 * 0.9);
  expect(createdS.at(-1)).toBeLessThan(1.8 * 1.1);
});

it('a ReplicaSet of 500: 30 at once, then 20 a second with at most 25 Events among them', () => {
  const { createdS } = fill('ReplicaSet', 500, 10);
  // (500 - 30) / 20 = 23.5 s without Events, (525 - 30) / 20 = 24.75 s with all 25 that the recorder lets through.
  expect(createdS.at(-1)).toBeGreaterThan(23.5);
  expect(createdS.at(-1)).toBeLessThan(24.85);
});

it('with the controller’s limit raised the scheduler’s holds: 100 bindings at once, then 50 a second', () => {
  const costs = { ...k8sMedium, clients: { ...k8sMedium.clients, controller: { qps: 0, burst: 0 } } };
  const { boundS } = fill('ReplicaSet', 500, 10, costs);
  // (500 - 100) / 50 = 8 s
  expect(boundS.at(-1)).toBeGreaterThan(8);
  expect(boundS.at(-1)).toBeLessThan(8.3);
});

it('without limits at all the scheduler’s attempts hold: 1.4 ms in the middle, 10 nodes of 65 µs over 16 workers', () => {
  const free = { qps: 0, burst: 0 };
  const costs = { ...k8sMedium, clients: { ...k8sMedium.clients, controller: free, scheduler: free } };
  const { boundS } = fill('ReplicaSet', 500, 10, costs);
  // The mean of the lognormal with p50 1.4 and p99 4 ms is 1.55 ms; + 0.04: 630 pods/s.
  expect(rate(boundS)).toBeGreaterThan(500);
  expect(rate(boundS)).toBeLessThan(750);
});
