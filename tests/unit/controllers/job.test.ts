// Jobs from their creation to their end, as specifications. Pods are Running 1 s after they are made; the controller
// looks at pods a second after their first change.
import { describe, expect, it } from 'vitest';
import { deletePod, job, patch, run } from './job-harness.ts';

const JOB = 'Job/calc';

describe('number of pods', () => {
  it('keeps two at a time until five have succeeded', () => {
    const told = run([job({ parallelism: 2, completions: 5 }, { 'run-ms': 2000 })]);
    expect(told.values(JOB, 'pods.created')).toEqual([1, 2, 3, 4, 5]);
    expect(told.final(JOB)).toMatchObject({
      'condition.Complete': 'True:CompletionsReached',
      'condition.SuccessCriteriaMet': 'True:CompletionsReached',
      completionTime: 'set',
      'status.succeeded': 5,
    });
    expect(told.timeline.envelope[JOB]!.notDeleting.max).toBe(2);
    expect(told.events(JOB)).toContain('Completed: Job completed');
  });

  it('without completions one success is enough, and nothing is added after it', () => {
    // The first of three ends at 2.5 s, the last at 6 s.
    const told = run([job({ parallelism: 3 }, { 'run-ms': '1500,3000,5000' })]);
    expect(told.values(JOB, 'pods.created')).toEqual([1, 2, 3]);
    expect(told.values(JOB, 'pods.succeeded')).toEqual([1, 2, 3]);
    expect(told.at(JOB, 'pods.succeeded')).toEqual([2.5, 4, 6]);
    expect(told.final(JOB)).toMatchObject({ 'condition.Complete': 'True:CompletionsReached' });
  });

  it('a suspended Job has no pods and no start; resuming starts it anew', () => {
    const told = run(
      [job({ suspend: true, completions: 1 }, { 'run-ms': 60_000 })],
      [
        patch(3000, 'Job', 'calc', { spec: { suspend: false } }),
        patch(6000, 'Job', 'calc', { spec: { suspend: true } }),
      ],
      20,
    );
    expect(told.values(JOB, 'condition.Suspended')).toEqual([
      'True:JobSuspended',
      'False:JobResumed',
      'True:JobSuspended',
    ]);
    expect(told.values(JOB, 'startTime')).toEqual(['set', 'unset']);
    expect(told.at(JOB, 'pods.created')).toEqual([3]);
    // Its finalizer goes first, so the pod is not counted as failed.
    expect(told.at(JOB, 'pods.deleting')).toEqual([6]);
    expect(told.final(JOB)).not.toHaveProperty('status.failed');
    expect(told.events(JOB)).toEqual([
      'Suspended: Job suspended',
      expect.stringContaining('SuccessfulCreate: Created pod'),
      'Resumed: Job resumed',
      expect.stringContaining('SuccessfulDelete: Deleted pod'),
    ]);
  });

  it('fewer completions of an Indexed Job take the highest indexes away', () => {
    const told = run(
      [job({ completionMode: 'Indexed', completions: 4, parallelism: 4 }, { 'run-ms': 3000 })],
      [patch(2000, 'Job', 'calc', { spec: { completions: 3, parallelism: 3 } })],
    );
    expect(told.values(`${JOB}/index-3`, 'deleting')).toEqual(['true']);
    expect(told.final(JOB)).toMatchObject({ 'status.completedIndexes': '0-2', 'status.succeeded': 3 });
  });

  it('leaves a Job that is managed by somebody else alone', () => {
    const told = run([job({ managedBy: 'example.com/other' }, { 'run-ms': 1000 })], [], 20);
    expect(told.values(JOB, 'pods.created')).toEqual([]);
    expect(told.final(JOB)).not.toHaveProperty('startTime');
  });
});

