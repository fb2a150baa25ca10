// Sums of pods over nodes and domains, kept up incrementally: a pod that comes or goes touches only the selections that
// count it, a node that changes only its own entries. At most so many selections and node groups are kept; of more, the
// one asked for longest ago is forgotten. A forgotten one is counted again from the pods it selects, so forgetting costs
// time but never changes an answer.
import type {
  DomainCounts,
  PodClass,
  PodSelection,
  TopologyDomains,
  TopologyGroup,
  TopologyView,
} from '../contracts/topology.ts';
import { grownInt32 } from '../kernel/index.ts';
import type { PodClasses, PodClassRow, PodCounter } from './pod-classes.ts';

/** Bytes that all selections, or all groups, may take, if that leaves room for KEPT_MIN of them. */
const BYTES_MAX = 256 * 1024 * 1024;
const KEPT_MIN = 256;
const KEPT_MAX = 4096;

/** What the index reads of the cache. */
export interface IndexedNodes {
  readonly rows: number;
  /** The node is in the cluster. */
  isPresent(node: number): boolean;
  label(node: number, key: string): string | undefined;
  /** Node that a pod counts on. */
  nodeOfPod(pod: number): number;
}

class Domains implements TopologyDomains {
  of: Int32Array<ArrayBuffer>;
  readonly #ids = new Map<string, number>();
  /** By domain: nodes that have the value. */
  #nodes = new Int32Array(16);
  /** Domains of more than one node. */
  #shared = 0;

