// PATCH bodies: JSON merge patch (RFC 7386), JSON patch (RFC 6902) and Kubernetes' strategic merge patch, in which
// lists of objects are merged by a key of their elements (apimachinery/pkg/util/strategicpatch, v1.36).
import type { Json } from './kind.ts';

export type PatchType = 'merge' | 'strategic' | 'json';

/** Merge keys by field name (patchMergeKey tags of the API types); other lists are replaced whole. */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  // A container's ports have containerPort, a Service's have port.
  ports: ['containerPort', 'port'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  topologySpreadConstraints: ['topologyKey'],
  ownerReferences: ['uid'],
  conditions: ['type'],
  secrets: ['name'],
  resourceClaims: ['name'],
  schedulingGates: ['name'],
};

const isObject = (value: Json): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Json = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete result[key];
    else result[key] = mergePatch(result[key], patch[key]);
  }
  return result;
}

function mergeLists(target: readonly Json[], patch: readonly Json[], keys: readonly string[]): Json[] {
  const key = keys.find((name) => patch.some((item) => item?.[name] !== undefined)) ?? keys[0]!;
  // New elements come first, as the server puts them; those that stay keep their order.
  const added: Json[] = [];
  let result = [...target];
  for (const item of patch) {
    const at = result.findIndex((existing) => existing?.[key] === item?.[key]);
    if (item?.$patch === 'delete') {
      if (at >= 0) result = result.filter((_, i) => i !== at);
    } else if (at >= 0) result[at] = strategicPatch(result[at], item);
    else added.push(strategicPatch({}, item));
  }
  return [...added, ...result];
}

function strategicPatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  if (patch.$patch === 'replace') {
    const { $patch: _, ...rest } = patch;
    return rest;
  }
  const result: Json = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else if (Array.isArray(value)) {
      const keys = MERGE_KEYS[key];
      const merges = keys !== undefined && value.every(isObject) && Array.isArray(result[key]);
      result[key] = merges ? mergeLists(result[key], value, keys) : value;
    } else result[key] = strategicPatch(result[key], value);
  }
  return result;
}

interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: Json;
  readonly from?: string;
}

const pointer = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

function valueAt(target: Json, path: string): Json {
  return pointer(path).reduce((at, part) => at?.[part], target);
}

/** Copies along the path and sets, inserts or removes its end. */
function edit(target: Json, parts: readonly string[], op: 'add' | 'replace' | 'remove', value: Json): Json {
  if (parts.length === 0) return value;
  const [part, ...rest] = parts as [string, ...string[]];
  if (Array.isArray(target)) {
    const at = part === '-' ? target.length : Number(part);
    if (!Number.isInteger(at) || at < 0 || at > target.length) throw new RangeError(`no element ${part}`);
    const copy = [...target];
    if (rest.length > 0) copy[at] = edit(copy[at], rest, op, value);
    else if (op === 'add') copy.splice(at, 0, value);
    else if (op === 'remove') copy.splice(at, 1);
    else copy[at] = value;
    return copy;
  }
  if (!isObject(target)) throw new RangeError(`${part} is in no object`);
  if (op !== 'add' && !(part in target)) throw new RangeError(`there is no ${part}`);
  const copy = { ...target };
  if (rest.length > 0) copy[part] = edit(copy[part], rest, op, value);
  else if (op === 'remove') delete copy[part];
  else copy[part] = value;
  return copy;
}

function jsonPatch(target: Json, operations: readonly JsonPatchOperation[]): Json {
  let result = target;
  for (const { op, path, value, from } of operations) {
    if (op === 'test') {
      if (JSON.stringify(valueAt(result, path)) !== JSON.stringify(value)) {
        throw new RangeError(`testing value ${path} failed`);
      }
    } else if (op === 'move' || op === 'copy') {
      const moved = valueAt(result, from!);
      if (op === 'move') result = edit(result, pointer(from!), 'remove', null);
      result = edit(result, pointer(path), 'add', moved);
    } else if (op === 'add' || op === 'replace' || op === 'remove') {
      result = edit(result, pointer(path), op, value);
    } else throw new RangeError(`unknown operation ${op}`);
  }
  return result;
}

/** The object with the patch applied; the target is not changed. Throws RangeError where a JSON patch does not fit. */
export function applyPatch(target: Json, type: PatchType, body: Json): Json {
  if (type === 'json') return jsonPatch(target, body);
  return type === 'merge' ? mergePatch(target, body) : strategicPatch(target, body);
}
