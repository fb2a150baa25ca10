// NetworkProgrammingLatency as clusterloader2 asks for it (perf-tests slos/network_programming.go): until the rules of
// kube-proxies follow a change of endpoints. Here from the change being stored; upstream's histogram starts with the
// timestamp of the trigger, when a pod became ready or the Service was changed.
import type { LatencySummary } from '../../engine/contracts/result.ts';
import { atMost, judged, type SloItem } from './items.ts';

/** 30 s: load/modules/measurements.yaml, CL2_NETWORK_PROGRAMMING_LATENCY_THRESHOLD; the official objective has no number. */
const OBJECTIVE = atMost('ClusterLoader2', 30_000);

const ms = (seconds: number): number => Math.round(seconds * 1e6) / 1e3;

/** @param latency `service.programming` of the summary; nothing where no rules were written */
export function networkItems(latency: LatencySummary | undefined): SloItem[] {
  if (latency === undefined) return [];
  const { count, p50, p90, p99, max } = latency;
  const data = { Perc50: ms(p50), Perc90: ms(p90), Perc99: ms(p99), Max: ms(max) };
  return [
    {
      measurement: 'NetworkProgrammingLatency',
      metric: 'NetworkProgrammingLatency',
      labels: { Metric: 'NetworkProgrammingLatency' },
      unit: 'ms',
      count,
      data,
      objective: OBJECTIVE,
      verdict: judged(data, OBJECTIVE),
    },
  ];
}
