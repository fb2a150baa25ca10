// A comparison as CSV, Markdown and the cells of a terminal's table, and the sentences about where a difference comes from
// and where two runs part.

import { plainCsv } from '../csv.ts';
import { formatSeconds } from '../csv-cells.ts';
import { humanSeconds } from '../terminal.ts';
import { type Comparison, type ComparisonResult, isUnmoved, type MetricDifference } from './compare.ts';
import type { StartDifference } from './contributors.ts';

/** First differing time and choice of a pair of runs, as experiments/divergence.ts finds them. */
export interface Parting {
  readonly variant: string;
  readonly against: string;
  readonly replication: number;
  readonly seed: number | string;
  readonly directories: { readonly baseline: string; readonly variant: string };
  readonly time: {
    readonly pod: string;
    readonly stage: string;
    readonly baselineUs: number | null;
    readonly variantUs: number | null;
  } | null;
  readonly choice: {
    readonly pod: string;
    readonly baseline: { readonly node: string; readonly atUs: number } | null;
    readonly variant: { readonly node: string; readonly atUs: number } | null;
  } | null;
}

const minus = (text: string, value: number): string => (value < 0 ? `-${text}` : text);

/** A value of the metric for people: seconds as durations, shares in per cent. */
export function valueText(metric: string, value: number): string {
  if (Number.isNaN(value)) return '';
  if (!Number.isFinite(value)) return minus('∞', value);
  const size = Math.abs(value);
  if (/^utilisation\./.test(metric)) return minus(`${(100 * size).toFixed(2)} %`, value);
  if (/^(latency|phases)\./.test(metric) && !/\.(count|share)$/.test(metric))
    return minus(humanSeconds(size), value);
  if (metric === 'virtualSeconds') return minus(humanSeconds(size), value);
  const text = Number.isInteger(size) && size < 1e15 ? String(size) : String(Number(size.toPrecision(4)));
  return minus(text, value);
}

const signed = (text: string, value: number): string => (value > 0 ? `+${text}` : text);

export function percentText(share: number): string {
  if (Number.isNaN(share)) return '';
  if (!Number.isFinite(share)) return minus('∞', share);
  const percent = 100 * share;
  const size = Math.abs(percent);
  return signed(`${size !== 0 && size < 10 ? percent.toPrecision(2) : percent.toFixed(1)} %`, share);
}

function pText(p: number): string {
  return p < 0.0001 ? '<0.0001' : p.toFixed(4);
}

function intervalText(metric: string, [low, high]: readonly [number, number]): string {
  const end = (value: number): string => signed(valueText(metric, value), value);
  return low === high ? 'exact' : `${end(low)} … ${end(high)}`;
}

export const TABLE_HEAD = [
  'metric',
  'baseline',
  'variant',
  'difference',
  '',
  '95 % of difference',
  'p',
  'verdict',
];

/** One row of the table for people. `p` is the corrected one. */
export function tableRow(one: Comparison): string[] {
  const { metric, baseline, value, difference, relative, ci95, pHolm, verdict, mde, n } = one;
  const unseen = n < 2 ? '' : mde === 0 ? ' (equal)' : `; ${valueText(metric, mde)} would be seen`;
  return [
    metric,
    valueText(metric, baseline),
    valueText(metric, value),
    signed(valueText(metric, difference), difference),
    percentText(relative),
    intervalText(metric, ci95),
    pText(pHolm),
    verdict === 'no evidence' ? `no evidence${unseen}` : verdict,
  ];
}

/** Columns of the CSV form: the keys of a comparison, the intervals as two columns each. */
export function comparisonsCsv(comparisons: readonly Comparison[]): string {
  const header = [
    'variant',
    'against',
    'metric',
    'direction',
    'n',
    'baseline',
    'value',
    'difference',
    'relative',
    'ci95_low',
    'ci95_high',
    'p',
    'pHolm',
    'verdict',
    'mde',
    'paired',
    'family',
  ];
  const cell = (value: number): string => (Number.isFinite(value) ? String(value) : '');
  const rows = comparisons.map((c) => [
    c.variant,
    c.against,
    c.metric,
    c.direction,
    String(c.n),
    ...[c.baseline, c.value, c.difference, c.relative, ...c.ci95, c.p, c.pHolm].map(cell),
    c.verdict,
    cell(c.mde),
    String(c.paired),
    c.family,
  ]);
  return plainCsv(header, rows);
}

