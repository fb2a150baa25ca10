// NodeResourcesBalancedAllocation: prefers nodes whose resources are used in equal shares, judged by what the pod
// changes: 75 where the balance stays as it is (plugins/noderesources/balanced_allocation.go, v1.36).
import * as z from 'zod';
import {
  type ClusterView,
  definePlugin,
  NODE_SCORE_MAX,
  NodeField,
  NodeUsage,
  type PodTemplate,
  Resource,
  SKIP,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';
import { DEFAULT_RESOURCES, requestOf, resourceSpec, weighted } from './resource-scores.ts';
import { perTemplate } from './support.ts';

const args = argsSchema({ resources: z.array(resourceSpec).default(DEFAULT_RESOURCES) });

const HALF = NODE_SCORE_MAX / 2;

/** Balance of shares, 0..100: less their standard deviation. */
function balance(shares: Float64Array, count: number): number {
  let deviation = 0;
  if (count === 2) {
    deviation = Math.abs(shares[0]! - shares[1]!) / 2;
  } else if (count > 2) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += shares[i]!;
    const mean = sum / count;
    let squares = 0;
    for (let i = 0; i < count; i++) squares += (shares[i]! - mean) * (shares[i]! - mean);
    deviation = Math.sqrt(squares / count);
  }
  return Math.floor((1 - deviation) * NODE_SCORE_MAX);
}

const scoreOfChange = (withPod: number, without: number): number =>
  HALF + Math.floor((HALF + withPod - without) / 2);

export const nodeResourcesBalancedAllocation = definePlugin({
  name: 'NodeResourcesBalancedAllocation',
  about: 'Prefers nodes whose CPU and memory stay used in equal shares.',
  points: ['preScore', 'score'],
  args,
  create({ resources: list }, handle) {
    const { cluster } = handle;
    const resources = weighted(list, cluster.resources);
    const asksNothing = perTemplate((template) =>
      resources.every(({ resource }) => requestOf(template, resource) === 0),
    );
    const before = new Float64Array(resources.length);
    const after = new Float64Array(resources.length);

    const score = (view: ClusterView, node: number, template: PodTemplate): number => {
      let count = 0;
      for (const { resource } of resources) {
        const asked = requestOf(template, resource);
        if (asked === 0 && resource >= 0) continue;
        const allocatable = view.allocatable(node, resource);
        if (allocatable === 0) continue;
        const requested = view.requested(node, resource);
        before[count] = Math.min(1, requested / allocatable);
        after[count] = Math.min(1, (requested + asked) / allocatable);
        count += 1;
      }
      return scoreOfChange(balance(after, count), balance(before, count));
    };
    const isPlain =
      resources.length === 2 &&
      resources[0]!.resource === Resource.cpu &&
      resources[1]!.resource === Resource.memory;

    return {
      locality: 'node',
      reads: NodeField.allocatable | NodeField.requested,
      sign({ template: t }) {
        return resources.map(({ resource }) => requestOf(t, resource)).join('/');
      },
      preScore: (pod) => (asksNothing(pod.template) ? SKIP : undefined),
      score: (pod, node) => score(cluster, node.id, pod.template),
      scoreBatch(pod, view, nodes, count, _state, out) {
        const { template } = pod;
        if (isPlain)
          balanceOfTwo(view, nodes, count, template.cpuMilli, template.memoryBytes, out, score, template);
        else for (let i = 0; i < count; i++) out[i] = score(view, nodes[i]!, template);
      },
    };
  },
});

/** CPU and memory, the default: one loop without calls but for nodes that lack one of the two. */
function balanceOfTwo(
  view: ClusterView,
  nodes: Int32Array,
  count: number,
  cpu: number,
  memory: number,
  out: Int32Array,
  score: (view: ClusterView, node: number, template: PodTemplate) => number,
  template: PodTemplate,
): void {
  const { usage } = view.columns;
  const { cpuAllocatable, memoryAllocatable, cpuRequested, memoryRequested, count: width } = NodeUsage;
  for (let i = 0; i < count; i++) {
    const node = nodes[i]!;
    const at = node * width;
    const cpuAll = usage[at + cpuAllocatable]!;
    const memoryAll = usage[at + memoryAllocatable]!;
    if (cpuAll === 0 || memoryAll === 0) {
      out[i] = score(view, node, template);
      continue;
    }
    const cpuUsed = usage[at + cpuRequested]!;
    const memoryUsed = usage[at + memoryRequested]!;
    let cpuBefore = cpuUsed / cpuAll;
    if (cpuBefore > 1) cpuBefore = 1;
    let memoryBefore = memoryUsed / memoryAll;
    if (memoryBefore > 1) memoryBefore = 1;
    let cpuAfter = (cpuUsed + cpu) / cpuAll;
    if (cpuAfter > 1) cpuAfter = 1;
    let memoryAfter = (memoryUsed + memory) / memoryAll;
    if (memoryAfter > 1) memoryAfter = 1;
    // Deviations lie in 0..1/2, so balances in 50..100: `| 0` truncates, `>> 1` halves.
    const withPod = ((1 - Math.abs(cpuAfter - memoryAfter) / 2) * NODE_SCORE_MAX) | 0;
    const without = ((1 - Math.abs(cpuBefore - memoryBefore) / 2) * NODE_SCORE_MAX) | 0;
    out[i] = HALF + ((HALF + withPod - without) >> 1);
  }
}
