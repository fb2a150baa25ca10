// The list of changed pods against a Map, short and long.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChangedPods } from '../../../engine/controllers/changed-pods.ts';

it('holds what a Map would, in its order, and is empty after clear', () => {
  const change = fc.tuple(fc.nat(40), fc.integer({ min: -1, max: 5 }));
  const sync = fc.array(change, { maxLength: 60 });
  fc.assert(
    fc.property(fc.array(sync, { maxLength: 4 }), (syncs) => {
      const list = new ChangedPods();
      for (const changes of syncs) {
        const twin = new Map<number, number>();
        for (const [serial, pod] of changes) {
          expect(list.has(serial)).toBe(twin.has(serial));
          list.set(serial, pod);
          twin.set(serial, pod);
        }
        const found = Array.from({ length: list.size }, (_, i) => [list.serial(i), list.pod(i)]);
        expect(found).toEqual([...twin]);
        list.clear();
        expect(list.size).toBe(0);
      }
    }),
    { numRuns: 200 },
  );
});
