// Shallow copies of API objects for versions that replace one another.
//
// `{ ...object }` takes the hidden class of its result from that of its source. Where objects of many shapes pass, V8 makes
// new ones for versions that are each a copy of the last, and all that reads them goes the slow way. `Object.assign` sets
// key by key, which leads equal keys in equal order to the same hidden class.

/** The object's own enumerable fields in their order, as `{ ...object }`. */
export function copied<T extends object>(object: T): T {
  return Object.assign({}, object);
}
