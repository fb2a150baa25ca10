// Into which EndpointSlice each endpoint goes: upstream's rule for one set of ports
// (k8s.io/endpointslice reconciler.go reconcileByPortMapping and finalize, v1.36). It keeps endpoints where they are,
// fills slices that must be written anyway, then one unchanged slice that has room for all that is left, then makes new
// ones; it never moves endpoints to make slices fuller.
//
// Only what changed is given, so the work is that of the slices touched and not of all endpoints.
import type { Json } from '../kinds/kind.ts';

/** A slice as known: endpoints beside the serial numbers of their pods. */
export interface Slice {
  /** ObjectId, -1 for one to be created. */
  id: number;
  readonly portsKey: string;
  serials: number[];
  /** A version of the object has this list: placement changes a copy. */
  endpoints: Json[];
}

export interface SlicePlan {
  readonly create: Slice[];
  readonly update: Slice[];
  readonly remove: Slice[];
  /** Endpoints that are new in a slice: its end, from `from` on. */
  readonly placed: { readonly slice: Slice; readonly from: number }[];
}

/** Up to so many changes are looked up in the slices one by one. */
const FEW = 16;

/** Same endpoint, seen from outside (EndpointsEqualBeyondHash; hints as trafficdist and topologycache compare them). */
function isSameEndpoint(a: Json, b: Json): boolean {
  return (
    a === b ||
    (a.addresses[0] === b.addresses[0] &&
      a.conditions.ready === b.conditions.ready &&
      a.conditions.serving === b.conditions.serving &&
      a.conditions.terminating === b.conditions.terminating &&
      a.nodeName === b.nodeName &&
      a.zone === b.zone &&
      a.hostname === b.hostname &&
      a.targetRef?.uid === b.targetRef?.uid &&
      (a.hints === b.hints || JSON.stringify(a.hints) === JSON.stringify(b.hints)))
  );
}

/**
 * @param slices    all slices of this set of ports, in order of creation; changed in place
 * @param sliceOf   where the endpoint of a pod is now
 * @param changed   by serial of the pod: the endpoint wanted, null where none is wanted any more
 * @param max       endpoints a slice may hold
 */
export function placeEndpoints(
  slices: readonly Slice[],
  sliceOf: (serial: number) => Slice | undefined,
  changed: ReadonlyMap<number, Json | null>,
  max: number,
  portsKey: string,
): SlicePlan {
  let touched: Set<Slice> | null = null;
  const waiting: number[] = [];
  for (const [serial, endpoint] of changed) {
    const slice = sliceOf(serial);
    if (slice !== undefined) touched = (touched ?? new Set<Slice>()).add(slice);
    else if (endpoint !== null) waiting.push(serial);
  }
  if (waiting.length > 1) waiting.sort((a, b) => a - b);
  const plan: SlicePlan = { create: [], update: [], remove: [], placed: [] };
  for (const slice of slices) {
    if (touched?.has(slice) !== true || !replaceChanged(slice, changed)) continue;
    if (slice.endpoints.length === 0) plan.remove.push(slice);
    else plan.update.push(slice);
  }
  if (waiting.length === 0) return plan;
  let next = 0;
  /** Of a slice whose list is a copy already, or is nobody else's. */
  const fill = (slice: Slice): void => {
    const { serials, endpoints } = slice;
    const end = next + Math.min(waiting.length - next, max - endpoints.length);
    if (end > next) plan.placed.push({ slice, from: serials.length });
    for (; next < end; next++) {
      serials.push(waiting[next]!);
      endpoints.push(changed.get(waiting[next]!)!);
    }
  };
  const byFullness =
    plan.update.length > 1
      ? [...plan.update].sort((a, b) => b.endpoints.length - a.endpoints.length)
      : plan.update;
  for (const slice of byFullness) fill(slice);
  while (next < waiting.length) {
    const left = waiting.length - next;
    const unchanged = left < max ? withRoom(slices, plan, left, max) : undefined;
    if (unchanged !== undefined) {
      unchanged.endpoints = unchanged.endpoints.slice();
      fill(unchanged);
      plan.update.push(unchanged);
      continue;
    }
    const slice: Slice = { id: -1, portsKey, serials: [], endpoints: [] };
    fill(slice);
    plan.create.push(slice);
  }
  return plan;
}

/** The same for changes by their ports; nearly always all have the same. */
export function placeChanges(
  slices: readonly Slice[],
  sliceOf: (serial: number) => Slice | undefined,
  changed: ReadonlyMap<string, ReadonlyMap<number, Json | null>>,
  max: number,
): SlicePlan {
  let all: SlicePlan | null = null;
  for (const [ports, endpoints] of changed) {
    const own = slices.filter((slice) => slice.portsKey === ports);
    const sliceIn = (serial: number): Slice | undefined => {
      const slice = sliceOf(serial);
      return slice?.portsKey === ports ? slice : undefined;
    };
    const plan = placeEndpoints(own, sliceIn, endpoints, max, ports);
    if (all === null) all = plan;
    else {
      all.create.push(...plan.create);
      all.update.push(...plan.update);
      all.remove.push(...plan.remove);
      all.placed.push(...plan.placed);
    }
  }
  return all ?? { create: [], update: [], remove: [], placed: [] };
}

/** Takes changed endpoints over and unwanted ones out. True if the slice is different now. */
function replaceChanged(slice: Slice, changed: ReadonlyMap<number, Json | null>): boolean {
  return changed.size <= FEW ? replaceFew(slice, changed) : replaceMany(slice, changed);
}

function replaceFew(slice: Slice, changed: ReadonlyMap<number, Json | null>): boolean {
  let endpoints: (Json | null)[] | null = null;
  let removed = 0;
  for (const [serial, wanted] of changed) {
    const { serials } = slice;
    for (let at = serials.indexOf(serial); at >= 0; at = serials.indexOf(serial, at + 1)) {
      if (wanted === null) removed += 1;
      else if (isSameEndpoint(slice.endpoints[at], wanted)) continue;
      endpoints ??= slice.endpoints.slice();
      endpoints[at] = wanted;
    }
  }
  if (endpoints === null) return false;
  if (removed > 0) {
    const kept = endpoints;
    slice.serials = slice.serials.filter((_, at) => kept[at] !== null);
    endpoints = kept.filter((endpoint) => endpoint !== null);
  }
  slice.endpoints = endpoints;
  return true;
}

function replaceMany(slice: Slice, changed: ReadonlyMap<number, Json | null>): boolean {
  const serials: number[] = [];
  const endpoints: Json[] = [];
  let different = false;
  for (const [index, serial] of slice.serials.entries()) {
    const known = slice.endpoints[index];
    const wanted = changed.get(serial);
    if (wanted === null) {
      different = true;
      continue;
    }
    const kept = wanted === undefined || isSameEndpoint(known, wanted) ? known : wanted;
    different ||= kept !== known;
    serials.push(serial);
    endpoints.push(kept);
  }
  if (!different) return false;
  slice.serials = serials;
  slice.endpoints = endpoints;
  return true;
}

/** Of the slices that nothing is done to, the fullest that takes `count` more (getSliceToFill). */
function withRoom(slices: readonly Slice[], plan: SlicePlan, count: number, max: number): Slice | undefined {
  let best: Slice | undefined;
  for (const slice of slices) {
    if (slice.endpoints.length + count > max || plan.update.includes(slice) || plan.remove.includes(slice))
      continue;
    if (best === undefined || slice.endpoints.length > best.endpoints.length) best = slice;
  }
  return best;
}
