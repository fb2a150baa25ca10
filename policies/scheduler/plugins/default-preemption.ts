// Makes room for a pod that fits nowhere: on each node where fewer pods could help, all pods of lower priority leave in
// thought, return one by one, and those that do not fit again are the victims; the node whose victims matter least is
// taken (plugins/defaultpreemption/default_preemption.go and framework/preemption/preemption.go, v1.36).
//
// The pod is nominated to that node and waits for the victims to go. As upstream does by default, the victims are
// deleted while the scheduler goes on, so the plug-in only says who they are. Pod groups are left out.
import * as z from 'zod';
import {
  ClusterEvent,
  Code,
  compileLabelSelector,
  definePlugin,
  type FailedAttempt,
  type LabelSets,
  NodeField,
  PASS,
  type PodView,
  type PostFilterResult,
  type PreemptionCandidate,
  type Selector,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';

/** apis/config/v1/defaults.go: a tenth of the candidates, at least 100, are tried. */
const PERCENTAGE_DEFAULT = 10;
const ABSOLUTE_DEFAULT = 100;
/** Makes every priority positive, so that fewer pods are always the smaller sum. */
const PRIORITY_OFFSET = 2 ** 31;

const NO_VICTIMS = 'No preemption victims found for incoming pod';
const NOT_HELPFUL = 'Preemption is not helpful for scheduling';

interface Candidate extends PreemptionCandidate {
  readonly highestPriority: number;
  readonly prioritySum: number;
  /** Earliest start among the victims of highest priority, µs. */
  readonly earliestStartUs: number;
}

interface Budget {
  readonly namespace: string;
  readonly selector: Selector;
  readonly allowed: number;
  readonly disrupted: Readonly<Record<string, unknown>>;
}

/** What was looked at of one pod, so that sorting does not ask again. */
interface Potential {
  readonly row: number;
  readonly priority: number;
  readonly startUs: number;
}

/** Most important first: priority, then the longer run; equal ones by row, where upstream leaves it to chance. */
const byImportance = (a: Potential, b: Potential): number =>
  b.priority - a.priority || compare(a.startUs, b.startUs) || a.row - b.row;

/** Not a difference: two pods that have not started are both at infinity. */
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

function budgetsOf(attempt: FailedAttempt, labelSets: LabelSets): Budget[] {
  return attempt.budgets().flatMap((object) => {
    const selector = compileLabelSelector(object['spec']?.selector, labelSets);
    // A budget with an empty selector protects nobody here, unlike at the eviction API.
    if (selector.nothing || selector.everything) return [];
    return {
      namespace: object.metadata.namespace ?? 'default',
      selector,
      allowed: object['status']?.disruptionsAllowed ?? 0,
      disrupted: object['status']?.disruptedPods ?? {},
    };
  });
}

/** Splits the pods, in their order, into those whose budgets are exhausted by those before them, and the others. */
function splitByBudget(
  attempt: FailedAttempt,
  pods: readonly Potential[],
  budgets: readonly Budget[],
): { violating: Potential[]; others: Potential[] } {
  const left = budgets.map(({ allowed }) => allowed);
  const violating: Potential[] = [];
  const others: Potential[] = [];
  for (const each of pods) {
    const { namespace, name, labels } = attempt.pod(each.row);
    let isViolated = false;
    budgets.forEach((budget, i) => {
      if (budget.namespace !== namespace || Object.keys(labels).length === 0) return;
      if (!budget.selector.matches(labels) || Object.hasOwn(budget.disrupted, name)) return;
      left[i]! -= 1;
      if (left[i]! < 0) isViolated = true;
    });
    (isViolated ? violating : others).push(each);
  }
  return { violating, others };
}

/** The victims on one node, or why preemption does not help there. null: everyone may return, the pod fits anyway. */
function victimsOn(
  attempt: FailedAttempt,
  node: number,
  priority: number,
  budgets: readonly Budget[],
): Candidate | readonly string[] | null {
  const potential: Potential[] = [];
  for (const row of attempt.podsOn(node)) {
    const other = attempt.pod(row).priority;
    if (other < priority) potential.push({ row, priority: other, startUs: attempt.startUs(row) });
  }
  if (potential.length === 0) return [NO_VICTIMS];
  for (const { row } of potential) attempt.remove(row);
  const verdict = attempt.filter(node);
  if (verdict !== PASS) return attempt.reasonsOf(verdict);

  potential.sort(byImportance);
  const { violating, others } = splitByBudget(attempt, potential, budgets);
  const victims: Potential[] = [];
  const mayStay = (each: Potential): boolean => {
    attempt.restore(each.row);
    if (attempt.filter(node) === PASS) return true;
    attempt.remove(each.row);
    victims.push(each);
    return false;
  };
  let violations = 0;
  for (const each of violating) if (!mayStay(each)) violations += 1;
  for (const each of others) mayStay(each);
  return victims.length === 0 ? null : candidateOf(node, victims.sort(byImportance), violations);
}

/** Of victims in their order: the first one stands for the most important. */
function candidateOf(node: number, victims: readonly Potential[], violations: number): Candidate {
  const most = victims.reduce(
    (priority, each) => Math.max(priority, each.priority),
    Number.NEGATIVE_INFINITY,
  );
  const earliest = victims.reduce(
    (us, each) => (each.priority === most ? Math.min(us, each.startUs) : us),
    Number.POSITIVE_INFINITY,
  );
  return {
    node,
    victims: victims.map(({ row }) => row),
    violations,
    highestPriority: victims[0]!.priority,
    prioritySum: victims.reduce((sum, each) => sum + each.priority + PRIORITY_OFFSET, 0),
    earliestStartUs: earliest,
  };
}

/** What extenders leave of the candidates; a text: the error of one. */
function extended(attempt: FailedAttempt, candidates: readonly Candidate[]): readonly Candidate[] | string {
  const left = attempt.callExtenders(candidates);
  if (left === null) return candidates;
  if ('error' in left) return left.error;
  return left.map(({ node, victims, violations }) =>
    candidateOf(
      node,
      victims.map((row) => ({ row, priority: attempt.pod(row).priority, startUs: attempt.startUs(row) })),
      violations,
    ),
  );
}

/** Each rule keeps the best by it; the next one decides among those. */
const RULES: readonly ((candidate: Candidate) => number)[] = [
  (candidate) => candidate.violations,
  (candidate) => candidate.highestPriority,
  (candidate) => candidate.prioritySum,
  (candidate) => candidate.victims.length,
  (candidate) => -candidate.earliestStartUs,
];

function best(candidates: readonly Candidate[]): Candidate[] {
  let left = [...candidates];
  for (const rule of RULES) {
    let least = Number.POSITIVE_INFINITY;
    for (const each of left) least = Math.min(least, rule(each));
    left = left.filter((each) => rule(each) === least);
  }
  return left;
}

/** `0/5 nodes are available: …` over what each node said; nodes that were not tried did not help. */
function messageOf(reasons: ReadonlyMap<number, readonly string[]>, nodes: number): string {
  const counts = new Map<string, number>();
  for (const each of reasons.values())
    for (const reason of each) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return composed(counts, reasons.size, nodes);
}

/** `counts` of the reasons of the nodes tried; the others are not helped by preemption. */
function composed(counts: Map<string, number>, tried: number, nodes: number): string {
  if (tried < nodes) counts.set(NOT_HELPFUL, (counts.get(NOT_HELPFUL) ?? 0) + nodes - tried);
  const parts = [...counts].map(([reason, n]) => `${n} ${reason}`).sort((a, b) => (a < b ? -1 : 1));
  return `preemption: 0/${nodes} nodes are available: ${parts.join(', ')}.`;
}

const refused = (message: string, nominate: number | null): PostFilterResult => ({
  code: Code.unschedulable,
  message,
  nominate,
});

/** Why the pod may not preempt, or null. */
function ineligible(pod: PodView, attempt: FailedAttempt): string | null {
  if (pod.template.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const node = attempt.nominatedNode;
  if (node < 0 || attempt.nodeCode(node) === Code.unschedulableAndUnresolvable) return null;
  const { priority } = pod;
  const waits = attempt
    .podsOn(node)
    .some((row) => attempt.isPreempted(row) && attempt.pod(row).priority < priority);
  return waits ? 'not eligible due to a terminating pod on the nominated node.' : null;
}

export const defaultPreemption = definePlugin({
  name: 'DefaultPreemption',
  about: 'evicts pods of lower priority where that makes room for a pod that fits nowhere',
  points: ['postFilter'],
  args: argsSchema({
    minCandidateNodesPercentage: z.number().int().min(0).max(100).default(PERCENTAGE_DEFAULT),
    minCandidateNodesAbsolute: z.number().int().min(0).default(ABSOLUTE_DEFAULT),
  }).refine((args) => args.minCandidateNodesPercentage > 0 || args.minCandidateNodesAbsolute > 0, {
    message: 'minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be 0',
  }),
  create: (args) => ({
    locality: 'global',
    reads: NodeField.pods | NodeField.requested | NodeField.ports | NodeField.podCount,
    // What the other plug-ins wait for moves the pod; an eviction by itself does not.
    events: [{ events: ClusterEvent.assignedPodDelete, hint: () => false }],
    postFilter(pod, cluster, attempt) {
      const reason = ineligible(pod, attempt);
      if (reason !== null) return refused(`preemption: ${reason}`, null);

      const { nodes, nodeCount } = attempt;
      const tried: number[] = [];
      for (let i = 0; i < nodeCount; i++) {
        if (attempt.nodeCode(nodes[i]!) === Code.unschedulable) tried.push(nodes[i]!);
      }
      const reasons = new Map<number, readonly string[]>();
      if (tried.length === 0) return refused(messageOf(reasons, nodeCount), -1);

      const share = Math.floor((tried.length * args.minCandidateNodesPercentage) / 100);
      const wanted = Math.min(tried.length, Math.max(share, args.minCandidateNodesAbsolute));
      const offset = wanted < tried.length ? attempt.draw(tried.length) : 0;
      if (cluster.lowestPriority >= pod.priority) {
        // Nobody anywhere could be a victim: what looking at each node would find, without looking.
        return refused(composed(new Map([[NO_VICTIMS, tried.length]]), tried.length, nodeCount), -1);
      }
      const budgets = budgetsOf(attempt, cluster.labelSets);
      const candidates: Candidate[] = [];
      const errors: string[] = [];
      let isClean = false;
      for (let i = 0; i < tried.length; i++) {
        const node = tried[(offset + i) % tried.length]!;
        const found = victimsOn(attempt, node, pod.priority, budgets);
        attempt.reset();
        if (found === null) {
          errors.push(`expected at least one victim pod on node "${cluster.nodeName(node)}"`);
        } else if ('victims' in found) {
          candidates.push(found);
          if (found.violations === 0) isClean = true;
          if (isClean && candidates.length >= wanted) break;
        } else reasons.set(node, found);
      }
      if (candidates.length === 0 && errors.length > 0) {
        const text = errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`;
        return { code: Code.error, message: `preemption: ${text}`, nominate: null };
      }
      if (candidates.length === 0) return refused(messageOf(reasons, nodeCount), -1);

      const left = extended(attempt, candidates);
      if (typeof left === 'string')
        return { code: Code.error, message: `preemption: ${left}`, nominate: null };
      if (left.length === 0) return refused('preemption: no candidate node for preemption', null);
      const outcomes = best(left);
      const chosen = outcomes[outcomes.length > 1 ? attempt.draw(outcomes.length) : 0]!;
      // The chosen one first: whoever applies it reads no further.
      outcomes.splice(outcomes.indexOf(chosen), 1);
      return { code: Code.success, message: '', nominate: chosen.node, outcomes: [chosen, ...outcomes] };
    },
  }),
});
