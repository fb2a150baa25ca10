// `job-trace`: rows become pods at the recorded times; every bad row is named by its line.
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ArgumentProblem, Arrival } from '../../../engine/index.ts';
import { Rng } from '../../../engine/index.ts';
import { jobTrace } from '../../../workloads/traces/job-trace.ts';
import { fcfsWaits } from './fcfs.ts';

const HEADER = 'id,submit_s,duration_s,cpu_count,cpu_capacity_mhz,mem_capacity';

function replay(lines: readonly string[], args: Record<string, unknown> = {}, untilUs = 1e12): Arrival[] {
  const created = jobTrace.create({ file: 'jobs.csv', data: lines.join('\n'), ...args });
  if ('problems' in created) throw new Error(JSON.stringify(created.problems));
  return [...all(created.workload.arrivals({ rng: new Rng(1, 1), streams: 'workload/0', untilUs }))];
}

function* all(iterator: Iterator<Arrival>): Generator<Arrival> {
  for (let next = iterator.next(); !next.done; next = iterator.next()) yield next.value;
}

function problemsOf(
  lines: readonly string[],
  args: Record<string, unknown> = {},
): readonly ArgumentProblem[] {
  const created = jobTrace.create({ file: 'jobs.csv', data: lines.join('\n'), ...args });
  return 'problems' in created ? created.problems : [];
}

test('each job is a pod that runs once, at its time and for as long', () => {
  const jobs = replay([HEADER, 'a,0,60,16,33600,100000', 'b,1.5,0.25,16,33600,100000']);
  expect(jobs).toEqual([
    {
      atUs: 0,
      runUs: 60e6,
      name: 'job-1',
      namespace: 'default',
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'job', labels: { app: 'job' } },
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'main', image: 'nginx:1.27', resources: { requests: { cpu: '16' } } }],
        },
      },
    },
    { ...jobs[0]!, atUs: 1.5e6, runUs: 0.25e6, name: 'job-2' },
  ]);
  expect(jobs[1]!.object).toBe(jobs[0]!.object);
});

describe('arguments', () => {
  test('priorityClass: one for all jobs, or several in turn by time of submission', () => {
    const rows = [HEADER, 'a,0,60,16,1,1', 'b,2,60,16,1,1', 'c,1,60,16,1,1'];
    const classes = (priorityClass?: unknown): unknown[] =>
      replay(rows, priorityClass === undefined ? {} : { priorityClass }).map(
        ({ object }) => (object.spec as { priorityClassName?: string }).priorityClassName,
      );
    expect(classes()).toEqual([undefined, undefined, undefined]);
    expect(classes('bulk')).toEqual(['bulk', 'bulk', 'bulk']);
    expect(classes(['urgent', 'bulk'])).toEqual(['urgent', 'bulk', 'urgent']);
    expect(problemsOf(rows, { priorityClass: [] })).toEqual([
      { path: ['priorityClass'], message: 'must not be empty' },
    ]);
  });

  const rows = [HEADER, '1,10,5,2,0,300', '2,20,5,4,0,100', '3,30,5,2,0,300'];

  test('cpuPerCount and memory per unit of a column', () => {
    const jobs = replay(rows, { cpuPerCount: '250m', memory: '1Mi', columns: { memory: 'mem_capacity' } });
    const requests = jobs.map(({ object }) => object['spec'].containers[0].resources.requests);
    expect(requests).toEqual([
      { cpu: '500m', memory: '300Mi' },
      { cpu: '1', memory: '100Mi' },
      { cpu: '500m', memory: '300Mi' },
    ]);
  });

  test('memory without a column is that of each job', () => {
    const jobs = replay(rows, { memory: '2Gi' });
    expect(jobs.map(({ object }) => object['spec'].containers[0].resources.requests.memory)).toEqual([
      '2048Mi',
      '2048Mi',
      '2048Mi',
    ]);
  });

  test('timeScale, startAt, limit, untilUs', () => {
    const scaled = replay(rows, { timeScale: 0.1, startAt: '1m' });
    expect(scaled.map(({ atUs }) => atUs)).toEqual([61e6, 62e6, 63e6]);
    expect(scaled[0]!.runUs).toBe(0.5e6);
    expect(replay(rows, { limit: 2 })).toHaveLength(2);
    expect(replay(rows, {}, 20e6)).toHaveLength(2);
  });

  test('other column names; quoted cells; Windows line ends; a byte order mark', () => {
    const text = '\uFEFFjob,"start",len,cores\r\n"x, y",5,7,3\r\n';
    const jobs = replay([text], { columns: { id: 'job', submit: 'start', duration: 'len', cpu: 'cores' } });
    expect(jobs.map(({ atUs, runUs }) => [atUs, runUs])).toEqual([[5e6, 7e6]]);
  });

  test('rows out of order are replayed in order, equal times as they stand', () => {
    const jobs = replay([HEADER, '1,9,1,1,0,0', '2,3,2,1,0,0', '3,9,3,1,0,0', '4,3,4,1,0,0']);
    expect(jobs.map(({ atUs, runUs }) => [atUs / 1e6, runUs! / 1e6])).toEqual([
      [3, 2],
      [3, 4],
      [9, 1],
      [9, 3],
    ]);
  });
});

