// What pods can use at most, whatever happens to them: where even that meets no threshold of their node, nobody needs to
// look. Amounts are ramps, so the most is known from the template; it is summed over the pods of the node when one of
// them comes or goes, which is a few numbers each, where a look measures every container.
//
// Says nothing of nodes that tell their ephemeral storage (images share that disk), of pods with limits of their own on
// disk, and of runs in which a step has set what pods use: there a look finds out.
import type { RunContext } from '../contracts/run-context.ts';
import type { Threshold } from '../kinds/eviction-thresholds.ts';
import type { PodUse } from '../kinds/pod-use.ts';
import type { Ramp } from '../kinds/ramp.ts';
import { type EvictionSignals, isMet } from './eviction-signals.ts';

/** Bytes and a number; `open`: the pod may exceed a limit of its own. */
interface Ceiling {
  readonly memory: number;
  readonly pids: number;
  readonly open: boolean;
}

const most = ({ start, perSecond, max }: Ramp): number => (perSecond > 0 ? max : Math.min(start, max));

export function ceilingOf(use: PodUse): Ceiling {
  let memory = 0;
  let pids = 0;
  let open = use.limitBytes > 0;
  for (const container of use.containers) {
    memory += container.memory === null ? use.memoryBytes : most(container.memory);
    pids += most(container.pids);
    open ||= container.limitBytes > 0;
  }
  for (const volume of use.volumes) {
    if (volume.inMemory) memory += most(volume.bytes);
    open ||= volume.limitBytes > 0;
  }
  return { memory, pids, open };
}

const NOTHING = { amount: 0, rate: 0 };

export class UseCeilings {
  readonly #c: RunContext;
  readonly #signals: EvictionSignals;
  readonly #thresholds: readonly Threshold[];
  readonly #ceilings = new WeakMap<PodUse, Ceiling>();

  constructor(context: RunContext, signals: EvictionSignals, thresholds: readonly Threshold[]) {
    this.#c = context;
    this.#signals = signals;
    this.#thresholds = thresholds;
  }

  /** Whether these pods, all that use anything on the node, can never meet a threshold or a limit. */
  hold(node: number, pods: Iterable<number>): boolean {
    const { state } = this.#c;
    if (state.usage.changedUs !== Number.NEGATIVE_INFINITY) return false;
    let memory = 0;
    let pids = 0;
    for (const pod of pods) {
      const { use } = state.template(pod);
      if (use === null) return false;
      let ceiling = this.#ceilings.get(use);
      if (ceiling === undefined) {
        ceiling = ceilingOf(use);
        this.#ceilings.set(use, ceiling);
      }
      if (ceiling.open) return false;
      memory += ceiling.memory;
      pids += ceiling.pids;
    }
    const observations = this.#signals.observe(node, [
      {
        memory: { amount: memory, rate: 0 },
        pids: { amount: pids, rate: 0 },
        disk: NOTHING,
        inodes: NOTHING,
      },
    ]);
    if (observations.has('nodefs.available')) return false;
    return !this.#thresholds.some((threshold) => isMet(threshold, observations, false));
  }
}
