// The discrete-event kernel: a clock, pending events, and the loop that runs them in order.
//
// What it promises (docs/kernel.md explains each; the tests are named after the numbers):
//   K1  Order. Events run by (time, sequence); at one time, in the order they were scheduled.
//   K2  No past. An event is never scheduled before now; `now` never goes back.
//   K3  One order for all queues. Heap, ladder, reference and lanes give the same run.
//   K4  Cancelled means never run. A stale handle cancels nothing.
//   K5  Events for removed objects are dropped and counted (by their component).
//   K6  No instant is endless. Too many events at one time stop the run with the handler's name.
//   K7  Nothing from outside: no wall clock, no randomness, no dependence on memory addresses.
//   K8  Errors tell: InvariantError carries the time, the handler and the last events.
//
// An event is five numbers (time, sequence, kind, target, argument) in typed arrays. There are no
// closures or objects per event; a larger payload lives in its component's table, and the argument
// is its row.

import { assert, InvariantError } from './assert.ts';
import { type SimTime, TIME_MAX } from './clock.ts';
import { CANCELLED, type EventQueue, EventSlots, ROW, SLOTS_MAX } from './event-queue.ts';
import type { Fingerprint } from './fingerprint.ts';
import { hashText } from './hash.ts';
import { HeapQueue } from './heap-queue.ts';
import { LadderQueue } from './ladder-queue.ts';
import { type Lane, LaneSet, NOW, rejectEvent, SEQUENCE } from './lanes.ts';
import { type Process, type ProcessBody, ProcessTable } from './process.ts';
import { ReferenceQueue } from './reference-queue.ts';

/** What an event does, as registered by `kernel.on`. */
export type EventKind = number & { readonly __eventKind: unique symbol };
/** Runs one event. Both are 32-bit integers; the idiom is target = index, arg = generation. */
export type EventHandler = (target: number, arg: number) => void;
/** Names one pending timer. Stays safe to use after the timer has run. */
export type TimerHandle = number & { readonly __timerHandle: unique symbol };
/** A TimerHandle that names no timer: `cancel` answers false. */
export const NO_TIMER = -1 as TimerHandle;

export type QueueKind = 'heap' | 'ladder' | 'fast-priority-queue';
export type RunOutcome = 'idle' | 'until' | 'stopped';

export interface KernelOptions {
  /** Home of events that are in no lane. All kinds give the same run; default 'heap'. */
  queue?: QueueKind;
  /** Events allowed at one instant before the run stops (K6). Default 10,000,000. */
  maxEventsPerInstant?: number;
  /** Receives every event. Default none. */
  fingerprint?: Fingerprint;
}

/** An event that has run. `time` in microseconds. */
export interface RecentEvent {
  time: number;
  kind: EventKind;
  target: number;
  arg: number;
}

/** Events run between two looks at progress, at most. */
const BATCH = 1 << 20;
/** The ring of recent events is a power of two; reports show the last 20. */
const RECENT = 32;
const RECENT_SHOWN = 20;
/** The queue is swept when more than this many, and more than half, of its events are cancelled. */
const SWEEP_MIN = 1024;

export class Kernel {
  // Both change with every event: a typed array holds them unboxed.
  private readonly clock = new Float64Array(2);
  private readonly events = new EventSlots();
  private readonly queue: EventQueue;
  private readonly lanes = new LaneSet(this.clock);
  private readonly nowLane: Lane;

  private readonly names: string[] = ['(cancelled)'];
  private readonly handlers: EventHandler[] = [() => {}];
  private readonly nameHashes: number[] = [0];
  private readonly fingerprint: Fingerprint | null;

  private readonly maxEventsPerInstant: number;
  private instantEvents = 0;
  private eventsBefore = 0;
  /** Events of the current batch; `eventsBefore` has those of earlier ones. */
  private batchEvents = 0;
  private droppedEvents = 0;

  private running = false;
  private stopping = false;
  private progressEvery = 0;
  private progressLeft = 0;
  private progress: () => void = () => {};

