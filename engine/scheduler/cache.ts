// The scheduler's own view of the cluster: folded from its watches of nodes and pods, plus the pods it has assumed. An
// attempt runs at one virtual instant, so this cache is also the snapshot that upstream takes before each attempt.
//
// What a node has is read from the node table when the watch delivers the change. Two changes of one node within the
// watch's delay (a millisecond) therefore show together; everything about pods is exactly as the watch has passed it.
import type { ClusterView, NodeBefore } from '../contracts/scheduler.ts';
import { ClusterEvent, NodeField, Resource } from '../contracts/scheduler.ts';
import { assert, grownInt32 } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { ClusterState, HostPort, Interner, LabelSets, PodTemplate, Taint } from '../state/index.ts';
import { LABEL_HOSTNAME, PodBit } from '../state/index.ts';
import { Journal } from '../state/journal.ts';
import { DEVICE_KINDS, SchedulerDevices } from './devices.ts';
import { HostPorts } from './host-ports.ts';
import { NodeColumns, repeatUsage, ScalarColumn } from './node-columns.ts';
import { NodeImages } from './node-images.ts';
import { NodeOrder } from './node-order.ts';
import { Nominations } from './nominations.ts';
import { PodClasses } from './pod-classes.ts';
import { SchedulerStorage, STORAGE_KINDS } from './storage.ts';
import { TopologyIndex } from './topology.ts';
import { PodCursor } from './views.ts';
import { WatchedObjects } from './watched-objects.ts';

const NO_TAINTS: readonly Taint[] = Object.freeze([]);
const NO_PODS: readonly number[] = Object.freeze([]);
const NO_FEATURES: readonly string[] = Object.freeze([]);
/** Changes that may move a node between domains, or in and out of a node group. */
const TOPOLOGY_FIELDS = NodeField.existence | NodeField.labels | NodeField.taints;
/** Bits of a taint list. */
const Effect = { hard: 1, soft: 2 } as const;

/** What a node change means, besides the view being up to date: ClusterEvent bits and the node as it was. */
export interface NodeFold {
  readonly events: number;
  readonly before: NodeBefore | null;
}

type FoldsObjects = Pick<SchedulerStorage, 'fold'>;

export class SchedulerCache implements ClusterView {
  readonly columns = new NodeColumns();
  /** (node, NodeField mask) of each change: indexes pull from here. */
  readonly journal = new Journal();
  readonly nodeOrder = new NodeOrder();
  readonly storage: SchedulerStorage;
  readonly devices: SchedulerDevices;
  readonly nominations = new Nominations();
  readonly topology: TopologyIndex;
  readonly objects = new WatchedObjects();
  readonly resources: Interner;
  readonly images: Interner;
  readonly labelSets: LabelSets;
  hardTainted = 0;
  /** Pods on nodes by priority; there are few different ones. */
  readonly #byPriority = new Map<number, number>();
  softTainted = 0;
  cordoned = 0;

  /** Node that a pod counts on, by pod row; -1: none. */
  podNode = new Int32Array(256).fill(-1);
  #podTemplate = new Int32Array(256);
  readonly #podsOf: number[][] = [];

  readonly #state: ClusterState;
  readonly #defaultImageBytes: (image: string) => number;
  readonly #scalars: (ScalarColumn | undefined)[] = [];
  readonly #scalarsOf: (readonly (readonly [number, number])[])[] = [];
  readonly #featuresOf: (readonly string[])[] = [];
  readonly #nodeImages = new NodeImages();
  readonly #ports = new HostPorts();
  readonly #classes = new PodClasses();
  readonly #taintLists: (readonly Taint[])[] = [NO_TAINTS];
  readonly #taintEffects: number[] = [0];
  readonly #taintIds = new Map<string, number>([['[]', 0]]);
  readonly #taintIdOf = new WeakMap<readonly Taint[], number>();
  readonly #sizesOf = new WeakMap<KubeObject, ReadonlyMap<number, number>>();
  readonly #byName = new Map<string, number>();

