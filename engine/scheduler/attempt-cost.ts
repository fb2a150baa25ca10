// How long a scheduling attempt takes in virtual time: a fixed part, and what it did, by the numbers of the cost preset.
import type { CostPreset } from '../contracts/costs.ts';
import type { Durations, Sampler } from '../kernel/index.ts';
import type { Decision } from './search/decision.ts';

const NS_PER_US = 1000;

export class AttemptCost {
  readonly #fixedUs: Sampler;
  readonly #filterNodeUs: number;
  readonly #scoreNodeUs: number;

  /** @param parallelism goroutines that filter and score nodes */
  constructor(costs: CostPreset['scheduler'], durations: Durations, parallelism: number) {
    this.#fixedUs = durations.sampler('scheduler/attempt', costs.attemptUs);
    this.#filterNodeUs = costs.filterNodeNs / parallelism / NS_PER_US;
    this.#scoreNodeUs = costs.scoreNodeNs / parallelism / NS_PER_US;
  }

  /** µs. `serial` and `attempt` name the draw of the fixed part. */
  us(serial: number, attempt: number, { examined, scored }: Decision): number {
    const perNode = examined * this.#filterNodeUs + scored * this.#scoreNodeUs;
    return this.#fixedUs(serial, attempt) + Math.round(perNode);
  }
}
