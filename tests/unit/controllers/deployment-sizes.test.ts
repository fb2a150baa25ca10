// The arithmetic of rollouts, on numbers; what upstream's tests and recorded clusters say stands above each case.
import { describe, expect, it } from 'vitest';
import {
  fenceposts,
  maxSurge,
  maxUnavailable,
  newReplicas,
  proportionalSizes,
  type Size,
  type Strategy,
  scaleDownBudget,
  scaledValue,
} from '../../../engine/controllers/deployment-sizes.ts';

const strategy = (
  replicas: number,
  surge: number | string,
  unavailable: number | string,
  rolling = true,
): Strategy => ({
  rolling,
  replicas,
  maxSurge: surge,
  maxUnavailable: unavailable,
});
const size = (replicas: number, available = replicas, maxReplicas?: number): Size => ({
  replicas,
  available,
  maxReplicas,
});

describe('percentages', () => {
  it.each([
    // 25 % of 10 = 2.5: surge up to 3, unavailable down to 2.
    ['25%', 10, true, 3],
    ['25%', 10, false, 2],
    // 25 % of 4 = 1 exactly, either way.
    ['25%', 4, true, 1],
    ['25%', 4, false, 1],
    ['100%', 7, false, 7],
    ['0%', 7, true, 0],
    [3, 10, true, 3],
    ['three', 10, true, 0],
  ])('%s of %i, rounded up: %s, is %i', (value, total, up, expected) => {
    expect(scaledValue(value, total, up)).toBe(expected);
  });

  it('never lets a rollout stand still: 0 and 0 becomes one unavailable', () => {
    // 1 % of 10 rounds down to 0; with surge 0 nothing could move.
    expect(fenceposts(strategy(10, 0, '1%'))).toEqual({ surge: 0, unavailable: 1 });
    expect(fenceposts(strategy(10, 1, 0))).toEqual({ surge: 1, unavailable: 0 });
  });

  it('allows no more to be unavailable than there are, and nothing under Recreate', () => {
    expect(maxUnavailable(strategy(3, 0, 10))).toBe(3);
    expect(maxUnavailable(strategy(0, 0, 10))).toBe(0);
    expect(maxUnavailable(strategy(10, '25%', '25%', false))).toBe(0);
    expect(maxSurge(strategy(10, '25%', '25%', false))).toBe(0);
  });
});

describe('size of the new ReplicaSet', () => {
  it.each([
    // First rollout of 10: nothing there, room 13, wanted 10.
    [10, 0, 0, 10],
    // 10 old pods: 13 - 10 = 3 may surge.
    [10, 0, 10, 3],
    // 3 new, 8 old: 13 - 11 = 2 more.
    [10, 3, 11, 5],
    // 9 new, 2 old: 13 - 11 = 2, but one is enough.
    [10, 9, 11, 10],
    // Over the limit: stays.
    [10, 4, 14, 4],
  ])('of %i wanted, own %i, all %i: %i', (replicas, own, total, expected) => {
    expect(newReplicas(strategy(replicas, '25%', '25%'), own, total)).toBe(expected);
  });

  it('is the whole under Recreate', () => {
    expect(newReplicas(strategy(10, '25%', '25%', false), 0, 10)).toBe(10);
  });
});

describe('pods that the old ReplicaSets may lose', () => {
  it.each([
    // 10 old + 3 new, none of them available: 13 - 8 - 3 = 2.
    [10, 13, 3, 0, 2],
    // All 3 new available: 13 - 8 - 0 = 5.
    [10, 13, 3, 3, 5],
    // 8 old + 5 new, 3 available: 13 - 8 - 2 = 3.
    [10, 13, 5, 3, 3],
    // 8 in all, new ones not available: 8 - 8 - 2 < 0.
    [10, 8, 2, 0, -2],
  ])(
    'of %i wanted, %i in all, new %i of which %i available: %i',
    (replicas, total, own, available, expected) => {
      expect(scaleDownBudget(strategy(replicas, '25%', '25%'), total, size(own, available))).toBe(expected);
    },
  );
});

describe('proportional scaling', () => {
  it('makes 11+7 of 8+5 when 10 become 15 (recorded: deploy-proportional-10-15)', () => {
    // Surge 3: allowed 18, now 13, to add 5. 8 * 18 / 13 = 11.08 -> 11: +3; 5 * 18 / 13 = 6.92 -> 7: +2.
    expect(proportionalSizes(strategy(15, 3, 2), [size(8, 8, 13), size(5, 0, 13)], 13)).toEqual([11, 7]);
  });

  it.each([
    // No room: allowed 12 + 0, now 12.
    ['nothing to share', strategy(12, 0, 1), [size(7, 7, 12), size(5, 5, 12)], [7, 5]],
    // 10 -> 20, no surge: each doubles.
    ['doubling', strategy(20, 0, 1), [size(8, 8, 10), size(2, 2, 10)], [16, 4]],
    // 5 + 5 -> 9 with no surge: 5 * 9 / 10 = 4.5, rounds to 5: no loss each; the one too many is taken from the first.
    ['rounding down', strategy(9, 0, 1), [size(5, 5, 10), size(5, 5, 10)], [4, 5]],
    ['to zero', strategy(0, 0, 1), [size(6, 6, 10), size(4, 4, 10)], [0, 0]],
    // Without the annotation the Deployment's status.replicas (10 here) has to do.
    ['no annotation', strategy(20, 0, 1), [size(8), size(2)], [16, 4]],
  ])('%s', (_name, how, sizes, expected) => {
    expect(proportionalSizes(how as Strategy, sizes as Size[], 10)).toEqual(expected);
  });
});
