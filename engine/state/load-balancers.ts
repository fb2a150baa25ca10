// What the cloud holds of load balancers: one a Service that asked for it, with its address and the nodes that it sends
// to. Not part of etcd: the service controller orders them from the provider, traffic from outside goes through them.

export interface LoadBalancer {
  /** namespace/name of the Service. */
  readonly service: string;
  readonly address: string;
  /** Nodes that it may send to, in order of joining; replaced as a whole. */
  nodes: readonly number[];
}

/** 198.18.0.0/15, set aside for tests of network devices (RFC 2544). */
const FIRST_ADDRESS = 0xc6120001;
const ADDRESSES = 131_070;

const dotted = (n: number): string => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

export class LoadBalancers {
  readonly #byService = new Map<string, LoadBalancer>();
  #made = 0;

  get size(): number {
    return this.#byService.size;
  }
  get(service: string): LoadBalancer | undefined {
    return this.#byService.get(service);
  }

  /** Makes one, or gives the one that there is the new nodes. Addresses are given in turn and not reused at once. */
  ensure(service: string, nodes: readonly number[]): LoadBalancer {
    let balancer = this.#byService.get(service);
    if (balancer === undefined) {
      balancer = { service, address: dotted(FIRST_ADDRESS + (this.#made++ % ADDRESSES)), nodes };
      this.#byService.set(service, balancer);
    }
    balancer.nodes = nodes;
    return balancer;
  }

  delete(service: string): void {
    this.#byService.delete(service);
  }
}
