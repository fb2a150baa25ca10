// Turns parsed YAML or JSON into an API object exactly as the server's strict decoder would store it, or into its
// 400 message: unknown fields, Go type errors, quantities, times, base64. Zero values are kept or left out as the Go
// struct tags say (sigs.k8s.io/json, apimachinery/pkg/runtime/serializer/json; v1.36, fieldValidation=Strict).
import type { Json, KubeObject } from './kind.ts';
import { parseQuantity, QuantityError, roundUpQuantity } from './quantity.ts';
import { type SchemaField, type SchemaKind, type SchemaType, schemaKinds, schemaStruct } from './schema.ts';
import { canonicalTime, TimeError } from './time.ts';

export type DecodeResult =
  | { readonly object: KubeObject; readonly kind: SchemaKind }
  | { readonly code: 400 | 404; readonly message: string };

/** What the server answers for a kind that it does not serve. */
export const UNKNOWN_KIND_MESSAGE = 'no such kind in this API server';

/** Errors of custom unmarshalers end decoding; type errors are remembered and decoding goes on. */
class DecodeAbort extends Error {}

/** sigs.k8s.io/json stops collecting strict errors at this number. */
const STRICT_ERRORS_MAX = 100;
const MAX_INT32 = 2 ** 31 - 1;

interface DecodeState {
  /** Go's error context: the innermost struct, and the field names down to here (no list indexes, no map keys). */
  struct: string;
  readonly stack: string[];
  firstError: string | undefined;
  readonly strict: string[];
}

const isObject = (raw: unknown): raw is Record<string, unknown> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw);

function kindOfValue(raw: unknown): string {
  if (Array.isArray(raw)) return 'array';
  if (typeof raw === 'object') return 'object';
  return typeof raw === 'boolean' ? 'bool' : typeof raw;
}

function typeErrorText(state: DecodeState, value: string, goType: string): string {
  const place =
    state.stack.length === 0
      ? 'Go value of type '
      : `Go struct field ${state.struct}.${state.stack.join('.')} of type `;
  return `json: cannot unmarshal ${value} into ${place}${goType}`;
}

function typeError(state: DecodeState, value: string, goType: string): undefined {
  state.firstError ??= typeErrorText(state, value, goType);
  return undefined;
}

function strictError(state: DecodeState, message: string): void {
  if (state.strict.length < STRICT_ERRORS_MAX && !state.strict.includes(message)) state.strict.push(message);
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Canonical base64 of the text, or the offset at which Go's decoder finds it corrupt. Line ends are skipped. */
export function canonicalBase64(text: string): string | number {
  const digits: number[] = [];
  let quantum = 0;
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    at++;
    if (char === '\n' || char === '\r') continue;
    const value = BASE64.indexOf(char);
    if (value >= 0) {
      digits.push(value);
      quantum = (quantum + 1) % 4;
      continue;
    }
    if (char !== '=' || quantum < 2) return at - 1;
    if (quantum === 2) {
      while (text[at] === '\n' || text[at] === '\r') at++;
      if (at === text.length) return text.length;
      if (text[at] !== '=') return at;
      at++;
    }
    while (text[at] === '\n' || text[at] === '\r') at++;
    if (at < text.length) return at;
    quantum = 0;
  }
  if (quantum !== 0) return text.length - quantum;
  return encodeBase64(digits);
}

/** Six-bit digits back to text, with padding and unused bits cleared. */
function encodeBase64(digits: readonly number[]): string {
  const tail = digits.length % 4;
  let out = '';
  for (const [index, digit] of digits.entries()) {
    const last = index === digits.length - 1;
    const mask = last && tail === 2 ? 0x30 : last && tail === 3 ? 0x3c : 0x3f;
    out += BASE64.charAt(digit & mask);
  }
  return out + (tail === 2 ? '==' : tail === 3 ? '=' : '');
}

function decodeBytes(raw: unknown, state: DecodeState): Json {
  if (typeof raw === 'string') {
    const text = canonicalBase64(raw);
    if (typeof text === 'string') return text;
    state.firstError ??= `illegal base64 data at input byte ${text}`;
    return undefined;
  }
  if (Array.isArray(raw)) {
    for (const element of raw) {
      if (typeof element !== 'number') return typeError(state, kindOfValue(element), 'uint8');
    }
    return encodeBytes(raw as number[]);
  }
  return typeError(state, kindOfValue(raw), '[]uint8');
}

