// Node (core/v1): allocatable follows capacity, taints are checked under metadata (sic), pod ranges as CIDRs
// (ValidateNode, v1.36). Taints that a new node gets come from admission, pod ranges from controllers.

import { checkCidr, parseCidr } from './addresses.ts';
import { checkNonNegativeQuantity, notSupportedInOrder, omitEmpty, report, sortedKeys } from './checks.ts';
import { entry, type FieldErrors, item, printValue } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { labelKeyMessages, labelValueMessages } from './names.ts';
import { tryQuantity } from './quantity.ts';

const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const nodeInfoFields = [
  'machineID',
  'systemUUID',
  'bootID',
  'kernelVersion',
  'osImage',
  'containerRuntimeVersion',
  'kubeletVersion',
  'kubeProxyVersion',
  'operatingSystem',
  'architecture',
];
/** Resources that come in whole numbers only (IsIntegerResourceName). */
const integerResources = [
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
];

function defaults(node: KubeObject): void {
  node.spec ??= {};
  node.status ??= {};
  const { spec, status } = node;
  // The older field wins where the two disagree.
  if ((spec.podCIDR ?? '') !== '' && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  if ((spec.podCIDR ?? '') === '' && (spec.podCIDRs ?? []).length > 0) spec.podCIDR = spec.podCIDRs[0];
  omitEmpty(spec, 'podCIDR', 'podCIDRs', 'providerID', 'unschedulable', 'taints', 'externalID');
  omitEmpty(status, 'capacity', 'allocatable');
  if (status.capacity !== undefined && status.allocatable === undefined)
    status.allocatable = { ...status.capacity };
  status.daemonEndpoints ??= {};
  status.daemonEndpoints.kubeletEndpoint ??= { Port: 0 };
  status.nodeInfo ??= {};
  for (const field of nodeInfoFields) status.nodeInfo[field] ??= '';
}

/** Taints of a node at `field`. */
function checkTaints(taints: readonly Json[], field: string, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [index, taint] of taints.entries()) {
    const at = item(field, index);
    const key = taint.key ?? '';
    const value = taint.value ?? '';
    const effect = taint.effect ?? '';
    report(errors, `${at}.key`, key, labelKeyMessages(key));
    const valueMessages = labelValueMessages(value);
    if (valueMessages.length > 0) errors.invalid(`${at}.value`, value, valueMessages.join(';'));
    if (effect === '') errors.required(`${at}.effect`);
    else if (!taintEffects.includes(effect))
      notSupportedInOrder(errors, `${at}.effect`, effect, taintEffects);
    if (seen.has(`${effect} ${key}`)) {
      const shown = printValue({
        Key: key,
        Value: value,
        Effect: effect,
        TimeAdded: taint.timeAdded ?? null,
      });
      const detail = 'taints must be unique by key and effect pair';
      errors.push(at, 'FieldValueDuplicate', `Duplicate value: ${shown}: ${detail}`);
    }
    seen.add(`${effect} ${key}`);
  }
}

/** Amounts only; their names are whatever a device plug-in says, and stand in the path after a dot. */
function checkResources(
  amounts: Record<string, string> | undefined,
  list: string,
  errors: FieldErrors,
): void {
  for (const name of sortedKeys(amounts)) {
    const field = `${list}.${name}`;
    const amount = amounts?.[name] ?? '0';
    checkNonNegativeQuantity(errors, field, amount);
    const nanos = tryQuantity(amount)?.nanos ?? 0n;
    const whole = integerResources.includes(name) || isExtendedResource(name);
    if (whole && nanos % 1_000_000_000n !== 0n) errors.invalid(field, amount, 'must be an integer');
  }
}

const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.');

/** Kubetick's own: what the node's system uses besides pods. */
const SYSTEM_USE = ['memory', 'ephemeral-storage', 'pids'] as const;

function checkSystemUse(annotations: Record<string, string> | undefined, errors: FieldErrors): void {
  for (const resource of SYSTEM_USE) {
    const key = `kubetick.io/${resource}`;
    const value = annotations?.[key];
    if (value === undefined) continue;
    const nanos = tryQuantity(value)?.nanos ?? -1n;
    if (nanos < 0n)
      errors.invalid(entry('metadata.annotations', key), value, 'must be a quantity such as 500Mi');
  }
}

function validate(node: KubeObject, errors: FieldErrors): void {
  const { spec, status } = node;
  checkSystemUse(node.metadata.annotations, errors);
  checkTaints(spec.taints ?? [], 'metadata.taints', errors);
  checkResources(status.capacity, 'status.capacity', errors);
  checkResources(status.allocatable, 'status.allocatable', errors);
  const ranges: string[] = spec.podCIDRs ?? [];
  const fine = ranges
    .map((range, index) => checkCidr(errors, item('spec.podCIDRs', index), range))
    .every((ok) => ok);
  if (ranges.length > 1 && fine) {
    const families = new Set(ranges.map((range) => parseCidr(range)?.address.family));
    if (families.size < 2 || ranges.length > 2) {
      errors.invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family');
    }
    for (const [index, range] of ranges.entries()) {
      if (ranges.indexOf(range) < index) errors.duplicate(item('spec.podCIDRs', index), range);
    }
  }
}

function warnings(node: KubeObject): string[] {
  const found: string[] = [];
  if (node.spec?.configSource !== undefined) {
    found.push('spec.configSource: the feature is removed');
  }
  if ((node.spec?.externalID ?? '') !== '') {
    found.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
  }
  return found;
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'Node',
    resource: 'nodes',
    namespaced: false,
    shortNames: ['no'],
    modelled: true,
    defaults,
    validate,
    warnings,
  },
];
