// What is kept of nodes for one class of pods, and its upkeep: a class pulls the journal of node changes when one of its
// pods comes, and evaluates afresh the nodes whose change touches what its plug-ins read.
import type { PodView } from '../../contracts/scheduler.ts';
import { SKIP } from '../../contracts/scheduler.ts';
import { grownInt32 } from '../../kernel/index.ts';
import type { Journal, JournalCursor } from '../../state/journal.ts';
import { NodeCursor, type PodCursor } from '../views.ts';
import { filterEach, scoreEach } from './brute.ts';
import { ClassTree } from './class-tree.ts';
import { leafOf, REJECTED, stratumOf, VALUE_MAX } from './entries.ts';
import type { AttemptFilters, SearchedCluster } from './filters.ts';
import type { LeafPages } from './leaf-pages.ts';
import type { Part, Plan } from './plan.ts';
import { type Dimensions, packed, packedBits, StrataTable } from './strata.ts';

/** Nodes evaluated at a time when a class is built. */
const CHUNK = 1024;
const NO_NODES = new Int32Array(0);
/** Nodes have keys of their own. A tuple that has no room in a key has a negative one too. */
const NO_KEY = -2;

/** The cluster as the index needs it. */
export interface IndexedCluster extends SearchedCluster {
  readonly journal: Journal;
}

export class NodeClass {
  readonly key: string;
  readonly tree: ClassTree;
  readonly strata = new StrataTable();
  /** By stratum: a position at which a node of it was found last. */
  sample = new Int32Array(16);
  cursor: JournalCursor | null = null;
  /** Version of the node list that it was built on, -1. */
  order = -1;
  /** Forms of the dimensions that it was built on. */
  forms: number[] = [];
  /** Nodes that were looked at one by one since it was last valid: it is built when they would have paid for that. */
  spent = 0;
  /** Nodes that scans looked at beyond those that they were for: too many, and the tree gets branches. */
  scanned = 0;
  /** Number of the latest decision. */
  usedAt = 0;
  isDropped = false;

  constructor(key: string, pages: LeafPages) {
    this.key = key;
    this.tree = new ClassTree(pages);
  }

  isValid(order: number, dimensions: Dimensions): boolean {
    if (this.order !== order || this.cursor === null || this.forms.length !== dimensions.count) return false;
    for (let i = 0; i < this.forms.length; i++) if (this.forms[i] !== dimensions.forms[i]) return false;
    return true;
  }

  /** Position of a feasible node of a stratum that has one. */
  sampleOf(stratum: number): number {
    const { tree } = this;
    const known = this.sample[stratum]!;
    if (tree.leaves.isOf(known, stratum)) return known;
    const position = tree.someOf(stratum, known);
    this.sample[stratum] = position;
    return position;
  }
}

/** One attempt, as classes are brought up to date for it. */
export class Upkeep {
  readonly dimensions;
  pod!: PodCursor;
  plan!: Plan;
  readonly #cluster: IndexedCluster;
  readonly #filters: AttemptFilters;
  readonly #view: NodeCursor;
  /** By plug-in instance: what preScore of local plug-ins handed over. */
  readonly #states: unknown[] = [];
  /** Nodes; behind filters those that pass. */
  #work = new Int32Array(CHUNK);
  #totals = new Int32Array(CHUNK);
  #scores = new Int32Array(CHUNK);
  #raws: Int32Array[] = [];
  /** By raw score: it is the same for all nodes, and this. */
  #isSame = new Uint8Array(32);
  #same = new Int32Array(32);
  /** By node that passes: its tuple, packed. */
  #keys = new Int32Array(CHUNK);
  /** By node: its position, and its leaf as it was. */
  #at = new Int32Array(CHUNK);
  #old = new Int32Array(CHUNK);
  #verdicts = new Int32Array(64);
  #tuple = new Int32Array(64);
  /** By node: number of the pull in which it was met. */
  #met = new Int32Array(64);
  #pull = 0;

  constructor(cluster: IndexedCluster, filters: AttemptFilters, dimensions: Dimensions) {
    this.#cluster = cluster;
    this.#filters = filters;
    this.#view = new NodeCursor(cluster);
    this.dimensions = dimensions;
  }

