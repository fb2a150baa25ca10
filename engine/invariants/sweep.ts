// What must hold whenever a batch of etcd's has been committed, checked by walking through everything: pods and the sums
// that nodes keep of them, the counts per owner, volumes for one pod, and endpoints that stand for pods which cannot be
// reached. Costs as much as the cluster is large: only with `--paranoid`, every thousand batches and at the end.
//
// Reads the tables and changes nothing, so that a run is the same with and without it. What a decision must keep to
// while it is made (room left by maxSurge and maxUnavailable) is asserted where it is made, in every run.
import { InvariantError } from '../kernel/index.ts';
import type { Json } from '../kinds/kind.ts';
import { podClaimName, podClaims } from '../kinds/volume-facts.ts';
import { type ClusterState, isTerminal, Phase, PodBit, phaseOf } from '../state/index.ts';

/** Batches of commits between two sweeps. */
const EVERY = 1000;
/**
 * An endpoint may stand for a pod that is not Ready for as long as the news is under way: watch, work queue, the
 * controllers' client limits (a thousand Services' updates at 20 a second take 50 s), the slice's own write.
 */
const ENDPOINT_LAG_US = 120_000_000;

interface NodeSums {
  pods: number;
  cpuMilli: number;
  memoryBytes: number;
}

export class Sweep {
  readonly #state: ClusterState;
  readonly #now: () => number;
  readonly #hasEndpoints: boolean;
  #batches = 0;
  /** Since when a slice has told of a pod that cannot be reached, by slice and pod. */
  #unreachable = new Map<string, number>();

  /** `isBuiltIn`: whether the controller of that name runs, and is the program's own. */
  constructor(state: ClusterState, now: () => number, isBuiltIn: (controller: string) => boolean) {
    this.#state = state;
    this.#now = now;
    this.#hasEndpoints = isBuiltIn('endpointslice');
  }

  /** A batch of commits was written. */
  committed(): void {
    this.#batches += 1;
    if (this.#batches % EVERY === 0) this.check();
  }

  /** Throws InvariantError for the first thing that does not hold. */
  check(): void {
    this.#pods();
    this.#onePodVolumes();
    if (this.#hasEndpoints) this.#endpoints();
  }

  /**
   * No two pods run on one ReadWriteOncePod volume. Pods that name their node themselves are left out: no scheduler keeps
   * them from it.
   */
  #onePodVolumes(): void {
    const { pods, objects } = this.#state;
    if (objects.findKind('PersistentVolumeClaim') === undefined) return;
    const users = new Map<string, string>();
    for (const pod of pods.livePods()) {
      if (phaseOf(pods.word[pod]!) !== Phase.running) continue;
      const { spec } = this.#state.template(pod);
      const claims = podClaims(spec);
      if (claims.length === 0 || spec['nodeName']) continue;
      const name = this.#state.podName(pod);
      const namespace = this.#state.podNamespace(pod);
      for (const claim of claims) {
        const claimName = podClaimName(name, claim);
        const id = objects.find('PersistentVolumeClaim', namespace, claimName);
        const { accessModes = [] }: Json = objects.get(id)?.['spec'] ?? {};
        if (!accessModes.includes('ReadWriteOncePod')) continue;
        const key = `${namespace}/${claimName}`;
        const other = users.get(key);
        if (other !== undefined && other !== name)
          throw new InvariantError(`claim ${key} is for one pod, and ${other} and ${name} run on it`);
        users.set(key, name);
      }
    }
  }

  /** Pods are conserved, and each node's sums are those of the pods that are bound to it and have not ended. */
  #pods(): void {
    const { pods, nodes, podNames } = this.#state;
    const sums = new Map<number, NodeSums>();
    let live = 0;
    for (const pod of pods.livePods()) {
      live += 1;
      const name = this.#state.podName(pod);
      const suffix = pods.nameSuffix[pod]!;
      if (podNames.find(pods.namespace[pod]!, pods.nameBase[pod]!, suffix) !== pod)
        throw new InvariantError(`pod ${name} is not found by its name`, { pod });
      const owner = pods.owner[pod]!;
      if (owner >= 0 && this.#state.objects.lastVersion(owner) === null)
        throw new InvariantError(`the owner of pod ${name} never existed`, { pod, owner });
      const node = pods.node[pod]!;
      if (node < 0 || isTerminal(pods.word[pod]!)) continue;
      const template = this.#state.template(pod);
      const sum = sums.get(node) ?? { pods: 0, cpuMilli: 0, memoryBytes: 0 };
      sum.pods += 1;
      sum.cpuMilli += template.cpuMilli;
      sum.memoryBytes += template.memoryBytes;
      sums.set(node, sum);
    }
    if (live !== pods.live)
      throw new InvariantError('pods are lost or counted twice', { live, told: pods.live });
    for (let node = 0; node < nodes.name.length; node++) {
      if (nodes.removed[node] === 1) continue;
      const wanted = sums.get(node) ?? { pods: 0, cpuMilli: 0, memoryBytes: 0 };
      const told: NodeSums = {
        pods: nodes.podCount[node]!,
        cpuMilli: nodes.cpuRequested[node]!,
        memoryBytes: nodes.memoryRequested[node]!,
      };
      if (
        told.pods !== wanted.pods ||
        told.cpuMilli !== wanted.cpuMilli ||
        told.memoryBytes !== wanted.memoryBytes
      )
        throw new InvariantError(`the sums of node ${nodes.name[node]} are not those of its pods`, {
          told,
          wanted,
        });
    }
  }

  /** No ready endpoint without a Ready pod for longer than the news of it may take. */
  #endpoints(): void {
    const { objects } = this.#state;
    const now = this.#now();
    const before = this.#unreachable;
    this.#unreachable = new Map();
    const slices = objects.findKind('EndpointSlice');
    for (const [key, id] of slices?.ids ?? []) {
      const slice = objects.get(id);
      const { namespace = '', labels } = slice?.metadata ?? {};
      const service = objects.find('Service', namespace, labels?.['kubernetes.io/service-name'] ?? '');
      // A Service that is gone, or that publishes what is not ready, promises nothing.
      const spec: Json = service < 0 ? undefined : objects.get(service)?.['spec'];
      if (spec === undefined || spec.publishNotReadyAddresses === true) continue;
      for (const endpoint of (slice?.['endpoints'] ?? []) as Json[]) {
        if (endpoint.conditions?.ready !== true || endpoint.targetRef?.kind !== 'Pod') continue;
        const { name } = endpoint.targetRef;
        if (this.#isReady(namespace, name)) continue;
        const since = before.get(`${key} ${name}`) ?? now;
        if (now - since > ENDPOINT_LAG_US)
          throw new InvariantError(`EndpointSlice ${key} tells of pod ${name}, which is not Ready`, {
            sinceUs: since,
            nowUs: now,
          });
        this.#unreachable.set(`${key} ${name}`, since);
      }
    }
  }

  #isReady(namespace: string, name: string): boolean {
    const { texts, pods } = this.#state;
    const pod = this.#state.findPod(texts.find(namespace), name);
    return pod >= 0 && (pods.word[pod]! & PodBit.ready) !== 0 && (pods.word[pod]! & PodBit.deleting) === 0;
  }
}
