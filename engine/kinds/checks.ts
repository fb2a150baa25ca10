// Checks that many kinds share: names, labels, ports, addresses, amounts. Each `…Messages` function returns the texts
// the API server prints after "Invalid value: …: " (k8s.io/apimachinery/pkg/util/validation/validation.go, v1.36),
// none when the value is fine; each `check…` function reports them at a field.
import { child, entry, type FieldErrors, item, printValue } from './field-errors.ts';
import type { Json } from './kind.ts';
import { compareQuantities } from './quantity.ts';

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedNamePart = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedNamePart})?`;
const configMapKey = '[-._a-zA-Z0-9]+';
const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const label1123Whole = whole(label1123);
const subdomain1123Whole = whole(subdomain1123);
const label1035Whole = whole(label1035);
const qualifiedNamePartWhole = whole(qualifiedNamePart);
const labelValueWhole = whole(labelValue);
const configMapKeyWhole = whole(configMapKey);
const httpPathWhole = whole(httpPath);

const maxLength = (max: number): string => `must be no more than ${max} characters`;
/** Label keys and values are counted in bytes since v1.34 (apimachinery/pkg/api/validate/content). */
const maxBytes = (max: number): string => `must be no more than ${max} bytes`;

/** "text (e.g. 'a',  or 'b', regex used for validation is 'pattern')": two spaces before "or", as upstream prints. */
function patternMessage(text: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${text} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

const subdomainMessage = patternMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomain1123,
  'example.com',
);
const label1123Message = patternMessage(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label1123,
  'my-name',
  '123-abc',
);
const label1035Message = patternMessage(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  label1035,
  'my-name',
  'abc-123',
);
const qualifiedText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** RFC 1123 label: at most 63 characters, no dots. */
export function dns1123LabelMessages(value: string): string[] {
  const messages = value.length > 63 ? [maxLength(63)] : [];
  if (!label1123Whole.test(value)) {
    messages.push(subdomain1123Whole.test(value) ? 'must not contain dots' : label1123Message);
  }
  return messages;
}

/** RFC 1123 subdomain: labels joined by dots, at most 253 characters. */
export function dns1123SubdomainMessages(value: string): string[] {
  const messages = value.length > 253 ? [maxLength(253)] : [];
  if (!subdomain1123Whole.test(value)) messages.push(subdomainMessage);
  return messages;
}

/** RFC 1035 label: starts with a letter, at most 63 characters. */
export function dns1035LabelMessages(value: string): string[] {
  const messages = value.length > 63 ? [maxLength(63)] : [];
  if (!label1035Whole.test(value)) messages.push(label1035Message);
  return messages;
}

/** Subdomain whose first label may be `*`. */
export function wildcardSubdomainMessages(value: string): string[] {
  const pattern = `\\*\\.${subdomain1123}`;
  const messages = value.length > 253 ? [maxLength(253)] : [];
  if (!whole(pattern).test(value)) {
    messages.push(
      patternMessage(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        pattern,
        '*.example.com',
      ),
    );
  }
  return messages;
}

/** `name` or `prefix/name`: label keys, taint keys, resource names. */
export function qualifiedNameMessages(value: string): string[] {
  const messages: string[] = [];
  const parts = value.split('/');
  let name = value;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    name = parts[1] as string;
    if (prefix === '') messages.push('prefix part must be non-empty');
    else for (const message of dns1123SubdomainMessages(prefix)) messages.push(`prefix part ${message}`);
  } else if (parts.length > 2) {
    const text = patternMessage(
      `a valid label key ${qualifiedText}`,
      qualifiedNamePart,
      'MyName',
      'my.name',
      '123-abc',
    );
    return [`${text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${maxBytes(63)}`);
  if (!qualifiedNamePartWhole.test(name)) {
    messages.push(
      `name part ${patternMessage(qualifiedText, qualifiedNamePart, 'MyName', 'my.name', '123-abc')}`,
    );
  }
  return messages;
}

export function labelValueMessages(value: string): string[] {
  const messages = value.length > 63 ? [maxBytes(63)] : [];
  if (!labelValueWhole.test(value)) {
    messages.push(
      patternMessage(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        labelValue,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  }
  return messages;
}

/** Keys of ConfigMap and Secret data. */
export function configMapKeyMessages(value: string): string[] {
  const messages = value.length > 253 ? [maxLength(253)] : [];
  if (!configMapKeyWhole.test(value)) {
    messages.push(
      patternMessage(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configMapKey,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (value === '.') messages.push("must not be '.'");
  else if (value === '..') messages.push("must not be '..'");
  else if (value.startsWith('..')) messages.push("must not start with '..'");
  return messages;
}

/** Names that become one segment of a URL path (RBAC objects, CSI attachments). */
export function pathSegmentMessages(value: string): string[] {
  for (const illegal of ['.', '..']) if (value === illegal) return [`may not be '${illegal}'`];
  return ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

export function portNumberMessages(value: number): string[] {
  return value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** IANA service names, as named ports use them. */
export function portNameMessages(value: string): string[] {
  const messages: string[] = [];
  if (value.length > 15) messages.push(maxLength(15));
  if (!/^[-a-z0-9]+$/.test(value)) {
    messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) messages.push('must contain at least one letter (a-z)');
  if (value.includes('--')) messages.push('must not contain consecutive hyphens');
  if (value !== '' && (value.startsWith('-') || value.endsWith('-'))) {
    messages.push('must not begin or end with a hyphen');
  }
  return messages;
}

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

/** Label maps: keys are qualified names, values label values. */
export function checkLabels(
  errors: FieldErrors,
  field: string,
  labels: Record<string, string> | undefined,
): void {
  for (const key of sortedKeys(labels)) {
    report(errors, field, key, qualifiedNameMessages(key));
    const value = labels?.[key] ?? '';
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
    report(errors, child(at, 'key'), requirement.key ?? '', qualifiedNameMessages(requirement.key ?? ''));
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

// ---- node selectors, classes, references --------------------------------------------------------------------------

/** Names of StorageClasses and VolumeAttributesClasses. */
export const checkClassName = checkSubdomain;

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
  report(errors, `${at}.key`, requirement.key ?? '', qualifiedNameMessages(requirement.key ?? ''));
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

/** Paths may not climb out of their directory. */
export function checkNoBacksteps(errors: FieldErrors, field: string, path: string): void {
  if (path.split('/').includes('..')) errors.invalid(field, path, "must not contain '..'");
}
