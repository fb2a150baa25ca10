// The plain search, which defines what every other search must answer: run each plug-in on each node, in order, from
// the rotating start until enough nodes are feasible; score those; draw among the best
// (pkg/scheduler/schedule_one.go, v1.36).
//
// Two things differ from upstream on purpose. Upstream filters in parallel and may find a few nodes more than asked
// for; here the search stops exactly at the K-th. Upstream's choice among equals depends on goroutine timing; here the
// r-th of the tied, in the order in which they were looked at, with r from a stream.
import { Code, type NodeView, PASS, type Plugin, SKIP } from '../../contracts/scheduler.ts';
import type { Stream } from '../../kernel/index.ts';
import type { Extenders } from '../extenders.ts';
import type { Framework, Instance, Verdicts } from '../framework.ts';
import { NodeCursor, type PodCursor } from '../views.ts';
import { Decision, type NodeSearch } from './decision.ts';
import { AttemptFilters, type SearchedCluster } from './filters.ts';

/** Below this many nodes all are looked at, and never fewer are asked for (schedule_one.go). */
const FEASIBLE_MIN = 100;
/** Adaptive share: 50 % less 1 % per 125 nodes, at least 5 %. */
const PERCENTAGE_BASE = 50;
const PERCENTAGE_MIN = 5;
const NODES_PER_PERCENT = 125;
/** Candidates are taken in blocks, so that batch filters have something to chew on; the surplus is cut off again. */
const BLOCK_MIN = 64;

/** How many feasible nodes are enough. `percentage` 0: adaptive. */
export function feasibleWanted(nodes: number, percentage: number): number {
  if (nodes < FEASIBLE_MIN || percentage >= 100) return nodes;
  const share =
    percentage > 0
      ? percentage
      : Math.max(PERCENTAGE_MIN, PERCENTAGE_BASE - Math.floor(nodes / NODES_PER_PERCENT));
  return Math.max(FEASIBLE_MIN, Math.floor((nodes * share) / 100));
}

export class BruteSearch implements NodeSearch {
  readonly decision = new Decision();
  readonly verified = 0;
  explains = true;
  readonly #cluster: SearchedCluster;
  readonly #verdicts: Verdicts;
  readonly #ties: Pick<Stream, 'int'>;
  readonly #view: NodeCursor;
  /** The filters of the attempt: what PostFilter plug-ins try goes through them. */
  readonly filters: AttemptFilters;
  /** By plug-in instance: what preScore handed over, and who does not score this attempt. */
  readonly #scoreStates: unknown[] = [];
  readonly #skipped = new Set<number>();
  #restricted = new Int32Array(64);
  /** Position at which the next search begins. */
  start = 0;
  extenders: Extenders | null = null;

  constructor(cluster: SearchedCluster, verdicts: Verdicts, ties: Pick<Stream, 'int'>) {
    this.#cluster = cluster;
    this.#verdicts = verdicts;
    this.#ties = ties;
    this.#view = new NodeCursor(cluster);
    this.filters = new AttemptFilters(cluster, verdicts);
  }

