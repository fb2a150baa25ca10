// NodeResourcesFit: a pod fits where its requests fit into what is left; how full the node then is decides the score
// (plugins/noderesources/fit.go, v1.36).
import * as z from 'zod';
import {
  ClusterEvent,
  type ClusterView,
  Code,
  definePlugin,
  NodeField,
  NodeUsage,
  PASS,
  type PodTemplate,
  type Verdict,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';
import { resourceScorer, strategySpec } from './resource-scores.ts';
import { perTemplate } from './support.ts';

const args = argsSchema({
  ignoredResources: z.array(z.string()).default([]),
  ignoredResourceGroups: z.array(z.string()).default([]),
  scoringStrategy: strategySpec.default(strategySpec.parse({})),
});

/** Bits of what is short. Extended resources follow, in the order of the template's list. */
const Short = { pods: 1, cpu: 2, memory: 4, ephemeral: 8, unresolvable: 16 } as const;
const SCALAR_BIT = 32;

/** A template's requests as the filter reads them. */
interface Wanted {
  readonly template: PodTemplate;
  /** Requests that have to fit; -Infinity where none is made, so that a node in the red still passes. */
  readonly cpu: number;
  readonly memory: number;
  readonly ephemeral: number;
  readonly scalars: readonly (readonly [number, number])[];
  /** Verdicts by bits of what is short. */
  readonly verdicts: Map<number, Verdict>;
}

/** Extended resources have a domain outside kubernetes.io (apis/core/v1/helper IsExtendedResourceName). */
const isExtended = (name: string): boolean =>
  name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');

export const nodeResourcesFit = definePlugin<z.infer<typeof args>, Wanted, void>({
  name: 'NodeResourcesFit',
  about: 'Keeps pods off nodes without room for their requests, scores by how full nodes are.',
  points: ['preFilter', 'filter', 'preScore', 'score'],
  args,
  create({ ignoredResources, ignoredResourceGroups, scoringStrategy }, handle) {
    const { cluster } = handle;
    const scorer = resourceScorer(scoringStrategy, cluster.resources);
    const isIgnored = (resource: number): boolean => {
      const name = cluster.resources.text(resource);
      if (!isExtended(name)) return false;
      return ignoredResources.includes(name) || ignoredResourceGroups.includes(name.split('/')[0]!);
    };
    const wantedBy = perTemplate<Wanted>((template) => ({
      template,
      cpu: atLeastOne(template.cpuMilli),
      memory: atLeastOne(template.memoryBytes),
      ephemeral: atLeastOne(template.ephemeralBytes),
      scalars: template.scalars.filter(([resource, amount]) => amount > 0 && !isIgnored(resource)),
      verdicts: new Map(),
    }));

    const verdictOf = (wanted: Wanted, short: number): Verdict => {
      let verdict = wanted.verdicts.get(short);
      if (verdict === undefined) {
        const reasons: string[] = [];
        if ((short & Short.pods) !== 0) reasons.push('Too many pods');
        if ((short & Short.cpu) !== 0) reasons.push('Insufficient cpu');
        if ((short & Short.memory) !== 0) reasons.push('Insufficient memory');
        if ((short & Short.ephemeral) !== 0) reasons.push('Insufficient ephemeral-storage');
        wanted.scalars.forEach(([resource], i) => {
          if ((short & (SCALAR_BIT << i)) !== 0)
            reasons.push(`Insufficient ${cluster.resources.text(resource)}`);
        });
        const code =
          (short & Short.unresolvable) !== 0 ? Code.unschedulableAndUnresolvable : Code.unschedulable;
        verdict = handle.verdict(code, ...reasons);
        wanted.verdicts.set(short, verdict);
      }
      return verdict;
    };

    return {
      locality: 'node',
      reads: NodeField.allocatable | NodeField.requested | NodeField.podCount,
      sign({ template: t }) {
        const scalars = t.scalars.map(([resource, amount]) => `${resource}:${amount}`).join(',');
        const containers = t.spec.resources?.requests === undefined ? '' : JSON.stringify(t.spec.containers);
        return `${containers}${t.cpuMilli}/${t.memoryBytes}/${t.ephemeralBytes}/${t.nonZeroCpuMilli}/${t.nonZeroMemoryBytes}/${scalars}`;
      },
      events: [
        { events: ClusterEvent.assignedPodDelete },
        {
          events: ClusterEvent.nodeAdd | ClusterEvent.nodeAllocatable,
          hint(pod, { node, before }, view) {
            const wanted = wantedBy(pod.template);
            if (!fitsEmpty(view, node, wanted)) return false;
            if (before === null) return true;
            const { columns } = view;
            const grew = (now: number, then: number, request: number): boolean => request > 0 && now > then;
            return (
              columns.podsAllocatable[node]! > before.podsAllocatable ||
              grew(columns.cpuAllocatable[node]!, before.cpuAllocatable, wanted.cpu) ||
              grew(columns.memoryAllocatable[node]!, before.memoryAllocatable, wanted.memory) ||
              grew(columns.ephemeralAllocatable[node]!, before.ephemeralAllocatable, wanted.ephemeral) ||
              wanted.scalars.some(([resource]) => {
                const then = before.scalars.find(([id]) => id === resource)?.[1] ?? 0;
                return view.allocatable(node, resource) > then;
              })
            );
          },
        },
        { events: ClusterEvent.ownUpdate },
      ],
      preFilter: (pod) => wantedBy(pod.template),
      filter(_pod, node, wanted) {
        const short = shortage(cluster, node.id, wanted);
        return short === 0 ? PASS : verdictOf(wanted, short);
      },
      filterBatch(_pod, view, nodes, from, to, wanted, verdicts) {
        const { cpu, memory, ephemeral } = wanted;
        const { usage, ephemeralAllocatable, ephemeralRequested } = view.columns;
        const isPlain = wanted.scalars.length === 0;
        const noEphemeral = ephemeral < 0;
        const { cpuAllocatable, memoryAllocatable, cpuRequested, memoryRequested } = NodeUsage;
        const { podCount, podsAllocatable, count } = NodeUsage;
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          const at = node * count;
          if (
            isPlain &&
            usage[at + podCount]! < usage[at + podsAllocatable]! &&
            cpu <= usage[at + cpuAllocatable]! - usage[at + cpuRequested]! &&
            memory <= usage[at + memoryAllocatable]! - usage[at + memoryRequested]! &&
            (noEphemeral || ephemeral <= ephemeralAllocatable[node]! - ephemeralRequested[node]!)
          ) {
            nodes[kept++] = node;
            continue;
          }
          const short = shortage(view, node, wanted);
          if (short === 0) nodes[kept++] = node;
          else verdicts[node] = verdictOf(wanted, short);
        }
        return kept;
      },
      preScore() {},
      score: (pod, node) => scorer.score(cluster, node.id, pod.template),
      scoreBatch: (pod, view, nodes, count, _state, out) =>
        scorer.scoreBatch(view, nodes, count, pod.template, out),
    };
  },
});

