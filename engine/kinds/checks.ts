// Checks that many kinds share: labels, selectors, ports, paths, amounts. Each `check…` function reports what the API
// server says (apimachinery/pkg/util/validation and pkg/apis/core/validation, v1.36) at a field.
import { child, entry, type FieldErrors, item, printValue } from './field-errors.ts';
import type { Json } from './kind.ts';
import {
  dns1123LabelMessages,
  dns1123SubdomainMessages,
  labelKeyMessages,
  labelValueMessages,
  patternMessage,
  portNameMessages,
  portNumberMessages,
} from './names.ts';
import { compareQuantities } from './quantity.ts';

const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPathWhole = new RegExp(`^${httpPath}$`);

const nonNegativeMessage = 'must be greater than or equal to 0';

// ---- reporting ----------------------------------------------------------------------------------------------------

/** Reports each message about `value` at `field`. */
export function report(
  errors: FieldErrors,
  field: string,
  value: unknown,
  messages: readonly string[],
): void {
  for (const message of messages) errors.invalid(field, value, message);
}

export const checkSubdomain = (errors: FieldErrors, field: string, value: string): void =>
  report(errors, field, value, dns1123SubdomainMessages(value));
export const checkLabel1123 = (errors: FieldErrors, field: string, value: string): void =>
  report(errors, field, value, dns1123LabelMessages(value));

/** NotSupported whose values upstream keeps in declaration order, where FieldErrors.notSupported sorts them. */
export function notSupportedInOrder(
  errors: FieldErrors,
  field: string,
  value: unknown,
  supported: readonly string[],
): void {
  const values = supported.map((one) => JSON.stringify(one)).join(', ');
  errors.push(
    field,
    'FieldValueNotSupported',
    `Unsupported value: ${printValue(value)}: supported values: ${values}`,
  );
}

/** Required when empty or absent, NotSupported when not among `supported` (printed sorted). */
export function checkOneOf(
  errors: FieldErrors,
  field: string,
  value: Json,
  supported: readonly string[],
): void {
  if (value === undefined || value === '') errors.required(field);
  else if (!supported.includes(value)) errors.notSupported(field, value, supported);
}

export function checkNonNegative(errors: FieldErrors, field: string, value: number): void {
  if (value < 0) errors.invalid(field, value, nonNegativeMessage);
}

/** Keys in the order the tests of a map can rely on; Go visits maps in random order. */
export const sortedKeys = (map: Record<string, Json> | undefined): string[] => Object.keys(map ?? {}).sort();

/** A number, or a name of a container port. */
export function checkPortNumberOrName(errors: FieldErrors, field: string, value: Json): void {
  if (typeof value === 'string') report(errors, field, value, portNameMessages(value));
  else report(errors, field, value, portNumberMessages(value));
}

export const checkLabelKey = (errors: FieldErrors, field: string, key: string): void =>
  report(errors, field, key, labelKeyMessages(key));

/** Label maps: keys are qualified names, values label values. */
export function checkLabels(
  errors: FieldErrors,
  field: string,
  labels: Record<string, string> | undefined,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    checkLabelKey(errors, field, key);
    report(errors, field, value, labelValueMessages(value));
  }
}

/** metav1.LabelSelector (apimachinery/pkg/apis/meta/v1/validation). Nothing to say about an absent selector. */
export function checkLabelSelector(errors: FieldErrors, field: string, selector: Json): void {
  if (selector === undefined || selector === null) return;
  checkLabels(errors, child(field, 'matchLabels'), selector.matchLabels);
  for (const [index, requirement] of (selector.matchExpressions ?? []).entries()) {
    const at = item(child(field, 'matchExpressions'), index);
    const values: string[] = requirement.values ?? [];
    switch (requirement.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          errors.required(child(at, 'values'), "must be specified when `operator` is 'In' or 'NotIn'");
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          errors.forbidden(
            child(at, 'values'),
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          );
        }
        break;
      default:
        errors.invalid(child(at, 'operator'), requirement.operator ?? '', 'not a valid selector operator');
    }
    report(errors, child(at, 'key'), requirement.key ?? '', labelKeyMessages(requirement.key ?? ''));
    for (const [k, value] of values.entries()) {
      report(errors, item(child(at, 'values'), k), value, labelValueMessages(value));
    }
  }
}

/** A domain of at least three segments, e.g. names of admission webhooks. */
export function checkFullyQualifiedName(errors: FieldErrors, field: string, value: string): void {
  if (value === '') {
    errors.required(field);
    return;
  }
  const messages = dns1123SubdomainMessages(value);
  if (messages.length > 0) {
    report(errors, field, value, messages);
    return;
  }
  if (value.split('.').length < 3) {
    errors.invalid(field, value, 'should be a domain with at least three segments separated by dots');
  }
}