function encodeBytes(bytes: readonly number[]): string {
  const digits: number[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b, c] = bytes.slice(at, at + 3);
    digits.push(a >> 2, ((a & 3) << 4) | ((b ?? 0) >> 4));
    if (b !== undefined) digits.push(((b & 15) << 2) | ((c ?? 0) >> 6));
    if (c !== undefined) digits.push(c & 63);
  }
  return encodeBase64(digits);
}

function decodeInteger(raw: unknown, type: SchemaType, state: DecodeState): Json {
  if (typeof raw !== 'number') return typeError(state, kindOfValue(raw), type.goType);
  const fits = Number.isInteger(raw) && (type.code === 'l' || (raw >= -MAX_INT32 - 1 && raw <= MAX_INT32));
  return fits ? raw : typeError(state, `number ${raw}`, type.goType);
}

function decodeQuantity(raw: unknown, roundToMilli: boolean): string {
  const text = typeof raw === 'string' ? raw : typeof raw === 'number' ? String(raw) : JSON.stringify(raw);
  try {
    const quantity = parseQuantity(text);
    return (roundToMilli ? roundUpQuantity(quantity, -3) : quantity).text;
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeAbort(error.message);
    throw error;
  }
}

function decodeTime(raw: unknown, fraction: 0 | 6, state: DecodeState): string {
  if (typeof raw !== 'string') throw new DecodeAbort(typeErrorText(state, kindOfValue(raw), 'string'));
  try {
    return canonicalTime(raw, fraction);
  } catch (error) {
    if (error instanceof TimeError) throw new DecodeAbort(error.message);
    throw error;
  }
}

function decodeIntOrString(raw: unknown, state: DecodeState): Json {
  if (typeof raw === 'string') return raw;
  if (typeof raw !== 'number') throw new DecodeAbort(typeErrorText(state, kindOfValue(raw), 'int32'));
  if (!Number.isInteger(raw) || raw > MAX_INT32 || raw < -MAX_INT32 - 1) {
    throw new DecodeAbort(typeErrorText(state, `number ${raw}`, 'int32'));
  }
  return raw;
}

const cloneJson = (raw: unknown): Json => (raw === undefined ? undefined : JSON.parse(JSON.stringify(raw)));

/** Zero value of a type as Go serialises it. */
function zeroValue(type: SchemaType): Json {
  switch (type.code) {
    case 'struct':
      return zeroStruct(type.struct);
    case 's':
      return '';
    case 'i':
    case 'l':
    case 'n':
    case 'o':
      return 0;
    case 'b':
      return false;
    case 'q':
      return '0';
    default:
      return null;
  }
}

/** Types whose Go values are structs: `omitempty` never drops them. */
const STRUCT_LIKE: ReadonlySet<string> = new Set(['struct', 'q', 'o', 't', 'u']);
const isStructLike = (type: SchemaType): boolean => STRUCT_LIKE.has(type.code);

function zeroStruct(index: number): Record<string, Json> {
  const out: Record<string, Json> = {};
  for (const field of schemaStruct(index).fields.values()) fillAbsent(out, field);
  return out;
}

/** Adds what Go prints for a field that was not given. */
function fillAbsent(out: Record<string, Json>, field: SchemaField): void {
  if (field.pointer) {
    if (field.always) out[field.name] = null;
    return;
  }
  if (field.omitZero) return;
  if (field.always || isStructLike(field.type)) out[field.name] = zeroValue(field.type);
}

const isZero = (value: Json): boolean =>
  value === '' ||
  value === 0 ||
  value === false ||
  value === null ||
  (Array.isArray(value) && value.length === 0);

function decodeValue(raw: unknown, type: SchemaType, path: string, core: boolean, state: DecodeState): Json {
  switch (type.code) {
    case 's':
      return typeof raw === 'string' ? raw : typeError(state, kindOfValue(raw), type.goType);
    case 'b':
      return typeof raw === 'boolean' ? raw : typeError(state, kindOfValue(raw), type.goType);
    case 'i':
    case 'l':
      return decodeInteger(raw, type, state);
    case 'n':
      return typeof raw === 'number' ? raw : typeError(state, kindOfValue(raw), type.goType);
    case 'y':
      return decodeBytes(raw, state);
    case 'q':
      return decodeQuantity(raw, false);
    case 'o':
      return decodeIntOrString(raw, state);
    case 't':
      return decodeTime(raw, 0, state);
    case 'u':
      return decodeTime(raw, 6, state);
    case 'x':
      return cloneJson(raw);
    case 'struct':
      return isObject(raw)
        ? decodeStruct(raw, type.struct, path, state)
        : typeError(state, kindOfValue(raw), type.goType);
    case 'list':
      return decodeList(raw, type, path, core, state);
    case 'map':
      return decodeMap(raw, type, path, core, state);
  }
}

