// Durations of a cost preset as samplers: a constant, or a draw keyed by (purpose, entity, k), so that an entity's
// durations are the same whatever else happens in the run.
import type { KeyedDraw } from './keyed-draw.ts';

/**
 * A duration in µs: a constant, or drawn per entity. `lognormal` is given by its median and 99th percentile and cut
 * at `max`.
 */
export type Duration =
  | number
  | { readonly dist: 'lognormal'; readonly p50: number; readonly p99: number; readonly max: number }
  | { readonly dist: 'uniform'; readonly min: number; readonly max: number };

/** Integer µs for the k-th use by an entity. */
export type Sampler = (entity: number, k: number) => number;

/** 99th percentile of the standard normal distribution. */
const Z99 = 2.3263478740408408;

export class Durations {
  readonly #draw: KeyedDraw;

  constructor(draw: KeyedDraw) {
    this.#draw = draw;
  }

  /** `purpose` names the stream of draws, e.g. `kubelet/sandbox`. */
  sampler(purpose: string, duration: Duration): Sampler {
    if (typeof duration === 'number') {
      const constant = Math.round(duration);
      return () => constant;
    }
    const draw = this.#draw;
    const id = draw.purpose(purpose);
    if (duration.dist === 'uniform') {
      const width = duration.max - duration.min + 1;
      const min = duration.min;
      return (entity, k) => min + Math.floor(draw.unit(id, entity, k) * width);
    }
    // ln p99 = mu + z99 sigma with mu = ln p50.
    const sigma = Math.log(duration.p99 / duration.p50) / Z99;
    const { p50, max } = duration;
    return (entity, k) => {
      // Box-Muller; 2k and 2k+1 are this use's own two draws. 1 - u lies in (0, 1], so the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - draw.unit(id, entity, 2 * k)));
      const z = radius * Math.cos(2 * Math.PI * draw.unit(id, entity, 2 * k + 1));
      return Math.min(max, Math.round(p50 * Math.exp(sigma * z)));
    };
  }
}
