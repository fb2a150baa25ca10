// Queueing theory against the kernel: the theoretical value must lie in the 99 % confidence interval
// of 20 replications at fixed seeds, and the interval must be narrow enough to mean something. The
// sample values themselves are pinned nowhere.
//
// Notation: S mean service time, a = arrival rate * S the offered load, c servers, rho = a / c.
// Formulas: L. Kleinrock, "Queueing Systems", vol. 1 (1975); priorities: A. Cobham (1954).

import { describe, expect, it } from 'vitest';
import { Kernel, Rng, SECOND } from '../../engine/kernel/index.ts';
import {
  type Duration,
  exponential,
  interval,
  replicate,
  type StationResult,
  type StationSpec,
  simulateStation,
} from './station.ts';

const S = SECOND;
const CUSTOMERS = 40_000;
const WARM_UP = 4_000;

/** Asserts theory inside the interval, and the interval within a fraction of the theory. */
function expectTheory(name: string, samples: number[], theory: number, narrow = 0.1): void {
  const { mean, low, high } = interval(samples);
  const shown = `${name}: theory ${theory}, simulated ${mean} in [${low}, ${high}]`;
  expect(theory >= low && theory <= high, shown).toBe(true);
  expect(high - low, `${shown} is too wide to tell`).toBeLessThan(2 * narrow * theory);
}

function station(seed: string, spec: Omit<StationSpec, 'customers' | 'warmUp'>): StationResult[] {
  return replicate((replication) =>
    simulateStation({ ...spec, customers: CUSTOMERS, warmUp: WARM_UP }, seed, replication),
  );
}

/** Probability that all c servers are busy when nobody waits: B(0) = 1, B(k) = aB / (k + aB). */
function erlangB(c: number, a: number): number {
  let b = 1;
  for (let k = 1; k <= c; k++) b = (a * b) / (k + a * b);
  return b;
}

/** Probability that an arrival waits with unlimited waiting room: C = B / (1 - rho (1 - B)). */
function erlangC(c: number, a: number): number {
  const b = erlangB(c, a);
  return b / (1 - (a / c) * (1 - b));
}

describe('the formulas', () => {
  it('agree with values worked by hand', () => {
    // c = 2, a = 1: B = (1/2) / (1 + 1 + 1/2) = 0.2; C = 0.2 / (1 - 0.5 * 0.8) = 1/3
    expect(erlangB(2, 1)).toBeCloseTo(0.2, 12);
    expect(erlangC(2, 1)).toBeCloseTo(1 / 3, 12);
    // c = 1: an arrival waits with probability rho
    expect(erlangC(1, 0.7)).toBeCloseTo(0.7, 12);
  });
});

describe('M/M/1', () => {
  it.each([0.3, 0.5, 0.8])(
    'rho = %s: wait rho S / (1 - rho), sojourn S / (1 - rho), P(wait) = rho',
    (rho) => {
      const runs = station(`mm1 ${rho}`, {
        servers: 1,
        interarrival: exponential(S / rho),
        service: exponential(S),
      });
      expectTheory(
        'wait',
        runs.map((run) => run.waitUs),
        (rho * S) / (1 - rho),
      );
      expectTheory(
        'sojourn',
        runs.map((run) => run.sojournUs),
        S / (1 - rho),
      );
      expectTheory(
        'P(wait)',
        runs.map((run) => run.waited),
        rho,
      );
    },
  );
});

describe('M/M/c (Erlang C)', () => {
  it.each([
    { c: 2, a: 1.4 },
    { c: 5, a: 4 },
    { c: 20, a: 16 },
  ])('c = $c, a = $a: P(wait) = C, wait = C S / (c - a)', ({ c, a }) => {
    const runs = station(`mmc ${c}`, {
      servers: c,
      interarrival: exponential(S / a),
      service: exponential(S),
    });
    const waits = erlangC(c, a);
    expectTheory(
      'P(wait)',
      runs.map((run) => run.waited),
      waits,
    );
    expectTheory(
      'wait',
      runs.map((run) => run.waitUs),
      (waits * S) / (c - a),
    );
  });
});

describe('M/G/c/c (Erlang B): lost calls depend on the mean service time only', () => {
  const services: [string, Duration][] = [
    ['exponential', exponential(S)],
    ['constant', () => S],
    ['uniform', (stream) => stream.int(2 * S + 1)],
  ];
  it.each(services)('c = 10, a = 7, %s service: P(lost) = B(10, 7)', (name, service) => {
    const runs = station(`loss ${name}`, {
      servers: 10,
      waitingRoom: 0,
      interarrival: exponential(S / 7),
      service,
    });
    expectTheory(
      'P(lost)',
      runs.map((run) => run.lost),
      erlangB(10, 7),
    );
    expect(runs.every((run) => run.waitUs === 0)).toBe(true);
  });

  it('M/M/1/3: P(lost) = (1 - rho) rho^4 / (1 - rho^5) with one in service and three waiting', () => {
    const rho = 0.8;
    const runs = station('mm1k', {
      servers: 1,
      waitingRoom: 3,
      interarrival: exponential(S / rho),
      service: exponential(S),
    });
    expectTheory(
      'P(lost)',
      runs.map((run) => run.lost),
      ((1 - rho) * rho ** 4) / (1 - rho ** 5),
    );
  });
});

