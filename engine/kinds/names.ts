// Texts of the API server for names that only pods, workloads and metadata have: label keys and values, environment
// variables, HTTP headers, sysctls, paths (apimachinery pkg/api/validate/content and pkg/util/validation, v1.36).
import { dns1123SubdomainMessages } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';

const LABEL_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelNamePattern = new RegExp(`^${LABEL_NAME}$`);
const labelValuePattern = new RegExp(`^(${LABEL_NAME})?$`);
const LABEL_NAME_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${LABEL_NAME}')`;
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
  `end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${LABEL_NAME})?')`;

const maxBytes = (max: number): string => `must be no more than ${max} bytes`;

/** Label keys, which are also the form of annotation keys, resource names, taint keys and finalizers. */
export function labelKeyMessages(value: string): string[] {
  const messages: string[] = [];
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${LABEL_NAME_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts[parts.length - 1] as string;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === '') messages.push('prefix part must be non-empty');
    else {
      for (const message of dns1123SubdomainMessages(prefix)) {
        messages.push(
          `prefix part ${message.replace(/^(must be no more than \d+) characters$/, '$1 bytes')}`,
        );
      }
    }
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${maxBytes(63)}`);
  if (!labelNamePattern.test(name)) messages.push(`name part ${LABEL_NAME_TEXT}`);
  return messages;
}

export function labelValueMessages(value: string): string[] {
  const messages = value.length > 63 ? [maxBytes(63)] : [];
  if (!labelValuePattern.test(value)) messages.push(LABEL_VALUE_TEXT);
  return messages;
}

export function reportLabelKey(errors: FieldErrors, field: string, value: string): void {
  for (const message of labelKeyMessages(value)) errors.invalid(field, value, message);
}

export function reportLabels(
  errors: FieldErrors,
  field: string,
  labels: Record<string, string> | undefined,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    reportLabelKey(errors, field, key);
    for (const message of labelValueMessages(value)) errors.invalid(field, value, message);
  }
}

/** RelaxedEnvironmentVariableValidation (GA): printable ASCII without '='. */
export function envNameMessages(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[ -<>-~]*$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function httpHeaderMessages(value: string): string[] {
  return /^[-A-Za-z0-9]+$/.test(value)
    ? []
    : [
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
      ];
}

const UNDERSCORE_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const UNDERSCORE_SUBDOMAIN = `${UNDERSCORE_LABEL}(\\.${UNDERSCORE_LABEL})*`;

/** DNS search domains: subdomains whose labels may hold underscores (RelaxedDNSSearchValidation, GA). */
export function searchDomainMessages(value: string): string[] {
  const messages = value.length > 253 ? ['must be no more than 253 characters'] : [];
  if (!new RegExp(`^${UNDERSCORE_SUBDOMAIN}$`).test(value)) {
    messages.push(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character " +
        `(e.g. 'example.com', regex used for validation is '${UNDERSCORE_SUBDOMAIN}')`,
    );
  }
  return messages;
}

/** Identifiers of users and groups: 0 … 2³¹ − 1. */
export function idMessages(value: number): string[] {
  return value >= 0 && value <= 2147483647 ? [] : ['must be between 0 and 2147483647, inclusive'];
}

/** Reports a path that leaves its directory: one error however many `..` it has. */
export function reportBacksteps(errors: FieldErrors, field: string, path: string): void {
  if (path.split('/').includes('..')) errors.invalid(field, path, "must not contain '..'");
}

/** A path below a directory: relative, without `..`. */
export function reportDescendingPath(errors: FieldErrors, field: string, path: string): void {
  if (path.startsWith('/')) errors.invalid(field, path, 'must be a relative path');
  reportBacksteps(errors, field, path);
}

/** A descending path that does not start with `..` either: those names are the kubelet's own. */
export function reportUnreservedPath(errors: FieldErrors, field: string, path: string): void {
  reportDescendingPath(errors, field, path);
  if (path.startsWith('..') && !path.startsWith('../') && path !== '..') {
    errors.invalid(field, path, "must not start with '..'");
  }
}
