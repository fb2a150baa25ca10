// Scores from what nodes have and what is asked of them: the strategies of NodeResourcesFit
// (plugins/noderesources/{least_allocated,most_allocated,requested_to_capacity_ratio,resource_allocation}.go, v1.36).
import * as z from 'zod';
import {
  type ClusterView,
  NODE_SCORE_MAX,
  type NodeColumnsView,
  NodeUsage,
  type PodTemplate,
  Resource,
} from '../../../engine/index.ts';
import { containerRequest } from './container-requests.ts';
import { perTemplate } from './support.ts';

export interface WeightedResource {
  readonly resource: number;
  readonly weight: number;
}

/** Shapes are written with scores of 0..10. */
const SHAPE_SCORE_MAX = 10;
const FULL = 100;

export const resourceSpec = z.strictObject({
  name: z.string().min(1),
  weight: z.number().int().min(1).max(100).default(1),
});
export const DEFAULT_RESOURCES: z.infer<typeof resourceSpec>[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

const shapePoint = z.strictObject({
  utilization: z.number().int().min(0).max(100),
  score: z.number().int().min(0).max(SHAPE_SCORE_MAX),
});
export const strategySpec = z.strictObject({
  type: z.enum(['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']).default('LeastAllocated'),
  resources: z.array(resourceSpec).default(DEFAULT_RESOURCES),
  requestedToCapacityRatio: z
    .strictObject({
      shape: z
        .array(shapePoint)
        .min(1)
        .refine((points) => points.every((p, i) => i === 0 || p.utilization > points[i - 1]!.utilization), {
          message: 'utilization values must be sorted in increasing order',
        }),
    })
    .optional(),
});
export type Strategy = z.infer<typeof strategySpec>;

export function resourceId(name: string, resources: ClusterView['resources']): number {
  if (name === 'cpu') return Resource.cpu;
  if (name === 'memory') return Resource.memory;
  if (name === 'ephemeral-storage') return Resource.ephemeralStorage;
  return resources.id(name);
}

export const weighted = (
  list: readonly z.infer<typeof resourceSpec>[],
  resources: ClusterView['resources'],
): WeightedResource[] => list.map(({ name, weight }) => ({ resource: resourceId(name, resources), weight }));

/** What a pod asks of a resource, as filters and sums of nodes count it. */
export function requestOf(template: PodTemplate, resource: number): number {
  if (resource === Resource.cpu) return template.cpuMilli;
  if (resource === Resource.memory) return template.memoryBytes;
  if (resource === Resource.ephemeralStorage) return template.ephemeralBytes;
  for (const [id, amount] of template.scalars) if (id === resource) return amount;
  return 0;
}

/** What scoring assumes of a container that asks for none (pkg/scheduler/util/pod_resources.go). */
const ASSUMED_CPU_MILLI = 100;
const ASSUMED_MEMORY_BYTES = 200 * 1024 * 1024;

/** A pod's requests as the scorer counts them: assumed where missing, pod-level ones left out. */
interface ScoredRequests {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  of(resource: number): number;
}

function scoredRequests(template: PodTemplate, interner: ClusterView['resources']): ScoredRequests {
  const { spec } = template;
  if (spec.resources?.requests === undefined) {
    return {
      cpuMilli: template.nonZeroCpuMilli,
      memoryBytes: template.nonZeroMemoryBytes,
      of: (resource) => requestOf(template, resource),
    };
  }
  return {
    cpuMilli: containerRequest(spec, 'cpu', ASSUMED_CPU_MILLI),
    memoryBytes: containerRequest(spec, 'memory', ASSUMED_MEMORY_BYTES),
    of: (resource) =>
      resource === Resource.ephemeralStorage
        ? template.ephemeralBytes
        : containerRequest(spec, interner.text(resource), 0),
  };
}

/** What is asked of a node already, counted the same way. */
function requestedOn(cluster: ClusterView, node: number, resource: number): number {
  if (resource === Resource.cpu) return cluster.columns.nonZeroCpu[node]!;
  if (resource === Resource.memory) return cluster.columns.nonZeroMemory[node]!;
  return cluster.requested(node, resource);
}

/** Score of one resource: `requested` with the pod, `allocatable` > 0. */
type Curve = (requested: number, allocatable: number) => number;

const leastAllocated: Curve = (requested, allocatable) =>
  requested > allocatable ? 0 : Math.floor(((allocatable - requested) * NODE_SCORE_MAX) / allocatable);

const mostAllocated: Curve = (requested, allocatable) =>
  Math.floor((Math.min(requested, allocatable) * NODE_SCORE_MAX) / allocatable);

/** Piecewise linear through the points, constant outside; divisions truncate. */
function shapeCurve(shape: readonly z.infer<typeof shapePoint>[]): Curve {
  const scale = NODE_SCORE_MAX / SHAPE_SCORE_MAX;
  const points = shape.map(({ utilization, score }) => ({ x: utilization, y: score * scale }));
  const at = (x: number): number => {
    for (let i = 0; i < points.length; i++) {
      const to = points[i]!;
      if (x > to.x) continue;
      if (i === 0) return to.y;
      const from = points[i - 1]!;
      return from.y + Math.trunc(((to.y - from.y) * (x - from.x)) / (to.x - from.x));
    }
    return points[points.length - 1]!.y;
  };
  return (requested, allocatable) =>
    at(requested > allocatable ? FULL : Math.floor((requested * FULL) / allocatable));
}

export interface ResourceScorer {
  score(cluster: ClusterView, node: number, template: PodTemplate): number;
  scoreBatch(
    cluster: ClusterView,
    nodes: Int32Array,
    count: number,
    template: PodTemplate,
    out: Int32Array,
  ): void;
}

export function resourceScorer(strategy: Strategy, interner: ClusterView['resources']): ResourceScorer {
  const resources = weighted(strategy.resources, interner);
  const isRatio = strategy.type === 'RequestedToCapacityRatio';
  const curve =
    strategy.type === 'LeastAllocated'
      ? leastAllocated
      : strategy.type === 'MostAllocated'
        ? mostAllocated
        : shapeCurve(strategy.requestedToCapacityRatio?.shape ?? []);

  const requestsOf = perTemplate((template) => scoredRequests(template, interner));
  const score = (cluster: ClusterView, node: number, template: PodTemplate): number => {
    const requests = requestsOf(template);
    let sum = 0;
    let weights = 0;
    for (const { resource, weight } of resources) {
      const asked =
        resource === Resource.cpu
          ? requests.cpuMilli
          : resource === Resource.memory
            ? requests.memoryBytes
            : requests.of(resource);
      // An extended resource that the pod does not want says nothing.
      if (asked === 0 && resource >= 0) continue;
      const allocatable = cluster.allocatable(node, resource);
      if (allocatable === 0) continue;
      const points = curve(requestedOn(cluster, node, resource) + asked, allocatable);
      if (isRatio && points === 0) continue;
      sum += points * weight;
      weights += weight;
    }
    if (weights === 0) return 0;
    return isRatio ? Math.round(sum / weights) : Math.floor(sum / weights);
  };

  const isPlain =
    resources.length === 2 &&
    resources[0]!.resource === Resource.cpu &&
    resources[1]!.resource === Resource.memory;
  const [cpuWeight, memoryWeight] = [resources[0]?.weight ?? 0, resources[1]?.weight ?? 0];
  return {
    score,
    scoreBatch(cluster, nodes, count, template, out) {
      const columns = cluster.columns;
      if (isPlain && strategy.type === 'LeastAllocated') {
        leastOfTwo(columns, nodes, count, requestsOf(template), cpuWeight, memoryWeight, out);
      } else if (isPlain && strategy.type === 'MostAllocated') {
        mostOfTwo(columns, nodes, count, requestsOf(template), cpuWeight, memoryWeight, out);
      } else {
        for (let i = 0; i < count; i++) out[i] = score(cluster, nodes[i]!, template);
      }
    },
  };
}

/** sum / weights, truncated; 0 where there are no weights. Two resources of weight 1 are the rule, and a shift is quicker. */
const meanOf = (sum: number, weights: number): number =>
  weights === 2 ? sum >> 1 : weights === 0 ? 0 : (sum / weights) | 0;

/** LeastAllocated of CPU and memory, the default: one loop without calls. */
function leastOfTwo(
  { usage }: NodeColumnsView,
  nodes: Int32Array,
  count: number,
  { cpuMilli: cpu, memoryBytes: memory }: ScoredRequests,
  cpuWeight: number,
  memoryWeight: number,
  out: Int32Array,
): void {
  const { cpuAllocatable, memoryAllocatable, nonZeroCpu, nonZeroMemory, count: width } = NodeUsage;
  for (let i = 0; i < count; i++) {
    const at = nodes[i]! * width;
    const cpuAll = usage[at + cpuAllocatable]!;
    const memoryAll = usage[at + memoryAllocatable]!;
    const cpuLeft = cpuAll - usage[at + nonZeroCpu]! - cpu;
    const memoryLeft = memoryAll - usage[at + nonZeroMemory]! - memory;
    let sum = 0;
    let weights = 0;
    // The quotients lie in 0..100, so `| 0` truncates them.
    if (cpuAll > 0) {
      if (cpuLeft > 0) sum = (((cpuLeft * NODE_SCORE_MAX) / cpuAll) | 0) * cpuWeight;
      weights = cpuWeight;
    }
    if (memoryAll > 0) {
      if (memoryLeft > 0) sum += (((memoryLeft * NODE_SCORE_MAX) / memoryAll) | 0) * memoryWeight;
      weights += memoryWeight;
    }
    out[i] = meanOf(sum, weights);
  }
}

function mostOfTwo(
  { usage }: NodeColumnsView,
  nodes: Int32Array,
  count: number,
  { cpuMilli: cpu, memoryBytes: memory }: ScoredRequests,
  cpuWeight: number,
  memoryWeight: number,
  out: Int32Array,
): void {
  const { cpuAllocatable, memoryAllocatable, nonZeroCpu, nonZeroMemory, count: width } = NodeUsage;
  for (let i = 0; i < count; i++) {
    const at = nodes[i]! * width;
    const cpuAll = usage[at + cpuAllocatable]!;
    const memoryAll = usage[at + memoryAllocatable]!;
    const cpuUsed = usage[at + nonZeroCpu]! + cpu;
    const memoryUsed = usage[at + nonZeroMemory]! + memory;
    let sum = 0;
    let weights = 0;
    if (cpuAll > 0) {
      sum =
        cpuUsed >= cpuAll
          ? NODE_SCORE_MAX * cpuWeight
          : (((cpuUsed * NODE_SCORE_MAX) / cpuAll) | 0) * cpuWeight;
      weights = cpuWeight;
    }
    if (memoryAll > 0) {
      sum +=
        memoryUsed >= memoryAll
          ? NODE_SCORE_MAX * memoryWeight
          : (((memoryUsed * NODE_SCORE_MAX) / memoryAll) | 0) * memoryWeight;
      weights += memoryWeight;
    }
    out[i] = meanOf(sum, weights);
  }
}
