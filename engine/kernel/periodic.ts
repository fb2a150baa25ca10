// Knows when nothing but periodic work is left. A component that re-arms a timer for ever (a flush, a resync) says so;
// when such a timer fires and nothing else is pending, the run may end.
import type { Kernel } from './kernel.ts';

export class PeriodicWork {
  readonly #kernel: Kernel;
  readonly #stopWhenIdle: boolean;
  #armed = 0;
  /** True when the run was ended for want of anything else to do. */
  ended = false;

  constructor(kernel: Kernel, stopWhenIdle: boolean) {
    this.#kernel = kernel;
    this.#stopWhenIdle = stopWhenIdle;
  }

  /** A periodic timer was scheduled. */
  arm(): void {
    this.#armed += 1;
  }

  /** A periodic timer fires: called first in its handler, before it does or schedules anything. True: do nothing more. */
  fired(): boolean {
    this.#armed -= 1;
    if (!this.#stopWhenIdle || this.#kernel.pending > this.#armed) return false;
    this.ended = true;
    this.#kernel.stop();
    return true;
  }

  /** A periodic timer was cancelled. */
  disarm(): void {
    this.#armed -= 1;
  }
}
