// Runs recorded manifests through createObject and compares with what a real v1.36.3 API server answered
// (POST … ?dryRun=All&fieldValidation=Strict). Shared by the oracle test and by the tool that writes its selection.
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import {
  type CreateContext,
  type Created,
  createObject,
  type Refused,
} from '../../engine/apiserver/registry.ts';
import type { Json, KindDefinition, KubeObject } from '../../engine/kinds/kind.ts';
import {
  needsClusterIP,
  needsHealthCheckNodePort,
  portsNeedingNodePort,
} from '../../engine/kinds/service.ts';

/** One recorded answer. `file`, `document`, `item` say which object of the manifests was sent. */
export interface RecordedRow {
  readonly file: string;
  readonly document: number;
  readonly item: number;
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly code: number;
  readonly message?: string;
  readonly causes?: readonly Json[];
  readonly warnings?: readonly string[];
  readonly object?: Json;
}

const UID = '0f0f0f0f-0000-4000-8000-000000000001';
const SUFFIX = 'zq5zq';
const DRY_RUN_CLUSTER_IP = '10.96.0.0';
/** First node port that a dry run hands out. */
const DRY_RUN_NODE_PORT = 32769;

/** A dry run reserves nothing: every service gets the network's own address and the same node ports. */
function allocateDry(definition: KindDefinition, object: KubeObject): void {
  if (definition.apiVersion !== 'v1' || definition.kind !== 'Service') return;
  const { spec } = object;
  if (needsClusterIP(object)) {
    spec.clusterIP = DRY_RUN_CLUSTER_IP;
    spec.clusterIPs = [DRY_RUN_CLUSTER_IP];
  }
  let next = DRY_RUN_NODE_PORT;
  for (const index of portsNeedingNodePort(object)) spec.ports[index].nodePort = next++;
  if (needsHealthCheckNodePort(object)) spec.healthCheckNodePort = next;
}

/** The cluster the manifests were sent to: all well-named namespaces, default accounts, no classes of its own. */
export function recordingContext(
  row: Pick<RecordedRow, 'object'>,
  raw: Json,
  namespace?: string,
): CreateContext {
  const generates = typeof raw?.metadata?.generateName === 'string' && (raw.metadata.name ?? '') === '';
  let generated = generates ? String(row.object?.metadata?.name ?? '').slice(-SUFFIX.length) : '';
  return {
    uid: () => UID,
    creationTimestamp: () => '<creationTimestamp>',
    suffix: () => {
      const suffix = generated === '' ? SUFFIX : generated;
      generated = '';
      return suffix;
    },
    namespaceExists: (name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && name !== 'nowhere',
    serviceAccount: (_namespace, name) =>
      name === 'default' ? { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } } : undefined,
    priorityClass: () => undefined,
    nodeLifecycle: true,
    volumeProtection: true,
    allocate: allocateDry,
    defaultNamespace: namespace ?? 'default',
  };
}

/** Text without the uid. */
const withoutUid = (text: string): string => text.replaceAll(UID, '<uid>');

/** JSON without the values that change from run to run. */
export function normalise(object: Json): Json {
  const text = JSON.stringify(object).replaceAll(UID, '<uid>').replaceAll(SUFFIX, '<5>');
  const copy = JSON.parse(text);
  delete copy.metadata?.resourceVersion;
  // Owners' uids were replaced in the recordings too.
  for (const owner of copy.metadata?.ownerReferences ?? []) owner.uid = '<uid>';
  if (copy.kind === 'TokenReview' && copy.status?.user?.uid) copy.status.user.uid = '<uid>';
  if (copy.status?.lastPhaseTransitionTime !== undefined) copy.status.lastPhaseTransitionTime = '<time>';
  return copy;
}

/** Objects of a YAML stream as the recorder counted them: empty documents do not count, lists are opened. */
export function readManifest(text: string): Json[][] {
  const documents = parseAllDocuments(text, {
    merge: true,
    version: '1.1',
    strict: false,
    uniqueKeys: false,
    logLevel: 'silent',
    // Kubernetes' reader keeps dates as text.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
  });
  const objects: Json[][] = [];
  for (const document of documents as unknown as { toJS(): Json; errors: unknown[] }[]) {
    let value: Json;
    try {
      value = document.toJS();
    } catch {
      value = undefined;
    }
    if (value === null) continue;
    const isList =
      typeof value?.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items);
    objects.push(isList ? value.items : [value]);
  }
  return objects;
}

export interface Comparison {
  readonly codeEqual: boolean;
  /** Undefined where the recorded answer has no object. */
  readonly objectEqual: boolean | undefined;
  /** Undefined where the recorded answer has no message. */
  readonly messageEqual: boolean | undefined;
  readonly causesEqual: boolean | undefined;
  readonly warningsEqual: boolean;
  readonly answer: Created | Refused;
}

/** Header values escape quotes and backslashes. */
const escaped = (warning: string): string => warning.replaceAll('\\', '\\\\').replaceAll('"', '\\"');

/** A Namespace that was there already would have been created. */
const expectedCode = (row: RecordedRow): number => (row.code === 409 ? 201 : row.code);

export function compareRow(row: RecordedRow, raw: Json, namespace?: string): Comparison {
  const answer = createObject(raw, recordingContext(row, raw, namespace));
  const codeEqual = answer.code === expectedCode(row);
  const refused = row.code >= 400 && row.code !== 409;
  return {
    codeEqual,
    objectEqual:
      row.code !== 201
        ? undefined
        : answer.code === 201 && isDeepStrictEqual(normalise(answer.object), normalise(row.object)),
    messageEqual: refused ? answer.code !== 201 && withoutUid(answer.message) === row.message : undefined,
    causesEqual:
      row.causes === undefined
        ? undefined
        : answer.code !== 201 && isDeepStrictEqual(normalise(answer.causes), normalise(row.causes)),
    warningsEqual:
      row.code !== 201 ||
      (answer.code === 201 && isDeepStrictEqual(answer.warnings.map(escaped), row.warnings ?? [])),
    answer,
  };
}

/** First differences of two JSON values, as `path: want …, got …`. */
export function differences(want: Json, got: Json, path = ''): string[] {
  if (isDeepStrictEqual(want, got)) return [];
  const open =
    typeof want === 'object' &&
    typeof got === 'object' &&
    want !== null &&
    got !== null &&
    Array.isArray(want) === Array.isArray(got);
  if (!open) return [`${path}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`];
  const keys = [...new Set([...Object.keys(want), ...Object.keys(got)])];
  return keys.flatMap((key) => differences(want[key], got[key], `${path}.${key}`));
}