/** `domain/path`, e.g. controllers of IngressClasses. */
export function checkDomainPrefixedPath(errors: FieldErrors, field: string, value: string): void {
  if (value === '') {
    errors.required(field);
    return;
  }
  const slash = value.indexOf('/');
  const host = value.slice(0, slash);
  const path = value.slice(slash + 1);
  if (slash < 0 || host === '' || path === '') {
    errors.invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  report(errors, field, host, dns1123SubdomainMessages(host));
  if (!httpPathWhole.test(path)) {
    errors.invalid(field, path, `Invalid path (regex used for validation is '${httpPath}')`);
  }
}

// ---- amounts ------------------------------------------------------------------------------------------------------

const percentPattern = /^[0-9]+%$/;

/** An IntOrString that is a count or a percentage: counts must not be negative, strings must be percentages. */
export function checkPositiveIntOrPercent(errors: FieldErrors, field: string, value: Json): void {
  if (typeof value === 'string') {
    if (!percentPattern.test(value)) {
      errors.invalid(
        field,
        value,
        patternMessage(
          "a valid percent string must be a numeric string followed by an ending '%'",
          '[0-9]+%',
          '1%',
          '93%',
        ),
      );
    }
  } else checkNonNegative(errors, field, value);
}

/** Percentages may not exceed 100. */
export function checkNotMoreThan100Percent(errors: FieldErrors, field: string, value: Json): void {
  if (typeof value === 'string' && percentPattern.test(value) && Number(value.slice(0, -1)) > 100) {
    errors.invalid(field, value, 'must not be greater than 100%');
  }
}

/** Amounts that must be above zero, e.g. the size of a volume. `value` is a canonical quantity. */
export function checkPositiveQuantity(errors: FieldErrors, field: string, value: string): void {
  if (compareQuantities(value, '0') <= 0) errors.invalid(field, value, 'must be greater than zero');
}

export function checkNonNegativeQuantity(errors: FieldErrors, field: string, value: string): void {
  if (compareQuantities(value, '0') < 0) errors.invalid(field, value, nonNegativeMessage);
}

// ---- shape of stored objects --------------------------------------------------------------------------------------

/** True for what Go's `omitempty` leaves out of a stored object: false, 0, "", empty lists and maps. */
const isEmpty = (value: Json): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  value === 0 ||
  value === '' ||
  (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0);

/** Drops the named fields where they hold their type's zero value, as the server's JSON encoder does. */
export function omitEmpty(object: Json, ...fields: string[]): void {
  if (object === undefined || object === null) return;
  for (const field of fields) if (field in object && isEmpty(object[field])) delete object[field];
}

/** Sets `field` to `value` when absent, null, or an empty string. */
export function setDefault(object: Json, field: string, value: Json): void {
  const now = object[field];
  if (now === undefined || now === null || now === '') object[field] = value;
}

/** Field paths of a map's entries, in sorted key order, with the values. */
export function* entries<T>(
  field: string,
  map: Record<string, T> | undefined,
): Generator<[string, string, T]> {
  for (const key of sortedKeys(map)) yield [entry(field, key), key, map?.[key] as T];
}

/** Length of a text in UTF-8 bytes. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

// ---- node selectors -------------------------------------------------------------------------------------------------

function checkNodeRequirement(errors: FieldErrors, at: string, requirement: Json): void {
  const values: string[] = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.forbidden(
          `${at}.values`,
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      errors.invalid(`${at}.operator`, requirement.operator ?? '', 'not a valid selector operator');
  }
  report(errors, `${at}.key`, requirement.key ?? '', labelKeyMessages(requirement.key ?? ''));
}

function checkNodeFieldRequirement(errors: FieldErrors, at: string, requirement: Json): void {
  const values: string[] = requirement.values ?? [];
  if (requirement.operator !== 'In' && requirement.operator !== 'NotIn') {
    errors.invalid(`${at}.operator`, requirement.operator ?? '', 'not a valid selector operator');
  } else if (values.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.required(`${at}.values`, detail);
  }
  if (requirement.key !== 'metadata.name') {
    errors.invalid(`${at}.key`, requirement.key ?? '', 'not a valid field selector key');
    return;
  }
  for (const [k, value] of values.entries()) checkSubdomain(errors, item(`${at}.values`, k), value);
}

/** core NodeSelector (ValidateNodeSelector, v1.36). */
export function checkNodeSelector(errors: FieldErrors, field: string, selector: Json): void {
  const terms: Json[] = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0)
    errors.required(`${field}.nodeSelectorTerms`, 'must have at least one node selector term');
  for (const [index, term] of terms.entries()) {
    const at = item(`${field}.nodeSelectorTerms`, index);
    for (const [k, one] of (term.matchExpressions ?? []).entries()) {
      checkNodeRequirement(errors, item(`${at}.matchExpressions`, k), one);
    }
    for (const [k, one] of (term.matchFields ?? []).entries()) {
      checkNodeFieldRequirement(errors, item(`${at}.matchFields`, k), one);
    }
  }
}

// ---- paths ---------------------------------------------------------------------------------------------------------

/** Reports a path that leaves its directory: one error however many `..` it has. */
export function checkNoBacksteps(errors: FieldErrors, field: string, path: string): void {
  if (path.split('/').includes('..')) errors.invalid(field, path, "must not contain '..'");
}

/** A path below a directory: relative, without `..`. */
export function checkDescendingPath(errors: FieldErrors, field: string, path: string): void {
  if (path.startsWith('/')) errors.invalid(field, path, 'must be a relative path');
  checkNoBacksteps(errors, field, path);
}

/** A descending path that does not start with `..` either: those names are the kubelet's own. */
export function checkUnreservedPath(errors: FieldErrors, field: string, path: string): void {
  checkDescendingPath(errors, field, path);
  if (path.startsWith('..') && !path.startsWith('../') && path !== '..') {
    errors.invalid(field, path, "must not start with '..'");
  }
}