  private readonly recentTimes = new Float64Array(RECENT);
  private readonly recentRows = new Int32Array(RECENT * ROW);

  private processTable: ProcessTable | null = null;

  constructor(options: KernelOptions = {}) {
    const { maxEventsPerInstant = 10_000_000 } = options;
    assert(
      Number.isSafeInteger(maxEventsPerInstant) && maxEventsPerInstant > 0,
      () => `maxEventsPerInstant is a positive integer, not ${maxEventsPerInstant}`,
    );
    this.queue = newQueue(options.queue ?? 'heap', this.events);
    this.nowLane = this.lanes.lane(0);
    this.maxEventsPerInstant = maxEventsPerInstant;
    this.fingerprint = options.fingerprint ?? null;
  }

  /** Virtual time in microseconds: that of the event that is running. */
  get now(): SimTime {
    return this.clock[NOW]! as SimTime;
  }

  /** Events run since the start, cancelled ones not counted. */
  get eventsRun(): number {
    return this.eventsBefore + this.batchEvents;
  }

  /** Events scheduled and neither run nor cancelled. */
  get pending(): number {
    return this.events.used - this.events.cancelled + this.lanes.size;
  }

  /** Events that met a removed object (K5). */
  get dropped(): number {
    return this.droppedEvents;
  }

  /** Registers a kind of event. The name is unique; it appears in errors and fingerprints. */
  on(name: string, handler: EventHandler): EventKind {
    assert(!this.names.includes(name), () => `a handler named '${name}' is already registered`);
    const kind = this.names.length;
    this.names.push(name);
    this.handlers.push(handler);
    this.nameHashes.push(hashText(name, 1));
    this.lanes.kinds = this.names.length;
    return kind as EventKind;
  }

  kindName(kind: number): string {
    return this.names[kind] ?? `(unknown kind ${kind})`;
  }

  /**
   * Schedules an event `delayUs` microseconds from now (integer >= 0). Delay 0 runs at this time,
   * after everything already due now.
   */
  after(delayUs: number, kind: number, target: number, arg: number): void {
    this.at(this.clock[NOW]! + delayUs, kind, target, arg);
  }

  /** Schedules an event at a time in microseconds (integer, now .. 2^53 - 1). */
  at(time: number, kind: number, target: number, arg: number): void {
    const now = this.clock[NOW]!;
    // Written so that NaN and fractions fail too.
    if (!(time > now && Math.floor(time) === time && time <= TIME_MAX)) {
      if (time !== now) this.rejectTime(time, kind);
      this.nowLane.push(kind, target, arg);
      return;
    }
    this.enqueue(time, kind, target, arg);
  }

  /**
   * The ring for one constant delay in microseconds (integer >= 0); the same delay gives the same
   * ring. `lane.push` orders as `after` does, at O(1): keep the lane where events of one period or
   * latency are frequent. Intended for at most a few dozen distinct delays.
   */
  lane(delayUs: number): Lane {
    assert(
      Number.isSafeInteger(delayUs) && delayUs >= 0,
      () => `a lane's delay is a whole number of microseconds >= 0, not ${delayUs}`,
    );
    return this.lanes.lane(delayUs);
  }

  /** As `after`, but can be cancelled. A timer renewed often costs less as one re-arming event. */
  timer(delayUs: number, kind: number, target: number, arg: number): TimerHandle {
    const time = this.clock[NOW]! + delayUs;
    if (!(delayUs >= 0 && Math.floor(time) === time && time <= TIME_MAX)) this.rejectTime(time, kind);
    const slot = this.enqueue(time, kind, target, arg);
    return (this.events.rows[slot * ROW + 3]! * SLOTS_MAX + slot) as TimerHandle;
  }

