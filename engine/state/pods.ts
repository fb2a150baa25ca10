// The pod table: one row a pod, a column a field, in typed arrays outside the JS heap. A pod is a handle (row index);
// `generation` tells whether a handle still means the same pod. What equal pods share lives in the interned template,
// names are derived when printed.
//
// Promises: rows are written only through the methods below; a removed row keeps its values until `free`, which the
// API server calls when every watcher has passed the deletion; `generation` grows at each free.
import { assert } from '../kernel/index.ts';
import { SUFFIXES, suffixText } from './uid.ts';

export type PodId = number & { readonly __podId: unique symbol };

export const Phase = { pending: 0, running: 1, succeeded: 2, failed: 3, unknown: 4 } as const;
export const PHASE_NAMES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'] as const;

/** Bits of a pod's packed state, as revision log entries carry it. The low 3 bits are the phase. */
export const PodBit = {
  phaseMask: 0b111,
  /** condition PodScheduled=True */
  scheduled: 1 << 3,
  /** condition PodScheduled=False, reason Unschedulable, or SchedulerError if that bit is set too */
  unschedulable: 1 << 4,
  schedulerError: 1 << 26,
  /** condition Initialized=True */
  initialized: 1 << 5,
  /** condition ContainersReady=True */
  containersReady: 1 << 6,
  /** condition Ready=True */
  ready: 1 << 7,
  /** deletionTimestamp is set */
  deleting: 1 << 8,
  /** condition PodReadyToStartContainers=True: the sandbox has its network */
  sandbox: 1 << 9,
  /** the kubelet wrote status.startTime */
  acknowledged: 1 << 10,
  /** removed from etcd; the row waits for its watchers */
  removed: 1 << 11,
  /** condition DisruptionTarget=True, reason PreemptionByScheduler */
  preempted: 1 << 12,
  /** condition DisruptionTarget=True, reason EvictionByEvictionAPI */
  evicted: 1 << 16,
  /** condition DisruptionTarget=True, reason DeletionByTaintManager */
  tainted: 1 << 20,
  /** condition DisruptionTarget=True, reason DeletionByPodGC */
  orphaned: 1 << 21,
  /** condition DisruptionTarget=True, reason TerminationByKubelet */
  pressed: 1 << 25,
  /** condition DisruptionTarget=True, reason DeletionByDeviceTaintManager */
  deviceTainted: 1 << 27,
  /** finalizer batch.kubernetes.io/job-tracking: its Job has not counted the pod yet */
  tracked: 1 << 24,
} as const;

/** Reason of condition PodScheduled=False. */
export const unscheduledReason = (word: number): string =>
  word & PodBit.schedulerError ? 'SchedulerError' : 'Unschedulable';

export const phaseOf = (word: number): number => word & PodBit.phaseMask;
/** Succeeded or Failed: the pod holds no resources any more. */
export const isTerminal = (word: number): boolean => {
  const phase = word & PodBit.phaseMask;
  return phase === Phase.succeeded || phase === Phase.failed;
};

export interface NewPod {
  /** Interned namespace. */
  readonly namespace: number;
  /** Interned generateName or whole name. */
  readonly nameBase: number;
  /** 5-character suffix as a number, an ordinal as `ordinalSuffix` gives it, or -1 if nameBase is the whole name. */
  readonly nameSuffix: number;
  readonly template: number;
  readonly labelSet: number;
  /** Object id of the controlling owner, -1 for none. */
  readonly owner: number;
  readonly priority: number;
  readonly createdUs: number;
  readonly revision: number;
  /** Containers exit with code 0 this long after they started; NaN: they run on. */
  readonly runUs: number;
  /** Bits besides the phase that the pod is born with. */
  readonly bits?: number;
  /** Interned name of the only node it may go to, besides what its template says; absent: its template decides. */
  readonly pinned?: number;
}

/** nameSuffix of the pod that is called by its owner's prefix and an ordinal (StatefulSets). */
export const ordinalSuffix = (ordinal: number): number => SUFFIXES + ordinal;

const MIN_CAPACITY = 256;

export class PodTable {
  generation = new Int32Array(MIN_CAPACITY);
  namespace = new Int32Array(MIN_CAPACITY);
  nameBase = new Int32Array(MIN_CAPACITY);
  nameSuffix = new Int32Array(MIN_CAPACITY);
  template = new Int32Array(MIN_CAPACITY);
  labelSet = new Int32Array(MIN_CAPACITY);
  owner = new Int32Array(MIN_CAPACITY);
  /** PodBit flags and phase. */
  word = new Int32Array(MIN_CAPACITY);
  node = new Int32Array(MIN_CAPACITY);
  nominatedNode = new Int32Array(MIN_CAPACITY);
  /** Interned name of the node that it is pinned to, -1: none. */
  pinned = new Int32Array(MIN_CAPACITY);
  priority = new Int32Array(MIN_CAPACITY);
  /** IPv4 address as an unsigned 32-bit number kept in int32; 0: none. */
  ip = new Int32Array(MIN_CAPACITY);
  /** Interned status.reason, -1: none. */
  reason = new Int32Array(MIN_CAPACITY);
  restarts = new Uint16Array(MIN_CAPACITY);
  /** Number of the creation, from 1, never reused; UIDs come from it. */
  serial = new Float64Array(MIN_CAPACITY);
  createdUs = new Float64Array(MIN_CAPACITY);
  /** deletionTimestamp, µs; NaN: not being deleted. */
  deletionUs = new Float64Array(MIN_CAPACITY);
  /** Last transition of Ready, µs; NaN: never. */
  readyUs = new Float64Array(MIN_CAPACITY);
  revision = new Float64Array(MIN_CAPACITY);
  runUs = new Float64Array(MIN_CAPACITY);
  graceSeconds = new Int32Array(MIN_CAPACITY);
  /** Exit code of its containers once the pod has ended, -1 before, and where none has run. */
  exitCode = new Int16Array(MIN_CAPACITY);
  /** When its containers had ended for good, µs; NaN before. Neither changes afterwards. */
  finishedUs = new Float64Array(MIN_CAPACITY);
  /** status.message of the few that have one. */
  readonly messages = new Map<number, string>();
  /**
   * status.resourceClaimStatuses of the few that have them: names of generated claims by entry of spec.resourceClaims,
   * null where none is needed. A map is never changed in place.
   */
  readonly claimNames = new Map<number, ReadonlyMap<string, string | null>>();

