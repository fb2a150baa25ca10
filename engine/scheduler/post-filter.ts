// What happens when no node would do: PostFilter plug-ins are asked in turn, and may suppose that pods had left nodes
// (framework/runtime/framework.go RunPostFilterPlugins, v1.36).
import type { ExtendedCandidates, PreemptionCandidate } from '../contracts/extender.ts';
import {
  Code,
  type FailedAttempt,
  type PodView,
  type PostFilterResult,
  type Verdict,
} from '../contracts/scheduler.ts';
import type { Stream } from '../kernel/index.ts';
import { assert } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { PodBit } from '../state/index.ts';
import type { Extenders } from './extenders.ts';
import type { Framework, Verdicts } from './framework.ts';
import type { Decision } from './search/decision.ts';
import type { AttemptFilters, SearchedCluster } from './search/filters.ts';
import type { PodCursor } from './views.ts';

/** What the scheduler remembers of pods beside where they count. */
export interface PodFacts {
  startUs(pod: number): number;
  isPreempted(pod: number): boolean;
  budgets(): readonly KubeObject[];
}

/** By its packed state: on its way out because the scheduler preempted it. */
export const isBeingPreempted = (word: number): boolean =>
  (word & PodBit.deleting) !== 0 && (word & PodBit.preempted) !== 0;

export class Attempt implements FailedAttempt {
  readonly #cluster: SearchedCluster;
  readonly #verdicts: Verdicts;
  readonly #filters: AttemptFilters;
  readonly #facts: PodFacts;
  readonly #draws: Stream;
  readonly #extenders: Extenders | null;
  readonly #other: PodCursor;
  #decision: Decision | null = null;
  #pod: PodCursor | null = null;
  #nominatedNode = -1;
  /** Pods that are supposed to have left, and from where. */
  readonly #removed = new Map<number, number>();

  constructor(
    cluster: SearchedCluster,
    verdicts: Verdicts,
    filters: AttemptFilters,
    facts: PodFacts,
    draws: Stream,
    extenders: Extenders | null,
  ) {
    this.#cluster = cluster;
    this.#verdicts = verdicts;
    this.#filters = filters;
    this.#facts = facts;
    this.#draws = draws;
    this.#extenders = extenders;
    this.#other = cluster.podCursor();
  }

  /** Asks the plug-ins about the attempt that just failed. */
  run(framework: Framework, pod: PodCursor, decision: Decision): PostFilterResult {
    this.#decision = decision;
    this.#pod = pod;
    this.#nominatedNode = this.#cluster.nominations.nodeOf(pod.id);
    const messages: string[] = [];
    let nominate: number | null = null;
    for (const { plugin } of framework.postFilter) {
      const result = plugin.postFilter!(pod, this.#cluster, this);
      if (result.code === Code.success) return result;
      if (result.message !== '') messages.push(result.message);
      if (result.code !== Code.unschedulable) {
        return { code: result.code, message: result.message, nominate: null };
      }
      if (result.nominate !== null) nominate = result.nominate;
    }
    return { code: Code.unschedulable, message: messages.join(', '), nominate };
  }

  verdict(node: number): Verdict {
    const d = this.#decision!;
    return d.preFilterVerdict !== 0 || !this.#wasExamined(node) ? 0 : d.verdict(node);
  }
  codeOf(verdict: Verdict): Code {
    return this.#verdicts.code(verdict);
  }
  reasonsOf(verdict: Verdict): readonly string[] {
    return this.#verdicts.reasons(verdict);
  }
  preFilterRan(name: string): boolean {
    return this.#filters.wasAsked(name);
  }
  nodeCode(node: number): Code {
    const d = this.#decision!;
    if (d.preFilterVerdict !== 0) return this.#verdicts.code(d.preFilterVerdict);
    const verdict = this.verdict(node);
    return verdict === 0 ? Code.unschedulableAndUnresolvable : this.#verdicts.code(verdict);
  }
  #wasExamined(node: number): boolean {
    const d = this.#decision!;
    return d.restrictedBy.length === 0 || d.restrictedTo.includes(this.#cluster.nodeName(node));
  }

  get nodes(): Int32Array {
    return this.#cluster.nodeOrder.list();
  }
  get nodeCount(): number {
    return this.#cluster.nodeCount;
  }
  get nominatedNode(): number {
    return this.#nominatedNode;
  }
  budgets(): readonly KubeObject[] {
    return this.#facts.budgets();
  }
  podsOn(node: number): readonly number[] {
    return this.#cluster.podsOn(node);
  }
  pod(row: number): PodView {
    return this.#other.at(row);
  }
  startUs(row: number): number {
    return this.#facts.startUs(row);
  }
  isPreempted(row: number): boolean {
    return this.#facts.isPreempted(row);
  }
  draw(n: number): number {
    return this.#draws.int(n);
  }

  remove(row: number): void {
    this.#removed.set(row, this.#filters.remove(row));
  }
  restore(row: number): void {
    const node = this.#removed.get(row);
    assert(node !== undefined, () => `pod row ${row} was not removed`);
    this.#removed.delete(row);
    this.#filters.add(row, node);
  }
  filter(node: number): Verdict {
    return this.#filters.both(node);
  }
  callExtenders(candidates: readonly PreemptionCandidate[]): ExtendedCandidates | null {
    return this.#extenders?.preempt(this.#pod!, candidates) ?? null;
  }
  reset(): void {
    for (const row of [...this.#removed.keys()]) this.restore(row);
    this.#filters.refresh();
  }
}
