// The end of a recorded scenario: when nothing has been written for a while after the last step, as the recording
// stopped. Timers that lie further ahead do not count.
import type { RunContext } from '../contracts/run-context.ts';
import type { ScenarioFrame } from '../contracts/scenario.ts';
import type { Bystanders } from '../contracts/timeline.ts';
import type { EventKind } from '../kernel/index.ts';
import type { RevisionLog } from '../state/index.ts';

export class IdleEnd {
  readonly #c: RunContext;
  readonly #idleUs: number;
  readonly #notBeforeUs: number;
  readonly #kind: EventKind;
  readonly #bystanders: Bystanders | null;
  readonly #cursors = new Map<RevisionLog, number>();
  #changedUs = 0;
  /** True when it has ended the run. */
  ended = false;

  /** `lastStepUs`: time of its last step, µs of the run. `bystanders`: whose changes do not count. */
  constructor(context: RunContext, frame: ScenarioFrame, lastStepUs: number, bystanders: Bystanders | null) {
    this.#c = context;
    this.#bystanders = bystanders;
    this.#idleUs = frame.idleUs;
    this.#notBeforeUs = Math.max(frame.originUs + frame.minUs, lastStepUs + frame.idleUs);
    this.#kind = context.kernel.on('scenario/idle', () => this.#look());
  }

  start(): void {
    // What the cluster began with was written by nobody.
    const { objects, podLog, nodeLog } = this.#c.state;
    for (const log of [podLog, nodeLog, ...objects.kinds.map((store) => store.log)])
      this.#cursors.set(log, log.head);
    this.#c.kernel.at(this.#notBeforeUs, this.#kind, 0, 0);
  }

  /** Something was written to these logs: it counts unless it is only what runs beside the scenario. */
  changed(logs: Iterable<RevisionLog>): void {
    if (this.#bystanders === null || this.#own(logs)) this.#changedUs = this.#c.kernel.now;
  }

  #own(logs: Iterable<RevisionLog>): boolean {
    let own = false;
    for (const log of logs) {
      for (let p = this.#cursors.get(log) ?? 0; p < log.head && !own; p++)
        own = !this.#bystanders!.entry(log, p);
      this.#cursors.set(log, log.head);
    }
    return own;
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
