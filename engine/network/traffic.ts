// Requests to Services, open loop: each stream sends whether or not earlier ones were answered. A try goes to the endpoint
// that its client's node knows at this moment, and there into the pod's server. Rules, names and load balancers learn late
// of pods that come and go, so a rollout shows in refused, reset and unanswered tries.
//
// A request is one event, its first sending. Answers are computed when it arrives at the pod and settled later; only a
// try that fails and is repeated has events of its own.
//
// Every try is a connection of its own. Left out: connections that are kept open, network policies, bandwidth.
import type { RunContext } from '../contracts/run-context.ts';
import { REQUESTS_TABLE } from '../contracts/tables.ts';
import type { PodProcesses, RequestStream } from '../contracts/traffic.ts';
import type { EventKind, Stream } from '../kernel/index.ts';
import { type Flight, Life } from './pod-server.ts';
import { PodServers } from './pod-servers.ts';
import type { Proxies } from './proxy.ts';
import { Router } from './router.ts';
import { ServedCpu } from './served-cpu.ts';
import { type Cause, type Interval, TrafficBook } from './traffic-book.ts';

const SECOND = 1_000_000;

/** One try of a request. */
class Try implements Flight {
  readonly lane: Lane;
  /** When the request was first sent, µs, and the second that counts it. */
  readonly firstUs: number;
  readonly interval: Interval;
  readonly client: number;
  readonly retriesLeft: number;
  readonly deadlineUs: number;
  endUs = Number.POSITIVE_INFINITY;
  settled = false;
  /** Its end is an event. */
  watched = false;

  constructor(
    lane: Lane,
    firstUs: number,
    interval: Interval,
    client: number,
    retriesLeft: number,
    nowUs: number,
  ) {
    this.lane = lane;
    this.firstUs = firstUs;
    this.interval = interval;
    this.client = client;
    this.retriesLeft = retriesLeft;
    this.deadlineUs = nowUs + lane.stream.timeoutUs;
  }
}

interface Lane {
  readonly index: number;
  readonly stream: RequestStream;
  readonly book: TrafficBook;
  /** Which client sends. */
  readonly random: Stream;
}

export class Traffic {
  readonly #c: RunContext;
  readonly #processes: PodProcesses;
  readonly #router: Router;
  readonly #lanes: readonly Lane[];
  readonly #servers: PodServers<Try>;
  readonly #sendKind: EventKind;
  readonly #retryKind: EventKind;
  readonly #deadlineKind: EventKind;
  /** null: no stream's requests cost CPU. */
  readonly #cpu: ServedCpu | null;
  readonly #over: (flight: Try) => void;
  /** Tries that an event will ask for, by slot. */
  readonly #slots: (Try | null)[] = [];
  readonly #free: number[] = [];
  #settledUs = 0;

