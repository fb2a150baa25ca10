// Node selector terms, compiled: terms are ORed, requirements within a term ANDed, an empty term selects nothing
// (component-helpers/scheduling/corev1/nodeaffinity, v1.36). Answers are remembered per label set, as far as a term
// reads labels that equal nodes share.
import {
  type ClusterView,
  compileExpressions,
  type Json,
  type Requirement,
  requirementMatches,
} from '../../../engine/index.ts';

/** The one label in which equal nodes differ. */
export const LABEL_HOSTNAME = 'kubernetes.io/hostname';

interface Term {
  readonly labels: readonly Requirement[];
  readonly fields: readonly Requirement[];
}

export interface NodeSelector {
  matches(cluster: ClusterView, node: number): boolean;
  /** The same for labels that are not those of a node any more. */
  matchesLabels(label: (key: string) => string | undefined, name: string): boolean;
}

function compileTerm(term: Json): Term | null {
  const labels = compileExpressions(term.matchExpressions);
  const fields = compileExpressions(term.matchFields);
  return labels.length === 0 && fields.length === 0 ? null : { labels, fields };
}

function termMatches(term: Term, label: (key: string) => string | undefined, name: string): boolean {
  return (
    term.labels.every((r) => requirementMatches(r, label(r.key))) &&
    term.fields.every((r) => requirementMatches(r, r.key === 'metadata.name' ? name : undefined))
  );
}

/** `terms`: as in the API; null if there is nothing to match (everything does). */
export function compileNodeSelector(terms: readonly Json[]): NodeSelector {
  const compiled = terms.map(compileTerm).filter((term) => term !== null);
  const matchesLabels = (label: (key: string) => string | undefined, name: string): boolean =>
    compiled.some((term) => termMatches(term, label, name));
  const individual = compiled.some(
    (term) => term.fields.length > 0 || term.labels.some((r) => r.key === LABEL_HOSTNAME),
  );
  const known: (boolean | undefined)[] = [];
  return {
    matchesLabels,
    matches(cluster, node) {
      if (individual) return matchesLabels((key) => cluster.label(node, key), cluster.nodeName(node));
      const set = cluster.columns.labelSet[node]!;
      let answer = known[set];
      if (answer === undefined) {
        const labels = cluster.labelSets.get(set);
        answer = matchesLabels((key) => labels[key], '');
        known[set] = answer;
      }
      return answer;
    },
  };
}

/** A plain map: every label has its value. */
export function selectorOfMap(map: Readonly<Record<string, string>>): NodeSelector | null {
  const keys = Object.keys(map);
  if (keys.length === 0) return null;
  return compileNodeSelector([
    { matchExpressions: keys.map((key) => ({ key, operator: 'In', values: [map[key]] })) },
  ]);
}

export interface PreferredTerms {
  /** Sum of the weights of matching terms. */
  score(cluster: ClusterView, node: number): number;
}

export function compilePreferred(terms: readonly Json[]): PreferredTerms {
  const compiled = terms
    .filter((term) => term.weight !== 0)
    .map((term) => ({
      weight: term.weight as number,
      selector: compileNodeSelector([term.preference ?? {}]),
    }));
  return {
    score(cluster, node) {
      let sum = 0;
      for (const { weight, selector } of compiled) if (selector.matches(cluster, node)) sum += weight;
      return sum;
    },
  };
}
