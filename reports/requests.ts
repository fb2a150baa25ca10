// The requests' part of what `run` prints: a row a stream, from the counters of the summary. Causes that did not occur have
// no column.
import type { RunSummary } from '../engine/contracts/result.ts';
import type { FullSummary } from '../engine/metrics/full-summary.ts';

const COUNTER = /^requests\.([^.]+)\.(.+)$/;

/** Head and rows as texts; null where no requests were sent. */
export function requestTable(
  summary: RunSummary,
  count: (value: number) => string,
): { head: string[]; rows: string[][] } | null {
  const { counters = {} } = summary as Partial<FullSummary>;
  const streams = new Map<string, Map<string, number>>();
  for (const [name, value] of Object.entries(counters)) {
    const [, stream, what] = COUNTER.exec(name) ?? [];
    if (stream === undefined || what === undefined) continue;
    const known = streams.get(stream) ?? new Map<string, number>();
    streams.set(stream, known.set(what, value));
  }
  if (streams.size === 0) return null;
  const found = new Set([...streams.values()].flatMap((stream) => [...stream.keys()]));
  const causes = [...found].filter((what) => what.startsWith('failed.')).sort();
  const shown = ['sent', 'answered', 'retried', 'failed', ...causes];
  return {
    head: ['requests', ...shown.map((what) => what.replace('failed.', '').replaceAll('_', ' '))],
    rows: [...streams].map(([name, stream]) => [name, ...shown.map((what) => count(stream.get(what) ?? 0))]),
  };
}
