// Claims, classes and slices of devices as the scheduler has seen them, with what it assumes on top, and the devices
// that are taken, kept up to date with every change of a claim (plugins/dynamicresources/{dra_manager,
// allocateddevices}.go and scheduler/util/assumecache, v1.36). Pods without claims never come here.
import { type DeviceView, deviceId, type TakenDevices } from '../contracts/devices.ts';
import { type ClusterChange, ClusterEvent } from '../contracts/scheduler.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { parseQuantity } from '../kinds/quantity.ts';
import { type ClusterState, type RevisionLog, Verb } from '../state/index.ts';
import { keyOf } from '../state/objects.ts';

/** Kinds that it wants to be told of, with the event that a change of one is. */
export const DEVICE_KINDS: ReadonlyMap<string, number> = new Map([
  ['ResourceClaim', ClusterEvent.resourceClaim],
  ['DeviceClass', ClusterEvent.deviceClass],
  ['ResourceSlice', ClusterEvent.resourceSlice],
]);

const NONE: ReadonlyMap<string, KubeObject> = new Map();
const WIDE = '';

/** Snapshots may hold claims without UID: their names tell them apart then. */
const uidOf = ({ metadata }: KubeObject): string => metadata.uid || keyOf(metadata.namespace, metadata.name!);

const claimKey = ({ metadata }: KubeObject): string => keyOf(metadata.namespace, metadata.name!);

/** Objects in groups; a group is listed in the order of names, as the allocator wants slices. */
class SortedGroups {
  readonly #groups = new Map<string, Map<string, KubeObject>>();
  readonly #unsorted = new Set<string>();

