// Watches as cursors: a commit wakes a watcher only if it has no wake pending; it then takes every entry that is
// visible by now. Ten watchers cost ten events a batch of commits, whatever the batch's size.

import type { WatchConsumer } from '../contracts/api.ts';
import { assert, type EventKind, type Kernel, type Lane } from '../kernel/index.ts';
import type { RevisionLog } from '../state/index.ts';

interface Watch {
  readonly log: RevisionLog;
  readonly delayUs: number;
  readonly lane: Lane;
  readonly consumer: WatchConsumer;
  readonly members: number;
  position: number;
  pending: boolean;
}

export class Watches {
  readonly #kernel: Kernel;
  readonly #wake: EventKind;
  readonly #watches: Watch[] = [];
  readonly #byLog = new Map<RevisionLog, number[]>();
  /** Called after a cursor moved: rows may be freed, the log trimmed. */
  readonly #passed: (log: RevisionLog, position: number) => void;
  /** Watch events sent, counted for each member. */
  sent = 0;

  constructor(kernel: Kernel, passed: (log: RevisionLog, position: number) => void) {
    this.#kernel = kernel;
    this.#passed = passed;
    this.#wake = kernel.on('watch', (index) => this.#advance(this.#watches[index]!, index));
  }

  add(log: RevisionLog, delayUs: number, consumer: WatchConsumer, members: number): void {
    assert(log.tail === 0, 'watches are opened before the first entry is forgotten');
    const index = this.#watches.length;
    const lane = this.#kernel.lane(delayUs);
    this.#watches.push({ log, delayUs, lane, consumer, members, position: 0, pending: false });
    const list = this.#byLog.get(log);
    if (list) list.push(index);
    else this.#byLog.set(log, [index]);
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
      const watch = this.#watches[index]!;
      if (watch.pending) continue;
      watch.pending = true;
      watch.lane.push(this.#wake, index, 0);
    }
  }

  /** Position that every cursor of `log` has passed. */
  passed(log: RevisionLog): number {
    let least = log.head;
    for (const index of this.#byLog.get(log) ?? []) least = Math.min(least, this.#watches[index]!.position);
    return least;
  }

  #advance(watch: Watch, index: number): void {
    const { log, delayUs } = watch;
    const visible = this.#kernel.now - delayUs;
    const from = watch.position;
    let to = from;
    while (to < log.head && log.time(to) <= visible) to += 1;
    watch.pending = to < log.head;
    if (watch.pending) this.#kernel.at(log.time(to) + delayUs, this.#wake, index, 0);
    if (to === from) return;
    watch.consumer(log, from, to);
    watch.position = to;
    this.sent += (to - from) * watch.members;
    this.#passed(log, this.passed(log));
  }
}
