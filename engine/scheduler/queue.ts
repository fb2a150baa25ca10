// The scheduling queue: pods ready for an attempt, pods in back-off, and pods waiting for an event
// (pkg/scheduler/backend/queue/{scheduling_queue,active_queue,backoff_queue}.go, v1.36).
//
//   active     in the order of the QueueSort plug-in
//   back-off   by expiry, which upstream cuts to whole seconds and flushes once a second; within a second as active.
//              A pod that was rejected by plug-ins may leave early when the active queue is empty; one whose attempt
//              ended in an error may not
//   waiting    rejected or gated pods; left on an event that a hint of a rejecting plug-in accepts, or after 5 minutes
//
// Events that happen while a pod is being looked at count for it too: the scheduler records them and asks again when
// the pod comes back.
import {
  type ClusterChange,
  ClusterEvent,
  type ClusterView,
  PASS,
  type Plugin,
} from '../contracts/scheduler.ts';
import {
  assert,
  grownFloat64,
  grownInt32,
  type Kernel,
  NO_TIMER,
  type PeriodicWork,
  type TimerHandle,
} from '../kernel/index.ts';
import type { ClusterState } from '../state/index.ts';
import type { Framework, Instance } from './framework.ts';
import { PodHeap } from './pod-heap.ts';
import { UnschedulablePods } from './unschedulable.ts';
import { PodCursor } from './views.ts';

const SECOND_US = 1_000_000;
/** What concerns one node. */
const OF_NODES = ClusterEvent.nodeAdd | ClusterEvent.nodeLabel;

export const Place = { none: 0, active: 1, backoff: 2, errorBackoff: 3, waiting: 4 } as const;
type Place = (typeof Place)[keyof typeof Place];

export interface QueueOptions {
  readonly initialBackoffUs: number;
  readonly maxBackoffUs: number;
  /** How long a pod waits without an event. */
  readonly unschedulableFlushUs: number;
  readonly flushIntervalUs: number;
}

export class SchedulingQueue {
  /** When the pod was last (re)added, µs: the failed attempt's end, for back-off and order. */
  timestampUs = new Float64Array(256);
  /** When it came into the active queue, µs. */
  readyUs = new Float64Array(256);
  readonly #placeOf = { at: new Int32Array(256) };
  #where = new Uint8Array(256);
  #profile = new Uint8Array(256);
  #rejections = new Uint16Array(256);
  #errors = new Uint16Array(256);
  /** Attempts so far. */
  attempts = new Uint16Array(256);
  #expiryUs = new Float64Array(256);

  readonly #active: PodHeap;
  readonly #backoff: PodHeap;
  readonly #errorBackoff: PodHeap;
  readonly #waiting = new UnschedulablePods();

  readonly #kernel: Kernel;
  readonly #periodic: PeriodicWork;
  readonly #state: ClusterState;
  readonly #cluster: ClusterView;
  readonly #frameworks: readonly Framework[];
  readonly #instances: readonly Instance[];
  readonly #options: QueueOptions;
  readonly #pod: PodCursor;
  readonly #backoffTick: number;
  readonly #flushTick: number;
  #backoffTimer: TimerHandle = NO_TIMER;
  /** Without nodes, trying again is all that ever happens. */
  #backoffIsPeriodic = false;
  #backoffArmedUs = Number.POSITIVE_INFINITY;
  #flushTimer: TimerHandle = NO_TIMER;
  #flushArmedUs = Number.POSITIVE_INFINITY;
  /** ClusterEvent bits that some plug-in wants to hear of. */
  readonly listened: number;
  readonly #wake: () => void;
  /** Pods whose victims are being deleted: what happens meanwhile does not move them. */
  readonly #held = new Set<number>();

