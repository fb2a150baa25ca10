// Checks of ObjectMeta that every kind shares (apimachinery/pkg/api/validation/objectmeta.go, v1.36): names by the
// kind's rule, labels, annotations, owners, finalizers, managed fields.
import { ipMessages } from './addresses.ts';
import { checkLabels } from './checks.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import type { KindDefinition, KubeObject, ObjectMeta, OwnerReference } from './kind.ts';
import {
  dns1035LabelMessages,
  dns1123LabelMessages,
  dns1123SubdomainMessages,
  labelKeyMessages,
  pathSegmentMessages,
} from './names.ts';

/** Sum of lengths of annotation keys and values. */
const ANNOTATIONS_BYTES_MAX = 256 * 1024;
const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** Groups whose validation does not ask for standard or qualified finalizers (they use apimachinery's own check). */
const PLAIN_FINALIZERS = [
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
];
/** Groups that check the generated name, never its prefix (ValidateObjectMetaWithOpts). */
const NO_PREFIX_CHECK = ['resource.k8s.io'];

const RULES: Record<string, (name: string) => string[]> = {
  subdomain: dns1123SubdomainMessages,
  label: dns1123LabelMessages,
  service: dns1035LabelMessages,
  'path-segment': pathSegmentMessages,
  ip: ipMessages,
};

/** Lengths count UTF-8 bytes, as Go's len does. */
const bytes = (value: string): number => new TextEncoder().encode(value).length;

export function reportAnnotations(
  errors: FieldErrors,
  field: string,
  annotations: Record<string, string> | undefined,
): void {
  let total = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const message of labelKeyMessages(key.toLowerCase())) errors.invalid(field, key, message);
    total += bytes(key) + bytes(value);
  }
  if (total > ANNOTATIONS_BYTES_MAX) errors.tooLong(field, ANNOTATIONS_BYTES_MAX);
}

/** A generated name's prefix may end in a dash: the suffix follows. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

function reportOwner(errors: FieldErrors, field: string, owner: OwnerReference): void {
  const version = owner.apiVersion?.split('/').at(-1) ?? '';
  if (version === '')
    errors.invalid(child(field, 'apiVersion'), owner.apiVersion ?? '', 'version must not be empty');
  for (const key of ['kind', 'name', 'uid'] as const) {
    if ((owner[key] ?? '') === '') errors.invalid(child(field, key), '', 'must not be empty');
  }
  if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
    errors.invalid(field, owner, '/v1, Kind=Event is disallowed from being an owner');
  }
}

function reportOwners(errors: FieldErrors, field: string, owners: readonly OwnerReference[]): void {
  let controller = '';
  for (const owner of owners) {
    reportOwner(errors, field, owner);
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller === '') controller = name;
    else {
      const found = `Found "true" in references for ${controller} and ${name}`;
      errors.invalid(field, owners, `Only one reference can have Controller set to true. ${found}`);
    }
  }
}

function reportFinalizers(errors: FieldErrors, field: string, finalizers: readonly string[]): void {
  for (const finalizer of finalizers) {
    for (const message of labelKeyMessages(finalizer)) errors.invalid(field, finalizer, message);
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.invalid(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set');
  }
}

function reportName(
  errors: FieldErrors,
  field: string,
  metadata: ObjectMeta,
  rule: (name: string) => string[],
): void {
  const generateName = metadata.generateName ?? '';
  if (generateName !== '') {
    for (const message of rule(maskTrailingDash(generateName))) {
      errors.invalid(child(field, 'generateName'), generateName, message);
    }
  }
  const name = metadata.name ?? '';
  if (name === '') errors.required(child(field, 'name'), 'name or generateName is required');
  else for (const message of rule(name)) errors.invalid(child(field, 'name'), name, message);
}

function reportNamespace(
  errors: FieldErrors,
  field: string,
  metadata: ObjectMeta,
  namespaced: boolean,
): void {
  const namespace = metadata.namespace ?? '';
  if (!namespaced) {
    if (namespace !== '') errors.forbidden(field, 'not allowed on this type');
  } else if (namespace === '') errors.required(field);
  else for (const message of dns1123LabelMessages(namespace)) errors.invalid(field, namespace, message);
}

/** ValidateObjectMeta on creation. Reports into `errors`, in the server's order. */
export function validateMetadata(definition: KindDefinition, object: KubeObject, errors: FieldErrors): void {
  const metadata = object.metadata;
  const field = 'metadata';
  const rule = RULES[definition.nameRule ?? 'subdomain'] as (name: string) => string[];
  const group = definition.apiVersion.slice(0, Math.max(0, definition.apiVersion.indexOf('/')));
  reportName(errors, field, NO_PREFIX_CHECK.includes(group) ? { name: metadata.name } : metadata, rule);
  reportNamespace(errors, child(field, 'namespace'), metadata, definition.namespaced);
  const generation = metadata.generation ?? 0;
  if (generation < 0) {
    errors.invalid(child(field, 'generation'), generation, 'must be greater than or equal to 0');
  }
  checkLabels(errors, child(field, 'labels'), metadata.labels);
  reportAnnotations(errors, child(field, 'annotations'), metadata.annotations);
  reportOwners(errors, child(field, 'ownerReferences'), metadata.ownerReferences ?? []);
  const finalizers = metadata.finalizers ?? [];
  reportFinalizers(errors, child(field, 'finalizers'), finalizers);
  if (PLAIN_FINALIZERS.includes(group)) return;
  for (const [index, finalizer] of finalizers.entries()) {
    if (!finalizer.includes('/') && !STANDARD_FINALIZERS.includes(finalizer)) {
      const text = 'name is neither a standard finalizer name nor is it fully qualified';
      errors.invalid(item(child(field, 'finalizers'), index), finalizer, text);
    }
  }
}

/** A claim template's metadata may hold labels and annotations only (ValidateTemplateObjectMeta). */
export function checkTemplateMetadata(
  errors: FieldErrors,
  field: string,
  metadata: ObjectMeta | undefined,
): void {
  reportAnnotations(errors, child(field, 'annotations'), metadata?.annotations);
  checkLabels(errors, child(field, 'labels'), metadata?.labels);
  for (const key of Object.keys(metadata ?? {})) {
    if (key !== 'labels' && key !== 'annotations') errors.forbidden(child(field, key), 'cannot be set');
  }
}