  constructor(rows: number) {
    this.of = new Int32Array(rows).fill(-1);
  }
  get size(): number {
    return this.#ids.size;
  }
  get isSingle(): boolean {
    return this.#shared === 0;
  }
  place(node: number, value: string | undefined): void {
    const before = this.of[node]!;
    const domain = value === undefined ? -1 : this.id(value);
    if (before === domain) return;
    this.of[node] = domain;
    if (before >= 0 && --this.#nodes[before]! === 1) this.#shared -= 1;
    if (domain < 0) return;
    if (domain >= this.#nodes.length) this.#nodes = grownTo(this.#nodes, domain);
    if (++this.#nodes[domain]! === 2) this.#shared += 1;
  }
  id(value: string): number {
    let id = this.#ids.get(value);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(value, id);
    }
    return id;
  }
}

/** What is kept, and can be forgotten. */
class Kept {
  /** The index that keeps it; null: forgotten. */
  keeper: TopologyIndex | null;
  /** Number of the question that it answered last. */
  usedAt = 0;

  constructor(keeper: TopologyIndex) {
    this.keeper = keeper;
  }
}

class Selection extends Kept implements PodCounter {
  readonly about: PodSelection;
  perNode: Int32Array<ArrayBuffer>;
  readonly sums: Sums[] = [];
  readonly classes = new Set<PodClassRow>();
  pods = 0;

  constructor(keeper: TopologyIndex, about: PodSelection, rows: number) {
    super(keeper);
    this.about = about;
    this.perNode = new Int32Array(rows);
  }
  add(node: number, sign: 1 | -1): void {
    this.perNode[node]! += sign;
    this.pods += sign;
    for (let i = 0; i < this.sums.length; i++) {
      const sum = this.sums[i]!;
      sum.add(sum.group.at[node]!, sign);
    }
  }
}

class Group extends Kept {
  readonly about: TopologyGroup;
  readonly domains: Domains;
  /** By node: domain, -1 if the node does not count. */
  at: Int32Array<ArrayBuffer>;
  /** By domain: nodes that count. */
  nodesOf = new Int32Array(16);
  occupied = 0;
  readonly sums: Sums[] = [];

  constructor(keeper: TopologyIndex, about: TopologyGroup, domains: Domains) {
    super(keeper);
    this.about = about;
    this.domains = domains;
    this.at = new Int32Array(domains.of.length).fill(-1);
  }

  /** A node joins (1) or leaves (-1) a domain. */
  move(domain: number, sign: 1 | -1): void {
    if (domain < 0) return;
    if (domain >= this.nodesOf.length) this.nodesOf = grownTo(this.nodesOf, domain);
    const nodes = this.nodesOf[domain]! + sign;
    this.nodesOf[domain] = nodes;
    if (sign === 1 && nodes === 1) {
      this.occupied += 1;
      for (const sum of this.sums) sum.appeared(domain);
    } else if (sign === -1 && nodes === 0) {
      this.occupied -= 1;
      for (const sum of this.sums) sum.vanished();
    }
  }
}

class Sums implements DomainCounts {
  readonly selection: Selection;
  readonly group: Group;
  counts: Int32Array<ArrayBuffer>;
  total = 0;
  /** Least count of an occupied domain; -1: to be found again. */
  #least = -1;

  constructor(selection: Selection, group: Group) {
    this.selection = selection;
    this.group = group;
    this.counts = new Int32Array(Math.max(16, group.domains.size));
  }

  get domains(): Domains {
    return this.group.domains;
  }
  get domainOf(): Int32Array {
    return this.group.at;
  }
  get nodesOf(): Int32Array {
    return this.group.nodesOf;
  }
  get occupied(): number {
    return this.group.occupied;
  }

  add(domain: number, amount: number): void {
    if (domain < 0 || amount === 0) return;
    if (domain >= this.counts.length) this.counts = grownTo(this.counts, domain);
    const old = this.counts[domain]!;
    this.counts[domain] = old + amount;
    this.total += amount;
    if (amount < 0) {
      // Before a node leaves its domain its pods are taken off, so the least may be that of a domain about to vanish:
      // vanished() then looks again.
      if (this.#least >= 0 && old + amount < this.#least) this.#least = old + amount;
    } else if (old === this.#least) this.#least = -1;
  }
  appeared(domain: number): void {
    const count = this.counts[domain] ?? 0;
    if (this.#least >= 0 && count < this.#least) this.#least = count;
  }
  vanished(): void {
    this.#least = -1;
  }

  minimum(): number {
    if (this.group.occupied === 0) return Number.POSITIVE_INFINITY;
    if (this.#least >= 0) return this.#least;
    let least = Number.POSITIVE_INFINITY;
    const { nodesOf } = this.group;
    for (let domain = 0; domain < nodesOf.length; domain++) {
      if (nodesOf[domain]! === 0) continue;
      const count = this.counts[domain] ?? 0;
      if (count < least) least = count;
    }
    this.#least = least;
    return least;
  }
}

export class TopologyIndex implements TopologyView {
  readonly #nodes: IndexedNodes;
  readonly #classes: PodClasses;
  readonly #domains = new Map<string, Domains>();
  #questions = 0;
  readonly #selections = new Map<string, Selection>();
  readonly #groups = new Map<string, Group>();
  /** Selections by where what they select is found (`homeOf`): a class asks those few that may mean it. */
  readonly #byHome = new Map<string, Set<Selection>>();

  readonly #keptMax: number;

  /** @param keptMax selections, and groups, that are kept at most */
  constructor(nodes: IndexedNodes, classes: PodClasses, keptMax = Number.POSITIVE_INFINITY) {
    this.#keptMax = keptMax;
    this.#nodes = nodes;
    this.#classes = classes;
    classes.listeners.push((pods, exists) => this.#classChanged(pods, exists));
  }

  #classChanged(pods: PodClassRow, exists: boolean): void {
    if (!exists) {
      for (const counter of pods.counters) if (counter instanceof Selection) counter.classes.delete(pods);
      return;
    }
    const { namespace, template } = pods;
    this.#offer('', pods);
    this.#offer(homeOf(namespace, null), pods);
    for (const label of Object.entries(template.labels)) this.#offer(homeOf(namespace, label), pods);
  }

  #offer(home: string, pods: PodClassRow): void {
    const selections = this.#byHome.get(home);
    if (selections === undefined) return;
    for (const selection of selections) if (selection.about.selects(pods)) attach(selection, pods);
  }

  onClass(listener: (pods: PodClass, exists: boolean) => void): void {
    for (const pods of this.#classes.all()) listener(pods, true);
    this.#classes.listeners.push(listener);
  }

  domains(topologyKey: string): Domains {
    let domains = this.#domains.get(topologyKey);
    if (domains === undefined) {
      domains = new Domains(this.#nodes.rows);
      this.#domains.set(topologyKey, domains);
      for (let node = 0; node < this.#nodes.rows; node++) {
        const value = this.#nodes.isPresent(node) ? this.#nodes.label(node, topologyKey) : undefined;
        domains.place(node, value);
      }
    }
    return domains;
  }

  perNode(selection: PodSelection): Int32Array {
    return this.#selection(selection).perNode;
  }

  counts(selection: PodSelection, group: TopologyGroup): DomainCounts {
    const own = this.#selection(selection);
    const nodes = this.#group(group);
    for (let i = 0; i < own.sums.length; i++) if (own.sums[i]!.group === nodes) return own.sums[i]!;
    return this.#sum(own, nodes);
  }

  #sum(own: Selection, nodes: Group): Sums {
    const sum = new Sums(own, nodes);
    if (own.pods < nodes.at.length) {
      for (const pods of own.classes)
        this.#classes.forEachPod(pods, (pod) => sum.add(nodes.at[this.#nodes.nodeOfPod(pod)]!, 1));
    } else {
      for (let node = 0; node < nodes.at.length; node++) sum.add(nodes.at[node]!, own.perNode[node]!);
    }
    own.sums.push(sum);
    nodes.sums.push(sum);
    return sum;
  }

  /** A node joined, left, or changed its labels or taints. */
  nodeChanged(node: number): void {
    const present = this.#nodes.isPresent(node);
    for (const [key, domains] of this.#domains) {
      domains.place(node, present ? this.#nodes.label(node, key) : undefined);
    }
    for (const group of this.#groups.values()) {
      const before = group.at[node]!;
      const after = place(group, node);
      if (before === after) continue;
      group.at[node] = after;
      for (const sum of group.sums) sum.add(before, -sum.selection.perNode[node]!);
      group.move(before, -1);
      group.move(after, 1);
      for (const sum of group.sums) sum.add(after, sum.selection.perNode[node]!);
    }
  }

  /** The node table has grown. */
  reserve(rows: number): void {
    for (const domains of this.#domains.values()) domains.of = grownNodes(domains.of, rows);
    for (const group of this.#groups.values()) group.at = grownNodes(group.at, rows);
    for (const selection of this.#selections.values())
      selection.perNode = grownInt32(selection.perNode, rows);
  }

  #selection(about: PodSelection): Selection {
    const { kept, key } = about;
    const selection = kept instanceof Selection && kept.keeper === this ? kept : this.#selections.get(key);
    if (selection !== undefined) {
      about.kept = selection;
      selection.usedAt = ++this.#questions;
      return selection;
    }
    return this.#select(about);
  }

  #select(about: PodSelection): Selection {
    if (this.#selections.size >= this.#kept) this.#forgetSelection();
    const selection = new Selection(this, about, this.#nodes.rows);
    selection.usedAt = ++this.#questions;
    about.kept = selection;
    const { namespace, label } = about;
    const candidates = namespace === null ? this.#classes.all() : this.#classes.in(namespace, label);
    for (const pods of candidates) {
      if (!about.selects(pods)) continue;
      attach(selection, pods);
      this.#classes.forEachPod(pods, (pod) => {
        selection.add(this.#nodes.nodeOfPod(pod), 1);
      });
    }
    this.#selections.set(about.key, selection);
    const home = homeOf(namespace, label);
    const own = this.#byHome.get(home);
    if (own === undefined) this.#byHome.set(home, new Set([selection]));
    else own.add(selection);
    return selection;
  }

  #group(about: TopologyGroup): Group {
    const { kept, key } = about;
    let group = kept instanceof Group && kept.keeper === this ? kept : this.#groups.get(key);
    if (group !== undefined) {
      about.kept = group;
      group.usedAt = ++this.#questions;
      return group;
    }
    if (this.#groups.size >= this.#kept) this.#forgetGroup();
    group = new Group(this, about, this.domains(about.topologyKey));
    group.usedAt = ++this.#questions;
    about.kept = group;
    const { at } = group;
    for (let node = 0; node < at.length; node++) {
      const domain = place(group, node);
      at[node] = domain;
      group.move(domain, 1);
    }
    this.#groups.set(key, group);
    return group;
  }

  get #kept(): number {
    const affordable = Math.floor(BYTES_MAX / (this.#nodes.rows * 4));
    return Math.min(this.#keptMax, Math.max(KEPT_MIN, Math.min(KEPT_MAX, affordable)));
  }

  #forgetSelection(): void {
    const selection = oldest(this.#selections);
    selection.keeper = null;
    this.#selections.delete(selection.about.key);
    const home = homeOf(selection.about.namespace, selection.about.label);
    const own = this.#byHome.get(home)!;
    own.delete(selection);
    if (own.size === 0) this.#byHome.delete(home);
    for (const pods of selection.classes) without(pods.counters, selection);
    for (const sum of selection.sums) without(sum.group.sums, sum);
  }

  #forgetGroup(): void {
    const group = oldest(this.#groups);
    group.keeper = null;
    this.#groups.delete(group.about.key);
    for (const sum of group.sums) without(sum.selection.sums, sum);
  }
}

/** Of all namespaces; of one; of one by a label that all the pods have. */
const homeOf = (namespace: string | null, label: readonly [string, string] | null): string =>
  namespace === null ? '' : label === null ? namespace : `${namespace}\n${label[0]}\n${label[1]}`;

/** The one asked for longest ago. */
function oldest<T extends Kept>(kept: ReadonlyMap<string, T>): T {
  let found: T | null = null;
  for (const each of kept.values()) if (found === null || each.usedAt < found.usedAt) found = each;
  return found!;
}

function attach(selection: Selection, pods: PodClassRow): void {
  selection.classes.add(pods);
  pods.counters.push(selection);
}

function place({ about, domains }: Group, node: number): number {
  const domain = domains.of[node]!;
  return domain < 0 || (about.includes !== null && !about.includes(node)) ? -1 : domain;
}

function without<T>(list: T[], item: T): void {
  list[list.indexOf(item)] = list[list.length - 1]!;
  list.pop();
}

function grownTo(array: Int32Array, index: number): Int32Array<ArrayBuffer> {
  let length = array.length;
  while (index >= length) length *= 2;
  return grownInt32(array, length);
}

function grownNodes(array: Int32Array, rows: number): Int32Array<ArrayBuffer> {
  return rows <= array.length
    ? grownInt32(array, array.length)
    : grownInt32(array, rows).fill(-1, array.length);
}
