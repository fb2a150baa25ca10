// The tables of what the model acts on: every path is a field of the API, every modelled kind has a table, and a field
// that is in none is reported.
import { describe, expect, test } from 'vitest';
import { listKinds } from '../../../engine/kinds/registry.ts';
import { type SchemaType, schemaKinds, schemaStruct } from '../../../engine/kinds/schema.ts';
import {
  COVERAGE,
  fieldsOfPlugins,
  isCovered,
  kindKeyOf,
  uncoveredFields,
} from '../../../experiments/coverage.ts';

/** True when the dotted path leads through fields of the API's structs (lists and maps passed through). */
function exists(struct: number, path: string): boolean {
  let at = struct;
  for (const [i, step] of path.split('.').entries()) {
    const field = at < 0 ? undefined : schemaStruct(at).fields.get(step);
    if (field === undefined) return false;
    let type: SchemaType = field.type;
    while (type.element !== undefined) type = type.element;
    at = type.code === 'struct' ? type.struct : -1;
    // Below a map of quantities or text any key may stand.
    if (at < 0) return i === path.split('.').length - 1;
  }
  return true;
}

const structs = new Map([...schemaKinds().values()].map((k) => [kindKeyOf(k.apiVersion, k.kind), k.struct]));

describe.each(Object.entries(COVERAGE))('%s', (kind, { acts, silent }) => {
  test('names only fields that the API has, each once', () => {
    const struct = structs.get(kind)!;
    expect([...acts, ...silent].filter((path) => !exists(struct, path))).toEqual([]);
    expect(new Set([...acts, ...silent]).size).toBe(acts.length + silent.length);
  });
});

test('every modelled kind has a table', () => {
  const missing = listKinds().filter((k) => k.modelled && !isCovered(kindKeyOf(k.apiVersion, k.kind), true));
  expect(missing.map((k) => k.kind)).toEqual([]);
});

test('fields beside the tables are found, once, without indices; empty ones are not', () => {
  const container = {
    name: 'c',
    image: 'i',
    env: [{ name: 'A' }],
    resizePolicy: [{ resourceName: 'cpu' }],
    lifecycle: {},
    startupProbe: null,
  };
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', annotations: { x: 'y' } },
    spec: {
      replicas: 1,
      template: {
        spec: {
          containers: [container, container],
          volumes: [{ name: 'v', nfs: { path: '/' } }],
          hostAliases: [{ ip: '1.1.1.1' }],
          activeDeadlineSeconds: 5,
        },
      },
    },
    status: { replicas: 3 },
  };
  expect([...uncoveredFields('apps/Deployment', object)]).toEqual([
    'spec.template.spec.containers.resizePolicy',
    'spec.template.spec.volumes.nfs',
    'spec.template.spec.activeDeadlineSeconds',
  ]);
});

test('fields of plug-ins that are not modelled', () => {
  const spec = {
    affinity: { nodeAffinity: {}, podAntiAffinity: { x: [1] } },
    volumes: [{ name: 'a' }, { persistentVolumeClaim: { claimName: 'c' } }],
  };
  const unmodelled = new Set(['InterPodAffinity', 'VolumeBinding']);
  expect(fieldsOfPlugins('Pod', { spec }, unmodelled)).toEqual([
    ['spec.affinity.podAntiAffinity', 'InterPodAffinity'],
    ['spec.volumes.persistentVolumeClaim', 'VolumeBinding'],
  ]);
  expect(
    fieldsOfPlugins('apps/Deployment', { spec: { template: { spec } } }, unmodelled).map(([path]) => path),
  ).toEqual([
    'spec.template.spec.affinity.podAntiAffinity',
    'spec.template.spec.volumes.persistentVolumeClaim',
  ]);
  expect(fieldsOfPlugins('Pod', { spec }, new Set())).toEqual([]);
});
