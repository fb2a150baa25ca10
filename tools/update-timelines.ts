// Writes docs/validation-timelines.md: how far each recorded scenario, run, is from the recording of the real control
// plane, as tests/oracle/timelines-harness.ts counts differences. tests/oracle/timelines.test.ts holds the table to what
// is found. Run after a change that moves timelines, and read what it prints: npm run timelines.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COLUMNS, differencesOf, names, recorded, tableRows } from '../tests/oracle/timelines-harness.ts';

const file = join(import.meta.dirname, '../docs/validation-timelines.md');

if (!recorded) throw new Error('the recordings are not there: ../shared/oracle/controlplane');
const before = tableRows(readFileSync(file, 'utf8'));
const rows: string[] = [];
for (const name of names()) {
  const counts = await differencesOf(name);
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

| scenario | ${COLUMNS.join(' | ')} |
|---|${COLUMNS.map(() => '---|').join('')}
${rows.join('\n')}
`,
);