  /** @param whole look at all nodes, whatever the profile says */
  select(pod: PodCursor, framework: Framework, whole = false): Decision {
    const d = this.decision;
    const nodeCount = this.#cluster.nodeCount;
    d.reset(nodeCount, this.#cluster.columns.podCount.length, framework.score.length);
    if (nodeCount === 0) return d;
    if (!this.filters.begin(pod, framework, d)) return d;
    return this.afterPreFilter(pod, framework, whole);
  }

  plainly(pod: PodCursor, framework: Framework): Decision {
    return this.select(pod, framework);
  }

  /** The rest of an attempt, of which PreFilter has left some nodes. */
  afterPreFilter(pod: PodCursor, framework: Framework, whole = false): Decision {
    const d = this.decision;
    if (!this.#tryNominated(pod)) this.#runFilters(pod, framework, whole);
    if (d.feasible === 0) return d;
    if (d.feasible === 1 || (framework.score.length === 0 && this.extenders === null)) {
      d.ties = 1;
      d.node = d.feasibleNodes[0]!;
      return d;
    }
    this.#runScores(pod, framework);
    this.extenders?.prioritize(pod, d);
    this.#pick(framework);
    return d;
  }

  #runFilters(pod: PodCursor, framework: Framework, whole: boolean): void {
    const d = this.decision;
    const restricted = d.restrictedBy.length > 0;
    const total = d.nodeCount;
    const count = restricted ? this.#restrict(d.restrictedTo) : total;
    const list = restricted ? this.#restricted : this.#cluster.nodeOrder.list();
    const start = count === 0 ? 0 : this.start % count;
    let wanted = count;
    if (!whole) {
      const share = framework.percentageOfNodesToScore;
      const isAny = framework.score.length === 0 && this.extenders?.areChoosing !== true;
      wanted = isAny ? 1 : feasibleWanted(count, share);
    }
    const nodes = d.feasibleNodes;
    const { verdicts } = d;

    let offset = 0;
    let feasible = 0;
    while (offset < count && feasible < wanted) {
      const size = Math.min(count - offset, Math.max(wanted - feasible, BLOCK_MIN));
      // Positions offset .. offset+size behind the feasible nodes found so far, wrapping at the end of the list.
      let at = start + offset;
      if (at >= count) at -= count;
      for (let i = 0; i < size; i++) {
        const node = list[at]!;
        nodes[feasible + i] = node;
        verdicts[node] = PASS;
        if (++at === count) at = 0;
      }
      let to = feasible + size;
      for (const instance of framework.filter) {
        if (this.filters.isSkipped(instance.index)) continue;
        to = this.#filterBlock(instance, pod, nodes, feasible, to, verdicts);
        if (to === feasible) break;
      }
      if (this.#cluster.nominations.size > 0)
        to = this.#besideRivals(list, start, offset, size, count, feasible, to);
      if (to >= wanted) {
        // The K-th feasible node lies inside this block: what comes after it was never looked at.
        const last = nodes[wanted - 1]!;
        while (list[(start + offset) % count] !== last) offset++;
        offset += 1;
        feasible = wanted;
      } else {
        offset += size;
        feasible = to;
      }
    }
    d.examined = offset;
    d.feasible = feasible;
    if (feasible === 0) {
      for (let i = 0; i < count; i++) d.examinedNodes[i] = list[i]!;
    }
    this.start = (this.start + offset) % total;
    if (this.#verdicts.errors > 0 && this.#findError(list, start, offset, count)) return;
    if (this.extenders !== null && feasible > 0) {
      this.extenders.filter(pod, d);
      if (d.feasible === 0) this.#examinedUpTo(list, start, offset, count);
    }
  }

  /** A filter that fails says nothing of the node: the attempt fails with it (schedule_one.go, RunFilterPlugins). */
  #findError(list: Int32Array, start: number, examined: number, count: number): boolean {
    const d = this.decision;
    for (let i = 0; i < examined; i++) {
      const verdict = d.verdicts[list[(start + i) % count]!]!;
      if (verdict === PASS || this.#verdicts.code(verdict) !== Code.error) continue;
      d.error = this.#verdicts.reasons(verdict).join(', ');
      d.feasible = 0;
      return true;
    }
    return false;
  }

  /** Extenders rejected what plug-ins had let pass: the search may have stopped before all nodes were looked at. */
  #examinedUpTo(list: Int32Array, start: number, offset: number, count: number): void {
    const { examinedNodes, verdicts } = this.decision;
    for (let i = 0; i < count; i++) {
      const node = list[(start + i) % count]!;
      if (i < offset) examinedNodes[i] = node;
      else verdicts[node] = PASS;
    }
  }

  /** A pod that was promised a node tries it before all others, and takes it if it fits, whatever its score. */
  #tryNominated(pod: PodCursor): boolean {
    const d = this.decision;
    const node = this.#cluster.nominations.nodeOf(pod.id);
    if (node < 0 || this.#cluster.nodeByName(this.#cluster.nodeName(node)) !== node) return false;
    if (this.filters.both(node) !== PASS) return false;
    d.examined = 1;
    d.feasible = 1;
    d.feasibleNodes[0] = node;
    this.extenders?.filter(pod, d);
    // An error is no answer: all nodes are looked at, this one among them.
    d.error = '';
    d.nominated = d.feasible === 1;
    return d.nominated;
  }

  /**
   * Nodes of a block that others are nominated to: the pod must fit beside them too, and if it does not, that is the
   * node's verdict. Returns the new end of the feasible ones.
   */
  #besideRivals(
    list: Int32Array,
    start: number,
    offset: number,
    size: number,
    count: number,
    from: number,
    to: number,
  ): number {
    const { feasibleNodes: nodes, verdicts } = this.decision;
    for (let i = 0; i < size; i++) {
      const node = list[(start + offset + i) % count]!;
      if (!this.filters.hasRivals(node)) continue;
      const verdict = this.filters.besideRivals(node);
      if (verdict === PASS) continue;
      verdicts[node] = verdict;
      const at = nodes.indexOf(node, from);
      if (at < 0 || at >= to) continue;
      nodes.copyWithin(at, at + 1, to);
      to -= 1;
    }
    return to;
  }

  #filterBlock(
    { index, plugin }: Instance,
    pod: PodCursor,
    nodes: Int32Array,
    from: number,
    to: number,
    verdicts: Int32Array,
  ): number {
    const state = this.filters.state(index);
    if (plugin.filterBatch !== undefined) {
      return plugin.filterBatch(pod, this.#cluster, nodes, from, to, state, verdicts);
    }
    return filterEach(plugin, pod, this.#view, nodes, from, to, state, verdicts);
  }

  /** The named nodes that exist, in list order. */
  #restrict(names: readonly string[]): number {
    const positions: number[] = [];
    for (const name of names) {
      const node = this.#cluster.nodeByName(name);
      if (node >= 0) positions.push(this.#cluster.nodeOrder.position(node));
    }
    positions.sort((a, b) => a - b);
    if (this.#restricted.length < positions.length) this.#restricted = new Int32Array(positions.length * 2);
    const list = this.#cluster.nodeOrder.list();
    for (let i = 0; i < positions.length; i++) this.#restricted[i] = list[positions[i]!]!;
    return positions.length;
  }

  #runScores(pod: PodCursor, framework: Framework): void {
    const d = this.decision;
    const { feasibleNodes: nodes, feasible: count, totals } = d;
    d.scored = count;
    this.#skipped.clear();
    for (const { index, plugin } of framework.preScore) {
      const state = plugin.preScore!(pod, this.#cluster, nodes, count);
      if (state === SKIP) this.#skipped.add(index);
      else this.#scoreStates[index] = state;
    }
    totals.fill(0, 0, count);
    for (let s = 0; s < framework.score.length; s++) {
      const { index, plugin } = framework.score[s]!;
      const skipped = this.#skipped.has(index);
      d.scorerSkipped[s] = skipped ? 1 : 0;
      if (skipped) continue;
      const scores = d.scores[s]!;
      const state = this.#scoreStates[index];
      if (plugin.scoreBatch !== undefined) plugin.scoreBatch(pod, this.#cluster, nodes, count, state, scores);
      else scoreEach(plugin, pod, this.#view, nodes, count, state, scores);
      plugin.normalize?.(scores, count);
      const weight = framework.weights[s]!;
      for (let i = 0; i < count; i++) totals[i]! += weight * scores[i]!;
    }
  }

  #pick(framework: Framework): void {
    const d = this.decision;
    const { totals, feasible: count } = d;
    let best = totals[0]!;
    let ties = 1;
    for (let i = 1; i < count; i++) {
      const total = totals[i]!;
      if (total > best) {
        best = total;
        ties = 1;
      } else if (total === best) ties += 1;
    }
    let left = ties > 1 ? this.#ties.int(ties) : 0;
    let i = 0;
    for (; ; i++) if (totals[i] === best && left-- === 0) break;
    d.ties = ties;
    d.node = d.feasibleNodes[i]!;
    d.total = best;
    for (let s = 0; s < framework.score.length; s++) d.winnerScores[s] = d.scores[s]![i]!;
    for (const each of d.extended) each.chosen = each.scores[i]!;
  }
}

/** The definition of filterBatch. */
export function filterEach(
  plugin: Plugin,
  pod: PodCursor,
  view: NodeView & { at(node: number): NodeView },
  nodes: Int32Array,
  from: number,
  to: number,
  state: unknown,
  verdicts: Int32Array,
): number {
  let kept = from;
  for (let i = from; i < to; i++) {
    const node = nodes[i]!;
    const verdict = plugin.filter!(pod, view.at(node), state);
    if (verdict === PASS) nodes[kept++] = node;
    else verdicts[node] = verdict;
  }
  return kept;
}

/** The definition of scoreBatch. */
export function scoreEach(
  plugin: Plugin,
  pod: PodCursor,
  view: NodeView & { at(node: number): NodeView },
  nodes: Int32Array,
  count: number,
  state: unknown,
  out: Int32Array,
): void {
  for (let i = 0; i < count; i++) out[i] = plugin.score!(pod, view.at(nodes[i]!), state);
}