describe('failures', () => {
  it('are replaced 10, 20, 40 s after the containers ended, and fail the Job beyond backoffLimit', () => {
    const told = run([job({ backoffLimit: 3 }, { 'run-ms': 500, 'exit-codes': 1 })]);
    // Ends at 1.5 s, so the next not before 1 + 10 s; that one ends at 12.5 s: 12 + 20 = 32; 33.5 s: 33 + 40 = 73.
    expect(told.at(JOB, 'pods.created')).toEqual([0, 11, 32, 73]);
    expect(told.final(JOB)).toMatchObject({
      'condition.FailureTarget': 'True:BackoffLimitExceeded',
      'condition.Failed': 'True:BackoffLimitExceeded',
      'status.failed': 4,
    });
    expect(told.events(JOB)).toContain('BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  it('a success ends the row of failures', () => {
    const told = run([
      job({ completions: 2, parallelism: 1, backoffLimit: 9 }, { 'run-ms': 500, 'exit-codes': '1,1,0,1,0' }),
    ]);
    // 1.5 s: + 10; 12.5 s: + 20; success at 33.5 s, the next is made when that is seen (34.5 s); it ends at 36 s: + 10.
    const [first, second, third, fourth, fifth] = told.at(JOB, 'pods.created');
    expect([first, second, third]).toEqual([0, 11, 32]);
    expect(fourth! - third!).toBeLessThan(3);
    expect(fifth! - fourth!).toBeGreaterThan(10.5);
    expect(fifth! - fourth!).toBeLessThan(12);
    expect(told.final(JOB)).toMatchObject({ 'status.succeeded': 2, 'status.failed': 3 });
  });

  it('with restartPolicy OnFailure restarts count', () => {
    const told = run([
      job({ backoffLimit: 2 }, { 'run-ms': 800, 'exit-codes': 1 }, { restartPolicy: 'OnFailure' }),
    ]);
    // Runs end at 1.8 s, 2.6 s, and after 10 s of back-off at 13.4 s: the second restart at 12.6 s is one too many.
    expect(told.values(`${JOB}/pod#1`, 'restarts')).toEqual([1, 2, 3]);
    const [failed] = told.at(JOB, 'condition.FailureTarget');
    expect(failed).toBeGreaterThan(13.5);
    expect(failed).toBeLessThan(14);
    expect(told.final(JOB)).toMatchObject({ 'status.failed': 1 });
  });

  it('activeDeadlineSeconds counts from startTime, in whole seconds', () => {
    const told = run([
      job({ completions: 2, parallelism: 2, activeDeadlineSeconds: 5 }, { 'run-ms': 60_000 }),
    ]);
    expect(told.at(JOB, 'condition.FailureTarget')).toEqual([5]);
    // The pods stop in 200 ms; Failed when the controller has seen them go.
    expect(told.at(JOB, 'condition.Failed')).toEqual([6]);
    expect(told.final(JOB)).toMatchObject({
      'condition.Failed': 'True:DeadlineExceeded',
      'status.failed': 2,
    });
  });

  it.each([
    // A pod that is being deleted counts as failed, and its successor waits for the back-off alone: 3 + 10 s.
    { podReplacementPolicy: 'TerminatingOrFailed', created: [0, 0, 13] },
    // It has failed when it has stopped, at 6 s: 6 + 10 s.
    { podReplacementPolicy: 'Failed', created: [0, 0, 16] },
  ])('podReplacementPolicy $podReplacementPolicy', ({ podReplacementPolicy, created }) => {
    const spec = { parallelism: 2, completions: 2, podReplacementPolicy };
    const told = run(
      [job(spec, { 'run-ms': '60000,60000,1000', 'stop-delay-ms': 3000 })],
      [deletePod(3000, 0)],
    );
    expect(told.at(JOB, 'pods.created').map(Math.floor)).toEqual(created);
    expect(told.final(JOB)).toMatchObject({ 'status.succeeded': 2, 'status.failed': 1 });
  });
});

describe('podFailurePolicy', () => {
  const rules = [
    { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    { action: 'Ignore', onExitCodes: { operator: 'In', values: [3] } },
  ];

  it('ignores, counts and fails by exit code', () => {
    const told = run([
      job({ backoffLimit: 6, podFailurePolicy: { rules } }, { 'run-ms': 1000, 'exit-codes': '3,1,42' }),
    ]);
    expect(told.values(JOB, 'pods.failed')).toEqual([1, 2, 3]);
    // The pod with 3 is not counted.
    expect(told.final(JOB)).toMatchObject({
      'condition.Failed': 'True:PodFailurePolicy',
      'status.failed': 2,
    });
    expect(told.events(JOB).at(-1)).toMatch(
      /^PodFailurePolicy: Container c for pod .* failed with exit code 42 matching FailJob rule at index 0$/,
    );
  });

  it('FailIndex ends an index at its first failure', () => {
    const policy = { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'NotIn', values: [1] } }] };
    const told = run([
      job(
        {
          completionMode: 'Indexed',
          completions: 3,
          parallelism: 3,
          backoffLimitPerIndex: 5,
          podFailurePolicy: policy,
        },
        { 'run-ms': 1000, 'exit-codes': '1=7;*=0' },
      ),
    ]);
    expect(told.values(JOB, 'pods.created')).toEqual([1, 2, 3]);
    expect(told.final(JOB)).toMatchObject({
      'condition.Failed': 'True:FailedIndexes',
      'status.completedIndexes': '0,2',
      'status.failedIndexes': '1',
    });
  });
});

