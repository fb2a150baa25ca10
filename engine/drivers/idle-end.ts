// The end of a recorded scenario: when nothing has been written for a while after the last step, as the recording
// stopped. Timers that lie further ahead do not count.
import type { RunContext } from '../contracts/run-context.ts';
import type { ScenarioFrame } from '../contracts/scenario.ts';
import type { EventKind } from '../kernel/index.ts';

export class IdleEnd {
  readonly #c: RunContext;
  readonly #idleUs: number;
  readonly #notBeforeUs: number;
  readonly #kind: EventKind;
  #changedUs = 0;
  /** True when it has ended the run. */
  ended = false;

  /** `lastStepUs`: time of the last step, µs of the run. */
  constructor(context: RunContext, frame: ScenarioFrame, lastStepUs: number) {
    this.#c = context;
    this.#idleUs = frame.idleUs;
    this.#notBeforeUs = Math.max(frame.originUs + frame.minUs, lastStepUs + frame.idleUs);
    this.#kind = context.kernel.on('scenario/idle', () => this.#look());
  }

  start(): void {
    this.#c.kernel.at(this.#notBeforeUs, this.#kind, 0, 0);
  }

  /** Something was written. */
  changed(): void {
    this.#changedUs = this.#c.kernel.now;
  }

  #look(): void {
    const dueUs = this.#changedUs + this.#idleUs;
    if (dueUs > this.#c.kernel.now) {
      this.#c.kernel.at(dueUs, this.#kind, 0, 0);
      return;
    }
    this.ended = true;
    this.#c.kernel.stop();
  }
}
