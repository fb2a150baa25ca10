// Every recorded object of these kinds: what a real API server (v1.36.3) stored, and why it refused.
import { describe, expect, it } from 'vitest';
import type { Json, KindDefinition } from '../../../engine/kinds/kind.ts';
import { definitions } from './definitions.ts';
import {
  causesOf,
  comparable,
  process,
  type RecordedRow,
  recordedCases,
  recordedRows,
  recordingsExist,
  sourceOf,
} from './recorded.ts';

// Reviews answer questions about the asker, whom only the API server knows.
const definitionsByKind = new Map<string, KindDefinition>(
  definitions
    .filter(({ kind }) => !/Review$/.test(kind))
    .map((definition) => [`${definition.apiVersion} ${definition.kind}`, definition]),
);

const definitionOf = (object: Json): KindDefinition | undefined =>
  definitionsByKind.get(`${object?.apiVersion} ${object?.kind}`);

/** Causes about metadata are the caller's, and tested there. */
const specCauses = (causes: readonly Json[]): Json[] =>
  causes.filter(
    ({ field }) => !/^metadata\.[a-z]*(\[|$)/i.test(field) || field.startsWith('metadata.taints'),
  );

/** Files that the YAML reader of this test, which is not under test here, reads differently from the recorder's. */
const otherReading = ['ray-job-code-sample.yaml', 'Pod.spec.subdomain/subdomain.yaml'];

if (!recordingsExist) console.warn('recorded API answers are absent: their comparison is skipped');

describe.skipIf(!recordingsExist)('objects of real manifests', () => {
  const rows = (recordingsExist ? recordedRows() : []).filter(
    (row) => definitionOf(row) !== undefined && !otherReading.some((name) => row.file.endsWith(name)),
  );
  const at = (row: RecordedRow): string => `${row.kind} in ${row.file} #${row.document}.${row.item}`;
  const run = (row: RecordedRow) => process(sourceOf(row), definitionOf(row) as KindDefinition);

  it('has enough of them', () => {
    expect(rows.filter(({ code }) => code === 201).length).toBeGreaterThan(900);
    expect(rows.filter(({ code }) => code === 422).length).toBeGreaterThan(30);
  });

  it.each(
    [...definitionsByKind.keys()].filter((key) =>
      rows.some((row) => `${row.apiVersion} ${row.kind}` === key && row.code === 201),
    ),
  )('stores %s as recorded, with the recorded warnings', (key) => {
    for (const row of rows.filter((one) => `${one.apiVersion} ${one.kind}` === key && one.code === 201)) {
      const outcome = run(row);
      expect(outcome?.errors.list, at(row)).toEqual([]);
      expect(comparable(outcome?.object), at(row)).toEqual(comparable(row.object));
      // Header texts escape their quotes.
      const warnings = (row.warnings ?? []).map((text) => text.replaceAll('\\"', '"'));
      expect(outcome?.warnings, at(row)).toEqual(warnings);
    }
  });

  it.each(
    [...definitionsByKind.keys()].filter((key) =>
      rows.some((row) => `${row.apiVersion} ${row.kind}` === key && row.code === 422),
    ),
  )('refuses %s for the recorded causes, in their order', (key) => {
    for (const row of rows.filter((one) => `${one.apiVersion} ${one.kind}` === key && one.code === 422)) {
      const found = causesOf(run(row)?.errors as never);
      expect(specCauses(found), at(row)).toEqual(specCauses(row.causes ?? []));
    }
  });
});

describe.skipIf(!recordingsExist)('minimal and broken objects', () => {
  const cases = ['defaults.json', 'invalid-objects.json']
    .flatMap((file) => (recordingsExist ? recordedCases(file) : []))
    .filter(
      ({ request, code }) => definitionOf(request.body) !== undefined && (code === 201 || code === 422),
    );

  it.each(cases.map((one) => [one.name, one] as const))('%s', (_name, { request, code, answer }) => {
    const outcome = process(request.body, definitionOf(request.body) as KindDefinition);
    if (code === 201) {
      expect(outcome?.errors.list).toEqual([]);
      expect(comparable(outcome?.object)).toEqual(comparable(answer));
    } else expect(causesOf(outcome?.errors as never)).toEqual(answer.details.causes);
  });
});
