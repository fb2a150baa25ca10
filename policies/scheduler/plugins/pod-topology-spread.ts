// PodTopologySpread: keeps the pods of a selector even over the domains of a topology key, strictly or as a preference
// (plugins/podtopologyspread, v1.36). Counts come from the cache's sums, so that an attempt looks at domains and at the
// nodes in question, never at all pods.
import * as z from 'zod';
import {
  ClusterEvent,
  type ClusterView,
  Code,
  type DomainCounts,
  definePlugin,
  NODE_SCORE_MAX,
  NodeField,
  PASS,
  type PodView,
  SKIP,
  type TopologyDomains,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';
import { LABEL_HOSTNAME } from './node-selector.ts';
import {
  type Constraint,
  type Constraints,
  type DefaultConstraint,
  SpreadConstraints,
} from './spread-constraints.ts';
import { divide } from './support.ts';

const REASON_SKEW = "node(s) didn't match pod topology spread constraints";
const REASON_LABEL = "node(s) didn't match pod topology spread constraints (missing required label)";

/** What every cluster has unless it says otherwise (podtopologyspread/plugin.go systemDefaultConstraints). */
const SYSTEM_DEFAULTS: readonly DefaultConstraint[] = [
  { maxSkew: 3, topologyKey: LABEL_HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway' },
  { maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
];

/** Raw score of a node that lacks a key: 0 after normalisation, and no part of it. */
const INVALID = -1;
/** Count of a domain that no node can be left out of: stands for "no domain" as upstream does. */
const NO_DOMAIN = 2 ** 31 - 1;

const policy = z.enum(['Honor', 'Ignore']);
const args = argsSchema({
  defaultConstraints: z
    .array(
      z.strictObject({
        maxSkew: z.number().int().min(1),
        topologyKey: z.string().min(1),
        whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
        minDomains: z.number().int().min(1).optional(),
        nodeAffinityPolicy: policy.optional(),
        nodeTaintsPolicy: policy.optional(),
      }),
    )
    .refine(
      (list) => new Set(list.map((c) => `${c.topologyKey}\n${c.whenUnsatisfiable}`)).size === list.length,
      'two constraints have the same topologyKey and whenUnsatisfiable',
    )
    .default([]),
  defaultingType: z.enum(['System', 'List']).default('System'),
}).refine(
  ({ defaultConstraints, defaultingType }) => defaultingType === 'List' || defaultConstraints.length === 0,
  {
    path: ['defaultConstraints'],
    message: 'when .defaultingType is System, this must be empty',
  },
);

/** Sums of one attempt, reused by the next. */
class HardState {
  constraints: readonly Constraint[] = [];
  readonly sums: DomainCounts[] = [];
  /** By constraint: 1 if the pod itself counts. */
  readonly self: number[] = [];
  /** By constraint: least counts while a batch is filtered. */
  readonly minima: number[] = [];
  /** By constraint and domain: what supposed moves of terminating pods change; they are in no sum. null: nothing. */
  moved: Map<number, number>[] | null = null;
}

/** Sums of one attempt, reused by the next. */
class SoftState {
  constraints: readonly Constraint[] = [];
  requireAll = false;
  perNode: (Int32Array | null)[] = [];
  sums: (DomainCounts | null)[] = [];
  domains: Int32Array[] = [];
  weights: number[] = [];
}

/** Domains get scores by the logarithm of their number, so that a few large ones do not drown many small ones. */
const weightOf = (domains: number): number => Math.log(domains + 2);

function countIn(state: HardState, constraint: number, domain: number): number {
  const { sums, moved } = state;
  const count = sums[constraint]!.counts[domain] ?? 0;
  return moved === null ? count : count + (moved[constraint]!.get(domain) ?? 0);
}

/** Least count over the domains that exist, or 0 where there are fewer than the constraint wants. */
function minimumOf(state: HardState, constraint: number): number {
  const sum = state.sums[constraint]!;
  if (sum.occupied < state.constraints[constraint]!.minDomains) return 0;
  if (state.moved === null || state.moved[constraint]!.size === 0) return Math.min(NO_DOMAIN, sum.minimum());
  let least = NO_DOMAIN;
  for (let domain = 0; domain < sum.nodesOf.length; domain++) {
    if (sum.nodesOf[domain]! > 0) least = Math.min(least, countIn(state, constraint, domain));
  }
  return least;
}

export const podTopologySpread = definePlugin<z.infer<typeof args>, HardState, SoftState>({
  name: 'PodTopologySpread',
  about: 'Spreads pods evenly over zones, hosts or other domains; controlled pods softly by default.',
  points: ['preFilter', 'filter', 'preScore', 'score'],
  args,
  create({ defaultConstraints, defaultingType }, handle) {
    const { cluster } = handle;
    const isSystem = defaultingType === 'System';
    const spread = new SpreadConstraints(cluster, isSystem ? SYSTEM_DEFAULTS : defaultConstraints, isSystem);
    const skewed = handle.verdict(Code.unschedulable, REASON_SKEW);
    const unlabelled = handle.verdict(Code.unschedulableAndUnresolvable, REASON_LABEL);
    const hardState = new HardState();
    const soft = new SoftState();
    /** By domain: attempt in which it was last seen among the feasible nodes. */
    let seen = new Int32Array(64);
    let attempt = 0;
    let raw = new Float64Array(64);

    /** Values of a key among these nodes; nodes without the key count as one more value. */
    function distinct(of: Int32Array, size: number, nodes: Int32Array, count: number): number {
      if (seen.length <= size) seen = new Int32Array(size * 2);
      attempt += 1;
      let values = 0;
      for (let i = 0; i < count; i++) {
        const slot = of[nodes[i]!]! + 1;
        if (seen[slot] === attempt) continue;
        seen[slot] = attempt;
        values += 1;
      }
      return values;
    }

    /** The same where nodes stand for others of their domain, or, if each node has its own, of equal counts. */
    function distinctOfStrata(
      { of, size, isSingle }: TopologyDomains,
      nodes: Int32Array,
      sizes: Int32Array,
      count: number,
      requireAll: boolean,
    ): number {
      if (seen.length <= size) seen = new Int32Array(size * 2);
      attempt += 1;
      let values = 0;
      for (let i = 0; i < count; i++) {
        const node = nodes[i]!;
        if (requireAll && lacksKey(soft.domains, node)) continue;
        const slot = of[node]! + 1;
        if (isSingle && slot > 0) values += sizes[i]!;
        else if (seen[slot] !== attempt) {
          seen[slot] = attempt;
          values += 1;
        }
      }
      return values;
    }

    /** Sums and domains of the constraints as they are now. */
    function takeSums({ topology }: ClusterView, { list, requireAll }: Constraints): void {
      soft.constraints = list;
      soft.requireAll = requireAll;
      if (soft.domains.length > list.length) {
        soft.domains.length = list.length;
        soft.perNode.length = list.length;
        soft.sums.length = list.length;
        soft.weights.length = list.length;
      }
      for (let c = 0; c < list.length; c++) {
        const { topologyKey, selection, group } = list[c]!;
        const isHost = topologyKey === LABEL_HOSTNAME;
        soft.domains[c] = topology.domains(topologyKey).of;
        soft.perNode[c] = isHost ? topology.perNode(selection) : null;
        soft.sums[c] = isHost ? null : topology.counts(selection, group);
      }
    }

    const lacksKey = (domains: readonly Int32Array[], node: number): boolean => {
      for (const of of domains) if (of[node]! < 0) return true;
      return false;
    };

    function rawScore(state: SoftState, node: number): number {
      if (state.requireAll && lacksKey(state.domains, node)) return INVALID;
      let score = 0;
      for (let c = 0; c < state.constraints.length; c++) {
        const domain = state.domains[c]![node]!;
        if (domain < 0) continue;
        const perNode = state.perNode[c]!;
        const count = perNode !== null ? perNode[node]! : (state.sums[c]!.counts[domain] ?? 0);
        score += count * state.weights[c]! + (state.constraints[c]!.maxSkew - 1);
      }
      return Math.round(score);
    }

    function verdictOf(state: HardState, node: number, minima: readonly number[] | null): number {
      for (let c = 0; c < state.constraints.length; c++) {
        const { domains } = state.sums[c]!;
        const domain = domains.of[node]!;
        if (domain < 0) return unlabelled;
        const least = minima === null ? minimumOf(state, c) : minima[c]!;
        if (countIn(state, c, domain) + state.self[c]! - least > state.constraints[c]!.maxSkew) return skewed;
      }
      return PASS;
    }

    const allConstraints = (pod: PodView): readonly Constraint[] => spread.of(pod).hard.list;

    return {
      locality: 'stratum',
      reads: NodeField.labels | NodeField.taints | NodeField.pods | NodeField.existence,
      sign: (pod) => spread.of(pod).text,
      strata(pod, view, dimensions) {
        const { hard, soft: wished } = spread.of(pod);
        for (const { selection, group } of hard.list)
          divide(dimensions, view.topology.counts(selection, group));
        takeSums(view, wished);
        for (let c = 0; c < wished.list.length; c++) {
          const perNode = soft.perNode[c]!;
          if (perNode === null) divide(dimensions, soft.sums[c]!);
          else dimensions.where(soft.domains[c]!, perNode);
        }
        return true;
      },
      // PreFilter and PreScore go over the pods of all nodes (countPodsMatchSelector).
      visits(pod, { podTotal }, out) {
        const { hard, soft } = spread.of(pod);
        if (hard.list.length > 0) out.filter = podTotal;
        if (soft.list.length > 0) out.score = podTotal;
      },
      events: [
        {
          events:
            ClusterEvent.assignedPodAdd | ClusterEvent.assignedPodUpdate | ClusterEvent.assignedPodDelete,
          hint(pod, { template, namespace }) {
            if (template === null || (namespace !== undefined && namespace !== pod.namespace)) return false;
            return allConstraints(pod).some(({ selector }) => selector.matchesSet(template.labelSet));
          },
        },
        {
          events:
            ClusterEvent.nodeAdd | ClusterEvent.nodeDelete | ClusterEvent.nodeLabel | ClusterEvent.nodeTaint,
          hint(pod, { events, node, before }, view) {
            const keys = allConstraints(pod);
            const now = (key: string): string | undefined => view.label(node, key);
            const then = (key: string): string | undefined =>
              key === LABEL_HOSTNAME && before!.hostnameLabel ? view.nodeName(node) : before!.labels[key];
            const isGone = (events & ClusterEvent.nodeDelete) !== 0;
            const hadAll =
              before !== null && keys.every(({ topologyKey }) => then(topologyKey) !== undefined);
            const hasAll = !isGone && keys.every(({ topologyKey }) => now(topologyKey) !== undefined);
            if (before === null || isGone || hadAll !== hasAll) return hadAll || hasAll;
            if (!hasAll) return false;
            return keys.some(
              ({ topologyKey, readsTaints }) =>
                now(topologyKey) !== then(topologyKey) ||
                (readsTaints && (events & ClusterEvent.nodeTaint) !== 0),
            );
          },
        },
        { events: ClusterEvent.ownUpdate },
      ],
      preFilter(pod, view) {
        const constraints = spread.of(pod).hard.list;
        if (constraints.length === 0) return SKIP;
        const state = hardState;
        const { labelSet } = pod.template;
        state.constraints = constraints;
        for (let c = 0; c < constraints.length; c++) {
          const { selection, group, selector } = constraints[c]!;
          state.sums[c] = view.topology.counts(selection, group);
          state.self[c] = selector.matchesSet(labelSet) ? 1 : 0;
        }
        state.moved = null;
        return state;
      },
      // Sums follow the cluster. Terminating pods are in none, but count when they are supposed to come or go.
      podChanged(pod, state, other, node, sign) {
        if (!other.terminating || other.namespace !== pod.namespace) return;
        state.constraints.forEach(({ selector }, c) => {
          const domain = state.sums[c]!.domainOf[node]!;
          if (domain < 0 || !selector.matchesSet(other.template.labelSet)) return;
          state.moved ??= state.constraints.map(() => new Map<number, number>());
          const moved = state.moved[c]!;
          moved.set(domain, (moved.get(domain) ?? 0) + sign);
        });
      },
      filter: (_pod, node, state) => verdictOf(state, node.id, null),
      filterBatch(_pod, _view, nodes, from, to, state, verdicts) {
        const { minima } = state;
        for (let c = 0; c < state.constraints.length; c++) minima[c] = minimumOf(state, c);
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          const verdict = verdictOf(state, node, minima);
          if (verdict === PASS) nodes[kept++] = node;
          else verdicts[node] = verdict;
        }
        return kept;
      },
      preScore(pod, view, nodes, count) {
        const { list, requireAll } = spread.of(pod).soft;
        if (list.length === 0) return SKIP;
        takeSums(view, spread.of(pod).soft);
        let candidates = nodes;
        let valid = count;
        if (requireAll) {
          let has = 0;
          for (let i = 0; i < count; i++) if (!lacksKey(soft.domains, nodes[i]!)) has += 1;
          if (has < count) {
            candidates = nodes.subarray(0, count).filter((node) => !lacksKey(soft.domains, node));
            valid = has;
          }
        }
        soft.weights = list.map(({ topologyKey }) => {
          if (topologyKey === LABEL_HOSTNAME) return weightOf(valid);
          const { of, size } = view.topology.domains(topologyKey);
          return weightOf(distinct(of, size, candidates, valid));
        });
        return soft;
      },
      preScoreStrata(pod, view, { nodes, sizes, count }) {
        const { list, requireAll } = spread.of(pod).soft;
        if (list.length === 0) return SKIP;
        // Sums are those that `strata` took in this attempt.
        let valid = 0;
        for (let i = 0; i < count; i++)
          if (!requireAll || !lacksKey(soft.domains, nodes[i]!)) valid += sizes[i]!;
        for (let c = 0; c < list.length; c++) {
          const { topologyKey } = list[c]!;
          const domains = view.topology.domains(topologyKey);
          let values = valid;
          if (topologyKey !== LABEL_HOSTNAME)
            values = distinctOfStrata(domains, nodes, sizes, count, requireAll);
          soft.weights[c] = weightOf(values);
        }
        return soft;
      },
      score: (_pod, node, state) => rawScore(state, node.id),
      scoreBatch(_pod, _view, nodes, count, state, out) {
        if (raw.length < count) raw = new Float64Array(count * 2);
        raw.fill(0, 0, count);
        for (let c = 0; c < state.constraints.length; c++) {
          const of = state.domains[c]!;
          const perNode = state.perNode[c]!;
          const weight = state.weights[c]!;
          const base = state.constraints[c]!.maxSkew - 1;
          if (perNode !== null) {
            for (let i = 0; i < count; i++) {
              const node = nodes[i]!;
              if (of[node]! >= 0) raw[i]! += perNode[node]! * weight + base;
            }
            continue;
          }
          const { counts } = state.sums[c]!;
          for (let i = 0; i < count; i++) {
            const domain = of[nodes[i]!]!;
            if (domain >= 0) raw[i]! += (domain < counts.length ? counts[domain]! : 0) * weight + base;
          }
        }
        for (let i = 0; i < count; i++) {
          out[i] = state.requireAll && lacksKey(state.domains, nodes[i]!) ? INVALID : Math.round(raw[i]!);
        }
      },
      normalize(scores, count) {
        let least = Number.POSITIVE_INFINITY;
        let most = 0;
        for (let i = 0; i < count; i++) {
          const score = scores[i]!;
          if (score === INVALID) continue;
          if (score < least) least = score;
          if (score > most) most = score;
        }
        for (let i = 0; i < count; i++) {
          const score = scores[i]!;
          if (score === INVALID) scores[i] = 0;
          else if (most === 0) scores[i] = NODE_SCORE_MAX;
          else scores[i] = Math.floor((NODE_SCORE_MAX * (most + least - score)) / most);
        }
      },
    };
  },
});
