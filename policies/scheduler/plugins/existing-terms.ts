// Terms of pods that run already, seen from a pod that looks for a node: anti-affinity that keeps it away, affinity and
// preferences that weigh for and against. Pods with equal terms form one group, so that what is asked per attempt are
// groups, never pods; which groups mean a pod is remembered until a group or a namespace changes.
import type {
  ClusterView,
  DomainCounts,
  Labels,
  PodClass,
  PodSelection,
  PodView,
  TopologyGroup,
} from '../../../engine/index.ts';
import { type AffinityTerm, meansNamespace, type PodAffinity } from './pod-affinity-terms.ts';

type Kind = 'required' | 'requiredAnti' | 'preferred';
const KINDS: readonly Kind[] = ['required', 'requiredAnti', 'preferred'];

/** Existing pods that have a term in common. */
export interface TermGroup {
  readonly key: string;
  readonly kind: Kind;
  readonly term: AffinityTerm;
  readonly selection: PodSelection;
  readonly group: TopologyGroup;
}

interface Kept extends TermGroup {
  classes: number;
}

/** Groups whose term means a pod. */
export interface GroupsForPod {
  readonly anti: readonly TermGroup[];
  /** Affinity, required and preferred, and preferred anti-affinity. */
  readonly weighed: readonly TermGroup[];
  /** Equal texts are the same groups. */
  readonly text: string;
}

interface Remembered extends GroupsForPod {
  readonly version: number;
  readonly namespaces: number;
}

/** Keys of a template's terms; a term that comes twice is two terms. */
function termKeys(affinity: PodAffinity): ReadonlyMap<string, { kind: Kind; term: AffinityTerm }> {
  const keys = new Map<string, { kind: Kind; term: AffinityTerm }>();
  for (const kind of KINDS) {
    for (const term of affinity[kind]) {
      const text = `${kind}\n${term.weight}\n${term.text}`;
      let times = 0;
      while (keys.has(`${text}\n${times}`)) times += 1;
      keys.set(`${text}\n${times}`, { kind, term });
    }
  }
  return keys;
}

export class ExistingTerms {
  readonly #cluster: ClusterView;
  readonly #affinityOf: (pods: PodClass) => PodAffinity;
  readonly #groups = new Map<string, Kept>();
  readonly #keysOf = new WeakMap<PodAffinity, ReadonlyMap<string, { kind: Kind; term: AffinityTerm }>>();
  /** By namespace, then label set. */
  readonly #remembered = new Map<string, (Remembered | undefined)[]>();
  /** Answer to the latest question, since most are about the pod of the attempt, and what it was about. */
  #latest: Remembered | null = null;
  #latestSet = -1;
  #latestNamespace = '';
  #latestChanges = -1;
  /** Grows with each group that comes or goes. */
  version = 0;

  constructor(cluster: ClusterView, affinityOf: (pods: PodClass) => PodAffinity) {
    this.#cluster = cluster;
    this.#affinityOf = affinityOf;
    cluster.topology.onClass((pods, exists) => this.#classChanged(pods, exists));
  }

  #keys(pods: PodClass): ReadonlyMap<string, { kind: Kind; term: AffinityTerm }> {
    const affinity = this.#affinityOf(pods);
    let keys = this.#keysOf.get(affinity);
    if (keys === undefined) {
      keys = termKeys(affinity);
      this.#keysOf.set(affinity, keys);
    }
    return keys;
  }

  #classChanged(pods: PodClass, exists: boolean): void {
    if (pods.template.spec.affinity === undefined) return;
    for (const [key, { kind, term }] of this.#keys(pods)) {
      let group = this.#groups.get(key);
      if (group === undefined) {
        const selection: PodSelection = {
          key: `has term\n${key}`,
          namespace: null,
          label: null,
          selects: (others) => others.template.spec.affinity !== undefined && this.#keys(others).has(key),
        };
        const { topologyKey } = term;
        group = {
          key,
          kind,
          term,
          selection,
          group: { key: topologyKey, topologyKey, includes: null },
          classes: 0,
        };
        this.#groups.set(key, group);
        this.version += 1;
      }
      group.classes += exists ? 1 : -1;
      if (group.classes === 0) {
        this.#groups.delete(key);
        this.version += 1;
      }
    }
  }

  /** Groups whose terms mean the pod. */
  for(pod: PodView): GroupsForPod {
    const { namespace, template } = pod;
    const { changes } = this.#cluster.objects;
    if (
      this.#latest === null ||
      this.#latestSet !== template.labelSet ||
      this.#latestNamespace !== namespace ||
      this.#latest.version !== this.version ||
      this.#latestChanges !== changes
    ) {
      this.#latest = this.#find(pod);
      this.#latestSet = template.labelSet;
      this.#latestNamespace = namespace;
      this.#latestChanges = changes;
    }
    return this.#latest;
  }

  #find({ namespace, template }: PodView): Remembered {
    let known = this.#remembered.get(namespace);
    if (known === undefined) {
      known = [];
      this.#remembered.set(namespace, known);
    }
    const namespaces = this.#cluster.objects.version('Namespace', '');
    const { labelSet } = template;
    const last = known[labelSet];
    if (last !== undefined && last.version === this.version && last.namespaces === namespaces) return last;
    const labels = this.#labelsOf(namespace);
    const anti: TermGroup[] = [];
    const weighed: TermGroup[] = [];
    for (const group of this.#groups.values()) {
      const { kind, term } = group;
      if (!term.selector.matchesSet(labelSet) || !meansNamespace(term, namespace, labels)) continue;
      (kind === 'requiredAnti' ? anti : weighed).push(group);
    }
    const keys = [anti, weighed].map((groups) => groups.map(({ key }) => key));
    const text = JSON.stringify(keys);
    const found = { version: this.version, namespaces, anti, weighed, text };
    known[labelSet] = found;
    return found;
  }

  /** Pods of the group, by value of its topology key. */
  counts({ selection, group }: TermGroup): DomainCounts {
    return this.#cluster.topology.counts(selection, group);
  }

  #labelsOf(namespace: string): Labels {
    return this.#cluster.objects.get('Namespace', '', namespace)?.metadata.labels ?? {};
  }
}
