// The node controller (pkg/controller/nodelifecycle, v1.36): finds out that a node's kubelet has fallen silent, says so
// in the node's conditions and in those of its pods, and taints the node: NoSchedule as soon as conditions say so,
// NoExecute through a queue for each zone, so that an outage does not empty a cluster at once.
//
// Five things go on side by side on one client of 20 requests a second, which also carries the Events: looks (every 5 s,
// one at a time, 8 nodes at once), NoSchedule taints and labels of nodes that changed (8 at once), and the pass that
// gives NoExecute taints (each 100 ms, one at a time). Orders that upstream leaves to its maps are drawn from the seed.
//
// Left out: pods that are bound to a node which is not ready are not marked (a pod that was just bound has no condition
// Ready that could be cleared).
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type Steps,
  type WorkQueueView,
} from '../contracts/controller.ts';
import type { EventKind, Stream } from '../kernel/index.ts';
import {
  hasTaint,
  nodeConditions,
  noScheduleDiff,
  TAINT_NOT_READY,
  TAINT_UNREACHABLE,
  unknownConditions,
} from '../kinds/ingest/node-conditions.ts';
import type { Json } from '../kinds/kind.ts';
import { NodeReady, PodBit, type Taint, timestampText, Verb } from '../state/index.ts';
import { LOOK_US, Looks } from './node-lifecycle-looks.ts';
import { NodeEdits } from './node-lifecycle-taints.ts';
import { type Zone, Zones } from './node-lifecycle-zones.ts';

/** nodeUpdateWorkerSize: nodes worked on at once, in looks and for NoSchedule taints. */
const WORKERS = 8;
/** NodeEvictionPeriod: from the end of one pass of NoExecute taints to the next. */
const PASS_US = 100_000;
/** retrySleepTime and NodeHealthUpdateRetry. */
const RETRY_US = 20_000;
const TRIES = 5;
/** A look that finds nothing to do: a second of CPU for 5,000 nodes would be too much, a millisecond is what it takes. */
const IDLE_LOOK_US = 1000;

const EXCLUDED = 'node.kubernetes.io/exclude-disruption';
const PASS = 'pass';

const NOT_READY: Taint = { key: TAINT_NOT_READY, effect: 'NoExecute' };
const UNREACHABLE: Taint = { key: TAINT_UNREACHABLE, effect: 'NoExecute' };

const NOT_READY_POD = { phase: -1, set: 0, clear: PodBit.ready, restarts: -1, reason: -1, ip: 0 };

/** What the controller reads of a node; replaced, never changed in place. */
interface Version {
  readonly conditions: readonly Json[] | null;
  readonly taints: readonly Taint[];
  readonly labelSet: number;
  readonly cordoned: number;
}

