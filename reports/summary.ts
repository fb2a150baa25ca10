// summary.json and its flat form, summary.csv: one row, run labels first, then every number under its path
// (`latency.pod.startup.p99`). Columns of things that a run did not observe are missing, not empty.
import type { RunSummary } from '../engine/contracts/result.ts';
import { plainCsv } from './csv.ts';

/** JSON as all result files have it: two spaces, a newline at the end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Path and value of every number and text; lists become counts: `expect.failed`, `loss.entries`. */
export function flattenSummary(summary: RunSummary): [string, string | number][] {
  const flat: [string, string | number][] = [];
  const { experiment, variant, replication, seed, expect, loss, ...measured } = summary;
  flat.push(['experiment', experiment], ['variant', variant], ['replication', replication], ['seed', seed]);
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'string' || typeof value === 'number') flat.push([path, value]);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, inner);
  };
  walk('', measured);
  flat.push(['expect.failed', expect.filter((one) => !one.holds).length], ['loss.entries', loss.length]);
  return flat;
}

/** summary.csv: header and one row. */
export function summaryCsv(summary: RunSummary): string {
  const flat = flattenSummary(summary);
  return plainCsv(
    flat.map(([path]) => path),
    [flat.map(([, value]) => String(value))],
  );
}
