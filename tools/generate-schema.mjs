// Writes engine/kinds/schema.generated.ts: what the API server's decoder must know of every built-in kind (fields,
// types, Go struct names for error texts, resource names), packed into one string that is parsed on first use.
//
//   node tools/generate-schema.mjs [openapi.json(.gz)] [discovery.json]
//
// Inputs: the OpenAPI v2 document (fields and types), the discovery answers of a v1.36 API server with default
// settings (which kinds are served, resource and short names), and tools/go-field-facts.json (what OpenAPI does not
// tell: pointer fields, named scalar types, embedded structs; facts of the published Go API types, v0.36.3).
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const openapiPath = process.argv[2] ?? join(root, '../shared/data/k8s-openapi/swagger.json.gz');
const discoveryPath =
  process.argv[3] ?? join(root, '../shared/oracle/controlplane/api-answers/discovery.json');

function readJson(path) {
  const bytes = readFileSync(path);
  return JSON.parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
}

const definitions = readJson(openapiPath).definitions;
const facts = readJson(join(root, 'tools/go-field-facts.json'));
const served = readJson(discoveryPath).documents;

/** Scalar-like definitions that have their own JSON form. */
const SPECIAL = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'q',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'o',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 't',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'u',
};

const structs = [];
const structIndex = new Map();
const pending = [];

/** Definitions without properties hold arbitrary JSON: the decoder keeps what it finds. */
const isRaw = (name) => definitions[name]?.properties === undefined;

function structOf(name) {
  let index = structIndex.get(name);
  if (index === undefined) {
    index = structs.length;
    structs.push('');
    structIndex.set(name, index);
    pending.push(name);
  }
  return index;
}

/** Code of a type: s string, i int32, l int64, b bool, n number, y bytes, q o t u special, x raw, digits a struct. */
function typeCode(schema) {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/definitions/', '');
    return SPECIAL[name] ?? (isRaw(name) ? 'x' : String(structOf(name)));
  }
  switch (schema.type) {
    case 'array':
      return `[${typeCode(schema.items)}`;
    case 'object':
      return schema.additionalProperties === undefined ? 'x' : `{${typeCode(schema.additionalProperties)}`;
    case 'string':
      return schema.format === 'byte' ? 'y' : 's';
    case 'integer':
      return schema.format === 'int64' ? 'l' : 'i';
    case 'boolean':
      return 'b';
    case 'number':
      return 'n';
    default:
      return 'x';
  }
}

/** Go names the types of plain fields itself; only other names are worth their bytes. */
const PLAIN_GO = /^(string|int32|int64|bool|float64|\[\]string|\[\]uint8|map\[string\]string)$/;

function fieldText(definitionName, name, schema, required) {
  const type = typeCode(schema);
  const fact = facts[definitionName]?.[name];
  let always = required;
  let pointer = schema.$ref !== undefined && !required;
  let omitZero = false;
  let goType = '';
  let embedded = '';
  if (fact !== undefined) {
    const match = /^([!?~])([*.])([^/]*)(?:\/(.*))?$/.exec(fact);
    always = match[1] === '!';
    omitZero = match[1] === '~';
    pointer = match[2] === '*';
    goType = match[3];
    embedded = match[4] ?? '';
  }
  const derived = /^(\[|\{)*\d+$/.test(type) || 'qotux'.includes(type.at(-1));
  const named =
    goType !== '' && !PLAIN_GO.test(goType) && !(derived && !/^v\d\w*\.[A-Z]\w*List$/.test(goType));
  const flags = (always ? '!' : omitZero ? '~' : '') + (pointer ? '*' : '');
  return `${name}:${flags}${type}${named ? `=${goType}` : ''}${embedded === '' ? '' : `/${embedded}`}`;
}

function writeStruct(name) {
  const definition = definitions[name];
  const required = new Set(definition.required ?? []);
  const parts = name.split('.');
  const isKind = (definition['x-kubernetes-group-version-kind'] ?? []).length > 0;
  const fields = Object.entries(definition.properties).map(([field, schema]) =>
    isKind && (field === 'apiVersion' || field === 'kind')
      ? `${field}:s/TypeMeta`
      : fieldText(name, field, schema, required.has(field)),
  );
  const core = name.startsWith('io.k8s.api.core.v1.') ? '+' : '';
  structs[structIndex.get(name)] = `${core}${parts.at(-2)}.${parts.at(-1)} ${fields.join(',')}`;
}

const byKind = new Map();
for (const [name, definition] of Object.entries(definitions)) {
  for (const gvk of definition['x-kubernetes-group-version-kind'] ?? []) {
    const apiVersion = gvk.group === '' ? gvk.version : `${gvk.group}/${gvk.version}`;
    const known = byKind.get(`${apiVersion} ${gvk.kind}`);
    if (known === undefined || definition.properties !== undefined)
      byKind.set(`${apiVersion} ${gvk.kind}`, name);
  }
}

const kinds = [];
for (const { answer } of served) {
  if (answer?.kind !== 'APIResourceList') continue;
  for (const resource of answer.resources) {
    if (resource.name.includes('/') || !resource.verbs.includes('create')) continue;
    const definitionName = byKind.get(`${answer.groupVersion} ${resource.kind}`);
    if (definitionName === undefined) continue;
    kinds.push(
      [
        answer.groupVersion,
        resource.kind,
        resource.name,
        resource.namespaced ? 'N' : 'C',
        structOf(definitionName),
        (resource.shortNames ?? []).join(','),
      ].join(' '),
    );
  }
}
while (pending.length > 0) writeStruct(pending.shift());

const quoted = (lines) => JSON.stringify(lines.join('\n'));
const out = `// Generated by tools/generate-schema.mjs from the OpenAPI document and discovery answers; do not edit.
// Format: engine/kinds/schema.ts.
export const kindTable = ${quoted(kinds)};
export const structTable = ${quoted(structs)};
`;
writeFileSync(join(root, 'engine/kinds/schema.generated.ts'), out);
process.stdout.write(`${kinds.length} kinds, ${structs.length} structs, ${out.length} bytes\n`);
