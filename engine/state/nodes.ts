// The node table: one row a node, never reused, so that a node's index is its identity for the whole run. Numbers are
// columns; labels, taints and images are interned or shared lists.
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { LabelSets, Labels } from './labels.ts';

export type NodeId = number & { readonly __nodeId: unique symbol };

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** status.conditions as far as the tables hold them apart; `none`: no condition Ready was ever posted. */
export const NodeReady = { false: 0, true: 1, unknown: 2, none: 3 } as const;
export type NodeReady = (typeof NodeReady)[keyof typeof NodeReady];

export const LABEL_HOSTNAME = 'kubernetes.io/hostname';
export const LABEL_ZONE = 'topology.kubernetes.io/zone';
export const LABEL_REGION = 'topology.kubernetes.io/region';
const LABEL_ZONE_BETA = 'failure-domain.beta.kubernetes.io/zone';
const LABEL_REGION_BETA = 'failure-domain.beta.kubernetes.io/region';

export interface NewNode {
  readonly name: string;
  /** Labels without the hostname label where that equals the name, so that equal nodes share one set. */
  readonly labelSet: number;
  readonly hostnameLabel: boolean;
  /** Exact integers: millicores, bytes, bytes, count. */
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralBytes: number;
  readonly podsMax: number;
  /** Extended resources: [resource id, amount]. */
  readonly scalars: readonly (readonly [number, number])[];
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly ready: NodeReady;
  /** Image ids present at the start. */
  readonly images: readonly number[];
  readonly addedUs: number;
  readonly revision: number;
  /** The Node without metadata.name, shared by equal nodes. */
  readonly object: KubeObject;
}

const MIN_CAPACITY = 64;
const NO_TAINTS: readonly Taint[] = Object.freeze([]);
const NO_SCALARS: readonly (readonly [number, number])[] = Object.freeze([]);

/** status.volumesAttached and status.volumesInUse: names of PersistentVolumes; replaced, never changed in place. */
export interface NodeVolumes {
  attached: readonly string[];
  inUse: readonly string[];
}

const NO_VOLUMES: readonly string[] = Object.freeze([]);

export class NodeTable {
  cpuMilli = new Float64Array(MIN_CAPACITY);
  memoryBytes = new Float64Array(MIN_CAPACITY);
  ephemeralBytes = new Float64Array(MIN_CAPACITY);
  podsMax = new Float64Array(MIN_CAPACITY);
  labelSet = new Int32Array(MIN_CAPACITY);
  hostnameLabel = new Uint8Array(MIN_CAPACITY);
  unschedulable = new Uint8Array(MIN_CAPACITY);
  /** NodeReady. */
  ready = new Uint8Array(MIN_CAPACITY);
  removed = new Uint8Array(MIN_CAPACITY);
  revision = new Float64Array(MIN_CAPACITY);
  addedUs = new Float64Array(MIN_CAPACITY);
  // Sums over bound pods that have not ended, kept by the writes of the API server.
  podCount = new Int32Array(MIN_CAPACITY);
  cpuRequested = new Float64Array(MIN_CAPACITY);
  memoryRequested = new Float64Array(MIN_CAPACITY);

  readonly name: string[] = [];
  readonly taints: (readonly Taint[])[] = [];
  readonly scalars: (readonly (readonly [number, number])[])[] = [];
  /** Image ids in node.status.images; replaced, never changed in place. */
  readonly images: (readonly number[])[] = [];
  readonly object: KubeObject[] = [];
  /** status.conditions as last written; null: as the object says. */
  readonly conditions: (readonly Json[] | null)[] = [];

  readonly #volumes = new Map<number, NodeVolumes>();

  /** Rows ever used. */
  used = 0;
  /** Nodes in etcd. */
  live = 0;
  readonly #byName = new Map<string, NodeId>();
  readonly #labels: LabelSets;

  constructor(labels: LabelSets) {
    this.#labels = labels;
  }

  /** What the node's status says of volumes; made at the first question. */
  volumes(node: number): NodeVolumes {
    let volumes = this.#volumes.get(node);
    if (volumes === undefined) {
      volumes = { attached: NO_VOLUMES, inUse: NO_VOLUMES };
      this.#volumes.set(node, volumes);
    }
    return volumes;
  }

  /** The same, null where nothing was ever said. */
  knownVolumes(node: number): NodeVolumes | null {
    return this.#volumes.size === 0 ? null : (this.#volumes.get(node) ?? null);
  }

