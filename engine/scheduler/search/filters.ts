// The filters of one attempt: what PreFilter plug-ins found, who sits the attempt out, and the question "would the pod
// fit on this node?" — as the cluster is, beside the pods nominated to the node, or as if some pods had left it.
//
// Suppositions change the cache itself and are undone; plug-ins hear of each through podChanged, or are asked for their
// PreFilter state again. A plug-in that skipped the attempt keeps out of it, whatever is supposed
// (framework/runtime/framework.go RunPreFilterExtensionAddPod and RunFilterPluginsWithNominatedPods, v1.36).
import { type ClusterView, Code, PASS, type Plugin, SKIP, type Verdict } from '../../contracts/scheduler.ts';
import type { PodTemplate } from '../../state/index.ts';
import type { Framework, Instance, Verdicts } from '../framework.ts';
import type { NodeOrder } from '../node-order.ts';
import type { Nominations } from '../nominations.ts';
import { NodeCursor, type PodCursor } from '../views.ts';
import type { Decision } from './decision.ts';

/** What the search reads of the cache, and what it supposes. */
export interface SearchedCluster extends ClusterView {
  readonly nodeOrder: NodeOrder;
  readonly nominations: Nominations;
  podsOn(node: number): readonly number[];
  addPod(pod: number, node: number, template: PodTemplate): void;
  removePod(pod: number): number;
  /** A cursor of its own over any pod. */
  podCursor(): PodCursor;
}

class PreFilterOutcome {
  verdict = PASS;
  names: ReadonlySet<string> | null = null;
  narrowed = false;

  reject(verdict: number): void {
    this.verdict = verdict;
  }
  restrict(names: readonly string[]): void {
    const own = new Set(names);
    this.names = this.names === null ? own : new Set([...this.names].filter((name) => own.has(name)));
    this.narrowed = true;
  }
  reset(): void {
    this.verdict = PASS;
    this.names = null;
    this.narrowed = false;
  }
}

export class AttemptFilters {
  readonly #cluster: SearchedCluster;
  readonly #verdicts: Verdicts;
  readonly #view: NodeCursor;
  readonly #other: PodCursor;
  readonly #outcome = new PreFilterOutcome();
  /** By plug-in instance. */
  readonly #states: unknown[] = [];
  /** By plug-in instance: number of the attempt that it last skipped. */
  readonly #skipped: number[] = [];
  #attempt = 0;
  /** PreFilter plug-ins that rejected the pod, under what is supposed: their verdicts. */
  readonly #rejected = new Map<number, Verdict>();
  /** Plug-ins that would have skipped the attempt under what is supposed. */
  readonly #silent = new Set<number>();
  /** PreFilter plug-ins that were asked. */
  #asked = 0;
  readonly #node = new Int32Array(1);
  #scratch = new Int32Array(64);
  #pod: PodCursor | null = null;
  #framework: Framework | null = null;

  constructor(cluster: SearchedCluster, verdicts: Verdicts) {
    this.#cluster = cluster;
    this.#verdicts = verdicts;
    this.#view = new NodeCursor(cluster);
    this.#other = cluster.podCursor();
  }

