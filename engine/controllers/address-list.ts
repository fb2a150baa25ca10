// The addresses of one Service in Endpoints: for each set of ports the ready and the not ready ones, in the order in
// which Endpoints lists them (by IP text, then by UID), kept at every change of a pod.
import type { Json } from '../kinds/kind.ts';
import type { ResolvedPort } from './endpoint-parts.ts';

export interface Address {
  readonly serial: number;
  /** Order: IP text, then UID of the pod. */
  readonly key: string;
  /** The EndpointAddress as stored; one object as long as nothing in it changes. */
  readonly json: Json;
  readonly ready: boolean;
  readonly portsKey: string;
}

interface PortGroup {
  readonly ports: readonly ResolvedPort[];
  readonly ready: Address[];
  readonly notReady: Address[];
}

/** Where `key` is or belongs in a sorted list. */
function position(list: readonly Address[], key: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class AddressList {
  readonly #groups = new Map<string, PortGroup>();
  readonly #bySerial = new Map<number, Address>();

  get size(): number {
    return this.#bySerial.size;
  }

  clear(): void {
    this.#groups.clear();
    this.#bySerial.clear();
  }

  get(serial: number): Address | undefined {
    return this.#bySerial.get(serial);
  }

  set(address: Address, ports: readonly ResolvedPort[]): void {
    this.remove(address.serial);
    let group = this.#groups.get(address.portsKey);
    if (group === undefined) {
      group = { ports, ready: [], notReady: [] };
      this.#groups.set(address.portsKey, group);
    }
    const list = address.ready ? group.ready : group.notReady;
    list.splice(position(list, address.key), 0, address);
    this.#bySerial.set(address.serial, address);
  }

  remove(serial: number): void {
    const known = this.#bySerial.get(serial);
    if (known === undefined) return;
    this.#bySerial.delete(serial);
    const group = this.#groups.get(known.portsKey)!;
    const list = known.ready ? group.ready : group.notReady;
    list.splice(position(list, known.key), 1);
    if (group.ready.length + group.notReady.length === 0) this.#groups.delete(known.portsKey);
  }

  /**
   * Subsets as stored, at most `max` addresses in all: first all ready ones, each subset its share, rounded up
   * (truncateEndpoints).
   */
  subsets(max: number): { readonly subsets: Json[]; readonly truncated: boolean } {
    const merged = this.#merged();
    const readyTotal = merged.reduce((sum, group) => sum + group.ready.length, 0);
    const notReadyTotal = merged.reduce((sum, group) => sum + group.notReady.length, 0);
    const truncated = readyTotal + notReadyTotal > max;
    const cutReady = readyTotal > max;
    const share = cutReady ? max : max - readyTotal;
    let left = share;
    const subsets: Json[] = [];
    for (const group of merged) {
      let { ready, notReady } = group;
      if (truncated) {
        const own = cutReady ? ready.length : notReady.length;
        const count = Math.min(left, Math.ceil((own / (cutReady ? readyTotal : notReadyTotal)) * share));
        left -= count;
        if (cutReady) ready = ready.slice(0, count);
        notReady = cutReady ? [] : notReady.slice(0, count);
      }
      const subset: Json = {};
      if (ready.length > 0) subset.addresses = ready.map((address) => address.json);
      if (notReady.length > 0) subset.notReadyAddresses = notReady.map((address) => address.json);
      if (group.ports.length > 0) subset.ports = group.ports.map(writePort);
      subsets.push(subset);
    }
    return { subsets, truncated };
  }

  /** Ports that the same pods have share a subset (RepackSubsets); subsets in order of their ports. */
  #merged(): PortGroup[] {
    if (this.#groups.size <= 1) return [...this.#groups.values()];
    const byPort = new Map<string, { port: ResolvedPort | null; groups: string[] }>();
    for (const [key, group] of this.#groups) {
      for (const port of group.ports.length > 0 ? group.ports : [null]) {
        const text =
          port === null ? '' : `${port.name}/${port.port}/${port.protocol}/${port.appProtocol ?? ''}`;
        const known = byPort.get(text);
        if (known === undefined) byPort.set(text, { port, groups: [key] });
        else known.groups.push(key);
      }
    }
    const byGroups = new Map<string, { ports: ResolvedPort[]; groups: string[] }>();
    for (const [, { port, groups }] of [...byPort].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const id = groups.join('\n');
      const known = byGroups.get(id);
      if (known === undefined) byGroups.set(id, { ports: port === null ? [] : [port], groups });
      else if (port !== null) known.ports.push(port);
    }
    const byKey = (a: Address, b: Address): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
    return [...byGroups.values()].map(({ ports, groups }) => ({
      ports,
      ready: groups.flatMap((key) => this.#groups.get(key)!.ready).sort(byKey),
      notReady: groups.flatMap((key) => this.#groups.get(key)!.notReady).sort(byKey),
    }));
  }
}

const writePort = ({ name, port, protocol, appProtocol }: ResolvedPort): Json => ({
  ...(name === '' ? {} : { name }),
  port,
  protocol,
  ...(appProtocol === undefined ? {} : { appProtocol }),
});
