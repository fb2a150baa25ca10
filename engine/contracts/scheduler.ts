// What a scheduler plug-in is, and what it may see. Extension points keep their Kubernetes names, order and codes
// (staging/src/k8s.io/kube-scheduler/framework, v1.36); a plug-in is one file in policies/scheduler/plugins.
//
// Who calls what, for one pod:
//   preEnqueue   before the pod may enter the active queue; a rejection parks it until one of the plug-in's `events`
//   less         orders the active queue; exactly one plug-in of a profile, the same in all profiles
//   preFilter    once per attempt; may reject the pod for all nodes, name the only nodes worth a look, or SKIP
//   filter       per node, in the order of the profile; the first rejection decides the node
//   postFilter   when no node is left; may make room (preemption) or only say something
//   preScore     once per attempt that leaves more than one node; may SKIP
//   score        per feasible node, then `normalize` over all of them: 0..100, times the weight of the profile
//   reserve      the node is chosen; `unreserve` undoes it, in reverse order, whenever anything later fails
//   permit       last word before binding
//   preBind      what has to be written and waited for before the pod is bound
//   bind         the first binder that takes the pod binds it; `postBind` hears of success
//
// Verdicts are small integers: 0 passes, anything else was registered once through `handle.verdict(code, reasons)`,
// so that a rejection allocates nothing. A plug-in that has to look at thousands of nodes may offer a batch form
// beside the per-node form: the per-node form is the definition, the batch form must agree with it (a property test
// compares them), and the search calls whichever is there.
import type * as z from 'zod';
import type { KubeObject } from '../kinds/kind.ts';
import type { HostPort, Interner, LabelSets, Labels, PodTemplate, Taint } from '../state/index.ts';
import type { DeviceView } from './devices.ts';
import type { ExtendedCandidates, PreemptionCandidate } from './extender.ts';
import type { NodeColumnsView } from './node-columns.ts';
import type { PreBindWork } from './pre-bind.ts';
import type { StorageView } from './storage.ts';
import type { NodeDimensions, NodeStrata, TopologyView, WatchedObjectsView } from './topology.ts';

