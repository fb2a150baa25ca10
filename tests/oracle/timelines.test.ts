// Recorded scenarios, run: each timeline against the recording of the real control plane. What still differs stands in
// docs/validation-timelines.md, scenario by scenario, and is compared with what is found: a new difference fails, and so
// does a table that promises less than there is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COLUMNS, names, problemsOf, recorded, tableRows } from './timelines-harness.ts';

const TABLE = tableRows(
  readFileSync(join(import.meta.dirname, '../../docs/validation-timelines.md'), 'utf8'),
);

it('has a table of more than 30 scenarios', () => {
  expect(TABLE.size).toBeGreaterThan(30);
});

describe.skipIf(!recorded)('recorded scenarios (skipped where ../shared is absent)', () => {
  it.each(names())('%s differs as the table says', async (name) => {
    const problems = await problemsOf(name);
    const told = TABLE.get(name);
    if (problems === null) {
      expect(told, 'refused, but the table says otherwise').toBeUndefined();
      return;
    }
    const found = COLUMNS.map((column) => `${column} ${problems[column].length}`);
    expect(found, JSON.stringify(problems, null, 1).slice(0, 6000)).toEqual(
      COLUMNS.map((column, i) => `${column} ${told?.[i]}`),
    );
  });
});
