// "What if?": decides about a pod again with one thing changed, on the cluster as it is, and puts everything back. A
// hint is only ever given because such a decision came out well.
import type { Stream } from '../../kernel/index.ts';
import { materialisePod } from '../../kinds/ingest/materialise.ts';
import type { KubeObject } from '../../kinds/kind.ts';
import type { ClusterState, Taint } from '../../state/index.ts';
import type { SchedulerCache } from '../cache.ts';
import type { Extenders } from '../extenders.ts';
import type { Framework, Verdicts } from '../framework.ts';
import { BruteSearch } from '../search/brute.ts';
import type { Decision } from '../search/decision.ts';
import { PodCursor } from '../views.ts';

/** Where the pod would go. */
export interface Fit {
  readonly node: string;
  readonly nodes: number;
}

export interface WhatIfOptions {
  readonly state: ClusterState;
  readonly cache: SchedulerCache;
  readonly verdicts: Verdicts;
  readonly framework: Framework;
  /** Never decides anything that is told: the best node is the first by name. */
  readonly ties: Stream;
  /** The pod that fits nowhere. */
  readonly pod: number;
  readonly extenders: Extenders | null;
  /** A row for another pod. */
  readonly rowOf: (object: KubeObject) => number;
}

/** What a node may be tried with. */
export interface NodeChange {
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
}

export class WhatIf {
  readonly state: ClusterState;
  readonly cache: SchedulerCache;
  readonly verdicts: Verdicts;
  readonly pod: number;
  /** The pod as stored. */
  readonly object: KubeObject;
  readonly search: BruteSearch;
  readonly #framework: Framework;
  readonly #filtersOnly: Framework;
  readonly #cursor: PodCursor;
  readonly #rowOf: (object: KubeObject) => number;

  constructor(options: WhatIfOptions) {
    const { state, cache, verdicts, framework, ties, pod, rowOf } = options;
    this.state = state;
    this.cache = cache;
    this.verdicts = verdicts;
    this.pod = pod;
    this.object = materialisePod(state, pod);
    this.search = new BruteSearch(cache, verdicts, ties);
    this.search.extenders = options.extenders;
    this.#framework = framework;
    this.#filtersOnly = { ...framework, preScore: [], score: [], weights: [] };
    this.#cursor = new PodCursor(state);
    this.#rowOf = rowOf;
  }

  /** The pod with a spec changed in place. */
  variant(change: (spec: KubeObject['spec']) => void): number {
    const copy = structuredClone(this.object);
    change(copy['spec']);
    return this.#rowOf(copy);
  }

  /** Filters only: the nodes that pass, in the order of the search, valid until the next question. */
  passing(pod: number = this.pod): Int32Array {
    const d = this.#select(pod, this.#filtersOnly);
    return d === null ? new Int32Array(0) : d.feasibleNodes.subarray(0, d.feasible);
  }

  /** The whole decision. null: the pod fits nowhere. Among equal nodes the first by name. */
  fit(pod: number = this.pod): Fit | null {
    const d = this.#select(pod, this.#framework);
    if (d === null || d.feasible === 0) return null;
    let best = -1;
    let bestName = '';
    for (let i = 0; i < d.feasible; i++) {
      const name = this.state.nodeName(d.feasibleNodes[i]!);
      const lead = best < 0 ? 1 : d.scored === 0 ? 0 : d.totals[i]! - d.totals[best]!;
      if (lead < 0 || (lead === 0 && name > bestName)) continue;
      best = i;
      bestName = name;
    }
    return { node: bestName, nodes: d.feasible };
  }

  /** Asks with a node changed. */
  withNode<T>(node: number, change: NodeChange, ask: () => T): T {
    const { nodes, labels } = this.state;
    const was = {
      labelSet: nodes.labelSet[node]!,
      taints: nodes.taints[node]!,
      unschedulable: nodes.unschedulable[node]!,
    };
    const order = [...this.cache.nodeOrder.list().subarray(0, this.cache.nodeCount)];
    if (change.labels !== undefined) nodes.labelSet[node] = labels.intern({ ...change.labels });
    if (change.taints !== undefined) nodes.taints[node] = change.taints;
    if (change.unschedulable !== undefined) nodes.unschedulable[node] = change.unschedulable ? 1 : 0;
    this.cache.nodeChanged(node);
    try {
      return ask();
    } finally {
      nodes.labelSet[node] = was.labelSet;
      nodes.taints[node] = was.taints;
      nodes.unschedulable[node] = was.unschedulable;
      this.cache.nodeChanged(node);
      if (change.labels !== undefined) this.#reorder(order);
    }
  }

  /** Asks with a pod gone from its node. */
  without<T>(victim: number, ask: () => T): T {
    const node = this.cache.removePod(victim);
    try {
      return ask();
    } finally {
      this.cache.addPod(victim, node, this.state.template(victim));
    }
  }

  /** A promise that the pod itself holds must not stand in the way of its variants. */
  alone<T>(ask: () => T): T {
    const nominated = this.cache.nominations.clear(this.pod);
    try {
      return ask();
    } finally {
      if (nominated >= 0) this.cache.nominations.set(this.pod, nominated);
    }
  }

  #select(pod: number, framework: Framework): Decision | null {
    const cursor = this.#cursor.at(pod);
    for (const { plugin } of framework.preEnqueue) if (plugin.preEnqueue!(cursor) !== 0) return null;
    return this.search.select(cursor, framework, true);
  }

  /** A node whose zone was changed and changed back would otherwise stand last in its zone. */
  #reorder(order: readonly number[]): void {
    const { nodeOrder } = this.cache;
    const now = nodeOrder.list();
    if (order.every((node, i) => now[i] === node)) return;
    const zones = order.map((node) => nodeOrder.zoneOf(node));
    for (const node of order) nodeOrder.remove(node);
    for (const [i, node] of order.entries()) nodeOrder.add(node, zones[i]!);
  }
}
