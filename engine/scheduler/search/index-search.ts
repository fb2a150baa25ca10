// The node search of runs: answers what the plain search would, to the node, from classes of pods that are the same to
// all plug-ins and strata of nodes that are the same to those plug-ins which look beyond a node. What plug-ins say of a
// stratum is asked of one node of it, through the functions that the plain search calls. Whatever the index cannot
// answer exactly goes to the plain search, with which it shares start, filters and decision.
import { SKIP } from '../../contracts/scheduler.ts';
import { grownInt32, type Stream } from '../../kernel/index.ts';
import type { Extenders } from '../extenders.ts';
import type { Framework, Verdicts } from '../framework.ts';
import type { PodCursor } from '../views.ts';
import { BruteSearch, feasibleWanted } from './brute.ts';
import { ClassStore } from './class-store.ts';
import { NOTHING } from './class-tree.ts';
import type { Decision, NodeSearch } from './decision.ts';
import type { AttemptFilters } from './filters.ts';
import { type IndexedCluster, type NodeClass, Upkeep } from './node-class.ts';
import type { Part } from './plan.ts';
import { Dimensions } from './strata.ts';

/** A class with too many strata is tried again after so many looks at all nodes. */
const HOPELESS_LOOKS = 64;

/** When windows of the node list are scanned, and not looked up in entries of trees: a matter of speed alone. */
export interface ScanLimits {
  /** Scans of so many nodes are no dearer than the upkeep of entries for many strata. */
  readonly nodes: number;
  /** The same for a single stratum. */
  readonly nodesOfOne: number;
  /** Making entries costs as much as scanning so often the whole list. */
  readonly lists: number;
}
const SCAN_LIMITS: ScanLimits = { nodes: 8192, nodesOfOne: 1024, lists: 16 };

export class IndexSearch implements NodeSearch {
  readonly filters: AttemptFilters;
  readonly brute: BruteSearch;
  readonly verified = 0;
  explains = true;
  /** Decisions that the index answered itself. */
  answered = 0;
  readonly #cluster: IndexedCluster;
  readonly #ties: Pick<Stream, 'int'>;
  readonly #limits: ScanLimits;
  readonly #dimensions = new Dimensions();
  readonly #upkeep: Upkeep;
  readonly #store: ClassStore;
  /** Looks at nodes that are owed to the class of the attempt. */
  #billed: NodeClass | null = null;

  /** Feasible nodes that are enough. */
  #wanted = 0;
  /** Position of the last of them, where there is but one or as many as wanted. */
  #last = 0;

  #parts = new Int32Array(256);
  // By stratum.
  #open = new Uint8Array(16);
  #sizes = new Int32Array(16);
  #bests = new Int32Array(16);
  #tied = new Int32Array(16);
  #aimed = new Int32Array(16);
  #winners = new Int32Array(16);
  // By entry of the list of strata that take part: a node, what it stands for, its points.
  #nodes = new Int32Array(16);
  #strata = new Int32Array(16);
  #sizesOf = new Int32Array(16);
  #extra = new Int32Array(16);
  /** By scorer. */
  #scores: Int32Array[] = [];
  readonly #standing = { nodes: this.#nodes, sizes: this.#sizesOf, count: 0 };
  readonly #one = new Int32Array(1);
  readonly #oneScore = new Int32Array(1);

  constructor(
    cluster: IndexedCluster,
    verdicts: Verdicts,
    ties: Pick<Stream, 'int'>,
    limits: ScanLimits = SCAN_LIMITS,
  ) {
    this.#limits = limits;
    this.#cluster = cluster;
    this.#ties = ties;
    this.brute = new BruteSearch(cluster, verdicts, ties);
    this.filters = this.brute.filters;
    this.#upkeep = new Upkeep(cluster, this.filters, this.#dimensions);
    this.#store = new ClassStore(cluster);
  }

  get start(): number {
    return this.brute.start;
  }
  get extenders(): Extenders | null {
    return this.brute.extenders;
  }
  set extenders(extenders: Extenders | null) {
    this.brute.extenders = extenders;
  }

