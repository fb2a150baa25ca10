// What endpoints tell of a pod as long as it has its address: made once and shared by the Endpoints and the EndpointSlice
// controller, whose objects are most of what a cluster with Services stores.
import type { Json } from '../kinds/kind.ts';
import { type ClusterState, derivedPodUid } from '../state/index.ts';

export interface EndpointFacts {
  readonly serial: number;
  /** Its IP alone, as an endpoint of a slice has it. */
  readonly addresses: readonly string[];
  /** ObjectReference to the pod. */
  readonly reference: Json;
}

/** Dotted address of an IPv4 number. */
const ipText = (ip: number): string => `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;

/** Place of each octet among all of them as texts: in an address the dot that follows comes before all digits. */
const OCTET_ORDER = new Uint8Array(256);
for (const [order, octet] of Array.from({ length: 256 }, (_, octet) => octet)
  .sort((a, b) => (String(a) < String(b) ? -1 : 1))
  .entries()) {
  OCTET_ORDER[octet] = order;
}

/** A number below 2^32 that is smaller for one address than for another exactly if its text is. */
export const textOrder = (ip: number): number =>
  OCTET_ORDER[ip >>> 24]! * 2 ** 24 +
  ((OCTET_ORDER[(ip >>> 16) & 255]! << 16) | (OCTET_ORDER[(ip >>> 8) & 255]! << 8) | OCTET_ORDER[ip & 255]!);

export class EndpointFactsTable {
  readonly #state: ClusterState;
  /** By row of the pod table, with the address that they were made of. */
  readonly #facts: (EndpointFacts | undefined)[] = [];
  readonly #ips: number[] = [];

  constructor(state: ClusterState) {
    this.#state = state;
  }

  of(pod: number): EndpointFacts {
    const { pods } = this.#state;
    const serial = pods.serial[pod]!;
    const ip = pods.ip[pod]!;
    const known = this.#facts[pod];
    if (known !== undefined && known.serial === serial && this.#ips[pod] === ip) return known;
    const facts = {
      serial,
      addresses: [ipText(ip)],
      reference: {
        kind: 'Pod',
        namespace: this.#state.podNamespace(pod),
        name: this.#state.podName(pod),
        uid: derivedPodUid(serial),
      },
    };
    this.#facts[pod] = facts;
    this.#ips[pod] = ip;
    return facts;
  }

  /** The pod is gone. */
  forget(pod: number): void {
    if (pod < this.#facts.length) this.#facts[pod] = undefined;
  }
}