  constructor(
    context: RunContext,
    proxies: Proxies,
    processes: PodProcesses,
    streams: readonly RequestStream[],
  ) {
    this.#c = context;
    this.#processes = processes;
    this.#router = new Router(context, proxies, processes, streams);
    const { kernel, recorder, rng, state } = context;
    const rows = recorder.table(REQUESTS_TABLE);
    this.#lanes = streams.map((stream, index) => ({
      index,
      stream,
      book: new TrafficBook(context, stream, rows),
      random: rng.stream(`traffic/${stream.name}/clients`),
    }));
    const cpu = streams.some(({ cpuUs }) => cpuUs !== undefined) ? new ServedCpu() : null;
    this.#cpu = cpu;
    if (cpu !== null)
      state.usage.served = (pod, generation, from, to) => cpu.between(pod, generation, from, to);
    this.#sendKind = kernel.on('traffic/request', (lane) => this.#send(this.#lanes[lane]!));
    this.#retryKind = kernel.on('traffic/retry', (slot) => this.#again(this.#take(slot)));
    this.#deadlineKind = kernel.on('traffic/deadline', (slot) => {
      const flight = this.#take(slot);
      if (flight.settled) return kernel.countDropped();
      this.#fail(flight, 'timeout', kernel.now);
    });
    this.#over = (flight) => this.#settle(flight);
    this.#servers = new PodServers(kernel, state, {
      over: this.#over,
      reset: (flight) => this.#fail(flight, 'reset', kernel.now),
      unanswered: (flight) => {
        flight.endUs = Number.POSITIVE_INFINITY;
        this.#unanswered(flight);
      },
    });
  }

  start(): void {
    this.#processes.follow({
      started: (pod) => this.#servers.started(pod),
      stopping: (pod) => this.#servers.stopping(pod),
      stopped: (pod, restarts) => {
        this.#cpu?.cut(pod, this.#c.kernel.now);
        this.#servers.stopped(pod, restarts);
      },
      nodeStopped: (node) => {
        this.#router.nodeStopped();
        this.#servers.nodeStopped(node);
      },
    });
    for (const lane of this.#lanes) this.#next(lane);
  }

  /** The end of the run: what is over by now is settled, and every row is written. */
  finish(): void {
    this.#servers.settle();
    for (const { book } of this.#lanes) book.finish();
  }

  #next(lane: Lane): void {
    const atUs = lane.stream.next();
    if (atUs !== Number.POSITIVE_INFINITY) this.#c.kernel.at(atUs, this.#sendKind, lane.index, 0);
  }

  #send(lane: Lane): void {
    const { now } = this.#c.kernel;
    if (now - this.#settledUs >= SECOND) {
      this.#settledUs = now;
      this.#servers.settle();
    }
    const { stream, book, random } = lane;
    const client = stream.clients > 0 ? random.int(stream.clients) : -1;
    this.#go(new Try(lane, now, book.sent(), client, stream.retries, now));
    this.#next(lane);
  }

  /** The next try of a request that has failed. */
  #again({ lane, firstUs, interval, client, retriesLeft }: Try): void {
    lane.book.retried(interval);
    this.#go(new Try(lane, firstUs, interval, client, retriesLeft - 1, this.#c.kernel.now));
  }

  #go(flight: Try): void {
    const { lane } = flight;
    const { now } = this.#c.kernel;
    const router = this.#router;
    const cause = router.route(lane.index, flight.client);
    // A refusal takes what comes before the first packet and one round trip; an answer takes two, with the handshake.
    const refusedUs = now + router.beforeUs + 2 * router.wayUs;
    if (cause === 'timeout') return this.#unanswered(flight);
    if (cause !== null) return this.#fail(flight, cause, refusedUs);
    const { pod, generation } = router.endpoint!;
    const server = this.#servers.at(pod, generation, lane.stream.server);
    if (server === null) return this.#unanswered(flight);
    if (server.life(now) !== Life.listening) return this.#fail(flight, 'refused', refusedUs);
    const serviceUs = lane.stream.serviceUs();
    const endUs = server.offer(now, serviceUs);
    if (endUs < 0) return this.#fail(flight, 'overload', refusedUs);
    if (this.#cpu !== null && lane.stream.cpuUs !== undefined) {
      this.#cpu.add(pod, generation, endUs - serviceUs, endUs, lane.stream.cpuUs());
      const { usage } = this.#c.state;
      usage.servedUntilUs = Math.max(usage.servedUntilUs, endUs);
    }
    flight.endUs = endUs + router.beforeUs + 4 * router.wayUs;
    if (flight.endUs > flight.deadlineUs) this.#watch(flight);
    server.add(flight, now, this.#over);
  }

  /** Nobody answers: the client waits for as long as it is willing to. */
  #unanswered(flight: Try): void {
    if (flight.retriesLeft > 0) this.#watch(flight);
    else this.#fail(flight, 'timeout', flight.deadlineUs);
  }

  /** Its client will give up and try again: an event at that time. */
  #watch(flight: Try): void {
    if (flight.watched || flight.retriesLeft === 0) return;
    flight.watched = true;
    this.#c.kernel.at(flight.deadlineUs, this.#deadlineKind, this.#put(flight), 0);
  }

  /** The flight is over by its own times. */
  #settle(flight: Try): void {
    const { lane, endUs, deadlineUs, firstUs, interval } = flight;
    if (endUs > deadlineUs) {
      // One that is watched is told by its event, which comes at this very time.
      if (!flight.watched) this.#fail(flight, 'timeout', deadlineUs);
      return;
    }
    flight.settled = true;
    lane.book.answered(interval, endUs - firstUs, endUs);
  }

  /** The try has failed, as the client learns at `atUs`. */
  #fail(flight: Try, cause: Cause, atUs: number): void {
    if (flight.settled) return;
    flight.settled = true;
    const { lane, retriesLeft, interval } = flight;
    if (retriesLeft === 0) return lane.book.failed(interval, cause);
    const { kernel } = this.#c;
    const againUs = Math.max(kernel.now, atUs) + lane.stream.retryAfterUs;
    kernel.at(againUs, this.#retryKind, this.#put(flight), 0);
  }

  #put(flight: Try): number {
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[slot] = flight;
    return slot;
  }

  #take(slot: number): Try {
    const flight = this.#slots[slot]!;
    this.#slots[slot] = null;
    this.#free.push(slot);
    return flight;
  }
}
