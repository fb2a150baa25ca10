// Which pods go first: upstream's order, one rule a case.
import { describe, expect, it } from 'vitest';
import {
  ageBucket,
  chooseForDeletion,
  compareActive,
  compareForDeletion,
  type DeletionCandidate,
} from '../../../engine/controllers/pod-ranking.ts';
import { deletionCost } from '../../../engine/controllers/replica-manager.ts';
import { Phase } from '../../../engine/state/index.ts';

const SECOND = 1_000_000;
const NOW = 10_000 * SECOND;

type Named = DeletionCandidate & { name: string };
const pod = (name: string, change: Partial<DeletionCandidate> = {}): Named => ({
  name,
  node: 'n1',
  phase: Phase.running,
  ready: true,
  deletionCost: 0,
  rank: 0,
  readyUs: NOW - 100 * SECOND,
  restarts: 0,
  createdUs: NOW - 200 * SECOND,
  uid: () => name,
  ...change,
});
const unready = { ready: false, readyUs: Number.NaN };

describe('deletion order', () => {
  it.each<[string, Named, Named]>([
    ['unassigned before assigned', pod('z', { node: '' }), pod('a')],
    ['Pending before Unknown', pod('z', { phase: Phase.pending }), pod('a', { phase: Phase.unknown })],
    ['Unknown before Running', pod('z', { phase: Phase.unknown }), pod('a')],
    ['not ready before ready', pod('z', unready), pod('a')],
    ['lower cost before higher', pod('z', { deletionCost: -1 }), pod('a')],
    ['the crowded node first', pod('z', { rank: 3 }), pod('a', { rank: 2 })],
    // 100 s = 10^11 ns: bucket 36; 1000 s: bucket 39.
    ['ready for a shorter time', pod('z'), pod('a', { readyUs: NOW - 1000 * SECOND })],
    ['more restarts first', pod('z', { restarts: 2 }), pod('a', { restarts: 1 })],
    ['newer before older', pod('z'), pod('a', { createdUs: NOW - 2000 * SECOND })],
    // Not ready: cost decides before age.
    [
      'cost before age',
      pod('z', { ...unready, deletionCost: 1 }),
      pod('a', { ...unready, deletionCost: 2, createdUs: NOW }),
    ],
  ])('%s', (_name, first, second) => {
    expect(compareForDeletion(first, second, NOW)).toBeLessThan(0);
    expect(compareForDeletion(second, first, NOW)).toBeGreaterThan(0);
  });

  it('tells ages apart by powers of two of nanoseconds only; in one bucket the lower UID goes', () => {
    // 100 s and 120 s are both between 2^36 = 68.7 s and 2^37 = 137 s; 140 s is not.
    expect(ageBucket(100 * SECOND)).toBe(36);
    expect(ageBucket(120 * SECOND)).toBe(36);
    expect(ageBucket(140 * SECOND)).toBe(37);
    expect(ageBucket(0)).toBe(-1);
    const [a, b] = [pod('a', { readyUs: NOW - 120 * SECOND }), pod('b')];
    expect(compareForDeletion(a, b, NOW)).toBeLessThan(0);
    expect(compareForDeletion(b, a, NOW)).toBeGreaterThan(0);
  });

  it('keeps the given order among pods that are equal in everything', () => {
    const pods = [pod('c'), pod('a'), pod('b')];
    expect(chooseForDeletion(pods, 2, NOW).map((p) => p.name)).toEqual(['c', 'a']);
  });

  it('does not rank when all have to go', () => {
    const pods = [pod('a'), pod('b', { node: '' })];
    expect(chooseForDeletion(pods, 2, NOW).map((p) => p.name)).toEqual(['a', 'b']);
  });
});

// pkg/controller/controller_utils.go ActivePods.Less (v1.36), by which Jobs delete what is too much.
describe('deletion order of Jobs', () => {
  it.each<[string, Named, Named]>([
    ['unassigned before assigned', pod('z', { node: '' }), pod('a')],
    ['Pending before Running', pod('z', { phase: Phase.pending }), pod('a')],
    ['not ready before ready', pod('z', unready), pod('a')],
    // 100 s and 120 s are one age to a ReplicaSet, not to a Job.
    ['ready for a shorter time', pod('z'), pod('a', { readyUs: NOW - 120 * SECOND })],
    ['more restarts first', pod('z', { restarts: 2 }), pod('a', { restarts: 1 })],
    ['newer before older, by the second', pod('z'), pod('a', { createdUs: NOW - 201 * SECOND })],
  ])('%s', (_name, first, second) => {
    expect(compareActive(first, second)).toBeLessThan(0);
    expect(compareActive(second, first)).toBeGreaterThan(0);
  });

  it('knows no deletion cost, no rank and no UID', () => {
    const cheap = pod('z', { deletionCost: -5, rank: 3 });
    expect([compareActive(cheap, pod('a')), compareActive(pod('a'), cheap)]).toEqual([0, 0]);
  });
});

describe('pod-deletion-cost', () => {
  it.each([
    ['100', 100],
    ['-7', -7],
    ['0', 0],
    // Not written as an int32: counts as 0.
    ['+3', 0],
    ['007', 0],
    ['1.5', 0],
    ['2147483648', 0],
    [undefined, 0],
  ])('%s is %i', (text, expected) => {
    const annotations: Record<string, string> =
      text === undefined ? {} : { 'controller.kubernetes.io/pod-deletion-cost': text };
    expect(deletionCost(annotations)).toBe(expected);
  });
});