describe('bad files', () => {
  test.each([
    { lines: [''], args: {}, problems: [[['file'], 'empty']] },
    {
      lines: ['a,b'],
      args: {},
      problems: [
        [['columns', 'submit'], '"submit_s"; it has a, b'],
        [['columns', 'duration'], 'duration_s'],
        [['columns', 'cpu'], 'cpu_count'],
      ],
    },
    { lines: [HEADER, '1,x,5,2,0,0'], args: {}, problems: [[['file'], 'line 2: submit_s is "x"']] },
    {
      lines: [HEADER, '1,1,5,2,0,0', '2,1,-5,,0,0'],
      args: {},
      problems: [
        [['file'], 'line 3: duration_s is "-5"'],
        [['file'], 'line 3: cpu_count is ""'],
      ],
    },
    { lines: [HEADER, '1,1'], args: {}, problems: [[['file'], 'line 2: 2 cells, the header has 6']] },
    { lines: [HEADER, '1,"1,5,2,0,0'], args: {}, problems: [[['file'], 'Quote']] },
    { lines: [HEADER], args: { columns: { memory: 'ram' } }, problems: [[['columns', 'memory'], '"ram"']] },
    { lines: [HEADER], args: { columns: { cpu: 4 } }, problems: [[['columns', 'cpu'], 'name of a column']] },
    { lines: [HEADER], args: { columns: { cores: 'x' } }, problems: [[['columns'], '"cores"']] },
    {
      lines: [HEADER],
      args: { timeScale: 0, cpuPerCount: 0 },
      problems: [
        [['timeScale'], 'larger than 0'],
        [['cpuPerCount'], 'larger than 0'],
      ],
    },
  ])('$lines $args', ({ lines, args, problems }) => {
    const found = problemsOf(lines, args);
    expect(found.map(({ path }) => path)).toEqual(problems.map(([path]) => path));
    for (const [index, { message }] of found.entries()) expect(message).toContain(problems[index]![1]);
  });

  test('20 problems are listed, the rest is counted', () => {
    const found = problemsOf([HEADER, ...Array.from({ length: 50 }, (_, row) => `${row},x,1,1,0,0`)]);
    expect(found).toHaveLength(21);
    expect(found[19]!.message).toContain('line 21:');
    expect(found[20]!.message).toBe('and 30 problems more');
  });

  test('a header without rows is a trace of no jobs', () => {
    expect(replay([HEADER])).toEqual([]);
  });
});

const surf = new URL('../../../../shared/data/surf-jobs/surf_2022-10-07_week.csv.gz', import.meta.url);

test.skipIf(!existsSync(surf))(
  'the SURF week: 6,295 jobs, and more nodes never mean longer waits (needs ../shared)',
  () => {
    const data = gunzipSync(readFileSync(surf)).toString('utf8');
    const jobs = replay([data]);
    expect(jobs).toHaveLength(6295);
    const mean = (servers: number): number => {
      const waits = fcfsWaits(
        jobs.map(({ atUs }) => atUs),
        jobs.map(({ runUs }) => runUs!),
        servers,
      );
      return waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    };
    const means = [100, 200, 400, 6295].map(mean);
    expect(means.every((value, index) => index === 0 || value <= means[index - 1]!)).toBe(true);
    expect(means[0]).toBeGreaterThan(0);
    expect(means[3]).toBe(0);
  },
);
