// A component's event recorder: Events wait in a queue of 1,000 and are written one after the other, so at most one of
// them waits for the client's rate limiter at a time, and requests that matter overtake them. What is written is
// decided when an Event leaves the queue (client-go tools/record/event.go, StartRecordingToSink, v1.36).
import type { ClusterState } from '../state/index.ts';
import { EventFilter, type KnownEvents } from './event-filter.ts';

/** Events beyond this are dropped (maxQueuedEvents, DropIfChannelFull). */
const QUEUE_MAX = 1000;

/** An Event as its component says it, and on its way to the server. */
export interface EventWrite {
  /** What the filter tells objects apart by: kind/namespace/name, or a pod's serial number. */
  readonly key: string | number;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Once it has left the queue: perhaps combined with similar ones. */
  message: string;
  /** 0 while it waits. 1: a POST of a new Event; more: a PATCH of its count. */
  count: number;
}

/** An Event about a pod; `isNamed`: somebody is going to read its names. */
export const eventAboutPod = (
  state: ClusterState,
  pod: number,
  isNamed: boolean,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): EventWrite => ({
  key: state.pods.serial[pod]!,
  type,
  reason,
  kind: 'Pod',
  namespace: isNamed ? state.podNamespace(pod) : '',
  name: isNamed ? state.podName(pod) : '',
  message,
  count: 0,
});

export class EventRecorder {
  readonly #filter: EventFilter;
  readonly #send: (write: EventWrite) => void;
  /** A ring; its length is a power of two, or 0 as long as no Event has had to wait. */
  #queue: (EventWrite | null)[] = [];
  #head = 0;
  #waiting = 0;
  #busy = false;

  constructor(send: (write: EventWrite) => void, known?: KnownEvents) {
    this.#send = send;
    this.#filter = new EventFilter(known);
  }

  /** The recorder writes into `event`, and keeps it no longer than until it is sent. */
  say(event: EventWrite, nowUs: number): void {
    // One that is being written keeps all others waiting, so there is no queue while there is none.
    if (!this.#busy) {
      this.#isSent(event, nowUs);
      return;
    }
    if (this.#waiting >= QUEUE_MAX) return;
    if (this.#waiting === this.#queue.length) this.#grow();
    this.#queue[(this.#head + this.#waiting) & (this.#queue.length - 1)] = event;
    this.#waiting += 1;
  }

  /** The last one sent is written: the next may go. */
  written(nowUs: number): void {
    this.#busy = false;
    const queue = this.#queue;
    while (this.#waiting > 0) {
      const event = queue[this.#head]!;
      queue[this.#head] = null;
      this.#head = (this.#head + 1) & (queue.length - 1);
      this.#waiting -= 1;
      if (this.#isSent(event, nowUs)) return;
    }
  }

  /** Sends it unless the filter drops it. */
  #isSent(event: EventWrite, nowUs: number): boolean {
    const count = this.#filter.accept(nowUs, event.key, event.type, event.reason, event.message);
    if (count === 0) return false;
    event.count = count;
    event.message = this.#filter.message;
    this.#busy = true;
    this.#send(event);
    return true;
  }

  #grow(): void {
    const old = this.#queue;
    const ring: (EventWrite | null)[] = new Array(Math.max(2, 2 * old.length)).fill(null);
    for (let i = 0; i < this.#waiting; i++) ring[i] = old[(this.#head + i) & (old.length - 1)]!;
    this.#queue = ring;
    this.#head = 0;
  }
}
