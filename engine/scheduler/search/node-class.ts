// What is kept of nodes for one class of pods, and its upkeep: a class pulls the journal of node changes when one of its
// pods comes, and evaluates afresh the nodes whose change touches what its plug-ins read.
import type { PodView } from '../../contracts/scheduler.ts';
import { SKIP } from '../../contracts/scheduler.ts';
import { grownInt32 } from '../../kernel/index.ts';
import type { Journal, JournalCursor } from '../../state/journal.ts';
import { NodeCursor, type PodCursor } from '../views.ts';
import { filterEach, scoreEach } from './brute.ts';
import { ClassTree } from './class-tree.ts';
import type { AttemptFilters, SearchedCluster } from './filters.ts';
import { REJECTED, VALUE_MAX } from './leaves.ts';
import type { Part } from './signature.ts';
import { type Dimensions, packed, packedBits, StrataTable } from './strata.ts';

/** Nodes evaluated at a time when a class is built. */
const CHUNK = 1024;
const NO_NODES = new Int32Array(0);

/** The cluster as the index needs it. */
export interface IndexedCluster extends SearchedCluster {
  readonly journal: Journal;
}

export class NodeClass {
  readonly key: string;
  readonly tree = new ClassTree();
  readonly strata = new StrataTable();
  /** By stratum: a position at which a node of it was found last. */
  sample = new Int32Array(16);
  cursor: JournalCursor | null = null;
  /** Version of the node list that it was built on, -1. */
  order = -1;
  /** Forms of the dimensions that it was built on. */
  forms: number[] = [];
  /** Bits of NodeField. */
  reads = 0;
  /** Nodes that were looked at one by one since it was last valid: it is built when they would have paid for that. */
  spent = 0;
  /** Nodes that scans looked at beyond those that they were for: too many, and the tree gets branches. */
  scanned = 0;
  /** Number of the latest decision. */
  usedAt = 0;
  isDropped = false;

  constructor(key: string) {
    this.key = key;
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
  parts: readonly Part[] = [];
  /** Bits of the parts whose filter, and whose score, take part. */
  filtering = 0;
  scoring = 0;
  readonly #cluster: IndexedCluster;
  readonly #filters: AttemptFilters;
  readonly #view: NodeCursor;
  /** By plug-in instance: what preScore of local plug-ins handed over. */
  readonly #states: unknown[] = [];
  #list = new Int32Array(CHUNK);
  #work = new Int32Array(CHUNK);
  #totals = new Int32Array(CHUNK);
  #scores = new Int32Array(CHUNK);
  #raws: Int32Array[] = [];
  /** By node that passes: its tuple, packed. */
  #keys = new Int32Array(CHUNK);
  /** By node: its position and what was known of it, score and stratum. */
  #at = new Int32Array(CHUNK);
  #old = new Int32Array(CHUNK);
  #from = new Int32Array(CHUNK);
  /** Of what was brought near: it has to go somewhere. */
  #sum = 0;
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
    const { dimensions } = this;
    const n = nodeOrder.count;
    let width = dimensions.count;
    target.reads = 0;
    for (const part of this.parts) {
      if (((this.filtering | this.scoring) & part.bit) === 0) continue;
      target.reads |= part.plugin.reads;
      if (isRaw(part, this.scoring)) width += 1;
    }
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
      for (let i = 0; i < count; i++) this.#list[i] = list[from + i]!;
      if (!this.#evaluate(target, count)) return false;
    }
    target.order = nodeOrder.version;
    return true;
  }

