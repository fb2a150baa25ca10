// The addresses of one Service in Endpoints: for each set of ports the ready and the not ready ones, in the order in
// which Endpoints lists them (by IP text, then by UID), kept at every change of a pod.
import type { Json } from '../kinds/kind.ts';
import type { ResolvedPort } from './endpoint-parts.ts';

export interface Address {
  readonly serial: number;
  /** Their order: that of the IP's text, then UID of the pod. */
  readonly order: number;
  /** The EndpointAddress as stored; one object as long as nothing in it changes. */
  readonly json: Json;
  readonly ready: boolean;
  readonly portsKey: string;
}

/**
 * Addresses in order: what is stored of each, of which a version of the object takes a copy, and beside that the numbers
 * that order them, so that a search reads these alone.
 */
class Sorted {
  readonly json: Json[] = [];
  readonly #orders: number[] = [];
  #stored: readonly Json[] | null = null;

  /** As a version of the object has it: the same list until an address comes or goes. */
  get stored(): readonly Json[] {
    this.#stored ??= this.json.slice();
    return this.#stored;
  }

  add(address: Address): void {
    const at = this.#position(address);
    this.#orders.splice(at, 0, address.order);
    this.json.splice(at, 0, address.json);
    this.#stored = null;
  }

  remove(address: Address): void {
    const at = this.#position(address);
    this.#orders.splice(at, 1);
    this.json.splice(at, 1);
    this.#stored = null;
  }

  get length(): number {
    return this.json.length;
  }

  *entries(): Generator<{ readonly order: number; readonly json: Json }> {
    for (const [at, json] of this.json.entries()) yield { order: this.#orders[at]!, json };
  }

  /** Where it is or belongs. Those of one IP, which pods in the host's network share, are in order of UID. */
  #position({ order, json }: Address): number {
    const orders = this.#orders;
    const isBefore = (other: Json): boolean => other !== json && uidOf(other) < uidOf(json);
    let low = 0;
    let high = orders.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const here = orders[middle]!;
      if (here < order || (here === order && isBefore(this.json[middle]))) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const uidOf = (json: Json): string => json.targetRef.uid;

interface PortGroup {
  readonly ports: readonly ResolvedPort[];
  /** `ports` as stored. */
  readonly written: readonly Json[];
  readonly ready: Sorted;
  readonly notReady: Sorted;
}

/** Addresses of some sets of ports that are written as one subset. */
interface MergedGroup {
  readonly written: readonly Json[];
  readonly ready: readonly Json[];
  readonly notReady: readonly Json[];
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
      group = { ports, written: ports.map(writePort), ready: new Sorted(), notReady: new Sorted() };
      this.#groups.set(address.portsKey, group);
    }
    (address.ready ? group.ready : group.notReady).add(address);
    this.#bySerial.set(address.serial, address);
  }

  remove(serial: number): void {
    const known = this.#bySerial.get(serial);
    if (known === undefined) return;
    this.#bySerial.delete(serial);
    const group = this.#groups.get(known.portsKey)!;
    (known.ready ? group.ready : group.notReady).remove(known);
    if (group.ready.length + group.notReady.length === 0) this.#groups.delete(known.portsKey);
  }

  /**
   * Subsets as stored, at most `max` addresses in all: first all ready ones, each subset its share, rounded up
   * (truncateEndpoints).
   */
  subsets(max: number): { readonly subsets: Json[]; readonly truncated: boolean } {
    if (this.#groups.size === 0) return { subsets: [], truncated: false };
    if (this.#groups.size === 1 && this.#bySerial.size <= max) {
      for (const { written, ready, notReady } of this.#groups.values()) {
        return { subsets: [subsetOf(written, ready.stored, notReady.stored)], truncated: false };
      }
    }
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
      subsets.push(subsetOf(group.written, ready, notReady));
    }
    return { subsets, truncated };
  }

  /** Ports that the same pods have share a subset (RepackSubsets); subsets in order of their ports. */
  #merged(): MergedGroup[] {
    if (this.#groups.size <= 1) {
      return Array.from(this.#groups.values(), ({ written, ready, notReady }) => ({
        written,
        ready: ready.stored,
        notReady: notReady.stored,
      }));
    }
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
    const together = (keys: readonly string[], which: 'ready' | 'notReady'): Json[] =>
      keys
        .flatMap((key) => [...this.#groups.get(key)![which].entries()])
        .sort((a, b) => a.order - b.order || (uidOf(a.json) < uidOf(b.json) ? -1 : 1))
        .map(({ json }) => json);
    return [...byGroups.values()].map(({ ports, groups }) => ({
      written: ports.map(writePort),
      ready: together(groups, 'ready'),
      notReady: together(groups, 'notReady'),
    }));
  }
}

function subsetOf(ports: readonly Json[], ready: readonly Json[], notReady: readonly Json[]): Json {
  const subset: Json = {};
  if (ready.length > 0) subset.addresses = ready;
  if (notReady.length > 0) subset.notReadyAddresses = notReady;
  if (ports.length > 0) subset.ports = ports;
  return subset;
}

const writePort = ({ name, port, protocol, appProtocol }: ResolvedPort): Json => ({
  ...(name === '' ? {} : { name }),
  port,
  protocol,
  ...(appProtocol === undefined ? {} : { appProtocol }),
});
