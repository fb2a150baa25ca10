// The arithmetic of Jobs: sets of indexes, back-off, policies, conditions.
import { describe, expect, it } from 'vitest';
import { nextRecord, remainingUs } from '../../../engine/controllers/job-backoff.ts';
import {
  commonIndexes,
  hasIndex,
  indexCount,
  indexText,
  mergeIndexes,
  missingIndexes,
  parseIndexes,
  withIndexes,
} from '../../../engine/controllers/job-indexes.ts';
import { judgeFailure, metSuccessRule } from '../../../engine/controllers/job-policies.ts';
import { ensureCondition, jobCondition } from '../../../engine/controllers/job-status.ts';
import { type ContainerTemplate, Phase, PodBit } from '../../../engine/state/index.ts';

const SECOND = 1_000_000;

describe('sets of indexes', () => {
  it.each([
    { text: '', completions: 5, told: '', count: 0 },
    { text: '0', completions: 5, told: '0', count: 1 },
    { text: '0,1', completions: 5, told: '0,1', count: 2 },
    { text: '0-2', completions: 5, told: '0-2', count: 3 },
    // Neighbours join.
    { text: '0,1,2', completions: 5, told: '0-2', count: 3 },
    { text: '1,3-4,7-9', completions: 100, told: '1,3,4,7-9', count: 6 },
    // What is not below the number of completions is left out.
    { text: '0-2,4-9', completions: 6, told: '0-2,4,5', count: 5 },
    { text: '7', completions: 6, told: '', count: 0 },
    { text: 'x,2', completions: 6, told: '2', count: 1 },
  ])('reads "$text" below $completions as "$told"', ({ text, completions, told, count }) => {
    const set = parseIndexes(text, completions);
    expect(indexText(set)).toBe(told);
    expect(indexCount(set)).toBe(count);
  });

  it.each([
    { a: '', b: '1-3', both: '1-3', common: 0 },
    { a: '0-4', b: '2-8', both: '0-8', common: 3 },
    { a: '0,2,4', b: '1,3', both: '0-4', common: 0 },
    { a: '0-9', b: '3,5-6', both: '0-9', common: 3 },
    { a: '0-1,8', b: '3-4,8-9', both: '0,1,3,4,8,9', common: 1 },
  ])('$a and $b', ({ a, b, both, common }) => {
    const [x, y] = [parseIndexes(a, 99), parseIndexes(b, 99)];
    expect(indexText(mergeIndexes(x, y))).toBe(both);
    expect(indexText(mergeIndexes(y, x))).toBe(both);
    expect(commonIndexes(x, y)).toBe(common);
  });

  it('adds indexes in any order, and twice the same', () => {
    expect(indexText(withIndexes(parseIndexes('1,5', 9), [4, 2, 4, 8]))).toBe('1,2,4,5,8');
  });

  it('finds what is missing, the lowest first', () => {
    const set = parseIndexes('0,2-3,6', 99);
    expect(missingIndexes(set, 3, 9)).toEqual([1, 4, 5]);
    expect(missingIndexes(set, 9, 8)).toEqual([1, 4, 5, 7]);
    expect([0, 1, 2, 3, 5, 6, 7].filter((index) => hasIndex(set, index))).toEqual([0, 2, 3, 6]);
  });
});

describe('back-off', () => {
  it.each([
    // Failures, s since the last one's end, s left: 10 · 2^(failures − 1), at most 600.
    [0, 0, 0],
    [1, 0, 10],
    [1, 4, 6],
    [1, 10, 0],
    [2, 1, 19],
    [4, 0, 80],
    [6, 0, 320],
    [7, 0, 600],
    [50, 100, 500],
  ])('%i failures, the last one %i s ago: %i s', (failures, ago, left) => {
    expect(remainingUs(failures, 100 * SECOND, (100 + ago) * SECOND)).toBe(left * SECOND);
  });

  it.each([
    { known: 2, succeeded: [], failed: [], failures: 2 },
    { known: 2, succeeded: [], failed: [7, 5], failures: 4 },
    { known: 2, succeeded: [6], failed: [], failures: 0 },
    // Only what failed after the last success counts; in the same second it does not.
    { known: 2, succeeded: [4, 6], failed: [5, 6, 7, 8], failures: 2 },
  ])('$known failures, then successes $succeeded and failures $failed: $failures', (c) => {
    const record = nextRecord({ failures: c.known, lastFailureUs: 1 }, c.succeeded, c.failed);
    expect(record.failures).toBe(c.failures);
    if (c.failed.length > 0) expect(record.lastFailureUs).toBe(Math.max(...c.failed));
  });
});

