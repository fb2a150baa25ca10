// The promises of a StatefulSet, for any size, partition and luck: an ordinal never has two pods, OrderedReady never
// starts a pod before those below it are ready, an update takes one pod at a time, and in the end all is as asked for.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isTerminal, PodBit } from '../../../engine/state/index.ts';
import { Harness, MS, SECOND, statefulSet } from '../../unit/controllers/harness.ts';

interface Seen {
  readonly ordinal: number;
  readonly image: string;
  readonly ready: boolean;
  readonly deleting: boolean;
}

function look(h: Harness): Seen[] {
  const { pods } = h.state;
  return h.pods().map((pod) => {
    const word = pods.word[pod]!;
    return {
      ordinal: Number(h.state.podName(pod).slice('db-'.length)),
      image: h.state.template(pod).spec.containers[0].image,
      ready: (word & PodBit.ready) !== 0 && !isTerminal(word),
      deleting: (word & PodBit.deleting) !== 0,
    };
  });
}

it('has one pod an ordinal, in order, and ends with the template that each ordinal is to have', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 0, max: 7 }),
      fc.integer({ min: 0, max: 8 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.integer({ min: 0, max: 2500 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 0, max: 3000 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.nat(6), fc.boolean()), { maxLength: 4 }),
      (size, resized, partition, isOrdered, minReadySeconds, readyMs, stopMs, failures) => {
        const h = new Harness({ readyUs: (n) => readyMs[n % readyMs.length]! * MS, stopUs: stopMs * MS });
        h.create(
          statefulSet('db', size, {
            podManagementPolicy: isOrdered ? 'OrderedReady' : 'Parallel',
            updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
            minReadySeconds,
          }),
        );
        h.run(60 * SECOND);
        expect(look(h).filter(({ ready }) => ready)).toHaveLength(size);
        h.setImage('db', 'app:v2', 'StatefulSet');
        for (let t = 0; t < 400; t++) {
          h.run(50 * MS);
          if (t === 100) h.scale('StatefulSet', 'db', resized);
          for (const [at, nth, isFailure] of failures) {
            const pod = h.pods()[nth];
            if (at !== t || pod === undefined) continue;
            if (isFailure) h.endPod(pod, 'Failed');
            else h.deletePod(pod);
          }
          const seen = look(h);
          const ordinals = seen.map(({ ordinal }) => ordinal);
          expect(new Set(ordinals).size).toBe(ordinals.length);
          expect(Math.max(0, ...ordinals)).toBeLessThan(Math.max(size, resized, 1));
          // Without outside help at most one pod is being replaced; the others stay ready while the update runs.
          if (failures.length === 0 && t < 100)
            expect(seen.filter(({ ready, deleting }) => ready && !deleting).length).toBeGreaterThanOrEqual(
              size - 1,
            );
        }
        h.run(120 * SECOND);
        const end = look(h).sort((a, b) => a.ordinal - b.ordinal);
        expect(end.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: resized }, (_, i) => i));
        for (const { ordinal, image, ready } of end) {
          expect(ready).toBe(true);
          expect(image).toBe(ordinal < partition ? 'app:v1' : 'app:v2');
        }
        const { readyReplicas = 0, updatedReplicas = 0, replicas } = h.get('StatefulSet', 'db').status;
        const updated = Math.max(0, resized - partition);
        expect([replicas, readyReplicas, updatedReplicas]).toEqual([resized, resized, updated]);
      },
    ),
    { seed: 23, numRuns: 40 },
  );
}, 60_000);
