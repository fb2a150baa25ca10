// What a load balancer thinks of its nodes. It asks each of them every so often and changes its mind after so many equal
// answers, so it sends to a node that is dead, and not to one that is fine, for some seconds. A node answers well while
// it runs and, where the Service's external traffic policy is Local, has a ready endpoint (healthCheckNodePort; else the
// kube-proxy's own health port). With no healthy node at all it sends to every one, as providers do.
//
// Answers change with the rules, with the set of nodes and with nodes that stop: `look` compares then, and flips are
// events. Left out: proxies that are late with their own health.
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';

/** Whether a node of the load balancer with that number answers well now. */
export type Answer = (balancer: number, node: number) => boolean;

interface Watched {
  nodes: readonly number[];
  /** What the load balancer thinks; nodes that it has not asked yet are missing. */
  readonly healthy: Map<number, boolean>;
  /** Nodes whose answers differ from that, and since which look. */
  readonly turning: Map<number, number>;
  /** Nodes that it sends to; null: to be listed anew. */
  targets: readonly number[] | null;
}

export class BalancerHealth {
  readonly #c: RunContext;
  readonly #answersWell: Answer;
  readonly #kind: EventKind;
  readonly #phase: number;
  readonly #balancers: Watched[] = [];
  #looks = 0;

  constructor(context: RunContext, answersWell: Answer) {
    this.#c = context;
    this.#answersWell = answersWell;
    this.#phase = context.draw.purpose('load-balancer/health-phase');
    this.#kind = context.kernel.on('load-balancer/health', (node, balancer) => this.#flip(balancer, node));
  }

  /** Nodes that the load balancer sends to, in order of joining. */
  targets(balancer: number): readonly number[] {
    const watched = this.#of(balancer);
    if (watched.targets === null) {
      const healthy = watched.nodes.filter((node) => watched.healthy.get(node) === true);
      watched.targets = healthy.length > 0 ? healthy : watched.nodes;
    }
    return watched.targets;
  }

  /** Something changed that answers depend on. */
  look(balancer: number, nodes: readonly number[]): void {
    const watched = this.#of(balancer);
    if (watched.nodes !== nodes) {
      watched.nodes = nodes;
      watched.targets = null;
      for (const node of watched.healthy.keys()) if (!nodes.includes(node)) watched.healthy.delete(node);
    }
    const { kernel, draw, costs } = this.#c;
    const { healthIntervalUs, healthyThreshold, unhealthyThreshold } = costs.loadBalancer!;
    for (const node of nodes) {
      const well = this.#answersWell(balancer, node);
      if (well === (watched.healthy.get(node) ?? false)) {
        watched.turning.delete(node);
        continue;
      }
      if (watched.turning.has(node)) continue;
      this.#looks += 1;
      watched.turning.set(node, this.#looks);
      // The next question comes within an interval; then so many more.
      const answers = well ? healthyThreshold : unhealthyThreshold;
      const firstUs = draw.below(this.#phase, node, this.#looks, Math.max(1, healthIntervalUs));
      kernel.after(firstUs + (answers - 1) * healthIntervalUs, this.#kind, node, balancer);
    }
  }

  #flip(balancer: number, node: number): void {
    const watched = this.#of(balancer);
    const { turning } = watched;
    if (!turning.delete(node) || !watched.nodes.includes(node)) return this.#c.kernel.countDropped();
    watched.healthy.set(node, this.#answersWell(balancer, node));
    watched.targets = null;
  }

  #of(balancer: number): Watched {
    return (this.#balancers[balancer] ??= {
      nodes: [],
      healthy: new Map(),
      turning: new Map(),
      targets: null,
    });
  }
}
