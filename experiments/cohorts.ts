// Phases of pods' starts by cohort, out of pods.csv and nodes.csv without simulating. Rows are read one by one; of each
// pod only the lengths of its phases are kept (8 bytes each), so that percentiles are exact.
import { criticalPath, PHASES } from '../reports/critical-path.ts';
import { UserError } from './problems.ts';
import { nodeTimes, podTimes, type Row, tableRows } from './run-tables.ts';
import { didYouMean } from './suggest.ts';

/** Seconds, exact to the µs: a percentile is the value of one pod (nearest rank). */
export interface PhaseStatistics {
  readonly phase: string;
  /** Pods that had the phase; the figures are over those. */
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Of all time of the cohort's pods between created and seen Ready. */
  readonly share: number;
}

export interface Cohort {
  readonly name: string;
  /** Pods, and those that were seen Ready: the figures are over the latter. */
  readonly pods: number;
  readonly started: number;
  /** The whole, phase `total`, first. */
  readonly phases: readonly PhaseStatistics[];
}

const TOTAL = 'total';
const KEYS = ['all', 'owner', 'namespace', 'node'];

/** A growing list of numbers. */
class Lengths {
  #values = new Float64Array(16);
  count = 0;
  sum = 0;

  add(us: number): void {
    if (this.count === this.#values.length) {
      const longer = new Float64Array(this.count * 2);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.count++] = us;
    this.sum += us;
  }

  statistics(phase: string, totalUs: number): PhaseStatistics {
    const sorted = this.#values.subarray(0, this.count).sort();
    const rank = (percent: number): number => {
      const at = Math.max(1, Math.ceil((percent * this.count) / 100)) - 1;
      return sorted[at]! / 1e6;
    };
    return {
      phase,
      count: this.count,
      mean: Math.round((this.sum / this.count) * 1e3) / 1e9,
      p50: rank(50),
      p90: rank(90),
      p99: rank(99),
      max: rank(100),
      share: totalUs === 0 ? 0 : Math.round((this.sum / totalUs) * 1e6) / 1e6,
    };
  }
}

interface Members {
  pods: number;
  readonly total: Lengths;
  readonly phases: Map<string, Lengths>;
}

/** What tells the cohort of a row. Throws a UserError for a key that there is not. */
export function cohortKey(by: string): (row: Row) => string {
  if (by === 'all') return () => 'all pods';
  if (by === 'namespace') return (row) => row('namespace');
  if (by === 'node') return (row) => row('node') || '(no node)';
  if (by === 'owner') {
    return (row) => {
      const kind = row('owner_kind');
      return kind === '' ? '(no owner)' : `${kind}/${row('namespace')}/${row('owner')}`;
    };
  }
  const [prefix, ...rest] = by.split(':');
  const label = rest.join(':');
  if (prefix === 'label' && label !== '') {
    return (row) => {
      const pair = row('labels')
        .split(' ')
        .find((text) => text.startsWith(`${label}=`));
      return pair === undefined ? `(no ${label})` : pair;
    };
  }
  throw new UserError({
    code: 'E1003',
    path: '--by',
    message: `found ${JSON.stringify(by)}, expected owner, namespace, node or label:KEY`,
    hint: didYouMean(prefix!, [...KEYS, 'label']).replace('"label"', '"label:KEY"'),
  });
}

/** Cohorts with the most time first. Throws a UserError where the directory is no result. */
export async function cohorts(directory: string, by: string): Promise<Cohort[]> {
  const keyOf = cohortKey(by);
  const nodes = await nodeTimes(directory);
  const found = new Map<string, Members>();
  for await (const row of tableRows(directory, 'pods')) {
    const key = keyOf(row);
    let members = found.get(key);
    if (members === undefined) {
      members = { pods: 0, total: new Lengths(), phases: new Map() };
      found.set(key, members);
    }
    members.pods += 1;
    const times = podTimes(row, nodes);
    if (times.watched === null || times.created === null) continue;
    let whole = 0;
    for (const { name, from, to } of criticalPath(times)) {
      let lengths = members.phases.get(name);
      if (lengths === undefined) {
        lengths = new Lengths();
        members.phases.set(name, lengths);
      }
      lengths.add(to - from);
      whole += to - from;
    }
    members.total.add(whole);
  }
  return [...found]
    .sort(([a, x], [b, y]) => y.total.sum - x.total.sum || (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, { pods, total, phases }]) => ({
      name,
      pods,
      started: total.count,
      phases:
        total.count === 0
          ? []
          : [
              total.statistics(TOTAL, total.sum),
              ...PHASES.flatMap((phase) => phases.get(phase.name)?.statistics(phase.name, total.sum) ?? []),
            ],
    }));
}