  add(node: NewNode): NodeId {
    const id = this.used++ as NodeId;
    if (id >= this.cpuMilli.length) this.#grow(id + 1);
    this.cpuMilli[id] = node.cpuMilli;
    this.memoryBytes[id] = node.memoryBytes;
    this.ephemeralBytes[id] = node.ephemeralBytes;
    this.podsMax[id] = node.podsMax;
    this.labelSet[id] = node.labelSet;
    this.hostnameLabel[id] = node.hostnameLabel ? 1 : 0;
    this.unschedulable[id] = node.unschedulable ? 1 : 0;
    this.ready[id] = node.ready;
    this.conditions.push(null);
    this.revision[id] = node.revision;
    this.addedUs[id] = node.addedUs;
    this.name.push(node.name);
    this.taints.push(node.taints.length === 0 ? NO_TAINTS : node.taints);
    this.scalars.push(node.scalars.length === 0 ? NO_SCALARS : node.scalars);
    this.images.push(node.images);
    this.object.push(node.object);
    this.#byName.set(node.name, id);
    this.live += 1;
    return id;
  }

  /** What a write changed of a node that exists: everything but its name, its images and when it came. */
  replace(id: number, node: Omit<NewNode, 'name' | 'addedUs' | 'images' | 'revision'>): void {
    this.cpuMilli[id] = node.cpuMilli;
    this.memoryBytes[id] = node.memoryBytes;
    this.ephemeralBytes[id] = node.ephemeralBytes;
    this.podsMax[id] = node.podsMax;
    this.labelSet[id] = node.labelSet;
    this.hostnameLabel[id] = node.hostnameLabel ? 1 : 0;
    this.unschedulable[id] = node.unschedulable ? 1 : 0;
    this.ready[id] = node.ready;
    this.taints[id] = node.taints.length === 0 ? NO_TAINTS : node.taints;
    this.scalars[id] = node.scalars.length === 0 ? NO_SCALARS : node.scalars;
    this.object[id] = node.object;
  }

  remove(node: NodeId): void {
    this.removed[node] = 1;
    this.live -= 1;
    this.#byName.delete(this.name[node]!);
  }

  /** Row of the live node with that name, or -1. */
  find(name: string): NodeId | -1 {
    return this.#byName.get(name) ?? -1;
  }

  label(node: number, key: string): string | undefined {
    if (key === LABEL_HOSTNAME && this.hostnameLabel[node] === 1) return this.name[node];
    return this.#labels.get(this.labelSet[node]!)[key];
  }

  /** All labels, the hostname's included. Allocates: not for hot paths. */
  labels(node: number): Labels {
    const base = this.#labels.get(this.labelSet[node]!);
    return this.hostnameLabel[node] === 1 ? { ...base, [LABEL_HOSTNAME]: this.name[node]! } : base;
  }

  zone(node: number): string {
    return this.label(node, LABEL_ZONE) ?? this.label(node, LABEL_ZONE_BETA) ?? '';
  }

  region(node: number): string {
    return this.label(node, LABEL_REGION) ?? this.label(node, LABEL_REGION_BETA) ?? '';
  }

  /** Amount of an extended resource, 0 if the node has none. */
  scalar(node: number, resource: number): number {
    for (const [id, amount] of this.scalars[node]!) if (id === resource) return amount;
    return 0;
  }

  #grow(needed: number): void {
    let size = this.cpuMilli.length;
    while (size < needed) size *= 2;
    const f64 = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(size);
      grown.set(old);
      return grown;
    };
    const i32 = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(size);
      grown.set(old);
      return grown;
    };
    const u8 = (old: Uint8Array): Uint8Array<ArrayBuffer> => {
      const grown = new Uint8Array(size);
      grown.set(old);
      return grown;
    };
    this.cpuMilli = f64(this.cpuMilli);
    this.memoryBytes = f64(this.memoryBytes);
    this.ephemeralBytes = f64(this.ephemeralBytes);
    this.podsMax = f64(this.podsMax);
    this.revision = f64(this.revision);
    this.addedUs = f64(this.addedUs);
    this.cpuRequested = f64(this.cpuRequested);
    this.memoryRequested = f64(this.memoryRequested);
    this.labelSet = i32(this.labelSet);
    this.podCount = i32(this.podCount);
    this.hostnameLabel = u8(this.hostnameLabel);
    this.unschedulable = u8(this.unschedulable);
    this.ready = u8(this.ready);
    this.removed = u8(this.removed);
  }
}
