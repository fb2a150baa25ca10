// Label selectors of workloads, and whether they match the workload's own template.
import { isSet, list } from './field-lists.ts';
import type { Json } from './kind.ts';

function requirementMatches(requirement: Json, labels: Record<string, string>): boolean {
  const value = labels[requirement.key];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && list(requirement.values).includes(value);
    case 'NotIn':
      return value === undefined || !list(requirement.values).includes(value);
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
}

/** True for selectors that LabelSelectorAsSelector can read: known operators with fitting values. */
export function isUsableSelector(selector: Json): boolean {
  return list(selector?.matchExpressions).every((requirement) => {
    const count = list(requirement.values).length;
    if (requirement.operator === 'In' || requirement.operator === 'NotIn') return count > 0;
    return (requirement.operator === 'Exists' || requirement.operator === 'DoesNotExist') && count === 0;
  });
}

export const isEmptySelector = (selector: Json): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length + list(selector?.matchExpressions).length === 0;

/** A missing selector matches nothing, an empty one everything. */
export function selectorMatches(selector: Json, labels: Record<string, string> | undefined): boolean {
  if (!isSet(selector)) return false;
  const own = labels ?? {};
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => own[key] === value) &&
    list(selector.matchExpressions).every((requirement) => requirementMatches(requirement, own))
  );
}

/** A selector as errors print it: fields in Go's order. */
export function printedSelector(selector: Json): Json {
  if (!isSet(selector)) return null;
  const out: Json = {};
  const labels = selector.matchLabels ?? {};
  if (Object.keys(labels).length > 0) out.matchLabels = sortedMap(labels);
  if (list(selector.matchExpressions).length > 0) {
    out.matchExpressions = selector.matchExpressions.map((requirement: Json) => {
      const shown: Json = { key: requirement.key, operator: requirement.operator };
      if (list(requirement.values).length > 0) shown.values = requirement.values;
      return shown;
    });
  }
  return out;
}

/** Maps print with sorted keys; a nil map prints as null. */
export function sortedMap(map: Record<string, string> | undefined): Json {
  if (map === undefined || map === null) return null;
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