  /** preScore of a local plug-in, which cannot depend on the nodes. False: it skips the attempt. */
  prepare(pod: PodView, { index, plugin, preScores }: Part): boolean {
    const state = preScores ? plugin.preScore!(pod, this.#cluster, NO_NODES, 0) : undefined;
    if (state === SKIP) return false;
    this.#states[index] = state;
    return true;
  }

  /** Scores of nodes by one scorer with its state. */
  score(part: Part, state: unknown, nodes: Int32Array, count: number, out: Int32Array): void {
    const { plugin } = part;
    if (plugin.scoreBatch !== undefined) plugin.scoreBatch(this.pod, this.#cluster, nodes, count, state, out);
    else scoreEach(plugin, this.pod, this.#view, nodes, count, state, out);
  }
  stateOf(part: Part): unknown {
    return this.#states[part.index];
  }
  filter(part: Part, nodes: Int32Array, count: number): number {
    const { index, plugin } = part;
    const rows = this.#cluster.columns.podCount.length;
    if (this.#verdicts.length < rows) this.#verdicts = new Int32Array(rows);
    const state = this.#filters.state(index);
    return plugin.filterBatch !== undefined
      ? plugin.filterBatch(this.pod, this.#cluster, nodes, 0, count, state, this.#verdicts)
      : filterEach(plugin, this.pod, this.#view, nodes, 0, count, state, this.#verdicts);
  }

  /** Evaluates all nodes. `scans`: decisions will be made by scanning. False: there are too many strata, or scores too large. */
  build(target: NodeClass, scans: boolean): boolean {
    const { nodeOrder, journal } = this.#cluster;
    const { dimensions, plan } = this;
    const n = nodeOrder.count;
    const width = dimensions.count + plan.raws.length;
    if (this.#tuple.length < width) this.#tuple = new Int32Array(2 * width);
    target.tree.reset(n, scans);
    target.strata.reset(width);
    target.forms = dimensions.forms.slice(0, dimensions.count);
    if (target.cursor === null) target.cursor = journal.open();
    target.cursor.position = journal.head;
    target.order = -1;
    target.scanned = 0;
    const list = nodeOrder.list();
    this.#reserve(CHUNK);
    for (let from = 0; from < n; from += CHUNK) {
      const count = Math.min(CHUNK, n - from);
      for (let i = 0; i < count; i++) {
        this.#at[i] = from + i;
        this.#work[i] = list[from + i]!;
      }
      if (!this.#evaluate(target, count)) return false;
    }
    target.order = nodeOrder.version;
    return true;
  }

  /** Evaluates the nodes that have changed. False: there are too many strata, or scores too large. */
  update(target: NodeClass): boolean {
    const { nodeOrder, journal } = this.#cluster;
    const cursor = target.cursor!;
    const behind = journal.head - cursor.position;
    if (behind === 0) return true;
    const rows = this.#cluster.columns.podCount.length;
    if (this.#met.length < rows) this.#met = grownInt32(this.#met, rows);
    // An entry may be written behind the last one that counts.
    this.#reserve(Math.min(behind, rows) + 1);
    const work = this.#work;
    const at = this.#at;
    const positions = nodeOrder.positions();
    const changed = journal.changed(cursor, this.plan.reads, this.#met, ++this.#pull, work);
    // Pods may still leave a node that has left the list.
    let count = 0;
    for (let i = 0; i < changed; i++) {
      const node = work[i]!;
      const position = node < positions.length ? positions[node]! : -1;
      if (position < 0) continue;
      at[count] = position;
      work[count++] = node;
    }
    if (count === 0 || this.#evaluate(target, count)) return true;
    target.order = -1;
    return false;
  }

  #reserve(count: number): void {
    if (this.#work.length >= count) return;
    const length = 2 * count;
    this.#work = new Int32Array(length);
    this.#totals = new Int32Array(length);
    this.#scores = new Int32Array(length);
    this.#raws = [];
    this.#keys = new Int32Array(length);
    this.#at = new Int32Array(length);
    this.#old = new Int32Array(length);
  }

  /** Evaluates #work[0..count), which are at positions #at, for the class. */
  #evaluate({ tree, strata }: NodeClass, count: number): boolean {
    const { plan } = this;
    const work = this.#work;
    let to = count;
    for (let f = 0; f < plan.filters.length && to > 0; f++) to = this.filter(plan.filters[f]!, work, to);
    if (!this.#addUp(to)) return false;
    const bits = packedBits(strata.width);
    const key = this.#pack(to, bits);
    if (key >= 0 && to === count && tree.isUniform && strata.keys[0] === key) {
      tree.rescore(this.#at, this.#totals, count, this.#old);
      return true;
    }
    if (key !== NO_KEY) this.#keys.fill(key, 0, to);
    tree.leaves.fetch(this.#at, count, this.#old);
    return this.#enter(tree, strata, count, to);
  }

  /** Scores of #work[0..to) that count as they are. False: one is too large. */
  #addUp(to: number): boolean {
    const { scorers } = this.plan;
    const work = this.#work;
    const totals = this.#totals;
    let added = 0;
    for (let s = 0; s < scorers.length; s++) {
      const part = scorers[s]!;
      const { weight } = part;
      if (this.#uniform(part) === 0) continue;
      const out = added === 0 ? totals : this.#scores;
      this.score(part, this.#states[part.index], work, to, out);
      if (added++ > 0) for (let i = 0; i < to; i++) totals[i]! += weight * out[i]!;
      else if (weight !== 1) for (let i = 0; i < to; i++) totals[i]! *= weight;
    }
    if (added === 0) totals.fill(0, 0, to);
    // Negative once one of the differences is.
    let room = 0;
    for (let i = 0; i < to; i++) room |= (totals[i]! - REJECTED - 1) | (VALUE_MAX - totals[i]!);
    return room >= 0;
  }

  /** Score of all nodes; null: they may differ. */
  #uniform(part: Part): number | null {
    if (!part.tellsUniform) return null;
    return part.plugin.uniform!(this.pod, this.#cluster, this.#states[part.index]);
  }

  /** Packs the tuples of #work[0..to): the key of all of them, or NO_KEY where they may differ: then they are in #keys. */
  #pack(to: number, bits: number): number {
    const { raws } = this.plan;
    const { dimensions } = this;
    const work = this.#work;
    const keys = this.#keys;
    let key = 0;
    let isOne = true;
    for (let r = 0; r < raws.length; r++) {
      const part = raws[r]!;
      const same = this.#uniform(part);
      this.#isSame[r] = same === null ? 0 : 1;
      if (same !== null) {
        this.#same[r] = same;
        if (isOne) key = packed(key, same, bits);
        else for (let i = 0; i < to; i++) keys[i] = packed(keys[i]!, same, bits);
        continue;
      }
      while (this.#raws.length <= r) this.#raws.push(new Int32Array(work.length));
      const out = this.#raws[r]!;
      this.score(part, this.#states[part.index], work, to, out);
      if (isOne) keys.fill(key, 0, to);
      isOne = false;
      for (let i = 0; i < to; i++) keys[i] = packed(keys[i]!, out[i]!, bits);
    }
    if (isOne && dimensions.count === 0) return key;
    if (isOne) keys.fill(key, 0, to);
    dimensions.pack(work, to, keys, bits);
    return NO_KEY;
  }

  /** Takes what has been found of the nodes at #at[0..count) into the tree; those of #work[0..to) pass. */
  #enter(tree: ClassTree, strata: StrataTable, count: number, to: number): boolean {
    const list = this.#cluster.nodeOrder.list();
    const work = this.#work;
    const totals = this.#totals;
    const keys = this.#keys;
    const at = this.#at;
    const old = this.#old;
    const keyOf = strata.keys;
    let passing = 0;
    for (let i = 0; i < count; i++) {
      const before = old[i]!;
      let stratum = stratumOf(before);
      let value = REJECTED;
      const node = list[at[i]!]!;
      if (passing < to && work[passing] === node) {
        const key = keys[passing]!;
        if (key < 0 || keyOf[stratum] !== key) {
          stratum = this.#stratumOf(strata, node, passing);
          if (stratum < 0) return false;
          tree.reserve(strata.count);
        }
        value = totals[passing++]!;
      }
      const after = leafOf(value, stratum);
      if (before !== after) tree.set(at[i]!, before, after);
    }
    return true;
  }

  /** Stratum of a node whose raw scores are at `passing`; -1: there are too many. */
  #stratumOf(strata: StrataTable, node: number, passing: number): number {
    const tuple = this.#tuple;
    const { length } = this.plan.raws;
    for (let r = 0; r < length; r++)
      tuple[r] = this.#isSame[r] === 1 ? this.#same[r]! : this.#raws[r]![passing]!;
    this.dimensions.write(node, tuple, length);
    return strata.find(tuple, this.#keys[passing]!);
  }
}
