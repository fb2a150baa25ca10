// The server in a pod: so many requests at the same time, the others in line, first come first served. When a request
// will be done is known when it arrives, so it needs no event of its own; what the end of the process or of the client's
// patience makes of it is settled when somebody looks (`settle`) or when the process ends (`cut`).

import type { ServerShape } from '../contracts/traffic.ts';
import { assert } from '../kernel/index.ts';

/** A try on its way. */
export interface Flight {
  /** When the answer would be there if nothing happens, µs; Infinity: never. */
  endUs: number;
  /** When the client gives up, µs. */
  readonly deadlineUs: number;
  settled: boolean;
}

export const Life = { starting: 0, listening: 1, closed: 2, gone: 3 } as const;
export type Life = (typeof Life)[keyof typeof Life];

/** Fewer flights than this are not worth a look through the list. */
const SWEEP_MIN = 32;

export class PodServer<F extends Flight> {
  readonly pod: number;
  readonly generation: number;
  readonly node: number;
  readonly shape: ServerShape;
  /** When each of the places is free, as a heap. */
  readonly #freeUs: Float64Array;
  /** Starts of those that wait, in order; the first `#head` have started. */
  #waiting: number[] = [];
  #head = 0;
  #flights: F[] = [];
  #sweepAt = SWEEP_MIN;
  #listensUs: number;
  #life: Life = Life.starting;

  constructor(pod: number, generation: number, node: number, shape: ServerShape, nowUs: number) {
    assert(shape.concurrency >= 1, 'a server works on one request at least');
    this.pod = pod;
    this.generation = generation;
    this.node = node;
    this.shape = shape;
    this.#freeUs = new Float64Array(shape.concurrency);
    this.#listensUs = nowUs + shape.startupUs;
  }

  life(nowUs: number): Life {
    if (this.#life === Life.starting && nowUs >= this.#listensUs) this.#life = Life.listening;
    return this.#life;
  }

  /** The containers run (again). */
  start(nowUs: number): void {
    this.#life = Life.starting;
    this.#listensUs = nowUs + this.shape.startupUs;
    this.#freeUs.fill(nowUs);
    this.#waiting = [];
    this.#head = 0;
  }

  /** Takes no new connections any more. */
  close(): void {
    this.#life = Life.closed;
  }

  /** The pod is no more: nobody answers at its address. */
  leave(): void {
    this.#life = Life.gone;
  }

  /** End of the work on a request that arrives now and takes `serviceUs`; -1: the line is full. */
  offer(nowUs: number, serviceUs: number): number {
    const free = this.#freeUs;
    const startUs = Math.max(nowUs, free[0]!);
    if (startUs > nowUs) {
      const waiting = this.#waiting;
      while (this.#head < waiting.length && waiting[this.#head]! <= nowUs) this.#head += 1;
      if (waiting.length - this.#head >= this.shape.queue) return -1;
      if (this.#head > 1024 && this.#head * 2 > waiting.length) {
        waiting.splice(0, this.#head);
        this.#head = 0;
      }
      waiting.push(startUs);
    }
    const endUs = startUs + serviceUs;
    this.#replaceFirst(endUs);
    return endUs;
  }

  /** Keeps a flight until it is settled; `settle` is called for those that are over. */
  add(flight: F, nowUs: number, settle: (flight: F) => void): void {
    this.#flights.push(flight);
    if (this.#flights.length >= this.#sweepAt) this.settle(nowUs, settle);
  }

  /** Tells of the flights that are over by now. */
  settle(nowUs: number, settle: (flight: F) => void): void {
    const kept: F[] = [];
    for (const flight of this.#flights) {
      if (flight.settled) continue;
      if (Math.min(flight.endUs, flight.deadlineUs) <= nowUs) settle(flight);
      else kept.push(flight);
    }
    this.#flights = kept;
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * kept.length);
  }

  /** Everything under way is lost; `lost` is called for each that is not over. */
  cut(nowUs: number, settle: (flight: F) => void, lost: (flight: F) => void): void {
    this.settle(nowUs, settle);
    const flights = this.#flights;
    this.#flights = [];
    for (const flight of flights) lost(flight);
  }

  /** The earliest free place is taken until `endUs`: sift down from the root. */
  #replaceFirst(endUs: number): void {
    const heap = this.#freeUs;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1]! < heap[child]!) child += 1;
      if (heap[child]! >= endUs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = endUs;
  }
}