describe('podFailurePolicy', () => {
  const containers = [{ name: 'a' }, { name: 'b' }] as ContainerTemplate[];
  const failed = (exitCode: number, bits = 0) => ({
    key: 'ns/p',
    word: Phase.failed | PodBit.acknowledged | PodBit.scheduled | bits,
    exitCode,
    containers,
  });
  const exit = (operator: string, values: number[], containerName?: string) => ({
    onExitCodes: { operator, values, ...(containerName ? { containerName } : {}) },
  });

  it.each([
    { rule: exit('In', [3]), pod: failed(3), matches: true },
    { rule: exit('In', [3]), pod: failed(4), matches: false },
    { rule: exit('NotIn', [3]), pod: failed(4), matches: true },
    { rule: exit('NotIn', [3]), pod: failed(3), matches: false },
    // Code 0 and no code at all match nothing.
    { rule: exit('NotIn', [3]), pod: failed(0), matches: false },
    { rule: exit('NotIn', [3]), pod: failed(-1), matches: false },
    { rule: exit('In', [3], 'b'), pod: failed(3), matches: true },
    { rule: exit('In', [3], 'other'), pod: failed(3), matches: false },
    {
      rule: { onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      pod: failed(1),
      matches: false,
    },
    {
      rule: { onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      pod: failed(1, PodBit.preempted),
      matches: true,
    },
    { rule: { onPodConditions: [{ type: 'Ready', status: 'False' }] }, pod: failed(1), matches: true },
    { rule: { onPodConditions: [{ type: 'Own', status: 'True' }] }, pod: failed(1), matches: false },
  ])('$rule of exit code $pod.exitCode: $matches', ({ rule, pod, matches }) => {
    const verdict = judgeFailure({ rules: [{ action: 'Ignore', ...rule }] }, pod);
    expect(verdict).toEqual({ action: matches ? 'Ignore' : null, counts: !matches, message: null });
  });

  it('the first rule that matches decides', () => {
    const rules = [
      { action: 'Count', ...exit('In', [1]) },
      { action: 'FailJob', ...exit('In', [1, 2], 'b') },
      { action: 'Ignore', ...exit('In', [1, 2, 3]) },
    ];
    expect(judgeFailure({ rules }, failed(1)).action).toBe('Count');
    expect(judgeFailure({ rules }, failed(3)).action).toBe('Ignore');
    expect(judgeFailure({ rules }, failed(2)).message).toBe(
      'Container b for pod ns/p failed with exit code 2 matching FailJob rule at index 1',
    );
  });
});

describe('successPolicy', () => {
  it.each([
    { rules: [{ succeededIndexes: '0-2' }], done: '0,1', met: null },
    { rules: [{ succeededIndexes: '0-2' }], done: '0-2,5', met: 0 },
    { rules: [{ succeededIndexes: '0-4', succeededCount: 2 }], done: '1,3', met: 0 },
    { rules: [{ succeededIndexes: '0-4', succeededCount: 2 }], done: '4,7,8', met: null },
    { rules: [{ succeededIndexes: '9' }, { succeededCount: 3 }], done: '1,5,6', met: 1 },
    // Indexes beyond the completions cannot be asked for.
    { rules: [{ succeededIndexes: '50' }], done: '1', met: null },
    { rules: [{ succeededCount: 0 }], done: '', met: null },
  ])('$rules with $done', ({ rules, done, met }) => {
    const message = metSuccessRule({ rules }, 10, parseIndexes(done, 10));
    expect(message).toBe(met === null ? null : `Matched rules at index ${met}`);
  });
});

describe('conditions', () => {
  const suspended = jobCondition('Suspended', 'True', 'JobSuspended', 'Job suspended', 0);
  const resumed = jobCondition('Suspended', 'False', 'JobResumed', 'Job resumed', SECOND);

  it('one that never was True is not added as False', () => {
    expect(ensureCondition([], resumed)).toEqual([]);
    expect(ensureCondition([suspended], resumed)).toEqual([resumed]);
  });
  it('the list stays the same if it says so already', () => {
    const list = [suspended];
    expect(ensureCondition(list, { ...suspended, lastTransitionTime: 'later' })).toBe(list);
  });
});
