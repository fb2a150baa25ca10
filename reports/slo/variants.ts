// Objectives over the replications of a variant: the judged number of each replication, its mean with an interval, and a
// verdict that waits where the interval holds the limit and some replication meets it.
import { meanInterval } from '../stats/mean.ts';
import { isWithin, type Measurement, type Objective, type SloItem, type SloRun } from './items.ts';

export type VariantVerdict = 'met' | 'missed' | 'open' | 'not judged';

export interface VariantItem {
  readonly measurement: Measurement;
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: SloItem['unit'];
  readonly statistic: string;
  /** Replications that have the number; those that miss the objective. */
  readonly n: number;
  readonly missedIn: number;
  readonly mean: number;
  /** 95 %, of the mean over replications; null with one of them. */
  readonly ci95: readonly [number, number] | null;
  readonly objective: Objective | null;
  readonly verdict: VariantVerdict | null;
  readonly note?: string;
}

export interface SloVariant {
  readonly experiment: string;
  readonly variant: string;
  readonly replications: number;
  readonly items: readonly VariantItem[];
}

/** In the order of the runs. */
export function sloVariants(runs: readonly SloRun[]): SloVariant[] {
  const groups = new Map<string, SloRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([run.experiment, run.variant]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()].map((group) => ({
    experiment: group[0]!.experiment,
    variant: group[0]!.variant,
    replications: group.length,
    items: itemsOf(group),
  }));
}

function itemsOf(runs: readonly SloRun[]): VariantItem[] {
  const found = new Map<string, SloItem[]>();
  for (const { items } of runs) {
    for (const item of items) {
      const key = `${item.measurement} ${item.metric}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, [item]);
      else known.push(item);
    }
  }
  return [...found.values()].map(variantItem);
}

function variantItem(items: readonly SloItem[]): VariantItem {
  const { measurement, metric, labels, unit, objective, note } = items[0]!;
  const statistic = objective?.statistic ?? 'Perc99';
  const values = items.map(({ data }) => data[statistic]!);
  const { mean, low, high } = meanInterval(values);
  const ci95 = values.length < 2 ? null : ([low, high] as const);
  const { Count: _count, SlowCount: _slow, ...own } = labels;
  return {
    measurement,
    metric,
    labels: own,
    unit,
    statistic,
    n: items.length,
    missedIn: items.filter(({ verdict }) => verdict === 'missed').length,
    mean,
    ci95,
    objective,
    verdict: verdictOf(items, objective, mean, ci95),
    ...(note === undefined ? {} : { note }),
  };
}

function verdictOf(
  items: readonly SloItem[],
  objective: Objective | null,
  mean: number,
  ci95: readonly [number, number] | null,
): VariantVerdict | null {
  if (objective === null) return null;
  if (items.every(({ verdict }) => verdict === 'not judged')) return 'not judged';
  // The interval of a mean is wide where few values lie far apart; that all of them miss is plain without it.
  if (items.every(({ verdict }) => verdict === 'missed')) return 'missed';
  const ends = ci95 === null ? [mean] : ci95;
  const within = ends.filter((end) => isWithin(end, objective)).length;
  return within === ends.length ? 'met' : within === 0 ? 'missed' : 'open';
}
