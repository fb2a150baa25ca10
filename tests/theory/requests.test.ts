// Queueing theory through the whole way of a request: Poisson requests to a Service whose only pod serves c at a time, with
// exponential work, are M/M/c. Sojourn time = C(c, a) S / (c - a) + S (Kleinrock, vol. 1, 1975); with requests split at
// random over n pods each is M/M/1 at 1/n of the rate. The theory must lie in the 99 % interval of 20 replications.
import { describe, expect, it } from 'vitest';
import { create, SECOND, service, workload } from '../property/simulation/scenario.ts';
import { requestRun } from '../unit/network/run.ts';
import { interval } from './station.ts';

const S = 0.01;

/** P(wait) of M/M/c by the recursion of Erlang's B. */
function erlangC(c: number, a: number): number {
  let b = 1;
  for (let k = 1; k <= c; k++) b = (a * b) / (k + a * b);
  return b / (1 - (a / c) * (1 - b));
}

function sojourns(pods: number, concurrency: number, rate: number): number[] {
  return Array.from({ length: 20 }, (_, i) => {
    const { summary } = requestRun({
      steps: [create(0, workload('Deployment', 'web', pods, '10m'), service('web'))],
      requests: [
        {
          service: 'web',
          rate: [{ at: '5s', rate }],
          serviceTime: { exponential: { mean: '10ms' } },
          concurrency,
          timeout: '1h',
        },
      ],
      untilUs: 5 * SECOND + Math.round((9_000 / rate) * SECOND),
      warmUpUs: 5 * SECOND + Math.round((1000 / rate) * SECOND),
      seed: 100 + i,
    });
    return summary.latency['request.latency.web']!.mean;
  });
}

describe('requests to a Service', () => {
  it.each([
    { pods: 1, c: 1, rho: 0.5 },
    { pods: 1, c: 4, rho: 0.8 },
    { pods: 4, c: 1, rho: 0.6 },
  ])(
    '$pods pods with $c places each at $rho of what they can do: mean time as by M/M/c',
    ({ pods, c, rho }) => {
      const a = rho * c;
      const theory = (erlangC(c, a) * S) / (c - a) + S;
      const { mean, low, high } = interval(sojourns(pods, c, (pods * a) / S));
      const shown = `theory ${theory}, simulated ${mean} in [${low}, ${high}]`;
      expect(theory >= low && theory <= high, shown).toBe(true);
      expect(high - low, shown).toBeLessThan(0.2 * theory);
    },
  );
});
