// Packs the subsets of an Endpoints object as the endpoints controller does (RepackSubsets, v1.36): one subset per set
// of ports, addresses with equal port sets share it, an address is ready or not ready per port set, never both.
// Upstream orders ports and subsets by a hash of their fields; here ports go by name, number and protocol, and subsets
// by their ports, which is as deterministic and easier to read. Addresses go by text, then by the UID of their target.
import type { Json } from './kind.ts';

const portKey = (port: Json): string =>
  `${port.name ?? ''}\u0000${String(port.port).padStart(5, '0')}\u0000${port.protocol ?? ''}\u0000${port.appProtocol ?? ''}`;
const addressKey = (address: Json): string => `${address.ip}\u0000${address.targetRef?.uid ?? ''}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

interface Packed {
  readonly address: Json;
  /** Ports by key, with whether the address is ready on each. */
  readonly ports: Map<string, { readonly port: Json; ready: boolean }>;
}

/** Subsets that say the same as `subsets`, packed and in a fixed order. The input is left as it is. */
export function repackSubsets(subsets: readonly Json[]): Json[] {
  const byAddress = new Map<string, Packed>();
  for (const subset of subsets) {
    for (const ready of [true, false]) {
      for (const address of subset[ready ? 'addresses' : 'notReadyAddresses'] ?? []) {
        const key = addressKey(address);
        let packed = byAddress.get(key);
        if (packed === undefined) {
          packed = { address, ports: new Map() };
          byAddress.set(key, packed);
        }
        for (const port of subset.ports ?? []) {
          const known = packed.ports.get(portKey(port));
          // Not ready in one place is not ready at all.
          if (known === undefined) packed.ports.set(portKey(port), { port, ready });
          else known.ready &&= ready;
        }
      }
    }
  }
  interface Group {
    readonly ports: Json[];
    readonly ready: Json[];
    readonly notReady: Json[];
  }
  const groups = new Map<string, Group>();
  for (const { address, ports } of byAddress.values()) {
    for (const ready of [true, false]) {
      const keys = [...ports.keys()].filter((key) => ports.get(key)?.ready === ready).sort(compare);
      if (keys.length === 0) continue;
      const id = keys.join('\u0001');
      let group = groups.get(id);
      if (group === undefined) {
        group = { ports: keys.map((key) => ports.get(key)?.port), ready: [], notReady: [] };
        groups.set(id, group);
      }
      (ready ? group.ready : group.notReady).push(address);
    }
  }
  const inOrder = (addresses: Json[]): Json[] =>
    addresses.sort((a, b) => compare(addressKey(a), addressKey(b)));
  return [...groups.entries()]
    .sort(([a], [b]) => compare(a, b))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length > 0 ? { addresses: inOrder(ready) } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: inOrder(notReady) } : {}),
      ports,
    }));
}
