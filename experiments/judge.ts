// The API server's verdict on one object, in the form that loading and `validate` need: accepted or not, each problem
// with its field path. Kinds that the server does not serve (custom resources, removed versions) are accepted as they
// are: nothing acts on them.
import { type CreateContext, createObject } from '../engine/apiserver/registry.ts';
import { UNKNOWN_KIND_MESSAGE } from '../engine/kinds/decode.ts';
import type { KubeObject } from '../engine/kinds/kind.ts';
import { tryQuantity } from '../engine/kinds/quantity.ts';
import { kindOf } from '../engine/kinds/registry.ts';
import { isStored } from './objects.ts';

export interface VerdictProblem {
  /** Field path as the server prints it; '' when the message names none. */
  readonly path: string;
  readonly message: string;
}

export interface Verdict {
  readonly accepted: boolean;
  /** HTTP status that the server answers; 404 for a kind it does not serve. */
  readonly code: number;
  readonly problems: readonly VerdictProblem[];
  /** Texts of the server's Warning headers. */
  readonly warnings: readonly string[];
  /** The server serves the kind. */
  readonly served: boolean;
  /** The simulation acts on objects of this kind. */
  readonly modelled: boolean;
  readonly namespaced: boolean;
  /** Names that references may use, in lower case: kind, resource, short names. */
  readonly names: readonly string[];
}

export type Judge = (raw: Readonly<Record<string, unknown>>) => Verdict;

/** Fields that only the server writes; a dump has them, a request to create must not. */
const SERVER_METADATA = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy without the server's own metadata, or the object itself when it has none. */
export function withoutServerFields(
  raw: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const metadata = raw['metadata'];
  if (!isRecord(metadata) || !SERVER_METADATA.some((field) => Object.hasOwn(metadata, field))) return raw;
  const kept = { ...metadata };
  for (const field of SERVER_METADATA) delete kept[field];
  return { ...raw, metadata: kept };
}

/** Field paths that a decoding error (400) speaks of; Go names structs and leaves indices out. */
function decodingProblems(message: string, raw: Readonly<Record<string, unknown>>): VerdictProblem[] {
  const text = message.replace(/^\S+ in version "[^"]*" cannot be handled as an? \S+: /, '');
  const strict = [...text.matchAll(/(unknown|duplicate) field "([^"]+)"/g)];
  if (strict.length > 0) return strict.map((m) => ({ path: m[2]!, message: `${m[1]} field "${m[2]}"` }));
  if (text.startsWith('quantities must match')) return [{ path: badQuantity(raw, '') ?? '', message: text }];
  const field = /Go struct field (\S+) of type/.exec(text)?.[1];
  return [{ path: field === undefined ? '' : existingPath(raw, field.split('.').slice(1)), message: text }];
}

/** Maps of quantities in the objects of the API. */
const QUANTITY_MAPS = new Set([
  'requests',
  'limits',
  'capacity',
  'allocatable',
  'hard',
  'used',
  'overhead',
  'podFixed',
  'min',
  'max',
  'default',
  'defaultRequest',
]);

/** Path of the first quantity that cannot be read; the server's message names none. */
function badQuantity(at: unknown, path: string, quantities = false): string | undefined {
  if (Array.isArray(at)) {
    for (const [i, element] of at.entries()) {
      const found = badQuantity(element, `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isRecord(at)) return quantities && at !== null && tryQuantity(at) === undefined ? path : undefined;
  for (const [key, value] of Object.entries(at)) {
    const found = badQuantity(
      value,
      path === '' ? key : `${path}.${key}`,
      quantities || QUANTITY_MAPS.has(key),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Makes `spec.containers.ports` of a Go error the path of the first element that has such a field. */
function existingPath(raw: unknown, steps: readonly string[]): string {
  let at: unknown = raw;
  let path = '';
  for (const step of steps) {
    // Names of embedded Go structs begin with a capital and have no place in the object.
    if (/^[A-Z]/.test(step)) continue;
    if (Array.isArray(at)) {
      const index = Math.max(
        0,
        at.findIndex((element) => isRecord(element) && Object.hasOwn(element, step)),
      );
      path += `[${index}]`;
      at = at[index];
    }
    if (!isRecord(at) || !Object.hasOwn(at, step)) break;
    path = path === '' ? step : `${path}.${step}`;
    at = at[step];
  }
  return path;
}

/** The priority that a pod says it has; its class, where it names one, is taken to agree. */
let priorityOfPod = 0;

const object = (kind: string, name: string, namespace?: string): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: namespace === undefined ? { name } : { name, namespace },
});

/**
 * What an object may lean on is taken to be there: its namespace (if it can exist at all), its service account, its
 * priority and runtime class. Whether they are is found out when the run creates it.
 */
const CONTEXT: CreateContext = {
  uid: () => '00000000-0000-0000-0000-000000000000',
  creationTimestamp: () => '1970-01-01T00:00:00Z',
  suffix: () => 'xxxxx',
  namespaceExists: (name) => name.length <= 63 && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(name),
  serviceAccount: (namespace, name) => object('ServiceAccount', name, namespace),
  priorityClass: (name) => ({
    ...object('PriorityClass', name),
    apiVersion: 'scheduling.k8s.io/v1',
    value: priorityOfPod,
  }),
  runtimeClass: (name) => ({ ...object('RuntimeClass', name), apiVersion: 'node.k8s.io/v1', handler: name }),
};

/** POSTs the object to the model of the API server, alone and for nobody: defaults, validation, no storage. */
export const judgeObject: Judge = (raw) => {
  const spec = raw['spec'];
  priorityOfPod = isRecord(spec) && typeof spec['priority'] === 'number' ? spec['priority'] : 0;
  // A Job that was stored selects by the UID that it had.
  const stored = raw as unknown as KubeObject;
  const context = isStored(stored) ? { ...CONTEXT, uid: () => stored.metadata.uid! } : CONTEXT;
  const answer = createObject(withoutServerFields(raw), context);
  const known = kindOf(String(raw['apiVersion']), String(raw['kind']));
  const served = known !== undefined;
  const common = {
    code: answer.code,
    warnings: 'warnings' in answer ? answer.warnings : [],
    served,
    modelled: known?.modelled ?? false,
    namespaced:
      known?.namespaced ?? (isRecord(raw['metadata']) && typeof raw['metadata']['namespace'] === 'string'),
    names:
      known !== undefined
        ? [known.kind.toLowerCase(), known.resource, ...(known.shortNames ?? [])]
        : [String(raw['kind']).toLowerCase()],
  };
  if (answer.code === 201) return { ...common, accepted: true, problems: [] };
  const { message, causes } = answer;
  if (answer.code === 404 && message === UNKNOWN_KIND_MESSAGE)
    return { ...common, accepted: true, problems: [] };
  if (causes.length > 0) {
    return {
      ...common,
      accepted: false,
      problems: causes.map((c) => ({ path: c.field, message: c.message })),
    };
  }
  return {
    ...common,
    accepted: false,
    problems: answer.code === 400 ? decodingProblems(message, raw) : [{ path: '', message }],
  };
};
