// The counters that the pod view keeps at every change, against counting all pods anew.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PodView } from '../../../engine/controllers/pod-view.ts';
import { isTerminal, Phase, PodBit, type PodId, PodTable, Verb } from '../../../engine/state/index.ts';

const OWNERS = 3;
const word = fc.record({
  phase: fc.constantFrom(Phase.pending, Phase.running, Phase.succeeded, Phase.failed),
  ready: fc.boolean(),
  deleting: fc.boolean(),
});
type Word = { phase: number; ready: boolean; deleting: boolean };
const packed = (w: Word): number =>
  w.phase | (w.ready ? PodBit.ready : 0) | (w.deleting ? PodBit.deleting : 0);

const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('create' as const), owner: fc.nat(OWNERS), labels: fc.nat(2) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('change' as const), pick: fc.nat(), word }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }) },
);

it('counts as a recount does, and lists each owner’s pods in order of appearance', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const table = new PodTable();
      const view = new PodView(table);
      const alive: number[] = [];
      let second = 0;
      for (const s of steps) {
        second += 1;
        if (s.do === 'create') {
          const pod = table.create({
            namespace: 0,
            nameBase: 0,
            nameSuffix: -1,
            template: 0,
            labelSet: s.labels,
            // The last value stands for no owner.
            owner: s.owner === OWNERS ? -1 : s.owner,
            priority: 0,
            createdUs: 0,
            revision: 1,
            runUs: Number.NaN,
          });
          alive.push(pod);
          view.apply(pod, Verb.added, Phase.pending, -1, second);
        } else if (alive.length > 0) {
          const at = s.pick % alive.length;
          const pod = alive[at]!;
          if (s.do === 'change') view.apply(pod, Verb.modified, packed(s.word), 0, second);
          else {
            view.apply(pod, Verb.deleted, view.word(pod), 0, second);
            alive.splice(at, 1);
            table.remove(pod as PodId);
            table.free(pod as PodId);
          }
        }
      }
      expect(view.count).toBe(alive.length);
      for (let owner = 0; owner < OWNERS; owner++) {
        const own = alive.filter((pod) => table.owner[pod] === owner);
        const active = own.filter(
          (pod) => !(view.word(pod) & PodBit.deleting) && !isTerminal(view.word(pod)),
        );
        const labels = new Map<number, number>();
        for (const pod of active)
          labels.set(table.labelSet[pod]!, (labels.get(table.labelSet[pod]!) ?? 0) + 1);
        const owned = view.owned(owner);
        expect([owned?.total ?? 0, owned?.active ?? 0, owned?.ready ?? 0, owned?.terminating ?? 0]).toEqual([
          own.length,
          active.length,
          active.filter((pod) => view.word(pod) & PodBit.ready).length,
          own.filter((pod) => view.word(pod) & PodBit.deleting && !isTerminal(view.word(pod))).length,
        ]);
        expect(new Map([...(owned?.activeByLabels ?? [])].sort())).toEqual(new Map([...labels].sort()));
        const listed: number[] = [];
        for (let pod = view.firstOwned(owner); pod >= 0; pod = view.nextOwned(pod)) listed.push(pod);
        expect(listed).toEqual(own);
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});

it('tells of a pod those who asked for all or for its owner’s kind, in the order in which they asked', () => {
  const table = new PodTable();
  const view = new PodView(table, (owner) => ['ReplicaSet', 'StatefulSet'][owner] ?? '');
  const told: string[] = [];
  const listen = (name: string, ownerKind?: string): void =>
    view.onChange((pod) => told.push(`${name} ${pod}`), ownerKind);
  listen('sets', 'StatefulSet');
  listen('all');
  const create = (owner: number): number => {
    const pod = table.create({
      namespace: 0,
      nameBase: 0,
      nameSuffix: -1,
      template: 0,
      labelSet: 0,
      owner,
      priority: 0,
      createdUs: 0,
      revision: 1,
      runUs: Number.NaN,
    });
    view.apply(pod, Verb.added, Phase.pending, -1, 1);
    return pod;
  };
  const heard = (): string => told.splice(0).join(', ');
  const [replica, member, orphan] = [create(0), create(1), create(-1)] as const;
  expect(heard()).toBe('all 0, sets 1, all 1, all 2');
  listen('replicas', 'ReplicaSet');
  for (const pod of [replica, member, orphan]) view.apply(pod, Verb.modified, Phase.running, 0, 2);
  expect(heard()).toBe('all 0, replicas 0, sets 1, all 1, all 2');
  // The orphan is adopted by the ReplicaSet, and goes.
  view.apply(orphan, Verb.modified, Phase.running, 0, 3, { owner: 0, labelSet: 0 });
  view.apply(orphan, Verb.deleted, Phase.running, 0, 4);
  expect(heard()).toBe('all 2, replicas 2, all 2, replicas 2');
  expect([view.owned(0)!.total, view.owned(1)!.total]).toEqual([1, 1]);
});
