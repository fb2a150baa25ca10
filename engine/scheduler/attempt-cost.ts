// How long a scheduling attempt takes in virtual time: a fixed part, and what it did, by the numbers of the cost preset.
// Plug-ins that the preset prices are charged for the pods that upstream's implementation of them goes over, although
// the sums that answer here make that unnecessary.
import type { CostPreset, PluginCost } from '../contracts/costs.ts';
import type { ClusterView, Plugin } from '../contracts/scheduler.ts';
import type { Durations, Sampler } from '../kernel/index.ts';
import type { Framework, Instance } from './framework.ts';
import type { Decision } from './search/decision.ts';
import type { AttemptFilters } from './search/filters.ts';
import type { PodCursor } from './views.ts';

const NS_PER_US = 1000;

interface Priced {
  readonly index: number;
  readonly plugin: Plugin;
  readonly cost: PluginCost;
  readonly filters: boolean;
}

export class AttemptCost {
  readonly #fixedUs: Sampler;
  readonly #filterNodeUs: number;
  readonly #scoreNodeUs: number;
  readonly #perWorkerUs: number;
  readonly #plugins: CostPreset['scheduler']['plugins'];
  readonly #priced = new Map<Framework, readonly Priced[]>();
  readonly #visits = { filter: 0, score: 0 };

  /** @param parallelism goroutines that filter and score nodes */
  constructor(costs: CostPreset['scheduler'], durations: Durations, parallelism: number) {
    this.#fixedUs = durations.sampler('scheduler/attempt', costs.attemptUs);
    this.#perWorkerUs = 1 / parallelism / NS_PER_US;
    this.#filterNodeUs = costs.filterNodeNs * this.#perWorkerUs;
    this.#scoreNodeUs = costs.scoreNodeNs * this.#perWorkerUs;
    this.#plugins = costs.plugins;
  }

  /** µs. `serial` and `attempt` name the draw of the fixed part. */
  us(
    serial: number,
    attempt: number,
    decision: Decision,
    pod: PodCursor,
    framework: Framework,
    filters: AttemptFilters,
    cluster: ClusterView,
  ): number {
    const { examined, scored } = decision;
    let us = examined * this.#filterNodeUs + scored * this.#scoreNodeUs;
    for (const { index, plugin, cost, filters: isFilter } of this.#of(framework)) {
      if (isFilter && !filters.isSkipped(index)) us += examined * cost.filterNodeNs * this.#perWorkerUs;
      if (plugin.visits === undefined) continue;
      const visits = this.#visits;
      visits.filter = 0;
      visits.score = 0;
      plugin.visits(pod, cluster, visits);
      us += visits.filter * cost.filterPodNs * this.#perWorkerUs;
      // Nothing is scored where no choice is left.
      if (scored > 0) us += visits.score * cost.scorePodNs * this.#perWorkerUs;
    }
    return this.#fixedUs(serial, attempt) + Math.round(us);
  }

  /** The plug-ins of a profile that the preset prices. */
  #of(framework: Framework): readonly Priced[] {
    let priced = this.#priced.get(framework);
    if (priced === undefined) {
      const taking = new Map<number, Instance>();
      for (const instance of [...framework.preFilter, ...framework.filter, ...framework.score])
        taking.set(instance.index, instance);
      priced = [...taking.values()].flatMap(({ index, name, plugin }) => {
        const cost = Object.hasOwn(this.#plugins, name) ? this.#plugins[name] : undefined;
        const filters = framework.filter.some((instance) => instance.index === index);
        return cost === undefined ? [] : [{ index, plugin, cost, filters }];
      });
      this.#priced.set(framework, priced);
    }
    return priced;
  }
}
