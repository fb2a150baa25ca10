// The promise of a rolling update, for any surge and unavailability: never fewer available, never more asked for.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fenceposts } from '../../../engine/controllers/deployment-sizes.ts';
import { isTerminal, PodBit } from '../../../engine/state/index.ts';
import { deployment, Harness, MS, SECOND } from '../../unit/controllers/harness.ts';

const limit = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
);

it('keeps available >= replicas - maxUnavailable and sizes <= replicas + maxSurge, and ends with new pods only', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 14 }),
      limit,
      limit,
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 0, max: 4000 }),
      (replicas, maxSurge, maxUnavailable, readyMs, stopMs) => {
        const strategy = { rollingUpdate: { maxSurge, maxUnavailable } };
        // The API refuses 0 and 0 as numbers; as percentages it may come to that.
        fc.pre(!(Number.parseInt(`${maxSurge}`, 10) === 0 && Number.parseInt(`${maxUnavailable}`, 10) === 0));
        const { surge, unavailable } = fenceposts({ rolling: true, replicas, maxSurge, maxUnavailable });
        const h = new Harness({ readyUs: (n) => readyMs[n % readyMs.length]! * MS, stopUs: stopMs * MS });
        h.create(deployment('web', replicas, { strategy }));
        h.run(10 * SECOND);
        h.setImage('web', 'app:v2');
        for (let t = 0; t < 6000; t++) {
          h.run(10 * MS);
          let ready = 0;
          for (const pod of h.pods()) {
            const word = h.state.pods.word[pod]!;
            if (word & PodBit.deleting || isTerminal(word)) continue;
            if (word & PodBit.ready) ready += 1;
          }
          expect(ready).toBeGreaterThanOrEqual(replicas - Math.min(unavailable, replicas));
          // What the Deployment asks for is bounded; pods follow a moment later, made by one worker and deleted by another.
          const asked = h.all('ReplicaSet').reduce((sum, set) => sum + set.spec.replicas, 0);
          expect(asked).toBeLessThanOrEqual(replicas + surge);
          if (t % 20 === 0 && h.all('ReplicaSet').length === 2) {
            const [old, current] = h.all('ReplicaSet');
            if ((old.status.replicas ?? 0) === 0 && current.status.readyReplicas === replicas) break;
          }
        }
        h.run(60 * SECOND);
        const sizes = h.all('ReplicaSet').map((set) => set.spec.replicas);
        expect(sizes).toEqual([0, replicas]);
        expect(h.get('Deployment', 'web').status).toMatchObject({
          updatedReplicas: replicas,
          availableReplicas: replicas,
        });
      },
    ),
    { seed: 17, numRuns: 25 },
  );
}, 60_000);
