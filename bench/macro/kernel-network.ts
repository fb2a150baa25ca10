// The work of the kernel benchmark: a network of 1,000 stations, each one server with a first-in-
// first-out queue. Closed customers circulate for ever; an open stream arrives at random stations
// and leaves after each service with probability 1/8. Between two stations a customer travels.
//
// kernel-twin.cpp is this file in C++, line for line: the same integer random generator, the same
// integer arithmetic, so both must print the same order hash. What differs is the event kernel.

import { Kernel, type QueueKind } from '../../engine/kernel/index.ts';

export interface NetworkSize {
  stations: number;
  /** Closed customers. */
  customers: number;
  /** Means of the (roughly) exponential times, in microseconds. */
  serviceUs: number;
  travelUs: number;
  interarrivalUs: number;
  /** Events to run, and those of them that come before the clock starts. */
  events: number;
  warmUp: number;
}

export interface NetworkResult {
  hash: string;
  cpuSeconds: number;
  meanPending: number;
}

/** Runs the network on one kind of queue. CPU time is the process's own, user and system. */
export function runNetwork(size: NetworkSize, queue: QueueKind): NetworkResult {
  const { stations, customers, serviceUs, travelUs, interarrivalUs } = size;
  const kernel = new Kernel({ queue });
  const slots = customers + 65536; // open customers take free slots; far fewer are ever inside
  const next = new Int32Array(slots); // queue links, and the free list of open customers
  const head = new Int32Array(stations).fill(-1);
  const tail = new Int32Array(stations).fill(-1);
  let free = -1;
  for (let c = slots - 1; c >= customers; c--) {
    next[c] = free;
    free = c;
  }

  // A counter hashed by 32-bit multiplications: identical in every language with wrapping uint32.
  let counter = 0;
  const random = (): number => {
    counter = (counter + 0x9e3779b9) | 0;
    let x = counter;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    return (x ^ (x >>> 16)) >>> 0;
  };
  // Exponential but for a straight line within each halving: leading zeros are geometric.
  const exponential = (mean: number): number => {
    const u = random();
    const units = Math.clz32(u) * 65536 + (random() >>> 16); // mean about 1.5 * 65536
    return 1 + Math.floor((units * mean) / 98304);
  };

  let hash = 0;
  let pendingSum = 0;
  let ran = 0;
  let started = process.cpuUsage();
  const account = (kind: number, target: number): void => {
    const now = kernel.now as number;
    hash = Math.imul(hash ^ (now | 0), 0x7feb352d);
    hash = Math.imul(hash ^ (hash >>> 15) ^ (target * 4 + kind), 0x846ca68b);
    if (++ran === size.warmUp) started = process.cpuUsage();
    if (ran === size.events) kernel.stop();
    if ((ran & 0xffff) === 0) pendingSum += kernel.pending;
  };

  const service = kernel.on('service', (station) => {
    account(1, station);
    const customer = head[station]!;
    const following = next[customer]!;
    head[station] = following;
    if (following >= 0) kernel.after(exponential(serviceUs), service, station, 0);
    else tail[station] = -1;
    if (customer >= customers && random() % 8 === 0) {
      next[customer] = free;
      free = customer;
    } else {
      kernel.after(exponential(travelUs), arrive, random() % stations, customer);
    }
  });
  const arrive = kernel.on('arrive', (station, customer) => {
    account(2, station);
    next[customer] = -1;
    if (tail[station]! >= 0) {
      next[tail[station]!] = customer;
      tail[station] = customer;
    } else {
      head[station] = customer;
      tail[station] = customer;
      kernel.after(exponential(serviceUs), service, station, 0);
    }
  });
  const source = kernel.on('source', () => {
    account(3, 0);
    kernel.after(exponential(interarrivalUs), source, 0, 0);
    const customer = free;
    free = next[customer]!;
    kernel.after(exponential(travelUs), arrive, random() % stations, customer);
  });

  for (let c = 0; c < customers; c++) {
    kernel.after(exponential(travelUs), arrive, random() % stations, c);
  }
  kernel.after(exponential(interarrivalUs), source, 0, 0);
  kernel.run();
  const used = process.cpuUsage(started);
  return {
    hash: (hash >>> 0).toString(16).padStart(8, '0'),
    cpuSeconds: (used.user + used.system) / 1e6,
    meanPending: Math.round(pendingSum / Math.max(1, ran >>> 16)),
  };
}
