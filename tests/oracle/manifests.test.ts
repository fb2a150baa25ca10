// The API server's answers to real manifests: codes, stored objects, messages, causes and warnings. All recorded rows
// where the recordings are at hand, a committed selection of them everywhere.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { kindOf } from '../../engine/kinds/registry.ts';
import { compareRow, differences, normalise, type RecordedRow, readManifest } from './manifests-harness.ts';

const shared = join(import.meta.dirname, '../../../shared');
const answers = join(shared, 'oracle/controlplane/api-answers');
const manifests = join(shared, 'data/k8s-manifests');
const recorded = existsSync(join(answers, 'manifests.jsonl.gz')) && existsSync(manifests);

const readLines = (path: string): RecordedRow[] =>
  gunzipSync(readFileSync(path))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Rows whose remaining difference docs/validation-differences.md explains, by file. */
const KNOWN = new Set(
  readFileSync(join(import.meta.dirname, '../../docs/validation-differences.md'), 'utf8')
    .split('\n')
    .map((line) => /^\| `([^`]+)` \|/.exec(line)?.[1])
    .filter((file): file is string => file !== undefined),
);

describe('recorded manifests, committed selection', () => {
  const rows = readLines(join(import.meta.dirname, 'data/manifests-selection.jsonl.gz')) as (RecordedRow & {
    raw: unknown;
  })[];

  it('has rows of every outcome', () => {
    expect(rows.length).toBeGreaterThan(250);
    for (const code of [201, 400, 403, 404, 422]) expect(rows.some((row) => row.code === code)).toBe(true);
  });

  it.each(rows.map((row) => [`${row.file}#${row.document}.${row.item}`, row] as const))(
    '%s',
    (_name, row) => {
      const result = compareRow(row, row.raw);
      const { answer } = result;
      if (row.code === 201) {
        expect(answer.code, JSON.stringify(answer)).toBe(201);
        if (answer.code === 201) expect(normalise(answer.object)).toEqual(normalise(row.object));
        expect(result.warningsEqual).toBe(true);
      } else {
        expect({ code: answer.code, message: answer.code === 201 ? '' : answer.message }).toEqual({
          code: row.code,
          message: row.message,
        });
        if (row.causes !== undefined) expect(result.causesEqual).toBe(true);
      }
    },
  );
});

describe('recorded manifests, all rows', () => {
  it.skipIf(!recorded)(
    `agree with the recorded answers${recorded ? '' : ' (skipped: recordings are not at ../shared)'}`,
    () => {
      const files = new Map<string, ReturnType<typeof readManifest>>();
      const count = { rows: 0, codes: 0, stored: 0, storedEqual: 0, messages: 0, messagesEqual: 0 };
      const wrong: string[] = [];
      for (const row of readLines(join(answers, 'manifests.jsonl.gz'))) {
        if (row.code === 0) continue;
        let documents = files.get(row.file);
        if (documents === undefined) {
          documents = readManifest(readFileSync(join(manifests, row.file), 'utf8'));
          files.set(row.file, documents);
        }
        const raw = documents[row.document]?.[row.item];
        const definition = kindOf(String(raw?.apiVersion), String(raw?.kind));
        if (definition === undefined && row.code === 404) continue;
        const result = compareRow(row, raw);
        count.rows++;
        if (result.codeEqual) count.codes++;
        if (result.objectEqual !== undefined) {
          count.stored++;
          if (result.objectEqual) count.storedEqual++;
        }
        if (result.messageEqual !== undefined) {
          count.messages++;
          if (result.messageEqual) count.messagesEqual++;
        }
        const fine =
          result.codeEqual &&
          result.objectEqual !== false &&
          result.messageEqual !== false &&
          result.warningsEqual;
        if (fine || KNOWN.has(row.file)) continue;
        const { answer } = result;
        const what =
          row.code === 201 && answer.code === 201
            ? differences(normalise(row.object), normalise(answer.object)).slice(0, 4).join('; ')
            : `want ${row.code} ${row.message ?? ''}\n  got ${answer.code} ${answer.code === 201 ? '' : answer.message}`;
        wrong.push(`${row.file}#${row.document}.${row.item} ${row.kind}: ${what}`);
      }
      process.stdout.write(
        `recorded manifests: ${count.codes}/${count.rows} codes, ${count.storedEqual}/${count.stored} stored objects, ` +
          `${count.messagesEqual}/${count.messages} messages\n`,
      );
      expect(wrong).toEqual([]);
      expect(count.rows).toBeGreaterThan(1700);
    },
    120_000,
  );
});

describe('recorded single cases', () => {
  for (const file of ['defaults.json', 'invalid-objects.json']) {
    const path = join(answers, file);
    it.skipIf(!existsSync(path))(
      `${file}${existsSync(path) ? '' : ' (skipped: recordings are not at ../shared)'}`,
      () => {
        const wrong: string[] = [];
        const { cases } = JSON.parse(readFileSync(path, 'utf8'));
        for (const one of cases) {
          const { request, answer, code, name } = one;
          if (request.method !== 'POST') continue;
          const namespace = /\/namespaces\/([^/]+)\//.exec(request.path)?.[1];
          const row = {
            file: name,
            document: 0,
            item: 0,
            code,
            message: answer.message,
            object: code === 201 ? answer : undefined,
          };
          const result = compareRow({ ...row, warnings: undefined }, request.body, namespace);
          if (result.codeEqual && result.objectEqual !== false && result.messageEqual !== false) continue;
          const got = result.answer;
          wrong.push(
            code === 201 && got.code === 201
              ? `${name}: ${differences(normalise(answer), normalise(got.object)).slice(0, 4).join('; ')}`
              : `${name}: want ${code} ${answer.message ?? ''}\n  got ${got.code} ${got.code === 201 ? '' : got.message}`,
          );
        }
        expect(wrong.filter((line) => !KNOWN.has(line.slice(0, line.indexOf(':'))))).toEqual([]);
      },
    );
  }
});