class NodeLifecycle implements Controller {
  readonly #ctx: ControllerContext;
  readonly #edits: NodeEdits;
  readonly #zones: Zones;
  readonly #looks: Looks;
  readonly #order: Stream;
  readonly #look: EventKind;
  readonly #health: WorkQueueView;
  readonly #passes: WorkQueueView;
  /** Nodes that the last looks knew. */
  readonly #known = new Set<number>();
  /** Nodes to look at, because something about them has changed. */
  readonly #changed = new Set<number>();
  readonly #gone = new Set<number>();
  /** Silent nodes that are not found out yet, and when a look will find them out. */
  readonly #due = new Map<number, number>();
  /** What was last seen of each node that has changed since the run began. */
  readonly #versions = new Map<number, Version>();
  /** lastHeartbeatTime of the condition Ready as the last look at the node found it. */
  readonly #heartbeat = new Map<number, string>();
  /** Nodes that the look in progress still works on; 0: none is in progress. */
  #left = 0;
  /** When the scheduled look is; NaN: none is. */
  #lookUs = Number.NaN;
  #settled = false;
  /** The look in progress has sent requests. */
  #wrote = false;
  /** End of the last pass of NoExecute taints. */
  #passUs: number;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    const { kernel, state, draw, rng, costs } = ctx.run;
    this.#zones = new Zones(ctx.run.hasOtherNodes === true);
    this.#edits = new NodeEdits(ctx);
    const phase = draw.purpose(`${ctx.name}/phase`);
    this.#looks = new Looks(state, draw.below(phase, 0, 0, LOOK_US), IDLE_LOOK_US, costs.apiserver.watchUs);
    this.#passUs = draw.below(phase, 1, 0, PASS_US) - PASS_US;
    this.#order = rng.stream(`${ctx.name}/order`);
    this.#look = kernel.on(`${ctx.name}/look`, (plain) => {
      if (plain === 0 || !ctx.run.periodic.fired()) this.#begin();
    });
    this.#health = ctx.sideQueue({
      name: `${ctx.name}-health`,
      workers: WORKERS,
      reconcile: (key, calls) => this.#examine(Number(key), calls),
    });
    this.#passes = ctx.sideQueue({
      name: `${ctx.name}-taints`,
      workers: 1,
      reconcile: (_key, calls) => this.#pass(calls),
    });
    ctx.onNodes((node, verb) => this.#seen(node, verb));
    state.heartbeats.onSilence((node) => this.#silent(node));
  }

  // What the watch says.

  #seen(node: number, verb: Verb): void {
    const { nodes, heartbeats } = this.#ctx.run.state;
    if (verb === Verb.deleted) {
      this.#changed.delete(node);
      this.#due.delete(node);
      this.#gone.add(node);
      return this.#arm();
    }
    const seen = this.#versions.get(node);
    const conditions = nodes.conditions[node]!;
    const taints = nodes.taints[node]!;
    const labelSet = nodes.labelSet[node]!;
    const cordoned = nodes.unschedulable[node]!;
    if (!this.#known.has(node) && nodes.addedUs[node] === 0) {
      // It was there before the run began: whatever its joining asked for is long done.
      this.#known.add(node);
      this.#count(node);
      if (heartbeats.asEvents) this.#arm();
      const well = conditions === null && nodes.object[node]!['status']?.conditions === undefined;
      if (well && taints.length === 0) return;
    } else if (
      // Images and the like concern nobody here.
      seen?.conditions === conditions &&
      seen.taints === taints &&
      seen.labelSet === labelSet &&
      seen.cordoned === cordoned
    )
      return;
    this.#versions.set(node, { conditions, taints, labelSet, cordoned });
    if (noScheduleDiff(this.#ctx.run.state, node) !== null || this.#edits.missingLabels(node) !== null)
      this.#ctx.queue.add(String(node));
    this.#changed.add(node);
    this.#arm();
  }

  /** A kubelet has stopped renewing its lease: the look that will find it out is now known. */
  #silent(node: number): void {
    if (this.#ctx.run.state.heartbeats.asEvents) return;
    this.#due.set(node, this.#overdueUs(node));
    this.#arm();
  }

  /** When a look finds the node silent for too long, as its last renewal says, also one that is still on its way. */
  #overdueUs(node: number): number {
    const { heartbeats } = this.#ctx.run.state;
    return this.#looks.overdueUs(node, this.#ctx.run.kernel.now + heartbeats.lagUs);
  }

  // Looks.

  /** Schedules the next look that has something to do. */
  #arm(): void {
    if (this.#left > 0) return;
    const { kernel, periodic, state } = this.#ctx.run;
    let from = Number.POSITIVE_INFINITY;
    if (this.#changed.size > 0 || this.#gone.size > 0 || this.#isQueued()) from = kernel.now;
    else for (const us of this.#due.values()) from = Math.min(from, us);
    const next = this.#looks.atOrAfter(kernel.now + 1);
    const wanted = from <= kernel.now ? next : this.#looks.atOrAfter(from);
    // A look for its own sake: no reason for the run to go on.
    const plain = state.heartbeats.asEvents && wanted > next;
    const at = plain ? next : wanted;
    if (at === Number.POSITIVE_INFINITY) return;
    if (this.#lookUs <= at) return;
    this.#lookUs = at;
    if (plain) periodic.arm();
    kernel.at(at, this.#look, plain ? 1 : 0, 0);
  }

  /** Whether nodes wait for a NoExecute taint that may come: each look puts them in line anew. */
  #isQueued(): boolean {
    for (const { queue } of this.#zones.all)
      if (queue.waiting.length > 0 && queue.tokenUs < Number.POSITIVE_INFINITY) return true;
    return false;
  }

  #begin(): void {
    const { kernel, state } = this.#ctx.run;
    if (this.#lookUs !== kernel.now || this.#left > 0) return;
    this.#lookUs = Number.NaN;
    if (!this.#settled) {
      this.#settled = true;
      this.#zones.settle(kernel.now);
    }
    this.#classify();
    const nodes = this.#shuffled(state.heartbeats.asEvents ? this.#known : this.#suspects());
    this.#changed.clear();
    this.#left = nodes.length;
    for (const node of nodes) this.#health.add(String(node));
    if (nodes.length === 0) this.#end(kernel.now);
  }

  /** Nodes that a look may have something to do for: all others it would pass over. */
  #suspects(): Set<number> {
    const { now } = this.#ctx.run.kernel;
    const nodes = new Set(this.#changed);
    for (const [node, us] of this.#due) if (us <= now) nodes.add(node);
    for (const { queue } of this.#zones.all) for (const node of queue.waiting) nodes.add(node);
    return nodes;
  }

  /** New and lost nodes, as of this look. */
  #classify(): void {
    const { client, run } = this.#ctx;
    const { nodes } = run.state;
    for (const node of this.#changed) {
      if (this.#known.has(node)) continue;
      this.#known.add(node);
      const name = nodes.name[node]!;
      const text = `Node ${name} event: Registered Node ${name} in Controller`;
      client.event('Normal', 'RegisteredNode', 'Node', '', name, text);
      this.#forgetNamesake(name);
    }
    for (const node of this.#gone) {
      if (!this.#known.delete(node)) continue;
      const name = nodes.name[node]!;
      const text = `Node ${name} event: Removing Node ${name} from Controller`;
      client.event('Normal', 'RemovingNode', 'Node', '', name, text);
      // It keeps its place in the queue of its zone, and the next token is spent on finding out that it is gone.
      this.#zones.count(node, null, false);
      this.#looks.forget(node);
      this.#heartbeat.delete(node);
    }
    this.#gone.clear();
  }

  /** Queues hold names: a node that comes back under its old one is nobody's turn any more (markNodeAsReachable). */
  #forgetNamesake(name: string): void {
    const { nodes } = this.#ctx.run.state;
    for (const { queue } of this.#zones.all)
      for (const node of [...queue.waiting])
        if (nodes.removed[node] === 1 && nodes.name[node] === name) queue.remove(node);
  }

  /** One node of a look. */
  *#examine(node: number, calls: Calls): Steps {
    if (!this.#ctx.run.state.nodes.removed[node]) yield* this.#check(node, calls);
    this.#left -= 1;
    if (this.#left === 0) yield* this.#finish(calls);
    return DONE;
  }

  *#check(node: number, calls: Calls): Steps<void> {
    const { client, run } = this.#ctx;
    const { nodes } = run.state;
    const observed = nodes.ready[node] as NodeReady;
    if (!(yield* this.#update(node, calls))) return;
    const current = nodes.ready[node] as NodeReady;
    this.#count(node);
    if (current === NodeReady.none) return;
    yield* this.#judge(node, current, calls);
    if (current === NodeReady.true || observed !== NodeReady.true) return;
    const name = nodes.name[node]!;
    const text = `Node ${name} status is now: NodeNotReady`;
    client.event('Normal', 'NodeNotReady', 'Node', '', name, text);
    yield* this.#markPods(node, calls);
  }

  /** tryUpdateNodeHealth: the conditions become Unknown if the node is overdue. False: that could not be written. */
  *#update(node: number, calls: Calls): Steps<boolean> {
    const { state, kernel } = this.#ctx.run;
    const { nodes } = state;
    const ready = nodeConditions(state, node).find(({ type }) => type === 'Ready');
    const heartbeat: string = ready?.lastHeartbeatTime ?? '';
    // A node that joined is heard of by the first look; of the others the controller knew the status before.
    const given = nodes.addedUs[node] === 0 ? this.#given(node) : null;
    const before = this.#heartbeat.get(node) ?? given;
    this.#heartbeat.set(node, heartbeat);
    if (before !== heartbeat) this.#looks.heard(node, kernel.now);
    const overdueUs = this.#looks.overdueUs(node, kernel.now);
    if (state.heartbeats.renews(node)) this.#due.delete(node);
    else if (overdueUs > kernel.now) this.#due.set(node, overdueUs);
    else this.#due.delete(node);
    if (overdueUs > kernel.now || nodes.ready[node] === NodeReady.unknown) return true;
    this.#wrote = true;
    for (let k = 1; ; k++) {
      const revision = nodes.revision[node]!;
      const created = timestampText(nodes.addedUs[node]!);
      const conditions = unknownConditions(nodeConditions(state, node), created, timestampText(kernel.now));
      const written = yield calls.send((client, reply, worker) =>
        client.writeNode(node, 'update nodes/status', { conditions }, revision, reply, worker),
      );
      if (written.code < 400) return true;
      if (written.code !== 409 || k === TRIES) return false;
      const read = yield calls.send((client, reply, worker) => client.read('nodes', node, 0, reply, worker));
      if (read.code >= 400) return false;
      yield calls.sleep(RETRY_US);
      // Somebody else has written, perhaps the kubelet that is back.
      if (nodes.ready[node] === NodeReady.unknown) return true;
    }
  }

  /** lastHeartbeatTime of a node that was there from the start, as it came. */
  #given(node: number): string {
    const conditions: readonly Json[] = this.#ctx.run.state.nodes.object[node]!['status']?.conditions ?? [];
    return conditions.find(({ type }) => type === 'Ready')?.lastHeartbeatTime ?? '';
  }

  /** processTaintBaseEviction. */
  *#judge(node: number, ready: NodeReady, calls: Calls): Steps<void> {
    const { queue } = this.#zoneOf(node);
    if (ready === NodeReady.true) {
      yield* this.#reachable(node, calls);
      return;
    }
    const [own, other] = ready === NodeReady.false ? [NOT_READY, UNREACHABLE] : [UNREACHABLE, NOT_READY];
    const taints = this.#ctx.run.state.nodes.taints[node]!;
    if (hasTaint(taints, other.key, other.effect)) {
      this.#wrote = true;
      yield* this.#edits.swap(node, { added: [own], gone: [other] }, calls);
      return;
    }
    // A node without the taint is put in line anew at each look.
    if (!hasTaint(taints, own.key, own.effect)) queue.remove(node);
    if (queue.add(node)) this.#wakePass();
  }

  /** markNodeAsReachable. */
  *#reachable(node: number, calls: Calls): Steps<void> {
    if (this.#ctx.run.state.nodes.taints[node]!.length > 0) this.#wrote = true;
    if (!(yield* this.#edits.remove(node, [UNREACHABLE], calls))) return;
    if (!(yield* this.#edits.remove(node, [NOT_READY], calls))) return;
    this.#zoneOf(node).queue.remove(node);
  }

  /** MarkPodsNotReady: one after the other. */
  *#markPods(node: number, calls: Calls): Steps<void> {
    const { client, pods } = this.#ctx;
    const { generation } = pods.table;
    for (const pod of this.#shuffled(pods.onNode(node))) {
      if (!pods.has(pod) || pods.node(pod) !== node) continue;
      const word = pods.word(pod);
      if ((word & PodBit.acknowledged) === 0 || (word & PodBit.ready) === 0) continue;
      const born = generation[pod]!;
      const written = yield calls.send((api, reply, worker) =>
        api.patchPodStatus(pod, born, NOT_READY_POD, reply, worker),
      );
      if (written.code < 400 && pods.has(pod))
        client.podEvent('Warning', 'NodeNotReady', pod, 'Node is not ready');
    }
  }

  /** All nodes of the look are done. */
  *#finish(calls: Calls): Steps<void> {
    const { kernel } = this.#ctx.run;
    // Nobody begins another look while this one writes.
    this.#left = 1;
    const marked: number[] = [];
    this.#zones.update(kernel.now, {
      enter: () => marked.push(...this.#known),
      leave: () => {
        for (const node of this.#known) this.#looks.heard(node, kernel.now);
        for (const node of this.#due.keys()) this.#due.set(node, this.#looks.overdueUs(node, kernel.now));
      },
    });
    for (const node of marked) yield* this.#reachable(node, calls);
    this.#left = 0;
    this.#end(kernel.now);
  }

  #end(nowUs: number): void {
    // A look that writes takes its time; all others take none worth telling.
    if (this.#wrote) this.#looks.ended(nowUs);
    this.#wrote = false;
    this.#wakePass();
    this.#arm();
  }

  #count(node: number): void {
    const { nodes } = this.#ctx.run.state;
    const left = nodes.label(node, EXCLUDED) !== undefined;
    this.#zones.count(node, left ? null : this.#zoneOf(node), nodes.ready[node] === NodeReady.true);
  }

  #zoneOf(node: number): Zone {
    const { nodes } = this.#ctx.run.state;
    return this.#zones.of(`${nodes.region(node)}\n${nodes.zone(node)}`);
  }

  #shuffled(nodes: Iterable<number>): number[] {
    const list = [...nodes];
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.#order.int(i + 1);
      [list[i], list[j]] = [list[j]!, list[i]!];
    }
    return list;
  }

  // NoExecute taints.

  /** Schedules the next pass that finds a node and a token. */
  #wakePass(): void {
    const { now } = this.#ctx.run.kernel;
    let from = Number.POSITIVE_INFINITY;
    for (const { queue } of this.#zones.all)
      if (queue.waiting.length > 0) from = Math.min(from, Math.max(now, queue.tokenUs));
    if (from === Number.POSITIVE_INFINITY) return;
    const at = this.#passUs + Math.max(1, Math.ceil((from - this.#passUs) / PASS_US)) * PASS_US;
    this.#passes.addAfter(PASS, Math.max(1, at - now));
  }

  /** doNoExecuteTaintingPass. */
  *#pass(calls: Calls): Steps {
    const { kernel, state } = this.#ctx.run;
    const zones = [...this.#zones.all].filter(({ queue }) => queue.waiting.length > 0);
    for (const { queue } of zones.length > 1 ? this.#mixed(zones) : zones) {
      while (queue.waiting.length > 0 && queue.take(kernel.now)) {
        const node = queue.waiting[0]!;
        const ready = state.nodes.ready[node];
        const isDown = ready === NodeReady.false || ready === NodeReady.unknown;
        const [own, other] = ready === NodeReady.false ? [NOT_READY, UNREACHABLE] : [UNREACHABLE, NOT_READY];
        if (state.nodes.removed[node] || !isDown) queue.served(node);
        else if (yield* this.#edits.swap(node, { added: [own], gone: [other] }, calls)) queue.served(node);
        else queue.again(node);
      }
    }
    this.#passUs = kernel.now;
    this.#wakePass();
    this.#arm();
    return DONE;
  }

  #mixed(zones: readonly Zone[]): Zone[] {
    return this.#shuffled(zones.keys()).map((i) => zones[i]!);
  }

  // NoSchedule taints and labels.

  *reconcile(key: string, calls: Calls): Steps {
    const node = Number(key);
    const { state } = this.#ctx.run;
    if (state.nodes.removed[node]) return DONE;
    const diff = noScheduleDiff(state, node);
    const labels = this.#edits.missingLabels(node);
    if (diff !== null) yield* this.#edits.swap(node, diff, calls);
    if (labels !== null) yield* this.#edits.addLabels(node, labels, calls);
    return DONE;
  }
}

export const nodeLifecycleController: ControllerDefinition = {
  name: 'node-lifecycle',
  clientName: 'node-controller',
  about: 'finds out that nodes are down, marks their pods and taints them',
  workers: WORKERS,
  syncUs: 50,
  create: (context) => new NodeLifecycle(context),
};