describe('M/D/1', () => {
  it.each([0.5, 0.8])('rho = %s: wait rho S / (2 (1 - rho)), half of M/M/1', (rho) => {
    const runs = station(`md1 ${rho}`, { servers: 1, interarrival: exponential(S / rho), service: () => S });
    expectTheory(
      'wait',
      runs.map((run) => run.waitUs),
      (rho * S) / (2 * (1 - rho)),
    );
  });
});

describe('M/G/1 (Pollaczek-Khinchine): wait = rate E[S^2] / (2 (1 - rho))', () => {
  const cases: { name: string; service: Duration; mean: number; second: number }[] = [
    {
      // Uniform on 0 .. 2S: E[S^2] = (2S)^2 / 3
      name: 'uniform',
      service: (stream) => stream.int(2 * S + 1),
      mean: S,
      second: (4 * S * S) / 3,
    },
    {
      // Sum of two exponentials of mean S/2: variance 2 (S/2)^2 = S^2/2, E[S^2] = 1.5 S^2
      name: 'Erlang-2',
      service: (stream) => exponential(S / 2)(stream) + exponential(S / 2)(stream),
      mean: S,
      second: 1.5 * S * S,
    },
    {
      // S/2 with probability 0.9, 5.5 S with 0.1: mean 0.45 S + 0.55 S, E[S^2] = 0.225 S^2 + 3.025 S^2
      name: 'two-point',
      service: (stream) => (stream.next() < 0.9 ? S / 2 : 5.5 * S),
      mean: S,
      second: 3.25 * S * S,
    },
  ];
  it.each(cases)('$name service at rho = 0.6', ({ name, service, mean, second }) => {
    const rho = 0.6;
    const runs = station(`mg1 ${name}`, { servers: 1, interarrival: exponential(mean / rho), service });
    const rate = rho / mean;
    expectTheory(
      'wait',
      runs.map((run) => run.waitUs),
      (rate * second) / (2 * (1 - rho)),
    );
  });
});

describe('M/M/1 with two classes, no preemption (Cobham)', () => {
  it('first class waits R / (1 - rho1), second R / ((1 - rho1)(1 - rho)), R = rho S', () => {
    const rho = 0.7;
    const rho1 = 0.4 * rho;
    const runs = station('priority', {
      servers: 1,
      interarrival: exponential(S / rho),
      service: exponential(S),
      classes: 2,
      classOf: (stream) => (stream.next() < 0.4 ? 0 : 1),
    });
    const residual = rho * S; // rate E[S^2] / 2 with E[S^2] = 2 S^2
    expectTheory(
      'first class',
      runs.map((run) => run.waitUsByClass[0]!),
      residual / (1 - rho1),
    );
    expectTheory(
      'second class',
      runs.map((run) => run.waitUsByClass[1]!),
      residual / ((1 - rho1) * (1 - rho)),
    );
  });
});

describe('two M/M/1 in tandem (Burke)', () => {
  /** Mean sojourns at both stations: what leaves the first is Poisson again. */
  function tandem(replication: number, rate: number, means: readonly [number, number]): [number, number] {
    const kernel = new Kernel();
    const rng = new Rng('tandem', replication);
    const arrivals = rng.stream('arrivals');
    const services = [rng.stream('services 1'), rng.stream('services 2')] as const;
    const waiting: [number[], number[]] = [[], []];
    const heads: [number, number] = [0, 0];
    const enteredAt = new Float64Array(CUSTOMERS);
    const sums: [number, number] = [0, 0];
    let arrived = 0;
    const start = (at: 0 | 1): void => {
      kernel.after(exponential(means[at])(services[at]), departure, at, 0);
    };
    const enter = (at: 0 | 1, customer: number): void => {
      enteredAt[customer] = kernel.now;
      waiting[at].push(customer);
      if (waiting[at].length - heads[at] === 1) start(at);
    };
    const departure = kernel.on('departure', (target) => {
      const at = target as 0 | 1;
      const customer = waiting[at][heads[at]++]!;
      if (customer >= WARM_UP) sums[at] += kernel.now - enteredAt[customer]!;
      if (heads[at] < waiting[at].length) start(at);
      if (at === 0) enter(1, customer);
    });
    const arrival = kernel.on('arrival', (customer) => {
      if (++arrived < CUSTOMERS) kernel.after(exponential(1 / rate)(arrivals), arrival, arrived, 0);
      enter(0, customer);
    });
    kernel.after(0, arrival, 0, 0);
    kernel.run();
    return [sums[0] / (CUSTOMERS - WARM_UP), sums[1] / (CUSTOMERS - WARM_UP)];
  }

  it('each station is an M/M/1 on its own: sojourn S / (1 - rho)', () => {
    const means = [0.5 * S, 0.7 * S] as const;
    const runs = replicate((replication) => tandem(replication, 1 / S, means));
    expectTheory(
      'first',
      runs.map((run) => run[0]),
      means[0] / (1 - 0.5),
    );
    expectTheory(
      'second',
      runs.map((run) => run[1]),
      means[1] / (1 - 0.7),
    );
  });
});

describe("Little's law", () => {
  it('holds exactly, to the microsecond, from empty to empty', () => {
    for (const servers of [1, 3]) {
      const run = simulateStation(
        {
          servers,
          waitingRoom: 20,
          interarrival: exponential(S / servers),
          service: exponential(S),
          customers: 20_000,
          warmUp: 0,
        },
        'little',
        servers,
      );
      expect(run.lost).toBeGreaterThan(0);
      expect(run.customerMicroseconds).toBe(run.sojournSumUs);
    }
  });
});
