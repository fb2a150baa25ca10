// The pods of one DaemonSet by node, and what follows from them node by node: what counts in status, whether the node
// needs anything, and what a rolling update may do with it (podsShouldBeOnNode, rollingUpdate and
// updateDaemonSetStatus of pkg/controller/daemon, v1.36).
//
// Upstream goes through all nodes at every sync. Here a node is looked at again only when one of its pods, its own
// columns or the set has changed, or while a pod of it is becoming available; sums and sets are kept up meanwhile. So a
// pod event costs the same on 10 and on 5,000 nodes.
import type { ControllerContext, SeenObject } from '../contracts/controller.ts';
import { scaledIntOrPercent } from '../kinds/intorstring.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { isTerminal, PodBit } from '../state/index.ts';
import { type Placement, placementOf } from './daemonset-placement.ts';
import { GENERATION_LABEL, HASH_LABEL, templateGeneration } from './daemonset-revisions.ts';
import { IndexedSet } from './indexed-set.ts';
import { isReady } from './pod-view.ts';

const SECOND = 1_000_000;

/** What a node adds to the status. */
const Count = { desired: 0, current: 1, misscheduled: 2, ready: 3, available: 4, updated: 5 } as const;
const COUNTS = 6;

/** What a rolling update sees in a node. */
export const Roll = {
  /** Nothing to count, nothing to do. */
  fine: 0,
  /** Counts as unavailable, or as surged. */
  busy: 1,
  /** Has an old pod that is not available: it is replaced whatever the limits. */
  broken: 2,
  /** Has an old pod that is available: replaced as the limits allow. */
  candidate: 3,
  /** Surge: has an available new pod beside the old one, or an unavailable old one where none should run. */
  outdated: 4,
  /** Surge: has an available old pod where none should run. */
  misplaced: 5,
  /** Surge: is gone, and has an old pod left. */
  lost: 6,
} as const;
const ROLLS = 7;

export interface FleetCounts {
  readonly desired: number;
  readonly current: number;
  readonly misscheduled: number;
  readonly ready: number;
  readonly available: number;
  readonly updated: number;
}

const NO_PODS: readonly number[] = Object.freeze([]);
const NOTHING: ReadonlySet<number> = new Set();

export class Fleet {
  readonly #ctx: ControllerContext;
  readonly #seen: SeenObject;
  #set: KubeObject;
  #placement: (node: number) => Placement;
  /** Hash of the revision that pods are brought to. */
  #hash = '';
  #generation: string;
  #minReadySeconds = 0;
  #surges = false;

  readonly #pods = new Map<number, number[]>();
  readonly #nodeOf = new Map<number, number>();
  /** Unbound pods for nodes that are not there. */
  readonly strays = new Set<number>();
  /** Pods that a sync has created and its cache does not have yet. */
  #unseen: ReadonlySet<number> = NOTHING;

  // By node: bits 1 it exists, 2 a pod should run, 4 a pod may stay; bits of what it adds to the counts; its class.
  #flags = new Uint8Array(64);
  #adds = new Uint8Array(64);
  #roll = new Uint8Array(64);
  /** Nodes with an available pod, as a surging update counts them. */
  #served = new Uint8Array(64);
  #servedCount = 0;

  readonly #dirty = new Set<number>();
  /** Nodes where a pod is ready and not available yet. */
  readonly #waiting = new Set<number>();
  readonly #counts = new Int32Array(COUNTS);
  readonly #rolls = Array.from({ length: ROLLS }, () => new IndexedSet());
  /** Nodes that need a pod, or have one too many, ended, or out of place. */
  readonly attention = new IndexedSet();

  constructor(ctx: ControllerContext, seen: SeenObject) {
    this.#ctx = ctx;
    this.#seen = seen;
    this.#set = seen.object;
    this.#generation = templateGeneration(seen.object);
    this.#placement = placementOf(seen.object, ctx.run.state.nodes);
    this.#readSpec();
    for (const node of ctx.nodes().list()) this.nodeSeen(node);
    for (let pod = ctx.pods.firstOwned(seen.id); pod >= 0; pod = ctx.pods.nextOwned(pod)) this.podSeen(pod);
  }

  // ---- what happens ----