  /** Cancels a timer. True if it was pending; false if it has run, was cancelled, or is NO_TIMER. */
  cancel(handle: TimerHandle): boolean {
    if (handle < 0) return false;
    const { events } = this;
    const generation = Math.floor(handle / SLOTS_MAX);
    const row = (handle - generation * SLOTS_MAX) * ROW;
    if (events.rows[row + 3] !== generation || events.rows[row] === CANCELLED) return false;
    events.rows[row] = CANCELLED;
    events.cancelled++;
    if (events.cancelled > SWEEP_MIN && events.cancelled * 2 > events.used) this.queue.sweep();
    return true;
  }

  /** For a component whose event found its object gone (generation moved on): it counts and returns. */
  countDropped(): void {
    this.droppedEvents++;
  }

  /** Starts a generator process at the current time, after everything due now. Not for per-pod work. */
  spawn(body: ProcessBody, name = 'process'): Process {
    if (this.processTable === null) {
      let kind = 0;
      const table = new ProcessTable(
        (delayUs, target, arg) => this.after(delayUs, kind, target, arg),
        () => this.countDropped(),
      );
      kind = this.on('process/resume', (index, generation) => table.resume(index, generation));
      this.processTable = table;
    }
    return this.processTable.spawn(body, name);
  }

  /**
   * Runs every event with time <= `until`, those scheduled meanwhile included.
   *
   * 'until'    later events remain; `now` is `until`
   * 'idle'     no event is left; `now` is the time of the last
   * 'stopped'  a handler called `stop`; calling `run` again goes on with the next event
   */
  run(until: number = Number.POSITIVE_INFINITY): RunOutcome {
    assert(!this.running, 'run() was called by a handler');
    assert(until >= this.now, () => `run until ${until}, but it is already ${this.now}`);
    this.running = true;
    this.stopping = false;
    try {
      for (;;) {
        const batch = this.progressEvery > 0 ? Math.min(BATCH, this.progressLeft) : BATCH;
        const outcome = this.runBatch(until, batch);
        this.progressLeft -= this.batchEvents;
        this.eventsBefore += this.batchEvents;
        this.batchEvents = 0;
        if (outcome !== null) return outcome;
        if (this.progressEvery > 0 && this.progressLeft <= 0) {
          this.progressLeft = this.progressEvery;
          this.progress();
        }
      }
    } catch (error) {
      throw this.explained(error);
    } finally {
      this.running = false;
      this.eventsBefore += this.batchEvents;
      this.batchEvents = 0;
    }
  }

  /** Ends `run` after the current event. */
  stop(): void {
    this.stopping = true;
  }

  /** Up to `n` (at most 20) events that ran last, oldest first. */
  recentEvents(n: number = RECENT_SHOWN): RecentEvent[] {
    const ran = this.eventsRun;
    const shown = Math.min(n, RECENT_SHOWN, ran);
    const list: RecentEvent[] = [];
    for (let i = ran - shown; i < ran; i++) {
      const at = i % RECENT;
      list.push({
        time: this.recentTimes[at]!,
        kind: this.recentRows[at * ROW]! as EventKind,
        target: this.recentRows[at * ROW + 1]!,
        arg: this.recentRows[at * ROW + 2]!,
      });
    }
    return list;
  }

  /** Calls back after every so many events, between handlers. The callback must not touch the run. */
  setProgress(everyEvents: number, callback: () => void): void {
    assert(
      Number.isSafeInteger(everyEvents) && everyEvents > 0,
      () => `progress is reported every so many events, not ${everyEvents}`,
    );
    this.progressEvery = everyEvents;
    this.progressLeft = everyEvents;
    this.progress = callback;
  }

  private enqueue(time: number, kind: number, target: number, arg: number): number {
    if (
      (kind | 0) !== kind ||
      kind < 1 ||
      kind >= this.lanes.kinds ||
      (target | 0) !== target ||
      (arg | 0) !== arg
    ) {
      rejectEvent(kind, target, arg);
    }
    const slot = this.events.allocate(this.clock[SEQUENCE]!++, kind, target, arg);
    this.queue.push(time, slot);
    return slot;
  }

