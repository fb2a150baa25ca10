// Preemptions under way: the victims get the condition DisruptionTarget and are deleted, each request when the one
// before it was answered, while the scheduler goes on; pods of lower priority that were promised the node lose the
// promise (framework/preemption/preemption.go prepareCandidateAsync and PreemptPod, v1.36).
//
// Upstream keeps the pod out of the queue until these requests are answered. Here it may be looked at before; it does
// not preempt again, because victims count as preempted from the moment they were chosen.
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

export class Preemptions implements PodFacts {
  readonly #state: ClusterState;
  readonly #cache: SchedulerCache;
  readonly #client: ApiClient;
  readonly #events: ApiClient;
  /**
   * Victims whose end the scheduler has not seen yet, with the texts of their Events to come: two pods that preempt at
   * about the same time may both choose a victim, and each asks for its end and says so.
   */
  readonly #victims = new Map<number, string[]>();
  /** status.startTime by pod row, µs, whole seconds as the API has them; Infinity: not started. */
  #startedUs = new Float64Array(256).fill(Number.POSITIVE_INFINITY);

  constructor(state: ClusterState, cache: SchedulerCache, client: ApiClient, events: ApiClient) {
    this.#state = state;
    this.#cache = cache;
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
    const text = `Preempted by pod ${podUid(this.#state, pod)} on node ${this.#state.nodeName(node)}`;
    for (const victim of victims) {
      // Gone from the cache while the attempt took its time, or on its way out already.
      if (this.#cache.nodeOfPod(victim) !== node) continue;
      if ((pods.word[victim]! & (PodBit.deleting | PodBit.removed)) !== 0) continue;
      const texts = this.#victims.get(victim);
      if (texts === undefined) this.#victims.set(victim, [text]);
      else texts.push(text);
      const generation = pods.generation[victim]!;
      this.#client.patchPodStatus(victim, generation, PREEMPTED, this.#marked, victim, generation);
    }
  }

  readonly #marked = (reply: ApiReply): void => {
    const { target: victim, arg: generation } = reply;
    if (this.#state.pods.generation[victim] !== generation) return;
    // It went by itself meanwhile.
    if (reply.code >= 400) {
      this.#victims.get(victim)?.shift();
      return;
    }
    this.#client.deletePod(victim, generation, -1, this.#deleted, victim, generation);
  };

  readonly #deleted = (reply: ApiReply): void => {
    const { target: victim, arg: generation } = reply;
    if (this.#state.pods.generation[victim] !== generation) return;
    // One text a request; which of two preemptors is named first makes no difference to anybody.
    const text = this.#victims.get(victim)?.shift();
    if (reply.code >= 400 || text === undefined) return;
    this.#events.podEvent('Normal', 'Preempted', victim, text);
  };
}
