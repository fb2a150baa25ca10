// What the runs of a plan will cost, without simulating: pods are counted (those of manifests by their replicas, those of
// workloads by drawing the arrivals themselves), and CPU time, memory and disk follow by a rule fitted to runs.
import type {
  ResolvedScenario,
  SourcedObject,
  TimedStep,
  WorkloadUse,
} from '../engine/contracts/scenario.ts';
import { Rng } from '../engine/index.ts';
import type { KubeObject } from '../engine/kinds/kind.ts';
import { type Plan, type PlannedRun, scenarioOf } from './plan.ts';
import { BUILT_IN, policiesOfScenario } from './registry.ts';

export interface Estimate {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface EstimatedRun {
  readonly variant: string;
  readonly replication: number;
  readonly seed: number | string;
  readonly directory: string;
  readonly values: Readonly<Record<string, string>>;
  readonly nodes: number;
  readonly pods: number;
  readonly estimate: Estimate;
}

/**
 * CPU and memory: through the runs of README.md's "How fast" (`npm run bench -- scale --size full`), from 1,067 pods on
 * 100 nodes to 150,000 on 5,000. Disk: rows of pods.csv, events.csv and nodes.csv of such runs.
 */
const FIT = {
  cpuSecondsARun: 0.85,
  cpuSecondsAPod: 140e-6,
  cpuSecondsANode: 50e-6,
  memoryBytesARun: 100e6,
  memoryBytesAPod: 2950,
  memoryBytesANode: 12_000,
  diskBytesARun: 150_000,
  diskBytesAPod: 900,
  diskBytesANode: 120,
} as const;

export const RULE =
  'estimated from the numbers of pods and nodes, not simulated: right within a factor of about two where pods are not retried for long';

/** Arrivals drawn one by one at most; what comes after is extrapolated. */
const ARRIVALS_MAX = 200_000;

export function estimatePlan(plan: Plan): EstimatedRun[] {
  // Replications differ by chance alone: the first stands for its variant.
  const counted = new Map<string, { nodes: number; pods: number }>();
  return plan.runs.map((run) => {
    const { name, values, scenario } = run.variant;
    const known = counted.get(name);
    const { nodes, pods } = known ?? countsOf(run);
    if (known === undefined) counted.set(name, { nodes, pods });
    const { replication, directory } = run;
    const estimate = costOf(nodes, pods);
    return { variant: name, replication, seed: scenario.seed, directory, values, nodes, pods, estimate };
  });
}

function costOf(nodes: number, pods: number): Estimate {
  const by = (run: number, pod: number, node: number): number => run + pods * pod + nodes * node;
  const cpu = by(FIT.cpuSecondsARun, FIT.cpuSecondsAPod, FIT.cpuSecondsANode);
  return {
    cpuSeconds: Number(cpu.toPrecision(2)),
    memoryBytes: Math.round(by(FIT.memoryBytesARun, FIT.memoryBytesAPod, FIT.memoryBytesANode)),
    diskBytes: Math.round(by(FIT.diskBytesARun, FIT.diskBytesAPod, FIT.diskBytesANode)),
  };
}

function countsOf(run: PlannedRun): { nodes: number; pods: number } {
  const scenario = scenarioOf(run);
  const { existing, steps, untilUs } = scenario;
  const nodes =
    scenario.nodes.reduce((sum, { count }) => sum + count, 0) +
    existing.filter(({ object }) => object.kind === 'Node').length;
  let pods = existing.filter(({ object }) => object.kind === 'Pod').length;
  for (const step of steps) if (step.atUs <= untilUs) pods += podsOfStep(step, steps, nodes);
  scenario.workloads.forEach((use, i) => {
    pods += podsOfWorkload(use, i, scenario, nodes);
  });
  return { nodes, pods: Math.round(pods) };
}

function podsOfStep(step: TimedStep, steps: readonly TimedStep[], nodes: number): number {
  const created = step.objects.reduce((sum, { object }) => sum + podsOf(object, nodes), 0);
  if (step.do !== 'scale' || step.target?.replicas === undefined) return created;
  const { kind, namespace, name, replicas } = step.target;
  const isTarget = ({ object }: SourcedObject): boolean =>
    object.kind === kind &&
    object.metadata?.name === name &&
    (object.metadata.namespace ?? 'default') === namespace;
  const before = steps
    .flatMap(({ objects }) => objects.filter(isTarget))
    .map(({ object }) => podsOf(object, nodes));
  return Math.max(0, replicas - (before[0] ?? 0));
}

interface Sized {
  readonly spec?: {
    readonly replicas?: number;
    readonly completions?: number;
    readonly parallelism?: number;
  };
}

/** Pods that an object makes at first. */
function podsOf(object: KubeObject, nodes: number): number {
  const { spec } = object as unknown as Sized;
  switch (object.kind) {
    case 'Pod':
      return 1;
    case 'DaemonSet':
      return nodes;
    case 'Deployment':
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
      return spec?.replicas ?? 1;
    case 'Job':
      return spec?.completions ?? spec?.parallelism ?? 1;
    default:
      return 0;
  }
}

/** The workload's own arrivals, drawn as the run will draw them. */
function podsOfWorkload(
  { use, args }: WorkloadUse,
  i: number,
  scenario: ResolvedScenario,
  nodes: number,
): number {
  const { plugins } = scenario.policies;
  const { registry } = plugins === undefined ? BUILT_IN : policiesOfScenario(plugins);
  const made = registry.workloads.find(({ name }) => name === use)?.create(args);
  if (made === undefined || 'problems' in made) return 0;
  const { seed, replication, untilUs } = scenario;
  const arrivals = made.workload.arrivals({
    rng: new Rng(seed, replication),
    streams: `workload/${i}`,
    untilUs,
  });
  let pods = 0;
  let count = 0;
  for (let next = arrivals.next(); next.done !== true; next = arrivals.next()) {
    if (next.value.atUs > untilUs) break;
    pods += podsOf(next.value.object, nodes);
    // The rate so far, to the end.
    if (++count === ARRIVALS_MAX) return next.value.atUs > 0 ? (pods * untilUs) / next.value.atUs : pods;
  }
  return pods;
}