  /** @param imageBytes size of an image that no node status gives */
  constructor(state: ClusterState, imageBytes: (image: string) => number) {
    this.#state = state;
    this.storage = new SchedulerStorage(state);
    this.devices = new SchedulerDevices(state);
    this.#defaultImageBytes = imageBytes;
    const { columns } = this;
    this.topology = new TopologyIndex(
      {
        get rows() {
          return columns.rows;
        },
        isPresent: (node) => columns.present[node] === 1,
        label: (node, key) => this.label(node, key),
        nodeOfPod: (pod) => this.podNode[pod]!,
      },
      this.#classes,
    );
    this.resources = state.resources;
    this.images = state.images;
    this.labelSets = state.labels;
  }

  /** Views of objects that make waiting pods fit, with the kinds that each is to be told of. */
  get claimed(): readonly { readonly kinds: ReadonlyMap<string, number>; readonly view: FoldsObjects }[] {
    return [
      { kinds: STORAGE_KINDS, view: this.storage },
      { kinds: DEVICE_KINDS, view: this.devices },
    ];
  }

  // ---- the view ----

  podTotal = 0;

  get nodeCount(): number {
    return this.nodeOrder.count;
  }
  get anyPorts(): boolean {
    return this.#ports.any;
  }
  nodeName(node: number): string {
    return this.#state.nodeName(node);
  }
  nodeByName(name: string): number {
    return this.#byName.get(name) ?? -1;
  }
  label(node: number, key: string): string | undefined {
    if (key === LABEL_HOSTNAME && this.columns.hostnameLabel[node] === 1) return this.#state.nodeName(node);
    return this.labelSets.get(this.columns.labelSet[node]!)[key];
  }
  taints(taintSet: number): readonly Taint[] {
    return this.#taintLists[taintSet]!;
  }
  scalarAllocatable(resource: number): Float64Array | null {
    return this.#scalars[resource]?.allocatable ?? null;
  }
  scalarRequested(resource: number): Float64Array | null {
    return this.#scalars[resource]?.requested ?? null;
  }
  allocatable(node: number, resource: number): number {
    if (resource === Resource.cpu) return this.columns.cpuAllocatable[node]!;
    if (resource === Resource.memory) return this.columns.memoryAllocatable[node]!;
    if (resource === Resource.ephemeralStorage) return this.columns.ephemeralAllocatable[node]!;
    return this.#scalars[resource]?.allocatable[node] ?? 0;
  }
  requested(node: number, resource: number): number {
    if (resource === Resource.cpu) return this.columns.cpuRequested[node]!;
    if (resource === Resource.memory) return this.columns.memoryRequested[node]!;
    if (resource === Resource.ephemeralStorage) return this.columns.ephemeralRequested[node]!;
    return this.#scalars[resource]?.requested[node] ?? 0;
  }
  imageNodes(image: number): number {
    return this.#nodeImages.nodes(image);
  }
  imageBytes(image: number): number {
    return this.#nodeImages.bytes(image);
  }
  imageBits(image: number): Int32Array | null {
    return this.#nodeImages.bits(image);
  }
  declaredFeatures(node: number): readonly string[] {
    return this.#featuresOf[node] ?? NO_FEATURES;
  }
  controllerOf(pod: number): KubeObject | null {
    const owner = this.#state.pods.owner[pod]!;
    return owner < 0 ? null : this.#state.objects.lastVersion(owner);
  }
  portsConflict(node: number, ports: readonly HostPort[]): boolean {
    return this.#ports.conflict(node, ports);
  }

  // ---- nodes ----

