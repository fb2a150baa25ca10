// Secret (core/v1): stringData is written into data, the type decides which keys must exist (ValidateSecret, v1.36).
import { entries, omitEmpty, report, setDefault } from './checks.ts';
import { base64Bytes, dataBytesMax } from './configmap.ts';
import { entry, type FieldErrors } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { configMapKeyMessages } from './names.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 of the UTF-8 bytes of a text (RFC 4648, padded). */
export function encodeBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += alphabet.charAt(group >> 18) + alphabet.charAt((group >> 12) & 63);
    out += left > 1 ? alphabet.charAt((group >> 6) & 63) : '=';
    out += left > 2 ? alphabet.charAt(group & 63) : '=';
  }
  return out;
}

/** The text behind a base64 value; bytes that are no UTF-8 become U+FFFD. */
export function decodeBase64(value: string): string {
  const digits = value.replace(/[\s=]/g, '');
  const bytes: number[] = [];
  for (let i = 0; i + 1 < digits.length; i += 4) {
    const at = (k: number): number => Math.max(0, alphabet.indexOf(digits.charAt(i + k) || 'A'));
    const group = (at(0) << 18) | (at(1) << 12) | (at(2) << 6) | at(3);
    bytes.push(group >> 16);
    if (i + 2 < digits.length) bytes.push((group >> 8) & 255);
    if (i + 3 < digits.length) bytes.push(group & 255);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

function defaults(secret: KubeObject): void {
  for (const [key, text] of Object.entries(secret.stringData ?? {})) {
    secret.data ??= {};
    secret.data[key] = encodeBase64(text as string);
  }
  delete secret.stringData;
  omitEmpty(secret, 'data');
  setDefault(secret, 'type', 'Opaque');
}

/** What Go's JSON decoder says about a text that should be an object; '' when it is one. */
function jsonObjectProblem(text: string): string {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    const first = text.trimStart().charAt(0);
    return first === '' || /[[{"\-0-9tfn]/.test(first)
      ? 'unexpected end of JSON input'
      : `invalid character '${first}' looking for beginning of value`;
  }
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  if (value === null || found === 'object') return '';
  return `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`;
}

function checkJsonKey(errors: FieldErrors, data: Record<string, string>, key: string): void {
  const value = data[key];
  if (value === undefined) {
    errors.required(entry('data', key));
    return;
  }
  const problem = jsonObjectProblem(decodeBase64(value));
  if (problem !== '') errors.invalid(entry('data', key), '<secret contents redacted>', problem);
}

function validate(secret: KubeObject, errors: FieldErrors): void {
  const data: Record<string, string> = secret.data ?? {};
  let bytes = 0;
  for (const [field, key, value] of entries<string>('data', data)) {
    report(errors, field, key, configMapKeyMessages(key));
    bytes += base64Bytes(value);
  }
  if (bytes > dataBytesMax) errors.tooLong('data', dataBytesMax);
  switch (secret.type) {
    case 'kubernetes.io/service-account-token': {
      const annotation = 'kubernetes.io/service-account.name';
      if ((secret.metadata.annotations?.[annotation] ?? '') === '') {
        errors.required(entry('metadata.annotations', annotation));
      }
      break;
    }
    case 'kubernetes.io/dockercfg':
      checkJsonKey(errors, data, '.dockercfg');
      break;
    case 'kubernetes.io/dockerconfigjson':
      checkJsonKey(errors, data, '.dockerconfigjson');
      break;
    case 'kubernetes.io/basic-auth':
      if (data.username === undefined && data.password === undefined) {
        errors.required('data[username]');
        errors.required('data[password]');
      }
      break;
    case 'kubernetes.io/ssh-auth':
      if ((data['ssh-privatekey'] ?? '') === '') errors.required('data[ssh-privatekey]');
      break;
    case 'kubernetes.io/tls':
      for (const key of ['tls.crt', 'tls.key'])
        if (data[key] === undefined) errors.required(entry('data', key));
      break;
  }
}

const pemBlock = /-----BEGIN [^-\n]*-----[\s\S]*?-----END [^-\n]*-----/;

/** A TLS secret whose certificate or key holds no PEM block is kept, with the warning of Go's tls.X509KeyPair. */
function warnings(secret: KubeObject): string[] {
  if (secret.type !== 'kubernetes.io/tls') return [];
  for (const [key, what] of [
    ['tls.crt', 'certificate'],
    ['tls.key', 'key'],
  ] as const) {
    if (!pemBlock.test(decodeBase64(secret.data?.[key] ?? ''))) {
      return [`tls: failed to find any PEM data in ${what} input`];
    }
  }
  return [];
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'Secret',
    resource: 'secrets',
    namespaced: true,
    modelled: false,
    defaults,
    validate,
    warnings,
  },
];
