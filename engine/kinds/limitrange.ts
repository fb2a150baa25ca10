// LimitRange (core/v1): defaults of container limits (SetDefaults_LimitRangeItem) and their consistency
// (ValidateLimitRange), v1.36.
import { entries, omitEmpty, report } from './checks.ts';
import { entry, type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { labelKeyMessages } from './names.ts';
import { compareQuantities, tryQuantity } from './quantity.ts';

type Amounts = Record<string, string>;
const containerResources = ['cpu', 'memory', 'ephemeral-storage'];
const standardResources = [
  ...containerResources,
  'pods',
  'storage',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
];

function defaults(range: KubeObject): void {
  range.spec ??= {};
  range.spec.limits ??= null;
  for (const limit of range.spec.limits ?? []) {
    if (limit.type === 'Container') {
      limit.default = { ...limit.max, ...limit.default };
      limit.defaultRequest = { ...limit.min, ...limit.default, ...limit.defaultRequest };
    }
    omitEmpty(limit, 'max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio');
  }
}

function checkName(type: string, name: string, field: string, errors: FieldErrors): void {
  const messages = labelKeyMessages(name);
  report(errors, field, name, messages);
  if (messages.length > 0 || name.includes('/')) return;
  const hugePages = name.startsWith('hugepages-');
  if (!standardResources.includes(name) && !hugePages) {
    errors.invalid(field, name, 'must be a standard resource type or fully qualified');
  }
  if ((type === 'Container' || type === 'Pod') && !containerResources.includes(name) && !hugePages) {
    errors.invalid(field, name, 'must be a standard resource for containers');
  }
}

function validate(range: KubeObject, errors: FieldErrors): void {
  const types = new Set<string>();
  for (const [index, limit] of (range.spec.limits ?? []).entries()) {
    const at = item('spec.limits', index);
    const type: string = limit.type ?? '';
    const typeMessages = labelKeyMessages(type);
    report(errors, `${at}.type`, type, typeMessages);
    if (
      typeMessages.length === 0 &&
      !type.includes('/') &&
      !['Pod', 'Container', 'PersistentVolumeClaim'].includes(type)
    ) {
      errors.invalid(`${at}.type`, type, 'must be a standard limit type or fully qualified');
    }
    if (types.has(type)) errors.duplicate(`${at}.type`, type);
    types.add(type);
    const names = new Set<string>();
    const collect = (list: string): void => {
      for (const [field, name] of entries<string>(`${at}.${list}`, limit[list])) {
        checkName(type, name, field, errors);
        names.add(name);
      }
    };
    collect('max');
    collect('min');
    if (type === 'Pod') {
      for (const list of ['default', 'defaultRequest']) {
        if (Object.keys(limit[list] ?? {}).length > 0) {
          errors.forbidden(`${at}.${list}`, "may not be specified when `type` is 'Pod'");
        }
      }
    } else {
      collect('default');
      collect('defaultRequest');
    }
    if (
      type === 'PersistentVolumeClaim' &&
      limit.min?.storage === undefined &&
      limit.max?.storage === undefined
    ) {
      const detail = 'either minimum or maximum storage value is required, but neither was provided';
      errors.required('spec.limits', detail);
    }
    collect('maxLimitRequestRatio');
    for (const name of [...names].sort()) checkAmounts(limit, name, at, errors);
  }
}

/** Minimum ≤ default request ≤ default ≤ maximum, for one resource. */
function checkAmounts(limit: Json, name: string, at: string, errors: FieldErrors): void {
  const of = (list: string): string | undefined => (limit[list] as Amounts | undefined)?.[name];
  const [min, max, request, usual, ratio] = [
    of('min'),
    of('max'),
    of('defaultRequest'),
    of('default'),
    of('maxLimitRequestRatio'),
  ];
  const field = (list: string): string => entry(`${at}.${list}`, name);
  const above = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  if (above(min, max)) errors.invalid(field('min'), min, `min value ${min} is greater than max value ${max}`);
  if (above(min, request)) {
    const detail = `min value ${min} is greater than default request value ${request}`;
    errors.invalid(field('defaultRequest'), request, detail);
  }
  if (above(request, max)) {
    const detail = `default request value ${request} is greater than max value ${max}`;
    errors.invalid(field('defaultRequest'), request, detail);
  }
  if (above(request, usual)) {
    const detail = `default request value ${request} is greater than default limit value ${usual}`;
    errors.invalid(field('defaultRequest'), request, detail);
  }
  if (above(min, usual)) {
    errors.invalid(field('default'), min, `min value ${min} is greater than default value ${usual}`);
  }
  if (above(usual, max)) {
    errors.invalid(field('default'), max, `default value ${usual} is greater than max value ${max}`);
  }
  if (ratio !== undefined && compareQuantities(ratio, '1') < 0) {
    errors.invalid(field('maxLimitRequestRatio'), ratio, `ratio ${ratio} is less than 1`);
  }
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const nanos = (amount: string): number => Number(tryQuantity(amount)?.nanos ?? 0n);
    const span = nanos(max) / nanos(min);
    if (nanos(ratio) / 1e9 > span) {
      const detail = `ratio ${ratio} is greater than max/min = ${span.toFixed(6)}`;
      errors.invalid(field('maxLimitRequestRatio'), ratio, detail);
    }
  }
  // Resources that cannot be overcommitted need equal defaults.
  const overcommit = !name.includes('/') && !name.startsWith('hugepages-');
  if (
    !overcommit &&
    request !== undefined &&
    usual !== undefined &&
    compareQuantities(request, usual) !== 0
  ) {
    const detail = `default value ${usual} must equal to defaultRequest value ${request} in ${name}`;
    errors.invalid(field('defaultRequest'), request, detail);
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'LimitRange',
    resource: 'limitranges',
    namespaced: true,
    shortNames: ['limits'],
    modelled: true,
    defaults,
    validate,
  },
];
