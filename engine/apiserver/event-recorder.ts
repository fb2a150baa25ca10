// A component's event recorder: Events wait in a queue of 1,000 and are written one after the other, so at most one of
// them waits for the client's rate limiter at a time, and requests that matter overtake them. What is written is
// decided when an Event leaves the queue (client-go tools/record/event.go, StartRecordingToSink, v1.36).
import { EventFilter } from './event-filter.ts';

/** Events beyond this are dropped (maxQueuedEvents, DropIfChannelFull). */
const QUEUE_MAX = 1000;

/** An Event as its component says it. */
export interface EventSaid {
  /** What the filter tells objects apart by: kind/namespace/name, or a pod's serial number. */
  readonly key: string | number;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly message: string;
}

/** An Event on its way to the server. */
export interface EventWrite extends EventSaid {
  /** 1: a POST of a new Event; more: a PATCH of its count. */
  readonly count: number;
}

export class EventRecorder {
  readonly #filter = new EventFilter();
  readonly #send: (write: EventWrite) => void;
  #queue: EventSaid[] = [];
  #head = 0;
  #busy = false;

  constructor(send: (write: EventWrite) => void) {
    this.#send = send;
  }

  say(event: EventSaid, nowUs: number): void {
    if (this.#queue.length - this.#head >= QUEUE_MAX) return;
    this.#queue.push(event);
    if (!this.#busy) this.#next(nowUs);
  }

  /** The last one sent is written: the next may go. */
  written(nowUs: number): void {
    this.#busy = false;
    this.#next(nowUs);
  }

  #next(nowUs: number): void {
    while (this.#head < this.#queue.length) {
      const event = this.#queue[this.#head]!;
      this.#head += 1;
      const { key, type, reason, message } = event;
      const accepted = this.#filter.accept(nowUs, key, type, reason, message);
      if (accepted === null) continue;
      this.#busy = true;
      this.#send({ ...event, message: accepted.message, count: accepted.count });
      break;
    }
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    }
  }
}
