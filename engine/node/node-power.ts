// Nodes that are not there: a machine that has stopped, one that the control plane cannot reach, one that boots. What
// happens on a stopped node waits until it is up again; on a node that is cut off life goes on and nobody hears of it.
// Back again, the kubelet renews its lease, reads its node and posts its status, before anything about its pods.
import type { ApiClient } from '../contracts/api.ts';
import type { NodeControl } from '../contracts/node-control.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import { nodeConditions, postedConditions } from '../kinds/ingest/node-conditions.ts';
import { timestampText } from '../state/index.ts';

export const Reach = {
  up: 0,
  /** The kubelet runs; nothing passes between it and the API server. */
  cut: 1,
  /** Nothing runs. */
  down: 2,
} as const;
export type Reach = (typeof Reach)[keyof typeof Reach];

interface Held {
  readonly pod: number;
  readonly version: number;
  readonly kind: number;
}

export interface PowerHooks {
  /** The node's own client. */
  client(node: number): ApiClient;
  /** Conditions of pressure that the node's kubelet has. */
  pressures(node: number): readonly string[];
  /** An event of a pod that had to wait happens now. */
  ran(pod: number, version: number, kind: number): void;
  /** The node's kubelet is in touch again. `rebooted`: no container has survived. */
  returned(node: number, rebooted: boolean): void;
}

export class NodePower implements NodeControl {
  readonly #c: RunContext;
  readonly #hooks: PowerHooks;
  /** Nodes that are not up. */
  readonly #away = new Map<number, Reach>();
  readonly #rebooting = new Set<number>();
  /** Those of them whose kubelet is about to speak. */
  readonly #rising = new Set<number>();
  readonly #held = new Map<number, Held[]>();
  readonly #onReturn: ((node: number) => void)[] = [];
  readonly #onStop: ((node: number) => void)[] = [];
  readonly #renewal: EventKind;
  readonly #renewing = new Set<number>();

  constructor(context: RunContext, hooks: PowerHooks) {
    this.#c = context;
    this.#hooks = hooks;
    this.#renewal = context.kernel.on('kubelet/lease', (node) => {
      if (!context.periodic.fired()) this.#renew(node);
    });
  }

  /** Renewals as requests: every kubelet sends its first one when it is due. */
  renewAll(): void {
    this.#c.api.watch('nodes', (log, from, to) => {
      for (let p = from; p < to; p++) {
        const node = log.id(p);
        if (this.#renewing.has(node)) continue;
        this.#renewing.add(node);
        this.#nextRenewal(node);
      }
    });
  }

  reach(node: number): Reach {
    return this.#away.size === 0 ? Reach.up : (this.#away.get(node) ?? Reach.up);
  }

  /** `call` is made when the node is in touch again, before its pods are looked at. */
  onReturn(call: (node: number) => void): void {
    this.#onReturn.push(call);
  }

  /** `call` is made when the machine has stopped. */
  onStop(call: (node: number) => void): void {
    this.#onStop.push(call);
  }

  /** An event of a pod on a stopped node: it waits. */
  hold(node: number, pod: number, version: number, kind: number): void {
    const held = this.#held.get(node);
    if (held === undefined) this.#held.set(node, [{ pod, version, kind }]);
    else held.push({ pod, version, kind });
  }

  stop(node: number): void {
    this.#leave(node, Reach.down);
  }

  cutOff(node: number): void {
    if (this.reach(node) === Reach.up) this.#leave(node, Reach.cut);
  }

  crash(node: number): void {
    this.stop(node);
    this.#rebooting.add(node);
  }

  start(node: number, posted?: () => void): boolean {
    const { kernel, state } = this.#c;
    if (!this.#away.has(node) || this.#rising.has(node) || state.nodes.removed[node] === 1) return false;
    this.#rising.add(node);
    state.heartbeats.resume(node, kernel.now);
    if (state.heartbeats.asEvents) this.#renew(node);
    // tryUpdateNodeStatus (kubelet_node_status.go) reads before it writes.
    this.#hooks.client(node).read('nodes', node, 0, () => {
      // It may have stopped again meanwhile.
      if (this.#rising.delete(node) && state.nodes.removed[node] !== 1) this.#up(node, posted);
      else posted?.();
    });
    return true;
  }

  #up(node: number, posted?: () => void): void {
    this.#away.delete(node);
    this.#post(node, posted);
    const rebooted = this.#rebooting.delete(node);
    const held = this.#held.get(node) ?? [];
    this.#held.delete(node);
    for (const call of this.#onReturn) call(node);
    // What happened to containers that are no more is of no consequence.
    if (!rebooted) for (const { pod, version, kind } of held) this.#hooks.ran(pod, version, kind);
    this.#hooks.returned(node, rebooted);
  }

  #leave(node: number, reach: Reach): void {
    this.#away.set(node, reach);
    this.#rising.delete(node);
    this.#c.state.heartbeats.silence(node, this.#c.kernel.now);
    if (reach === Reach.down) for (const call of this.#onStop) call(node);
  }

  /** PATCH nodes/status: Ready. */
  #post(node: number, posted?: () => void): void {
    const { kernel, state } = this.#c;
    const conditions = postedConditions(
      nodeConditions(state, node),
      timestampText(kernel.now),
      this.#hooks.pressures(node),
    );
    this.#hooks.client(node).writeNode(node, 'patch nodes/status', { conditions }, 0, posted ?? null);
  }

  #renew(node: number): void {
    const { heartbeats } = this.#c.state;
    if (!heartbeats.asEvents || !heartbeats.renews(node)) return;
    // A renewal that was due in an earlier life of the kubelet is none.
    if (heartbeats.lastUs(node, this.#c.kernel.now) !== this.#c.kernel.now) return;
    this.#hooks.client(node).renewLease(node);
    this.#nextRenewal(node);
  }

  #nextRenewal(node: number): void {
    const { kernel, state } = this.#c;
    const at = state.heartbeats.nextUs(node, kernel.now);
    this.#c.periodic.arm();
    kernel.at(at, this.#renewal, node, 0);
  }
}
