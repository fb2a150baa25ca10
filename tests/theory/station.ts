// A service station on the kernel, for comparison with queueing theory: one arrival stream, c equal
// servers, a waiting room of any size. And the statistics of independent replications.

import {
  assert,
  Fingerprint,
  Kernel,
  NumberHeap,
  type QueueKind,
  Rng,
  type Stream,
} from '../../engine/kernel/index.ts';

/** Draws one duration in microseconds. */
export type Duration = (stream: Stream) => number;

/** Exponential of a mean in microseconds, rounded to whole ones. */
export function exponential(meanUs: number): Duration {
  return (stream) => Math.round(-Math.log1p(-stream.next()) * meanUs);
}

export interface StationSpec {
  servers: number;
  /** Places for those who wait; arrivals beyond are lost. Default unlimited. */
  waitingRoom?: number;
  interarrival: Duration;
  service: Duration;
  /** Class 0 goes first at the next free server (no preemption). Default: all are class 0. */
  classOf?: (stream: Stream) => number;
  classes?: number;
  customers: number;
  /** The first customers, whose waits are not counted: the station starts empty. */
  warmUp: number;
}

export interface StationResult {
  /** Mean wait before service in microseconds, over served customers; overall and by class. */
  waitUs: number;
  waitUsByClass: number[];
  /** Mean time from arrival to departure in microseconds. */
  sojournUs: number;
  /** Fraction of arrivals that found no free server but room to wait. */
  waited: number;
  /** Fraction of arrivals lost. */
  lost: number;
  /** Over the whole run, which starts and ends empty: the two sides of Little's law, exactly. */
  customerMicroseconds: number;
  sojournSumUs: number;
  fingerprint: Fingerprint;
}

/** Simulates until every customer has left. */
export function simulateStation(
  spec: StationSpec,
  seed: string,
  replication: number,
  queue: QueueKind = 'heap',
): StationResult {
  const { servers, waitingRoom = Number.POSITIVE_INFINITY, customers, warmUp, classes = 1 } = spec;
  const fingerprint = new Fingerprint();
  const kernel = new Kernel({ queue, fingerprint });
  const rng = new Rng(seed, replication);
  const arrivals = rng.stream('arrivals');
  const services = rng.stream('services');
  const classStream = rng.stream('classes');

  const arrivedAt = new Float64Array(customers);
  const classOf = new Uint8Array(customers);
  const waiting = new NumberHeap();
  const waitSums = new Float64Array(classes);
  const served = new Float64Array(classes);
  let arrived = 0;
  let busy = 0;
  let waitedCount = 0;
  let lostCount = 0;
  let sojournSum = 0;
  let inside = 0;
  let changedAt = 0;
  let customerMicroseconds = 0;
  let allSojourns = 0;

  const countInside = (change: number): void => {
    customerMicroseconds += inside * (kernel.now - changedAt);
    changedAt = kernel.now;
    inside += change;
  };
  const serve = (customer: number): void => {
    busy++;
    if (customer >= warmUp) {
      waitSums[classOf[customer]!]! += kernel.now - arrivedAt[customer]!;
      served[classOf[customer]!]!++;
    }
    fingerprint.decision(customer, kernel.now);
    kernel.after(spec.service(services), departure, customer, 0);
  };
  const arrival = kernel.on('arrival', (customer) => {
    arrived++;
    arrivedAt[customer] = kernel.now;
    classOf[customer] = spec.classOf?.(classStream) ?? 0;
    if (arrived < customers) kernel.after(spec.interarrival(arrivals), arrival, arrived, 0);
    if (busy === servers && waiting.size >= waitingRoom) {
      if (customer >= warmUp) lostCount++;
      return;
    }
    countInside(1);
    if (busy < servers) {
      serve(customer);
    } else {
      if (customer >= warmUp) waitedCount++;
      waiting.push(classOf[customer]!, customer);
    }
  });
  const departure = kernel.on('departure', (customer) => {
    countInside(-1);
    busy--;
    const sojourn = kernel.now - arrivedAt[customer]!;
    allSojourns += sojourn;
    if (customer >= warmUp) sojournSum += sojourn;
    if (waiting.size > 0) serve(waiting.pop());
  });

  kernel.after(spec.interarrival(arrivals), arrival, 0, 0);
  kernel.run();
  assert(inside === 0 && busy === 0, 'the station did not empty');
  const counted = customers - warmUp;
  const servedTotal = served.reduce((a, b) => a + b, 0);
  const result = {
    waitUs: waitSums.reduce((a, b) => a + b, 0) / servedTotal,
    waitUsByClass: Array.from(waitSums, (sum, i) => sum / served[i]!),
    sojournUs: sojournSum / servedTotal,
    waited: waitedCount / counted,
    lost: lostCount / counted,
    customerMicroseconds,
    sojournSumUs: allSojourns,
    fingerprint,
  };
  fingerprint.text(`wait ${result.waitUs} sojourn ${result.sojournUs} lost ${result.lost}`);
  return result;
}

export const REPLICATIONS = 20;
/** The 0.995 quantile of Student's t with 19 degrees of freedom: two-sided 99 %. */
const T_995_19 = 2.861;

export interface Interval {
  mean: number;
  low: number;
  high: number;
}

/** The 99 % confidence interval of the mean of 20 independent replications. */
export function interval(samples: readonly number[]): Interval {
  assert(samples.length === REPLICATIONS, `the t quantile is that of ${REPLICATIONS} replications`);
  const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
  const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (samples.length - 1);
  const half = T_995_19 * Math.sqrt(variance / samples.length);
  return { mean, low: mean - half, high: mean + half };
}

/** Runs the replications of one experiment. */
export function replicate<R>(run: (replication: number) => R): R[] {
  return Array.from({ length: REPLICATIONS }, (_, replication) => run(replication));
}
