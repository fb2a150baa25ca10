// Writes docs/validation-seeds.md: how much of what differs from the recorded timelines is chance. Every scenario is run
// with many seeds; what is inside the recording with some of them follows a draw that the real control plane makes, too
// (which of equal pods, when a period begins). Takes 3 s a seed. npm run timelines:seeds [-- N]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  COLUMNS,
  compare,
  isUnavoidable,
  names,
  recorded,
  recordingOf,
  timelineOf,
  withoutOurs,
} from '../tests/oracle/timelines-harness.ts';

if (!recorded) throw new Error('the recordings are not there: ../shared/oracle/controlplane');
const seeds = Number(process.argv[2] ?? 20);

interface Row {
  readonly scenario: string;
  /** Seeds without any difference that a run could avoid. */
  readonly clean: number;
  /** Differences of each seed, sorted. */
  readonly counts: readonly number[];
  /** Seeds that have it, by difference. */
  readonly seen: ReadonlyMap<string, number>;
}

async function tried(scenario: string): Promise<Row> {
  const want = recordingOf(scenario);
  const seen = new Map<string, number>();
  const counts: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const timeline = await timelineOf(scenario, undefined, seed);
    const problems = timeline === null ? null : compare(want, timeline);
    const found = new Set<string>(problems === null ? ['refused'] : []);
    for (const column of problems === null ? [] : COLUMNS)
      for (const problem of problems![column])
        if (!isUnavoidable(want, column, problem)) found.add(`${column} ${withoutOurs(problem)}`);
    for (const difference of found) seen.set(difference, (seen.get(difference) ?? 0) + 1);
    counts.push(found.size);
  }
  counts.sort((a, b) => a - b);
  return { scenario, clean: counts.filter((n) => n === 0).length, counts, seen };
}

const rows: Row[] = [];
for (const name of names()) rows.push(await tried(name));
const differing = rows.filter(({ seen }) => seen.size > 0);
const always = (row: Row): number => [...row.seen.values()].filter((n) => n === seeds).length;
const line = (row: Row): string => {
  const sometimes = [...row.seen.values()].filter((n) => n < seeds);
  const inside = sometimes.map((n) => seeds - n).sort((a, b) => a - b);
  const { counts } = row;
  const share = inside.length === 0 ? '' : `${inside[0]} to ${inside.at(-1)} of ${seeds}`;
  const [least, median, most] = [counts[0], counts[Math.floor(seeds / 2)], counts.at(-1)];
  return `| \`${row.scenario}\` | ${row.clean} of ${seeds} | ${least}, ${median}, ${most} | ${always(row)} | ${inside.length} | ${share} |`;
};
const whole = rows.filter(({ clean }) => clean === seeds).length;
const some = rows.filter(({ clean }) => clean > 0).length;
const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);

writeFileSync(
  join(import.meta.dirname, '../docs/validation-seeds.md'),
  `# Differences that other seeds do not have

Written by \`npm run timelines:seeds\`: the comparison of [validation-timelines.md](validation-timelines.md) with the seeds 1 to ${seeds},
without the differences that no single run can avoid. Which of equal pods is deleted, where one of equal nodes is taken,
when a period begins: the real control plane leaves that to accident and the simulator draws it, so a difference that
some seeds do not have is chance. ${whole} of ${rows.length} scenarios have no difference with any seed, ${some} with some seed; of
${sum((row) => row.seen.size)} different differences ${sum((row) => row.seen.size - always(row))} are chance. What is in every seed has its cause in
[validation.md](validation.md#timelines).

| scenario | seeds without a difference | least, median, most differences | in every seed | in some seeds | those are inside in |
|---|---|---|---|---|---|
${differing.map(line).join('\n')}
`,
);
console.log(
  `${rows.length} scenarios, ${seeds} seeds: ${whole} without a difference with any, ${some} with some`,
);
