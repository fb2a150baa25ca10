// Processes: actors written as generators, for drivers, fault scripts and tests.
//
//   kernel.spawn(function* () {
//     yield delay(5 * SECOND);
//     const value = yield signal(ready);
//   });
//
// A resumed generator costs about twice a plain event, and each is an object: right for anything
// there are fewer than a few thousand of, wrong for work per pod or per node (use `kernel.on`).

import { assert, InvariantError } from './assert.ts';
import { HandleTable } from './handles.ts';

/** What a process waits for: a number of microseconds, or a signal. */
export type Wait = number | Signal;
export type ProcessBody = () => Generator<Wait, void, unknown>;

/** Waits `delayUs` microseconds (integer >= 0). Zero lets everything due now go first. */
export function delay(delayUs: number): Wait {
  assert(
    Number.isSafeInteger(delayUs) && delayUs >= 0,
    () => `a delay is a whole number of microseconds >= 0, not ${delayUs}`,
  );
  return delayUs;
}

/** Waits until the signal fires next; the `yield` gives the value it fired with. */
export function signal(awaited: Signal): Wait {
  return awaited;
}

/** Wakes all who wait, in the order they began to wait. A later waiter waits for the next firing. */
export class Signal {
  private waiting: Process[] = [];

  /** Number of processes waiting. */
  get waiters(): number {
    return this.waiting.length;
  }

  /** Wakes the waiters at the current time, after everything already due now. */
  fire(value?: unknown): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const process of woken) process.wake(value);
  }

  /** For `Process` only. */
  enlist(process: Process): void {
    this.waiting.push(process);
  }

  /** For `Process` only. */
  strike(process: Process): void {
    this.waiting = this.waiting.filter((other) => other !== process);
  }
}

/** A running process. */
export class Process {
  readonly name: string;
  /** Fires when the process has ended, by itself or by `cancel`. */
  readonly done = new Signal();
  private readonly table: ProcessTable;
  private readonly index: number;
  private readonly generation: number;
  private readonly steps: Generator<Wait, void, unknown>;
  private awaited: Signal | null = null;
  private value: unknown;
  private alive = true;
  private stepping = false;

  constructor(table: ProcessTable, index: number, generation: number, name: string, body: ProcessBody) {
    this.table = table;
    this.index = index;
    this.generation = generation;
    this.name = name;
    this.steps = body();
  }

  get isAlive(): boolean {
    return this.alive;
  }

  /** Ends the process where it waits (its `finally` blocks run). False if it had ended. */
  cancel(): boolean {
    if (!this.alive) return false;
    assert(!this.stepping, () => `process '${this.name}' cancels itself: return instead`);
    this.awaited?.strike(this);
    this.steps.return();
    this.end();
    return true;
  }

  /** For `Signal` only. */
  wake(value: unknown): void {
    this.awaited = null;
    this.value = value;
    this.table.resumeAfter(0, this.index, this.generation);
  }

  /** For `ProcessTable` only: runs to the next wait. */
  step(): void {
    const value = this.value;
    this.value = undefined;
    this.stepping = true;
    const result = this.steps.next(value);
    this.stepping = false;
    if (result.done) {
      this.end();
    } else if (result.value instanceof Signal) {
      this.awaited = result.value;
      result.value.enlist(this);
    } else if (typeof result.value === 'number') {
      this.table.resumeAfter(delay(result.value) as number, this.index, this.generation);
    } else {
      throw new InvariantError(`process '${this.name}' yielded neither a delay nor a signal`);
    }
  }

  private end(): void {
    this.alive = false;
    this.table.remove(this.index);
    this.done.fire();
  }
}

/** The processes of one kernel, resumed by events with target = index and arg = generation. */
export class ProcessTable {
  private readonly handles = new HandleTable();
  private readonly processes: (Process | undefined)[] = [];
  private readonly schedule: (delayUs: number, target: number, arg: number) => void;
  private readonly countDropped: () => void;

  constructor(schedule: (delayUs: number, target: number, arg: number) => void, countDropped: () => void) {
    this.schedule = schedule;
    this.countDropped = countDropped;
  }

  spawn(body: ProcessBody, name: string): Process {
    const index = this.handles.allocate();
    const generation = this.handles.generation(index);
    const process = new Process(this, index, generation, name, body);
    this.processes[index] = process;
    this.schedule(0, index, generation);
    return process;
  }

  resume(index: number, generation: number): void {
    if (this.handles.isAlive(index, generation)) this.processes[index]!.step();
    else this.countDropped();
  }

  resumeAfter(delayUs: number, index: number, generation: number): void {
    this.schedule(delayUs, index, generation);
  }

  remove(index: number): void {
    this.handles.release(index);
    this.processes[index] = undefined;
  }
}
