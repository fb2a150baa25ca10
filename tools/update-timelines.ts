// Writes docs/validation-timelines.md: how far each recorded scenario, run, is from the recording of the real control
// plane, as tests/oracle/timelines-harness.ts counts differences. tests/oracle/timelines.test.ts holds the table to what
// is found. Run after a change that moves timelines, and read what it prints: npm run timelines.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  COLUMNS,
  names,
  problemsOf,
  recorded,
  recordingOf,
  tableRows,
  unavoidable,
} from '../tests/oracle/timelines-harness.ts';

const file = join(import.meta.dirname, '../docs/validation-timelines.md');

if (!recorded) throw new Error('the recordings are not there: ../shared/oracle/controlplane');
const before = tableRows(readFileSync(file, 'utf8'));
const rows: string[] = [];
const sums = COLUMNS.map(() => 0);
const chance = { final: 0, events: 0 };
let equal = 0;
for (const name of names()) {
  const problems = await problemsOf(name);
  const counts = problems === null ? null : COLUMNS.map((column) => problems[column].length);
  if (problems !== null && counts !== null) {
    const { final, events } = unavoidable(recordingOf(name), problems);
    chance.final += final;
    chance.events += events;
    for (const [i, count] of counts.entries()) sums[i]! += count;
    if (
      counts.every(
        (count, i) => count === ({ final, events } as Record<string, number>)[COLUMNS[i]!] || count === 0,
      )
    )
      equal += 1;
  }
  const text = counts === null ? COLUMNS.map(() => 'refused').join(' | ') : counts.join(' | ');
  rows.push(`| \`${name}\` | ${text} |`);
  const told = before.get(name)?.join(' | ') ?? 'refused';
  if (told !== (counts?.join(' | ') ?? 'refused')) console.log(`${name}: ${told}  ->  ${text}`);
}
writeFileSync(
  file,
  `# Timelines compared with a real control plane

Written by \`npm run timelines\`. Recorded scenarios, run by \`kubetick run SCENARIO --timeline FILE\` with the costs
\`recorded\`, against what a real v1.36.3 control plane did in several repetitions. Numbers of differences; the test fails
when one changes: \`npx vitest run tests/oracle/timelines.test.ts\`. That the normal form itself is right is shown apart:
the recorded watch events of all scenarios, folded by the same code, give the recorded timelines row for row
(\`npx vitest run tests/oracle/timelines-fold.test.ts\`). Format: [timeline.md](timeline.md).

\`final\` state and \`envelope\` (most and fewest pods), answers to \`steps\`, rows \`missing\` that all repetitions have,
\`extra\` structural rows, \`order\` and \`time\` of rows, \`events\`. \`refused\`: the scenario asks for something that is not
modelled, and is refused with its place.

Some differences no single run can do without: a pod that only some repetitions have at their end, an Event that some
repetitions have no time. Of all \`final\` differences they are ${chance.final} of ${sums[COLUMNS.indexOf('final')]}, of \`events\` ${chance.events} of ${sums[COLUMNS.indexOf('events')]}; without them ${equal} of
${names().length} scenarios have no difference.

| scenario | ${COLUMNS.join(' | ')} |
|---|${COLUMNS.map(() => '---|').join('')}
${rows.join('\n')}
| sum | ${sums.join(' | ')} |
`,
);
