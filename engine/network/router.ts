// The way of a connection: the client's node, or the node that a load balancer or node port leads to; then the endpoint
// that this node's rules choose: at random (iptables, nftables) or in turn (ipvs), or the one that the client had before
// (session affinity ClientIP). A headless Service has no rules: the client takes one of the addresses that DNS told it.
import type { RunContext } from '../contracts/run-context.ts';
import type { PodProcesses, RequestStream } from '../contracts/traffic.ts';
import type { Stream } from '../kernel/index.ts';
import type { Json } from '../kinds/kind.ts';
import { BalancerHealth } from './balancer-health.ts';
import { type Endpoint, type ProgrammedRules, readEndpoints, ServiceTargets } from './endpoints.ts';
import type { Proxies } from './proxy.ts';
import type { Cause } from './traffic-book.ts';

const SECOND = 1_000_000;
/** Multiplies node numbers in keys of sessions; more clients than that share sessions. */
const CLIENTS_MAX = 1 << 22;

/** What routing remembers of one stream. */
interface Way {
  readonly index: number;
  readonly stream: RequestStream;
  readonly key: string;
  readonly random: Stream;
  /** By version of the rules; the oldest go. */
  readonly targets: Map<ProgrammedRules, ServiceTargets>;
  /** By node and client. */
  readonly sessions: Map<number, { endpoint: Endpoint; usedUs: number }>;
  /** Round robin of ipvs, by node. */
  readonly turns: Map<number, number>;
  /** Names that a node's clients have looked up: until when they hold, and what a headless one meant. */
  readonly names: Map<number, { untilUs: number; endpoints: readonly Endpoint[] }>;
  seenRules: ProgrammedRules | null;
  seenNodes: readonly number[] | null;
  seenStops: number;
}

export class Router {
  readonly #c: RunContext;
  readonly #proxies: Proxies;
  readonly #processes: PodProcesses;
  readonly #ways: readonly Way[];
  readonly #health: BalancerHealth;
  readonly #clientNode: number;
  #stops = 0;

  // The answer of `route`, read before the next call.
  endpoint: Endpoint | null = null;
  /** One way between client and endpoint, and what comes before the first packet, µs. */
  wayUs = 0;
  beforeUs = 0;