/** `better`, `worse` and `no evidence` in numbers. */
export function countsText(comparisons: readonly Comparison[]): string {
  const count = (wanted: string): number => comparisons.filter(({ verdict }) => verdict === wanted).length;
  const equal = comparisons.filter(isUnmoved).length;
  const none = count('no evidence');
  return `${count('better')} better, ${count('worse')} worse, ${none} without evidence${equal > 0 ? ` (${equal} of them equal in every replication)` : ''}`;
}

const bar = (text: string): string => text.replaceAll('|', '\\|');

/** GitHub-flavoured Markdown: a table for each variant. */
export function markdownTable(comparisons: readonly Comparison[]): string {
  const head = TABLE_HEAD.map((name) => name || 'relative');
  return [
    `| ${head.join(' | ')} |`,
    `|${head.map((_, i) => (i > 0 && i < 7 ? '---:|' : '---|')).join('')}`,
    ...comparisons.map((one) => `| ${tableRow(one).map(bar).join(' | ')} |`),
    '',
  ].join('\n');
}

/** Where the difference of mean starts comes from; null where there is none. */
export function contributorsText({
  variant,
  against,
  baseline,
  value,
  phases,
}: StartDifference): string | null {
  const total = value - baseline;
  const [largest] = phases;
  if (largest === undefined) return null;
  const seconds = (difference: number): string => signed(valueText('virtualSeconds', difference), difference);
  const parts = phases.slice(0, 5).map(({ phase, difference }) => `${seconds(difference)} ${phase}`);
  const rest = phases.slice(5).reduce((sum, { difference }) => sum + difference, 0);
  if (phases.length > 5) parts.push(`${seconds(rest)} ${phases.length - 5} others`);
  const { low, high } = { low: largest.ci95[0], high: largest.ci95[1] };
  const interval = Number.isFinite(low) && low !== high ? ` (95 %: ${seconds(low)} … ${seconds(high)})` : '';
  return `mean start of a pod, ${variant} against ${against}: ${seconds(total)} = ${parts.join(', ')}\n  most of it: ${largest.phase}${interval}`;
}

const time = (us: number): string => `${formatSeconds(us)} s`;

/** Where two runs part, with the commands that tell why. */
export function partingText(parting: Parting): string {
  const { variant, against, replication, seed, time: first, choice } = parting;
  const of = `replication ${replication}, seed ${seed}`;
  if (first === null && choice === null)
    return `${of}: every pod of ${variant} and ${against} is equal, to the microsecond`;
  const lines = [`${of}, where ${variant} and ${against} part:`];
  if (choice === null) lines.push('  every pod went to the same node in both');
  else lines.push(...choiceLines(choice, parting.directories));
  if (first !== null) {
    const happened = (us: number | null): string => (us === null ? 'never' : `at ${time(us)}`);
    lines.push(
      `  first other time: pod ${first.pod} ${first.stage} ${happened(first.variantUs)} instead of ${happened(first.baselineUs)}`,
    );
  }
  return lines.join('\n');
}

function choiceLines(choice: NonNullable<Parting['choice']>, directories: Parting['directories']): string[] {
  const went = (side: { node: string; atUs: number } | null): string =>
    side === null ? 'to no node' : `to ${side.node} at ${time(side.atUs)}`;
  const lines = [
    `  first other placement: pod ${choice.pod} went ${went(choice.variant)} instead of ${went(choice.baseline)}`,
  ];
  // The second pod of a name is not the one that explain takes.
  if (/ \(\d+\)$/.test(choice.pod)) return lines;
  for (const side of ['baseline', 'variant'] as const)
    if (choice[side] !== null) lines.push(`    why: kubetick explain ${directories[side]} pod/${choice.pod}`);
  return lines;
}

/** What differs, but is neither good nor bad. */
export function neutralText(neutral: readonly MetricDifference[]): string | null {
  const shown = neutral
    .slice(0, 6)
    .map(
      ({ metric, baseline, value }) =>
        `${metric} ${valueText(metric, baseline)} → ${valueText(metric, value)}`,
    );
  if (shown.length === 0) return null;
  const more = neutral.length > 6 ? `, and ${neutral.length - 6} more` : '';
  return `differ, neither better nor worse: ${shown.join(', ')}${more}`;
}

/** The JSON form: infinities and what is not a number are null. */
export function comparisonJson(
  baseline: string,
  result: ComparisonResult,
  starts: readonly StartDifference[],
  partings: readonly Parting[],
): unknown {
  const number = (value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? null : value;
  const { comparisons, neutral, notes } = result;
  const whole = { baseline, comparisons, neutral, starts, divergence: partings, notes };
  return JSON.parse(JSON.stringify(whole, (_, value: unknown) => number(value)));
}
