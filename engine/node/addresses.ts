// Pod IPs as a host-local CNI gives them: each node has its own range, handed out round robin. Ranges start at
// 10.244.0.0; a node's is large enough for its pods, so that pods with a sandbox never share an address. A pod that has
// ended gives its address back while its object still shows it, as CNI DEL does.
import { grownInt32 } from '../kernel/index.ts';
import type { ClusterState } from '../state/index.ts';

const PODS_FROM = 0x0af40000;
/** Node addresses, for pods in the host's network: 172.18.0.2 onwards. */
const NODES_FROM = 0xac120002;

export class NodeAddresses {
  readonly #state: ClusterState;
  #stride = 0;
  readonly #next: number[] = [];
  /** Addresses in use per node beyond which a search for a free one begins. */
  readonly #used: (Set<number> | undefined)[] = [];
  #address = new Int32Array(256);

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /** Address of a pod that has one, as int32; 0: none. */
  of(pod: number): number {
    return this.#address[pod] ?? 0;
  }

  take(pod: number): void {
    const { pods, nodes } = this.#state;
    const node = pods.node[pod]!;
    if (pod >= this.#address.length)
      this.#address = grownInt32(this.#address, Math.max(pod + 1, 2 * this.#address.length));
    if (this.#state.template(pod).hostNetwork) {
      this.#address[pod] = (NODES_FROM + node) | 0;
      return;
    }
    if (this.#stride === 0) {
      let most = 0;
      for (let n = 0; n < nodes.used; n++) most = Math.max(most, nodes.podsMax[n]!);
      this.#stride = 256 * Math.ceil((2 * most + 3) / 256);
    }
    const used = (this.#used[node] ??= new Set());
    let k = this.#next[node] ?? 2;
    // Pods that a user placed by spec.nodeName may be more than the node allows: then two share an address.
    if (used.size < this.#stride - 3) while (used.has(k)) k = k + 1 < this.#stride - 1 ? k + 1 : 2;
    used.add(k);
    this.#next[node] = k + 1 < this.#stride - 1 ? k + 1 : 2;
    this.#address[pod] = (PODS_FROM + node * this.#stride + k) | 0;
  }

  release(pod: number): void {
    const address = this.of(pod);
    if (address === 0) return;
    this.#address[pod] = 0;
    const node = this.#state.pods.node[pod]!;
    if (this.#state.template(pod).hostNetwork) return;
    this.#used[node]?.delete((address - PODS_FROM - node * this.#stride) | 0);
  }
}
