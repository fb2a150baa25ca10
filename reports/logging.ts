// What became of the lines that containers wrote, a row a run: from the counters `log.lines.*` and the latency log.delay.
import type { LatencySummary } from '../engine/contracts/result.ts';

/** Head and row; null: nobody wrote a line. */
export function loggingTable(
  counters: Readonly<Record<string, number>>,
  delay: LatencySummary | undefined,
  text: { count(value: number): string; seconds(value: number): string },
): { head: string[]; row: string[] } | null {
  const written = counters['log.lines.written'] ?? 0;
  if (written === 0) return null;
  const lines = (name: string): string => text.count(counters[`log.lines.${name}`] ?? 0);
  const delays =
    delay === undefined || delay.count === 0
      ? ['-', '-', '-']
      : [delay.p50, delay.p99, delay.max].map(text.seconds);
  return {
    head: ['log lines', 'written', 'shipped', 'waiting', 'lost', 'delay p50', 'delay p99', 'delay max'],
    row: ['', lines('written'), lines('shipped'), lines('waiting'), lines('lost'), ...delays],
  };
}
