// When the node controller looks at its nodes, and since when each is overdue. It looks every 5 s; between looks that
// find something to do nothing needs to happen, so only those are made into events: a node that falls silent schedules
// the one look that will find it out. With `heartbeats: events` every look is an event and every node is looked at.
//
// Each look takes a moment and the next is due 5 s after its end (wait.UntilWithContext), so ten looks are a little
// longer than the grace period of 50 s: a node last heard of at one look is found out ten looks later, not eleven.
import { type ClusterState, NodeReady } from '../state/index.ts';

const SECOND = 1_000_000;
/** --node-monitor-period (cloud-provider/config/v1alpha1/defaults.go, v1.36). */
export const LOOK_US = 5 * SECOND;
/** --node-monitor-grace-period and --node-startup-grace-period (nodelifecycle/config/v1alpha1/defaults.go, v1.36). */
const GRACE_US = 50 * SECOND;
const STARTUP_GRACE_US = 60 * SECOND;

export class Looks {
  readonly #state: ClusterState;
  /** From the beginning of a look that finds nothing to that of the next, µs. */
  readonly #periodUs: number;
  readonly #watchUs: number;
  /** Looks follow each of these times by whole periods, until the next of them. */
  readonly #bases: number[];
  /** By node: the look that last heard of it by something else than its lease; absent: none. */
  readonly #heardUs = new Map<number, number>();
  /** By node with events: renewal known, and the look that found it. */
  readonly #found = new Map<number, { readonly renewedUs: number; readonly lookUs: number }>();

  /** `firstUs`: some look. `passUs`: what a look takes that finds nothing. */
  constructor(state: ClusterState, firstUs: number, passUs: number, watchUs: number) {
    this.#state = state;
    this.#periodUs = LOOK_US + passUs;
    this.#watchUs = watchUs;
    this.#bases = [firstUs - Math.ceil((firstUs + 4 * GRACE_US) / this.#periodUs) * this.#periodUs];
  }

  /** The first look at or after `us`. */
  atOrAfter(us: number): number {
    if (us === Number.POSITIVE_INFINITY) return us;
    let i = this.#bases.length - 1;
    while (i > 0 && this.#bases[i]! > us) i -= 1;
    const base = this.#bases[i]!;
    const look = base + Math.max(0, Math.ceil((us - base) / this.#periodUs)) * this.#periodUs;
    const next = this.#bases[i + 1];
    return next !== undefined && look > next ? next : look;
  }

  /** A look that had something to do is over: the next comes 5 s later. */
  ended(nowUs: number): void {
    this.#bases.push(nowUs + LOOK_US);
    while (this.#bases.length > 2 && this.#bases[1]! < nowUs - 4 * GRACE_US) this.#bases.shift();
  }

  /** The node's status has come with a new heartbeat, or all nodes are given new time. */
  heard(node: number, lookUs: number): void {
    this.#heardUs.set(node, lookUs);
  }

  forget(node: number): void {
    this.#heardUs.delete(node);
    this.#found.delete(node);
  }

  /** The look at which the node was last heard of, as known at the look of `nowUs` (probeTimestamp). */
  heardUs(node: number, nowUs: number): number {
    const { heartbeats, nodes } = this.#state;
    const renewedUs = heartbeats.seenUs(node, nowUs, this.#watchUs);
    let lookUs = this.#heardUs.get(node) ?? Number.NEGATIVE_INFINITY;
    if (heartbeats.asEvents) {
      const found = this.#found.get(node);
      if (found === undefined || found.renewedUs < renewedUs) {
        // Looks before the run began are not events: which of them found the renewal is computed.
        const first = found === undefined && renewedUs < 0;
        const at = first ? this.atOrAfter(renewedUs + heartbeats.lagUs) : nowUs;
        this.#found.set(node, { renewedUs, lookUs: at });
        lookUs = Math.max(lookUs, at);
      } else lookUs = Math.max(lookUs, found.lookUs);
    } else if (renewedUs > Number.NEGATIVE_INFINITY) {
      lookUs = Math.max(lookUs, this.atOrAfter(renewedUs + heartbeats.lagUs));
    }
    return lookUs === Number.NEGATIVE_INFINITY ? nodes.addedUs[node]! : lookUs;
  }

  /** From when on a look finds that the node has been silent too long, µs. */
  overdueUs(node: number, nowUs: number): number {
    const none = this.#state.nodes.ready[node] === NodeReady.none;
    return this.heardUs(node, nowUs) + (none ? STARTUP_GRACE_US : GRACE_US) + 1;
  }
}
