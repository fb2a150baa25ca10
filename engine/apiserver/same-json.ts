// Equality of API objects. Versions share what did not change, so identical parts end the comparison at once.
import type { Json } from '../kinds/kind.ts';

/** Equal as JSON: absent and undefined fields are the same, the order of keys does not matter. */
export function isSameJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !isSameJson(a[i], b[i])) return false;
    return true;
  }
  // API objects are plain: what `for in` gives is their own. It makes no list of keys.
  for (const key in a) {
    const value = a[key];
    if (value !== b[key] && !isSameJson(value, b[key])) return false;
  }
  for (const key in b) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}
