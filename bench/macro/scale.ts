// Whole runs by size, each a process of its own: the command as a user calls it, with all its outputs. Prints CPU
// seconds, peak memory, events a second and pods that found no node; and what five times the nodes cost at equal pods.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeProcess } from '../process-cpu.ts';

interface Size {
  readonly name: string;
  readonly nodes: number;
  readonly pods: number;
  /** Replicas of each Deployment; 0: bare pods, all at once, as a scheduler benchmark creates them. */
  readonly replicas: number;
}

const SMALL: readonly Size[] = [
  { name: '100 nodes, 1,067 bare pods', nodes: 100, pods: 1_067, replicas: 0 },
  { name: '1,000 nodes, 7,064 bare pods', nodes: 1_000, pods: 7_064, replicas: 0 },
];

const FULL: readonly Size[] = [
  ...SMALL,
  { name: '5,000 nodes, 10,000 bare pods', nodes: 5_000, pods: 10_000, replicas: 0 },
  { name: '5,000 nodes, 500 Deployments x 300', nodes: 5_000, pods: 150_000, replicas: 300 },
];

/** The same pods on few and on many nodes. */
const FEW: Size = { name: '1,000 nodes, 200 Deployments x 300', nodes: 1_000, pods: 60_000, replicas: 300 };
const MANY: Size = { ...FEW, name: '5,000 nodes, 200 Deployments x 300', nodes: 5_000 };
const FEW_SMALL: Size = { name: '200 nodes, 20 Deployments x 300', nodes: 200, pods: 6_000, replicas: 300 };
const MANY_SMALL: Size = { ...FEW_SMALL, name: '1,000 nodes, 20 Deployments x 300', nodes: 1_000 };

interface Figures {
  readonly name: string;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
  readonly eventsPerSecond: number;
  readonly events: number;
  readonly running: number;
  readonly unscheduled: number;
  readonly virtualSeconds: number;
  readonly fingerprint: string;
}

function experiment(size: Size): object {
  const common = { cpu: '100m', memory: '200Mi' };
  const generator =
    size.replicas === 0
      ? { use: 'pods', count: size.pods, ratePerSecond: 0, ...common }
      : { use: 'deployments', count: size.pods / size.replicas, replicas: size.replicas, ...common };
  return {
    apiVersion: 'kubetick.io/v1',
    kind: 'Experiment',
    metadata: { name: 'scale' },
    spec: {
      cluster: {
        nodes: [{ count: size.nodes, cpu: '32', memory: '128Gi', pods: 110, zones: ['a', 'b', 'c'] }],
      },
      workload: { generators: [generator] },
      time: { run: '6h' },
    },
  };
}

function measure(command: string, size: Size): Figures {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-scale-'));
  try {
    const file = join(folder, 'scale.json');
    const out = join(folder, 'out');
    writeFileSync(file, JSON.stringify(experiment(size)));
    const done = nodeProcess([command, 'run', file, '--out', out, '--quiet']);
    if (done.status !== 0) throw new Error(`${size.name}: exit ${done.status}\n${done.stderr}`);
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    const timing = JSON.parse(readFileSync(join(out, 'timing.json'), 'utf8'));
    return {
      name: size.name,
      cpuSeconds: done.cpuSeconds,
      peakMiB: Math.round(timing.peakMemoryBytes / 2 ** 20),
      eventsPerSecond: timing.eventsPerSecond,
      events: summary.events,
      running: summary.pods.running,
      unscheduled: summary.pods.created - summary.pods.scheduled,
      virtualSeconds: summary.virtualSeconds,
      fingerprint: summary.fingerprint,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(row: Figures): void {
  const cells = [
    row.name.padEnd(36),
    `${row.cpuSeconds.toFixed(2)} s`.padStart(9),
    `${row.peakMiB} MiB`.padStart(9),
    String(row.eventsPerSecond).padStart(10),
    String(row.events).padStart(10),
    String(row.running).padStart(9),
    String(row.unscheduled).padStart(8),
    `${Math.round(row.virtualSeconds)} s`.padStart(9),
  ];
  console.log(`${cells.join(' ')}  ${row.fingerprint}`);
}

export async function run(args: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const command = join(dirname(fileURLToPath(import.meta.url)), 'kubetick.js');
  const sizes = args.size === 'full' ? FULL : SMALL;
  const pair = args.size === 'full' ? [FEW, MANY] : [FEW_SMALL, MANY_SMALL];
  if (!args.json) {
    console.log(
      `${'whole process'.padEnd(36)} ${'CPU'.padStart(9)} ${'peak'.padStart(9)} ${'events/s'.padStart(10)} ${'events'.padStart(10)} ${'running'.padStart(9)} ${'no node'.padStart(8)} ${'virtual'.padStart(9)}  fingerprint`,
    );
  }
  const rows: Figures[] = [];
  for (const size of [...sizes, ...pair]) {
    const row = measure(command, size);
    rows.push(row);
    if (!args.json) print(row);
  }
  const [few, many] = rows.slice(-2) as [Figures, Figures];
  const ratio = many.cpuSeconds / few.cpuSeconds;
  if (args.json) console.log(JSON.stringify({ benchmark: 'scale', rows, fiveTimesTheNodes: ratio }));
  else console.log(`five times the nodes at equal pods: ${ratio.toFixed(2)} x the CPU`);
}
