// Names of resource.k8s.io: pools, attributes and capacities of devices (pkg/apis/resource/validation/validation.go, v1.36).
import { checkSubdomain, report } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import { labelKeyMessages, labelValueMessages, patternMessage } from './names.ts';
import { checkCsiDriverName } from './volume-sources.ts';

const POOL_NAME_MAX = 253;
const ID_MAX = 32;
/** Domain of 63, a slash, an identifier: longer keys are shortened where they are printed. */
const KEY_MAX = 63 + 1 + ID_MAX;
const IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*';

/** Subdomains, separated by slashes. */
export function checkPoolName(errors: FieldErrors, field: string, name: string): void {
  if (name === '') {
    errors.required(field);
    return;
  }
  if (name.length > POOL_NAME_MAX) errors.tooLong(field, POOL_NAME_MAX);
  for (const part of name.split('/')) checkSubdomain(errors, field, part);
}

function checkIdentifier(errors: FieldErrors, field: string, id: string): void {
  if (id.length > ID_MAX) errors.tooLong(field, ID_MAX);
  if (new RegExp(`^${IDENTIFIER}$`).test(id)) return;
  const rule =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  errors.invalid(field, id, patternMessage(rule, IDENTIFIER, 'my_name', 'MY_NAME', 'MyName'));
}

/** `id` or `domain/id`. More than one slash is accepted, as upstream does. */
export function checkQualifiedName(errors: FieldErrors, field: string, name: string): void {
  const parts = name.split('/');
  if (parts.length === 1) checkIdentifier(errors, field, name);
  if (parts.length !== 2) return;
  const [domain = '', id = ''] = parts;
  if (domain === '') errors.invalid(field, '', 'the domain must not be empty');
  else checkCsiDriverName(errors, field, domain);
  if (id === '') errors.invalid(field, '', 'the name must not be empty');
  else checkIdentifier(errors, field, id);
}

export function checkFullName(errors: FieldErrors, field: string, name: string): void {
  checkQualifiedName(errors, field, name);
  if (!name.includes('/'))
    errors.invalid(field, name, 'a fully qualified name must be a domain and a name separated by a slash');
}

/** Long keys lose their middle. */
export function shortKey(key: string): string {
  if (key.length <= KEY_MAX) return key;
  const left = KEY_MAX - 3;
  return `${key.slice(0, Math.floor((left + 1) / 2))}...${key.slice(key.length - Math.floor(left / 2))}`;
}

export const checkLabelName = (errors: FieldErrors, field: string, name: string): void =>
  report(errors, field, name, labelKeyMessages(name));
export const checkLabelValue = (errors: FieldErrors, field: string, value: string): void =>
  report(errors, field, value, labelValueMessages(value));
