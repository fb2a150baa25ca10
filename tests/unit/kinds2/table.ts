// Helpers for rule tables: what the server makes of one object, as short texts.
import { expect, it } from 'vitest';
import type { Json, KindDefinition } from '../../../engine/kinds/kind.ts';
import { process } from './recorded.ts';

/** Defaulted object and its problems as `field: message`. */
export function outcomeOf(
  definitions: readonly KindDefinition[],
  kind: string,
  body: Json,
): { object: Json; problems: string[]; warnings: string[] } {
  const definition = definitions.find((one) => one.kind === kind);
  if (definition === undefined) throw new Error(`no kind ${kind}`);
  const metadata = { name: 'x', ...body.metadata };
  const outcome = process(
    { apiVersion: definition.apiVersion, kind, ...structuredClone(body), metadata },
    definition,
  );
  if (outcome === undefined) throw new Error(`${kind} did not decode`);
  const problems = outcome.errors.list.map(({ field, message }) => `${field}: ${message}`);
  return { object: outcome.object, problems, warnings: outcome.warnings };
}

export type Refusal = readonly [title: string, body: Json, problems: readonly string[]];

/** One test a row: the object is refused for exactly these problems (none: accepted). */
export function refusals(
  definitions: readonly KindDefinition[],
  kind: string,
  rows: readonly Refusal[],
): void {
  it.each(rows)('%s', (_title, body, problems) => {
    expect(outcomeOf(definitions, kind, body).problems).toEqual(problems);
  });
}
