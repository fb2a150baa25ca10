// Tables against their plain definitions: a Map of objects for pods, a Map of strings for names, an array for the log.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Interner,
  LabelSets,
  type PodId,
  PodNames,
  PodTable,
  RevisionLog,
  SUFFIXES,
  suffixNumber,
  suffixText,
  Verb,
} from '../../../engine/state/index.ts';

const newPod = (n: number, suffix: number) => ({
  namespace: n % 3,
  nameBase: n % 5,
  nameSuffix: suffix,
  template: 0,
  labelSet: 0,
  owner: n % 2 === 0 ? -1 : n,
  priority: n,
  createdUs: n * 10,
  revision: n + 1,
  runUs: Number.NaN,
});

describe('the pod table and its name index', () => {
  it('holds what a Map of objects and a Map of names would hold, over any program of creations, removals and frees', () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('create' as const),
          n: fc.nat(9),
          suffix: fc.integer({ min: -1, max: 40 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('remove' as const), n: fc.nat(), suffix: fc.constant(0) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('free' as const), n: fc.nat(), suffix: fc.constant(0) }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1500 }), (program) => {
        const table = new PodTable();
        const names = new PodNames(table);
        const live = new Map<number, { name: string; serial: number; generation: number }>();
        const byName = new Map<string, number>();
        const leaving: PodId[] = [];
        const handles: { pod: number; generation: number }[] = [];
        let serial = 0;
        for (const s of program) {
          if (s.do === 'create') {
            const spec = newPod(s.n, s.suffix);
            const name = `${spec.namespace}/${spec.nameBase}/${spec.nameSuffix}`;
            expect(names.find(spec.namespace, spec.nameBase, spec.nameSuffix)).toBe(byName.get(name) ?? -1);
            if (byName.has(name)) continue;
            const pod = table.create(spec);
            names.add(pod);
            serial += 1;
            expect(live.has(pod)).toBe(false);
            live.set(pod, { name, serial, generation: table.generation[pod]! });
            byName.set(name, pod);
            handles.push({ pod, generation: table.generation[pod]! });
          } else if (s.do === 'remove' && live.size > 0) {
            const pod = [...live.keys()][s.n % live.size]! as PodId;
            names.remove(pod);
            table.remove(pod);
            byName.delete(live.get(pod)!.name);
            live.delete(pod);
            leaving.push(pod);
          } else if (s.do === 'free' && leaving.length > 0) {
            table.free(leaving.splice(s.n % leaving.length, 1)[0]!);
          }
        }
        expect(table.live).toBe(live.size);
        expect(table.livePods()).toEqual(
          [...live.entries()].sort((a, b) => a[1].serial - b[1].serial).map(([pod]) => pod),
        );
        for (const { pod, generation } of handles) {
          expect(table.alive(pod, generation)).toBe(live.get(pod)?.generation === generation);
        }
        for (const [name, pod] of byName) {
          const [namespace, base, suffix] = name.split('/').map(Number);
          expect(names.find(namespace!, base!, suffix!)).toBe(pod);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('refuses to remove a pod twice and to free one that is not removed', () => {
    const table = new PodTable();
    const pod = table.create(newPod(1, 1));
    expect(() => table.free(pod)).toThrow('only removed pods are freed');
    table.remove(pod);
    expect(() => table.remove(pod)).toThrow('a pod is removed once');
  });
});

describe('generated name suffixes', () => {
  it('are five characters of the generator alphabet, one for each number', () => {
    fc.assert(
      fc.property(fc.nat(SUFFIXES - 1), (n) => {
        expect(suffixText(n)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
        expect(suffixNumber(suffixText(n))).toBe(n);
      }),
    );
  });

  it.each(['', 'web', 'abcde', 'bbbb1', 'bbbbbb'])('%j cannot be one', (text) => {
    expect(suffixNumber(text)).toBe(-1);
  });
});

describe('the revision log', () => {
  it('gives back what was appended, across growth and trimming', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ trim: fc.constant(-1), id: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.record({ trim: fc.nat(100), id: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (program) => {
        const log = new RevisionLog('things', 2);
        const plain: { revision: number; time: number; id: number; object: object }[] = [];
        let tail = 0;
        for (const [i, s] of program.entries()) {
          if (s.trim < 0) {
            const entry = { revision: i + 1, time: i * 7, id: s.id, object: { i } };
            plain.push(entry);
            log.append(entry.revision, entry.time, Verb.modified, entry.id, i, -1, entry.object);
          } else {
            tail = Math.max(tail, Math.min(plain.length, s.trim));
            log.trim(tail);
          }
          expect([log.tail, log.head]).toEqual([tail, plain.length]);
          for (let p = tail; p < plain.length; p++) {
            const { revision, time, id, object } = plain[p]!;
            expect([log.revision(p), log.time(p), log.id(p), log.verb(p), log.node(p)]).toEqual([
              revision,
              time,
              id,
              Verb.modified,
              -1,
            ]);
            expect(log.object(p)).toBe(object);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('interned strings and label sets', () => {
  it('give one id for equal things, whatever the order of keys, and the thing back for its id', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 }), { maxLength: 50 }),
        (maps) => {
          const sets = new LabelSets();
          const texts = new Interner();
          for (const map of maps) {
            const reversed = Object.fromEntries(Object.entries(map).reverse());
            const id = sets.intern(map);
            expect(sets.intern(reversed)).toBe(id);
            expect(sets.get(id)).toEqual(map);
            for (const key of Object.keys(map)) expect(texts.text(texts.id(key))).toBe(key);
          }
          expect(new Set(maps.map((map) => sets.intern(map))).size).toBeLessThanOrEqual(sets.size);
          expect(sets.intern(undefined)).toBe(sets.intern({}));
        },
      ),
    );
  });
});
