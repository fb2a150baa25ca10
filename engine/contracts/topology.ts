// How plug-ins count pods over nodes and over domains of nodes without looking at all of them: they name a selection of
// pods and a group of nodes once, and the scheduler's cache keeps the sums up as pods and nodes come and go. What is
// asked for again is there already; what nobody has asked for lately is forgotten and counted afresh at the next time.
//
// Sums are live: they follow the cache at once. Take the objects anew in each attempt; their arrays are replaced on
// growth.
import type { KubeObject } from '../kinds/kind.ts';
import type { PodTemplate } from '../state/index.ts';

/** Pods that no selection can tell apart. */
export interface PodClass {
  readonly namespace: string;
  readonly template: PodTemplate;
  /** Has a deletion timestamp. */
  readonly terminating: boolean;
}

export interface PodSelection {
  /** Selections with equal keys select the same pods, in every profile. */
  readonly key: string;
  /** The only namespace that it selects from; null: any. */
  readonly namespace: string | null;
  /** A label that every selected pod has; null: none is known. Spares looking at the other pods. */
  readonly label: readonly [key: string, value: string] | null;
  selects(pods: PodClass): boolean;
  /** Kept here by the view that was asked last, for the next time: keep the object, and leave this alone. */
  kept?: unknown;
}

/** Nodes that count, and the label that divides them into domains. Nodes without the label never count. */
export interface TopologyGroup {
  /** Groups with equal keys are the same, in every profile. */
  readonly key: string;
  readonly topologyKey: string;
  /** Depends on labels and taints of the node only; null: all nodes count. */
  readonly includes: ((node: number) => boolean) | null;
  /** As that of a selection. */
  kept?: unknown;
}

/** A topology key over all nodes. */
export interface TopologyDomains {
  /** By node: small number of its value of the key, -1: it has none. */
  readonly of: Int32Array;
  /** Numbers given so far. */
  readonly size: number;
  /** No two nodes share a value. */
  readonly isSingle: boolean;
}

/** Pods of a selection in the domains of a node group. */
export interface DomainCounts {
  readonly domains: TopologyDomains;
  /** By domain. Domains beyond the end have none. */
  readonly counts: Int32Array;
  /** By node: its domain, -1 if the node does not count. */
  readonly domainOf: Int32Array;
  /** By domain: nodes of the group. */
  readonly nodesOf: Int32Array;
  /** Domains with at least one node of the group. */
  readonly occupied: number;
  /** Pods on nodes that count. */
  readonly total: number;
  /** Least count among domains with a node of the group; Infinity: there are none. */
  minimum(): number;
}

export interface TopologyView {
  domains(topologyKey: string): TopologyDomains;
  /** Pods of the selection, by node. */
  perNode(selection: PodSelection): Int32Array;
  counts(selection: PodSelection, group: TopologyGroup): DomainCounts;
  /** Tells of each class of pods that counts on some node, now and later: the first pod has come, the last has left. */
  onClass(listener: (pods: PodClass, exists: boolean) => void): void;
}

/** What divides nodes in the eyes of a plug-in: nodes with equal values in all dimensions are all the same to it. */
export interface NodeDimensions {
  /** By node: values[node]. */
  by(values: Int32Array): void;
  /** By node: table[values[node]]; -1 where values[node] is negative, 0 beyond the end of the table. */
  through(values: Int32Array, table: Int32Array): void;
  /** By node: values[node] where domains[node] is not negative, else -1. */
  where(domains: Int32Array, values: Int32Array): void;
  /** By node: what the function says, an integer of 32 bits. */
  each(value: (node: number) => number): void;
}

/** nodes[i] stands for sizes[i] feasible nodes, itself included; entries 0..count-1. */
export interface NodeStrata {
  readonly nodes: Int32Array;
  readonly sizes: Int32Array;
  readonly count: number;
}

/** Objects besides nodes and pods that the scheduler watches, as its watches have passed them. */
export interface WatchedObjectsView {
  /** Objects of a kind in a namespace ('' for kinds without), in the order of their creation. */
  list(kind: string, namespace: string): readonly KubeObject[];
  get(kind: string, namespace: string, name: string): KubeObject | null;
  /** Grows with each change of anything. */
  readonly changes: number;
  /** Grows with each change of a kind in a namespace. */
  version(kind: string, namespace: string): number;
}
