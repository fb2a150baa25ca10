// Reads the recorded answers of a real API server (v1.36.3) and what this engine makes of the same objects: decoded,
// defaulted, validated. Tests compare the two. The recordings lie beside the project and may be absent.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import { decodeStrict } from '../../../engine/kinds/decode.ts';
import { FieldErrors } from '../../../engine/kinds/field-errors.ts';
import type { Json, KindDefinition, KubeObject } from '../../../engine/kinds/kind.ts';
import { validateMetadata } from '../../../engine/kinds/metadata.ts';
import { protectionFinalizers } from '../../../engine/kinds/persistentvolume.ts';

const shared = fileURLToPath(new URL('../../../../shared/', import.meta.url));
const answers = `${shared}oracle/controlplane/api-answers/`;
export const recordingsExist = existsSync(`${answers}manifests.jsonl.gz`);

export interface RecordedRow {
  readonly file: string;
  readonly document: number;
  readonly item: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly code: number;
  readonly message?: string;
  readonly causes?: readonly Json[];
  readonly warnings?: readonly string[];
  readonly object?: KubeObject;
}

export interface RecordedCase {
  readonly name: string;
  readonly request: { readonly body: Json };
  readonly code: number;
  readonly answer: Json;
}

export const recordedRows = (): RecordedRow[] =>
  gunzipSync(readFileSync(`${answers}manifests.jsonl.gz`))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedRow);

export const recordedCases = (file: string): RecordedCase[] =>
  JSON.parse(readFileSync(answers + file, 'utf8')).cases;

const files = new Map<string, Json[]>();

/** The object that a row was made of, as the YAML reader gives it. */
export function sourceOf(row: RecordedRow): Json {
  let documents = files.get(row.file);
  if (documents === undefined) {
    const text = readFileSync(`${shared}data/k8s-manifests/${row.file}`, 'utf8');
    documents = parseAllDocuments(text, { version: '1.1', merge: true, logLevel: 'silent' }).map((one) =>
      one.toJS(),
    );
    files.set(row.file, documents);
  }
  const document = documents[row.document];
  return /List$/.test(document?.kind ?? '') && Array.isArray(document?.items)
    ? document.items[row.item]
    : document;
}

export interface Outcome {
  readonly object: KubeObject;
  readonly errors: FieldErrors;
  readonly warnings: string[];
}

/** Decodes, defaults and validates, and adds what admission adds to every volume and claim. */
export function process(source: Json, definition: KindDefinition): Outcome | undefined {
  const decoded = decodeStrict(source);
  if (!('object' in decoded)) return undefined;
  const { object } = decoded;
  object.metadata ??= {};
  if (definition.namespaced) object.metadata.namespace ??= 'default';
  else delete object.metadata.namespace;
  definition.defaults(object);
  const finalizer = protectionFinalizers[definition.kind];
  if (finalizer !== undefined)
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
  const errors = new FieldErrors();
  definition.reserve?.(object, errors);
  if (errors.ok) {
    validateMetadata(definition, object, errors);
    definition.validate(object, errors);
  }
  return { object, errors, warnings: definition.warnings?.(object) ?? [] };
}

/** Drops what the server adds or allocates, so that only defaults are left to compare. */
export function comparable(given: Json): Json {
  const object = structuredClone(given);
  for (const field of [
    'uid',
    'creationTimestamp',
    'namespace',
    'resourceVersion',
    'managedFields',
    'selfLink',
  ]) {
    delete object.metadata[field];
  }
  delete object.status?.lastPhaseTransitionTime;
  if (object.kind === 'Service') {
    if (object.spec.clusterIP !== 'None') {
      delete object.spec.clusterIP;
      delete object.spec.clusterIPs;
    }
    delete object.spec.healthCheckNodePort;
    for (const port of object.spec.ports ?? []) delete port.nodePort;
  }
  return object;
}

export const causesOf = (errors: FieldErrors): Json[] =>
  errors.list.map(({ field, reason, message }) => ({ reason, message, field }));
