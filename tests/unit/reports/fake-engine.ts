// A stand-in for the engine in tests of what happens to its results: `pods` of the first node group's count are
// created, scheduled and started by the real recorder, at times that follow from the seed alone.

import type { RunOptions, RunResult } from '../../../engine/contracts/result.ts';
import type { ResolvedScenario } from '../../../engine/contracts/scenario.ts';
import { PodStamp } from '../../../engine/metrics/recorder.ts';
import { ScriptedRun } from '../metrics/scripted-run.ts';

export function scenarioOf(fields: Partial<ResolvedScenario> & { podCount?: number } = {}): ResolvedScenario {
  const { podCount = 20, ...rest } = fields;
  const scenario = {
    experiment: 'shop',
    variant: 'default',
    replication: 1,
    seed: 7,
    nodes: [
      {
        prefix: 'node-',
        first: 1,
        count: podCount,
        zones: [],
        object: { apiVersion: 'v1', kind: 'Node', metadata: {} },
      },
    ],
    existing: [],
    steps: [],
    workloads: [],
    policies: {},
    costs: { name: 'default' },
    queue: 'heap',
    untilUs: 3_600_000_000,
    warmUpUs: 0,
    stopWhenIdle: true,
    expect: [],
    loss: [],
    ...rest,
  };
  return scenario as unknown as ResolvedScenario;
}

/** @param drift µs added to one pod's start: a run that does not repeat */
export function fakeSimulate(drift = 0) {
  return (scenario: ResolvedScenario, options: RunOptions): RunResult => {
    const { experiment, variant, replication, seed, warmUpUs, expect } = scenario;
    const run = new ScriptedRun({
      labels: { experiment, variant, replication, seed },
      warmUpUs,
      sinks: options.sinks ?? [],
      trace: options.trace,
    });
    const { recorder } = run;
    const count = scenario.nodes[0]!.count;
    recorder.nodeAdded(0, { name: 'node-1', zone: 'a', cpuMilli: 4000, memoryBytes: 2 ** 34, podsMax: 110 });
    for (let pod = 0; pod < count; pod++) {
      run.now = pod * 1000 * Number(seed);
      run.pod(pod, `web-${pod}`, { node: 'node-1', phase: 'Running', ownerKind: 'ReplicaSet', owner: 'web' });
      recorder.podCreated(pod);
      recorder.tracer.hop('kubectl', 'Pod', 'default', `web-${pod}`, 'create');
      recorder.attempt(pod);
      run.now += 500;
      recorder.stamp(pod, PodStamp.scheduled);
      recorder.event('Normal', 'Scheduled', 'Pod', 'default', `web-${pod}`, 1, `Assigned, to "node-1"`);
      recorder.stampAt(pod, PodStamp.started, run.now + 1_000_000 + (pod === 3 ? drift : 0));
      options.progress?.({
        virtualUs: run.now,
        untilUs: scenario.untilUs,
        events: pod,
        podsCreated: recorder.podsCreated,
        podsReady: recorder.podsReady,
        podsPending: recorder.podsUnscheduled,
      });
    }
    run.now += 2_000_000;
    return run.finish(
      Array.from({ length: count }, (_, i) => i),
      {
        expect,
        fingerprint: `f-${seed}-${drift}`,
        ingredients: { t: `t${drift}`, k: 'k', o: 'o', d: 'd', s: `s${drift}` },
      },
    );
  };
}
