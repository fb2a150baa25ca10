// Preemptions under way: the victims get the condition DisruptionTarget and are deleted, each request when the one
// before it was answered, while the scheduler goes on; pods of lower priority that were promised the node lose the
// promise (framework/preemption/executor.go prepareCandidateAsync and PreemptPod, v1.36).
//
// All victims but the last go at once, the last one after them. Until its deletion has begun the pod that preempts is held
// out of the active queue, whatever happens (PreEnqueue of DefaultPreemption); the end of the last victim lets it in.
import type { ApiClient, ApiReply, PodStatusChange } from '../contracts/api.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import { originalOf } from '../kinds/ingest/pod.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { type ClusterState, PodBit, timestampUs } from '../state/index.ts';
import type { SchedulerCache } from './cache.ts';
import { isBeingPreempted, type PodFacts } from './post-filter.ts';

const SECOND = 1_000_000;

const PREEMPTED: PodStatusChange = Object.freeze({
  phase: -1,
  set: PodBit.preempted,
  clear: 0,
  restarts: -1,
  reason: -1,
  ip: 0,
});

const NOT_NOMINATED: PodStatusChange = Object.freeze({ ...PREEMPTED, set: 0, nominatedNode: -1 });

/** The pod that preempts, and what is left to do for it. */
interface Preemption {
  readonly pod: number;
  readonly generation: number;
  readonly text: string;
  /** Victims before the last one that are not deleted yet. */
  left: number;
  readonly last: number;
  readonly lastGeneration: number;
  /** A request was refused: the pod looks for itself again. */
  isRefused: boolean;
}

/** One victim of one preemption: two pods that preempt at about the same time may both choose a victim. */
interface Task {
  readonly generation: number;
  readonly of: Preemption;
}

/** The part of the queue that keeps pods waiting while they preempt. */
export interface Holding {
  hold(pod: number): void;
  /** `now`: the pod is to be tried at once. */
  unhold(pod: number, now: boolean): void;
}

export class Preemptions implements PodFacts {
  readonly #state: ClusterState;
  readonly #cache: SchedulerCache;
  readonly #client: ApiClient;
  readonly #events: ApiClient;
  readonly #queue: Holding;
  /** Victims whose end the scheduler has not seen yet. */
  readonly #victims = new Set<number>();
  readonly #tasks = new Map<number, Task>();
  #taskCount = 0;
  /** status.startTime by pod row, µs, whole seconds as the API has them; Infinity: not started. */
  #startedUs = new Float64Array(256).fill(Number.POSITIVE_INFINITY);

  constructor(
    state: ClusterState,
    cache: SchedulerCache,
    queue: Holding,
    client: ApiClient,
    events: ApiClient,
  ) {
    this.#state = state;
    this.#cache = cache;
    this.#queue = queue;
    this.#client = client;
    this.#events = events;
  }

  // ---- what plug-ins ask ----

  startUs(pod: number): number {
    return this.#startedUs[pod] ?? Number.POSITIVE_INFINITY;
  }
  isPreempted(pod: number): boolean {
    return this.#victims.has(pod) || isBeingPreempted(this.#state.pods.word[pod]!);
  }
  budgets(): readonly KubeObject[] {
    const { objects } = this.#state;
    const store = objects.findKind('PodDisruptionBudget');
    return store === undefined ? [] : [...store.ids.values()].map((id) => objects.get(id)!);
  }

  // ---- what the watch tells ----

  /** The kubelet has written the start time of a pod. */
  started(pod: number, us: number): void {
    if (pod >= this.#startedUs.length) {
      const longer = new Float64Array(this.#state.pods.capacity).fill(Number.POSITIVE_INFINITY);
      longer.set(this.#startedUs);
      this.#startedUs = longer;
    }
    if (this.#startedUs[pod] !== Number.POSITIVE_INFINITY) return;
    const given = timestampUs(originalOf(this.#state, pod)?.status?.startTime);
    this.#startedUs[pod] = Number.isNaN(given) ? Math.floor(us / SECOND) * SECOND : given;
  }

  /** The pod has ended or is gone. */
  forget(pod: number): void {
    if (pod < this.#startedUs.length) this.#startedUs[pod] = Number.POSITIVE_INFINITY;
    this.#victims.delete(pod);
  }

  // ---- what is done ----

  /** Makes room for the pod on the node. */
  begin(pod: number, node: number, victims: readonly number[]): void {
    const { pods } = this.#state;
    const { nominations } = this.#cache;
    for (const other of [...nominations.podsOn(node)]) {
      if (pods.priority[other]! >= pods.priority[pod]!) continue;
      nominations.clear(other);
      if (pods.nominatedNode[other]! >= 0) {
        this.#client.patchPodStatus(other, pods.generation[other]!, NOT_NOMINATED, null);
      }
    }
    const { word } = pods;
    // Some may be gone from the cache while the attempt took its time, or be on their way out already.
    const left = victims.filter(
      (victim) =>
        this.#cache.nodeOfPod(victim) === node && (word[victim]! & (PodBit.deleting | PodBit.removed)) === 0,
    );
    if (left.length === 0) return;
    for (const victim of left) this.#victims.add(victim);
    this.#queue.hold(pod);
    const text = `Preempted by pod ${podUid(this.#state, pod)} on node ${this.#state.nodeName(node)}`;
    const last = left.pop()!;
    const { generation } = pods;
    const preemption: Preemption = {
      pod,
      generation: generation[pod]!,
      text,
      left: left.length,
      last,
      lastGeneration: generation[last]!,
      isRefused: false,
    };
    if (left.length === 0) this.#evict(last, generation[last]!, preemption);
    else for (const victim of left) this.#evict(victim, generation[victim]!, preemption);
  }

  #evict(victim: number, generation: number, of: Preemption): void {
    const task = this.#taskCount++;
    this.#tasks.set(task, { generation, of });
    this.#client.patchPodStatus(victim, generation, PREEMPTED, this.#marked, victim, task);
  }

  readonly #marked = ({ code, target: victim, arg: task }: ApiReply): void => {
    const { generation } = this.#tasks.get(task)!;
    // It may have gone by itself meanwhile.
    if (code >= 400 || this.#state.pods.generation[victim] !== generation) this.#evicted(victim, task, false);
    else this.#client.deletePod(victim, generation, -1, this.#deleted, victim, task);
  };

  readonly #deleted = ({ code, target: victim, arg: task }: ApiReply): void => {
    const { generation, of } = this.#tasks.get(task)!;
    const isDone = code < 400 && this.#state.pods.generation[victim] === generation;
    if (isDone) this.#events.podEvent('Normal', 'Preempted', victim, of.text);
    this.#evicted(victim, task, isDone);
  };

  #evicted(victim: number, task: number, isDone: boolean): void {
    const { of } = this.#tasks.get(task)!;
    this.#tasks.delete(task);
    if (!isDone) of.isRefused = true;
    if (victim !== of.last) {
      of.left -= 1;
      if (of.left === 0) this.#evict(of.last, of.lastGeneration, of);
      return;
    }
    if (this.#state.pods.generation[of.pod] === of.generation) this.#queue.unhold(of.pod, of.isRefused);
  }
}
