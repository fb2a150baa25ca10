// Finds a kind by apiVersion and kind: those with a file of their own, and a generic definition for every other kind
// that the API server serves (decoded, metadata checked, kept; not modelled).
import { allKinds } from './all.ts';
import type { KindDefinition } from './kind.ts';
import { schemaKinds } from './schema.ts';

let byKind: ReadonlyMap<string, KindDefinition> | undefined;

function build(): ReadonlyMap<string, KindDefinition> {
  const map = new Map<string, KindDefinition>();
  for (const [key, schema] of schemaKinds()) {
    map.set(key, {
      apiVersion: schema.apiVersion,
      kind: schema.kind,
      resource: schema.resource,
      namespaced: schema.namespaced,
      shortNames: schema.shortNames,
      modelled: false,
      defaults: () => undefined,
      validate: () => undefined,
    });
  }
  for (const definition of allKinds) map.set(`${definition.apiVersion} ${definition.kind}`, definition);
  return map;
}

/** The definition of a built-in kind, e.g. `kindOf('apps/v1', 'Deployment')`; undefined for all others. */
export function kindOf(apiVersion: string, kind: string): KindDefinition | undefined {
  byKind ??= build();
  return byKind.get(`${apiVersion} ${kind}`);
}

/** All built-in kinds, in the order of the API server's discovery. */
export function listKinds(): KindDefinition[] {
  byKind ??= build();
  return [...byKind.values()];
}
