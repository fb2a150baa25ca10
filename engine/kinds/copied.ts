// Shallow copies of API objects for versions that replace one another.
//
// `{ ...object }` gives its result a hidden class that V8 derives from that of its source, not from the keys: versions
// that are each a copy of the last get new hidden classes without end, and everything that reads them goes the slow way.
// Copying key by key leads equal keys in equal order to the same hidden class.

/** The object's own enumerable fields in their order, as `{ ...object }`. */
export function copied<T extends object>(object: T): T {
  const copy: Record<string, unknown> = {};
  // API objects are plain: what `for in` gives is their own.
  for (const key in object) copy[key] = object[key];
  return copy as T;
}