const atLeastOne = (request: number): number => (request > 0 ? request : Number.NEGATIVE_INFINITY);

/** What of the node is too little: bits of Short; 0: the pod fits. */
function shortage(cluster: ClusterView, node: number, wanted: Wanted): number {
  const c = cluster.columns;
  let short = 0;
  if (c.podCount[node]! + 1 > c.podsAllocatable[node]!) short |= Short.pods;
  if (wanted.cpu > c.cpuAllocatable[node]! - c.cpuRequested[node]!) {
    short |= Short.cpu;
    if (wanted.cpu > c.cpuAllocatable[node]!) short |= Short.unresolvable;
  }
  if (wanted.memory > c.memoryAllocatable[node]! - c.memoryRequested[node]!) {
    short |= Short.memory;
    if (wanted.memory > c.memoryAllocatable[node]!) short |= Short.unresolvable;
  }
  if (wanted.ephemeral > c.ephemeralAllocatable[node]! - c.ephemeralRequested[node]!) {
    short |= Short.ephemeral;
    if (wanted.ephemeral > c.ephemeralAllocatable[node]!) short |= Short.unresolvable;
  }
  for (let i = 0; i < wanted.scalars.length; i++) {
    const [resource, amount] = wanted.scalars[i]!;
    const allocatable = cluster.allocatable(node, resource);
    if (amount <= allocatable - cluster.requested(node, resource)) continue;
    short |= SCALAR_BIT << i;
    if (amount > allocatable) short |= Short.unresolvable;
  }
  return short;
}

/** Whether the pod would fit if it were alone on the node. */
function fitsEmpty(cluster: ClusterView, node: number, wanted: Wanted): boolean {
  const c = cluster.columns;
  return (
    c.podsAllocatable[node]! >= 1 &&
    wanted.cpu <= c.cpuAllocatable[node]! &&
    wanted.memory <= c.memoryAllocatable[node]! &&
    wanted.ephemeral <= c.ephemeralAllocatable[node]! &&
    wanted.scalars.every(([resource, amount]) => amount <= cluster.allocatable(node, resource))
  );
}
