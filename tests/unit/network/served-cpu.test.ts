// CPU time of requests: how it is spread over time, and what an autoscaler makes of it in a run.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServedCpu } from '../../../engine/network/served-cpu.ts';

const MS = 1000;
const S = 1_000_000;

describe('CPU time between two moments', () => {
  // start, end, CPU of requests in ms; from, to in ms; CPU in between in ms.
  it.each<[string, [number, number, number][], [number, number], number]>([
    ['nothing', [], [0, 15_000], 0],
    ['within a second', [[100, 200, 50]], [0, 1000], 50],
    ['over three seconds: 10 ms each 100 ms', [[900, 2100, 120]], [1000, 2000], 100],
    ['of a second that is cut a share', [[0, 1000, 100]], [500, 1000], 50],
    [
      'several',
      [
        [0, 10, 5],
        [5, 15, 5],
        [15_000, 15_010, 5],
      ],
      [0, 15_000],
      10,
    ],
    [
      'before and after',
      [
        [0, 10, 5],
        [20_000, 20_010, 5],
      ],
      [5000, 15_000],
      0,
    ],
  ])('%s', (_name, requests, [from, to], expected) => {
    const cpu = new ServedCpu();
    for (const [start, end, us] of requests) cpu.add(1, 1, start * MS, end * MS, us * MS);
    expect(cpu.between(1, 1, from * MS, to * MS) / MS).toBeCloseTo(expected, 6);
  });

  it('belongs to the pod, not to its row', () => {
    const cpu = new ServedCpu();
    cpu.add(1, 1, 0, MS, 7);
    cpu.add(1, 2, 0, MS, 5);
    expect([cpu.between(1, 1, 0, S), cpu.between(1, 2, 0, S)]).toEqual([0, 5]);
  });

  it('is not spent any more when the containers have ended', () => {
    const cpu = new ServedCpu();
    cpu.add(1, 1, 0, 4 * S, 400 * MS);
    cpu.cut(1, 1.5 * S);
    // 100 ms of the first second, half of the next.
    expect(cpu.between(1, 1, 0, 10 * S)).toBe(150 * MS);
  });

  it('adds up whatever the pieces', () => {
    const span = fc.tuple(fc.nat(30 * S), fc.nat(5 * S), fc.nat(S));
    fc.assert(
      fc.property(fc.array(span), fc.nat(40), (requests, cut) => {
        const cpu = new ServedCpu();
        let sum = 0;
        for (const [start, length, us] of requests) {
          cpu.add(1, 1, start, start + length, us);
          sum += us;
        }
        const parts = cpu.between(1, 1, 0, cut * S) + cpu.between(1, 1, cut * S, 60 * S);
        expect(parts).toBeCloseTo(sum, 3);
      }),
    );
  });
});
