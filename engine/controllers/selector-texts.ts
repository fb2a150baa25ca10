// Label selectors as Go prints them: the API object (apimachinery/pkg/apis/meta/v1, String of LabelSelector), and the
// selector that is made of it (apimachinery/pkg/labels/selector.go; v1.36).
import type { Json } from '../kinds/kind.ts';

const byKey = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A LabelSelector as Go prints it. */
export function selectorText(selector: Json): string {
  const labels = Object.entries<string>(selector?.matchLabels ?? {}).sort(([a], [b]) => byKey(a, b));
  const expressions = (selector?.matchExpressions ?? []).map(
    ({ key, operator, values }: Json) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],},`,
  );
  const map = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${map}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}

/** As a query has it: `app=web,tier in (a,b),!old`, by key. */
export function selectorQuery(selector: Json): string {
  const parts = Object.entries<string>(selector?.matchLabels ?? {}).map(([key, value]): [string, string] => [
    key,
    `${key}=${value}`,
  ]);
  for (const { key, operator, values } of selector?.matchExpressions ?? []) {
    const listed = `(${[...(values ?? [])].sort().join(',')})`;
    const texts: Readonly<Record<string, string>> = {
      In: `${key} in ${listed}`,
      NotIn: `${key} notin ${listed}`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    parts.push([key, texts[operator]!]);
  }
  return parts
    .sort(([a], [b]) => byKey(a, b))
    .map(([, text]) => text)
    .join(',');
}