  constructor(
    context: RunContext,
    proxies: Proxies,
    processes: PodProcesses,
    streams: readonly RequestStream[],
  ) {
    this.#c = context;
    this.#proxies = proxies;
    this.#processes = processes;
    this.#clientNode = context.draw.purpose('traffic/client-node');
    this.#ways = streams.map((stream, index) => ({
      index,
      stream,
      key: `${stream.namespace}/${stream.service}`,
      random: context.rng.stream(`traffic/${stream.name}`),
      targets: new Map(),
      sessions: new Map(),
      turns: new Map(),
      names: new Map(),
      seenRules: null,
      seenNodes: null,
      seenStops: 0,
    }));
    for (const { key } of this.#ways) proxies.keep(key);
    this.#health = new BalancerHealth(context, (way, node) => this.#answersWell(this.#ways[way]!, node));
  }

  /** A node has stopped: load balancers find out. */
  nodeStopped(): void {
    this.#stops += 1;
  }

  /**
   * Finds the endpoint of a new connection (`endpoint`, `wayUs`, `beforeUs`). Gives null, or why there is none; 'timeout'
   * stands for packets that nobody answers.
   */
  route(index: number, client: number): Cause | null {
    const way = this.#ways[index]!;
    const service = this.#proxies.seenService(way.key);
    this.wayUs = 0;
    this.beforeUs = 0;
    if (service === null || service['spec'].type === 'ExternalName') return 'no_address';
    const spec: Json = service['spec'];
    const external = way.stream.from === 'outside';
    const node = external ? this.#entry(way, spec) : this.#clientsNode(way, client);
    if (node < 0) return 'no_address';
    if (!this.#processes.nodeRuns(node)) return 'timeout';
    const endpoints = spec.clusterIP === 'None' ? this.#records(way, node) : this.#ruled(way, node, external);
    if (typeof endpoints === 'string') return endpoints;
    const endpoint = this.#choose(way, node, client, spec, endpoints);
    this.endpoint = endpoint;
    this.wayUs = this.#distanceUs(node, endpoint.node, external);
    return this.#processes.nodeRuns(endpoint.node) ? null : 'timeout';
  }

  /** A node that runs: the client's own, or any. -1: there is none. */
  #clientsNode(way: Way, client: number): number {
    const { nodes } = this.#c.state;
    if (nodes.live === 0) return -1;
    let node =
      client < 0
        ? way.random.int(nodes.used)
        : this.#c.draw.below(this.#clientNode, client, way.index, nodes.used);
    for (let looked = 0; looked < nodes.used; looked++) {
      if (nodes.removed[node] === 0 && this.#processes.nodeRuns(node)) return node;
      node = (node + 1) % nodes.used;
    }
    return -1;
  }

  /** A node that the load balancer believes in, or any node where only node ports are open. */
  #entry(way: Way, spec: Json): number {
    const { nodes, loadBalancers } = this.#c.state;
    if (spec.type === 'NodePort') {
      if (nodes.live === 0) return -1;
      let node = way.random.int(nodes.used);
      while (nodes.removed[node] === 1) node = (node + 1) % nodes.used;
      return node;
    }
    const balancer = loadBalancers.get(way.key);
    if (spec.type !== 'LoadBalancer' || balancer === undefined || balancer.nodes.length === 0) return -1;
    const rules = this.#proxies.rules(way.key, 0);
    const seen = way.seenRules === rules && way.seenNodes === balancer.nodes && way.seenStops === this.#stops;
    if (!seen) {
      way.seenRules = rules;
      way.seenNodes = balancer.nodes;
      way.seenStops = this.#stops;
      this.#health.look(way.index, balancer.nodes);
    }
    const targets = this.#health.targets(way.index);
    return targets[way.random.int(targets.length)]!;
  }

  #answersWell(way: Way, node: number): boolean {
    if (!this.#processes.nodeRuns(node)) return false;
    const rules = this.#proxies.rules(way.key, 0);
    if (rules === null) return false;
    const local = rules.service['spec'].externalTrafficPolicy === 'Local';
    return !local || this.#targets(way, rules).hasLocal(node);
  }

  /** Endpoints by the rules of a node. */
  #ruled(way: Way, node: number, external: boolean): readonly Endpoint[] | Cause {
    if (!external) this.#lookUp(way, node);
    this.beforeUs += this.#proxies.firstPacketUs;
    const rules = this.#proxies.rules(way.key, node);
    // Nobody has the address yet: the packet leaves for the default gateway and is lost there.
    if (rules === null) return 'timeout';
    const { endpoints, none } = this.#targets(way, rules).on(node, external);
    if (none) return 'no_endpoints';
    return endpoints.length === 0 ? 'timeout' : endpoints;
  }

  /** Addresses of a headless Service as the node's clients know them. */
  #records(way: Way, node: number): readonly Endpoint[] | Cause {
    const { endpoints } = this.#lookUp(way, node);
    return endpoints.length === 0 ? 'no_address' : endpoints;
  }

  #lookUp(way: Way, node: number): { untilUs: number; endpoints: readonly Endpoint[] } {
    const { kernel, costs, state } = this.#c;
    const known = way.names.get(node);
    if (known !== undefined && kernel.now < known.untilUs) return known;
    this.beforeUs += costs.network?.dnsUs ?? 0;
    const headless = this.#proxies.seenService(way.key)?.['spec'].clusterIP === 'None';
    const endpoints = headless
      ? readEndpoints(state, this.#proxies.seenSlices(way.key)).filter((endpoint) => endpoint.ready)
      : [];
    const fresh = { untilUs: kernel.now + (costs.network?.dnsTtlUs ?? 0), endpoints };
    way.names.set(node, fresh);
    return fresh;
  }

  #targets(way: Way, rules: ProgrammedRules): ServiceTargets {
    let targets = way.targets.get(rules);
    if (targets === undefined) {
      targets = new ServiceTargets(this.#c.state, rules);
      // A node's rules are the newest ones or those before.
      if (way.targets.size > 1) way.targets.delete(way.targets.keys().next().value!);
      way.targets.set(rules, targets);
    }
    return targets;
  }

  #choose(way: Way, node: number, client: number, spec: Json, endpoints: readonly Endpoint[]): Endpoint {
    const { kernel, costs } = this.#c;
    const sticky = client >= 0 && spec.sessionAffinity === 'ClientIP' && spec.clusterIP !== 'None';
    const key = node * CLIENTS_MAX + (client % CLIENTS_MAX);
    if (sticky) {
      const timeoutUs = (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) * SECOND;
      const session = way.sessions.get(key);
      if (session !== undefined && kernel.now - session.usedUs < timeoutUs) {
        const { pod, generation } = session.endpoint;
        const same = endpoints.find((other) => other.pod === pod && other.generation === generation);
        if (same !== undefined) {
          session.usedUs = kernel.now;
          return same;
        }
      }
    }
    let index: number;
    if (costs.proxy.mode === 'ipvs' && spec.clusterIP !== 'None') {
      index = (way.turns.get(node) ?? way.random.int(endpoints.length)) % endpoints.length;
      way.turns.set(node, index + 1);
    } else index = endpoints.length === 1 ? 0 : way.random.int(endpoints.length);
    const endpoint = endpoints[index]!;
    if (sticky) way.sessions.set(key, { endpoint, usedUs: kernel.now });
    return endpoint;
  }

  /** One way, µs. */
  #distanceUs(from: number, to: number, external: boolean): number {
    const { network } = this.#c.costs;
    if (network === undefined) return 0;
    const outsideUs = external ? network.outsideUs : 0;
    if (from === to) return outsideUs + network.sameNodeUs;
    const { nodes } = this.#c.state;
    const near = nodes.zone(from) === nodes.zone(to);
    return outsideUs + (near ? network.sameZoneUs : network.otherZoneUs);
  }
}
