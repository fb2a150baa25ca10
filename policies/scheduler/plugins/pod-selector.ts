// Selectors over the labels of pods, as spread constraints and affinity terms hold them: matchLabelKeys and
// mismatchLabelKeys join the selector (pkg/registry/core/pod/strategy.go, v1.36), equal selectors have equal texts.
import {
  compileExpressions,
  type Json,
  type LabelSets,
  type Labels,
  type Requirement,
  requirementMatches,
} from '../../../engine/index.ts';

export interface PodSelector {
  /** Equal texts select the same labels. */
  readonly text: string;
  /** No requirement: every pod. */
  readonly everything: boolean;
  /** A label that every selected pod has; null: none is known. */
  readonly label: readonly [string, string] | null;
  matches(labels: Labels): boolean;
  /** The same by interned label set, remembered per set. */
  matchesSet(labelSet: number): boolean;
}

/** `requirements` null: selects nothing. */
export function podSelector(requirements: readonly Requirement[] | null, sets: LabelSets): PodSelector {
  const known: (boolean | undefined)[] = [];
  const matches = (labels: Labels): boolean =>
    requirements?.every((r) => requirementMatches(r, labels[r.key])) ?? false;
  const fixed = requirements?.find((r) => r.operator === 'In' && r.values.length === 1);
  const parts = requirements?.map((r) => JSON.stringify([r.key, r.operator, [...r.values].sort()]));
  return {
    text: parts === undefined ? '-' : [...new Set(parts)].sort().join(),
    everything: requirements !== null && requirements.length === 0,
    label: fixed === undefined ? null : [fixed.key, fixed.values[0]!],
    matches,
    matchesSet(labelSet) {
      let answer = known[labelSet];
      if (answer === undefined) {
        answer = matches(sets.get(labelSet));
        known[labelSet] = answer;
      }
      return answer;
    },
  };
}

export const requirementsOfMap = (map: Labels): Requirement[] =>
  Object.keys(map)
    .sort()
    .map((key) => ({ key, operator: 'In', values: [map[key]!] }));

/** Requirements of a metav1.LabelSelector; null: absent, selects nothing. */
export function requirementsOf(selector: Json | undefined): Requirement[] | null {
  if (selector === undefined || selector === null) return null;
  return [...requirementsOfMap(selector.matchLabels ?? {}), ...compileExpressions(selector.matchExpressions)];
}

/** The selector of a constraint or term of a pod with these labels, keys merged. */
export function selectorOf(source: Json, labels: Labels, sets: LabelSets): PodSelector {
  const requirements = requirementsOf(source.labelSelector);
  if (requirements === null) return podSelector(null, sets);
  const own = (operator: 'In' | 'NotIn', keys: readonly string[] | undefined): Requirement[] =>
    (keys ?? [])
      .filter((key) => labels[key] !== undefined)
      .map((key) => ({ key, operator, values: [labels[key]!] }));
  return podSelector(
    [...requirements, ...own('In', source.matchLabelKeys), ...own('NotIn', source.mismatchLabelKeys)],
    sets,
  );
}
