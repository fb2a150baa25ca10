// Why a node was chosen, and why no node would do: which plug-ins said so (they decide when the pod is looked at again)
// and the text of the FailedScheduling event, part by part as upstream writes it (pkg/scheduler/framework/types.go
// FitError.Error, v1.36).
import type { PodStatusChange } from '../contracts/api.ts';
import { PodBit } from '../state/index.ts';
import type { Framework, Verdicts } from './framework.ts';
import type { Decision } from './search/decision.ts';

/** The event recorder cuts notes at this many bytes (client-go/tools/events; scheduler/schedule_one.go truncateMessage). */
const MESSAGE_BYTES_MAX = 1024;
const CUT = ' ...';

/** PodScheduled=False, reason Unschedulable. */
export const UNSCHEDULABLE: PodStatusChange = Object.freeze({
  phase: -1,
  set: PodBit.unschedulable,
  clear: PodBit.schedulerError,
  restarts: -1,
  reason: -1,
  ip: 0,
});
/** PodScheduled=False, reason SchedulerError: the attempt met an error (schedule_one.go handleSchedulingFailure). */
export const SCHEDULER_ERROR: PodStatusChange = Object.freeze({
  ...UNSCHEDULABLE,
  set: PodBit.unschedulable | PodBit.schedulerError,
  clear: 0,
});

export interface Diagnosis {
  readonly message: string;
  /** Plug-in instances that rejected the pod somewhere, ascending. Empty: no plug-in did, the attempt failed otherwise. */
  readonly rejectors: readonly number[];
}

/** The message without what PostFilter plug-ins add. */
export function diagnose(
  decision: Decision,
  verdicts: Verdicts,
  instanceOf: (name: string) => number,
): Diagnosis {
  const all = decision.nodeCount;
  if (all === 0) return { message: 'no nodes available to schedule pods', rejectors: [] };
  if (decision.preFilterVerdict !== 0) {
    const verdict = decision.preFilterVerdict;
    return {
      message: `0/${all} nodes are available: ${verdicts.reasons(verdict).join(', ')}.`,
      rejectors: [verdicts.instance(verdict)],
    };
  }
  // Distinct verdicts are few; nodes are many.
  const times = new Int32Array(verdicts.size);
  const { examined, examinedNodes } = decision;
  for (let i = 0; i < examined; i++) times[decision.verdicts[examinedNodes[i]!]!]! += 1;
  const counts = new Map<string, number>();
  const rejectors = new Set<number>();
  // Nodes about which an extender says nothing count as not looked at.
  let silent = 0;
  for (let verdict = 1; verdict < times.length; verdict++) {
    const n = times[verdict]!;
    if (n === 0) continue;
    rejectors.add(verdicts.instance(verdict));
    if (verdicts.reasons(verdict).length === 0) silent += n;
    for (const reason of verdicts.reasons(verdict)) counts.set(reason, (counts.get(reason) ?? 0) + n);
  }
  if (decision.restrictedBy.length > 0) {
    for (const name of decision.restrictedBy) rejectors.add(instanceOf(name));
    const absent = all - examined + silent;
    if (absent > 0) {
      const names = [...decision.restrictedBy].sort(byCodeUnit).join(' ');
      counts.set(`node(s) didn't satisfy plugin(s) [${names}]`, absent);
    }
  }
  const parts = [...counts].map(([reason, n]) => `${n} ${reason}`).sort(byCodeUnit);
  const detail = parts.length === 0 ? '' : ` ${parts.join(', ')}.`;
  return {
    message: `0/${all} nodes are available:${detail}`,
    rejectors: [...rejectors].sort((a, b) => a - b),
  };
}

/** A decision in words: how many nodes were left, and what the winner got from whom. */
export function told(decision: Decision, framework: Framework, node: string): string {
  const { feasible, examined, nodeCount, ties, scored } = decision;
  const search = `${feasible} feasible of ${examined} looked at (${nodeCount} nodes)`;
  if (scored === 0) return `assigned to ${node}: ${search}`;
  const scores = framework.score.flatMap(({ name }, s) =>
    decision.scorerSkipped[s] === 1 ? [] : [`${name} ${decision.winnerScores[s]! * framework.weights[s]!}`],
  );
  for (const { name, chosen } of decision.extended) scores.push(`${name} ${chosen}`);
  const tie = ties > 1 ? `, ${ties} tied` : '';
  return `assigned to ${node}: ${search}, total ${decision.total}${tie} (${scores.join(', ')})`;
}

/** As the event and the condition carry it. */
export function cutMessage(message: string): string {
  // Reasons are ASCII, so characters are bytes.
  return message.length <= MESSAGE_BYTES_MAX
    ? message
    : message.slice(0, MESSAGE_BYTES_MAX - CUT.length) + CUT;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
