// Selectors, compiled once: label selectors (metav1.LabelSelector and plain maps) and node selector terms.
// Semantics: apimachinery/pkg/labels/selector.go and component-helpers/scheduling/corev1/nodeaffinity (v1.36).
import type { Json } from '../kinds/kind.ts';
import type { LabelSets, Labels } from './labels.ts';

export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}

/** Gt and Lt compare integers; text that is none, on either side, does not match (labels.Requirement.Matches). */
const INTEGER = /^[+-]?\d+$/;

export function requirementMatches(requirement: Requirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default: {
      const bound = requirement.values[0];
      if (value === undefined || bound === undefined || !INTEGER.test(value) || !INTEGER.test(bound))
        return false;
      const a = BigInt(value.replace(/^\+/, ''));
      const b = BigInt(bound.replace(/^\+/, ''));
      return requirement.operator === 'Gt' ? a > b : a < b;
    }
  }
}

export interface Selector {
  /** True if it selects nothing at all (a nil LabelSelector). */
  readonly nothing: boolean;
  /** True if it has no requirement (an empty selector selects everything). */
  readonly everything: boolean;
  readonly requirements: readonly Requirement[];
  matches(labels: Labels): boolean;
  /** The same by label set id, remembered per set. */
  matchesSet(labelSet: number): boolean;
}

function build(requirements: readonly Requirement[] | null, sets: LabelSets): Selector {
  const memo: (boolean | undefined)[] = [];
  const matches = (labels: Labels): boolean =>
    requirements !== null && requirements.every((r) => requirementMatches(r, labels[r.key]));
  return {
    nothing: requirements === null,
    everything: requirements !== null && requirements.length === 0,
    requirements: requirements ?? [],
    matches,
    matchesSet(labelSet) {
      let known = memo[labelSet];
      if (known === undefined) {
        known = matches(sets.get(labelSet));
        memo[labelSet] = known;
      }
      return known;
    },
  };
}

const equals = (map: Labels): Requirement[] =>
  Object.keys(map).map((key) => ({ key, operator: 'In' as const, values: [map[key]!] }));

/** Compiles a plain map (`spec.selector` of a ReplicationController or Service). Absent: selects nothing. */
export function compileMapSelector(map: Labels | undefined, sets: LabelSets): Selector {
  return build(map === undefined ? null : equals(map), sets);
}

/** Compiles a metav1.LabelSelector. Absent selects nothing, `{}` everything. */
export function compileLabelSelector(selector: Json | undefined, sets: LabelSets): Selector {
  if (selector === undefined || selector === null) return build(null, sets);
  return build(
    [...equals(selector.matchLabels ?? {}), ...compileExpressions(selector.matchExpressions)],
    sets,
  );
}

/** Compiles a list of match expressions (label or node selector requirements). */
export function compileExpressions(expressions: Json | undefined): Requirement[] {
  return (expressions ?? []).map((e: Json) => ({
    key: e.key,
    operator: e.operator,
    values: [...(e.values ?? [])],
  }));
}