describe('Indexed', () => {
  it('takes up failed indexes again, lowest first', () => {
    const told = run([
      job(
        { completionMode: 'Indexed', completions: 4, parallelism: 2 },
        { 'run-ms': 1500, 'exit-codes': '1=1,0;*=0' },
      ),
    ]);
    expect(told.values(`${JOB}/index-1`, 'phase')).toEqual(['Running', 'Failed']);
    expect(told.values(`${JOB}/index-1~2`, 'phase')).toEqual(['Running', 'Succeeded']);
    expect(told.final(JOB)).toMatchObject({ 'status.completedIndexes': '0-3', 'status.failed': 1 });
  });

  it('with backoffLimitPerIndex each index fails for itself', () => {
    const spec = { completionMode: 'Indexed', completions: 4, parallelism: 4, backoffLimitPerIndex: 1 };
    const told = run([job(spec, { 'run-ms': 1000, 'exit-codes': '2=1;*=0' })]);
    // Index 2 ends at 2 s and is tried once more at 2 + 10 s; the others have succeeded by then.
    expect(told.at(`${JOB}/index-2~2`, 'created')).toEqual([12]);
    expect(told.final(JOB)).toMatchObject({
      'condition.Failed': 'True:FailedIndexes',
      'status.completedIndexes': '0,1,3',
      'status.failedIndexes': '2',
      'status.failed': 2,
    });
  });

  it('fails beyond maxFailedIndexes', () => {
    const spec = {
      completionMode: 'Indexed',
      completions: 5,
      parallelism: 1,
      backoffLimitPerIndex: 0,
      maxFailedIndexes: 1,
    };
    const told = run([job(spec, { 'run-ms': 1000, 'exit-codes': '0=1;2=1;*=0' })]);
    expect(told.final(JOB)).toMatchObject({
      'condition.Failed': 'True:MaxFailedIndexesExceeded',
      'status.completedIndexes': '1',
      'status.failedIndexes': '0,2',
    });
    expect(told.values(JOB, 'pods.created')).toEqual([1, 2, 3]);
  });

  it('a success policy ends the others without counting them as failed', () => {
    const spec = {
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      successPolicy: { rules: [{ succeededIndexes: '0' }] },
    };
    const told = run([job(spec, { 'run-ms': '0=2000;*=9000' })]);
    expect(told.final(JOB)).toMatchObject({
      'condition.Complete': 'True:SuccessPolicy',
      'status.completedIndexes': '0',
      'status.succeeded': 1,
    });
    expect(told.final(JOB)).not.toHaveProperty('status.failed');
    expect(told.values(JOB, 'pods.deleting')).toEqual([1, 2]);
  });
});

it('ttlSecondsAfterFinished counts from the end in whole seconds and takes the pods along', () => {
  // Complete at about 2.5 s, which is told as 2 s: deleted at 2 + 5 s.
  const told = run([job({ ttlSecondsAfterFinished: 5 }, { 'run-ms': 500 })]);
  expect(told.at(JOB, 'condition.Complete')).toEqual([2]);
  expect(told.at(JOB, 'deleting')).toEqual([7]);
  expect(told.at(JOB, 'gone')).toEqual([7]);
  expect(told.final(`${JOB}/pod#1`)).toBeUndefined();
});
