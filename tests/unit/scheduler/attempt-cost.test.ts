// What an attempt is charged in virtual time: a fixed part, nodes, and what the preset says of single plug-ins.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../../experiments/load.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { schedulerPerf } from '../../../policies/costs/scheduler-perf.ts';

/** Microseconds of the one attempt of a pod on 16 nodes, 10 pods being there already. */
async function attemptUs(spec: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-cost-'));
  const file = join(folder, 'e.yaml');
  const podOf = (extra: string): string =>
    `{apiVersion: v1, kind: Pod, metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: pause:3.10}]${extra}}}`;
  writeFileSync(
    file,
    `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: e}
spec:
  cluster: {nodes: [{count: 16, cpu: '8', memory: 32Gi, pods: 110, zones: [a, b]}]}
  control: {costs: scheduler-perf}
  time: {run: 10s}
  workload:
    generators:
      - {use: copies, name: before, count: 10, object: ${podOf('')}}
      - {use: copies, name: it, namespace: other, startAt: 5s, object: ${podOf(spec)}}
`,
  );
  const { scenario } = await loadScenario([file]);
  return Math.round(simulateBuiltIn(scenario, {}).summary.latency['scheduler.attempt']!.max * 1e6);
}

describe('an attempt under the preset scheduler-perf', () => {
  const { filterNodeNs, scoreNodeNs, plugins, attemptUs: fixed } = schedulerPerf.scheduler;
  // 16 nodes over 16 workers: once the cost of a node, in ns.
  const plain = (fixed as number) + (filterNodeNs + scoreNodeNs) / 1000;

  it('costs its fixed part and its nodes', async () => {
    expect(await attemptUs('')).toBe(Math.round(plain));
  });
  it('pays for pods that spreading goes over: 10 x 1.75 us / 16 in PreFilter', async () => {
    const spread =
      ', topologySpreadConstraints: [{maxSkew: 9, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}}]';
    const extra = (10 * plugins['PodTopologySpread']!.filterPodNs) / 16 / 1000;
    expect(await attemptUs(spread)).toBe(Math.round(plain + extra));
  });
  it('pays for pods that its own affinity goes over: 10 x 61 us / 16, none of them with terms', async () => {
    const affinity =
      ', affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: a}}, topologyKey: kubernetes.io/hostname}]}}';
    const extra = (10 * plugins['InterPodAffinity']!.filterPodNs) / 16 / 1000;
    expect(await attemptUs(affinity)).toBe(Math.round(plain + extra));
  });
  it('pays per node for node affinity: 16 x 102 us / 16', async () => {
    const affinity =
      ', affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [a, b]}]}]}}}';
    expect(await attemptUs(affinity)).toBe(Math.round(plain + plugins['NodeAffinity']!.filterNodeNs / 1000));
  });
});
