// Pod IPs as a host-local CNI gives them: each node has its own range, handed out round robin. Ranges start at
// 10.244.0.0; a node's is large enough for its pods, so that pods with a sandbox never share an address. A pod that has
// ended gives its address back while its object still shows it, as CNI DEL does.
import { grownInt32 } from '../kernel/index.ts';
import type { ClusterState } from '../state/index.ts';

const PODS_FROM = 0x0af40000;
/** Node addresses, for pods in the host's network: 172.18.0.2 onwards. */
const NODES_FROM = 0xac120002;
/** The first address of a range is the network's, the second the node's own. */
const FIRST = 2;

export class NodeAddresses {
  readonly #state: ClusterState;
  #stride = 0;
  /** By node: the address to try next, 0: the first; and how many are in use. */
  #next = new Int32Array(64);
  #used = new Int32Array(64);
  /** A bit for each address of each node, `stride` apart: it is in use. */
  #taken = new Int32Array(0);
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
      this.#taken = new Int32Array((this.#next.length * this.#stride) / 32);
    }
    this.#reach(node);
    const from = node * this.#stride;
    let k = this.#next[node]! || FIRST;
    // Pods that a user placed by spec.nodeName may be more than the node allows: then two share an address.
    if (this.#used[node]! < this.#stride - 3) while (this.#isTaken(from + k)) k = this.#after(k);
    this.#set(node, from + k, true);
    this.#next[node] = this.#after(k);
    this.#address[pod] = (PODS_FROM + from + k) | 0;
  }

  release(pod: number): void {
    const address = this.of(pod);
    if (address === 0) return;
    this.#address[pod] = 0;
    const node = this.#state.pods.node[pod]!;
    if (this.#state.template(pod).hostNetwork) return;
    this.#set(node, (address - PODS_FROM) | 0, false);
  }

  #after(k: number): number {
    return k + 1 < this.#stride - 1 ? k + 1 : FIRST;
  }

  #isTaken(address: number): boolean {
    return (this.#taken[address >>> 5]! & (1 << (address & 31))) !== 0;
  }

  #set(node: number, address: number, taken: boolean): void {
    if (this.#isTaken(address) === taken) return;
    this.#taken[address >>> 5]! ^= 1 << (address & 31);
    this.#used[node]! += taken ? 1 : -1;
  }

  /** The columns have place for the node. */
  #reach(node: number): void {
    if (node < this.#next.length) return;
    const nodes = Math.max(node + 1, 2 * this.#next.length);
    this.#next = grownInt32(this.#next, nodes);
    this.#used = grownInt32(this.#used, nodes);
    this.#taken = grownInt32(this.#taken, (nodes * this.#stride) / 32);
  }
}