  state(index: number): unknown {
    return this.#states[index];
  }
  isSkipped(index: number): boolean {
    return this.#skipped[index] === this.#attempt;
  }
  wasAsked(name: string): boolean {
    const asked = this.#framework!.preFilter;
    for (let i = 0; i < this.#asked; i++) if (asked[i]!.name === name) return true;
    return false;
  }

  /** Runs PreFilter; what it rejects or restricts goes into the decision. False: rejected for all nodes. */
  begin(pod: PodCursor, framework: Framework, d: Decision): boolean {
    this.#pod = pod;
    this.#framework = framework;
    const outcome = this.#outcome;
    outcome.reset();
    this.#attempt += 1;
    if (this.#rejected.size > 0) this.#rejected.clear();
    if (this.#silent.size > 0) this.#silent.clear();
    this.#asked = 0;
    let rejected = PASS;
    for (const { index, name, plugin } of framework.preFilter) {
      outcome.verdict = PASS;
      outcome.narrowed = false;
      this.#asked += 1;
      const state = plugin.preFilter!(pod, this.#cluster, outcome);
      if (outcome.verdict !== PASS) {
        rejected = outcome.verdict;
        this.#rejected.set(index, rejected);
        // Unresolvable ends it; otherwise the others are still asked.
        if (this.#verdicts.code(rejected) !== Code.unschedulable) break;
        continue;
      }
      if (state === SKIP) {
        this.#skipped[index] = this.#attempt;
        continue;
      }
      this.#states[index] = state;
      if (outcome.narrowed) {
        d.restrictedBy.push(name);
        d.restrictedTo = [...outcome.names!].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        if (outcome.names!.size === 0) {
          rejected = this.#verdicts.register(index, Code.unschedulableAndUnresolvable, [
            d.restrictedBy.length === 1
              ? `node(s) didn't satisfy plugin ${name}`
              : `node(s) didn't satisfy plugin(s) [${d.restrictedBy.join(' ')}] simultaneously`,
          ]);
          break;
        }
      }
    }
    d.preFilterVerdict = rejected;
    return rejected === PASS;
  }

  /** One node by all filters, as the cluster is or is supposed to be now. */
  one(node: number): Verdict {
    for (const { index, plugin } of this.#framework!.filter) {
      if (this.isSkipped(index) || this.#silent.has(index)) continue;
      const rejected = this.#rejected.get(index);
      if (rejected !== undefined) return rejected;
      const verdict = this.#ask(plugin, index, node);
      if (verdict !== PASS) return verdict;
    }
    return PASS;
  }

  #ask(plugin: Plugin, index: number, node: number): Verdict {
    const state = this.#states[index];
    if (plugin.filter !== undefined) return plugin.filter(this.#pod!, this.#view.at(node), state);
    const rows = this.#cluster.columns.podCount.length;
    if (this.#scratch.length < rows) this.#scratch = new Int32Array(rows);
    this.#node[0] = node;
    const kept = plugin.filterBatch!(this.#pod!, this.#cluster, this.#node, 0, 1, state, this.#scratch);
    return kept === 1 ? PASS : this.#scratch[node]!;
  }

  /** Whether pods of at least this priority, others than `pod`, are nominated to the node. */
  hasRivals(node: number): boolean {
    const { id, priority } = this.#pod!;
    for (const rival of this.#cluster.nominations.podsOn(node)) {
      if (rival !== id && this.#other.at(rival).priority >= priority) return true;
    }
    return false;
  }

  /** One node by all filters, with the rivals nominated to it already there. */
  besideRivals(node: number): Verdict {
    const { id, priority } = this.#pod!;
    const added: number[] = [];
    for (const rival of this.#cluster.nominations.podsOn(node)) {
      if (rival === id || this.#other.at(rival).priority < priority) continue;
      added.push(rival);
    }
    for (const rival of added) this.add(rival, node);
    const verdict = this.one(node);
    for (let i = added.length - 1; i >= 0; i--) this.remove(added[i]!);
    return verdict;
  }

  /** The pod fits beside those nominated to the node and without them: nobody knows whether they will come. */
  both(node: number): Verdict {
    if (this.hasRivals(node)) {
      const verdict = this.besideRivals(node);
      if (verdict !== PASS) return verdict;
    }
    return this.one(node);
  }

  /** Supposes a pod on a node. */
  add(pod: number, node: number): void {
    this.#cluster.addPod(pod, node, this.#other.at(pod).template);
    this.#tell(pod, node, 1);
  }

  /** Supposes that a pod has left. Returns its node. */
  remove(pod: number): number {
    const node = this.#cluster.removePod(pod);
    this.#tell(pod, node, -1);
    return node;
  }

  /** Brings plug-ins back to the cluster as it is. */
  refresh(): void {
    for (const instance of this.#framework!.preFilter) {
      if (this.#changes(instance)) this.#again(instance);
    }
  }

  #tell(pod: number, node: number, sign: 1 | -1): void {
    for (const instance of this.#framework!.preFilter) {
      if (!this.#changes(instance)) continue;
      const { index, plugin } = instance;
      if (plugin.podChanged === undefined || this.#rejected.has(index)) this.#again(instance);
      else plugin.podChanged(this.#pod!, this.#states[index], this.#other.at(pod), node, sign);
    }
  }

  #changes({ index, plugin }: Instance): boolean {
    return plugin.locality !== 'node' && !this.isSkipped(index);
  }

  #again({ index, plugin }: Instance): void {
    const outcome = this.#outcome;
    outcome.reset();
    const state = plugin.preFilter!(this.#pod!, this.#cluster, outcome);
    if (outcome.verdict !== PASS) this.#rejected.set(index, outcome.verdict);
    else {
      this.#rejected.delete(index);
      // Nothing to object to, as things are supposed: filters of such a plug-in are not asked.
      if (state === SKIP) this.#silent.add(index);
      else {
        this.#silent.delete(index);
        this.#states[index] = state;
      }
    }
  }
}
