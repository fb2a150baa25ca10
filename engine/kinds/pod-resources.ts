// Resource requests and limits of containers and pods: names, amounts, request against limit, claims
// (validateResourceRequirements, pkg/apis/core/validation/validation.go, v1.36), and the sums that pod-level
// resources are held against (component-helpers/resource).
import { report } from './checks.ts';
import { child, entry, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { dns1123LabelMessages, labelKeyMessages } from './names.ts';
import { compareQuantities, parseQuantity, sumQuantities } from './quantity.ts';

const STANDARD = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'storage',
  'requests.storage',
  'services.nodeports',
  'services.loadbalancers',
]);
const CONTAINER = new Set(['cpu', 'memory', 'ephemeral-storage']);
/** Amounts that must be whole (helper.IsIntegerResourceName). */
const INTEGER = new Set([
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
/** Native resources but huge pages may be promised more often than they exist. */
const allowsOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);
const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && labelKeyMessages(`requests.${name}`).length === 0;

export function checkResourceName(errors: FieldErrors, field: string, name: string): void {
  const messages = labelKeyMessages(name);
  report(errors, field, name, messages);
  if (messages.length > 0) return;
  if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name)) {
    errors.invalid(field, name, 'must be a standard resource type or fully qualified');
  }
}

function checkContainerResourceName(errors: FieldErrors, field: string, name: string): void {
  checkResourceName(errors, field, name);
  if (!name.includes('/')) {
    if (!CONTAINER.has(name) && !isHugePages(name)) {
      errors.invalid(field, name, 'must be a standard resource for containers');
    }
  } else if (!isNative(name) && !isExtended(name)) {
    errors.invalid(field, name, "doesn't follow extended resource name standard");
  }
}

function checkPodResourceName(errors: FieldErrors, field: string, name: string): void {
  checkResourceName(errors, field, name);
  if (name !== 'cpu' && name !== 'memory' && !isHugePages(name)) {
    errors.notSupported(field, name, ['cpu', 'hugepages-', 'memory']);
  }
}

/** Not negative, and whole for things that come in pieces. */
export function checkResourceAmount(errors: FieldErrors, field: string, name: string, amount: string): void {
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) errors.invalid(field, amount, 'must be greater than or equal to 0');
  if ((INTEGER.has(name) || isExtended(name)) && nanos % 1_000_000_000n !== 0n) {
    errors.invalid(field, amount, 'must be an integer');
  }
}

function checkHugePages(errors: FieldErrors, field: string, name: string, amount: string): void {
  const size = parseQuantity(name.slice('hugepages-'.length)).nanos;
  const { nanos } = parseQuantity(amount);
  if (size <= 0n || nanos % size !== 0n) {
    errors.invalid(field, amount, `${amount} is not positive integer multiple of ${name}`);
  }
}

function checkRequestAgainstLimit(
  errors: FieldErrors,
  field: string,
  name: string,
  request: string,
  limits: Json,
): void {
  const limit = limits?.[name];
  if (limit === undefined) {
    if (!allowsOvercommit(name)) {
      errors.required(child(field, 'limits'), 'Limit must be set for non overcommitable resources');
    }
    return;
  }
  const order = compareQuantities(request, limit);
  const at = child(field, 'requests');
  if (order !== 0 && !allowsOvercommit(name)) {
    errors.invalid(at, request, `must be equal to ${name} limit of ${limit}`);
  } else if (order > 0)
    errors.invalid(at, request, `must be less than or equal to ${name} limit of ${limit}`);
}

function checkClaims(errors: FieldErrors, field: string, claims: Json, podClaims: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const [index, claim] of list(claims).entries()) {
    const at = item(field, index);
    const name = text(claim.name);
    if (name === '') {
      errors.required(at);
      continue;
    }
    const request = text(claim.request);
    if (request !== '') report(errors, child(at, 'request'), request, dns1123LabelMessages(request));
    const key = request === '' ? name : `${name}/${request}`;
    const overlaps =
      seen.has(name) || seen.has(key) || (request === '' && [...seen].some((k) => k.startsWith(`${name}/`)));
    if (overlaps) errors.duplicate(at, seen.has(name) ? name : key);
    seen.add(key);
    if (!podClaims.has(name)) {
      const names = [...podClaims].sort().join(', ');
      const which = podClaims.size === 0 ? ' which is empty' : `: ${names}`;
      const message = `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${which}`;
      errors.push(at, 'FieldValueNotFound', message);
    }
  }
}

