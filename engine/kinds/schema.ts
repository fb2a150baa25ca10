// Reads the packed tables of schema.generated.ts: which kinds the API server serves, and for each Go struct its
// fields and their types. Nothing is parsed before the first question, then one struct at a time.
//
// A struct line is `[+]alias.Name field,field,…` ("+" marks the core group). A field is `name:FLAGS TYPE[=goType]
// [/Embedded]`. Flags: `!` always serialised, `~` left out when zero, `*` pointer. Types: s string, i int32, l int64,
// b bool, n float64, y bytes, q Quantity, o IntOrString, t Time, u MicroTime, x raw JSON, digits a struct,
// `[` list of, `{` map of.
import { kindTable, structTable } from './schema.generated.ts';

export type TypeCode =
  | 's'
  | 'i'
  | 'l'
  | 'b'
  | 'n'
  | 'y'
  | 'q'
  | 'o'
  | 't'
  | 'u'
  | 'x'
  | 'struct'
  | 'list'
  | 'map';

export interface SchemaType {
  readonly code: TypeCode;
  /** Struct number, when `code` is `struct`. */
  readonly struct: number;
  /** Element type of lists and maps. */
  readonly element: SchemaType | undefined;
  /** The type as Go prints it in errors, e.g. `[]v1.Container`. */
  readonly goType: string;
}

export interface SchemaField {
  readonly name: string;
  readonly type: SchemaType;
  readonly pointer: boolean;
  /** Serialised even when zero. */
  readonly always: boolean;
  /** A struct that is left out when zero. */
  readonly omitZero: boolean;
  /** Name of the embedded Go struct that holds the field, '' when the struct holds it itself. */
  readonly embedded: string;
}

export interface SchemaStruct {
  /** Go name without package, e.g. `PodSpec`. */
  readonly name: string;
  readonly goType: string;
  /** True for k8s.io/api/core/v1, whose resource lists are rounded up to thousandths. */
  readonly core: boolean;
  readonly fields: ReadonlyMap<string, SchemaField>;
}

export interface SchemaKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly struct: number;
  readonly shortNames: readonly string[];
}

const CODES: Record<string, TypeCode> = {
  s: 's',
  i: 'i',
  l: 'l',
  b: 'b',
  n: 'n',
  y: 'y',
  q: 'q',
  o: 'o',
  t: 't',
  u: 'u',
  x: 'x',
};
const GO_TYPES: Record<string, string> = {
  s: 'string',
  i: 'int32',
  l: 'int64',
  b: 'bool',
  n: 'float64',
  y: '[]uint8',
  q: 'resource.Quantity',
  o: 'intstr.IntOrString',
  t: 'v1.Time',
  u: 'v1.MicroTime',
  x: 'runtime.RawExtension',
};

let structLines: string[] | undefined;
const structs: (SchemaStruct | undefined)[] = [];
let kinds: ReadonlyMap<string, SchemaKind> | undefined;

function structLine(index: number): string {
  structLines ??= structTable.split('\n');
  return structLines[index] as string;
}

function goTypeOfStruct(index: number): string {
  const line = structLine(index);
  return line.slice(line.startsWith('+') ? 1 : 0, line.indexOf(' '));
}

function parseType(text: string, named: string): SchemaType {
  const head = text.charAt(0);
  if (head === '[' || head === '{') {
    const prefix = head === '[' ? '[]' : 'map[string]';
    const element = parseType(text.slice(1), named.startsWith(prefix) ? named.slice(prefix.length) : '');
    const goType = named === '' ? `${prefix}${element.goType}` : named;
    return { code: head === '[' ? 'list' : 'map', struct: -1, element, goType };
  }
  const code = CODES[head];
  if (code !== undefined) {
    return {
      code,
      struct: -1,
      element: undefined,
      goType: named === '' ? (GO_TYPES[head] as string) : named,
    };
  }
  const struct = Number(text);
  return {
    code: 'struct',
    struct,
    element: undefined,
    goType: named === '' ? goTypeOfStruct(struct) : named,
  };
}

function parseField(text: string): SchemaField {
  const match = /^([^:]+):(!?)(~?)(\*?)([[{]*(?:[a-z]|\d+))(?:=([^/]+))?(?:\/(.+))?$/.exec(text);
  if (match === null) throw new Error(`schema field "${text}" cannot be read`);
  const [, name = '', always, omitZero, pointer, type = '', named = '', embedded = ''] = match;
  return {
    name,
    type: parseType(type, named),
    pointer: pointer === '*',
    always: always === '!',
    omitZero: omitZero === '~',
    embedded,
  };
}

export function schemaStruct(index: number): SchemaStruct {
  let struct = structs[index];
  if (struct === undefined) {
    const line = structLine(index);
    const space = line.indexOf(' ');
    const goType = goTypeOfStruct(index);
    const fields = new Map<string, SchemaField>();
    for (const text of line.slice(space + 1).split(',')) {
      if (text === '') continue;
      const field = parseField(text);
      fields.set(field.name, field);
    }
    struct = { name: goType.slice(goType.indexOf('.') + 1), goType, core: line.startsWith('+'), fields };
    structs[index] = struct;
  }
  return struct;
}

/** Every kind that a v1.36 API server with default settings lets clients create, by `apiVersion kind`. */
export function schemaKinds(): ReadonlyMap<string, SchemaKind> {
  if (kinds === undefined) {
    const map = new Map<string, SchemaKind>();
    for (const line of kindTable.split('\n')) {
      const [apiVersion = '', kind = '', resource = '', scope, struct, shortNames = ''] = line.split(' ');
      map.set(`${apiVersion} ${kind}`, {
        apiVersion,
        kind,
        resource,
        namespaced: scope === 'N',
        struct: Number(struct),
        shortNames: shortNames === '' ? [] : shortNames.split(','),
      });
    }
    kinds = map;
  }
  return kinds;
}
