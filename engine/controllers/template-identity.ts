// When are two pod templates the same, and what hash names a ReplicaSet after its template
// (pkg/controller/deployment/util EqualIgnoreHash, pkg/controller/controller_utils.go ComputeHash, v1.36).
//
// The hash is FNV-1a like upstream's, but of the template's JSON and not of Go's printed struct: names of ReplicaSets
// differ from a real cluster's and are the same at every repeat.
import type { Json } from '../kinds/kind.ts';

export const POD_TEMPLATE_HASH = 'pod-template-hash';

/** rand.SafeEncodeString: each character of the decimal number as one of these. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** JSON with sorted keys and without undefined and empty parts that the API does not tell apart from absent ones. */
function canonical(value: Json): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined;
    return `[${value.map((item) => canonical(item) ?? 'null').join(',')}]`;
  }
  if (typeof value === 'object') {
    const parts: string[] = [];
    for (const key of Object.keys(value).sort(byCodeUnit)) {
      const part = canonical(value[key]);
      if (part !== undefined) parts.push(`${JSON.stringify(key)}:${part}`);
    }
    return `{${parts.join(',')}}`;
  }
  return JSON.stringify(value);
}

const texts = new WeakMap<object, string>();

/** Text that is equal exactly for equal templates, whatever their pod-template-hash label. Remembered per object. */
function templateText(template: Json): string {
  let text = texts.get(template);
  if (text === undefined) {
    const metadata = { ...template.metadata };
    if (metadata.labels?.[POD_TEMPLATE_HASH] !== undefined) {
      metadata.labels = { ...metadata.labels };
      delete metadata.labels[POD_TEMPLATE_HASH];
    }
    text = canonical({ ...template, metadata }) ?? '';
    texts.set(template, text);
  }
  return text;
}

export const isSameTemplate = (a: Json, b: Json): boolean => a === b || templateText(a) === templateText(b);

/** The value of the pod-template-hash label. `collisionCount` is absent or counts earlier clashes of names. */
export function templateHash(template: Json, collisionCount: number | undefined): string {
  const text = templateText(template) + (collisionCount === undefined ? '' : `#${collisionCount}`);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  let encoded = '';
  for (const digit of String(hash >>> 0)) encoded += ALPHABET[digit.charCodeAt(0) % ALPHABET.length];
  return encoded;
}
