// Recorded scenarios, run: each timeline against the recording of the real control plane. What still differs stands in
// docs/validation.md, scenario by scenario, and is compared with what is found: a new difference fails, and so does a
// table that promises less than there is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Timeline } from '../../engine/contracts/timeline.ts';
import { loadScenario } from '../../experiments/load.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import { COLUMNS, compare, recorded, recordingOf, scenarioPath } from './timelines-harness.ts';

/** Rows of the table: numbers of differences by scenario, in order of COLUMNS. */
const TABLE = new Map(
  readFileSync(join(import.meta.dirname, '../../docs/validation.md'), 'utf8')
    .split('\n')
    .map((line) => /^\| `([a-z0-9-]+)` \| (\d+(?: \| \d+)*) \|$/.exec(line))
    .filter((match) => match !== null)
    .map((match): [string, number[]] => [match[1]!, match[2]!.split(' | ').map(Number)])
    .filter(([, counts]) => counts.length === COLUMNS.length),
);

async function timelineOf(name: string): Promise<Timeline> {
  const { scenario } = await loadScenario([scenarioPath(name)]);
  let timeline: Timeline | undefined;
  simulateBuiltIn(scenario, { timeline: (told) => (timeline = told) });
  return timeline!;
}

it('has a table of more than 30 scenarios', () => {
  expect(TABLE.size).toBeGreaterThan(30);
});

describe.skipIf(!recorded)('recorded scenarios (skipped where ../shared is absent)', () => {
  it.each([...TABLE])('%s differs as the table says', async (name, counts) => {
    const problems = compare(recordingOf(name), await timelineOf(name));
    const found = Object.fromEntries(COLUMNS.map((column) => [column, problems[column].length]));
    const told = Object.fromEntries(COLUMNS.map((column, i) => [column, counts[i]]));
    expect(found, JSON.stringify(problems, null, 1).slice(0, 6000)).toEqual(told);
  });
});
