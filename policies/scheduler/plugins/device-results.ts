// status.allocation of a claim: which devices it got for which request, how they are to be set up, and the nodes that
// it can be used from (structured/internal/experimental/allocator_experimental.go Allocate, v1.36).
import type { Json } from '../../../engine/index.ts';
import type { PooledDevice } from './device-pools.ts';
import type { Wanted, WantedClaim } from './device-requests.ts';

/** A device that a claim gets. */
export interface Chosen {
  readonly wanted: Wanted;
  readonly device: PooledDevice;
  /** Of a device that may be shared: what is taken of it, in billionths by name. */
  readonly consumed: ReadonlyMap<string, bigint> | null;
}

const NANOS = 1_000_000_000n;

/** Whole amounts in units, others in billionths: the sum is what counts, not how it is written. */
const amountText = (nanos: bigint): string => (nanos % NANOS === 0n ? `${nanos / NANOS}` : `${nanos}n`);

/** Tells shares of a device apart: the claim's UID with the place of the result in its last digits. */
function shareId(uid: string, place: number): string {
  const end = place.toString(16).padStart(4, '0');
  return `${uid.slice(0, -4)}${end}`;
}

function resultOf({ claim }: WantedClaim, { wanted, device, consumed }: Chosen, place: number): Json {
  const { spec } = wanted;
  const { bindingConditions, bindingFailureConditions } = device.spec;
  return {
    request: wanted.reference,
    driver: device.driver,
    pool: device.slice.pool.name,
    device: device.name,
    ...(wanted.adminAccess ? { adminAccess: true } : {}),
    ...(spec.tolerations?.length > 0 ? { tolerations: spec.tolerations } : {}),
    ...(bindingConditions?.length > 0 ? { bindingConditions } : {}),
    ...(bindingFailureConditions?.length > 0 ? { bindingFailureConditions } : {}),
    ...(consumed === null ? {} : { shareID: shareId(claim.metadata.uid ?? '', place) }),
    ...(consumed === null || consumed.size === 0
      ? {}
      : { consumedCapacity: Object.fromEntries([...consumed].map(([name, n]) => [name, amountText(n)])) }),
  };
}

/** Set-up of classes, each once with the requests that it is for, then that of the claim where it is for a request. */
function configOf({ claim, requests }: WantedClaim, used: readonly Wanted[]): Json[] {
  const config: Json[] = [];
  const ofClass = new Map<string, Json[]>();
  for (const { deviceClass, reference } of used) {
    const name = deviceClass.metadata.name!;
    const known = ofClass.get(name);
    if (known !== undefined) {
      for (const each of known) each.requests.push(reference);
      continue;
    }
    const own: Json[] = (deviceClass['spec']?.config ?? []).map((each: Json) => ({
      source: 'FromClass',
      requests: [reference],
      ...each,
    }));
    ofClass.set(name, own);
    config.push(...own);
  }
  for (const each of claim['spec'].devices?.config ?? []) {
    const named: readonly string[] = each.requests ?? [];
    const times =
      named.length === 0
        ? 1
        : requests.filter((_, i) => {
            const wanted = used[i]!;
            return named.includes(wanted.name) || named.includes(wanted.reference);
          }).length;
    for (let i = 0; i < times; i++) config.push({ source: 'FromClaim', ...each });
  }
  return config;
}

/** @param nodeSelector undefined: any node */
export function allocationOf(
  wanted: WantedClaim,
  chosen: readonly Chosen[],
  nodeSelector: Json | undefined,
): Json {
  const used = wanted.requests.map((alternatives) => {
    const taken = chosen.find((each) => alternatives.includes(each.wanted));
    return taken?.wanted ?? alternatives[0]!;
  });
  const config = configOf(wanted, used);
  return {
    devices: {
      results: chosen.map((each, place) => resultOf(wanted, each, place)),
      ...(config.length > 0 ? { config } : {}),
    },
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  };
}
