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
  /** Pods with probes, lines in their logs, a Service for each Deployment, and a log agent on every node. */
  readonly full?: true;
}

const SMALL: readonly Size[] = [
  { name: '100 nodes, 1,067 bare pods', nodes: 100, pods: 1_067, replicas: 0 },
  { name: '1,000 nodes, 7,064 bare pods', nodes: 1_000, pods: 7_064, replicas: 0 },
  { name: '200 nodes, Services, probes, logs', nodes: 200, pods: 6_000, replicas: 300, full: true },
];

const FULL: readonly Size[] = [
  ...SMALL,
  { name: '5,000 nodes, 10,000 bare pods', nodes: 5_000, pods: 10_000, replicas: 0 },
  { name: '5,000 nodes, 500 Deployments x 300', nodes: 5_000, pods: 150_000, replicas: 300 },
  { name: '… with Services, probes and logs', nodes: 5_000, pods: 150_000, replicas: 300, full: true },
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

/** Objects of a cluster in which everything of the kubelets is at work. */
function everything(size: Size): object[] {
  const httpGet = { port: 8080 };
  const resources = { requests: { cpu: '100m', memory: '200Mi' } };
  const workload = (kind: string, name: string, spec: object, pod: object, annotations: object): object => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      ...spec,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name }, annotations }, spec: pod },
    },
  });
  const containers = [
    {
      name: 'app',
      image: 'app:v1',
      resources,
      readinessProbe: { httpGet, periodSeconds: 5 },
      livenessProbe: { httpGet },
      startupProbe: { httpGet, periodSeconds: 2 },
    },
  ];
  const objects: object[] = [
    workload(
      'DaemonSet',
      'fluentd',
      {},
      { containers: [{ name: 'fluentd', image: 'fluentd:v1' }] },
      { 'kubetick.io/log-agent': 'sink=20Mi/s' },
    ),
  ];
  for (let i = 0; i < size.pods / size.replicas; i++) {
    const name = `app-${i}`;
    const annotations = { 'container.kubetick.io/app': 'log=20' };
    objects.push(workload('Deployment', name, { replicas: size.replicas }, { containers }, annotations), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 80 }] },
    });
  }
  return objects;
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
      workload: size.full ? { manifests: ['objects.json'] } : { generators: [generator] },
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
    if (size.full) {
      const list = { apiVersion: 'v1', kind: 'List', items: everything(size) };
      writeFileSync(join(folder, 'objects.json'), JSON.stringify(list));
    }
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
