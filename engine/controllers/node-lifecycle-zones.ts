// Zones as the node controller sees them: how many of their nodes are Ready, and the queue through which their nodes get
// NoExecute taints, one each 10 s while things are normal (handleDisruption and setLimiterInZone of
// pkg/controller/nodelifecycle/node_lifecycle_controller.go, scheduler/rate_limited_queue.go, v1.36).

/** Nodes tainted a second: --node-eviction-rate and --secondary-node-eviction-rate (defaults of 1.36). */
const EVICTION_QPS = 0.1;
const SECONDARY_QPS = 0.01;
/** Zones up to this size are not evicted at all while they are partially disrupted (--large-cluster-size-threshold). */
const LARGE_ZONE = 50;
/** --unhealthy-zone-threshold. Compared as float32, as upstream does: 11 of 20 is 0.55 there, too. */
const UNHEALTHY_SHARE = Math.fround(0.55);

export const ZoneState = { initial: 0, normal: 1, partial: 2, full: 3 } as const;
export type ZoneState = (typeof ZoneState)[keyof typeof ZoneState];

/** ComputeZoneState. */
export function zoneStateOf(ready: number, notReady: number): ZoneState {
  if (ready === 0 && notReady > 0) return ZoneState.full;
  if (notReady > 2 && Math.fround(notReady / (notReady + ready)) >= UNHEALTHY_SHARE) return ZoneState.partial;
  return ZoneState.normal;
}

/** Rate at which nodes of a zone are tainted, nodes a second; 0: not at all. */
export function tainterQps(state: ZoneState, size: number): number {
  if (state === ZoneState.partial) return size > LARGE_ZONE ? SECONDARY_QPS : 0;
  return EVICTION_QPS;
}

/** Nodes of a zone that wait for their NoExecute taint: each once, first come first served, behind a bucket of 1. */
export class TaintQueue {
  /** Waiting nodes in order. */
  readonly waiting: number[] = [];
  /** Nodes that were added and not removed since, also after they were tainted: those are not added again. */
  readonly #known = new Set<number>();
  #qps = EVICTION_QPS;
  #tokenUs = 0;

  /** When the next node may be tainted, µs; Infinity: not while the rate is what it is. */
  get tokenUs(): number {
    return this.#qps === 0 ? Number.POSITIVE_INFINITY : this.#tokenUs;
  }

  /** False: the node waits already, or was served. */
  add(node: number): boolean {
    if (this.#known.has(node)) return false;
    this.#known.add(node);
    this.waiting.push(node);
    return true;
  }

  /** The node may be added again. */
  remove(node: number): void {
    if (this.#known.delete(node)) this.#drop(node);
  }

  /** The node was served. */
  served(node: number): void {
    this.#drop(node);
  }

  /** The node was tried in vain and waits behind the others. */
  again(node: number): void {
    this.#drop(node);
    this.waiting.push(node);
  }

  /** TryAccept. */
  take(nowUs: number): boolean {
    if (nowUs < this.tokenUs) return false;
    this.#tokenUs = nowUs + Math.round(1_000_000 / this.#qps);
    return true;
  }

  /** SwapLimiter: whoever waits for a token goes on waiting, for a whole one of the new rate. */
  swap(qps: number, nowUs: number): void {
    if (qps === this.#qps) return;
    const drained = !this.take(nowUs);
    this.#qps = qps;
    this.#tokenUs = nowUs;
    if (drained && qps > 0) this.take(nowUs);
  }

  #drop(node: number): void {
    const at = this.waiting.indexOf(node);
    if (at >= 0) this.waiting.splice(at, 1);
  }
}

export class Zone {
  ready = 0;
  notReady = 0;
  state: ZoneState = ZoneState.initial;
  readonly queue = new TaintQueue();

  get size(): number {
    return this.ready + this.notReady;
  }
}

export class Zones {
  readonly #zones = new Map<string, Zone>();
  /** Where a node is counted, and how. */
  readonly #counted = new Map<number, { readonly zone: Zone; readonly ready: boolean }>();
  /** There are zones besides, which are well: then all zones are never down. */
  readonly #hasOthers: boolean;

  constructor(hasOthers = false) {
    this.#hasOthers = hasOthers;
  }

  /** Zones by name whose nodes are known: zoneStates upstream. Queues outlive them. */
  get all(): Iterable<Zone> {
    return this.#zones.values();
  }

  of(name: string): Zone {
    let zone = this.#zones.get(name);
    if (zone === undefined) {
      zone = new Zone();
      this.#zones.set(name, zone);
    }
    return zone;
  }

  /** Counts a node as its condition Ready says; `zone` null: it is gone, or left out of disruption checks. */
  count(node: number, zone: Zone | null, ready: boolean): void {
    const before = this.#counted.get(node);
    if (before !== undefined) this.#add(before.zone, before.ready, -1);
    if (zone === null) {
      this.#counted.delete(node);
      return;
    }
    this.#counted.set(node, { zone, ready });
    this.#add(zone, ready, 1);
  }

  /** What the counts stand for when the run begins: the controller has been at work before. */
  settle(nowUs: number): void {
    const present = [...this.all].filter((zone) => zone.size > 0);
    for (const zone of present) zone.state = zoneStateOf(zone.ready, zone.notReady);
    const down =
      !this.#hasOthers && present.length > 0 && present.every((zone) => zone.state === ZoneState.full);
    for (const zone of present) zone.queue.swap(down ? 0 : tainterQps(zone.state, zone.size), nowUs);
  }

  /**
   * handleDisruption. `enter`: all zones are down from now on, nothing is evicted and taints go; `leave`: some node is
   * back, and every node counts as heard of just now.
   */
  update(nowUs: number, all: { enter(): void; leave(): void }): void {
    const present = [...this.all].filter((zone) => zone.size > 0);
    for (const zone of this.all) if (zone.size === 0) zone.state = ZoneState.initial;
    const states = new Map(present.map((zone) => [zone, zoneStateOf(zone.ready, zone.notReady)]));
    const isDown = !this.#hasOthers && [...states.values()].every((state) => state === ZoneState.full);
    const wasDown = !this.#hasOthers && present.every((zone) => zone.state === ZoneState.full);
    if (isDown && wasDown) return;
    if (isDown) {
      all.enter();
      for (const zone of present) {
        zone.queue.swap(0, nowUs);
        zone.state = ZoneState.full;
      }
      return;
    }
    if (wasDown) all.leave();
    for (const zone of present) {
      const state = states.get(zone)!;
      if (!wasDown && state === zone.state) continue;
      zone.queue.swap(tainterQps(state, zone.size), nowUs);
      zone.state = state;
    }
  }

  #add(zone: Zone, ready: boolean, sign: 1 | -1): void {
    if (ready) zone.ready += sign;
    else zone.notReady += sign;
  }
}