  constructor(
    kernel: Kernel,
    periodic: PeriodicWork,
    state: ClusterState,
    cluster: ClusterView,
    frameworks: readonly Framework[],
    instances: readonly Instance[],
    options: QueueOptions,
    wake: () => void,
  ) {
    this.#kernel = kernel;
    this.#periodic = periodic;
    this.#state = state;
    this.#cluster = cluster;
    this.#frameworks = frameworks;
    this.#instances = instances;
    this.#options = options;
    this.#pod = new PodCursor(state);
    this.#wake = wake;
    const sorter = frameworks[0]!.queueSort.plugin;
    const queue = this;
    const columns = {
      get priority() {
        return state.pods.priority;
      },
      get timestampUs() {
        return queue.timestampUs;
      },
    };
    const { pods } = state;
    const activeOrder = (a: number, b: number): boolean => {
      if (sorter.less!(a, b, columns)) return true;
      if (sorter.less!(b, a, columns)) return false;
      return pods.serial[a]! < pods.serial[b]!;
    };
    const backoffOrder = (a: number, b: number): boolean => {
      const difference = this.#expiryUs[a]! - this.#expiryUs[b]!;
      return difference === 0 ? activeOrder(a, b) : difference < 0;
    };
    this.#active = new PodHeap(activeOrder, this.#placeOf);
    this.#backoff = new PodHeap(backoffOrder, this.#placeOf);
    this.#errorBackoff = new PodHeap(backoffOrder, this.#placeOf);
    this.#backoffTick = kernel.on('scheduler/flush-backoff', () => {
      this.#backoffArmedUs = Number.POSITIVE_INFINITY;
      if (this.#backoffIsPeriodic && periodic.fired()) return;
      this.#flushBackoff();
      wake();
    });
    this.#flushTick = kernel.on('scheduler/flush-unschedulable', () => {
      this.#flushArmedUs = Number.POSITIVE_INFINITY;
      if (periodic.fired()) return;
      this.#flushWaiting();
      wake();
    });
    let listened = 0;
    for (const { plugin } of instances) {
      if (!canReject(plugin)) continue;
      if (plugin.events === undefined) listened = -1;
      else for (const interest of plugin.events) listened |= interest.events;
    }
    this.listened = listened;
  }

  /** Pods ready, in back-off, waiting for an event (gated ones included), and of those gated. */
  get depths(): { active: number; backoff: number; waiting: number; gated: number } {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size + this.#errorBackoff.size,
      waiting: this.#waiting.size,
      gated: this.#waiting.gated,
    };
  }

  has(pod: number): boolean {
    return pod < this.#where.length && this.#where[pod] !== Place.none;
  }

  where(pod: number): Place {
    return pod < this.#where.length ? (this.#where[pod]! as Place) : Place.none;
  }

  /** Profile of a pod that is, or was last, in the queue. */
  profile(pod: number): Framework {
    return this.#frameworks[this.#profile[pod]!]!;
  }

  /** A new pod. `profile`: index of its framework. */
  add(pod: number, profile: number): void {
    this.#reserve(pod);
    this.#profile[pod] = profile;
    this.#rejections[pod] = 0;
    this.#errors[pod] = 0;
    this.attempts[pod] = 0;
    this.#expiryUs[pod] = 0;
    this.timestampUs[pod] = this.#kernel.now;
    this.#toActive(pod);
  }

  /** The pod to try next, -1. It is no longer in the queue. */
  pop(): number {
    let pod = this.#active.pop();
    if (pod < 0) {
      pod = this.#backoff.pop();
      if (pod < 0) return -1;
      this.readyUs[pod] = this.#kernel.now;
    }
    this.#where[pod] = Place.none;
    this.#expiryUs[pod] = 0;
    this.attempts[pod] = Math.min(this.attempts[pod]! + 1, 0xffff);
    return pod;
  }

  /**
   * The attempt failed because plug-ins rejected the pod; `missed` happened meanwhile. No rejectors: nobody can say
   * what it waits for (there are no nodes), and the pod is tried again after back-off like one that met an error.
   */
  rejected(pod: number, rejectors: readonly number[], missed: readonly ClusterChange[]): void {
    if (rejectors.length === 0) {
      this.failed(pod);
      return;
    }
    this.#rejections[pod] = Math.min(this.#rejections[pod]! + 1, 0xffff);
    this.#errors[pod] = 0;
    this.timestampUs[pod] = this.#kernel.now;
    this.#pod.at(pod);
    const isHeld = this.#held.has(pod);
    if (!isHeld && missed.some((change) => this.#helps(rejectors, change))) this.#requeue(pod);
    else this.#wait(pod, rejectors, false);
  }

  /** The attempt, or the binding, met an error. */
  failed(pod: number): void {
    this.#errors[pod] = Math.min(this.#errors[pod]! + 1, 0xffff);
    this.timestampUs[pod] = this.#kernel.now;
    this.#toBackoff(pod, true);
  }

  /** The pod is gone, or bound by somebody else. */
  remove(pod: number): void {
    this.#held.delete(pod);
    switch (this.where(pod)) {
      case Place.active:
        this.#active.remove(pod);
        break;
      case Place.backoff:
        this.#backoff.remove(pod);
        break;
      case Place.errorBackoff:
        this.#errorBackoff.remove(pod);
        break;
      case Place.waiting:
        this.#waiting.remove(pod);
        break;
      default:
        return;
    }
    this.#where[pod] = Place.none;
  }

  /** Something happened to the cluster: moves the waiting pods that it may help. */
  event(change: ClusterChange): void {
    if ((change.events & this.listened) === 0 || this.#waiting.size === 0) return;
    if (change.pod !== undefined) {
      if (this.where(change.pod) === Place.waiting) this.updated(change.pod, change);
      return;
    }
    let moved: number[] | null = null;
    for (const group of this.#waiting.groups()) {
      if (group.pinned && change.events & OF_NODES) {
        // What happens to one node is nothing to those pinned to others.
        for (const pod of group.pods) {
          this.#pod.at(pod);
          if (this.#helps(group.rejectors, change)) (moved ??= []).push(pod);
        }
        continue;
      }
      this.#pod.at(group.pods[0]!);
      if (!this.#helps(group.rejectors, change)) continue;
      moved ??= [];
      for (const pod of group.pods) moved.push(pod);
    }
    if (moved !== null) for (const pod of moved) if (!this.#held.has(pod)) this.#leaveWaiting(pod);
  }

  /** The pod preempts: it stays where it is once it waits. */
  hold(pod: number): void {
    this.#held.add(pod);
  }

  /** Its preemption is done; `now`: not as meant, so it is tried again at once (Activate). */
  unhold(pod: number, now: boolean): void {
    this.#held.delete(pod);
    if (!now || this.where(pod) !== Place.waiting) return;
    this.#waiting.remove(pod);
    this.#where[pod] = Place.none;
    this.#toActive(pod);
    this.#wake();
  }

  /** The pod itself changed while it was in the queue. */
  updated(pod: number, change: ClusterChange): void {
    if (this.where(pod) !== Place.waiting) return;
    const { rejectors } = this.#waiting.group(pod);
    this.#pod.at(pod);
    if (this.#helps(rejectors, change) && !this.#held.has(pod)) {
      this.#leaveWaiting(pod);
    } else {
      // Groups go by template, and that may have changed.
      const { gated } = this.#waiting.group(pod);
      this.#waiting.remove(pod);
      this.#wait(pod, rejectors, gated);
    }
  }

  #helps(rejectors: readonly number[], change: ClusterChange): boolean {
    for (const index of rejectors) {
      const { plugin } = this.#instances[index]!;
      if (plugin.events === undefined) return true;
      for (const interest of plugin.events) {
        if ((interest.events & change.events) === 0) continue;
        if (interest.hint === undefined || interest.hint(this.#pod, change, this.#cluster)) return true;
      }
    }
    return false;
  }

  #leaveWaiting(pod: number): void {
    this.#waiting.remove(pod);
    this.#where[pod] = Place.none;
    this.#requeue(pod);
  }

  /** To back-off for what is left of it, else straight to the active queue. */
  #requeue(pod: number): void {
    if (this.#expiry(pod) > alignedSecond(this.#kernel.now)) this.#toBackoff(pod, false);
    else this.#toActive(pod);
  }

  #toActive(pod: number): void {
    this.#pod.at(pod);
    for (const { index, plugin } of this.profile(pod).preEnqueue) {
      if (plugin.preEnqueue!(this.#pod) === PASS) continue;
      this.#wait(pod, [index], true);
      return;
    }
    this.#where[pod] = Place.active;
    this.readyUs[pod] = this.#kernel.now;
    this.#active.push(pod);
  }

  #toBackoff(pod: number, error: boolean): void {
    const expiry = this.#expiry(pod);
    if (expiry <= alignedSecond(this.#kernel.now)) {
      this.#toActive(pod);
      return;
    }
    this.#pod.at(pod);
    for (const { index, plugin } of this.profile(pod).preEnqueue) {
      if (plugin.preEnqueue!(this.#pod) === PASS) continue;
      this.#wait(pod, [index], true);
      return;
    }
    this.#where[pod] = error ? Place.errorBackoff : Place.backoff;
    (error ? this.#errorBackoff : this.#backoff).push(pod);
    this.#armBackoff();
  }

  #wait(pod: number, rejectors: readonly number[], gated: boolean): void {
    const { pods } = this.#state;
    this.#where[pod] = Place.waiting;
    const pinned = pods.pinned[pod]! >= 0;
    this.#waiting.add(pod, pods.template[pod]!, pods.namespace[pod]!, rejectors, gated, pinned);
    if (!gated) this.#armFlush();
  }

  /** End of back-off, cut to the second, as upstream aligns it. 0: the pod has none. */
  #expiry(pod: number): number {
    const known = this.#expiryUs[pod]!;
    if (known !== 0) return known;
    const times = this.#errors[pod]! > 0 ? this.#errors[pod]! : this.#rejections[pod]!;
    if (times === 0) return 0;
    const { initialBackoffUs, maxBackoffUs } = this.#options;
    const backoff = Math.min(maxBackoffUs, initialBackoffUs * 2 ** Math.min(times - 1, 40));
    const expiry = alignedSecond(this.timestampUs[pod]! + backoff);
    this.#expiryUs[pod] = expiry;
    return expiry;
  }

  #armBackoff(): void {
    const first = Math.min(this.#headExpiry(this.#backoff), this.#headExpiry(this.#errorBackoff));
    // Upstream looks at every whole second; only those at which something is due are made into events.
    if (first < this.#backoffArmedUs) {
      if (this.#kernel.cancel(this.#backoffTimer) && this.#backoffIsPeriodic) this.#periodic.disarm();
      this.#backoffArmedUs = first;
      this.#backoffIsPeriodic = this.#cluster.nodeCount === 0;
      if (this.#backoffIsPeriodic) this.#periodic.arm();
      this.#backoffTimer = this.#kernel.timer(first - this.#kernel.now, this.#backoffTick, 0, 0);
    }
  }

  #headExpiry(heap: PodHeap): number {
    const pod = heap.peek();
    return pod < 0 ? Number.POSITIVE_INFINITY : this.#expiryUs[pod]!;
  }

  #flushBackoff(): void {
    const due = alignedSecond(this.#kernel.now);
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      while (this.#headExpiry(heap) <= due) {
        const pod = heap.pop();
        this.#where[pod] = Place.none;
        this.#toActive(pod);
      }
    }
    this.#armBackoff();
  }

  /** The sweep runs every `flushIntervalUs` from the start; only a sweep that finds something is made into an event. */
  #armFlush(): void {
    const oldest = this.#waiting.oldest();
    if (oldest < 0) return;
    const { unschedulableFlushUs, flushIntervalUs } = this.#options;
    // Strictly longer than the limit.
    const due = this.timestampUs[oldest]! + unschedulableFlushUs + 1;
    const sweep = Math.ceil(due / flushIntervalUs) * flushIntervalUs;
    if (sweep < this.#flushArmedUs) {
      if (this.#kernel.cancel(this.#flushTimer)) this.#periodic.disarm();
      this.#flushArmedUs = sweep;
      this.#periodic.arm();
      this.#flushTimer = this.#kernel.timer(sweep - this.#kernel.now, this.#flushTick, 0, 0);
    }
  }

  #flushWaiting(): void {
    const limit = this.#kernel.now - this.#options.unschedulableFlushUs;
    for (;;) {
      const pod = this.#waiting.oldest();
      if (pod < 0 || this.timestampUs[pod]! >= limit) break;
      this.#leaveWaiting(pod);
    }
    this.#armFlush();
  }

  #reserve(pod: number): void {
    let rows = this.#where.length;
    assert(pod < rows || pod < this.#state.pods.capacity, () => `pod row ${pod} does not exist`);
    if (pod < rows) return;
    while (pod >= rows) rows *= 2;
    this.timestampUs = grownFloat64(this.timestampUs, rows);
    this.readyUs = grownFloat64(this.readyUs, rows);
    this.#expiryUs = grownFloat64(this.#expiryUs, rows);
    this.#placeOf.at = grownInt32(this.#placeOf.at, rows);
    const grown = <A extends Uint8Array | Uint16Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.#where = grown(this.#where, new Uint8Array(rows));
    this.#profile = grown(this.#profile, new Uint8Array(rows));
    this.#rejections = grown(this.#rejections, new Uint16Array(rows));
    this.#errors = grown(this.#errors, new Uint16Array(rows));
    this.attempts = grown(this.attempts, new Uint16Array(rows));
  }
}

function canReject(plugin: Plugin): boolean {
  const { preEnqueue, preFilter, filter, reserve, permit } = plugin;
  return [preEnqueue, preFilter, filter, reserve, permit].some((point) => point !== undefined);
}

function alignedSecond(us: number): number {
  return Math.floor(us / SECOND_US) * SECOND_US;
}
