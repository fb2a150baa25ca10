// Pods that no node would take, or that may not enter the queue yet, waiting for an event that could change that.
// Pods with one template, namespace and set of rejecting plug-ins get one answer from the hints, so they are kept as
// one group: an event costs a hint per group and plug-in, not per pod, and a storm of joining nodes stays cheap. Pods
// that are pinned to a node each (DaemonSets) form groups of their own; events of nodes are theirs one by one.
import { assert } from '../kernel/index.ts';

export interface PodGroup {
  readonly key: string;
  /** Plug-in instances that rejected these pods. */
  readonly rejectors: readonly number[];
  /** Kept out by a PreEnqueue plug-in; asked again before it moves, and not moved by the clock. */
  readonly gated: boolean;
  /** Each of the pods may go to one node only. */
  readonly pinned: boolean;
  readonly pods: number[];
}

interface Entry {
  readonly pod: number;
  readonly visit: number;
}

export class UnschedulablePods {
  readonly #groups = new Map<string, PodGroup>();
  /** By pod row: its group and place in it; undefined outside the pool. */
  readonly #groupOf: (PodGroup | undefined)[] = [];
  readonly #place: number[] = [];
  /** Pods in the order of their failed attempts, for the flush; those that have left since are passed over. */
  #waiting: Entry[] = [];
  #first = 0;
  readonly #visit: number[] = [];
  #visits = 0;
  #size = 0;
  #gated = 0;

  get size(): number {
    return this.#size;
  }
  get gated(): number {
    return this.#gated;
  }
  has(pod: number): boolean {
    return this.#groupOf[pod] !== undefined;
  }
  group(pod: number): PodGroup {
    const group = this.#groupOf[pod];
    assert(group !== undefined, () => `pod row ${pod} is not in the pool`);
    return group;
  }
  /** Groups in the order in which their first pods came. */
  groups(): Iterable<PodGroup> {
    return this.#groups.values();
  }

  add(
    pod: number,
    template: number,
    namespace: number,
    rejectors: readonly number[],
    gated: boolean,
    pinned = false,
  ): void {
    assert(!this.has(pod), () => `pod row ${pod} is in the pool already`);
    const key = `${template}/${namespace}/${gated ? 'g' : ''}${pinned ? 'p' : ''}${rejectors.join(',')}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { key, rejectors, gated, pinned, pods: [] };
      this.#groups.set(key, group);
    }
    this.#groupOf[pod] = group;
    this.#place[pod] = group.pods.length;
    group.pods.push(pod);
    this.#size += 1;
    this.#visit[pod] = ++this.#visits;
    if (gated) this.#gated += 1;
    else this.#waiting.push({ pod, visit: this.#visits });
  }

  remove(pod: number): void {
    const group = this.group(pod);
    const place = this.#place[pod]!;
    const last = group.pods.pop()!;
    if (last !== pod) {
      group.pods[place] = last;
      this.#place[last] = place;
    }
    if (group.pods.length === 0) this.#groups.delete(group.key);
    this.#groupOf[pod] = undefined;
    this.#visit[pod] = 0;
    this.#size -= 1;
    if (group.gated) this.#gated -= 1;
  }

  /** The pod that has waited longest since its attempt, -1. Gated pods do not count. */
  oldest(): number {
    for (; this.#first < this.#waiting.length; this.#first++) {
      const { pod, visit } = this.#waiting[this.#first]!;
      if (this.#visit[pod] === visit) return pod;
    }
    this.#waiting = [];
    this.#first = 0;
    return -1;
  }
}
