// docs/metrics.md says what the code does: it is generated, and this fails when it was not.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TABLES } from '../../../engine/contracts/tables.ts';
import { checkExpect } from '../../../engine/metrics/expect.ts';
import { METRICS } from '../../../engine/metrics/registry.ts';
import { metricDocs } from '../../../tools/generate-metric-docs.ts';

const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');

it('docs/metrics.md is up to date (npx tsx tools/generate-metric-docs.ts)', () => {
  expect(page).toBe(metricDocs());
});

it('names every metric and every column', () => {
  for (const { name } of METRICS) expect(page).toContain(name);
  for (const table of TABLES)
    for (const column of table.columns) expect(page).toContain(`| \`${column.name}\` |`);
});

it('shows expectations that can be judged', () => {
  const shown = [...page.matchAll(/`([a-zA-Z0-9.]+ (?:[<>]=?|[=!]=) [^`]+)`/g)].map((match) => match[1]!);
  expect(shown.length).toBeGreaterThanOrEqual(8);
  for (const text of shown) expect([text, checkExpect(text)]).toEqual([text, null]);
});