  plainly(pod: PodCursor, framework: Framework): Decision {
    return this.brute.select(pod, framework);
  }

  select(pod: PodCursor, framework: Framework): Decision {
    const { brute } = this;
    if (brute.extenders?.take(pod, framework) === true) return this.plainly(pod, framework);
    const d = brute.decision;
    const { nodeCount } = this.#cluster;
    d.reset(nodeCount, this.#cluster.columns.podCount.length, framework.score.length);
    if (nodeCount === 0 || !this.filters.begin(pod, framework, d)) return d;
    this.#billed = null;
    this.#wanted =
      framework.score.length === 0 ? 1 : feasibleWanted(nodeCount, framework.percentageOfNodesToScore);
    const target = this.#class(pod, framework);
    if (target !== null && this.#choose(target, framework)) {
      this.answered += 1;
      return d;
    }
    brute.afterPreFilter(pod, framework);
    const billed = this.#billed as NodeClass | null;
    if (billed !== null) billed.spent += d.examined;
    return d;
  }

  /** The class of the pod, up to date; null: the plain search must answer. */
  #class(pod: PodCursor, framework: Framework): NodeClass | null {
    const cluster = this.#cluster;
    if (cluster.nominations.size > 0 || this.brute.decision.restrictedBy.length > 0) return null;
    const profile = this.#store.profile(framework);
    if (profile === null) return null;
    const upkeep = this.#upkeep;
    const { plans, signatures } = profile;
    let filtering = 0;
    let scoring = plans.beyondScoring;
    for (let i = 0; i < plans.filters.length; i++) {
      const part = plans.filters[i]!;
      if (!this.filters.isSkipped(part.index)) filtering |= part.bit;
    }
    for (let i = 0; i < plans.localScorers.length; i++) {
      const part = plans.localScorers[i]!;
      if (upkeep.prepare(pod, part)) scoring |= part.bit;
    }
    const known = signatures.known(pod);
    const last = known.plan;
    const plan =
      last !== null && last.filtering === filtering && last.scoring === scoring
        ? last
        : plans.of(filtering, scoring);
    if (!plan.isServed) return null;
    let target = signatures.isAsLast(known, pod, plan) && !known.last!.isDropped ? known.last! : null;
    if (target === null) {
      const key = signatures.key(known, plan);
      if (key === null) return null;
      target = this.#store.class(framework, key);
      known.last = target;
    }
    const dimensions = this.#dimensions;
    dimensions.reset();
    for (let i = 0; i < plan.beyond.length; i++) {
      if (!plan.beyond[i]!.plugin.strata!(pod, cluster, dimensions)) return null;
    }
    upkeep.pod = pod;
    upkeep.plan = plan;
    return this.#upToDate(target);
  }

