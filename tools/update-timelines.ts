// Writes the table of differences from recorded timelines into docs/validation.md, as tests/oracle/timelines.test.ts
// counts them. Run after a change that moves timelines, and read what changed: npm run timelines.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Timeline } from '../engine/contracts/timeline.ts';
import { loadScenario } from '../experiments/load.ts';
import { simulateBuiltIn } from '../experiments/simulate.ts';
import { COLUMNS, compare, recorded, recordingOf, scenarioPath } from '../tests/oracle/timelines-harness.ts';

const file = join(import.meta.dirname, '../docs/validation.md');
const ROW = /^\| `([a-z0-9-]+)` \| (\d+(?: \| \d+)*) \|$/;

async function counts(name: string): Promise<string> {
  const { scenario } = await loadScenario([scenarioPath(name)]);
  let timeline: Timeline | undefined;
  simulateBuiltIn(scenario, { timeline: (told) => (timeline = told) });
  const problems = compare(recordingOf(name), timeline!);
  return COLUMNS.map((column) => problems[column].length).join(' | ');
}

if (!recorded) throw new Error('the recordings are not there: ../shared/oracle/controlplane');
const lines = readFileSync(file, 'utf8').split('\n');
for (const [i, line] of lines.entries()) {
  const row = ROW.exec(line);
  if (row === null || row[2]!.split(' | ').length !== COLUMNS.length) continue;
  const found = await counts(row[1]!);
  if (found === row[2]) continue;
  console.log(`${row[1]}: ${row[2]}  ->  ${found}`);
  lines[i] = `| \`${row[1]}\` | ${found} |`;
}
writeFileSync(file, lines.join('\n'));