  /** The hot loop: at most `limit` events. Null when the limit was reached. */
  private runBatch(until: number, limit: number): RunOutcome | null {
    const { clock, queue, lanes, events, handlers, recentTimes, recentRows, fingerprint } = this;
    // The ring continues where it was: eventsBefore modulo a power of two.
    const recentOffset = this.eventsBefore % RECENT;
    while (this.batchEvents < limit) {
      let time = queue.nextTime();
      let kind: number;
      let target: number;
      let arg: number;
      const lane = lanes.first;
      if (lane !== null && this.isLaneFirst(lane, time)) {
        time = lane.firstTime;
        if (time > until) return this.pauseAt(until);
        kind = lane.firstKind;
        target = lane.firstTarget;
        arg = lane.firstArg;
        lanes.shift();
      } else {
        if (time > until) return this.pauseAt(until);
        if (time === Number.POSITIVE_INFINITY) return 'idle';
        const slot = queue.pop();
        const rows = events.rows;
        const row = slot * ROW;
        kind = rows[row]!;
        if (kind === CANCELLED) {
          events.releaseCancelled(slot);
          continue;
        }
        target = rows[row + 1]!;
        arg = rows[row + 2]!;
        events.release(slot);
      }
      const at = (recentOffset + this.batchEvents++) & (RECENT - 1);
      recentTimes[at] = time;
      recentRows[at * ROW] = kind;
      recentRows[at * ROW + 1] = target;
      recentRows[at * ROW + 2] = arg;
      if (time !== clock[NOW]!) {
        clock[NOW] = time;
        this.instantEvents = 1;
      } else if (++this.instantEvents > this.maxEventsPerInstant) {
        this.rejectInstant(kind);
      }
      if (fingerprint !== null) fingerprint.event(time, this.nameHashes[kind]!, target);
      handlers[kind]!(target, arg);
      if (this.stopping) return 'stopped';
    }
    return null;
  }

  /** Whether the lane's first event comes before the queue's, which is due at `time`. */
  private isLaneFirst(lane: Lane, time: number): boolean {
    const laneTime = lane.firstTime;
    if (laneTime !== time) return laneTime < time;
    return lane.firstSequence < this.events.sequences[this.queue.nextSlot()]!;
  }

  private pauseAt(until: number): RunOutcome {
    if (this.pending === 0) return 'idle';
    this.clock[NOW] = until;
    this.instantEvents = 0;
    return 'until';
  }

  private rejectTime(time: number, kind: number): never {
    throw new InvariantError(
      `an event '${this.kindName(kind)}' was scheduled at ${time} µs, but times are whole microseconds from now (${this.now}) on`,
      { handler: this.kindName(kind), time, now: this.now },
    );
  }

  private rejectInstant(kind: number): never {
    throw new InvariantError(
      `more than ${this.maxEventsPerInstant} events ran at ${this.now} µs; the last was '${this.kindName(kind)}'`,
      { handler: this.kindName(kind), time: this.now, maxEventsPerInstant: this.maxEventsPerInstant },
    );
  }

  /** Adds time, handler and recent events to an InvariantError; leaves other errors alone. */
  private explained(error: unknown): unknown {
    if (error instanceof InvariantError) {
      const recentEvents = this.recentEvents();
      const last = recentEvents.at(-1);
      error.details['time'] ??= this.now;
      error.details['handler'] ??= last === undefined ? undefined : this.kindName(last.kind);
      error.details['recentEvents'] ??= recentEvents.map((event) => ({
        ...event,
        name: this.kindName(event.kind),
      }));
    }
    return error;
  }
}

function newQueue(kind: QueueKind, events: EventSlots): EventQueue {
  switch (kind) {
    case 'heap':
      return new HeapQueue(events);
    case 'ladder':
      return new LadderQueue(events);
    case 'fast-priority-queue':
      return new ReferenceQueue(events);
    default:
      throw new InvariantError(
        `no event queue is named '${kind as string}'; there are heap, ladder, fast-priority-queue`,
      );
  }
}
