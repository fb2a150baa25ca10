// The devices that a node can reach, pool by pool, out of ResourceSlices: the newest generation of each pool, if it is
// whole (structured/internal/experimental/pools_experimental.go, v1.36). Pools come in the order of their names, those
// with devices that wait for binding conditions last; slices of a pool come in the order of theirs.
import {
  type ClusterView,
  type DeviceView,
  deviceId,
  type Json,
  type KubeObject,
  tryQuantity,
} from '../../../engine/index.ts';
import { deviceValue } from './device-selectors.ts';
import { compileNodeSelector, type NodeSelector } from './node-selector.ts';

/** Amounts in billionths by name, of a set of counters. */
export type Counters = ReadonlyMap<string, bigint>;

/** A device of a slice, as the allocator reads it. */
export interface PooledDevice {
  /** `driver/pool/name`. */
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** As written. */
  readonly spec: Json;
  readonly slice: Json;
  readonly shared: boolean;
  /** What it takes of each set of counters of its pool. */
  readonly consumes: ReadonlyMap<string, Counters>;
  /** For CEL; a SelectorError where an attribute has no value that it knows. */
  readonly value: () => ReturnType<typeof deviceValue>;
  /** null: as its slice says. */
  readonly reach: Reach | null;
}

export interface Pool {
  /** `driver/name`. */
  readonly id: string;
  /** ready; incomplete: slices are missing; invalid: its slices contradict each other. */
  readonly state: 'ready' | 'incomplete' | 'invalid';
  readonly devices: readonly PooledDevice[];
  /** Devices of the pool that this node cannot reach, which may have taken counters. */
  readonly others: readonly PooledDevice[];
  readonly counterSets: ReadonlyMap<string, Counters>;
}

/** Nodes from which something can be used. */
type Reach = (cluster: ClusterView, node: number) => boolean;

interface Slice {
  readonly name: string;
  readonly pool: string;
  readonly generation: number;
  readonly count: number;
  readonly devices: readonly PooledDevice[];
  readonly counterSets: readonly (readonly [string, Counters])[];
  /** null: each device says. */
  readonly reach: Reach | null;
  readonly hasConditions: boolean;
}

const NOWHERE: Reach = () => false;
const EVERYWHERE: Reach = () => true;

function reachOf({ nodeName, allNodes, nodeSelector }: Json): Reach {
  if (nodeName) return (cluster, node) => cluster.nodeName(node) === nodeName;
  if (allNodes === true) return EVERYWHERE;
  if (!nodeSelector) return NOWHERE;
  const selector: NodeSelector = compileNodeSelector(nodeSelector.nodeSelectorTerms ?? []);
  return (cluster, node) => selector.matches(cluster, node);
}

function countersOf(counters: Json | undefined): Counters {
  return new Map(
    Object.keys(counters ?? {}).map(
      (name) => [name, tryQuantity(counters[name].value)?.nanos ?? 0n] as const,
    ),
  );
}

function pooled(spec: Json, slice: Json): PooledDevice {
  const { driver } = slice;
  let value: ReturnType<typeof deviceValue> | null = null;
  return {
    id: deviceId(driver, slice.pool.name, spec.name),
    name: spec.name,
    driver,
    spec,
    slice,
    shared: spec.allowMultipleAllocations === true,
    consumes: new Map(
      (spec.consumesCounters ?? []).map(
        (each: Json) => [each.counterSet, countersOf(each.counters)] as const,
      ),
    ),
    value() {
      value ??= deviceValue(driver, spec);
      return value;
    },
    reach: slice.perDeviceNodeSelection === true ? reachOf(spec) : null,
  };
}

const parsed = new WeakMap<KubeObject, Slice>();

function sliceOf(object: KubeObject): Slice {
  let slice = parsed.get(object);
  if (slice === undefined) {
    const spec = object['spec'];
    const devices: readonly PooledDevice[] = (spec.devices ?? []).map((each: Json) => pooled(each, spec));
    slice = {
      name: object.metadata.name!,
      pool: `${spec.driver}/${spec.pool.name}`,
      generation: spec.pool.generation ?? 0,
      count: spec.pool.resourceSliceCount,
      devices,
      counterSets: (spec.sharedCounters ?? []).map(
        (each: Json) => [each.name, countersOf(each.counters)] as const,
      ),
      reach: spec.perDeviceNodeSelection === true ? null : reachOf(spec),
      hasConditions: devices.some((each) => each.spec.bindingConditions !== undefined),
    };
    parsed.set(object, slice);
  }
  return slice;
}