function decodeList(raw: unknown, type: SchemaType, path: string, core: boolean, state: DecodeState): Json {
  if (!Array.isArray(raw)) return typeError(state, kindOfValue(raw), type.goType);
  const element = type.element as SchemaType;
  return raw.map((item, index) => {
    const value = item === null ? undefined : decodeValue(item, element, `${path}[${index}]`, core, state);
    return value === undefined ? zeroValue(element) : value;
  });
}

function decodeMap(raw: unknown, type: SchemaType, path: string, core: boolean, state: DecodeState): Json {
  if (!isObject(raw)) return typeError(state, kindOfValue(raw), type.goType);
  const element = type.element as SchemaType;
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(raw)) {
    let value: Json;
    if (item === null || item === undefined) value = undefined;
    else if (element.code === 'q') value = decodeQuantity(item, core);
    else value = decodeValue(item, element, `${path}.${key}`, core, state);
    out[key] = value === undefined ? zeroValue(element) : value;
  }
  return out;
}

function decodeStruct(raw: Record<string, unknown>, index: number, path: string, state: DecodeState): Json {
  const struct = schemaStruct(index);
  const out: Record<string, Json> = {};
  const outer = state.struct;
  const depth = state.stack.length;
  // Clients turn YAML into JSON with sorted keys, and errors come in that order.
  for (const key of Object.keys(raw).sort()) {
    const item = raw[key];
    const field = struct.fields.get(key);
    const fieldPath = path === '' ? key : `${path}.${key}`;
    if (field === undefined) {
      strictError(state, `unknown field ${JSON.stringify(fieldPath)}`);
      continue;
    }
    if (item === null || item === undefined) continue;
    state.struct = struct.name;
    if (field.embedded !== '') state.stack.push(field.embedded);
    state.stack.push(field.name);
    const value = decodeValue(item, field.type, fieldPath, struct.core, state);
    state.stack.length = depth;
    state.struct = outer;
    if (value === undefined) continue;
    if (!field.pointer && !field.always && !isStructLike(field.type) && isZero(value)) continue;
    if (!field.pointer && !field.always && field.type.code === 'map' && Object.keys(value).length === 0)
      continue;
    out[key] = value;
  }
  for (const field of struct.fields.values()) if (!(field.name in out)) fillAbsent(out, field);
  return out;
}

/**
 * Decodes one object as `POST …?fieldValidation=Strict` does. `duplicates` are paths of keys that the YAML or JSON
 * reader saw twice; they are reported with the unknown fields.
 */
export function decodeStrict(raw: unknown, duplicates: readonly string[] = []): DecodeResult {
  const root = isObject(raw) ? raw : {};
  const kind = schemaKinds().get(`${String(root.apiVersion)} ${String(root.kind)}`);
  if (kind === undefined) return { code: 404, message: UNKNOWN_KIND_MESSAGE };
  const state: DecodeState = { struct: '', stack: [], firstError: undefined, strict: [] };
  for (const path of duplicates) strictError(state, `duplicate field ${JSON.stringify(path)}`);
  let object: Json;
  try {
    object = decodeStruct(root, kind.struct, '', state);
  } catch (error) {
    if (!(error instanceof DecodeAbort)) throw error;
    state.firstError = error.message;
  }
  const version = kind.apiVersion.slice(kind.apiVersion.indexOf('/') + 1);
  const prefix = `${kind.kind} in version "${version}" cannot be handled as a ${kind.kind}: `;
  if (state.firstError !== undefined) return { code: 400, message: prefix + state.firstError };
  if (state.strict.length > 0) {
    return { code: 400, message: `${prefix}strict decoding error: ${state.strict.join(', ')}` };
  }
  return { object: object as KubeObject, kind };
}