/** Status codes, numbered as upstream. */
export const Code = {
  success: 0,
  error: 1,
  /** Preemption on that node may help. */
  unschedulable: 2,
  /** Nothing that preemption does can help. */
  unschedulableAndUnresolvable: 3,
  wait: 4,
  skip: 5,
  /** Waits for something outside the scheduler; leaves the pool without back-off. */
  pending: 6,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

export const CODE_NAMES = [
  'Success',
  'Error',
  'Unschedulable',
  'UnschedulableAndUnresolvable',
  'Wait',
  'Skip',
  'Pending',
] as const;

/** 0: passes. Otherwise an id from `PluginHandle.verdict`. */
export type Verdict = number;
export const PASS: Verdict = 0;

/** Leave this plug-in out for the rest of the attempt: its Filter after preFilter, its Score after preScore. */
export const SKIP: unique symbol = Symbol('skip');

export const NODE_SCORE_MAX = 100;

/** What of a node a plug-in reads: an index re-evaluates a node only when one of these changed. */
export const NodeField = {
  allocatable: 1 << 0,
  requested: 1 << 1,
  podCount: 1 << 2,
  labels: 1 << 3,
  taints: 1 << 4,
  unschedulable: 1 << 5,
  ports: 1 << 6,
  images: 1 << 7,
  name: 1 << 8,
  /** The pods themselves: labels, namespaces, affinity terms. */
  pods: 1 << 9,
  /** The node joined or left. */
  existence: 1 << 10,
  /** status.declaredFeatures. */
  features: 1 << 11,
} as const;

/** Cluster events that may make a rejected pod schedulable (kube-scheduler/framework/events, v1.36). Bits. */
export const ClusterEvent = {
  nodeAdd: 1 << 0,
  nodeDelete: 1 << 1,
  nodeAllocatable: 1 << 2,
  nodeLabel: 1 << 3,
  nodeTaint: 1 << 4,
  nodeCondition: 1 << 5,
  assignedPodAdd: 1 << 6,
  assignedPodDelete: 1 << 7,
  assignedPodUpdate: 1 << 8,
  /** The waiting pod itself was changed: labels, tolerations, gates, requests. */
  ownUpdate: 1 << 9,
  nodeFeatures: 1 << 10,
  // Objects of storage: created or changed (ClusterChange.object and previous say which).
  claim: 1 << 16,
  volume: 1 << 17,
  storageClass: 1 << 18,
  csiNode: 1 << 19,
  csiDriver: 1 << 20,
  storageCapacity: 1 << 21,
  /** Deleted. */
  volumeAttachment: 1 << 22,
  // Objects of devices: created or changed.
  resourceClaim: 1 << 23,
  deviceClass: 1 << 24,
  resourceSlice: 1 << 25,
} as const;

/** A built-in resource, or the interned id (>= 0) of an extended one or of huge pages. */
export const Resource = { cpu: -1, memory: -2, ephemeralStorage: -3 } as const;

/** A node as it was before a change: what hints compare with. */
export interface NodeBefore {
  readonly cpuAllocatable: number;
  readonly memoryAllocatable: number;
  readonly ephemeralAllocatable: number;
  readonly podsAllocatable: number;
  readonly scalars: readonly (readonly [number, number])[];
  readonly labels: Labels;
  readonly hostnameLabel: boolean;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
}

/** One thing that happened to the cluster, as hints see it. */
export interface ClusterChange {
  /** Bits of ClusterEvent. */
  readonly events: number;
  /** Node concerned, -1. For pods: the node that it is or was on. */
  readonly node: number;
  /** Node changes: what it was; null when it joined. */
  readonly before: NodeBefore | null;
  /** Pod changes: the template of that pod (after the change). */
  readonly template: PodTemplate | null;
  /** Changes of other objects: the new version, and the one before it; absent: there is none. */
  readonly object?: KubeObject;
  readonly previous?: KubeObject;
  /** The only pod that the change can help, by row; absent: any. */
  readonly pod?: number;
  /** Pod changes: its namespace. */
  readonly namespace?: string;
}

export interface EventInterest {
  /** Bits of ClusterEvent. */
  readonly events: number;
  /**
   * Whether the change may make the pod schedulable that this plug-in rejected. Absent: always. It may depend on the
   * pod's template and namespace only: one answer is given to all waiting pods that share them.
   */
  hint?(pod: PodView, change: ClusterChange, cluster: ClusterView): boolean;
}

/** A pod, as a cursor: valid during the call, the object is reused. */
export interface PodView {
  readonly id: number;
  readonly template: PodTemplate;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly priority: number;
  /** ObjectId of the controlling owner, -1. */
  readonly owner: number;
  readonly labels: Labels;
  /** Name of the only node that it may go to, whatever its template says; '': its template decides. */
  readonly pinnedNode: string;
  /** It has a deletion timestamp. */
  readonly terminating: boolean;
}

/** A node, as a cursor: valid during the call, the object is reused. Quantities in millicores and bytes. */
export interface NodeView {
  readonly id: number;
  readonly name: string;
  readonly cpuAllocatable: number;
  readonly memoryAllocatable: number;
  readonly ephemeralAllocatable: number;
  readonly podsAllocatable: number;
  readonly cpuRequested: number;
  readonly memoryRequested: number;
  readonly ephemeralRequested: number;
  /** As scoring counts: 100m and 200 MiB for containers that ask for none. */
  readonly nonZeroCpu: number;
  readonly nonZeroMemory: number;
  readonly podCount: number;
  readonly unschedulable: boolean;
  readonly taints: readonly Taint[];
  label(key: string): string | undefined;
  /** Built-in or extended (Resource). */
  allocatable(resource: number): number;
  requested(resource: number): number;
}

/** The cluster as the scheduler has seen it, assumed pods included. It does not change during an attempt. */
export interface ClusterView {
  readonly columns: NodeColumnsView;
  readonly nodeCount: number;
  /** Nodes with a taint of effect NoSchedule or NoExecute; with one of effect PreferNoSchedule; cordoned. */
  readonly hardTainted: number;
  /** Lowest priority of the pods on nodes, assumed ones included; Infinity: there are none. */
  readonly lowestPriority: number;
  readonly softTainted: number;
  readonly cordoned: number;
  readonly resources: Interner;
  readonly images: Interner;
  readonly labelSets: LabelSets;
  /** Pods on nodes, assumed ones included. */
  readonly podTotal: number;
  nodeName(node: number): string;
  /** -1: no such node. */
  nodeByName(name: string): number;
  label(node: number, key: string): string | undefined;
  /** Taint lists are interned; 0 is the empty one. */
  taints(taintSet: number): readonly Taint[];
  /** Pods that count on the node, by row. */
  podsOn(node: number): readonly number[];
  allocatable(node: number, resource: number): number;
  requested(node: number, resource: number): number;
  /** Column of an extended resource; null: no node has had it. */
  scalarAllocatable(resource: number): Float64Array | null;
  scalarRequested(resource: number): Float64Array | null;
  /** Nodes that have the image. */
  imageNodes(image: number): number;
  imageBytes(image: number): number;
  /** One bit a node, 32 to a word; null: no node has had it. */
  imageBits(image: number): Int32Array | null;
  /** True if one of these host ports is taken on the node. */
  portsConflict(node: number, ports: readonly HostPort[]): boolean;
  /** Whether any pod anywhere holds a host port. */
  readonly anyPorts: boolean;
  /** Sums of pods over nodes and domains. */
  readonly topology: TopologyView;
  /** Namespaces, Services and the owners of pods, as watched. */
  readonly objects: WatchedObjectsView;
  /** The owner that controls a pod: kind, apiVersion and metadata, also of one that is gone; null: none. */
  controllerOf(pod: number): KubeObject | null;
  /** Claims, volumes and who uses them. */
  readonly storage: StorageView;
  /** Claims of devices, their classes and slices, and which devices are taken. */
  readonly devices: DeviceView;
  /** status.declaredFeatures of the node. */
  declaredFeatures(node: number): readonly string[];
}

/** What preFilter may do besides returning its state. */
export interface PreFilterControl {
  /** No node will do. */
  reject(verdict: Verdict): void;
  /** Only these nodes are worth a look; sets of several plug-ins are intersected. Names of no node are allowed. */
  restrict(names: readonly string[]): void;
}

/** Columns that a queue order may read, by pod. */
export interface QueueColumns {
  readonly priority: Int32Array;
  /** When the pod was last (re)added to the queue, µs. */
  readonly timestampUs: Float64Array;
}

export interface PostFilterResult {
  /**
   * success: room was made, no other PostFilter is asked and no text appears. unschedulable: the next one is asked.
   * unschedulableAndUnresolvable, error: the last word.
   */
  readonly code: Code;
  /** Appended to the FailedScheduling message; ''. */
  readonly message: string;
  /** Node that the pod is nominated to; -1: a nomination that it has is cleared; null: left as it is. */
  readonly nominate: number | null;
  /** Choices of node and victims that are equally good, `nominate` being the node of one of them. */
  readonly outcomes?: readonly PreemptionOutcome[];
}

/** Pods that leave a node so that another one fits. */
export interface PreemptionOutcome {
  readonly node: number;
  /** From the most to the least important. */
  readonly victims: readonly number[];
}

/** The failed attempt that postFilter looks at, and what it may try. */
export interface FailedAttempt {
  /** Verdict of a node that was examined, 0 if it was not. */
  verdict(node: number): Verdict;
  codeOf(verdict: Verdict): Code;
  reasonsOf(verdict: Verdict): readonly string[];
  /** Whether the named PreFilter plug-in was asked in this attempt. */
  preFilterRan(name: string): boolean;
  /** Why the node was left out: its verdict's code, that of the PreFilter rejection, unresolvable if never examined. */
  nodeCode(node: number): Code;
  /** All nodes in the order of the search: nodes[0..nodeCount). */
  readonly nodes: Int32Array;
  readonly nodeCount: number;
  /** Node that the pod is nominated to, -1. */
  readonly nominatedNode: number;
  /** PodDisruptionBudgets as last seen. */
  budgets(): readonly KubeObject[];
  /** Pods that count on the node, by row. */
  podsOn(node: number): readonly number[];
  /** A pod by row: valid until the next call. */
  pod(row: number): PodView;
  /** status.startTime, µs of virtual time; Infinity: not started, which counts as now. */
  startUs(row: number): number;
  /** Being deleted because the scheduler preempted it. */
  isPreempted(row: number): boolean;
  /** Supposes that the pod has left its node. */
  remove(row: number): void;
  /** Supposes that it is back. */
  restore(row: number): void;
  /** Verdict of the filters as supposed, nominated pods of the node included. */
  filter(node: number): Verdict;
  /** Ends the supposition: every pod is back, and plug-ins know it. */
  reset(): void;
  /** What extenders that are asked about preemption leave of these, or their error; null: none is asked. */
  callExtenders(candidates: readonly PreemptionCandidate[]): ExtendedCandidates | null;
  /** 0 .. n-1, evenly. */
  draw(n: number): number;
}

/** A pod on its way to its node. */
export interface BindRequest {
  readonly pod: PodView;
  readonly node: number;
  /** POST pods/binding through the scheduler's client. */
  post(): void;
}

export interface PodVisits {
  filter: number;
  score: number;
}

/**
 * One plug-in of one profile. `F` is what its preFilter hands to its filter, `S` what preScore hands to score; both may
 * be scratch that the plug-in reuses, because attempts follow each other.
 */
export interface Plugin<F = unknown, S = unknown> {
  /** What a verdict or score may depend on besides the pod: this node alone, a few values shared by many nodes, all. */
  readonly locality: 'node' | 'stratum' | 'global';
  /** Bits of NodeField. */
  readonly reads: number;
  /** The part of the pod that it reads: equal texts, interchangeable pods. null: not said, nothing is shared. */
  sign?(pod: PodView): string | null;
  /**
   * Makes a plug-in that is not local to a node, but has `sign`, fit for the index: called after preFilter, it names
   * what divides nodes in its eyes. Of nodes with equal values filter and score must say the same; preScore and
   * normalize must not depend on their number (but see preScoreStrata); values may change only with a change of the node
   * (NodeField); pods of equal `sign` name the same dimensions. False: not this time.
   */
  strata?(pod: PodView, cluster: ClusterView, dimensions: NodeDimensions): boolean;
  /** preScore where nodes stand for others that are the same to this plug-in. */
  preScoreStrata?(pod: PodView, cluster: ClusterView, strata: NodeStrata): S | typeof SKIP;
  /** When to look again at a pod that this plug-in rejected. Absent: after every event. */
  readonly events?: readonly EventInterest[];

  /**
   * Pods that upstream's implementation goes over for this pod: what an attempt is charged for where the cost preset
   * says so. Fills `out` with the numbers for PreFilter and for PreScore.
   */
  visits?(pod: PodView, cluster: ClusterView, out: PodVisits): void;

  preEnqueue?(pod: PodView): Verdict;
  /** True if pod `a` leaves the queue before pod `b`. Equal pods leave in the order of their creation. */
  less?(a: number, b: number, queue: QueueColumns): boolean;

  preFilter?(pod: PodView, cluster: ClusterView, control: PreFilterControl): F | typeof SKIP;
  filter?(pod: PodView, node: NodeView, state: F): Verdict;
  /**
   * Since preFilter, `other` has left `node` (sign -1) or come to it (+1), supposedly: preemption and nominated pods.
   * The cluster view shows it already. Absent: preFilter is asked again instead, unless the locality is 'node'.
   */
  podChanged?(pod: PodView, state: F, other: PodView, node: number, sign: 1 | -1): void;
  /**
   * `filter` for nodes[from..to): keeps those that pass in place, in order, from `from` on, writes the verdict of each
   * other into verdicts[node], and returns the new `to`.
   */
  filterBatch?(
    pod: PodView,
    cluster: ClusterView,
    nodes: Int32Array,
    from: number,
    to: number,
    state: F,
    verdicts: Int32Array,
  ): number;

  postFilter?(pod: PodView, cluster: ClusterView, attempt: FailedAttempt): PostFilterResult;

  preScore?(pod: PodView, cluster: ClusterView, nodes: Int32Array, count: number): S | typeof SKIP;
  /** An integer; 0..100 after `normalize`. */
  score?(pod: PodView, node: NodeView, state: S): number;
  /** `score` of nodes[0..count) into out[0..count). */
  scoreBatch?(
    pod: PodView,
    cluster: ClusterView,
    nodes: Int32Array,
    count: number,
    state: S,
    out: Int32Array,
  ): void;
  /** The score that each node of the cluster would get, where it is the same; null: they may differ. */
  uniform?(pod: PodView, cluster: ClusterView, state: S): number | null;
  normalize?(scores: Int32Array, count: number): void;

  reserve?(pod: PodView, node: number): Verdict;
  unreserve?(pod: PodView, node: number): void;
  permit?(pod: PodView, node: number): Verdict;
  /** What must be written and waited for before the pod is bound; null: nothing. */
  preBind?(pod: PodView, node: number): PreBindWork | null;
  /** Returns whether it took the pod. */
  bind?(request: BindRequest): boolean;
  postBind?(pod: PodView, node: number): void;
}

export const EXTENSION_POINTS = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof EXTENSION_POINTS)[number];

