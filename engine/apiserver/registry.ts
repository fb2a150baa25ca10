// What the API server does with a new object, from parsed YAML to the stored object or the refusal: decode, default,
// prepare, admit, validate (staging/src/k8s.io/apiserver/pkg/registry/rest/create.go, v1.36). `kubetick validate` and
// the simulated API server call it.
import { decodeStrict } from '../kinds/decode.ts';
import { type FieldError, FieldErrors } from '../kinds/field-errors.ts';
import type { KindDefinition, KubeObject } from '../kinds/kind.ts';
import { validateMetadata } from '../kinds/metadata.ts';
import { kindOf } from '../kinds/registry.ts';
import { type AdmissionContext, admissionProblem, admitOnCreate } from './admission/admission.ts';

export interface CreateContext extends AdmissionContext {
  /** uid of the new object. */
  uid(): string;
  /** creationTimestamp of the new object, RFC 3339. */
  creationTimestamp(): string;
  /** Gives a valid object what the server hands out: cluster addresses, node ports. */
  allocate?(definition: KindDefinition, object: KubeObject): void;
  /** Namespace of objects that name none. */
  readonly defaultNamespace?: string;
  /** Paths of keys that the reader of the YAML saw twice. */
  readonly duplicates?: readonly string[];
}

export interface Created {
  readonly code: 201;
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

export interface Refused {
  readonly code: 400 | 403 | 404 | 422;
  readonly reason: 'BadRequest' | 'Forbidden' | 'NotFound' | 'Invalid';
  readonly message: string;
  readonly causes: readonly FieldError[];
}

/** Longest prefix of a generated name: 63 less the suffix. */
const GENERATED_PREFIX_MAX = 58;

/** Reviews are questions: answered, never stored, so they have no system fields and their metadata is not checked. */
function isReview(definition: KindDefinition): boolean {
  return /^auth(entication|orization)\.k8s\.io\//.test(definition.apiVersion);
}

/** System fields are the server's own; a name may be generated. */
function fillSystemFields(definition: KindDefinition, object: KubeObject, context: CreateContext): void {
  object.metadata ??= {};
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete (metadata as { managedFields?: unknown }).managedFields;
  delete metadata.resourceVersion;
  if (definition.namespaced)
    metadata.namespace = metadata.namespace || (context.defaultNamespace ?? 'default');
  else delete metadata.namespace;
  metadata.uid = context.uid();
  metadata.creationTimestamp = context.creationTimestamp();
  if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '') {
    metadata.name = (metadata.generateName as string).slice(0, GENERATED_PREFIX_MAX) + context.suffix();
  }
}

/** Status times that are the moment of creation. */
function fillTimes(object: KubeObject): void {
  if (object.kind === 'PersistentVolume') {
    object.status = { ...object.status, lastPhaseTransitionTime: object.metadata.creationTimestamp };
  }
}

/** The distinct causes, in brackets when there are several. */
function shownCauses(causes: readonly FieldError[]): string {
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`;
}

/** Text of an Invalid status. */
export function invalidMessage(
  definition: KindDefinition,
  name: string,
  causes: readonly FieldError[],
): string {
  const slash = definition.apiVersion.indexOf('/');
  // Reviews name their group only.
  if (isReview(definition))
    return `.${definition.apiVersion.slice(0, slash)} "" is invalid: ${shownCauses(causes)}`;
  const kind = slash < 0 ? definition.kind : `${definition.kind}.${definition.apiVersion.slice(0, slash)}`;
  return `${kind} ${JSON.stringify(name)} is invalid: ${shownCauses(causes)}`;
}

/** Creates an object from parsed YAML or JSON, or says why not, in the server's words. */
export function createObject(raw: unknown, context: CreateContext): Created | Refused {
  const decoded = decodeStrict(raw, context.duplicates);
  if ('code' in decoded) {
    const reason = decoded.code === 404 ? 'NotFound' : 'BadRequest';
    return { code: decoded.code, reason, message: decoded.message, causes: [] };
  }
  const { object } = decoded;
  const definition = kindOf(decoded.kind.apiVersion, decoded.kind.kind) as KindDefinition;
  const review = isReview(definition);
  if (review) object.metadata ??= {};
  else fillSystemFields(definition, object, context);
  definition.defaults(object);
  fillTimes(object);
  const denial = review ? undefined : admitOnCreate(definition, object, context);
  if (denial !== undefined) return { ...denial, causes: [] };
  const errors = new FieldErrors();
  definition.reserve?.(object, errors);
  if (errors.ok) {
    if (!review) validateMetadata(definition, object, errors);
    definition.validate(object, errors);
  }
  if (!errors.ok) {
    const message = invalidMessage(definition, object.metadata.name ?? '', errors.list);
    return { code: 422, reason: 'Invalid', message, causes: errors.list };
  }
  const refusal = review ? undefined : admissionProblem(definition, object, context);
  if (refusal !== undefined) return { ...refusal, causes: [] };
  const warnings = definition.warnings?.(object) ?? [];
  context.allocate?.(definition, object);
  return { code: 201, object, warnings };
}
