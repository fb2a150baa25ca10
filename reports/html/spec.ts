// A resolved scenario as text for a page: whole where it is small, with long lists and texts cut where it is not.

const LIST_MAX = 30;
const TEXT_MAX = 2000;
const DEPTH_MAX = 24;
const LENGTH_MAX = 60_000;

/** Indented JSON of at most about 60,000 characters; says what was cut. */
export function specText(value: unknown): string {
  // A list of thousands of rows must not become text first.
  for (const list of [LIST_MAX, 8, 2]) {
    const text = JSON.stringify(pruned(value, list, DEPTH_MAX), null, 2) ?? 'null';
    if (text.length <= LENGTH_MAX) return text;
    if (list === 2) return `${text.slice(0, LENGTH_MAX)}\n… (${text.length - LENGTH_MAX} more characters)`;
  }
  return '';
}

function pruned(value: unknown, listMax: number, depth: number): unknown {
  if (typeof value === 'string')
    return value.length > TEXT_MAX
      ? `${value.slice(0, TEXT_MAX)}… (${value.length - TEXT_MAX} more characters)`
      : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) {
    const shown = value.slice(0, listMax).map((one) => pruned(one, listMax, depth - 1));
    return value.length > listMax ? [...shown, `… and ${value.length - listMax} more`] : shown;
  }
  const entries = Object.entries(value);
  const shown = entries.slice(0, listMax * 10).map(([key, one]) => [key, pruned(one, listMax, depth - 1)]);
  if (entries.length > shown.length) shown.push(['…', `and ${entries.length - shown.length} more`]);
  return Object.fromEntries(shown);
}
