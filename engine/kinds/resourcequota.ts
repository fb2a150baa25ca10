// ResourceQuota (core/v1): names, amounts and scopes of quotas (ValidateResourceQuota, v1.36).
import { checkNonNegativeQuantity, entries, omitEmpty, report } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { labelKeyMessages } from './names.ts';
import { tryQuantity } from './quantity.ts';

/** Counts of objects: whole numbers only. */
const countResources = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const computeResources = [
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
];
const quotaResources = [...countResources, ...computeResources, 'requests.storage'];
/** Also known as resources, but not for quotas. */
const otherStandardResources = ['storage'];
const scopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];
const exclusiveScopes = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

const isHugePages = (name: string): boolean => /^(requests\.)?hugepages-/.test(name);

/** True for what a quota counts by a short name, e.g. `pods` or `limits.cpu`. */
const isQuotaResource = (name: string): boolean => quotaResources.includes(name) || isHugePages(name);

function defaults(quota: KubeObject): void {
  quota.spec ??= {};
  omitEmpty(quota.spec, 'hard', 'scopes');
  quota.status = {};
}

function checkName(name: string, field: string, errors: FieldErrors): void {
  const messages = labelKeyMessages(name);
  report(errors, field, name, messages);
  if (name.includes('/')) return;
  const standard = isQuotaResource(name) || otherStandardResources.includes(name);
  if (messages.length === 0 && !standard) {
    errors.invalid(field, name, 'must be a standard resource type or fully qualified');
  }
  if (!isQuotaResource(name)) errors.invalid(field, name, 'must be a standard resource for quota');
}

function scopeApplies(scope: string, resource: string): boolean {
  switch (scope) {
    case 'BestEffort':
      return resource === 'pods';
    case 'VolumeAttributesClass':
      return resource === 'persistentvolumeclaims' || resource === 'requests.storage';
    case 'CrossNamespacePodAffinity':
    case 'PriorityClass':
    case 'Terminating':
    case 'NotTerminating':
    case 'NotBestEffort':
      return resource === 'pods' || computeResources.includes(resource);
    default:
      return true;
  }
}

function checkScopes(
  given: readonly string[],
  shown: Json,
  hard: Record<string, string>,
  field: string,
  errors: FieldErrors,
): void {
  for (const scope of given) {
    if (!scopes.includes(scope)) errors.invalid(field, shown, 'unsupported scope');
    for (const [, resource] of entries('', hard)) {
      if (isQuotaResource(resource) && !scopeApplies(scope, resource)) {
        errors.invalid(field, shown, 'unsupported scope applied to resource');
      }
    }
  }
  for (const pair of exclusiveScopes) {
    if (pair.every((scope) => given.includes(scope))) errors.invalid(field, shown, 'conflicting scopes');
  }
}

function checkScopeSelector(selector: Json, hard: Record<string, string>, errors: FieldErrors): void {
  const field = 'spec.scopeSelector.matchExpressions';
  const requirements: Json[] = selector.matchExpressions ?? [];
  for (const [index, requirement] of requirements.entries()) {
    const at = item(field, index);
    const { scopeName = '', operator = '', values = [] } = requirement;
    if (!scopes.includes(scopeName)) errors.invalid(`${at}.scopeName`, scopeName, 'unsupported scope');
    for (const [, resource] of entries('', hard)) {
      if (isQuotaResource(resource) && !scopeApplies(scopeName, resource)) {
        errors.invalid(field, shownRequirements(requirements), 'unsupported scope applied to resource');
      }
    }
    const existsOnly = [
      'BestEffort',
      'NotBestEffort',
      'Terminating',
      'NotTerminating',
      'CrossNamespacePodAffinity',
    ];
    if (existsOnly.includes(scopeName) && operator !== 'Exists') {
      const list = 'BestEffort, NotBestEffort, Terminating, NotTerminating, CrossNamespacePodAffinity';
      errors.invalid(`${at}.operator`, operator, `must be 'Exist' when scope is any of ${list}`);
    }
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      errors.required(
        `${at}.values`,
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      );
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      const detail = "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector";
      errors.invalid(`${at}.values`, values, detail);
    }
    const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
    if (!operators.includes(operator))
      errors.invalid(`${at}.operator`, operator, 'not a valid selector operator');
  }
  const names = requirements.map(({ scopeName }) => scopeName);
  for (const pair of exclusiveScopes) {
    if (pair.every((scope) => names.includes(scope))) {
      errors.invalid(field, shownRequirements(requirements), 'conflicting scopes');
    }
  }
}

const shownRequirements = (requirements: readonly Json[]): Json =>
  requirements.map((one) => ({
    ScopeName: one.scopeName,
    Operator: one.operator,
    Values: one.values ?? null,
  }));

function validate(quota: KubeObject, errors: FieldErrors): void {
  const hard: Record<string, string> = quota.spec.hard ?? {};
  for (const [field, name, amount] of entries<string>('spec.hard', hard)) {
    checkName(name, field, errors);
    checkNonNegativeQuantity(errors, field, amount);
    const whole = countResources.includes(name) || isExtended(name);
    if (whole && (tryQuantity(amount)?.nanos ?? 0n) % 1_000_000_000n !== 0n) {
      errors.invalid(field, amount, 'must be an integer');
    }
  }
  const given: string[] = quota.spec.scopes ?? [];
  checkScopes(given, given, hard, 'spec.scopes', errors);
  if (quota.spec.scopeSelector !== undefined) checkScopeSelector(quota.spec.scopeSelector, hard, errors);
}

/** Resources of devices, `example.com/gpu` and `requests.example.com/gpu`. */
const isExtended = (name: string): boolean =>
  name.includes('/') && !name.startsWith('count/') && !/(^|\.)kubernetes\.io\//.test(name);

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    resource: 'resourcequotas',
    namespaced: true,
    shortNames: ['quota'],
    modelled: true,
    defaults,
    validate,
  },
];
