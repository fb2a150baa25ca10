// InterPodAffinity: near these pods, away from those, by required and preferred terms, and the same as the pods that
// run already see it (plugins/interpodaffinity, v1.36). All counts are sums of the cache over values of topology keys.
import * as z from 'zod';
import {
  ClusterEvent,
  type ClusterView,
  Code,
  type DomainCounts,
  definePlugin,
  type Labels,
  NODE_SCORE_MAX,
  NodeField,
  PASS,
  type PodSelection,
  type PodTemplate,
  type PodView,
  SKIP,
  type TopologyGroup,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';
import { ExistingTerms, type GroupsForPod, type TermGroup } from './existing-terms.ts';
import { LABEL_HOSTNAME } from './node-selector.ts';
import {
  type AffinityTerm,
  affinityOfTemplates,
  means,
  meansNamespace,
  type PodAffinity,
  type ResolvedTerm,
  resolveTerm,
} from './pod-affinity-terms.ts';
import { divide } from './support.ts';

const REASON_AFFINITY = "node(s) didn't match pod affinity rules";
const REASON_ANTI = "node(s) didn't match pod anti-affinity rules";
const REASON_EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules";

const args = argsSchema({
  hardPodAffinityWeight: z.number().int().min(0).max(100).default(1),
  ignorePreferredTermsOfExistingPods: z.boolean().default(false),
});

/** A term of a pod in the queue, and what it counts: pods that it means, or that all required terms mean. */
interface OwnTerm extends ResolvedTerm {
  readonly selection: PodSelection;
  readonly group: TopologyGroup;
}

/** Terms of a pod in the queue, with the namespaces that exist at this moment. */
interface OwnTerms {
  readonly namespaces: number;
  /** Changes of watched objects up to which it is known to be right. */
  changes: number;
  readonly required: readonly OwnTerm[];
  readonly requiredAnti: readonly OwnTerm[];
  readonly preferred: readonly OwnTerm[];
  /** It is one of them itself. */
  readonly meansItself: boolean;
  /** Equal texts ask the same of nodes. */
  text: string;
  /** Text of these and of the latest groups that meant the pod. */
  with: GroupsForPod | null;
  whole: string;
}

/** Sums of one attempt, reused by the next. */
class FilterState {
  own!: OwnTerms;
  /** By required affinity term. */
  readonly near: DomainCounts[] = [];
  readonly away: DomainCounts[] = [];
  /** By group of existing pods whose anti-affinity means the pod. */
  readonly existing: DomainCounts[] = [];
  version = -1;
}

/** Sums and what one pod in them weighs, of one attempt; reused by the next. */
class ScoreState {
  count = 0;
  readonly sums: DomainCounts[] = [];
  readonly weights: number[] = [];

  add(sums: DomainCounts, weight: number): void {
    if (sums.total === 0) return;
    this.sums[this.count] = sums;
    this.weights[this.count++] = weight;
  }
}

const isEmpty = ({ total }: DomainCounts): boolean => total === 0;

function at(sums: DomainCounts, node: number): number {
  const domain = sums.domainOf[node]!;
  return domain < 0 ? 0 : (sums.counts[domain] ?? 0);
}

/** The one namespace and label that narrow a selection. */
function selectionOf(key: string, terms: readonly ResolvedTerm[]): PodSelection {
  const only = terms.find(({ namespaces }) => namespaces?.size === 1)?.namespaces;
  const label = terms.map(({ term }) => term.selector.label).find((each) => each !== null);
  return {
    key,
    namespace: only === undefined || only === null ? null : [...only][0]!,
    label: label ?? null,
    selects: (pods) => terms.every((term) => means(term, pods.namespace, pods.template.labelSet)),
  };
}

const ownTerm = (resolved: ResolvedTerm, selection: PodSelection): OwnTerm => {
  const { topologyKey } = resolved.term;
  return { ...resolved, selection, group: { key: topologyKey, topologyKey, includes: null } };
};

const keyOfTerm = ({ term, namespaces }: ResolvedTerm): string =>
  JSON.stringify([namespaces === null ? '*' : [...namespaces].sort(), term.selector.text]);

export const interPodAffinity = definePlugin<z.infer<typeof args>, FilterState, ScoreState>({
  name: 'InterPodAffinity',
  about: 'Keeps pods near or away from other pods as their affinity and anti-affinity say.',
  points: ['preFilter', 'filter', 'preScore', 'score'],
  args,
  create({ hardPodAffinityWeight, ignorePreferredTermsOfExistingPods }, handle) {
    const { cluster } = handle;
    const affinityOf = affinityOfTemplates(cluster.labelSets);
    const existing = new ExistingTerms(cluster, ({ template, namespace }) => affinityOf(template, namespace));
    const notNear = handle.verdict(Code.unschedulableAndUnresolvable, REASON_AFFINITY);
    const notAway = handle.verdict(Code.unschedulable, REASON_ANTI);
    const keptAway = handle.verdict(Code.unschedulable, REASON_EXISTING);

    const filterState = new FilterState();
    const scoreState = new ScoreState();

    /** By namespace, then template. */
    const owns = new Map<string, (OwnTerms | undefined)[]>();
    let known: (OwnTerms | undefined)[] = [];
    let knownIn: string | null = null;
    function ownTerms({ template, namespace }: PodView): OwnTerms {
      if (namespace !== knownIn) {
        known = owns.get(namespace) ?? [];
        knownIn = namespace;
        owns.set(namespace, known);
      }
      const { changes } = cluster.objects;
      const last = known[template.id];
      if (last !== undefined && last.changes === changes) return last;
      const namespaces = cluster.objects.version('Namespace', '');
      if (last !== undefined && last.namespaces === namespaces) {
        last.changes = changes;
        return last;
      }
      return resolveOwn(template, namespace, namespaces);
    }
    function resolveOwn(template: PodTemplate, namespace: string, namespaces: number): OwnTerms {
      const affinity = affinityOf(template, namespace);
      const there = cluster.objects
        .list('Namespace', '')
        .map(({ metadata }) => ({ name: metadata.name!, labels: metadata.labels ?? {} }));
      const resolved = (terms: readonly AffinityTerm[]): ResolvedTerm[] =>
        terms.map((term) => resolveTerm(term, there));
      const counted = (terms: readonly AffinityTerm[]): OwnTerm[] =>
        resolved(terms).map((term) => ownTerm(term, selectionOf(`meant\n${keyOfTerm(term)}`, [term])));
      const required = resolved(affinity.required);
      const all = selectionOf(`all of\n${required.map(keyOfTerm).sort().join('\n')}`, required);
      const own: OwnTerms = {
        namespaces,
        changes: cluster.objects.changes,
        required: required.map((term) => ownTerm(term, all)),
        requiredAnti: counted(affinity.requiredAnti),
        preferred: counted(affinity.preferred),
        meansItself: required.every((term) => means(term, namespace, template.labelSet)),
        text: '',
        with: null,
        whole: '',
      };
      own.text = JSON.stringify(
        [own.required, own.requiredAnti, own.preferred].map((terms) =>
          terms.map((each) => [keyOfTerm(each), each.term.topologyKey, each.term.weight]),
        ),
      );
      known[template.id] = own;
      return own;
    }

    const countsOf = (view: ClusterView, { selection, group }: OwnTerm): DomainCounts =>
      view.topology.counts(selection, group);
    function ownInto(sums: DomainCounts[], terms: readonly OwnTerm[], view: ClusterView): void {
      for (let i = 0; i < terms.length; i++) sums[i] = countsOf(view, terms[i]!);
      if (sums.length > terms.length) sums.length = terms.length;
    }
    function existingInto(sums: DomainCounts[], groups: readonly TermGroup[]): void {
      for (let i = 0; i < groups.length; i++) sums[i] = existing.counts(groups[i]!);
      if (sums.length > groups.length) sums.length = groups.length;
    }

    function satisfiesAffinity({ own, near }: FilterState, node: number): boolean {
      let isThere = true;
      for (const sums of near) {
        if (sums.domainOf[node]! < 0) return false;
        if (at(sums, node) === 0) isThere = false;
      }
      // The first of a series of pods that want to be near each other.
      return isThere || (own.meansItself && near.every(isEmpty));
    }

    function verdictOf(pod: PodView, state: FilterState, node: number): number {
      if (!satisfiesAffinity(state, node)) return notNear;
      for (const sums of state.away) if (at(sums, node) > 0) return notAway;
      if (state.version !== existing.version) {
        state.version = existing.version;
        existingInto(state.existing, existing.for(pod).anti);
      }
      for (const sums of state.existing) if (at(sums, node) > 0) return keptAway;
      return PASS;
    }

    /** Pods with terms of some kinds, wherever they point. */
    const withTerms = (name: string, has: (affinity: PodAffinity) => boolean): PodSelection => ({
      key: `with ${name}`,
      namespace: null,
      label: null,
      selects: ({ template, namespace }) => has(affinityOf(template, namespace)),
    });
    const withAnti = withTerms('required anti-affinity', ({ requiredAnti }) => requiredAnti.length > 0);
    const withAny = withTerms(
      'any affinity',
      ({ required, requiredAnti, preferred }) =>
        required.length > 0 || requiredAnti.length > 0 || preferred.length > 0,
    );
    const hosts: TopologyGroup = { key: LABEL_HOSTNAME, topologyKey: LABEL_HOSTNAME, includes: null };
    const totalOf = (view: ClusterView, selection: PodSelection): number =>
      view.topology.counts(selection, hosts).total;

    const namespaceLabels = (namespace: string): Labels =>
      cluster.objects.get('Namespace', '', namespace)?.metadata.labels ?? {};

    return {
      locality: 'stratum',
      reads: NodeField.labels | NodeField.pods | NodeField.existence,
      sign(pod) {
        const own = ownTerms(pod);
        const found = existing.for(pod);
        if (own.with !== found) {
          own.with = found;
          own.whole = `${own.meansItself ? 1 : 0}${own.text}${found.text}`;
        }
        return own.whole;
      },
      strata(pod, view, dimensions) {
        const own = ownTerms(pod);
        const { anti, weighed } = existing.for(pod);
        for (const term of own.required) divide(dimensions, countsOf(view, term));
        for (const term of own.requiredAnti) divide(dimensions, countsOf(view, term));
        for (const group of anti) divide(dimensions, existing.counts(group));
        if (ignorePreferredTermsOfExistingPods && own.preferred.length === 0) return true;
        for (const term of own.preferred) divide(dimensions, countsOf(view, term));
        for (const group of weighed) divide(dimensions, existing.counts(group));
        return true;
      },
      // PreFilter goes over all pods for the pod's own terms, and over those with required anti-affinity for theirs;
      // PreScore over all pods for its own preferences, otherwise over those with any affinity.
      visits(pod, view, out) {
        const own = ownTerms(pod);
        out.filter = totalOf(view, withAnti);
        if (own.required.length > 0 || own.requiredAnti.length > 0) out.filter += view.podTotal;
        out.score = own.preferred.length > 0 ? view.podTotal : totalOf(view, withAny);
      },
      events: [
        {
          events:
            ClusterEvent.assignedPodAdd | ClusterEvent.assignedPodUpdate | ClusterEvent.assignedPodDelete,
          hint(pod, { events, template, namespace }) {
            if (template === null || namespace === undefined) return true;
            const own = ownTerms(pod);
            const isMeant = (term: ResolvedTerm): boolean => means(term, namespace, template.labelSet);
            const comes = (events & ClusterEvent.assignedPodDelete) === 0;
            const goes = (events & ClusterEvent.assignedPodAdd) === 0;
            if (comes && own.required.length > 0 && own.required.every(isMeant)) return true;
            if (!goes) return false;
            if (own.requiredAnti.some(isMeant)) return true;
            const labels = namespaceLabels(pod.namespace);
            return affinityOf(template, namespace).requiredAnti.some(
              (term) =>
                term.selector.matchesSet(pod.template.labelSet) &&
                meansNamespace(term, pod.namespace, labels),
            );
          },
        },
        {
          events: ClusterEvent.nodeAdd | ClusterEvent.nodeLabel,
          hint(pod, { node, before }, view) {
            const own = ownTerms(pod);
            const then = (key: string): string | undefined =>
              key === LABEL_HOSTNAME && before!.hostnameLabel ? view.nodeName(node) : before!.labels[key];
            // Pods that run may keep it away by any key: a changed one may be theirs.
            if (before === null)
              return (
                own.required.length === 0 ||
                own.required.every(({ term }) => view.label(node, term.topologyKey) !== undefined)
              );
            const terms = [...own.required, ...own.requiredAnti];
            if (terms.some(({ term }) => view.label(node, term.topologyKey) !== then(term.topologyKey)))
              return true;
            return existing
              .for(pod)
              .anti.some(({ term }) => view.label(node, term.topologyKey) !== then(term.topologyKey));
          },
        },
        { events: ClusterEvent.ownUpdate },
      ],
      preFilter(pod, view) {
        const own = ownTerms(pod);
        const { anti } = existing.for(pod);
        const asksNothing = own.required.length === 0 && own.requiredAnti.length === 0;
        if (asksNothing && anti.length === 0) return SKIP;
        const state = filterState;
        existingInto(state.existing, anti);
        if (asksNothing && state.existing.every(isEmpty)) return SKIP;
        state.own = own;
        ownInto(state.near, own.required, view);
        ownInto(state.away, own.requiredAnti, view);
        state.version = existing.version;
        return state;
      },
      // Sums follow the cluster, so there is nothing to do; being here says so.
      podChanged() {},
      filter: (pod, node, state) => verdictOf(pod, state, node.id),
      filterBatch(pod, _view, nodes, from, to, state, verdicts) {
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          const verdict = verdictOf(pod, state, node);
          if (verdict === PASS) nodes[kept++] = node;
          else verdicts[node] = verdict;
        }
        return kept;
      },
      preScore(pod, view) {
        const own = ownTerms(pod);
        if (ignorePreferredTermsOfExistingPods && own.preferred.length === 0) return SKIP;
        const { weighed } = existing.for(pod);
        if (own.preferred.length === 0 && weighed.length === 0) return SKIP;
        const state = scoreState;
        state.count = 0;
        for (const term of own.preferred) state.add(countsOf(view, term), term.term.weight);
        for (const group of weighed) {
          const weight = group.kind === 'required' ? hardPodAffinityWeight : group.term.weight;
          if (group.kind === 'required' && weight === 0) continue;
          state.add(existing.counts(group), weight);
        }
        return state.count === 0 ? SKIP : state;
      },
      score(_pod, node, { sums, weights, count }) {
        let score = 0;
        for (let i = 0; i < count; i++) score += weights[i]! * at(sums[i]!, node.id);
        return score;
      },
      scoreBatch(_pod, _view, nodes, count, { sums, weights, count: terms }, out) {
        out.fill(0, 0, count);
        for (let s = 0; s < terms; s++) {
          const { domainOf, counts } = sums[s]!;
          const weight = weights[s]!;
          for (let i = 0; i < count; i++) {
            const domain = domainOf[nodes[i]!]!;
            if (domain >= 0) out[i]! += weight * (counts[domain] ?? 0);
          }
        }
      },
      normalize(scores, count) {
        let least = Number.POSITIVE_INFINITY;
        let most = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < count; i++) {
          least = Math.min(least, scores[i]!);
          most = Math.max(most, scores[i]!);
        }
        const range = most - least;
        for (let i = 0; i < count; i++)
          scores[i] = range > 0 ? Math.trunc(NODE_SCORE_MAX * ((scores[i]! - least) / range)) : 0;
      },
    };
  },
});
