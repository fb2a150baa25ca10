// Objects of every shape the decoder lets through: empty, with empty members at each depth, with every field filled.
// Defaults and validation may refuse them, they may not break.
import { describe, expect, it } from 'vitest';
import { decodeStrict } from '../../../engine/kinds/decode.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { type SchemaType, schemaKinds, schemaStruct } from '../../../engine/kinds/schema.ts';
import { definitions } from './definitions.ts';
import { process } from './recorded.ts';

const scalars: Readonly<Record<string, Json>> = {
  s: 'x',
  i: 1,
  l: 1,
  b: true,
  n: 1,
  y: 'AA==',
  q: '1',
  o: 1,
  t: '2026-01-01T00:00:00Z',
  u: '2026-01-01T00:00:00.000000Z',
  x: {},
};

/** A value of the type: members down to `depth`, below that empty structs, lists and maps. */
function sample(type: SchemaType, depth: number): Json {
  switch (type.code) {
    case 'struct': {
      if (depth <= 0) return {};
      const fields = [...schemaStruct(type.struct as number).fields.values()];
      return Object.fromEntries(fields.map((field) => [field.name, sample(field.type, depth - 1)]));
    }
    case 'list':
      return depth <= 0 ? [] : [sample(type.element as SchemaType, depth - 1)];
    case 'map':
      return depth <= 0 ? {} : { x: sample(type.element as SchemaType, depth - 1) };
    default:
      return scalars[type.code];
  }
}

describe.each(definitions.map((one) => [`${one.apiVersion} ${one.kind}`, one] as const))(
  '%s',
  (key, definition) => {
    it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 10])('with members to depth %i', (depth) => {
      const kind = schemaKinds().get(key);
      expect(kind).toBeDefined();
      const filled = sample({ code: 'struct', struct: kind?.struct } as unknown as SchemaType, depth);
      const source = {
        ...filled,
        apiVersion: definition.apiVersion,
        kind: definition.kind,
        metadata: { name: 'x' },
      };
      expect('object' in decodeStrict(source)).toBe(true);
      expect(() => process(source, definition)).not.toThrow();
    });
  },
);
