// When a kubelet sees that a container has ended by itself: at the next relist of its pod life cycle event generator, each
// second on the node's own phase (pkg/kubelet/pleg/generic.go, genericPlegRelistPeriod in pkg/kubelet/kubelet.go, v1.36);
// with eventedPLEG, which the runtime tells, at once. What the kubelet does itself, it knows: it relists a pod after
// syncing it. Computed, so that no relist has an event.
//
// Leaves out: how long a relist takes, which with hundreds of pods on a node adds to the period.
import type { RunContext } from '../contracts/run-context.ts';
import type { KeyedDraw } from '../kernel/index.ts';

export class Pleg {
  readonly #draw: KeyedDraw;
  readonly #purpose: number;
  readonly #periodUs: number;

  constructor({ draw, costs }: RunContext) {
    const { plegRelistPeriodUs = 0, eventedPLEG = false, exactDelays } = costs.kubelet;
    this.#draw = draw;
    this.#purpose = draw.purpose('kubelet/pleg');
    // Kubelets that only wait have no containers to relist.
    this.#periodUs = eventedPLEG || exactDelays !== undefined ? 0 : plegRelistPeriodUs;
  }

  /** When the node's kubelet sees what happened at that time, µs. */
  seenUs(node: number, us: number): number {
    const period = this.#periodUs;
    if (period === 0) return us;
    const phase = this.#draw.below(this.#purpose, node, 0, period);
    return phase + Math.ceil((us - phase) / period) * period;
  }
}
