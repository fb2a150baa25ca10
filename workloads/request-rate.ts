// Rates that change over time: a constant, or points of time with the rate from there on, in steps or in a straight line to
// the next point. Times of requests come from the integral of the rate: the n-th is where it reaches n (even) or the sum
// of n exponential gaps of mean 1 (Poisson), so neither drifts and both follow any profile.
import { randomExponential } from 'd3-random';
import * as z from 'zod';
import { SECOND, type WorkloadContext } from '../engine/index.ts';
import type { ArrivalTimes } from './common.ts';
import { scalar } from './distributions.ts';
import { durationUs } from './units.ts';

/** From `atUs` on, up to the next point: requests per µs at its start and at its end. */
interface Segment {
  readonly atUs: number;
  readonly from: number;
  readonly to: number;
}

export interface RateProfile {
  readonly segments: readonly Segment[];
}

const perSecond = z.number({ error: 'must be a number' }).nonnegative('must not be negative');
const point = z.strictObject({ at: scalar(durationUs), rate: perSecond });

/** `100`, `[{at: 0s, rate: 10}, {at: 1m, rate: 100}]` or `{ramp: [{at, rate}, …]}`, requests a second. */
export const rateProfile: z.ZodType<RateProfile> = z
  .union(
    [
      perSecond.transform((rate) => ({ points: [{ at: 0, rate }], ramp: false })),
      z
        .array(point)
        .min(1)
        .transform((points) => ({ points, ramp: false })),
      z.strictObject({ ramp: z.array(point).min(1) }).transform(({ ramp }) => ({ points: ramp, ramp: true })),
    ],
    { error: 'must be a number, a list of {at, rate}, or {ramp: [{at, rate}, …]}' },
  )
  .refine(({ points }) => points.every(({ at }, i) => i === 0 || at > points[i - 1]!.at), {
    message: 'times must rise from point to point',
  })
  .transform(
    ({ points, ramp }): RateProfile => ({
      segments: points.map(({ at, rate }, i) => {
        const next = ramp ? (points[i + 1]?.rate ?? rate) : rate;
        return { atUs: at, from: rate / SECOND, to: next / SECOND };
      }),
    }),
  );

/**
 * When the integral of the rate reaches the given totals, which never fall. Infinity where it never does.
 */
function inverse({ segments }: RateProfile): (total: number) => number {
  let index = 0;
  /** The integral up to the start of the segment. */
  let before = 0;
  return (total) => {
    for (;;) {
      const { atUs, from, to } = segments[index]!;
      const endUs = segments[index + 1]?.atUs ?? Number.POSITIVE_INFINITY;
      const lasts = endUs - atUs;
      const area = from === to ? (from === 0 ? 0 : from * lasts) : ((from + to) / 2) * lasts;
      if (total - before < area) return atUs + timeTo(total - before, from, to, lasts);
      if (endUs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
      before += area;
      index += 1;
    }
  };
}

/** µs after which a rate that goes from `from` to `to` in a straight line over `lasts` has brought `wanted`. */
function timeTo(wanted: number, from: number, to: number, lasts: number): number {
  if (wanted === 0) return 0;
  if (from === to) return wanted / from;
  // from t + slope t² / 2 = wanted, by the form that loses no digits where the slope is small.
  const slope = (to - from) / lasts;
  return (2 * wanted) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * wanted)));
}

export function requestTimes(
  context: WorkloadContext,
  profile: RateProfile,
  kind: 'poisson' | 'even',
): ArrivalTimes {
  const at = inverse(profile);
  const gap =
    kind === 'even'
      ? () => 1
      : randomExponential.source(context.rng.stream(`${context.streams}/arrivals`).source())(1);
  let total = kind === 'even' ? -1 : 0;
  let lastUs = 0;
  return () => {
    total += gap();
    const us = at(total);
    lastUs = us === Number.POSITIVE_INFINITY ? us : Math.max(lastUs, Math.round(us));
    return lastUs;
  };
}
