// Watches as cursors: a commit wakes the watchers of a log only if they have no wake pending; they then take every entry
// that is visible by now. Watchers of one log with one delay see the same at the same moment: they share a cursor and
// take their turns in the order in which they were opened. A batch of commits costs one event a log and delay, whatever
// the batch's size and however many watch.

import type { WatchConsumer } from '../contracts/api.ts';
import { assert, type EventKind, type Kernel, type Lane } from '../kernel/index.ts';
import type { RevisionLog } from '../state/index.ts';

interface Cursor {
  readonly log: RevisionLog;
  readonly delayUs: number;
  /** When the first of its watchers was opened: later ones have cursors of their own. */
  readonly openedUs: number;
  readonly lane: Lane;
  readonly consumers: WatchConsumer[];
  /** Watchers, each as many as it stands for. */
  members: number;
  position: number;
  pending: boolean;
}

export class Watches {
  readonly #kernel: Kernel;
  readonly #wake: EventKind;
  readonly #cursors: Cursor[] = [];
  readonly #byLog = new Map<RevisionLog, number[]>();
  /** Called after a cursor moved: rows may be freed, the log trimmed. */
  readonly #passed: (log: RevisionLog, position: number) => void;
  /** Watch events sent, counted for each member. */
  sent = 0;

  constructor(kernel: Kernel, passed: (log: RevisionLog, position: number) => void) {
    this.#kernel = kernel;
    this.#passed = passed;
    this.#wake = kernel.on('watch', (index) => this.#advance(this.#cursors[index]!, index));
  }

  add(log: RevisionLog, delayUs: number, consumer: WatchConsumer, members: number): void {
    assert(log.tail === 0, 'watches are opened before the first entry is forgotten');
    const openedUs = this.#kernel.now;
    let list = this.#byLog.get(log);
    if (list === undefined) {
      list = [];
      this.#byLog.set(log, list);
    }
    for (const index of list) {
      const cursor = this.#cursors[index]!;
      if (cursor.delayUs !== delayUs || cursor.openedUs !== openedUs || cursor.position > 0) continue;
      cursor.consumers.push(consumer);
      cursor.members += members;
      return;
    }
    const lane = this.#kernel.lane(delayUs);
    list.push(this.#cursors.length);
    this.#cursors.push({
      log,
      delayUs,
      openedUs,
      lane,
      consumers: [consumer],
      members,
      position: 0,
      pending: false,
    });
    if (log.head > 0) this.committed(log);
  }

  /** Entries were appended to `log` now. */
  committed(log: RevisionLog): void {
    const list = this.#byLog.get(log);
    if (list === undefined) {
      log.trim(log.head);
      return;
    }
    for (const index of list) {
      const cursor = this.#cursors[index]!;
      if (cursor.pending) continue;
      cursor.pending = true;
      cursor.lane.push(this.#wake, index, 0);
    }
  }

  /** Position that every cursor of `log` has passed. */
  passed(log: RevisionLog): number {
    let least = log.head;
    for (const index of this.#byLog.get(log) ?? []) least = Math.min(least, this.#cursors[index]!.position);
    return least;
  }

  #advance(cursor: Cursor, index: number): void {
    const { log, delayUs } = cursor;
    const visible = this.#kernel.now - delayUs;
    const from = cursor.position;
    let to = from;
    while (to < log.head && log.time(to) <= visible) to += 1;
    cursor.pending = to < log.head;
    if (cursor.pending) this.#kernel.at(log.time(to) + delayUs, this.#wake, index, 0);
    if (to === from) return;
    for (const consumer of cursor.consumers) consumer(log, from, to);
    cursor.position = to;
    this.sent += (to - from) * cursor.members;
    this.#passed(log, this.passed(log));
  }
}
