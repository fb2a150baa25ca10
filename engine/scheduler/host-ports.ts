// Host ports in use per node. Few pods have any, so this is a map beside the columns. As upstream (NodeInfo.UsedPorts,
// kube-scheduler/framework/types.go) it is a set: where two pods hold the same port, the first to leave frees it.
import type { HostPort } from '../state/index.ts';

const ANY = '0.0.0.0';

const portKey = (port: HostPort): string => `${port.protocol === '' ? 'TCP' : port.protocol}/${port.port}`;
const addressOf = (port: HostPort): string => (port.ip === '' ? ANY : port.ip);

/** Addresses by protocol and port. */
type PortSet = Map<string, Set<string>>;

function addTo(set: PortSet, ports: readonly HostPort[]): void {
  for (const port of ports) {
    if (port.port <= 0) continue;
    const key = portKey(port);
    const addresses = set.get(key);
    if (addresses === undefined) set.set(key, new Set([addressOf(port)]));
    else addresses.add(addressOf(port));
  }
}

function conflictsWith(set: PortSet, ports: readonly HostPort[]): boolean {
  for (const port of ports) {
    if (port.port <= 0) continue;
    const addresses = set.get(portKey(port));
    if (addresses === undefined) continue;
    const address = addressOf(port);
    if (address === ANY || addresses.has(ANY) || addresses.has(address)) return true;
  }
  return false;
}

export class HostPorts {
  readonly #byNode = new Map<number, PortSet>();

  get any(): boolean {
    return this.#byNode.size > 0;
  }

  add(node: number, ports: readonly HostPort[]): void {
    if (ports.length === 0) return;
    let set = this.#byNode.get(node);
    if (set === undefined) {
      set = new Map();
      this.#byNode.set(node, set);
    }
    addTo(set, ports);
  }

  remove(node: number, ports: readonly HostPort[]): void {
    const set = this.#byNode.get(node);
    if (set === undefined) return;
    for (const port of ports) {
      const key = portKey(port);
      const addresses = set.get(key);
      if (addresses === undefined) continue;
      addresses.delete(addressOf(port));
      if (addresses.size === 0) set.delete(key);
    }
    if (set.size === 0) this.#byNode.delete(node);
  }

  conflict(node: number, ports: readonly HostPort[]): boolean {
    const set = this.#byNode.get(node);
    return set !== undefined && conflictsWith(set, ports);
  }
}
