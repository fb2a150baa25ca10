// The assertion at each scale-down of a rolling update: it bites where a decision takes what was promised, and only there.
import { describe, expect, it } from 'vitest';
import { assertStaysAvailable, type SetNow } from '../../../engine/controllers/deployment-availability.ts';

const set = (replicas: number, available: number, ready = available): SetNow => ({
  replicas,
  available,
  ready,
});

describe('a scale-down of the first set', () => {
  it.each<[string, number, SetNow[], number, boolean]>([
    // 10 old and 2 of 3 new: 12 Ready, at least 8, so 4 may go.
    ['to what is promised', 8, [set(10, 10), set(3, 2)], 6, true],
    ['to one fewer', 8, [set(10, 10), set(3, 2)], 5, false],
    // Of 10 only 6 are Ready; those that are not go first: 4 fewer take nothing.
    ['that takes what is not Ready', 8, [set(10, 6), set(3, 2)], 6, true],
    ['that takes one Ready pod more', 8, [set(10, 6), set(3, 2)], 5, false],
    // Nothing can be taken any more: 7 are fewer than 8 already.
    ['where a fault has taken the promise before', 8, [set(10, 5), set(3, 2)], 4, true],
    // The status tells of 10, the pods are 7: a fault whose news is under way.
    ['that does not know of a fault yet', 8, [set(10, 10, 7), set(3, 2)], 5, true],
    // The status tells of 6, meanwhile all 10 are Ready.
    ['that does not know of new pods yet', 8, [set(10, 6, 10), set(3, 0)], 6, true],
    // Size 4 was asked for, 10 are Ready still: 4 of them count.
    ['whose last one is still being carried out', 4, [set(4, 4, 10), set(3, 0)], 3, false],
  ])('%s', (_, least, sets, to, allowed) => {
    const decide = () => assertStaysAvailable('default/web', least, sets, 0, to);
    if (allowed) expect(decide).not.toThrow();
    else expect(decide).toThrow(/Deployment default\/web would have \d+ pods available of at least \d+/);
  });
});
