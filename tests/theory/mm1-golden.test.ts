// The first golden: one M/M/1 run by its fingerprint. The ingredients pinned are those a refactoring
// must not change: who was served when (d) and the summary (s). Times and kinds of events may move.
//
// When a change of the model or of the random streams is meant to move them, run this file, copy
// the digest that the failure prints, and say why in the commit.

import { describe, expect, it } from 'vitest';
import type { QueueKind } from '../../engine/kernel/index.ts';
import { exponential, simulateStation } from './station.ts';

const GOLDEN = 'af1991895edfc0d7';

function mm1(seed = 'golden', replication = 0, queue: QueueKind = 'heap') {
  return simulateStation(
    {
      servers: 1,
      interarrival: exponential(1_250_000),
      service: exponential(1_000_000),
      customers: 20_000,
      warmUp: 1_000,
    },
    seed,
    replication,
    queue,
  ).fingerprint;
}

describe('M/M/1', () => {
  it('serves the customers of the golden run at the same times', () => {
    expect(mm1().digest('ds')).toBe(GOLDEN);
  });

  it('run twice, and after a different run, is the same run', () => {
    const first = mm1().ingredients();
    expect(mm1().ingredients()).toEqual(first);
    mm1('another', 3, 'ladder');
    expect(mm1().ingredients()).toEqual(first);
  });

  it.each(['ladder', 'fast-priority-queue'] as const)('is the same run on %s', (queue) => {
    expect(mm1('golden', 0, queue).ingredients()).toEqual(mm1().ingredients());
  });

  it('is another run with another seed or replication', () => {
    const digests = [mm1(), mm1('other'), mm1('golden', 1)].map((fingerprint) => fingerprint.digest('d'));
    expect(new Set(digests).size).toBe(3);
  });
});
