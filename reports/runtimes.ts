// What container runtimes differ in, a row a runtime: from the latencies `runtime.NAME.STEP` of a run whose nodes name
// their runtimes.
import type { LatencySummary } from '../engine/contracts/result.ts';

const STEPS = ['sandbox', 'pull', 'start'] as const;

/** Whether a latency belongs to the table, and not among the others. */
export const isOfRuntime = (name: string): boolean => name.startsWith('runtime.');

/** Head and rows; null: no node names its runtime. */
export function runtimeTable(
  latency: Readonly<Record<string, LatencySummary>>,
  seconds: (value: number) => string,
): { head: string[]; rows: string[][] } | null {
  const names = Object.keys(latency)
    .filter((name) => isOfRuntime(name) && name.endsWith('.start'))
    .map((name) => name.slice('runtime.'.length, -'.start'.length))
    .sort((a, b) => (a < b ? -1 : 1));
  if (names.length === 0) return null;
  const head = ['container runtime', 'starts', ...STEPS.flatMap((step) => [`${step} p50`, `${step} p99`])];
  const rows = names.map((name) => {
    const of = (step: string): LatencySummary | undefined => latency[`runtime.${name}.${step}`];
    const cells = STEPS.flatMap((step) => {
      const found = of(step);
      return found === undefined ? ['-', '-'] : [seconds(found.p50), seconds(found.p99)];
    });
    return [name, String(of('start')?.count ?? 0), ...cells];
  });
  return { head, rows };
}
