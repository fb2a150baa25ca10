// Names as the API server takes them: each `…Messages` function returns the texts that it prints after
// "Invalid value: …: ", none when the value is fine (k8s.io/apimachinery/pkg/util/validation/validation.go and
// pkg/api/validate/content, v1.36).

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedNamePart = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedNamePart})?`;
const configMapKey = '[-._a-zA-Z0-9]+';

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const label1123Whole = whole(label1123);
const subdomain1123Whole = whole(subdomain1123);
const label1035Whole = whole(label1035);
const qualifiedNamePartWhole = whole(qualifiedNamePart);
const labelValueWhole = whole(labelValue);
const configMapKeyWhole = whole(configMapKey);

const maxLength = (max: number): string => `must be no more than ${max} characters`;
/** Label keys and values are counted in bytes since v1.34 (apimachinery/pkg/api/validate/content). */
const maxBytes = (max: number): string => `must be no more than ${max} bytes`;

/** "text (e.g. 'a',  or 'b', regex used for validation is 'pattern')": two spaces before "or", as upstream prints. */
export function patternMessage(text: string, pattern: string, ...examples: string[]): string {
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
const labelKeyText = patternMessage(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualifiedNamePart,
  'MyName',
  'my.name',
  '123-abc',
);

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

/** `name` or `prefix/name`: keys of labels and annotations, taint keys, resource names, finalizers (content.IsLabelKey). */
export function labelKeyMessages(value: string): string[] {
  const messages: string[] = [];
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${labelKeyText} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts[parts.length - 1] as string;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === '') messages.push('prefix part must be non-empty');
    else {
      if (prefix.length > 253) messages.push(`prefix part ${maxBytes(253)}`);
      if (!subdomain1123Whole.test(prefix)) messages.push(`prefix part ${subdomainMessage}`);
    }
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${maxBytes(63)}`);
  if (!qualifiedNamePartWhole.test(name)) messages.push(`name part ${labelKeyText}`);
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