/** Counters are for the whole pool, whichever node its devices are for. */
function isFor(slice: Slice, cluster: ClusterView, node: number): boolean {
  if (slice.counterSets.length > 0) return true;
  if (slice.reach !== null) return slice.reach(cluster, node);
  return slice.devices.some((device) => device.reach!(cluster, node));
}

/** Sets and counters that a device names must exist. */
function areCountersKnown(devices: readonly PooledDevice[], sets: ReadonlyMap<string, Counters>): boolean {
  return devices.every(({ consumes }) =>
    [...consumes].every(([name, counters]) => {
      const set = sets.get(name);
      return set !== undefined && [...counters.keys()].every((counter) => set.has(counter));
    }),
  );
}

function poolOf(id: string, slices: readonly Slice[], all: readonly Slice[]): Pool {
  const nothing = { id, devices: [], others: [], counterSets: new Map<string, Counters>() };
  if (all.length !== slices[0]!.count) return { ...nothing, state: 'incomplete' };
  const devices = slices.filter((slice) => slice.counterSets.length === 0).flatMap((slice) => slice.devices);
  const sets = slices.flatMap((slice) => slice.counterSets);
  const counterSets = new Map(sets);
  const others = all.filter((slice) => !slices.includes(slice)).flatMap((slice) => slice.devices);
  const isValid =
    new Set(devices.map(({ name }) => name)).size === devices.length &&
    counterSets.size === sets.length &&
    areCountersKnown(devices, counterSets) &&
    areCountersKnown(others, counterSets);
  return isValid ? { id, state: 'ready', devices, others, counterSets } : { ...nothing, state: 'invalid' };
}

const newest = (slices: readonly Slice[]): Slice[] => {
  const generation = slices.reduce((most, slice) => Math.max(most, slice.generation), -1);
  return slices.filter((slice) => slice.generation === generation);
};

/** Pools with devices for the node; those of an older generation are left out. */
export function poolsOf(devices: DeviceView, cluster: ClusterView, node: number): Pool[] {
  const found = new Map<string, Slice[]>();
  const take = (objects: Iterable<KubeObject>): void => {
    for (const object of objects) {
      const slice = sliceOf(object);
      if (!isFor(slice, cluster, node)) continue;
      const known = found.get(slice.pool);
      if (known === undefined) found.set(slice.pool, [slice]);
      else known.push(slice);
    }
  };
  take(devices.slicesOf(cluster.nodeName(node)));
  take(devices.wideSlices());
  const pools: Pool[] = [];
  const last: Pool[] = [];
  for (const id of [...found.keys()].sort()) {
    const reachable = newest(found.get(id)!);
    reachable.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const slash = id.indexOf('/');
    const whole = [...devices.slicesOfPool(id.slice(0, slash), id.slice(slash + 1))].map(sliceOf);
    const all = newest(whole);
    // A newer generation of the pool has nothing for this node: what is known of it is out of date.
    if (all[0]!.generation > reachable[0]!.generation) continue;
    const pool = poolOf(id, reachable, all);
    const waits = pool.state === 'ready' && reachable.some((slice) => slice.hasConditions);
    (waits ? last : pools).push(pool);
  }
  return [...pools, ...last];
}

/** The nodes that devices tie a claim to, as status.allocation.nodeSelector; undefined: any node will do. */
export function nodeSelectorOf(devices: readonly PooledDevice[]): Json | undefined {
  const fields: Json[] = [];
  const expressions: Json[] = [];
  const add = (from: readonly Json[] | undefined, to: Json[]): void => {
    for (const each of from ?? []) {
      const key = ({ key, operator, values }: Json): string =>
        JSON.stringify([key, operator, [...new Set(values ?? [])].sort()]);
      if (!to.some((known) => key(known) === key(each))) to.push(each);
    }
  };
  for (const { spec, slice } of devices) {
    const { nodeName, nodeSelector } = slice.perDeviceNodeSelection === true ? spec : slice;
    if (nodeName) {
      const only = { key: 'metadata.name', operator: 'In', values: [nodeName] };
      return { nodeSelectorTerms: [{ matchFields: [only] }] };
    }
    const term = nodeSelector?.nodeSelectorTerms?.[0];
    add(term?.matchFields, fields);
    add(term?.matchExpressions, expressions);
  }
  if (fields.length === 0 && expressions.length === 0) return undefined;
  return {
    nodeSelectorTerms: [
      {
        ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
        ...(fields.length > 0 ? { matchFields: fields } : {}),
      },
    ],
  };
}
