// Whole runs by size, each a process of its own: the command as a user calls it, with all its outputs. Prints CPU
// seconds, peak memory, events a second and pods that found no node; what five times the nodes cost at equal pods; and
// what a pod costs that a rolling update replaces, against one that is created.
import { type Figures, measure, print, printHead } from './whole-run.ts';

interface Size {
  readonly name: string;
  readonly nodes: number;
  readonly pods: number;
  /** Replicas of each Deployment; 0: bare pods, all at once, as a scheduler benchmark creates them. */
  readonly replicas: number;
  /** Bare pods arrive at this mean rate instead, in a run of so many hours. */
  readonly ratePerSecond?: number;
  readonly hours?: number;
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
  // The scheduler binds 50 a second at most (kube-api-qps).
  {
    name: '100,000 nodes, 1,000,000 bare pods',
    nodes: 100_000,
    pods: 1e6,
    replicas: 0,
    ratePerSecond: 49,
    hours: 7,
  },
];

/** The same pods on few and on many nodes. */
const FEW: Size = { name: '1,000 nodes, 200 Deployments x 300', nodes: 1_000, pods: 60_000, replicas: 300 };
const MANY: Size = { ...FEW, name: '5,000 nodes, 200 Deployments x 300', nodes: 5_000 };
const FEW_SMALL: Size = { name: '200 nodes, 20 Deployments x 300', nodes: 200, pods: 6_000, replicas: 300 };
const MANY_SMALL: Size = { ...FEW_SMALL, name: '1,000 nodes, 20 Deployments x 300', nodes: 1_000 };

/** Deployments that all get a new image at once; `runs`: of each Experiment, the least CPU counts. */
interface Rollout {
  readonly nodes: number;
  readonly deployments: number;
  readonly replicas: number;
  readonly runs: number;
}
const ROLLOUT: Rollout = { nodes: 5_000, deployments: 1_000, replicas: 50, runs: 1 };
const ROLLOUT_SMALL: Rollout = { nodes: 500, deployments: 100, replicas: 50, runs: 3 };

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

const nodesOf = (count: number): object[] => [
  { count, cpu: '32', memory: '128Gi', pods: 110, zones: ['a', 'b', 'c'] },
];

const experimentOf = (spec: object, run = '6h'): object => ({
  apiVersion: 'kubetick.io/v1',
  kind: 'Experiment',
  metadata: { name: 'scale' },
  spec: { ...spec, time: { run } },
});

function experiment(size: Size): object {
  const common = { cpu: '100m', memory: '200Mi' };
  const generator =
    size.replicas === 0
      ? { use: 'pods', count: size.pods, ratePerSecond: size.ratePerSecond ?? 0, ...common }
      : { use: 'deployments', count: size.pods / size.replicas, replicas: size.replicas, ...common };
  const cluster = { nodes: nodesOf(size.nodes) };
  const workload = size.full ? { manifests: ['objects.json'] } : { generators: [generator] };
  return experimentOf({ cluster, workload }, size.hours === undefined ? undefined : `${size.hours}h`);
}

interface RolloutFigures {
  readonly rows: readonly Figures[];
  /** CPU of a pod that is created, and of one that is replaced by another, µs. */
  readonly createdUs: number;
  readonly replacedUs: number;
}

/** A cluster without pods, the same with Deployments, and these with a new image after an hour: the differences tell. */
function rollOut(
  { nodes, deployments, replicas, runs }: Rollout,
  told: (row: Figures) => void,
): RolloutFigures {
  const resources = { requests: { cpu: '100m', memory: '200Mi' } };
  const names = Array.from({ length: deployments }, (_, i) => `app-${i}`);
  const objects = names.map((name) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'app', image: 'app:v1', resources }] },
      },
    },
  }));
  const body = { spec: { template: { spec: { containers: [{ name: 'app', image: 'app:v2' }] } } } };
  const steps = names.map((name) => ({
    at: '1h',
    do: 'patch',
    ref: `Deployment/${name}`,
    type: 'strategic',
    body,
  }));
  const cluster = { nodes: nodesOf(nodes) };
  const workload = { manifests: ['objects.json'] };
  const least = (name: string, spec: object, stored: readonly object[]): Figures => {
    let best = measure(name, experimentOf(spec), stored);
    for (let run = 1; run < runs; run++) {
      const other = measure(name, experimentOf(spec), stored);
      if (other.cpuSeconds < best.cpuSeconds) best = other;
    }
    told(best);
    return best;
  };
  const what = `${deployments.toLocaleString('en')} Deployments x ${replicas}`;
  const empty = least(`${nodes.toLocaleString('en')} nodes without pods`, { cluster }, []);
  const created = least(what, { cluster, workload }, objects);
  const rolled = least('… and each a new image', { cluster, workload, steps }, objects);
  const pods = deployments * replicas;
  if (rolled.deleted !== pods) throw new Error(`${rolled.deleted} of ${pods} pods were replaced`);
  return {
    rows: [empty, created, rolled],
    createdUs: ((created.cpuSeconds - empty.cpuSeconds) / pods) * 1e6,
    replacedUs: ((rolled.cpuSeconds - created.cpuSeconds) / pods) * 1e6,
  };
}

export async function run(args: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const sizes = args.size === 'full' ? FULL : SMALL;
  const pair = args.size === 'full' ? [FEW, MANY] : [FEW_SMALL, MANY_SMALL];
  const told = (row: Figures): void => {
    if (!args.json) print(row);
  };
  if (!args.json) printHead();
  const rows: Figures[] = [];
  for (const size of [...sizes, ...pair]) {
    const row = measure(size.name, experiment(size), size.full ? everything(size) : []);
    rows.push(row);
    told(row);
  }
  const [few, many] = rows.slice(-2) as [Figures, Figures];
  const ratio = many.cpuSeconds / few.cpuSeconds;
  const rollout = rollOut(args.size === 'full' ? ROLLOUT : ROLLOUT_SMALL, told);
  if (args.json) {
    console.log(JSON.stringify({ benchmark: 'scale', rows, fiveTimesTheNodes: ratio, rollout }));
    return;
  }
  const { createdUs, replacedUs } = rollout;
  console.log(`five times the nodes at equal pods: ${ratio.toFixed(2)} x the CPU`);
  console.log(
    `rolling update: ${createdUs.toFixed(0)} µs of CPU a pod created, ${replacedUs.toFixed(0)} µs a pod replaced: ${(replacedUs / createdUs).toFixed(2)} x`,
  );
}
