// CronJobs: which Jobs they make, when, and which of them stay. Time 0 is a full minute; a Job is made 100 ms after its
// time. Pods start in 1 s.
import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { timestampText } from '../../../engine/state/index.ts';
import { patch, podTemplate, run } from './job-harness.ts';

const TICK = 'CronJob/tick';
const MINUTE = 60_000;

const cronJob = (spec: Json, pods: Json): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'tick', namespace: 'default' },
  spec: {
    schedule: '* * * * *',
    ...spec,
    jobTemplate: { spec: { backoffLimit: 0, template: podTemplate(pods) } },
  },
});

/** Jobs made, by the time of their creation, s. */
const made = (told: ReturnType<typeof run>): number[] =>
  [1, 2, 3, 4, 5, 6].flatMap((k) => told.at(`${TICK}/job#${k}`, 'created'));

describe('concurrencyPolicy, with Jobs of 81 s each minute', () => {
  it.each([
    { concurrencyPolicy: 'Allow', times: [60.1, 120.1, 180.1, 240.1] },
    // 60.1 + 1 + 80 s, and a second until the Job controller looks: 142 s; the start of 120 s is then made up for.
    // The next one ends at 224 s, and the start of 180 s is. (A tenth for the requests in between.)
    { concurrencyPolicy: 'Forbid', times: [60.1, 142.2, 224.3] },
    { concurrencyPolicy: 'Replace', times: [60.1, 120.1, 180.1, 240.1] },
  ])('$concurrencyPolicy', ({ concurrencyPolicy, times }) => {
    const told = run([cronJob({ concurrencyPolicy }, { 'run-ms': 80_000 })], [], 250);
    expect(made(told)).toEqual(times);
    const gone = [1, 2, 3].flatMap((k) => told.at(`${TICK}/job#${k}`, 'gone'));
    expect(gone).toEqual(concurrencyPolicy === 'Replace' ? [120.1, 180.1, 240.1] : []);
    const waits = told.events(TICK).filter((text) => text.startsWith('JobAlreadyActive'));
    expect(waits.length > 0).toBe(concurrencyPolicy === 'Forbid');
  });
});

describe('what a Job is', () => {
  it('has its start in its name, its minute as lastScheduleTime and counts as seen when it has ended', () => {
    const told = run([cronJob({}, { 'run-ms': 2000 })], [], 70);
    const minutes = Date.parse(timestampText(60_000_000)) / MINUTE;
    expect(told.timeline.events.some((e) => e.message === `Created job ${TICK}/job#1`)).toBe(true);
    expect(Number.isInteger(minutes)).toBe(true);
    expect(told.values(TICK, 'lastScheduleTime')).toEqual(['minute+1']);
    expect(told.values(TICK, 'status.active')).toEqual([1, 0]);
    expect(told.events(TICK)).toContain(
      `SawCompletedJob: Saw completed job: ${TICK}/job#1, condition: Complete`,
    );
    expect(told.final(TICK)).toHaveProperty('lastSuccessfulTime');
  });
});

describe('history', () => {
  it.each([
    { limits: { successfulJobsHistoryLimit: 1 }, exit: 0, left: [4] },
    { limits: { successfulJobsHistoryLimit: 0 }, exit: 0, left: [] },
    { limits: {}, exit: 0, left: [2, 3, 4] },
    { limits: {}, exit: 1, left: [4] },
    { limits: { failedJobsHistoryLimit: 2 }, exit: 1, left: [3, 4] },
  ])('$limits with exit code $exit keeps $left', ({ limits, exit, left }) => {
    const told = run([cronJob(limits, { 'run-ms': 1000, 'exit-codes': exit })], [], 280);
    const final = [1, 2, 3, 4].filter((k) => told.final(`${TICK}/job#${k}`) !== undefined);
    expect(final).toEqual(left);
  });
});

describe('suspension', () => {
  const steps = [
    patch(30_000, 'CronJob', 'tick', { spec: { suspend: true } }),
    patch(85_000, 'CronJob', 'tick', { spec: { suspend: false } }),
  ];
  it('a start that was missed is made up for at once', () => {
    expect(made(run([cronJob({}, { 'run-ms': 1000 })], steps, 130))).toEqual([85, 120.1]);
  });
  it('not after startingDeadlineSeconds', () => {
    const told = run([cronJob({ startingDeadlineSeconds: 20 }, { 'run-ms': 1000 })], steps, 130);
    expect(made(told)).toEqual([120.1]);
  });
  it('of more than 100 missed starts the last is made up for, with a warning', () => {
    const late = [
      patch(30_000, 'CronJob', 'tick', { spec: { suspend: true } }),
      patch(130 * MINUTE + 5000, 'CronJob', 'tick', { spec: { suspend: false } }),
    ];
    const told = run([cronJob({}, { 'run-ms': 1000 })], late, 130 * 60 + 20);
    expect(made(told)).toEqual([130 * 60 + 5]);
    expect(told.values(TICK, 'lastScheduleTime')).toEqual(['minute+130']);
    expect(told.events(TICK).join()).toContain('TooManyMissedTimes: too many missed start times.');
  });
});

it('a time zone moves the times: 00:30 in Kolkata is 19:00 UTC of the day before', () => {
  const told = run(
    [cronJob({ schedule: '30 0 * * *', timeZone: 'Asia/Kolkata' }, { 'run-ms': 1000 })],
    [],
    19 * 3600 + 10,
  );
  expect(made(told)).toEqual([19 * 3600 + 0.1]);
});

it('a new schedule is looked at when it is due', () => {
  const told = run(
    [cronJob({ schedule: '0 12 * * *' }, { 'run-ms': 1000 })],
    [patch(90_000, 'CronJob', 'tick', { spec: { schedule: '*/5 * * * *' } })],
    310,
  );
  expect(made(told)).toEqual([300.1]);
});
