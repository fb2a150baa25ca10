// The 15 s clock of the volume controller (--pvclaimbinder-sync-period): at each tick all claims and volumes are queued.
// Those that are bound and right would do nothing and are passed over. The clock started with the process, so its phase
// is drawn from the run's seed.
import type { ControllerContext, SeenObject } from '../contracts/controller.ts';
import { type EventKind, NO_TIMER, type TimerHandle } from '../kernel/index.ts';
import { isBindCompleted } from '../kinds/volume-facts.ts';

const PERIOD_US = 15 * 1_000_000;

export class VolumeResync {
  readonly #ctx: ControllerContext;
  readonly #queue: (kind: string, key: string) => void;
  readonly #tick: EventKind;
  readonly #phaseUs: number;
  /** Claims and volumes that a sync may still change. */
  readonly #restless = new Map<number, SeenObject>();
  #timer: TimerHandle = NO_TIMER;
  /** Nothing has changed since the last tick: the next one is not worth waiting for. */
  #isPeriodic = false;

  constructor(ctx: ControllerContext, queue: (kind: string, key: string) => void) {
    this.#ctx = ctx;
    this.#queue = queue;
    const { kernel, draw } = ctx.run;
    this.#phaseUs = draw.below(draw.purpose(`${ctx.name}/phase`), 0, 0, PERIOD_US);
    this.#tick = kernel.on(`${ctx.name}/resync`, () => this.#ticked());
  }

  claim(seen: SeenObject, gone: boolean): void {
    this.#note(seen, !gone && !isBindCompleted(seen.object));
  }

  volume(seen: SeenObject, gone: boolean): void {
    const phase: string = seen.object['status']?.phase ?? 'Pending';
    const policy: string = seen.object['spec'].persistentVolumeReclaimPolicy ?? 'Retain';
    const isSettled = phase === 'Bound' || phase === 'Available' || policy === 'Retain';
    this.#note(seen, !gone && !isSettled);
  }

  /** Something else has changed that waiting claims may need. */
  changed(): void {
    if (this.#restless.size === 0) return;
    if (this.#isPeriodic) {
      this.#isPeriodic = false;
      this.#ctx.run.periodic.disarm();
    }
    this.#arm(false);
  }

  #note(seen: SeenObject, isRestless: boolean): void {
    if (isRestless) this.#restless.set(seen.id, seen);
    else this.#restless.delete(seen.id);
    this.changed();
  }

  #arm(periodic: boolean): void {
    if (this.#timer !== NO_TIMER) return;
    const { kernel, periodic: work } = this.#ctx.run;
    const ticks = Math.floor((kernel.now - this.#phaseUs) / PERIOD_US) + 1;
    this.#timer = kernel.timer(this.#phaseUs + ticks * PERIOD_US - kernel.now, this.#tick, 0, 0);
    this.#isPeriodic = periodic;
    if (periodic) work.arm();
  }

  #ticked(): void {
    this.#timer = NO_TIMER;
    const wasPeriodic = this.#isPeriodic;
    this.#isPeriodic = false;
    if (wasPeriodic && this.#ctx.run.periodic.fired()) return;
    if (this.#restless.size === 0) return;
    for (const seen of this.#restless.values()) this.#queue(seen.kind, seen.key);
    this.#arm(true);
  }
}
