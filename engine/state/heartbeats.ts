// Leases of nodes: when each kubelet renewed last. A healthy kubelet renews every 10 s on a phase of its own, so that
// its renewals are a formula and cost no events; what changes is when it begins and when it falls silent. With
// `heartbeats: events` each renewal is a request, and this only keeps when the last ones were stored.
//
// Rules: 40 s lease, renewed each quarter of it (pkg/kubelet/kubelet.go nodeLeaseRenewInterval, v1.36). The jitter of
// 4 % that client-go adds is left out: the phase stands for it.
import { assert } from '../kernel/index.ts';
import type { NodeTable } from './nodes.ts';

/** µs from one renewal to the next. */
export const LEASE_RENEW_US = 10_000_000;

/** Never. */
const NEVER = Number.NEGATIVE_INFINITY;

export class Heartbeats {
  readonly #nodes: NodeTable;
  /** A renewal by node, from which the later ones follow; NaN: not asked for yet. */
  readonly #firstUs: number[] = [];
  /** Last renewal of the life before. */
  readonly #beforeUs: number[] = [];
  /** When the kubelet fell silent, by node; absent: it renews. */
  readonly #silentUs = new Map<number, number>();
  /** With events: times of the last stored renewal and of the one before, by node. */
  readonly #stored: (readonly [number, number] | undefined)[] = [];
  /** Renewals are requests, not a formula. */
  asEvents = false;
  /** From a renewal's beginning to its arrival at a watcher, µs. */
  lagUs = 0;
  /** Part of the period by which a node that was there from the start is late, µs. */
  phaseUs: (node: number) => number = () => 0;

  readonly #onSilence: ((node: number) => void)[] = [];

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  /** Whether the kubelet renews its lease at this time. */
  renews(node: number): boolean {
    return !this.#silentUs.has(node) && this.#nodes.removed[node] !== 1;
  }

  /** The kubelet is up again, or reaches the server again: it renews now and each period from now on. */
  resume(node: number, us: number): void {
    if (!this.#silentUs.has(node)) return;
    this.#beforeUs[node] = this.lastUs(node, us);
    this.#silentUs.delete(node);
    this.#firstUs[node] = us;
  }

  /** No renewal from now on. */
  silence(node: number, us: number): void {
    if (this.#silentUs.has(node)) return;
    this.#silentUs.set(node, us);
    for (const listener of this.#onSilence) listener(node);
  }

  /**
   * Tells of each kubelet that falls silent. It is no message of the cluster's: it says that the formula ends, so that
   * whoever follows it can schedule the moment at which the silence will be noticed.
   */
  onSilence(listener: (node: number) => void): void {
    this.#onSilence.push(listener);
  }

  /** The renewal that follows `us`, µs. */
  nextUs(node: number, us: number): number {
    const first = this.#first(node);
    return us < first ? first : first + (Math.floor((us - first) / LEASE_RENEW_US) + 1) * LEASE_RENEW_US;
  }

  /** The last renewal that began at or before `us`; -Infinity: none. */
  lastUs(node: number, us: number): number {
    const first = this.#first(node);
    const silent = this.#silentUs.get(node);
    const until = silent === undefined ? us : Math.min(us, silent);
    if (until < first) return Math.min(us, this.#beforeUs[node] ?? NEVER);
    return first + Math.floor((until - first) / LEASE_RENEW_US) * LEASE_RENEW_US;
  }

  /** A renewal was committed. */
  stored(node: number, us: number): void {
    assert(this.asEvents, 'renewals are stored only where they are requests');
    this.#stored[node] = [us, this.#stored[node]?.[0] ?? NEVER];
  }

  /** The last renewal that a watcher knows of at `us`; `watchUs`: from commit to watcher. */
  seenUs(node: number, us: number, watchUs: number): number {
    if (!this.asEvents) return this.lastUs(node, us - this.lagUs);
    const stored = this.#stored[node];
    // Before the first renewal of the run: those of the time before it.
    if (stored === undefined) return this.lastUs(node, Math.min(-1, us - this.lagUs));
    return stored[0] <= us - watchUs ? stored[0] : Math.max(stored[1], this.lastUs(node, -1));
  }

  #first(node: number): number {
    const known = this.#firstUs[node];
    if (known !== undefined) return known;
    const addedUs = this.#nodes.addedUs[node]!;
    // A node that was there from the start has renewed before; one that joins makes its lease when it joins.
    const first = addedUs > 0 ? addedUs : this.phaseUs(node) - 10 * LEASE_RENEW_US;
    this.#firstUs[node] = first;
    return first;
  }
}
