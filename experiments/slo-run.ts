// The numbers of an SLO report out of a result directory, in one pass over its tables, CSV or Parquet.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../engine/contracts/result.ts';
import { type ApiRow, apiItems } from '../reports/slo/api-calls.ts';
import type { SloRun } from '../reports/slo/items.ts';
import { Scale } from '../reports/slo/limits.ts';
import { networkItems } from '../reports/slo/network.ts';
import { PodStartup } from '../reports/slo/pod-startup.ts';
import { SchedulingThroughput } from '../reports/slo/throughput.ts';
import { readRun } from './run-directory.ts';
import { microseconds, podTimes, type Row, tableRows } from './run-tables.ts';

/**
 * A directory that is no result, or lacks a table, is a UserError.
 *
 * @param variant what the variant is called, where runs of several sweeps are told apart
 */
export async function sloRun(directory: string, variant?: string): Promise<SloRun> {
  const { manifest, scenario } = readRun(directory);
  const summary = JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8')) as RunSummary;
  const startup = new PodStartup();
  const throughput = new SchedulingThroughput();
  const scale = new Scale();
  const noNodes = new Map<string, readonly number[]>();
  for await (const row of tableRows(directory, 'pods')) {
    const times = podTimes(row, noNodes);
    scale.pod(row('namespace'), times.created, microseconds(row('deleted_s')));
    // Results of older versions do not know when a pod was seen Running.
    const running = microseconds(row('running_s')) ?? times.watched;
    // As latencies of the summary: what ends before the warm-up is left out.
    if (running === null || running >= scenario.warmUpUs)
      startup.add({ ...times, running, stateful: row('stateful') === '1' });
    if (times.bound === null || times.bound >= scenario.warmUpUs) throughput.add(times);
  }
  for await (const row of tableRows(directory, 'nodes')) {
    scale.nodeLoad({
      node: row('node'),
      cpuMilli: Number(row('cpu_milli')),
      podsPeak: Number(row('pods_peak')),
    });
  }
  const calls: ApiRow[] = [];
  const created = new Map<string, number>();
  for await (const row of tableRows(directory, 'api')) {
    calls.push(apiRow(row));
    if (row('verb') === 'create') created.set(row('resource'), Number(row('count')));
  }
  return {
    experiment: manifest.experiment,
    variant: variant ?? manifest.variant,
    replication: manifest.replication,
    virtualSeconds: summary.virtualSeconds,
    items: [
      ...startup.items(),
      ...throughput.items(),
      ...networkItems(summary.latency['service.programming']),
      ...apiItems(calls),
    ],
    limits: scale.limits(summary.nodes.peak, created),
  };
}

function apiRow(row: Row): ApiRow {
  const number = (column: string): number | null => (row(column) === '' ? null : Number(row(column)));
  return {
    verb: row('verb'),
    resource: row('resource'),
    scope: row('scope'),
    count: Number(row('count')),
    slow: Number(row('slow')),
    p50: number('p50_s'),
    p90: number('p90_s'),
    p99: number('p99_s'),
    max: number('max_s'),
  };
}
