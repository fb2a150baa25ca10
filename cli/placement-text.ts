// A placement for people: what happened to a pod and the tables that show why, nodes against plug-ins; then what would
// make it fit. `place` and `explain` print it.
import type { PodPlacement } from '../engine/index.ts';
import type { Draw } from './tables.ts';

export interface PlacementTextOptions {
  readonly draw: Draw;
  /** Rows of a table at most: the best and the worst nodes, the first rejected ones; the rest is counted. */
  readonly rows: number;
}

export const ROWS_DEFAULT = 20;

/** Rows at the end of a cut table that show the worst nodes: a fifth. */
const WORST_SHARE = 5;

/** One pod: what happened, and the table that shows why. */
export function placementText(pod: PodPlacement, options: PlacementTextOptions): string {
  const { draw } = options;
  const lines = [`${pod.pod} (priority ${pod.priority}): ${outcome(pod)}`];
  const { prefilter } = pod;
  if (prefilter !== undefined && 'plugins' in prefilter) {
    lines.push(
      `  only ${prefilter.nodes.length} nodes are worth a look, says ${prefilter.plugins.join(', ')}`,
    );
  }
  const scored = scoreRows(pod, options.rows);
  if (scored !== null) lines.push(draw(scored.head, scored.rows, true), ...scored.more);
  const rejected = rejectedRows(pod, options.rows);
  if (rejected.rows.length > 0)
    lines.push(draw(['node', 'rejected by', 'because'], rejected.rows, false), ...rejected.more);
  for (const { node, victims } of pod.preemption?.outcomes ?? []) {
    lines.push(`  on ${node} it would evict ${victims.join(', ')}`);
  }
  if (pod.message !== undefined) lines.push(`  ${pod.message}`);
  lines.push(...hintLines(pod));
  return `${lines.join('\n')}\n`;
}

function outcome(pod: PodPlacement): string {
  switch (pod.result) {
    case 'scheduled':
      return pod.nominated === true
        ? `goes to ${pod.node}, which it was nominated to`
        : `goes to ${pod.node}${margin(pod)}`;
    case 'preempting':
      return `fits nowhere; preempts on ${pod.node}${pod.placed === true ? ' and fits there then' : ', and waits'}`;
    case 'gated':
      return `stays out of the queue: ${pod.gate!.plugin}: ${pod.gate!.reasons.join(', ')}`;
    case 'assigned':
      return `is on ${pod.node} already`;
    case 'ignored':
      return 'no profile has its schedulerName';
    default:
      return 'fits nowhere';
  }
}

/** How clearly the node won. */
function margin(pod: PodPlacement): string {
  const { totals, best = [] } = pod;
  if (totals === undefined) return ', the only node that fits';
  const values = Object.values(totals).sort((a, b) => b - a);
  if (best.length > 1) return `, one of ${best.length} equal nodes (total ${values[0]})`;
  return `, ${values[0]! - values[1]!} points ahead of the next (total ${values[0]})`;
}

/** Feasible nodes from best to worst, a column a plug-in. */
function scoreRows(
  pod: PodPlacement,
  max: number,
): { head: string[]; rows: string[][]; more: string[] } | null {
  const { scores, totals } = pod;
  if (scores === undefined || totals === undefined) return null;
  const plugins = Object.keys(Object.values(scores)[0] ?? {});
  const nodes = Object.keys(totals).sort((a, b) => totals[b]! - totals[a]! || (a < b ? -1 : 1));
  const hidden = Math.max(0, nodes.length - max);
  const worst = hidden > 0 ? Math.floor(max / WORST_SHARE) : 0;
  const row = (node: string): string[] => [
    node === pod.node ? `${node} *` : node,
    ...plugins.map((plugin) => String(scores[node]![plugin])),
    String(totals[node]),
  ];
  const rows = nodes.slice(0, max - worst).map(row);
  if (worst > 0) {
    const last = nodes.slice(-worst);
    rows.push([`… ${hidden} more`, ...plugins.map(() => ''), ''], ...last.map(row));
  }
  const more = hidden > 0 ? [`  ${hidden} of ${nodes.length} feasible nodes are not shown`] : [];
  return { head: ['node', ...plugins, 'total'], rows, more };
}

function rejectedRows(pod: PodPlacement, max: number): { rows: string[][]; more: string[] } {
  const rejected = Object.entries(pod.rejected ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = rejected
    .slice(0, max)
    .map(([node, { plugin, code, reasons }]) => [
      node,
      plugin,
      `${reasons.join(', ')}${code === 'UnschedulableAndUnresolvable' ? ' (eviction would not help)' : ''}`,
    ]);
  const hidden = rejected.length - rows.length;
  return { rows, more: hidden > 0 ? [`  and ${hidden} more rejected nodes`] : [] };
}

/** What would make it fit. */
function hintLines({ hints }: PodPlacement): string[] {
  if (hints === undefined) return [];
  if (hints.length === 0) return ['  no single change that was tried makes it fit'];
  return [
    '  what would make it fit, each tried:',
    ...hints.map(({ kind, change, node, nodes, victim, preemption }) => {
      const where = `then it goes to ${kind === 'node' ? 'the added node' : node}${nodes > 1 ? `, one of ${nodes}` : ''}`;
      const rules =
        victim === undefined
          ? ''
          : preemption === ''
            ? ' (preemption may do that)'
            : ` (preemption does not: ${preemption})`;
      return `    ${change}${rules}: ${where}`;
    }),
  ];
}

/** `3 scheduled, 1 unschedulable` */
export function placementCounts(pods: readonly PodPlacement[]): string {
  const counts = new Map<string, number>();
  for (const { result } of pods) counts.set(result, (counts.get(result) ?? 0) + 1);
  return [...counts].map(([result, n]) => `${n} ${result}`).join(', ');
}
