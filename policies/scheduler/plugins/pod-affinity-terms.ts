// Affinity terms between pods, compiled: whom a term means (namespaces, a selector over namespaces, a selector over
// pods) and the topology key (kube-scheduler/framework/types.go AffinityTerm, v1.36).
import type { Json, LabelSets, Labels, PodTemplate } from '../../../engine/index.ts';
import { type PodSelector, podSelector, requirementsOf, selectorOf } from './pod-selector.ts';

export interface AffinityTerm {
  /** Equal texts mean the same pods and the same key. */
  readonly text: string;
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  /** Over labels of namespaces; selects nothing where the term has none. */
  readonly namespaceSelector: PodSelector;
  readonly selector: PodSelector;
  /** Of preferred terms, negative for anti-affinity; 0: required. */
  readonly weight: number;
}

/** What a pod of a template in a namespace asks of other pods. */
export interface PodAffinity {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  /** Both kinds, anti-affinity with negative weights. */
  readonly preferred: readonly AffinityTerm[];
}

const NONE: PodAffinity = { required: [], requiredAnti: [], preferred: [] };

function compileTerm(
  source: Json,
  weight: number,
  labels: Labels,
  namespace: string,
  sets: LabelSets,
): AffinityTerm {
  const listed: readonly string[] = source.namespaces ?? [];
  const ofNamespaces = requirementsOf(source.namespaceSelector);
  // Neither named nor selected: the pod's own.
  const names = listed.length === 0 && ofNamespaces === null ? [namespace] : listed;
  const selector = selectorOf(source, labels, sets);
  const namespaceSelector = podSelector(ofNamespaces, sets);
  return {
    text: JSON.stringify([source.topologyKey, [...names].sort(), namespaceSelector.text, selector.text]),
    topologyKey: source.topologyKey,
    namespaces: new Set(names),
    namespaceSelector,
    selector,
    weight,
  };
}

function compile({ spec, labels }: PodTemplate, namespace: string, sets: LabelSets): PodAffinity {
  const affinity = spec.affinity?.podAffinity;
  const anti = spec.affinity?.podAntiAffinity;
  if (affinity === undefined && anti === undefined) return NONE;
  const required = (source: Json): AffinityTerm[] =>
    (source?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term: Json) =>
      compileTerm(term, 0, labels, namespace, sets),
    );
  const preferred = (source: Json, sign: 1 | -1): AffinityTerm[] =>
    (source?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each: Json) =>
      compileTerm(each.podAffinityTerm, sign * each.weight, labels, namespace, sets),
    );
  return {
    required: required(affinity),
    requiredAnti: required(anti),
    preferred: [...preferred(affinity, 1), ...preferred(anti, -1)],
  };
}

/** Compiles once per template and namespace. */
export function affinityOfTemplates(
  sets: LabelSets,
): (template: PodTemplate, namespace: string) => PodAffinity {
  const byNamespace = new Map<string, (PodAffinity | undefined)[]>();
  return (template, namespace) => {
    if (template.spec.affinity === undefined) return NONE;
    let known = byNamespace.get(namespace);
    if (known === undefined) {
      known = [];
      byNamespace.set(namespace, known);
    }
    let affinity = known[template.id];
    if (affinity === undefined) {
      affinity = compile(template, namespace, sets);
      known[template.id] = affinity;
    }
    return affinity;
  };
}

/** Whether a term means pods of this namespace, which has these labels. */
export const meansNamespace = (term: AffinityTerm, namespace: string, labels: Labels): boolean =>
  term.namespaces.has(namespace) || term.namespaceSelector.matches(labels);

/** The names of all terms are resolved: a pod is meant by its namespace's name alone. null: every namespace. */
export interface ResolvedTerm {
  readonly term: AffinityTerm;
  readonly namespaces: ReadonlySet<string> | null;
}

/**
 * Namespaces that a term of a pod in the queue means, looked up among those that exist. Upstream then still asks the
 * selector about each pod, without the labels of its namespace: one that accepts a namespace without labels (NotIn,
 * DoesNotExist) means them all (interpodaffinity/plugin.go mergeAffinityTermNamespacesIfNotEmpty, v1.36).
 */
export function resolveTerm(
  term: AffinityTerm,
  existing: readonly { readonly name: string; readonly labels: Labels }[],
): ResolvedTerm {
  const { namespaceSelector, namespaces } = term;
  if (namespaceSelector.matches({})) return { term, namespaces: null };
  const selected = existing.filter(({ labels }) => namespaceSelector.matches(labels));
  return { term, namespaces: new Set([...namespaces, ...selected.map(({ name }) => name)]) };
}

export const means = ({ term, namespaces }: ResolvedTerm, namespace: string, labelSet: number): boolean =>
  (namespaces === null || namespaces.has(namespace)) && term.selector.matchesSet(labelSet);
