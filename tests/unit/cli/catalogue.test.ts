// The catalogue of problem codes: complete, without leftovers, and docs made from it up to date.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandsMarkdown, errorsMarkdown } from '../../../cli/docs.ts';
import { PROBLEM_CODES } from '../../../experiments/problem-codes.ts';

const sources = ['cli', 'experiments', 'workloads', 'reports']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name))))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('problem-codes.ts'))
  .map((name) => readFileSync(name, 'utf8'))
  .join('\n');

test('every code in the sources stands in the catalogue, and every code of the catalogue is used', () => {
  const used = [...new Set([...sources.matchAll(/'(E[0-9]{4})'/g)].map(([, code]) => code!))].sort();
  expect(used).toEqual(Object.keys(PROBLEM_CODES).sort());
});

// `npx tsx tools/generate-command-docs.ts` writes them anew.
test.each([
  ['docs/errors.md', errorsMarkdown],
  ['docs/commands.md', commandsMarkdown],
])('%s is what the sources say', (file, text) => expect(readFileSync(file, 'utf8')).toBe(text()));