  /** The set has a new version. */
  setSeen(): void {
    const { object } = this.#seen;
    if (object['spec'] === this.#set['spec'] && templateGeneration(object) === this.#generation) {
      this.#set = object;
      return;
    }
    this.#set = object;
    this.#generation = templateGeneration(object);
    this.#placement = placementOf(object, this.#ctx.run.state.nodes);
    this.#readSpec();
    for (const node of this.#ctx.nodes().list()) this.#place(node);
    this.#touchAll();
  }

  /**
   * The node joined or was changed. True: a sync is due (syncNodeUpdate of daemon_controller.go), because a pod should
   * run there now, or one may not stay, or because one is there and the status tells of misplaced pods. A taint that
   * only keeps new pods off wakes nobody else (recorded: status tells of it with the next sync).
   */
  nodeSeen(node: number): boolean {
    const before = this.#flagsOf(node);
    this.#place(node);
    if ((before & 1) === 0) this.#gather();
    const after = this.#flagsOf(node);
    if (before !== after) this.#dirty.add(node);
    if (before === after) return false;
    if ((after & 2) !== 0) return true;
    return this.#pods.has(node) && ((after & 4) === 0 || (this.#set['status']?.numberMisscheduled ?? 0) > 0);
  }

  nodeGone(node: number): void {
    if (this.#flagsOf(node) === 0) return;
    this.#flags[node] = 0;
    this.#dirty.add(node);
    for (const pod of this.#pods.get(node) ?? NO_PODS) {
      if (this.#ctx.pods.node(pod) >= 0) continue;
      this.#detach(pod, node);
      this.strays.add(pod);
    }
  }

  podSeen(pod: number): void {
    const { pods } = this.#ctx;
    if (!pods.has(pod)) return this.podLost(pod);
    let node = this.#nodeOf.get(pod);
    if (node === undefined) {
      node = this.#target(pod);
      if (node < 0) {
        this.strays.add(pod);
        return;
      }
      this.strays.delete(pod);
      this.#nodeOf.set(pod, node);
      const list = this.#pods.get(node);
      if (list === undefined) this.#pods.set(node, [pod]);
      else list.push(pod);
    }
    this.#dirty.add(node);
  }

  /** The pod is gone, or the set's no more. */
  podLost(pod: number): void {
    this.strays.delete(pod);
    const node = this.#nodeOf.get(pod);
    if (node === undefined) return;
    this.#detach(pod, node);
    this.#dirty.add(node);
  }

  #detach(pod: number, node: number): void {
    this.#nodeOf.delete(pod);
    const list = this.#pods.get(node)!.filter((other) => other !== pod);
    if (list.length > 0) this.#pods.set(node, list);
    else this.#pods.delete(node);
  }

  /** The node that it is bound or pinned to, -1: there is none. */
  #target(pod: number): number {
    const { pods, run } = this.#ctx;
    const node = pods.node(pod);
    if (node >= 0) return node;
    const pinned = pods.table.pinned[pod]!;
    if (pinned < 0) return -1;
    const named = run.state.nodes.find(run.state.texts.text(pinned));
    return named >= 0 && this.#ctx.nodes().has(named) ? named : -1;
  }

  /** Pods may have been waiting for the node that has come. */
  #gather(): void {
    for (const pod of [...this.strays]) this.podSeen(pod);
  }

  // ---- what follows ----

