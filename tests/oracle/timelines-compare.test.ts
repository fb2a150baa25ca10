// The harness counts what the recordings' own compare.py counts: both are run over the same timelines, and every kind of
// difference must have the same number. Besides timelines of runs that differ little, ones with every kind of damage.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Timeline } from '../../engine/contracts/timeline.ts';
import type { Json } from '../../engine/kinds/kind.ts';
import { TimelineFile } from '../../experiments/timeline-file.ts';
import { COLUMNS, compare, recordingOf, recordings, timelineOf } from './timelines-harness.ts';

const judge = join(recordings, 'compare.py');
const python = spawnSync('python3', ['-c', 'pass']).status === 0;
const runs = python && existsSync(judge);

/** Numbers of differences by kind, as the last line that compare.py prints has them. */
function judged(name: string, timeline: Timeline, folder: string): Record<string, number> {
  const file = new TimelineFile(join(folder, `${name}.json`));
  file.write(timeline);
  file.finish();
  const recording = join(recordings, 'timelines', `${name}.json`);
  const { stdout, stderr } = spawnSync('python3', [judge, recording, file.path], { encoding: 'utf8' });
  const counts = /\} (\{.*\})\s*$/.exec(stdout)?.[1];
  if (counts === undefined) throw new Error(`compare.py told no counts: ${stdout.slice(-500)} ${stderr}`);
  return JSON.parse(counts.replaceAll("'", '"')) as Record<string, number>;
}

/** The timeline with everything wrong that can be: rows gone, late, added; events gone, too many; other ends. */
function damaged(timeline: Timeline): Timeline {
  const rows = [...timeline.transitions];
  const [first, ...others] = Object.entries<Json>(timeline.final);
  return {
    ...timeline,
    steps: timeline.steps.map((step, i) => (i === 0 ? { ...step, code: 418 } : step)),
    transitions: [
      ...rows
        .filter((_, i) => i % 7 !== 3)
        .map((row, i) => (i % 5 === 4 ? { ...row, t: row.t + 4000 } : row)),
      { o: 'Deployment/none', w: 'created', t: 5 },
    ],
    events: timeline.events.filter((_, i) => i > 0).map((e, i) => (i === 0 ? { ...e, count: 999 } : e)),
    final: {
      ...Object.fromEntries(
        others.map(([o, fields], i) => [o, i === 0 ? { ...fields, replicas: -1 } : fields]),
      ),
      ...(first === undefined ? {} : { [`${first[0]}-other`]: first[1] }),
    },
    envelope: {},
  };
}

describe.skipIf(!runs)('compare.py and the harness agree (skipped without python3 or ../shared)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-compare-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['deploy-rollover', 'rs-rank-pending', 'svc-ready', 'rs-quota-5-of-20', 'deploy-undo'])(
    '%s',
    async (name) => {
      const timeline = (await timelineOf(name))!;
      const whole = { ...timeline, transitions: [...timeline.transitions] };
      for (const told of [whole, damaged(whole)]) {
        const problems = compare(recordingOf(name), told);
        expect(Object.fromEntries(COLUMNS.map((column) => [column, problems[column].length]))).toEqual(
          judged(name, told, folder),
        );
      }
    },
  );

  it('reads a judge that counts the columns of the table', () => {
    for (const column of COLUMNS) expect(readFileSync(judge, 'utf8')).toContain(`'${column}'`);
  });
});
