// `kubetick place`: what the scheduler decides about pending pods on a snapshot, and why. For programs one JSON line a
// case; for people one table a pod: nodes against plug-ins, with the winner, its margin, and what the event would say.
import type { PodPlacement } from '../../engine/index.ts';
import { ExitCode, type Io, UserError } from '../errors.ts';

export interface PlaceArguments {
  readonly paths: readonly string[];
  readonly cluster?: readonly string[];
  readonly pending?: string;
  readonly config?: string;
  /** Policy files. */
  readonly plugin?: readonly string[];
  /** `table` or `json`. */
  readonly output?: string;
}

/** Rows of a table at most: the best nodes and the first rejected ones; the rest is counted. */
const ROWS_MAX = 20;

export async function placePods(args: PlaceArguments, io: Io): Promise<number> {
  const { output = 'table' } = args;
  if (output !== 'table' && output !== 'json') {
    throw new UserError({
      code: 'E1003',
      path: '--output',
      message: `found ${JSON.stringify(output)}, expected table or json`,
    });
  }
  const { decide, placePolicies, readPlaceCases } = await import('../../experiments/place.ts');
  const files = {
    cases: args.paths,
    cluster: args.cluster ?? [],
    ...(args.pending === undefined ? {} : { pending: args.pending }),
    ...(args.config === undefined ? {} : { config: args.config }),
  };
  const policies = await placePolicies(args.plugin ?? []);
  const cases = readPlaceCases(files, {
    policies,
    ...(io.readStdin === undefined ? {} : { readStdin: io.readStdin }),
  });
  if (output === 'json') {
    for (const each of cases) io.stdout.write(`${JSON.stringify(decide(each))}\n`);
    return ExitCode.ok;
  }
  const { default: Table } = await import('cli-table3');
  const table: Draw = (head, rows, numbers) => {
    const drawn = new Table({
      head,
      style: { head: [], border: [], compact: true },
      colAligns: head.map((_, i) => (numbers && i > 0 ? 'right' : 'left')),
    });
    drawn.push(...rows);
    return drawn.toString();
  };
  for (const each of cases) {
    const placement = decide(each);
    const nodes = Object.keys(placement.nodes).length;
    io.stdout.write(`${placement.name}: ${placement.pods.length} pods, ${nodes} nodes\n`);
    for (const pod of placement.pods) io.stdout.write(`\n${describe(pod, table)}`);
    io.stdout.write(`\n${summary(placement.pods)}\n`);
  }
  return ExitCode.ok;
}

/** Draws a table; `numbers`: all columns but the first stand to the right. */
type Draw = (head: string[], rows: string[][], numbers: boolean) => string;

/** One pod: what happened, and the table that shows why. */
function describe(pod: PodPlacement, draw: Draw): string {
  const lines = [`${pod.pod} (priority ${pod.priority}): ${outcome(pod)}`];
  const { prefilter } = pod;
  if (prefilter !== undefined && 'plugins' in prefilter) {
    lines.push(
      `  only ${prefilter.nodes.length} nodes are worth a look, says ${prefilter.plugins.join(', ')}`,
    );
  }
  const scored = scoreRows(pod);
  if (scored !== null) lines.push(draw(scored.head, scored.rows, true), ...scored.more);
  const rejected = rejectedRows(pod);
  if (rejected.rows.length > 0)
    lines.push(draw(['node', 'rejected by', 'because'], rejected.rows, false), ...rejected.more);
  for (const { node, victims } of pod.preemption?.outcomes ?? []) {
    lines.push(`  on ${node} it would evict ${victims.join(', ')}`);
  }
  if (pod.message !== undefined) lines.push(`  ${pod.message}`);
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
function scoreRows(pod: PodPlacement): { head: string[]; rows: string[][]; more: string[] } | null {
  const { scores, totals } = pod;
  if (scores === undefined || totals === undefined) return null;
  const plugins = Object.keys(Object.values(scores)[0] ?? {});
  const nodes = Object.keys(totals).sort((a, b) => totals[b]! - totals[a]! || (a < b ? -1 : 1));
  const rows = nodes
    .slice(0, ROWS_MAX)
    .map((node) => [
      node === pod.node ? `${node} *` : node,
      ...plugins.map((plugin) => String(scores[node]![plugin])),
      String(totals[node]),
    ]);
  return { head: ['node', ...plugins, 'total'], rows, more: rest(nodes.length, 'feasible') };
}

function rejectedRows(pod: PodPlacement): { rows: string[][]; more: string[] } {
  const rejected = Object.entries(pod.rejected ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = rejected
    .slice(0, ROWS_MAX)
    .map(([node, { plugin, code, reasons }]) => [
      node,
      plugin,
      `${reasons.join(', ')}${code === 'UnschedulableAndUnresolvable' ? ' (eviction would not help)' : ''}`,
    ]);
  return { rows, more: rest(rejected.length, 'rejected') };
}

const rest = (count: number, what: string): string[] =>
  count > ROWS_MAX ? [`  and ${count - ROWS_MAX} more ${what} nodes`] : [];

/** `3 scheduled, 1 unschedulable` */
function summary(pods: readonly PodPlacement[]): string {
  const counts = new Map<string, number>();
  for (const { result } of pods) counts.set(result, (counts.get(result) ?? 0) + 1);
  return [...counts].map(([result, n]) => `${n} ${result}`).join(', ');
}
