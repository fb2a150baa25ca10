// The distributions behind the intervals: Student's t and the normal, from @stdlib, and the non-central t by quadrature,
// which no kept library has. Everything here takes degrees of freedom `df` >= 1.
import normalCdf from '@stdlib/stats-base-dists-normal-cdf';
import cdf from '@stdlib/stats-base-dists-t-cdf';
import quantile from '@stdlib/stats-base-dists-t-quantile';

/** The p-quantile of Student's t. */
export function tQuantile(p: number, df: number): number {
  return quantile(p, df);
}

/** P(T <= t). */
export function tCdf(t: number, df: number): number {
  return cdf(t, df);
}

/** P(Z <= z) for the standard normal. */
export function standardNormalCdf(z: number): number {
  return normalCdf(z, 0, 1);
}

/** Points of the quadrature: doubling them changes powers by less than 1e-9. */
const POINTS = 400;

/**
 * P(T <= t) for the non-central t with non-centrality `delta`: the mean of Phi(t s - delta) over the distribution of
 * s = sqrt(chi^2_df / df), by Simpson's rule over the body of its density (Johnson, Kotz, Balakrishnan: Continuous
 * Univariate Distributions 2, chapter 31).
 */
export function noncentralTCdf(t: number, df: number, delta: number): number {
  // log density of s up to its constant: (df - 1) ln s - df s^2 / 2, greatest at sqrt(1 - 1/df), spread below 1/sqrt(df).
  const peak = df > 1 ? Math.sqrt(1 - 1 / df) : 0;
  const reach = 9 / Math.sqrt(2 * df);
  const low = Math.max(0, peak - reach);
  const step = (peak + reach - low) / POINTS;
  const logPeak = df > 1 ? (df - 1) * Math.log(peak) - (df * peak * peak) / 2 : 0;
  let mass = 0;
  let sum = 0;
  for (let i = 0; i <= POINTS; i++) {
    const s = low + i * step;
    const logDensity = (df > 1 ? (df - 1) * Math.log(s) : 0) - (df * s * s) / 2 - logPeak;
    const weight =
      (i === 0 || i === POINTS ? 1 : i % 2 === 1 ? 4 : 2) * (s === 0 && df > 1 ? 0 : Math.exp(logDensity));
    mass += weight;
    sum += weight * standardNormalCdf(t * s - delta);
  }
  return sum / mass;
}
