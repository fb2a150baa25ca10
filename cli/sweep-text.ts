// A sweep for people: a row a variant with means over its replications and half widths of their 95 % intervals.
import { dirname, join } from 'node:path';
import type { RunSummary } from '../engine/contracts/result.ts';
import { observedMetric } from '../engine/metrics/expect.ts';
import type { PrecisionEntry, SweepResult } from '../experiments/sweep.ts';
import { readSummary } from '../experiments/sweep-directory.ts';
import { meanInterval } from '../reports/stats/mean.ts';
import { tableDraw } from './tables.ts';

const METRICS: readonly (readonly [string, string])[] = [
  ['pod.startup.p50', 's'],
  ['pod.startup.p99', 's'],
  ['pods.pending', ''],
  ['cpu.requested', '%'],
];

/** Rows of the table at most. */
const VARIANTS_MAX = 50;

export async function sweepText({ file, kept, failures }: SweepResult, path: string): Promise<string> {
  const draw = await tableDraw();
  const rows = file.variants.slice(0, VARIANTS_MAX).map(({ variant }) => {
    const runs = file.runs.filter((run) => run.variant === variant);
    const done = runs.filter(({ status }) => status === 'done');
    const summaries = done.map(({ directory }) => readSummary(path, directory));
    return [
      variant,
      `${done.length}/${runs.length}`,
      ...METRICS.map(([metric, unit]) => cell(metric, unit, summaries)),
    ];
  });
  const lines = [draw(['variant', 'runs', ...METRICS.map(([metric]) => metric)], rows, true)];
  if (file.variants.length > VARIANTS_MAX)
    lines.push(`… and ${file.variants.length - VARIANTS_MAX} more variants`);
  for (const entry of (file['precision'] as readonly PrecisionEntry[] | undefined) ?? []) {
    const { variant, metric, replications, relative, reached } = entry;
    const share = `±${(100 * relative).toPrecision(2)} %`;
    lines.push(
      `${variant}: ${metric} within ${share} after ${replications} replications${reached ? '' : ': not reached'}`,
    );
  }
  const count = (status: string): number => file.runs.filter((run) => run.status === status).length;
  const [pending, folder] = [count('pending'), dirname(join(path, 'sweep.json'))];
  lines.push(
    [
      `${count('done')} runs in ${folder}`,
      ...(kept > 0 ? [`${kept} of them made before`] : []),
      ...(failures.length > 0 ? [`${failures.length} failed`] : []),
      ...(pending > 0 ? [`${pending} to come`] : []),
    ].join(', '),
  );
  return `${lines.join('\n')}\n`;
}

function cell(metric: string, unit: string, summaries: readonly RunSummary[]): string {
  const samples = summaries
    .map((summary) => observedMetric(metric, summary))
    .filter((value) => value !== null);
  if (samples.length === 0) return '';
  const { mean, halfWidth } = meanInterval(samples);
  const scale = unit === '%' ? 100 : 1;
  const [value, half] = [mean, halfWidth].map((number) => String(Number((number * scale).toPrecision(3))));
  const interval = samples.length < 2 || halfWidth === 0 ? '' : ` ± ${half}`;
  return `${value}${interval}${unit === '' ? '' : ` ${unit}`}`;
}
