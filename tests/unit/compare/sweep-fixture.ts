// Sweep directories as `kubetick sweep` leaves them, made of given numbers or of small real runs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PODS_TABLE } from '../../../engine/contracts/tables.ts';

export interface FixtureRun {
  readonly variant: string;
  readonly replication: number;
  readonly seed: number;
  /** Mean, p50, p90 and p99 of pod.startup, seconds. */
  readonly startup: number;
  readonly pending?: number;
  readonly status?: string;
  /** Rows of pods.csv: pod, node, created_s, scheduled_s. */
  readonly pods?: readonly (readonly [pod: string, node: string, created: string, scheduled: string])[];
  /** Mean of phase by phase, of as many pods as started. */
  readonly phases?: Readonly<Record<string, number>>;
}

const STARTED = 40;

export function summaryOf(run: FixtureRun): unknown {
  const { variant, replication, seed, startup, pending = 0, phases = {} } = run;
  return {
    experiment: 'fixture',
    variant,
    replication,
    seed,
    fingerprint: `${variant}-${replication}`,
    virtualSeconds: 600,
    events: 1000 + replication,
    nodes: { count: 3, peak: 3 },
    pods: { created: STARTED, ready: STARTED - pending, pending },
    latency: {
      'pod.startup': { count: STARTED, mean: startup, p50: startup, p90: startup, p99: startup },
    },
    throughput: {},
    utilisation: { 'cpu.requested': 0.5 },
    expect: [],
    loss: [],
    phases: Object.fromEntries(
      Object.entries(phases).map(([name, mean]) => [name, { count: STARTED, mean, share: 0 }]),
    ),
  };
}

/** Writes the directory; runs with a status other than `finished` leave no result. */
export function writeSweep(folder: string, runs: readonly FixtureRun[]): void {
  const listed = runs.map((run) => {
    const { variant, replication, seed, status = 'finished' } = run;
    const directory = `${variant}-0a1b2c3d/r${String(replication).padStart(2, '0')}`;
    if (status === 'finished') {
      mkdirSync(join(folder, directory), { recursive: true });
      writeFileSync(join(folder, directory, 'summary.json'), JSON.stringify(summaryOf(run)));
      if (run.pods !== undefined) writeFileSync(join(folder, directory, 'pods.csv'), podsCsv(run.pods));
    }
    return { variant, replication, seed, directory, fingerprint: `${variant}-${replication}`, status };
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify({ experiment: 'fixture', runs: listed }));
}

function podsCsv(pods: NonNullable<FixtureRun['pods']>): string {
  const names = PODS_TABLE.columns.map(({ name }) => name);
  const rows = pods.map(([pod, node, created, scheduled]) => {
    const cells: Record<string, string> = {
      namespace: 'default',
      pod,
      node,
      created_s: created,
      scheduled_s: scheduled,
    };
    return names.map((name) => cells[name] ?? '').join(',');
  });
  return `${[names.join(','), ...rows].join('\n')}\n`;
}