function checkRequirements(
  errors: FieldErrors,
  field: string,
  resources: Json,
  podClaims: ReadonlySet<string>,
  checkName: (errors: FieldErrors, field: string, name: string) => void,
): void {
  let cpuOrMemory = false;
  let hugePages = false;
  for (const key of ['limits', 'requests'] as const) {
    for (const [name, amount] of Object.entries<string>(resources?.[key] ?? {})) {
      const at = entry(child(field, key), name);
      checkName(errors, at, name);
      checkResourceAmount(errors, at, name, amount);
      if (key === 'requests') checkRequestAgainstLimit(errors, field, name, amount, resources.limits);
      if (isHugePages(name)) {
        hugePages = true;
        checkHugePages(errors, at, name, amount);
      }
      if (name === 'cpu' || name === 'memory') cpuOrMemory = true;
    }
  }
  if (hugePages && !cpuOrMemory) errors.forbidden(field, 'HugePages require cpu or memory');
  checkClaims(errors, child(field, 'claims'), resources?.claims, podClaims);
}

export function checkContainerResources(
  errors: FieldErrors,
  field: string,
  resources: Json,
  podClaims: ReadonlySet<string>,
): void {
  checkRequirements(errors, field, resources, podClaims, checkContainerResourceName);
}

const isSidecar = (container: Json): boolean => container.restartPolicy === 'Always';

function add(into: Record<string, string>, amounts: Json): void {
  for (const [name, amount] of Object.entries<string>(amounts ?? {})) {
    into[name] = into[name] === undefined ? amount : sumQuantities([into[name], amount]);
  }
}

function raise(into: Record<string, string>, amounts: Json): void {
  for (const [name, amount] of Object.entries<string>(amounts ?? {})) {
    const now = into[name];
    if (now === undefined || compareQuantities(amount, now) > 0) into[name] = amount;
  }
}

/**
 * What a pod's containers need together (AggregateContainerRequests): the sum of all that run at once, or the
 * largest init container with the sidecars started before it.
 */
export function aggregateContainerRequests(spec: Json): Record<string, string> {
  const running: Record<string, string> = {};
  for (const container of list(spec.containers)) add(running, container.resources?.requests);
  const sidecars: Record<string, string> = {};
  const starting: Record<string, string> = {};
  for (const container of list(spec.initContainers)) {
    const requests = container.resources?.requests;
    if (isSidecar(container)) {
      add(running, requests);
      add(sidecars, requests);
      raise(starting, sidecars);
    } else {
      const together = { ...sidecars };
      add(together, requests);
      raise(starting, together);
    }
  }
  raise(running, starting);
  return running;
}

/** Pod-level resources (KEP-2837): enough for the containers' requests, and no container may exceed them. */
export function checkPodResources(
  errors: FieldErrors,
  field: string,
  spec: Json,
  podClaims: ReadonlySet<string>,
): void {
  const resources = spec.resources;
  if (!isSet(resources)) return;
  if (isSet(resources.claims)) {
    errors.forbidden(child(field, 'claims'), 'claims cannot be set for Resources at pod-level');
  }
  checkRequirements(errors, field, resources, podClaims, checkPodResourceName);
  for (const [name, needed] of Object.entries(aggregateContainerRequests(spec))) {
    // Only cpu, memory and huge pages can be set here, and defaults fill what is not; others stay with the containers.
    const given = resources.requests?.[name];
    if (given !== undefined && compareQuantities(needed, given) > 0) {
      const detail = `must be greater than or equal to aggregate container requests of ${needed}`;
      errors.invalid(entry(child(field, 'requests'), name), given, detail);
    }
  }
  for (const [index, container] of list(spec.containers).entries()) {
    for (const [name, limit] of Object.entries<string>(container.resources?.limits ?? {})) {
      const most = resources.limits?.[name];
      if (most === undefined || compareQuantities(limit, most) <= 0) continue;
      const at = child(entry(item(child(field, 'containers'), index), name), 'limits');
      errors.invalid(at, limit, `must be less than or equal to pod limits of ${most}`);
    }
  }
}