  set(group: string, object: KubeObject): void {
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Map();
      this.#groups.set(group, members);
    }
    const name = object.metadata.name!;
    if (!members.has(name)) this.#unsorted.add(group);
    members.set(name, object);
  }
  delete(group: string, name: string): void {
    this.#groups.get(group)?.delete(name);
  }
  of(group: string): Iterable<KubeObject> {
    const members = this.#groups.get(group);
    if (members === undefined) return NONE.values();
    if (!this.#unsorted.delete(group)) return members.values();
    const sorted = new Map([...members].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
    this.#groups.set(group, sorted);
    return sorted.values();
  }
}

/** Counts of whole devices, and sums of what was consumed of shared ones. */
class Taken implements TakenDevices {
  readonly #whole = new Map<string, number>();
  readonly #shared = new Map<string, { claims: number; readonly amounts: Map<string, bigint> }>();

  has(device: string): boolean {
    return this.#whole.has(device);
  }
  consumed(device: string): ReadonlyMap<string, bigint> | undefined {
    return this.#shared.get(device)?.amounts;
  }

  /** Adds the claim's allocation, or takes it away (sign -1). */
  count(claim: KubeObject, sign: 1 | -1): void {
    const results: readonly Json[] = claim['status']?.allocation?.devices?.results ?? [];
    for (const { driver, pool, device, adminAccess, shareID, consumedCapacity } of results) {
      if (adminAccess === true) continue;
      const id = deviceId(driver, pool, device);
      if (shareID === undefined) {
        const left = (this.#whole.get(id) ?? 0) + sign;
        if (left === 0) this.#whole.delete(id);
        else this.#whole.set(id, left);
      } else this.#share(id, consumedCapacity ?? {}, sign);
    }
  }

  #share(id: string, capacity: Json, sign: 1 | -1): void {
    let shared = this.#shared.get(id);
    if (shared === undefined) {
      shared = { claims: 0, amounts: new Map() };
      this.#shared.set(id, shared);
    }
    shared.claims += sign;
    for (const name of Object.keys(capacity)) {
      const amount = parseQuantity(String(capacity[name])).nanos * BigInt(sign);
      shared.amounts.set(name, (shared.amounts.get(name) ?? 0n) + amount);
    }
    if (shared.claims === 0) this.#shared.delete(id);
  }
}

/** How a status is written. */
export type StatusWriter = (base: KubeObject, next: KubeObject) => void;

export class SchedulerDevices implements DeviceView {
  readonly taken = new Taken();
  writeStatus: StatusWriter = () => undefined;
  readonly #state: ClusterState;
  readonly #claims = new Map<string, KubeObject>();
  /** Versions that the scheduler wrote and the watch has not brought yet. */
  readonly #assumed = new Map<string, KubeObject>();
  /** By UID: allocations that are decided and not written. */
  readonly #pending = new Map<string, KubeObject>();
  /** By key of the claim: the version whose allocation is in `taken`. */
  readonly #counted = new Map<string, KubeObject>();
  readonly #classes = new Map<string, KubeObject>();
  readonly #slices = new Map<string, KubeObject>();
  readonly #slicesOfNode = new SortedGroups();
  readonly #slicesOfPool = new SortedGroups();
  /** By row: names of generated claims that the scheduler has heard of. */
  readonly #named = new Map<number, ReadonlyMap<string, string | null>>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  // ---- objects ----

  /** An object of DEVICE_KINDS was created or changed, or was there from the beginning. Returns the one before it. */
  set(object: KubeObject): KubeObject | null {
    const name = object.metadata.name!;
    switch (object.kind) {
      case 'ResourceClaim': {
        const key = claimKey(object);
        const previous = this.#claims.get(key) ?? null;
        this.#claims.set(key, object);
        // Versions are told one after the other: older ones are still on their way until this very one comes.
        if (this.#assumed.get(key) === object) this.#assumed.delete(key);
        this.#recount(key);
        return previous;
      }
      case 'DeviceClass': {
        const previous = this.#classes.get(name) ?? null;
        this.#classes.set(name, object);
        return previous;
      }
      case 'ResourceSlice': {
        const previous = this.#slices.get(name) ?? null;
        if (previous !== null) this.#dropSlice(previous);
        this.#slices.set(name, object);
        const { nodeName, driver, pool } = object['spec'];
        this.#slicesOfNode.set(nodeName || WIDE, object);
        this.#slicesOfPool.set(`${driver}/${pool.name}`, object);
        return previous;
      }
      default:
        return null;
    }
  }

  delete(object: KubeObject): void {
    const name = object.metadata.name!;
    if (object.kind === 'ResourceClaim') {
      const key = claimKey(object);
      this.#claims.delete(key);
      this.#assumed.delete(key);
      this.#recount(key);
    } else if (object.kind === 'DeviceClass') this.#classes.delete(name);
    else if (object.kind === 'ResourceSlice') {
      const known = this.#slices.get(name);
      if (known !== undefined) this.#dropSlice(known);
      this.#slices.delete(name);
    }
  }

  #dropSlice(slice: KubeObject): void {
    const { nodeName, driver, pool } = slice['spec'];
    const name = slice.metadata.name!;
    this.#slicesOfNode.delete(nodeName || WIDE, name);
    this.#slicesOfPool.delete(`${driver}/${pool.name}`, name);
  }

  /** Takes over entries of a watch; tells what of it may make a waiting pod fit. `events`: of the kind. */
  fold(
    log: RevisionLog,
    from: number,
    to: number,
    events: number,
    happened: (change: ClusterChange) => void,
  ): void {
    const about = { events, node: -1, before: null, template: null };
    for (let p = from; p < to; p++) {
      const object = log.object(p) as KubeObject;
      // Nothing fits for that an object is gone: a claim gives its devices back before.
      if (log.verb(p) === Verb.deleted) {
        this.delete(object);
        continue;
      }
      const previous = this.set(object);
      const pod = object.kind === 'ResourceClaim' ? this.#onlyFor(object, previous) : undefined;
      happened({
        ...about,
        object,
        ...(previous === null ? {} : { previous }),
        ...(pod === undefined ? {} : { pod }),
      });
    }
  }

  /** The pod that a claim was made for, unless its devices have become free for all; undefined: anybody. */
  #onlyFor({ metadata, status }: KubeObject, previous: KubeObject | null): number | undefined {
    if (previous?.['status']?.allocation !== undefined && status?.allocation === undefined) return undefined;
    const owner = metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'Pod');
    if (owner === undefined) return undefined;
    return this.#state.findPod(this.#state.texts.find(metadata.namespace ?? ''), owner.name);
  }

  /** Every object, with what is assumed of it and decided about it. */
  all(): KubeObject[] {
    return [
      ...this.#classes.values(),
      ...this.#slices.values(),
      ...[...this.#claims.keys()].map((key) => this.#effective(key)!),
    ];
  }

  // ---- claims of pods ----

  /** Whether the pod's status names other claims than when this was asked last. */
  hasNewClaims(pod: number): boolean {
    const { claimNames } = this.#state.pods;
    if (claimNames.size === 0) return false;
    const names = claimNames.get(pod);
    if (names === undefined || this.#named.get(pod) === names) return false;
    this.#named.set(pod, names);
    return true;
  }

  claimName(pod: number, entry: string): string | null | undefined {
    return this.#state.pods.claimNames.get(pod)?.get(entry);
  }

  claim(namespace: string, name: string): KubeObject | null {
    const key = keyOf(namespace, name);
    return this.#assumed.get(key) ?? this.#claims.get(key) ?? null;
  }
  deviceClass(name: string): KubeObject | null {
    return this.#classes.get(name) ?? null;
  }
  slicesOf(node: string): Iterable<KubeObject> {
    return this.#slicesOfNode.of(node);
  }
  wideSlices(): Iterable<KubeObject> {
    return this.#slicesOfNode.of(WIDE);
  }
  slicesOfPool(driver: string, pool: string): Iterable<KubeObject> {
    return this.#slicesOfPool.of(`${driver}/${pool}`);
  }

  // ---- allocations ----

  isPending(claim: KubeObject): boolean {
    return this.#pending.has(uidOf(claim));
  }
  reserve(claim: KubeObject): void {
    this.#pending.set(uidOf(claim), claim);
    this.#recount(claimKey(claim));
  }
  release(claim: KubeObject): void {
    if (this.#pending.delete(uidOf(claim))) this.#recount(claimKey(claim));
  }
  assume(claim: KubeObject): void {
    const key = claimKey(claim);
    const seen = this.#claims.get(key);
    if (seen === undefined || seen === claim) return;
    this.#assumed.set(key, claim);
    this.#recount(key);
  }

  /** The version that counts; null: there is none. */
  #effective(key: string): KubeObject | null {
    const claim = this.#assumed.get(key) ?? this.#claims.get(key) ?? null;
    return claim === null ? null : (this.#pending.get(uidOf(claim)) ?? claim);
  }

  #recount(key: string): void {
    const before = this.#counted.get(key);
    const now = this.#effective(key);
    if (before === (now ?? undefined)) return;
    if (before !== undefined) this.taken.count(before, -1);
    if (now === null) this.#counted.delete(key);
    else {
      this.taken.count(now, 1);
      this.#counted.set(key, now);
    }
  }
}
