// Does `kubetick gate` keep its word? Its own decision rule, on runs of the simulator. Baseline and candidate are the same
// cluster with other random numbers: every alarm is false. Then kubelets whose steps take longer are the candidate: how
// often that is found, against the power that the spread of the runs promises. Ends with exit code 1 where a figure is
// outside its bounds. Full: 200 comparisons; small: 16, with bounds as much wider as chance asks.
import process from 'node:process';
import type { CostPreset } from '../../engine/contracts/costs.ts';
import type { ResolvedScenario } from '../../engine/contracts/scenario.ts';
import { loadPlan } from '../../experiments/plan.ts';
import { metricsOfSummary } from '../../experiments/replications.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import type { VariantRuns } from '../../reports/compare/compare.ts';
import { evaluateGate, type GateResult } from '../../reports/gate/evaluate.ts';
import { meanInterval } from '../../reports/stats/mean.ts';
import { oneSidedPower } from '../../reports/stats/power.ts';

const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: gate}
spec:
  cluster: {nodes: [{count: 2, cpu: 8, memory: 32Gi}]}
  workload:
    generators: [{use: deployments, count: 2, replicas: 4, cpu: 100m}]
  time: {run: 12s}
`;
const REPLICATIONS = 8;
const METRIC = 'pod.startup.mean';
const COLUMN = `latency.${METRIC}`;
/** Longer kubelet steps: a start of a pod becomes some 10 % longer. */
const SLOWER = 1.1;
/** What the gate tolerates unless it is told otherwise, and what leaves the planted regression in doubt. */
const MARGIN = 0.05;
const NARROW = 0.01;

interface Line {
  readonly what: string;
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

export async function run({ size, json }: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const comparisons = size === 'full' ? 200 : 16;
  const plan = await loadPlan(['-'], { readStdin: () => new TextEncoder().encode(EXPERIMENT) });
  const { scenario } = plan.variants[0]!;
  const slow = { ...scenario, costs: slowed(scenario.costs) };
  const results = Array.from({ length: comparisons }, (_, e) => {
    const baseline = runsOf(scenario, `a${e}`);
    return { baseline, same: runsOf(scenario, `b${e}`), slower: runsOf(slow, `c${e}`) };
  });
  const share = (decide: (one: (typeof results)[number]) => boolean): number =>
    results.filter(decide).length / comparisons;
  const decided = (
    baseline: VariantRuns,
    variant: VariantRuns,
    margin: number,
    metrics?: string[],
  ): GateResult => evaluateGate([{ baseline, variant }], margin, metrics);
  /** 99.5 % of the samples of a rate of 5 % are below. */
  const chance = 2.6 * Math.sqrt((0.05 * 0.95) / comparisons);
  const worse = results.flatMap(({ baseline, slower }) => differences(baseline, slower, NARROW));
  const { mean, sd } = meanInterval(worse);
  const claimed = oneSidedPower(mean, sd, REPLICATIONS, 0.05);
  const spread = 2.6 * Math.sqrt((claimed * (1 - claimed)) / comparisons);
  const lines: Line[] = [
    {
      what: 'false alarms, all outcomes, margin 5 %',
      rate: share(({ baseline, same }) => !decided(baseline, same, MARGIN).passed),
      low: 0,
      high: 0.05,
    },
    {
      what: 'false alarms, all outcomes, no margin',
      rate: share(({ baseline, same }) => !decided(baseline, same, 0).passed),
      low: 0,
      high: 0.05 + chance,
    },
    {
      what: 'false alarms, one metric, no margin',
      rate: share(({ baseline, same }) => !decided(baseline, same, 0, [METRIC]).passed),
      low: 0,
      high: 0.05 + chance,
    },
    {
      what: `starts ${(100 * relative(results)).toFixed(1)} % longer found, margin 1 %; claimed ${claimed.toFixed(3)}`,
      rate: share(({ baseline, slower }) => !decided(baseline, slower, NARROW, [METRIC]).passed),
      low: Math.max(0, claimed - Math.max(0.05, spread)),
      high: Math.min(1, claimed + Math.max(0.05, spread)),
    },
  ];
  // As the gate is used: the same seeds on both sides, so that most of the chance is on both sides, too.
  const pairs = results.slice(0, Math.min(comparisons, 50)).map(({ baseline }, e) => ({
    baseline,
    slower: runsOf(slow, `a${e}`),
    again: runsOf(scenario, `a${e}`),
  }));
  const paired = (decide: (one: (typeof pairs)[number]) => boolean): number =>
    pairs.filter(decide).length / pairs.length;
  const own = meanInterval(pairs.flatMap(({ baseline, slower }) => differences(baseline, slower, MARGIN)));
  const promised = oneSidedPower(own.mean, own.sd, REPLICATIONS, 0.05);
  lines.push(
    {
      what: `the same with common seeds, margin 5 %; claimed ${promised.toFixed(3)}`,
      rate: paired(({ baseline, slower }) => !decided(baseline, slower, MARGIN, [METRIC]).passed),
      low: Math.max(0, promised - 0.1),
      high: 1,
    },
    {
      what: 'nothing changed, common seeds: not equal in every digit',
      rate: paired(({ baseline, again }) =>
        decided(baseline, again, 0).metrics.some(({ verdict }) => verdict !== 'equal'),
      ),
      low: 0,
      high: 0,
    },
  );
  print(lines, comparisons, json);
}

function runsOf(scenario: ResolvedScenario, seed: string): VariantRuns {
  const runs = Array.from({ length: REPLICATIONS }, (_, i) => {
    const replication = i + 1;
    const { summary } = simulateBuiltIn({ ...scenario, seed, replication }, {});
    // Pairs are replications of one number: other random numbers, but one name.
    return { replication, seed: 'pair', metrics: metricsOfSummary(summary) };
  });
  return { label: 'gate', runs };
}

/** By how much more than the margin the mean start of each pair is longer. */
function differences(before: VariantRuns, after: VariantRuns, margin: number): number[] {
  return before.runs.map(({ metrics }, i) => {
    const [was, is] = [metrics.get(COLUMN)!, after.runs[i]!.metrics.get(COLUMN)!];
    return is - was - margin * was;
  });
}

function relative(
  results: readonly { readonly baseline: VariantRuns; readonly slower: VariantRuns }[],
): number {
  const sum = (side: 'baseline' | 'slower'): number =>
    results.flatMap((one) => one[side].runs).reduce((total, { metrics }) => total + metrics.get(COLUMN)!, 0);
  return sum('slower') / sum('baseline') - 1;
}

/** Every duration of the kubelet's part in a start, pulls included. */
function slowed(costs: CostPreset): CostPreset {
  const { kubelet } = costs;
  const scaled = <T>(duration: T): T =>
    (typeof duration === 'number'
      ? Math.round(duration * SLOWER)
      : Object.fromEntries(
          Object.entries(duration as object).map(([key, value]) => [
            key,
            typeof value === 'number' ? Math.round(value * SLOWER) : value,
          ]),
        )) as T;
  return {
    ...costs,
    kubelet: {
      ...kubelet,
      syncUs: scaled(kubelet.syncUs),
      sandboxUs: scaled(kubelet.sandboxUs),
      containerCreateUs: scaled(kubelet.containerCreateUs),
      containerStartUs: scaled(kubelet.containerStartUs),
      plegUs: scaled(kubelet.plegUs),
      pullBaseUs: scaled(kubelet.pullBaseUs),
      pullBytesPerSecond: Math.round(kubelet.pullBytesPerSecond / SLOWER),
    },
  };
}

function print(lines: readonly Line[], comparisons: number, json: boolean): void {
  const bad = lines.filter(({ rate, low, high }) => rate < low || rate > high);
  if (json) console.log(JSON.stringify({ benchmark: 'gate', comparisons, lines, bad: bad.length }));
  else {
    console.log(`${comparisons} comparisons of ${REPLICATIONS} replications`);
    const width = Math.max(...lines.map(({ what }) => what.length));
    const percent = (x: number): string => (100 * x).toFixed(1).padStart(5);
    for (const line of lines) {
      const { what, rate, low, high } = line;
      const flag = bad.includes(line) ? '  OUTSIDE' : '';
      console.log(`${what.padEnd(width)}  ${percent(rate)} %  (${percent(low)} to ${percent(high)})${flag}`);
    }
  }
  if (bad.length > 0) process.exitCode = 1;
}