/** What a plug-in is given when it is made, once per profile and run. */
export interface PluginHandle {
  readonly cluster: ClusterView;
  /** Registers a rejection; the same code and reasons give the same id. */
  verdict(code: Code, ...reasons: string[]): Verdict;
}

export interface PluginDefinition {
  readonly name: string;
  readonly about: string;
  readonly points: readonly ExtensionPoint[];
  /** Schema of its entry in pluginConfig, defaults included; absent: takes no arguments. */
  readonly args?: z.ZodType<unknown>;
  /** What it leaves out of the real plug-in: reported where that would have acted. */
  readonly gap?: PluginGap;
  create(args: unknown, handle: PluginHandle): Plugin;
}

export interface PluginGap {
  /** The field of the pod that is not acted on, or null. `owned`: the pod has a controller. */
  acts(template: PodTemplate, owned: boolean): string | null;
  readonly note: string;
}

/** Gives `create` its type: arguments are what the schema makes of them. */
export function definePlugin<A, F = void, S = void>(definition: {
  readonly name: string;
  readonly about: string;
  readonly points: readonly ExtensionPoint[];
  readonly args?: z.ZodType<A>;
  readonly gap?: PluginGap;
  create(args: A, handle: PluginHandle): Plugin<F, S>;
}): PluginDefinition {
  return definition as PluginDefinition;
}

/** A default plug-in that the simulation does not act on yet: accepted in a profile, reported where it would act. */
export interface UnmodelledPlugin extends PluginGap {
  readonly name: string;
  readonly points: readonly ExtensionPoint[];
}

export * from './node-columns.ts';
export type * from './pre-bind.ts';
export type * from './scheduler-settings.ts';
