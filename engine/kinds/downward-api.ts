// References of the downward API: fields of the pod, resources of its containers (validateObjectFieldSelector and
// validateContainerResourceFieldSelector, pkg/apis/core/validation/validation.go, v1.36).
import { checkLabelKey } from './checks.ts';
import { child, type FieldErrors } from './field-errors.ts';
import { requireText, text } from './field-lists.ts';
import type { Json } from './kind.ts';

export const ENV_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const VOLUME_FIELDS: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
/** Fields that have an internal name at all (ConvertDownwardAPIFieldLabel). */
const CONVERTIBLE: readonly string[] = [
  ...ENV_FIELDS,
  'metadata.annotations',
  'metadata.labels',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
  'spec.host',
];
const RESOURCES: readonly string[] = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

/** `metadata.labels['key']` → its two parts. */
function splitSubscript(path: string): [string, string] | undefined {
  const match = /^(.*)\['(.*)'\]$/s.exec(path);
  return match === null ? undefined : [match[1] as string, match[2] as string];
}

export function reportFieldSelector(
  errors: FieldErrors,
  field: string,
  ref: Json,
  allowed: readonly string[],
): void {
  if (!requireText(errors, child(field, 'apiVersion'), ref.apiVersion)) return;
  if (!requireText(errors, child(field, 'fieldPath'), ref.fieldPath)) return;
  const path = text(ref.fieldPath);
  const at = child(field, 'fieldPath');
  if (ref.apiVersion !== 'v1') {
    errors.invalid(at, path, `error converting fieldPath: unsupported pod version: ${ref.apiVersion}`);
    return;
  }
  const subscript = splitSubscript(path);
  if (subscript !== undefined) {
    const [base, key] = subscript;
    if (base === 'metadata.annotations') checkLabelKey(errors, field, key.toLowerCase());
    else if (base === 'metadata.labels') checkLabelKey(errors, field, key);
    else
      errors.invalid(at, path, `error converting fieldPath: field label does not support subscript: ${path}`);
    return;
  }
  if (!CONVERTIBLE.includes(path)) {
    errors.invalid(at, path, `error converting fieldPath: field label not supported: ${path}`);
    return;
  }
  const internal = path === 'spec.host' ? 'spec.nodeName' : path;
  if (!allowed.includes(internal)) errors.notSupported(at, internal, allowed);
}

const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

function reportDivisor(errors: FieldErrors, field: string, resource: string, divisor: string): void {
  if (divisor === '' || divisor === '0') return;
  const at = child(field, 'divisor');
  const only = (values: readonly string[], name: string): void => {
    if (!values.includes(divisor)) {
      const shown = name === 'cpu' ? '1m and 1' : BYTE_DIVISORS.join(', ');
      errors.invalid(at, resource, `only divisor's values ${shown} are supported with the ${name} resource`);
    }
  };
  if (resource.endsWith('.cpu')) only(['1m', '1'], 'cpu');
  else if (resource.endsWith('.memory')) only(BYTE_DIVISORS, 'memory');
  else if (resource.endsWith('.ephemeral-storage')) only(BYTE_DIVISORS, 'local ephemeral storage');
  else if (/^(requests|limits)\.hugepages-/.test(resource)) only(BYTE_DIVISORS, 'hugepages');
}

/** `inVolume`: volumes must name the container, environments mean their own. */
export function reportResourceFieldSelector(
  errors: FieldErrors,
  field: string,
  ref: Json,
  inVolume: boolean,
): void {
  const resource = text(ref.resource);
  if (inVolume && text(ref.containerName) === '') errors.required(child(field, 'containerName'));
  else if (resource === '') errors.required(child(field, 'resource'));
  else if (!RESOURCES.includes(resource) && !/^(requests|limits)\.hugepages-/.test(resource)) {
    errors.notSupported(child(field, 'resource'), resource, RESOURCES);
  }
  reportDivisor(errors, field, resource, text(ref.divisor));
}
