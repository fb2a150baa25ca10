// Batch jobs of a supercomputer against the textbook: a cluster whose nodes hold one job each is a queue with as many
// servers, first come first served, whose waits can be computed job by job (tests/unit/workloads/fcfs.ts).
//
// Two things of the real scheduling queue break first come, first served: a pod that was refused waits in back-off while
// younger ones are tried, and its place in the order is the time of its last failure, which the sweep every 5 minutes
// sets anew. Without back-off and sweep, and with no costs, every job that ends lets all waiting pods be tried at once, in
// order of arrival: then start times must be equal to the microsecond.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { CostPreset } from '../../engine/contracts/costs.ts';
import type { Sink } from '../../engine/contracts/result.ts';
import { PODS_TABLE } from '../../engine/contracts/tables.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import { k8sMedium } from '../../policies/costs/k8s-medium.ts';
import { zero } from '../../policies/costs/zero.ts';
import { SECOND, scenario } from '../property/simulation/scenario.ts';
import { fcfsWaits } from '../unit/workloads/fcfs.ts';
import { root, shared } from './program.ts';

const WEEK = join(shared, 'data/surf-jobs/surf_2022-10-07_week.csv.gz');
const SAMPLE = join(root, 'examples/data/surf-200-jobs.csv');
/** Of the week's 6,295 jobs; all of them take minutes, as every end lets a thousand waiting pods be tried again. */
const JOBS = Number(process.env['KUBETICK_SURF_JOBS'] ?? 500);

const inOrder: CostPreset = {
  ...zero,
  scheduler: {
    ...zero.scheduler,
    podInitialBackoffUs: 0,
    podMaxBackoffUs: 0,
    unschedulableFlushUs: 1e9 * SECOND,
  },
};

interface Jobs {
  readonly data: string;
  readonly submitUs: readonly number[];
  readonly durationUs: readonly number[];
}

function read(path: string, limit: number): Jobs {
  const bytes = readFileSync(path);
  const data = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [header, ...lines] = data.trim().split('\n');
  const [submit, duration] = ['submit_s', 'duration_s'].map((name) => header!.split(',').indexOf(name));
  const rows = lines.map((line) => line.split(',').map(Number)).slice(0, limit);
  return {
    data: [header, ...lines.slice(0, limit)].join('\n'),
    submitUs: rows.map((row) => Math.round(row[submit!]! * SECOND)),
    durationUs: rows.map((row) => Math.round(row[duration!]! * SECOND)),
  };
}

/** Waits from submission to the start of the container, µs, by job. */
function waits(jobs: Jobs, nodes: number, costs: CostPreset): number[] {
  const started: number[] = [];
  const [name, start] = ['pod', 'started_s'].map((column) =>
    PODS_TABLE.columns.findIndex((c) => c.name === column),
  );
  const sink: Sink = {
    open: () => ({
      table: ({ name: table }) =>
        table !== 'pods'
          ? null
          : {
              row: (cells) => {
                started[Number(String(cells[name!]).replace('job-', '')) - 1] = Number(cells[start!]);
              },
            },
      close: () => {},
    }),
  };
  const workloads = [{ use: 'job-trace', args: { file: 'jobs.csv', data: jobs.data } }];
  const spec = scenario([{ count: nodes, cpu: '16', memory: '64Gi' }], [], {
    costs,
    workloads,
    untilUs: 60 * 86_400 * SECOND,
  });
  const { summary } = simulateBuiltIn(spec, { sinks: [sink] });
  expect(summary.pods.succeeded).toBe(jobs.submitUs.length);
  return jobs.submitUs.map((submitUs, job) => started[job]! - submitUs);
}

const mean = (list: readonly number[]): number => list.reduce((sum, x) => sum + x, 0) / list.length;

describe('without costs, back-off and sweep: first come, first served, to the microsecond', () => {
  it('200 jobs on 30 nodes', { timeout: 60_000 }, () => {
    const jobs = read(SAMPLE, 200);
    const expected = fcfsWaits(jobs.submitUs, jobs.durationUs, 30);
    expect(expected.filter((wait) => wait > 0).length).toBeGreaterThan(20);
    expect(waits(jobs, 30, inOrder)).toEqual(expected);
  });

  it.skipIf(!existsSync(WEEK))(
    `the first ${JOBS} jobs of a week on 100 nodes (skipped without ../shared/data/surf-jobs)`,
    { timeout: 1_800_000 },
    () => {
      const jobs = read(WEEK, JOBS);
      const expected = fcfsWaits(jobs.submitUs, jobs.durationUs, 100);
      expect(expected.filter((wait) => wait > 0).length).toBeGreaterThan(100);
      expect(waits(jobs, 100, inOrder)).toEqual(expected);
    },
  );
});

describe('with the queue as it is', () => {
  it('without costs the order differs, the load does not: mean wait within 10 %', { timeout: 60_000 }, () => {
    const jobs = read(SAMPLE, 200);
    const expected = fcfsWaits(jobs.submitUs, jobs.durationUs, 30);
    const found = waits(jobs, 30, zero);
    expect(found).not.toEqual(expected);
    expect(mean(found) / mean(expected)).toBeGreaterThan(0.9);
    expect(mean(found) / mean(expected)).toBeLessThan(1.1);
  });

  it('k8s-medium: no job starts before it could, and Kubernetes adds seconds, not minutes', {
    timeout: 60_000,
  }, () => {
    const jobs = read(SAMPLE, 200);
    const expected = fcfsWaits(jobs.submitUs, jobs.durationUs, 30);
    const found = waits(jobs, 30, k8sMedium);
    // A job that finds a free node needs its start alone: 0.1 s at least, and with a first pull some seconds.
    const free = found.filter((_, job) => expected[job] === 0);
    expect(Math.min(...free)).toBeGreaterThan(0.1 * SECOND);
    expect(mean(free)).toBeLessThan(5 * SECOND);
    // Each job holds its node about a second longer (start, status, next attempt): the mean wait grows by a few per cent.
    expect(mean(found)).toBeGreaterThan(0.9 * mean(expected));
    expect(mean(found)).toBeLessThan(1.15 * mean(expected));
  });
});
