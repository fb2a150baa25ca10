// Whole small runs with requests: a Deployment behind a Service, everything else without cost, and what became of the
// requests as the summary and requests.csv have it.
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { Sink } from '../../../engine/contracts/result.ts';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Cell } from '../../../engine/contracts/tables.ts';
import { REQUESTS_TABLE } from '../../../engine/contracts/tables.ts';
import type { FullSummary } from '../../../engine/metrics/full-summary.ts';
import { simulate } from '../../../engine/simulation.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { schedulerRegistry } from '../../../policies/index.ts';
import { workloads } from '../../../workloads/index.ts';
import { type NodesLike, scenario } from '../../property/simulation/scenario.ts';

export interface RequestRun {
  readonly steps: readonly TimedStep[];
  /** Arguments of the generator, and of others beside it. */
  readonly requests: readonly Readonly<Record<string, unknown>>[];
  readonly nodes?: readonly NodesLike[];
  readonly costs?: Partial<CostPreset>;
  readonly untilUs: number;
  readonly warmUpUs?: number;
  readonly seed?: number;
}

export function requestRun(run: RequestRun) {
  const rows: Record<string, Cell>[] = [];
  const sink: Sink = {
    open: () => ({
      table: (spec) =>
        spec.name !== 'requests'
          ? null
          : {
              row: (cells) =>
                void rows.push(
                  Object.fromEntries(REQUESTS_TABLE.columns.map(({ name }, i) => [name, cells[i]!])),
                ),
            },
      close: () => {},
    }),
  };
  const result = simulate(
    scenario(run.nodes ?? [{ count: 3 }], run.steps, {
      costs: { ...zero, ...run.costs },
      workloads: run.requests.map((args) => ({ use: 'requests', args })),
      untilUs: run.untilUs,
      warmUpUs: run.warmUpUs ?? 0,
      seed: run.seed ?? 7,
      stopWhenIdle: false,
    }),
    { workloads, scheduler: schedulerRegistry },
    { sinks: [sink] },
  );
  const summary = result.summary as FullSummary;
  const count = (what: string, stream = 'web'): number => summary.counters[`requests.${stream}.${what}`] ?? 0;
  return { summary, rows, count, result };
}