  /** A node joined or changed, as the watch tells. */
  nodeChanged(node: number): NodeFold {
    const { nodes } = this.#state;
    const c = this.columns;
    this.#reserve(node);
    const joined = c.present[node] === 0;
    const before = joined ? null : this.#before(node);
    const taintSet = this.#internTaints(nodes.taints[node]!);
    const features: readonly string[] = nodes.object[node]!['status']?.declaredFeatures ?? NO_FEATURES;

    let events = 0;
    let fields = 0;
    if (joined) {
      events = ClusterEvent.nodeAdd;
      fields = NodeField.existence;
    } else if (before !== null) {
      if (
        before.cpuAllocatable !== nodes.cpuMilli[node] ||
        before.memoryAllocatable !== nodes.memoryBytes[node] ||
        before.ephemeralAllocatable !== nodes.ephemeralBytes[node] ||
        before.podsAllocatable !== nodes.podsMax[node] ||
        !sameScalars(before.scalars, nodes.scalars[node]!)
      ) {
        events |= ClusterEvent.nodeAllocatable;
        fields |= NodeField.allocatable;
      }
      if (c.labelSet[node] !== nodes.labelSet[node] || c.hostnameLabel[node] !== nodes.hostnameLabel[node]) {
        events |= ClusterEvent.nodeLabel;
        fields |= NodeField.labels;
      }
      if (c.taintSet[node] !== taintSet) {
        events |= ClusterEvent.nodeTaint;
        fields |= NodeField.taints;
      }
      if (c.unschedulable[node] !== nodes.unschedulable[node]) {
        events |= ClusterEvent.nodeTaint;
        fields |= NodeField.unschedulable;
      }
      if (!sameTexts(this.declaredFeatures(node), features)) {
        events |= ClusterEvent.nodeFeatures;
        fields |= NodeField.features;
      }
      this.#countFlags(node, -1);
    }
    this.#featuresOf[node] = features;

    c.present[node] = 1;
    c.cpuAllocatable[node] = nodes.cpuMilli[node]!;
    c.memoryAllocatable[node] = nodes.memoryBytes[node]!;
    c.ephemeralAllocatable[node] = nodes.ephemeralBytes[node]!;
    c.podsAllocatable[node] = nodes.podsMax[node]!;
    repeatUsage(c, node);
    c.labelSet[node] = nodes.labelSet[node]!;
    c.hostnameLabel[node] = nodes.hostnameLabel[node]!;
    c.taintSet[node] = taintSet;
    c.unschedulable[node] = nodes.unschedulable[node]!;
    this.#setScalars(node, nodes.scalars[node]!);
    this.#countFlags(node, 1);

    const zone = zoneKey(nodes.region(node), nodes.zone(node));
    if (joined) {
      this.nodeOrder.add(node, zone);
      this.#byName.set(nodes.name[node]!, node);
    } else if ((fields & NodeField.labels) !== 0) {
      this.nodeOrder.move(node, zone);
    }
    const sizes = this.#imageSizes(nodes.object[node]!);
    const images = this.#state.images;
    if (
      this.#nodeImages.set(node, nodes.images[node]!, (image) => {
        const told = sizes.get(image) ?? this.#state.imageBytes[image] ?? Number.NaN;
        return Number.isNaN(told) ? this.#defaultImageBytes(images.text(image)) : told;
      })
    ) {
      fields |= NodeField.images;
    }
    if ((fields & TOPOLOGY_FIELDS) !== 0) this.topology.nodeChanged(node);
    if (fields !== 0) this.journal.append(node, fields);
    return { events, before };
  }

  /** A node left. Its pods keep counting on it until they go. */
  nodeGone(node: number): NodeFold {
    const c = this.columns;
    if (c.present[node] !== 1) return { events: 0, before: null };
    const before = this.#before(node);
    this.#countFlags(node, -1);
    c.present[node] = 0;
    this.nodeOrder.remove(node);
    this.#nodeImages.set(node, [], () => 0);
    const name = this.#state.nodes.name[node]!;
    if (this.#byName.get(name) === node) this.#byName.delete(name);
    this.topology.nodeChanged(node);
    this.journal.append(node, NodeField.existence);
    return { events: ClusterEvent.nodeDelete, before };
  }

  // ---- pods ----

  /** Counts a pod on a node: it is bound there, or assumed to be soon. */
  addPod(pod: number, node: number, template: PodTemplate): void {
    if (pod >= this.podNode.length) {
      const old = this.podNode.length;
      let rows = old;
      while (pod >= rows) rows *= 2;
      this.podNode = grownInt32(this.podNode, rows).fill(-1, old);
      this.#podTemplate = grownInt32(this.#podTemplate, rows);
    }
    assert(this.podNode[pod]! < 0, () => `pod row ${pod} counts on a node already`);
    this.#reserve(node);
    this.podNode[pod] = node;
    this.#podTemplate[pod] = template.id;
    const pods = this.#podsOf[node];
    if (pods === undefined) this.#podsOf[node] = [pod];
    else pods.push(pod);
    this.#account(node, template, 1);
    this.#ports.add(node, template.hostPorts);
    this.#classify(pod, node, template);
    this.storage.podAdded(pod, node, template);
  }

  /** Undoes addPod with what was counted then. Returns the node. */
  removePod(pod: number): number {
    const node = this.podNode[pod]!;
    assert(node >= 0, () => `pod row ${pod} counts on no node`);
    const template = this.#state.templates.get(this.#podTemplate[pod]!);
    this.#classes.remove(pod, node);
    this.podNode[pod] = -1;
    const pods = this.#podsOf[node]!;
    // splice would make an array of what it takes out.
    let at = 0;
    while (pods[at] !== pod) at += 1;
    for (; at + 1 < pods.length; at++) pods[at] = pods[at + 1]!;
    pods.pop();
    this.#account(node, template, -1);
    this.#ports.remove(node, template.hostPorts);
    this.storage.podRemoved(pod, node, template);
    return node;
  }

  /** Pods that count on the node, by row, in the order in which they came. */
  podsOn(node: number): readonly number[] {
    return this.#podsOf[node] ?? NO_PODS;
  }

  podCursor(): PodCursor {
    return new PodCursor(this.#state);
  }

  /** The pod that counts on a node has got a deletion timestamp. */
  podTerminating(pod: number): void {
    const node = this.nodeOfPod(pod);
    if (node < 0 || this.#classes.of(pod).terminating) return;
    this.#classes.remove(pod, node);
    this.#classify(pod, node, this.#state.templates.get(this.#podTemplate[pod]!));
    this.journal.append(node, NodeField.pods);
  }

  /** A pod on a node is of another template now: other labels, the same requests. False: nothing changed. */
  podTemplateChanged(pod: number, template: PodTemplate): boolean {
    if (this.#podTemplate[pod] === template.id) return false;
    const node = this.podNode[pod]!;
    this.#classes.remove(pod, node);
    this.#podTemplate[pod] = template.id;
    this.#classify(pod, node, template);
    this.journal.append(node, NodeField.pods);
    return true;
  }

  /** Node that a pod counts on, -1. */
  nodeOfPod(pod: number): number {
    return pod < this.podNode.length ? this.podNode[pod]! : -1;
  }

  /** A deletion timestamp is read from the pod table when the pod is counted, and told by the watch afterwards. */
  #classify(pod: number, node: number, template: PodTemplate): void {
    const { pods, texts } = this.#state;
    const namespace = pods.namespace[pod]!;
    const terminating = (pods.word[pod]! & PodBit.deleting) !== 0;
    this.#classes.add(pod, node, template, namespace, texts.text(namespace), terminating);
  }

  #reserve(node: number): void {
    if (!this.columns.reserve(node)) return;
    const { rows } = this.columns;
    for (const scalar of this.#scalars) scalar?.reserve(rows);
    this.topology.reserve(rows);
  }

  /** Lowest priority of the pods on nodes; Infinity: there are none. */
  get lowestPriority(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const priority of this.#byPriority.keys()) if (priority < lowest) lowest = priority;
    return lowest;
  }

  #account(node: number, template: PodTemplate, sign: 1 | -1): void {
    const c = this.columns;
    c.cpuRequested[node]! += sign * template.cpuMilli;
    c.memoryRequested[node]! += sign * template.memoryBytes;
    c.ephemeralRequested[node]! += sign * template.ephemeralBytes;
    c.nonZeroCpu[node]! += sign * template.nonZeroCpuMilli;
    c.nonZeroMemory[node]! += sign * template.nonZeroMemoryBytes;
    c.podCount[node]! += sign;
    repeatUsage(c, node);
    this.podTotal += sign;
    const count = (this.#byPriority.get(template.priority) ?? 0) + sign;
    if (count === 0) this.#byPriority.delete(template.priority);
    else this.#byPriority.set(template.priority, count);
    for (const [resource, amount] of template.scalars)
      this.#scalar(resource).requested[node]! += sign * amount;
    const ports = template.hostPorts.length > 0 ? NodeField.ports : 0;
    this.journal.append(node, NodeField.requested | NodeField.podCount | NodeField.pods | ports);
  }

  #scalar(resource: number): ScalarColumn {
    let column = this.#scalars[resource];
    if (column === undefined) {
      column = new ScalarColumn(this.columns.rows);
      this.#scalars[resource] = column;
    }
    return column;
  }

  #setScalars(node: number, scalars: readonly (readonly [number, number])[]): void {
    for (const [resource] of this.#scalarsOf[node] ?? []) this.#scalar(resource).allocatable[node] = 0;
    for (const [resource, amount] of scalars) this.#scalar(resource).allocatable[node] = amount;
    this.#scalarsOf[node] = scalars;
  }

  #before(node: number): NodeBefore {
    const c = this.columns;
    return {
      cpuAllocatable: c.cpuAllocatable[node]!,
      memoryAllocatable: c.memoryAllocatable[node]!,
      ephemeralAllocatable: c.ephemeralAllocatable[node]!,
      podsAllocatable: c.podsAllocatable[node]!,
      scalars: this.#scalarsOf[node]!,
      labels: this.labelSets.get(c.labelSet[node]!),
      hostnameLabel: c.hostnameLabel[node] === 1,
      taints: this.taints(c.taintSet[node]!),
      unschedulable: c.unschedulable[node] === 1,
    };
  }

  #countFlags(node: number, sign: 1 | -1): void {
    const effects = this.#taintEffects[this.columns.taintSet[node]!]!;
    if ((effects & Effect.hard) !== 0) this.hardTainted += sign;
    if ((effects & Effect.soft) !== 0) this.softTainted += sign;
    if (this.columns.unschedulable[node] === 1) this.cordoned += sign;
  }

  #internTaints(taints: readonly Taint[]): number {
    if (taints.length === 0) return 0;
    let id = this.#taintIdOf.get(taints);
    if (id !== undefined) return id;
    const text = JSON.stringify(taints.map((taint) => [taint.key, taint.value ?? '', taint.effect]));
    id = this.#taintIds.get(text);
    if (id === undefined) {
      id = this.#taintLists.length;
      this.#taintIds.set(text, id);
      this.#taintLists.push(taints);
      let effects = 0;
      for (const taint of taints) effects |= taint.effect === 'PreferNoSchedule' ? Effect.soft : Effect.hard;
      this.#taintEffects.push(effects);
    }
    this.#taintIdOf.set(taints, id);
    return id;
  }

  /** Sizes that the Node object itself reports, by image. */
  #imageSizes(object: KubeObject): ReadonlyMap<number, number> {
    let sizes = this.#sizesOf.get(object);
    if (sizes === undefined) {
      const map = new Map<number, number>();
      for (const image of object['status']?.images ?? []) {
        for (const name of image.names ?? []) {
          // The table's ids are of normalised names: `app` is `app:latest`.
          const tagged = name.lastIndexOf(':') > name.lastIndexOf('/');
          const id = this.images.find(tagged ? name : `${name}:latest`);
          if (id >= 0 && !map.has(id)) map.set(id, image.sizeBytes ?? 0);
        }
      }
      sizes = map;
      this.#sizesOf.set(object, map);
    }
    return sizes;
  }
}

/** Upstream's zone key joins region and zone; a node without either has the empty key (component-helpers/node/topology). */
function zoneKey(region: string, zone: string): string {
  return region === '' && zone === '' ? '' : `${region}:\u0000:${zone}`;
}

function sameScalars(
  a: readonly (readonly [number, number])[],
  b: readonly (readonly [number, number])[],
): boolean {
  if (a === b) return true;
  return (
    a.length === b.length && a.every(([resource, amount], i) => b[i]![0] === resource && b[i]![1] === amount)
  );
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}
