// The scheduler's index of claims and their users against the plain form: lists that are searched from end to end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { SchedulerStorage } from '../../../engine/scheduler/storage.ts';
import { addPod, newState, podSpec } from '../../unit/scheduler/support.ts';

const CLAIMS = ['a', 'b', 'c'];
const NODES = 3;

describe('users of claims', () => {
  it('are what a walk over all pods finds', () => {
    const step = fc.record({ pod: fc.nat({ max: 11 }), node: fc.nat({ max: NODES - 1 }) });
    const volumes = fc.array(fc.array(fc.constantFrom(...CLAIMS), { maxLength: 3 }), {
      minLength: 12,
      maxLength: 12,
    });
    fc.assert(
      fc.property(volumes, fc.array(step, { maxLength: 60 }), (claimsOf, steps) => {
        const state = newState();
        const storage = new SchedulerStorage(state);
        const pods = claimsOf.map((claims, i) => {
          const list = claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
          return addPod(state, `p${i}`, podSpec({}, { volumes: [{ name: 'own', emptyDir: {} }, ...list] }));
        });
        // A pod that is nowhere comes to the node, one that is somewhere leaves.
        const placed: { pod: number; node: number }[] = [];
        for (const { pod, node } of steps) {
          const row = pods[pod]!;
          const at = placed.findIndex((each) => each.pod === pod);
          if (at < 0) {
            placed.push({ pod, node });
            storage.podAdded(row, node, state.template(row));
          } else {
            const old = placed.splice(at, 1)[0]!.node;
            storage.podRemoved(row, old, state.template(row));
          }
          for (const claim of CLAIMS) {
            const uses = placed.flatMap((each) => claimsOf[each.pod]!.filter((name) => name === claim));
            expect(storage.claimUsers('default', claim)).toBe(uses.length);
          }
          for (let n = 0; n < NODES; n++) {
            const here = placed.filter((each) => each.node === n && claimsOf[each.pod]!.length > 0);
            expect(storage.podsOn(n).map(({ name }) => name)).toEqual(here.map((each) => `p${each.pod}`));
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('volumes', () => {
  it('are what was told last, or assumed since, in their class', () => {
    const step = fc.record({
      what: fc.constantFrom('set', 'delete', 'assume', 'forget'),
      name: fc.constantFrom('v1', 'v2', 'v3'),
      storageClass: fc.constantFrom('x', 'y'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const storage = new SchedulerStorage(newState());
        const real = new Map<string, KubeObject>();
        const assumed = new Map<string, KubeObject>();
        for (const { what, name, storageClass } of steps) {
          const volume = (spec: object): KubeObject => ({
            apiVersion: 'v1',
            kind: 'PersistentVolume',
            metadata: { name },
            spec,
          });
          if (what === 'set') {
            const told = volume({ storageClassName: storageClass });
            expect(storage.set(told)).toBe(real.get(name) ?? null);
            real.set(name, told);
            assumed.delete(name);
          } else if (what === 'delete') {
            storage.delete(volume({}));
            real.delete(name);
            assumed.delete(name);
          } else if (what === 'assume') {
            const known = real.get(name);
            const better = volume({ ...known?.['spec'], claimRef: { name: 'c' } });
            storage.assumeVolume(better);
            if (known !== undefined) assumed.set(name, better);
          } else {
            storage.forgetVolume(name);
            assumed.delete(name);
          }
          const now = [...real].map(([key, object]) => assumed.get(key) ?? object);
          for (const each of ['v1', 'v2', 'v3']) {
            expect(storage.volume(each)).toBe(assumed.get(each) ?? real.get(each) ?? null);
          }
          for (const each of ['x', 'y']) {
            const members = new Set(now.filter((object) => object['spec'].storageClassName === each));
            expect(new Set(storage.volumesOfClass(each))).toEqual(members);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
