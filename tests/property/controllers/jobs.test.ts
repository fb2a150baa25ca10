// Jobs with any outcomes of their pods, against a plain model of what a Job is: it counts each success and each failure
// once, stops when there are enough of either, and never runs more pods than it may.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseIndexes } from '../../../engine/controllers/job-indexes.ts';
import { job, run, type Told } from '../../unit/controllers/job-harness.ts';

const JOB = 'Job/calc';

/** Holds at every moment of every run. */
function invariants(told: Told, parallelism: number): void {
  let succeeded = 0;
  let failed = 0;
  for (const { o, w, v, t } of told.rows) {
    if (o !== JOB) continue;
    // Never more counted than there were, and never fewer than before.
    if (w === 'pods.succeeded') succeeded = v as number;
    if (w === 'pods.failed') failed = v as number;
    if (w === 'status.active') expect(v as number, `active at ${t}`).toBeLessThanOrEqual(parallelism);
    if (w === 'status.succeeded') expect(v as number, `succeeded at ${t}`).toBeLessThanOrEqual(succeeded);
    if (w === 'status.failed') expect(v as number, `failed at ${t}`).toBeLessThanOrEqual(failed);
  }
  for (const what of ['status.succeeded', 'status.failed', 'pods.created'] as const) {
    const values = told.values(JOB, what).map(Number);
    expect(values, what).toEqual([...values].sort((a, b) => a - b));
  }
  expect(told.timeline.envelope[JOB]!.notDeleting.max).toBeLessThanOrEqual(parallelism);
}

it('one pod after the other: as the outcomes in a row say', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 100, max: 3000 }),
      (codes, completions, backoffLimit, runMs) => {
        let succeeded = 0;
        let failed = 0;
        for (let k = 0; succeeded < completions && failed <= backoffLimit; k++) {
          if (codes[Math.min(k, codes.length - 1)] === 0) succeeded += 1;
          else failed += 1;
        }
        const told = run([
          job({ completions, backoffLimit }, { 'run-ms': runMs, 'exit-codes': codes.join(',') }),
        ]);
        invariants(told, 1);
        const final = told.final(JOB)!;
        expect(final['status.succeeded'] ?? 0).toBe(succeeded);
        expect(final['status.failed'] ?? 0).toBe(failed);
        expect('condition.Complete' in final).toBe(succeeded === completions);
        expect('condition.Failed' in final).toBe(succeeded < completions);
        expect(told.values(JOB, 'pods.created')).toHaveLength(succeeded + failed);
      },
    ),
    { numRuns: 40 },
  );
});

it('side by side: every success is counted once, whenever the pods end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 50, max: 4000 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 8 }),
      (completions, parallelism, runs, codes) => {
        const spec = { completions, parallelism, backoffLimit: 20 };
        // The last entry holds for all later pods, so that the Job ends.
        const exits = [...codes, 0].join(',');
        const told = run([job(spec, { 'run-ms': runs.join(','), 'exit-codes': exits })]);
        invariants(told, parallelism);
        const final = told.final(JOB)!;
        const ended = (what: string): number => Math.max(0, ...told.values(JOB, what).map(Number));
        expect(final['condition.Complete']).toBe('True:CompletionsReached');
        expect(final['status.succeeded']).toBe(ended('pods.succeeded'));
        expect(final['status.succeeded']).toBe(completions);
        expect(final['status.failed'] ?? 0).toBe(ended('pods.failed'));
        for (const name of Object.keys(told.timeline.final))
          if (name.startsWith(`${JOB}/`)) expect(told.final(name), name).not.toHaveProperty('finalizers');
      },
    ),
    { numRuns: 40 },
  );
});

it('indexes with a limit of their own: each ends as its outcomes say', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 7 }),
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 1, max: 7 }),
      (failures, backoffLimitPerIndex, parallelism) => {
        const completions = failures.length;
        // Index i fails failures[i] times before it succeeds.
        const lists = failures.map((count, i) => `${i}=${[...new Array(count).fill(1), 0].join(',')}`);
        const spec = { completionMode: 'Indexed', completions, parallelism, backoffLimitPerIndex };
        const told = run([job(spec, { 'run-ms': 700, 'exit-codes': lists.join(';') })]);
        invariants(told, parallelism);
        const good = failures.flatMap((count, i) => (count <= backoffLimitPerIndex ? [i] : []));
        const bad = failures.flatMap((count, i) => (count > backoffLimitPerIndex ? [i] : []));
        const final = told.final(JOB)!;
        const indexes = (text: unknown): number[] =>
          parseIndexes(text as string | undefined, completions).flatMap(([first, last]) =>
            Array.from({ length: last - first + 1 }, (_, k) => first + k),
          );
        expect(indexes(final['status.completedIndexes'])).toEqual(good);
        expect(indexes(final['status.failedIndexes'])).toEqual(bad);
        expect(final['status.succeeded'] ?? 0).toBe(good.length);
        const tries = failures.reduce((sum, count) => sum + Math.min(count, backoffLimitPerIndex + 1), 0);
        expect(final['status.failed'] ?? 0).toBe(tries);
        expect('condition.Complete' in final).toBe(bad.length === 0);
        expect(final['condition.Failed']).toBe(bad.length === 0 ? undefined : 'True:FailedIndexes');
      },
    ),
    { numRuns: 40 },
  );
});
