// Every queue is the sorted array with first-in-first-out ties (K3), and lanes are the heap.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandleTable, NumberHeap } from '../../../engine/kernel/index.ts';
import { playOnKernel, playOnModel, programs, QUEUES, sweepingPrograms } from './programs.ts';

const RUNS = { numRuns: 300, seed: 20_260_101 };

describe('random programs', () => {
  it.each(QUEUES)('%s ≡ sorted array', (queue) => {
    fc.assert(
      fc.property(programs, (program) => {
        expect(playOnKernel(program, queue)).toEqual(playOnModel(program));
      }),
      RUNS,
    );
  });

  it.each(QUEUES)('%s ≡ sorted array when most timers are cancelled', (queue) => {
    fc.assert(
      fc.property(sweepingPrograms, (program) => {
        expect(playOnKernel(program, queue)).toEqual(playOnModel(program));
      }),
      { ...RUNS, numRuns: 40 },
    );
  });

  it.each(QUEUES)('lanes ≡ %s', (queue) => {
    fc.assert(
      fc.property(programs, (program) => {
        expect(playOnKernel(program, queue, true)).toEqual(playOnKernel(program, queue, false));
      }),
      { ...RUNS, numRuns: 150 },
    );
  });
});

describe('tools', () => {
  it('NumberHeap ≡ stable sort', () => {
    const steps = fc.array(fc.option(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ noNaN: true }))));
    fc.assert(
      fc.property(steps, (list) => {
        const heap = new NumberHeap(1);
        const model: { key: number; value: number }[] = [];
        list.forEach((key, value) => {
          if (key !== null) {
            heap.push(key, value);
            const at = model.findIndex((other) => other.key > key);
            model.splice(at < 0 ? model.length : at, 0, { key, value });
          } else if (model.length > 0) {
            expect([heap.peekKey(), heap.peekValue()]).toEqual([model[0]!.key, model[0]!.value]);
            expect(heap.pop()).toBe(model.shift()!.value);
          }
          expect(heap.size).toBe(model.length);
        });
        while (model.length > 0) expect(heap.pop()).toBe(model.shift()!.value);
      }),
      RUNS,
    );
  });

  it('HandleTable ≡ a set of living pairs', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(50))), (list) => {
        const table = new HandleTable(1);
        const alive: [number, number][] = [];
        const dead: [number, number][] = [];
        for (const step of list) {
          if (step === null || alive.length === 0) {
            const index = table.allocate();
            expect(alive.some(([other]) => other === index)).toBe(false);
            alive.push([index, table.generation(index)]);
          } else {
            const [pair] = alive.splice(step % alive.length, 1);
            table.release(pair![0]);
            dead.push(pair!);
          }
          expect(table.size).toBe(alive.length);
          expect(table.capacity).toBeGreaterThanOrEqual(table.end);
          for (const [index, generation] of alive) expect(table.isAlive(index, generation)).toBe(true);
          for (const [index, generation] of dead) expect(table.isAlive(index, generation)).toBe(false);
        }
      }),
      RUNS,
    );
  });
});