  /** Rows ever used; indices are below it. */
  used = 0;
  /** Rows in etcd. */
  live = 0;
  #serial = 0;
  readonly #free: number[] = [];

  get capacity(): number {
    return this.word.length;
  }
  /** Pods ever created. */
  get created(): number {
    return this.#serial;
  }

  create(pod: NewPod): PodId {
    const id = this.#free.pop() ?? this.used++;
    if (id >= this.capacity) this.#grow(id + 1);
    this.namespace[id] = pod.namespace;
    this.nameBase[id] = pod.nameBase;
    this.nameSuffix[id] = pod.nameSuffix;
    this.template[id] = pod.template;
    this.labelSet[id] = pod.labelSet;
    this.owner[id] = pod.owner;
    this.word[id] = Phase.pending | (pod.bits ?? 0);
    this.node[id] = -1;
    this.nominatedNode[id] = -1;
    this.pinned[id] = pod.pinned ?? -1;
    this.priority[id] = pod.priority;
    this.ip[id] = 0;
    this.reason[id] = -1;
    this.restarts[id] = 0;
    this.#serial += 1;
    this.serial[id] = this.#serial;
    this.createdUs[id] = pod.createdUs;
    this.deletionUs[id] = Number.NaN;
    this.readyUs[id] = Number.NaN;
    this.revision[id] = pod.revision;
    this.runUs[id] = pod.runUs;
    this.graceSeconds[id] = 0;
    this.exitCode[id] = -1;
    this.finishedUs[id] = Number.NaN;
    this.live += 1;
    return id as PodId;
  }

  /** True if `pod` of that generation is still in etcd. */
  alive(pod: number, generation: number): boolean {
    return this.generation[pod] === generation && (this.word[pod]! & PodBit.removed) === 0;
  }

  /** Marks the row as gone from etcd; its values stay readable until `free`. */
  remove(pod: PodId): void {
    assert((this.word[pod]! & PodBit.removed) === 0, 'a pod is removed once');
    this.word[pod]! |= PodBit.removed;
    this.live -= 1;
  }

  /** Gives the row back. Every watcher has passed the deletion. */
  free(pod: PodId): void {
    assert((this.word[pod]! & PodBit.removed) !== 0, 'only removed pods are freed');
    this.generation[pod]! += 1;
    if (this.messages.size > 0) this.messages.delete(pod);
    if (this.claimNames.size > 0) this.claimNames.delete(pod);
    this.#free.push(pod);
  }

  /** Live rows in order of creation. For reports: it sorts. */
  livePods(): PodId[] {
    const freed = new Set(this.#free);
    const ids: PodId[] = [];
    for (let id = 0; id < this.used; id++) {
      if (!freed.has(id) && (this.word[id]! & PodBit.removed) === 0) ids.push(id as PodId);
    }
    return ids.sort((a, b) => this.serial[a]! - this.serial[b]!);
  }

  /** Name from its parts; `base` is the text of nameBase. */
  nameText(pod: number, base: string): string {
    const suffix = this.nameSuffix[pod]!;
    if (suffix < 0) return base;
    return base + (suffix < SUFFIXES ? suffixText(suffix) : String(suffix - SUFFIXES));
  }

  /** Ordinal that ends the pod's name, -1 if it was not named by one. */
  ordinal(pod: number): number {
    return Math.max(-1, this.nameSuffix[pod]! - SUFFIXES);
  }

  #grow(needed: number): void {
    let size = this.capacity;
    while (size < needed) size *= 2;
    const i32 = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(size);
      grown.set(old);
      return grown;
    };
    const f64 = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(size);
      grown.set(old);
      return grown;
    };
    this.generation = i32(this.generation);
    this.namespace = i32(this.namespace);
    this.nameBase = i32(this.nameBase);
    this.nameSuffix = i32(this.nameSuffix);
    this.template = i32(this.template);
    this.labelSet = i32(this.labelSet);
    this.owner = i32(this.owner);
    this.word = i32(this.word);
    this.node = i32(this.node);
    this.nominatedNode = i32(this.nominatedNode);
    this.pinned = i32(this.pinned);
    this.priority = i32(this.priority);
    this.ip = i32(this.ip);
    this.reason = i32(this.reason);
    this.graceSeconds = i32(this.graceSeconds);
    const restarts = new Uint16Array(size);
    restarts.set(this.restarts);
    this.restarts = restarts;
    const exitCode = new Int16Array(size);
    exitCode.set(this.exitCode);
    this.exitCode = exitCode;
    this.finishedUs = f64(this.finishedUs);
    this.serial = f64(this.serial);
    this.createdUs = f64(this.createdUs);
    this.deletionUs = f64(this.deletionUs);
    this.readyUs = f64(this.readyUs);
    this.revision = f64(this.revision);
    this.runUs = f64(this.runUs);
  }
}
