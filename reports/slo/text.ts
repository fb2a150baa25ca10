// An SLO report for people: a table a variant with limits and verdicts, and where the runs went beyond what Kubernetes is
// tested for.
import { humanSeconds } from '../terminal.ts';
import type { Objective, ScaleLimit, SloItem, SloRun } from './items.ts';
import type { SloVariant, VariantItem } from './variants.ts';

export type Draw = (head: string[], rows: string[][], numbers: boolean) => string;

/** API calls shown: the slowest, and all that miss. */
const CALLS_SHOWN = 8;

export function sloText(runs: readonly SloRun[], variants: readonly SloVariant[], draw: Draw): string {
  const parts = variants.map((variant) => {
    const own = runs.filter(
      (run) => run.experiment === variant.experiment && run.variant === variant.variant,
    );
    const [only] = own;
    const table = own.length === 1 ? runTable(only!.items, draw) : variantTable(variant.items, draw);
    return [`${title(variant)}: ${verdictText(variant.items)}`, table, limitsText(own)].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}

const title = ({ experiment, variant, replications }: SloVariant): string =>
  `${experiment} ${variant}${replications === 1 ? '' : `, ${replications} replications`}`;

/** `SLO: 12 met, 1 missed; ClusterLoader2: 1 met, 2 missed, 1 not judged` */
function verdictText(items: readonly VariantItem[]): string {
  return (['SLO', 'ClusterLoader2'] as const)
    .map((of) => {
      const counts = (['met', 'missed', 'open', 'not judged'] as const)
        .map((verdict) => ({
          verdict,
          count: items.filter((item) => item.objective?.of === of && item.verdict === verdict).length,
        }))
        .filter(({ count }) => count > 0)
        .map(({ verdict, count }) => `${count} ${verdict}`);
      return `${of}: ${counts.length === 0 ? 'nothing to judge' : counts.join(', ')}`;
    })
    .join('; ');
}

function valueText(value: number, unit: SloItem['unit']): string {
  return unit === 'ms' ? humanSeconds(value / 1000) : `${Number(value.toPrecision(4))}/s`;
}

function limitText(objective: Objective | null, unit: SloItem['unit']): string {
  if (objective === null) return '';
  const { direction, limit, statistic, of } = objective;
  const name = statistic === 'Max' ? 'max' : 'p99';
  return `${name} ${direction === 'atMost' ? '≤' : '≥'} ${valueText(limit, unit)} (${of === 'SLO' ? 'SLO' : 'CL2'})`;
}

/** All but quick API calls, which are counted. */
function shown<T extends SloItem | VariantItem>(items: readonly T[]): { rows: T[]; left: number } {
  let calls = 0;
  const rows = items.filter(
    ({ measurement, verdict }) =>
      measurement !== 'APIResponsivenessPrometheus' || verdict === 'missed' || calls++ < CALLS_SHOWN,
  );
  return { rows, left: items.length - rows.length };
}

function runTable(items: readonly SloItem[], draw: Draw): string {
  const { rows, left } = shown(items);
  const head = ['measurement', 'metric', 'count', 'p50', 'p90', 'p99', 'max', 'limit', 'verdict'];
  const cells = rows.map(({ measurement, metric, count, data, unit, objective, verdict, note }) => [
    measurement,
    metric,
    String(count),
    ...['Perc50', 'Perc90', 'Perc99', 'Max'].map((name) => valueText(data[name] ?? 0, unit)),
    limitText(objective, unit),
    verdictCell(verdict, note),
  ]);
  return withRest(draw(head, cells, false), left);
}

function variantTable(items: readonly VariantItem[], draw: Draw): string {
  const { rows, left } = shown(items);
  const head = ['measurement', 'metric', 'n', 'mean', '95 %', 'limit', 'missed', 'verdict'];
  const cells = rows.map((item) => {
    const { measurement, metric, n, statistic, mean, ci95, unit, objective, missedIn, verdict, note } = item;
    return [
      measurement,
      metric,
      String(n),
      `${statistic === 'Max' ? 'max' : 'p99'} ${valueText(mean, unit)}`,
      ci95 === null ? '' : ci95.map((end) => valueText(Math.max(0, end), unit)).join(' … '),
      limitText(objective, unit),
      objective === null ? '' : `${missedIn} of ${n}`,
      verdictCell(verdict, note),
    ];
  });
  return withRest(draw(head, cells, false), left);
}

const verdictCell = (verdict: string | null, note: string | undefined): string =>
  verdict === 'not judged' && note !== undefined ? `not judged: ${note}` : (verdict ?? '');

const withRest = (table: string, left: number): string =>
  left === 0 ? table : `${table}\nand ${left} quicker API calls, all within their limits: --json has them`;

/** The worst of each over the runs. */
function limitsText(runs: readonly SloRun[]): string {
  const worst = new Map<string, ScaleLimit>();
  for (const limit of runs.flatMap(({ limits }) => limits)) {
    const known = worst.get(limit.quantity);
    if (known === undefined || limit.value / limit.limit > known.value / known.limit)
      worst.set(limit.quantity, limit);
  }
  const beyond = [...worst.values()].filter(({ exceeded }) => exceeded);
  if (beyond.length === 0) return 'within the limits that Kubernetes is tested for';
  const list = beyond.map(
    ({ quantity, value, limit, where }) =>
      `${quantity} ${value} > ${limit}${where === undefined ? '' : ` (${where})`}`,
  );
  return `beyond what Kubernetes is tested for, where it promises nothing: ${list.join('; ')}`;
}