  /** Evaluates the nodes that have changed. False: there are too many strata, or scores too large. */
  update(target: NodeClass): boolean {
    const { nodeOrder, journal } = this.#cluster;
    const cursor = target.cursor!;
    const { head } = journal;
    const from = cursor.position;
    if (from === head) return true;
    const rows = this.#cluster.columns.podCount.length;
    if (this.#met.length < rows) this.#met = grownInt32(this.#met, rows);
    this.#reserve(Math.min(head - from, rows));
    const list = this.#list;
    const positions = nodeOrder.positions();
    const changed = journal.changed(cursor, target.reads, this.#met, ++this.#pull, list);
    // Pods may still leave a node that has left the list.
    let count = 0;
    for (let i = 0; i < changed; i++) {
      const node = list[i]!;
      if (node < positions.length && positions[node]! >= 0) list[count++] = node;
    }
    if (count === 0 || this.#evaluate(target, count)) return true;
    target.order = -1;
    return false;
  }

  #reserve(count: number): void {
    if (this.#list.length >= count) return;
    const length = 2 * count;
    this.#list = new Int32Array(length);
    this.#work = new Int32Array(length);
    this.#totals = new Int32Array(length);
    this.#scores = new Int32Array(length);
    this.#raws = [];
    this.#keys = new Int32Array(length);
    this.#at = new Int32Array(length);
    this.#old = new Int32Array(length);
    this.#from = new Int32Array(length);
  }

  /** Evaluates #list[0..count) for the class. */
  #evaluate({ tree, strata }: NodeClass, count: number): boolean {
    const { nodeOrder, columns } = this.#cluster;
    const { dimensions } = this;
    const list = this.#list;
    const work = this.#work;
    const totals = this.#totals;
    const keys = this.#keys;
    const rows = columns.podCount.length;
    if (this.#verdicts.length < rows) this.#verdicts = new Int32Array(rows);
    tree.leaves.fetch(list, count, nodeOrder.positions(), this.#at, this.#old, this.#from, strata.count <= 1);
    for (let i = 0; i < count; i++) work[i] = list[i]!;
    let to = count;
    let raw = 0;
    for (const part of this.parts) {
      if (part.isLocal && (this.filtering & part.bit) !== 0 && to > 0) to = this.filter(part, work, to);
    }
    totals.fill(0, 0, to);
    keys.fill(0, 0, to);
    const bits = packedBits(strata.width);
    for (const part of this.parts) {
      if (!part.isLocal || (this.scoring & part.bit) === 0) continue;
      const isPlain = part.plugin.normalize === undefined;
      if (!isPlain && this.#raws.length === raw) this.#raws.push(new Int32Array(work.length));
      const out = isPlain ? this.#scores : this.#raws[raw++]!;
      this.score(part, this.#states[part.index], work, to, out);
      const { weight } = part;
      if (isPlain) for (let i = 0; i < to; i++) totals[i]! += weight * out[i]!;
      else for (let i = 0; i < to; i++) keys[i] = packed(keys[i]!, out[i]!, bits);
    }
    dimensions.pack(work, to, keys, bits);
    return this.#enter(tree, strata, count, to, raw);
  }

  /** Takes what has been found of #list[0..count) into the tree; those of #work[0..to) pass. */
  #enter(tree: ClassTree, strata: StrataTable, count: number, to: number, raw: number): boolean {
    const list = this.#list;
    const work = this.#work;
    const totals = this.#totals;
    const keys = this.#keys;
    const at = this.#at;
    const old = this.#old;
    const was = this.#from;
    const keyOf = strata.keys;
    this.#sum ^= tree.near(at, count);
    let passing = 0;
    for (let i = 0; i < count; i++) {
      const before = old[i]!;
      const from = was[i]!;
      let stratum = from;
      let after = REJECTED;
      if (passing < to && work[passing] === list[i]) {
        const key = keys[passing]!;
        if (key < 0 || keyOf[stratum] !== key) {
          stratum = this.#stratumOf(strata, list[i]!, passing, raw);
          if (stratum < 0) return false;
          tree.reserve(strata.count);
        }
        const total = totals[passing++]!;
        if (total <= REJECTED || total > VALUE_MAX) return false;
        after = total;
      }
      if (before !== after || from !== stratum) tree.set(at[i]!, before, from, after, stratum);
    }
    return true;
  }

  /** Stratum of a node whose raw scores are at `passing`; -1: there are too many. */
  #stratumOf(strata: StrataTable, node: number, passing: number, raw: number): number {
    const tuple = this.#tuple;
    for (let r = 0; r < raw; r++) tuple[r] = this.#raws[r]![passing]!;
    this.dimensions.write(node, tuple, raw);
    return strata.find(tuple, this.#keys[passing]!);
  }
}

/** A local plug-in whose scores are normalised over all nodes: its raw score is a dimension. */
export function isRaw(part: Part, scoring: number): boolean {
  return part.isLocal && (scoring & part.bit) !== 0 && part.plugin.normalize !== undefined;
}
