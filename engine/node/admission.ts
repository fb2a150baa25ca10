// Admission on the node: a pod that was bound to it all the same, by spec.nodeName or because two decisions crossed, is
// refused where it does not fit (pkg/kubelet/lifecycle/predicate.go, scheduler AdmissionCheck; v1.36). The order of the
// checks is upstream's, and the first one that fails gives reason and text. Sums are those of the pods that this kubelet
// has admitted and that have not ended. Leaves out: preemption for critical pods.
import {
  type ClusterState,
  compileNodeSelection,
  type HostPort,
  type NodeTable,
  type PodTemplate,
  type Toleration,
  tolerates,
} from '../state/index.ts';

export interface Refusal {
  /** status.reason, and the reason of the Event. */
  readonly reason: string;
  /** Text of the Event. */
  readonly message: string;
}

interface Sums {
  pods: number;
  cpuMilli: number;
  memoryBytes: number;
  ephemeralBytes: number;
  /** By resource id. Made with the first pod that asks for one. */
  scalars: Map<number, number> | null;
  ports: HostPort[] | null;
}

const insufficient = (resource: string, requested: number, used: number, capacity: number): Refusal => ({
  reason: `OutOf${resource}`,
  message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
});

const predicate = (name: string, why: string): Refusal => ({
  reason: name,
  message: `Predicate ${name} failed: ${why}`,
});

const ANY_ADDRESS = '0.0.0.0';

/** HostPortInfo: an address conflicts with itself, and 0.0.0.0 with all. */
const conflicts = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port &&
  a.protocol === b.protocol &&
  (a.ip === b.ip || a.ip === ANY_ADDRESS || b.ip === ANY_ADDRESS);

type Selection = (nodes: NodeTable, node: number) => boolean;

export class NodeAdmission {
  readonly #state: ClusterState;
  readonly #sums: (Sums | undefined)[] = [];
  /** Node by pod that is counted, -1; rows that never counted are holes. */
  readonly #counted: number[] = [];
  /** Pods that count, by node; null until somebody asks. */
  #lists: Map<number, Set<number>> | null = null;
  /** By template; null: takes every node. */
  readonly #selections: (Selection | null | undefined)[] = [];

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /** Why the node refuses the pod, or null: it is admitted and counts from now on. */
  admit(pod: number): Refusal | null {
    const node = this.#state.pods.node[pod]!;
    const template = this.#state.template(pod);
    const refusal =
      this.#fits(template, node) ?? this.#placed(template, node) ?? this.#tolerated(template, node);
    if (refusal === null) this.take(pod);
    return refusal;
  }

  /** The pod counts, whether or not it fits. */
  take(pod: number): void {
    this.release(pod);
    const node = this.#state.pods.node[pod]!;
    this.#counted[pod] = node;
    if (this.#lists !== null) this.#listOf(this.#lists, node).add(pod);
    this.#add(this.#of(node), this.#state.template(pod), 1);
  }

  /** The pod has ended or is gone. */
  release(pod: number): void {
    const node = this.#counted[pod] ?? -1;
    if (node < 0) return;
    this.#counted[pod] = -1;
    this.#lists?.get(node)?.delete(pod);
    this.#add(this.#of(node), this.#state.template(pod), -1);
  }

  /** The pods that count on a node. The first question costs a walk over all pods. */
  podsOn(node: number): readonly number[] {
    if (this.#lists === null) {
      const lists = new Map<number, Set<number>>();
      for (const [pod, on] of this.#counted.entries())
        if (on !== undefined && on >= 0) this.#listOf(lists, on).add(pod);
      this.#lists = lists;
    }
    return [...(this.#lists.get(node) ?? [])];
  }

  #listOf(lists: Map<number, Set<number>>, node: number): Set<number> {
    let list = lists.get(node);
    if (list === undefined) {
      list = new Set();
      lists.set(node, list);
    }
    return list;
  }

  #add(sums: Sums, template: PodTemplate, sign: 1 | -1): void {
    sums.pods += sign;
    sums.cpuMilli += sign * template.cpuMilli;
    sums.memoryBytes += sign * template.memoryBytes;
    sums.ephemeralBytes += sign * template.ephemeralBytes;
    for (const [resource, amount] of template.scalars) {
      sums.scalars ??= new Map();
      sums.scalars.set(resource, (sums.scalars.get(resource) ?? 0) + sign * amount);
    }
    for (const port of template.hostPorts) {
      sums.ports ??= [];
      if (sign > 0) sums.ports.push(port);
      else sums.ports.splice(sums.ports.indexOf(port), 1);
    }
  }

  #fits(template: PodTemplate, node: number): Refusal | null {
    const { nodes, resources } = this.#state;
    const sums = this.#of(node);
    const { cpuMilli, memoryBytes, ephemeralBytes, scalars } = template;
    if (sums.pods + 1 > nodes.podsMax[node]!) return insufficient('pods', 1, sums.pods, nodes.podsMax[node]!);
    const cpu = nodes.cpuMilli[node]!;
    if (cpuMilli > 0 && cpuMilli > cpu - sums.cpuMilli)
      return insufficient('cpu', cpuMilli, sums.cpuMilli, cpu);
    const memory = nodes.memoryBytes[node]!;
    if (memoryBytes > 0 && memoryBytes > memory - sums.memoryBytes)
      return insufficient('memory', memoryBytes, sums.memoryBytes, memory);
    const ephemeral = nodes.ephemeralBytes[node]!;
    if (ephemeralBytes > 0 && ephemeralBytes > ephemeral - sums.ephemeralBytes)
      return insufficient('ephemeral-storage', ephemeralBytes, sums.ephemeralBytes, ephemeral);
    for (const [resource, amount] of scalars) {
      // What the node does not know is a resource of the cluster (removeMissingExtendedResources).
      if (!nodes.scalars[node]!.some(([id]) => id === resource)) continue;
      const capacity = nodes.scalar(node, resource);
      const used = sums.scalars?.get(resource) ?? 0;
      if (amount > capacity - used) return insufficient(resources.text(resource), amount, used, capacity);
    }
    return null;
  }

  /** Affinity, then ports. */
  #placed(template: PodTemplate, node: number): Refusal | null {
    const selection = this.#selection(template);
    if (selection !== null && !selection(this.#state.nodes, node))
      return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
    if (template.hostPorts.length === 0) return null;
    const taken = this.#of(node).ports ?? [];
    const isTaken = template.hostPorts.some((port) => taken.some((other) => conflicts(port, other)));
    return isTaken
      ? predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports")
      : null;
  }

  #tolerated(template: PodTemplate, node: number): Refusal | null {
    const taints = this.#state.nodes.taints[node]!;
    if (taints.length === 0) return null;
    const tolerations: readonly Toleration[] = template.spec.tolerations ?? [];
    for (const taint of taints) {
      if (taint.effect === 'NoExecute' && !tolerations.some((toleration) => tolerates(toleration, taint)))
        return predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate");
    }
    return null;
  }

  #selection(template: PodTemplate): Selection | null {
    const known = this.#selections[template.id];
    if (known !== undefined) return known;
    const { nodeSelector, affinity } = template.spec;
    const selection = nodeSelector || affinity?.nodeAffinity ? compileNodeSelection(template.spec) : null;
    this.#selections[template.id] = selection;
    return selection;
  }

  #of(node: number): Sums {
    return (this.#sums[node] ??= {
      pods: 0,
      cpuMilli: 0,
      memoryBytes: 0,
      ephemeralBytes: 0,
      scalars: null,
      ports: null,
    });
  }
}
