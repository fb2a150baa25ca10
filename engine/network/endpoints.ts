// Which endpoints the rules of a node send to (pkg/proxy/topology.go, v1.36): ready ones, those that hints give to the
// node or its zone, only the node's own where a traffic policy says Local, and terminating ones that still serve where
// no ready one is left. Computed once per version of the rules and node; where all nodes agree, once for all.
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { ClusterState } from '../state/index.ts';

/** What the rules of a Service were written from. */
export interface ProgrammedRules {
  readonly service: KubeObject;
  readonly slices: readonly KubeObject[];
  /** When the first member had written them, µs. */
  readonly sinceUs: number;
}

export interface Endpoint {
  readonly pod: number;
  readonly generation: number;
  readonly node: number;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Names of zones and nodes that it is meant for; null: no hints. */
  readonly zones: readonly string[] | null;
  readonly nodes: readonly string[] | null;
}

/** Where a node's rules send a connection. `none`: there are no endpoints at all (rejected); else an empty list drops. */
export interface Targets {
  readonly endpoints: readonly Endpoint[];
  readonly none: boolean;
}

const names = (hints: Json): readonly string[] | null =>
  hints === undefined || hints.length === 0 ? null : hints.map((hint: Json) => hint.name);

/** Endpoints that are pods of the cluster, in the order of their slices. */
export function readEndpoints(state: ClusterState, slices: readonly KubeObject[]): Endpoint[] {
  const list: Endpoint[] = [];
  for (const slice of slices) {
    for (const entry of (slice['endpoints'] ?? []) as Json[]) {
      const { targetRef, conditions = {}, hints, nodeName } = entry;
      if (targetRef?.kind !== 'Pod') continue;
      const pod = state.findPod(state.texts.find(targetRef.namespace), targetRef.name);
      const ready = conditions.ready !== false;
      list.push({
        pod,
        generation: pod < 0 ? -1 : state.pods.generation[pod]!,
        node: nodeName === undefined ? -1 : state.nodes.find(nodeName),
        ready,
        serving: conditions.serving ?? ready,
        terminating: conditions.terminating === true,
        zones: names(hints?.forZones),
        nodes: names(hints?.forNodes),
      });
    }
  }
  return list;
}

const isLocal = (spec: Json, external: boolean): boolean =>
  (external ? spec.externalTrafficPolicy : spec.internalTrafficPolicy) === 'Local';

export class ServiceTargets {
  readonly rules: ProgrammedRules;
  readonly #state: ClusterState;
  readonly #all: readonly Endpoint[];
  readonly #hinted: boolean;
  readonly #byNode = new Map<number, Targets>();
  #everywhere: Targets | null = null;

  constructor(state: ClusterState, rules: ProgrammedRules) {
    this.rules = rules;
    this.#state = state;
    this.#all = readEndpoints(state, rules.slices);
    this.#hinted = this.#all.some((endpoint) => endpoint.zones !== null || endpoint.nodes !== null);
  }

  /** For connections that come to `node`; `external`: by node port or load balancer. */
  on(node: number, external: boolean): Targets {
    const local = isLocal(this.rules.service['spec'], external);
    if (!local && !this.#hinted) {
      this.#everywhere ??= this.#choose(this.#all, () => true);
      return this.#everywhere;
    }
    const key = 2 * node + (local ? 1 : 0);
    let targets = this.#byNode.get(key);
    if (targets === undefined) {
      targets = local
        ? this.#choose(this.#all, (endpoint) => endpoint.node === node)
        : this.#choose(this.#all, this.#topology(node));
      this.#byNode.set(key, targets);
    }
    return targets;
  }

  /** Whether the node's health check port of a Service with policy Local answers well: it has a ready endpoint. */
  hasLocal(node: number): boolean {
    return this.#all.some((endpoint) => endpoint.node === node && endpoint.ready);
  }

  #choose(all: readonly Endpoint[], here: (endpoint: Endpoint) => boolean): Targets {
    const usable = all.filter((endpoint) => endpoint.ready || (endpoint.serving && endpoint.terminating));
    const ready = usable.filter((endpoint) => endpoint.ready && here(endpoint));
    const endpoints =
      ready.length > 0 ? ready : usable.filter((endpoint) => !endpoint.ready && here(endpoint));
    return { endpoints, none: usable.length === 0 };
  }

  /** Hints hold only if every ready endpoint has some and one of them means this node, or else its zone. */
  #topology(node: number): (endpoint: Endpoint) => boolean {
    const ready = this.#all.filter((endpoint) => endpoint.ready);
    const name = this.#state.nodeName(node);
    const forNode = (endpoint: Endpoint): boolean => endpoint.nodes?.includes(name) === true;
    if (ready.every((endpoint) => endpoint.nodes !== null) && ready.some(forNode)) return forNode;
    const zone = this.#state.nodes.zone(node);
    const forZone = (endpoint: Endpoint): boolean => endpoint.zones?.includes(zone) === true;
    if (zone !== '' && ready.every((endpoint) => endpoint.zones !== null) && ready.some(forZone))
      return forZone;
    return () => true;
  }
}
