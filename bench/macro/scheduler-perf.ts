// The modelled scheduler against upstream's scheduler benchmark: cases of test/integration/scheduler_perf with the cost preset
// `scheduler-perf`. Printed for each: pods that must be and were scheduled, average throughput in virtual time, upstream's
// threshold (its CI fails below it) and how far we are from it; cases whose threshold the preset's numbers were taken from
// are marked, the others check them. Ends with exit code 1 where a pod is missing or upstream's order is broken.
// Small: up to 500 nodes, pods only. Full: every workload with a threshold whose templates are there.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Sink } from '../../engine/contracts/result.ts';
import { PODS_TABLE } from '../../engine/contracts/tables.ts';
import { UserError } from '../../experiments/problems.ts';
import {
  type SchedulerPerfCase,
  schedulerPerfCase,
  schedulerPerfNames,
} from '../../experiments/scheduler-perf.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';

/** Workloads whose thresholds policies/costs/scheduler-perf.ts was taken from. */
const FITTED = new Set([
  'SchedulingBasic/5000Nodes_10000Pods',
  'SchedulingDaemonset/15000Nodes',
  'SchedulingPodAntiAffinity/5000Nodes_2000Pods',
  'SchedulingPreferredPodAntiAffinity/5000Nodes_5000Pods',
  'TopologySpreading/5000Nodes_5000Pods',
]);

/** Upstream's order, fastest first. */
const ORDER = [
  'SchedulingBasic/5000Nodes_10000Pods',
  'TopologySpreading/5000Nodes_5000Pods',
  'SchedulingPreferredPodAntiAffinity/5000Nodes_5000Pods',
  'SchedulingPodAntiAffinity/5000Nodes_2000Pods',
  'SchedulingPodAffinity/5000Nodes_5000Pods',
];

const column = (name: string): number => PODS_TABLE.columns.findIndex((c) => c.name === name);
const NAMESPACE = column('namespace');
const POD = column('pod');
const BOUND = column('bound_s');

interface Figures {
  readonly name: string;
  readonly wanted: number;
  readonly scheduled: number;
  readonly perSecond: number;
  readonly threshold: number | null;
}

function measure(name: string, { scenario, measured, threshold }: SchedulerPerfCase): Figures {
  let scheduled = 0;
  let lastUs = measured.fromUs;
  const sink: Sink = {
    open: () => ({
      table: (spec) =>
        spec.name !== 'pods'
          ? null
          : {
              row: (cells) => {
                const boundUs = Number(cells[BOUND]);
                const isMeasured =
                  cells[NAMESPACE] === measured.namespace && String(cells[POD]).startsWith('measured-');
                if (!isMeasured || !(boundUs >= measured.fromUs)) return;
                scheduled += 1;
                lastUs = Math.max(lastUs, boundUs);
              },
            },
      close: () => {},
    }),
  };
  simulateBuiltIn(scenario, { sinks: [sink] });
  const seconds = (lastUs - measured.fromUs) / 1e6;
  return { name, wanted: measured.pods, scheduled, perSecond: scheduled / seconds, threshold };
}

export async function run({ size, json }: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const table = '../shared/data/scheduler-perf/workloads.csv';
  const beside = [join(import.meta.dirname, '..', table), join(import.meta.dirname, '../..', table)].find(
    (path) => existsSync(path),
  );
  if (beside === undefined) {
    console.log("skipped: upstream's table of workloads is not there (../shared/data/scheduler-perf)");
    return;
  }
  const figures: Figures[] = [];
  const left: string[] = [];
  for (const name of schedulerPerfNames(beside)) {
    try {
      const one = schedulerPerfCase(beside, name);
      const nodes = one.scenario.nodes.reduce((sum, group) => sum + group.count, 0);
      if (size === 'small' ? nodes > 500 : one.threshold === null) continue;
      // Feature gates change nothing that is modelled: one of equal workloads is enough.
      if (/_(AsyncAPICallsEnabled|QueueingHintsEnabled|NodeDeclaredFeaturesDisabled)$/.test(name)) continue;
      figures.push(measure(name, one));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      left.push(name);
    }
  }
  const bad = problems(figures);
  if (json) console.log(JSON.stringify({ benchmark: 'scheduler-perf', figures, left, bad }));
  else print(figures, left, bad);
  if (bad.length > 0) process.exitCode = 1;
}

function problems(figures: readonly Figures[]): string[] {
  const bad = figures
    .filter((one) => one.scheduled !== one.wanted)
    .map((one) => `${one.name}: ${one.scheduled} of ${one.wanted} pods scheduled`);
  const ordered = ORDER.flatMap((name) => figures.filter((one) => one.name === name));
  for (let i = 1; i < ordered.length; i++) {
    if (ordered[i]!.perSecond >= ordered[i - 1]!.perSecond)
      bad.push(`${ordered[i]!.name} is not slower than ${ordered[i - 1]!.name}`);
  }
  return bad;
}

const errorOf = ({ perSecond, threshold }: Figures): number => perSecond / threshold! - 1;

function print(figures: readonly Figures[], left: readonly string[], bad: readonly string[]): void {
  const width = Math.max(...figures.map((one) => one.name.length));
  for (const one of figures) {
    const error =
      one.threshold === null
        ? ''
        : `  threshold ${String(one.threshold).padStart(5)}  ${(100 * errorOf(one)).toFixed(0).padStart(4)} %  ${FITTED.has(one.name) ? 'fitted' : 'checked'}`;
    console.log(
      `${one.name.padEnd(width)}  ${String(one.scheduled).padStart(6)} of ${String(one.wanted).padEnd(6)}  ${one.perSecond.toFixed(0).padStart(6)} pods/s${error}`,
    );
  }
  for (const [what, set] of [
    ['fitted', figures.filter((one) => one.threshold !== null && FITTED.has(one.name))],
    ['checked', figures.filter((one) => one.threshold !== null && !FITTED.has(one.name))],
  ] as const) {
    if (set.length === 0) continue;
    const logs = set.map((one) => Math.abs(Math.log(1 + errorOf(one))));
    const mean = Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length);
    console.log(`${what}: off by a factor of ${mean.toFixed(2)} on geometric average over ${set.length}`);
  }
  if (left.length > 0) console.log(`left out, their templates are not there: ${left.length} workloads`);
  for (const one of bad) console.log(`WRONG: ${one}`);
}
