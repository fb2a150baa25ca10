// Which nodes a pod's own words take: nodeSelector, required node affinity, tolerations
// (component-helpers/scheduling/corev1 nodeaffinity and helpers.go, v1.36).
import type { Json } from '../kinds/kind.ts';
import type { NodeTable, Taint } from './nodes.ts';
import { compileExpressions, type Requirement, requirementMatches } from './selectors.ts';

interface Term {
  readonly labels: readonly Requirement[];
  readonly fields: readonly Requirement[];
}

/** Terms are ORed; an empty one selects nothing. null: every node. */
function requiredTerms(spec: Json): Term[] | null {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined || required === null) return null;
  return (required.nodeSelectorTerms ?? [])
    .map((term: Json) => ({
      labels: compileExpressions(term.matchExpressions),
      fields: compileExpressions(term.matchFields),
    }))
    .filter(({ labels, fields }: Term) => labels.length > 0 || fields.length > 0);
}

const matches = ({ labels, fields }: Term, nodes: NodeTable, node: number): boolean =>
  labels.every((requirement) => requirementMatches(requirement, nodes.label(node, requirement.key))) &&
  fields.every((requirement) =>
    requirementMatches(requirement, requirement.key === 'metadata.name' ? nodes.name[node] : undefined),
  );

/** Tells of nodes whether nodeSelector and required node affinity of a pod spec take them, by their columns as they are. */
export function compileNodeSelection(spec: Json): (nodes: NodeTable, node: number) => boolean {
  const terms = requiredTerms(spec);
  const selector = Object.entries<string>(spec.nodeSelector ?? {});
  return (nodes, node) =>
    selector.every(([key, value]) => nodes.label(node, key) === value) &&
    (terms === null || terms.some((term) => matches(term, nodes, node)));
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}