  #upToDate(target: NodeClass): NodeClass | null {
    const { nodeOrder } = this.#cluster;
    const upkeep = this.#upkeep;
    this.#store.used(target);
    let isRight: boolean;
    if (target.isValid(nodeOrder.version, this.#dimensions)) isRight = upkeep.update(target);
    else {
      this.#billed = target;
      if (target.spent < nodeOrder.count) return null;
      isRight = upkeep.build(target, this.#scans());
      this.#store.built();
    }
    if (!isRight) {
      target.spent = -HOPELESS_LOOKS * nodeOrder.count;
      this.#billed = target;
      return null;
    }
    target.spent = 0;
    this.#billed = null;
    const { count } = target.strata;
    if (target.sample.length < count) target.sample = grownInt32(target.sample, 2 * count);
    if (this.#open.length < count) this.#reserve(2 * count);
    return target;
  }

  /** Whether decisions like this one are made by scanning. */
  #scans(): boolean {
    const { nodes, nodesOfOne } = this.#limits;
    return this.#wanted <= (this.#dimensions.count > 0 ? nodes : nodesOfOne);
  }

  #reserve(strata: number): void {
    this.#open = new Uint8Array(strata);
    this.#sizes = new Int32Array(strata);
    this.#bests = new Int32Array(strata);
    this.#tied = new Int32Array(strata);
    this.#aimed = new Int32Array(strata);
    this.#winners = new Int32Array(strata);
    this.#nodes = new Int32Array(strata);
    this.#strata = new Int32Array(strata);
    this.#sizesOf = new Int32Array(strata);
    this.#extra = new Int32Array(strata);
    this.#scores = [];
  }

  /** Decides from the class. False: nobody is feasible, and the plain search says why. */
  #choose(target: NodeClass, framework: Framework): boolean {
    const d = this.brute.decision;
    const { tree, strata } = target;
    const n = d.nodeCount;
    const list = this.#cluster.nodeOrder.list();
    const open = this.#filterStrata(target, list);
    let passing = tree.feasible;
    if (open !== null) {
      passing = 0;
      for (let s = 0; s < strata.count; s++) if (open[s] === 1) passing += tree.total[s]!;
    }
    if (passing === 0) return false;
    const start = this.brute.start % n;
    d.feasible = Math.min(passing, this.#wanted);
    if (tree.isFlat && target.scanned > this.#limits.lists * n) tree.branch(strata.count);
    if (tree.isFlat) this.#scan(target, start, open);
    else this.#cover(target, start, passing, open);
    this.brute.start = (start + d.examined) % n;
    if (d.feasible > 1 && framework.score.length > 0) {
      this.#score(target, framework, list);
      return true;
    }
    d.ties = 1;
    d.node = list[this.#last]!;
    return true;
  }

  /** Adds up strata over the window from `start` on, node by node. */
  #scan(target: NodeClass, start: number, open: Uint8Array | null): void {
    const d = this.brute.decision;
    const { tree, strata } = target;
    d.examined = tree.leaves.scan(
      start,
      d.feasible,
      strata.count,
      open,
      this.#sizes,
      this.#bests,
      this.#tied,
    );
    this.#last = (start + d.examined - 1) % d.nodeCount;
    if (d.feasible < this.#wanted) d.examined = d.nodeCount;
    target.scanned += Math.max(0, d.examined - this.#limits.nodes);
  }

  /** The same by entries of the tree. */
  #cover(target: NodeClass, start: number, passing: number, open: Uint8Array | null): void {
    const d = this.brute.decision;
    const n = d.nodeCount;
    const { tree, strata } = target;
    if (this.#parts.length < tree.partsMax) this.#parts = new Int32Array(tree.partsMax);
    const parts = this.#parts;
    let count = tree.cover(0, start, parts, tree.cover(start, n, parts, 0));
    d.examined = n;
    const isPart = passing >= this.#wanted && this.#wanted < n;
    if (isPart || passing === 1) {
      this.#last = tree.kth(d.feasible, parts, count, strata.count, open);
    }
    if (isPart) {
      const last = this.#last;
      d.examined = last >= start ? last - start + 1 : n - start + last + 1;
      if (d.examined < n) {
        count =
          last >= start
            ? tree.cover(start, last + 1, parts, 0)
            : tree.cover(0, last + 1, parts, tree.cover(start, n, parts, 0));
      }
    }
    tree.sum(parts, count, strata.count, open, this.#sizes, this.#bests, this.#tied);
  }

  /** Strata that pass the filters which look beyond a node; null: there are no such filters. */
  #filterStrata(target: NodeClass, list: Int32Array): Uint8Array | null {
    const upkeep = this.#upkeep;
    const { tree, strata } = target;
    const { nodeOrder } = this.#cluster;
    const nodes = this.#nodes;
    const open = this.#open;
    const { beyondFilters } = upkeep.plan;
    if (beyondFilters.length === 0) return null;
    let count = 0;
    for (let s = 0; s < strata.count; s++) if (tree.total[s]! > 0) nodes[count++] = list[target.sampleOf(s)]!;
    for (let f = 0; f < beyondFilters.length && count > 0; f++)
      count = upkeep.filter(beyondFilters[f]!, nodes, count);
    open.fill(0);
    for (let i = 0; i < count; i++) open[tree.stratumAt(nodeOrder.position(nodes[i]!))] = 1;
    return open;
  }

  /** Scores what is in the window and draws among the best. */
  #score(target: NodeClass, framework: Framework, list: Int32Array): void {
    const d = this.brute.decision;
    const { tree, strata } = target;
    const nodes = this.#nodes;
    const extra = this.#extra;
    d.scored = d.feasible;
    let count = 0;
    for (let s = 0; s < strata.count; s++) {
      if (this.#sizes[s] === 0) continue;
      nodes[count] = list[target.sampleOf(s)]!;
      this.#sizesOf[count] = this.#sizes[s]!;
      this.#strata[count++] = s;
    }
    extra.fill(0, 0, count);
    // Points of strata do not choose among nodes of one.
    if (count > 1 || this.explains) this.#addPoints(framework, count);
    let best = this.#bests[this.#strata[0]!]! + extra[0]!;
    for (let i = 1; i < count; i++) {
      const total = this.#bests[this.#strata[i]!]! + extra[i]!;
      if (total > best) best = total;
    }
    const aimed = this.#aimed;
    let ties = 0;
    let winning = 0;
    aimed.fill(NOTHING, 0, strata.count);
    for (let i = 0; i < count; i++) {
      const s = this.#strata[i]!;
      if (this.#bests[s]! + extra[i]! !== best) continue;
      ties += this.#tied[s]!;
      aimed[s] = this.#bests[s]!;
      this.#winners[winning++] = s;
    }
    const r = ties > 1 ? this.#ties.int(ties) : 0;
    const position = tree.isFlat
      ? tree.leaves.tiedAmong(r, aimed)
      : tree.tied(r, this.#parts, this.#winners, winning, aimed);
    d.ties = ties;
    d.total = best;
    d.node = list[position]!;
    if (this.explains) this.#explain(d, tree.stratumAt(position), count);
  }

  /** Adds what the first `count` strata of the list get as such. */
  #addPoints(framework: Framework, count: number): void {
    const { scorerSkipped } = this.brute.decision;
    const scorersOf = framework.score.length;
    while (this.#scores.length < scorersOf) this.#scores.push(new Int32Array(this.#nodes.length));
    const { points, scorers } = this.#upkeep.plan;
    scorerSkipped.fill(1, 0, scorersOf);
    for (let s = 0; s < scorers.length; s++) scorerSkipped[scorers[s]!.scorer] = 0;
    for (let i = 0; i < points.length; i++) {
      const part = points[i]!;
      if (this.#scoreStrata(part, count)) scorerSkipped[part.scorer] = 0;
    }
  }

  /** Points of one scorer to strata. False: it skips the attempt. */
  #scoreStrata(part: Part, count: number): boolean {
    const { plugin, weight } = part;
    const upkeep = this.#upkeep;
    const nodes = this.#nodes;
    const standing = this.#standing;
    standing.nodes = nodes;
    standing.sizes = this.#sizesOf;
    standing.count = count;
    let state = part.isLocal ? upkeep.stateOf(part) : undefined;
    if (!part.isLocal && part.preScores) {
      state =
        plugin.preScoreStrata !== undefined
          ? plugin.preScoreStrata(upkeep.pod, this.#cluster, this.#standing)
          : plugin.preScore!(upkeep.pod, this.#cluster, nodes, count);
      if (state === SKIP) return false;
    }
    const out = this.#scores[part.scorer]!;
    upkeep.score(part, state, nodes, count, out);
    plugin.normalize?.(out, count);
    for (let i = 0; i < count; i++) this.#extra[i]! += weight * out[i]!;
    return true;
  }

  /** What the chosen node got from whom. */
  #explain(d: Decision, stratum: number, count: number): void {
    let i = 0;
    while (i < count && this.#strata[i] !== stratum) i++;
    const upkeep = this.#upkeep;
    this.#one[0] = d.node;
    const { points, scorers } = upkeep.plan;
    for (const { scorer } of points) d.winnerScores[scorer] = this.#scores[scorer]![i]!;
    for (const part of scorers) {
      upkeep.score(part, upkeep.stateOf(part), this.#one, 1, this.#oneScore);
      d.winnerScores[part.scorer] = this.#oneScore[0]!;
    }
  }
}