  /** Brings everything up to the present for pods of that revision. */
  refresh(hash: string): void {
    if (hash !== this.#hash) {
      this.#hash = hash;
      this.#touchAll();
    }
    for (const node of this.#waiting) this.#dirty.add(node);
    for (const node of this.#dirty) this.#look(node);
    this.#dirty.clear();
  }

  /** Until it is called again the fleet does without these pods. */
  overlook(pods: ReadonlySet<number> = NOTHING): void {
    if (pods.size === 0 && this.#unseen.size === 0) return;
    for (const pod of [...this.#unseen, ...pods]) {
      const node = this.#nodeOf.get(pod);
      if (node !== undefined) this.#dirty.add(node);
    }
    this.#unseen = pods;
  }
  /** Pods are overlooked. */
  get isBehind(): boolean {
    return this.#unseen.size > 0;
  }

  get counts(): FleetCounts {
    const [desired = 0, current = 0, misscheduled = 0, ready = 0, available = 0, updated = 0] = this.#counts;
    return { desired, current, misscheduled, ready, available, updated };
  }

  /** Nodes of a class of Roll. */
  nodesTo(roll: number): IndexedSet {
    return this.#rolls[roll]!;
  }
  /** Nodes with an available pod. */
  get served(): number {
    return this.#servedCount;
  }
  get surges(): boolean {
    return this.#surges;
  }

  placement(node: number): Placement {
    const flags = this.#flagsOf(node);
    return { shouldRun: (flags & 2) !== 0, shouldContinue: (flags & 4) !== 0 };
  }
  exists(node: number): boolean {
    return (this.#flagsOf(node) & 1) !== 0;
  }

  /** Pods of the node as a sync sees them, those that have ended and are being deleted left out. */
  podsOf(node: number): readonly number[] {
    const { pods } = this.#ctx;
    const list = this.#pods.get(node) ?? NO_PODS;
    const isLost = (pod: number): boolean =>
      isTerminal(pods.word(pod)) && (pods.word(pod) & PodBit.deleting) !== 0;
    return list.filter((pod) => !isLost(pod) && !this.#unseen.has(pod));
  }

  isUpdated(pod: number): boolean {
    const { pods, run } = this.#ctx;
    const labels = run.state.labels.get(pods.labelSet(pod));
    return (
      (this.#hash !== '' && labels[HASH_LABEL] === this.#hash) ||
      (this.#generation !== '' && labels[GENERATION_LABEL] === this.#generation)
    );
  }

  isAvailable(pod: number): boolean {
    const { pods, run } = this.#ctx;
    if (!isReady(pods.word(pod))) return false;
    return (
      this.#minReadySeconds === 0 || pods.readyUs(pod) + this.#minReadySeconds * SECOND <= run.kernel.now
    );
  }

  /** Bound ones first, then the older, then by name (podByCreationTimestampAndPhase). */
  oldestFirst(list: readonly number[]): number[] {
    const { pods, run } = this.#ctx;
    const second = (pod: number): number => Math.floor(pods.table.createdUs[pod]! / SECOND);
    const isBound = (pod: number): number => (pods.node(pod) >= 0 ? 0 : 1);
    return [...list].sort((a, b) => {
      const order = isBound(a) - isBound(b) || second(a) - second(b);
      if (order !== 0) return order;
      return run.state.podName(a) < run.state.podName(b) ? -1 : 1;
    });
  }

  /** The new and the old pod of the node that are not being deleted; null: there are too many. */
  pairOn(node: number): { readonly fresh: number; readonly old: number } | null {
    const { pods } = this.#ctx;
    let fresh = -1;
    let old = -1;
    for (const pod of this.podsOf(node)) {
      if (pods.word(pod) & PodBit.deleting) continue;
      if (this.isUpdated(pod)) {
        if (fresh >= 0) return null;
        fresh = pod;
      } else {
        if (old >= 0) return null;
        old = pod;
      }
    }
    return { fresh, old };
  }

  /** Limits of a rolling update, numbers of nodes. */
  limits(): { readonly maxUnavailable: number; readonly maxSurge: number } {
    const desired = this.#counts[Count.desired]!;
    const { type, rollingUpdate } = this.#set['spec'].updateStrategy ?? {};
    if (type !== 'RollingUpdate' || !rollingUpdate)
      return { maxUnavailable: desired > 0 ? 1 : 0, maxSurge: 0 };
    const maxUnavailable = scaledIntOrPercent(rollingUpdate.maxUnavailable ?? 0, desired, true) ?? 0;
    const maxSurge = scaledIntOrPercent(rollingUpdate.maxSurge ?? 0, desired, true) ?? 0;
    const impossible = desired > 0 && maxUnavailable === 0 && maxSurge === 0;
    return { maxUnavailable: impossible ? 1 : maxUnavailable, maxSurge };
  }

  /** Time until the next ready pod becomes available, µs; null if none waits for it. */
  nextAvailableUs(): number | null {
    const { pods, run } = this.#ctx;
    let next: number | null = null;
    for (const node of this.#waiting) {
      for (const pod of this.podsOf(node)) {
        if (!isReady(pods.word(pod))) continue;
        const left = pods.readyUs(pod) + this.#minReadySeconds * SECOND - run.kernel.now;
        if (left > 0 && (next === null || left < next)) next = left;
      }
    }
    return next;
  }

  /** Hashes of all revisions that pods are of. */
  hashes(): ReadonlySet<string> {
    const { pods, run } = this.#ctx;
    const found = new Set<string>();
    for (let pod = pods.firstOwned(this.#seen.id); pod >= 0; pod = pods.nextOwned(pod)) {
      const hash = run.state.labels.get(pods.labelSet(pod))[HASH_LABEL];
      if (hash !== undefined) found.add(hash);
    }
    return found;
  }

  // ---- one node ----

  #readSpec(): void {
    const { updateStrategy, minReadySeconds } = this.#set['spec'];
    this.#minReadySeconds = minReadySeconds ?? 0;
    const { type, rollingUpdate } = updateStrategy ?? {};
    this.#surges =
      type === 'RollingUpdate' && (scaledIntOrPercent(rollingUpdate?.maxSurge ?? 0, 1, true) ?? 0) > 0;
  }

  #touchAll(): void {
    for (const node of this.#ctx.nodes().list()) this.#dirty.add(node);
    for (const node of this.#pods.keys()) this.#dirty.add(node);
  }

  #flagsOf(node: number): number {
    return node < this.#flags.length ? this.#flags[node]! : 0;
  }

  #place(node: number): void {
    this.#grow(node);
    const { shouldRun, shouldContinue } = this.#placement(node);
    this.#flags[node] = 1 | (shouldRun ? 2 : 0) | (shouldContinue ? 4 : 0);
  }

  #look(node: number): void {
    this.#grow(node);
    const list = this.podsOf(node);
    this.#account(node, this.#addsOf(node, list));
    if (this.#isNotable(node, list)) this.attention.add(node);
    else this.attention.delete(node);
    const roll = this.#rollOf(node, list);
    if (roll !== this.#roll[node]) {
      this.#rolls[this.#roll[node]!]!.delete(node);
      this.#roll[node] = roll;
    }
    // Most nodes are fine most of the time: they stand in no set.
    if (roll !== Roll.fine) this.#rolls[roll]!.add(node);
    const isWaiting =
      this.#minReadySeconds > 0 &&
      list.some((pod) => isReady(this.#ctx.pods.word(pod)) && !this.isAvailable(pod));
    if (isWaiting) this.#waiting.add(node);
    else this.#waiting.delete(node);
  }

  #account(node: number, adds: number): void {
    const before = this.#adds[node]!;
    for (let count = 0; count < COUNTS; count++) {
      this.#counts[count]! += ((adds >> count) & 1) - ((before >> count) & 1);
    }
    this.#adds[node] = adds;
  }

  #addsOf(node: number, list: readonly number[]): number {
    const flags = this.#flagsOf(node);
    if ((flags & 1) === 0) return 0;
    if ((flags & 2) === 0) return list.length > 0 ? 1 << Count.misscheduled : 0;
    let adds = 1 << Count.desired;
    if (list.length === 0) return adds;
    adds |= 1 << Count.current;
    const first = list.length === 1 ? list[0]! : this.oldestFirst(list)[0]!;
    if (isReady(this.#ctx.pods.word(first))) {
      adds |= 1 << Count.ready;
      if (this.isAvailable(first)) adds |= 1 << Count.available;
    }
    if (this.isUpdated(first)) adds |= 1 << Count.updated;
    return adds;
  }

  /** Whether a sync has to look at the node at all. */
  #isNotable(node: number, list: readonly number[]): boolean {
    const flags = this.#flagsOf(node);
    if ((flags & 1) === 0) return false;
    if (list.length === 0) return (flags & 2) !== 0;
    const { pods } = this.#ctx;
    if ((flags & 4) === 0) return list.some((pod) => (pods.word(pod) & PodBit.deleting) === 0);
    return list.length > 1 || isTerminal(pods.word(list[0]!)) || this.#surges;
  }

  #rollOf(node: number, list: readonly number[]): number {
    const flags = this.#flagsOf(node);
    let isServed = false;
    let roll: number = Roll.fine;
    if (list.length > 0 || (flags & 2) !== 0) {
      const pair = this.pairOn(node);
      if (pair === null) roll = Roll.busy;
      else {
        const { fresh, old } = pair;
        const counted = old >= 0 ? old : fresh;
        isServed = counted >= 0 && this.isAvailable(counted);
        roll = this.#surges ? this.#surgeRoll(flags, fresh, old) : this.#plainRoll(fresh, old);
      }
    }
    const served = isServed ? 1 : 0;
    this.#servedCount += served - this.#served[node]!;
    this.#served[node] = served;
    return roll;
  }

  #plainRoll(fresh: number, old: number): number {
    if (fresh >= 0 === old >= 0) return Roll.busy;
    if (fresh >= 0) return this.isAvailable(fresh) ? Roll.fine : Roll.busy;
    return this.isAvailable(old) ? Roll.candidate : Roll.broken;
  }

  #surgeRoll(flags: number, fresh: number, old: number): number {
    if (old < 0) return Roll.fine;
    if (fresh >= 0) return this.isAvailable(fresh) ? Roll.outdated : Roll.busy;
    if ((flags & 1) === 0) return Roll.lost;
    if (this.isAvailable(old)) return flags & 2 ? Roll.candidate : Roll.misplaced;
    return flags & 2 ? Roll.broken : Roll.outdated;
  }

  #grow(node: number): void {
    let size = this.#flags.length;
    if (node < size) return;
    while (node >= size) size *= 2;
    const grown = (from: Uint8Array): Uint8Array<ArrayBuffer> => {
      const to = new Uint8Array(size);
      to.set(from);
      return to;
    };
    this.#flags = grown(this.#flags);
    this.#adds = grown(this.#adds);
    this.#roll = grown(this.#roll);
    this.#served = grown(this.#served);
  }
}
