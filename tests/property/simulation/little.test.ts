// Little's law, L = λ·W, where the length of a queue and the waits in it are measured apart: pods without a node (a gauge
// over time) against the time from creation to the decision (one number a pod).
import { expect, it } from 'vitest';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { FullSummary } from '../../../engine/metrics/full-summary.ts';
import { k8sMedium } from '../../../policies/costs/k8s-medium.ts';
import { observe } from './observer.ts';
import { create, pod, SECOND, scenario, workload } from './scenario.ts';

it.each([
  { name: 'a burst of 300 pods on 20 nodes', perStep: 300, everyMs: 1000, steps: 1 },
  { name: '20 pods every half second', perStep: 20, everyMs: 500, steps: 20 },
])('$name: mean number of unscheduled pods × time = sum of waits', ({ perStep, everyMs, steps }) => {
  // The scheduler is made slow, so that pods wait; kubectl is not held back.
  const costs: CostPreset = {
    ...k8sMedium,
    clients: { ...k8sMedium.clients, kubectl: { qps: 0, burst: 0 }, scheduler: { qps: 0, burst: 0 } },
    scheduler: { ...k8sMedium.scheduler, attemptUs: 20_000 },
  };
  const list = Array.from({ length: steps }, (_, s) =>
    create(s * everyMs, ...Array.from({ length: perStep }, (_, i) => pod(`p-${s}-${i}`, '100m'))),
  );
  const { result } = observe(
    scenario([{ count: 20 }], list, { costs, untilUs: 60 * SECOND, stopWhenIdle: false }),
  );
  const { gauges, latency, pods, virtualSeconds } = result.summary as FullSummary;
  const wait = latency['pod.createToSchedule']!;
  expect(pods.scheduled).toBe(perStep * steps);
  expect(wait.count).toBe(perStep * steps);
  expect(wait.max).toBeGreaterThan(0.02);
  // The gauge falls when the scheduler has decided or when the binding is stored, whichever is told first.
  const numberTimesSeconds = gauges['pods.unscheduled']!.mean * virtualSeconds;
  expect(numberTimesSeconds / (wait.mean * wait.count)).toBeCloseTo(1, 6);
});

it('busy node time is the sum of the pods’ stays: CPU requested × time = Σ requests × (end − binding)', () => {
  const annotations = { 'kubetick.io/start-delay-ms': '0', 'kubetick.io/run-ms': '30000' };
  const jobs = Array.from({ length: 40 }, (_, i) =>
    pod(`j-${i}`, '500m', { restartPolicy: 'Never', annotations }),
  );
  const { result, run } = observe(
    scenario(
      [{ count: 2, cpu: '4' }],
      [create(0, workload('ReplicaSet', 'web', 2, '250m')), create(1000, ...jobs)],
      {
        untilUs: 200 * SECOND,
        stopWhenIdle: false,
      },
    ),
  );
  const { latency, pods, utilisation, virtualSeconds } = result.summary;
  expect(pods.succeeded).toBe(40);
  // 8 CPUs hold 15 jobs beside the ReplicaSet: the others wait for those to end.
  expect(latency['pod.createToSchedule']!.max).toBeGreaterThan(29);
  const { nodes } = run.state;
  expect([nodes.cpuRequested[0]! + nodes.cpuRequested[1]!]).toEqual([500]);
  const cpuSeconds = utilisation['cpu.requested']! * 8 * virtualSeconds;
  // 40 jobs × 0.5 CPU × 30 s and 2 × 0.25 × 200 s; each stay is longer by its start, under a second.
  expect(cpuSeconds).toBeGreaterThan(40 * 0.5 * 30 + 0.5 * 199);
  expect(cpuSeconds).toBeLessThan(40 * 0.5 * 30.5 + 0.5 * 200);
});
