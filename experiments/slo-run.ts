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
import { type ScannedRow, scanTable } from './table-scan.ts';

/** By place; the last two are not in results of older versions. */
const POD_COLUMNS = [
  'namespace',
  'created_s',
  'bound_s',
  'sandbox_s',
  'pulled_s',
  'started_s',
  'watched_s',
  'deleted_s',
  'attempts',
  'stateful',
  'running_s',
];
const NODE_COLUMNS = ['node', 'cpu_milli', 'pods_peak'];
const API_COLUMNS = ['verb', 'resource', 'count', 'p50_s', 'p90_s', 'p99_s', 'max_s', 'scope', 'slow'];

/**
 * A directory that is no result, or lacks a table, is a UserError.
 *
 * @param variant what the variant is called, where runs of several sweeps are told apart
 */
export function sloRun(directory: string, variant?: string): SloRun {
  const { manifest, scenario } = readRun(directory);
  const summary = JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8')) as RunSummary;
  const startup = new PodStartup();
  const throughput = new SchedulingThroughput();
  const scale = new Scale();
  const { warmUpUs } = scenario;
  scanTable(
    directory,
    'pods',
    POD_COLUMNS,
    (row) => {
      const at = (column: number): number | null => orNull(row.micros(column));
      const [created, bound, attempts] = [at(1), at(2), row.number(8)];
      scale.pod(row.text(0), created, at(7));
      // A result that does not know when a pod was seen Running: when it was seen Ready.
      const running = at(10) ?? at(6);
      // As latencies of the summary: what ends before the warm-up is left out.
      if (running === null || running >= warmUpUs)
        startup.add({
          created,
          bound,
          sandbox: at(3),
          pulled: at(4),
          started: at(5),
          running,
          attempts,
          stateful: row.number(9) === 1,
        });
      if (bound === null || bound >= warmUpUs) throughput.add({ created, bound, attempts });
    },
    { required: ['namespace', 'created_s', 'bound_s', 'attempts'] },
  );
  scanTable(directory, 'nodes', NODE_COLUMNS, (row) => {
    scale.nodeLoad({ node: row.text(0), cpuMilli: row.number(1), podsPeak: row.number(2) });
  });
  const calls: ApiRow[] = [];
  const created = new Map<string, number>();
  scanTable(directory, 'api', API_COLUMNS, (row) => {
    const call = apiRow(row);
    calls.push(call);
    if (call.verb === 'create') created.set(call.resource, call.count);
  });
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

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

function apiRow(row: ScannedRow): ApiRow {
  const slow = row.number(8);
  return {
    verb: row.text(0),
    resource: row.text(1),
    count: row.number(2),
    p50: orNull(row.number(3)),
    p90: orNull(row.number(4)),
    p99: orNull(row.number(5)),
    max: orNull(row.number(6)),
    scope: row.text(7),
    slow: Number.isNaN(slow) ? 0 : slow,
  };
}
