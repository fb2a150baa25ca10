// What a pod asks for as the scheduler counts it: sums over containers, the peak of its init containers, sidecars,
// pod-level resources, overhead (component-helpers/resource/helpers.go PodRequests;
// pkg/scheduler/framework/types.go calculateResource; v1.36). Exact integers: millicores, bytes, counts.
import type { Json } from '../kind.ts';
import { compareQuantities, quantityMilli, quantityValue } from '../quantity.ts';

/** Amounts by resource name; cpu in millicores, everything else in whole units. */
export type Amounts = Map<string, number>;

/** What scoring assumes for a container that asks for none (pkg/scheduler/util/pod_resources.go). */
const DEFAULT_CPU_MILLI = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

export function amounts(list: Record<string, string | number> | undefined): Amounts {
  const result: Amounts = new Map();
  for (const name of Object.keys(list ?? {})) {
    const quantity = list![name]!;
    result.set(name, name === 'cpu' ? quantityMilli(quantity) : quantityValue(quantity));
  }
  return result;
}

function add(into: Amounts, from: Amounts): void {
  for (const [name, amount] of from) into.set(name, (into.get(name) ?? 0) + amount);
}

function raise(into: Amounts, to: Amounts): void {
  for (const [name, amount] of to) if (amount > (into.get(name) ?? 0)) into.set(name, amount);
}

/** Resources that pod-level requests may set (resource.SupportedPodLevelResources). */
const podLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/** Requests of containers, by their name, where the pod's status makes them other than the spec's. */
export type HeldRequests = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The larger quantity of each resource. */
function largest(lists: readonly (Record<string, string> | undefined)[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const list of lists) {
    for (const [name, quantity] of Object.entries(list ?? {})) {
      const now = result[name];
      if (now === undefined || compareQuantities(quantity, now) > 0) result[name] = quantity;
    }
  }
  return result;
}

function sameAmounts(a: Record<string, string>, b: Record<string, string> | undefined): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b ?? {}).length) return false;
  return names.every((name) => b?.[name] !== undefined && compareQuantities(a[name]!, b[name]) === 0);
}

/**
 * What containers of a running pod hold while a resize is under way: the largest of what they ask, were allocated and
 * have; what they ask does not count while the resize is infeasible. Ordinary init containers are not resized
 * (determineContainerReqs and AggregateContainerRequests with UseStatusResources, v1.36). null: as the spec says.
 */
export function heldRequests(spec: Json, status: Json): HeldRequests | null {
  const infeasible = status.conditions?.some(
    (c: Json) => c.type === 'PodResizePending' && c.reason === 'Infeasible',
  );
  const held: Record<string, Record<string, string>> = {};
  const sidecars = (spec.initContainers ?? []).filter((c: Json) => c.restartPolicy === 'Always');
  for (const [containers, statuses] of [
    [spec.containers, status.containerStatuses],
    [sidecars, status.initContainerStatuses],
  ]) {
    for (const container of containers ?? []) {
      const own = statuses?.find(({ name }: Json) => name === container.name);
      if (own?.resources === undefined) continue;
      const asked = container.resources?.requests;
      const has = [own.resources.requests, own.allocatedResources];
      const requests = largest(infeasible ? has : [asked, ...has]);
      if (!sameAmounts(requests, asked)) held[container.name] = requests;
    }
  }
  return Object.keys(held).length === 0 ? null : held;
}

function containerRequests(container: Json, missing: Amounts, held: HeldRequests | null): Amounts {
  const requests = amounts(held?.[container.name] ?? container.resources?.requests);
  for (const [name, amount] of missing) if (!requests.has(name)) requests.set(name, amount);
  return requests;
}

/** `missing`: what a container without a request for that resource counts for. */
export function podRequests(spec: Json, held: HeldRequests | null, missing: Amounts = new Map()): Amounts {
  const total: Amounts = new Map();
  for (const container of spec.containers ?? []) add(total, containerRequests(container, missing, held));
  const sidecars: Amounts = new Map();
  const init: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const requests = containerRequests(container, missing, held);
    if (container.restartPolicy === 'Always') {
      add(total, requests);
      add(sidecars, requests);
      raise(init, sidecars);
    } else {
      const step = new Map(sidecars);
      add(step, requests);
      raise(init, step);
    }
  }
  raise(total, init);
  for (const [name, amount] of amounts(spec.resources?.requests)) if (podLevel(name)) total.set(name, amount);
  add(total, amounts(spec.overhead));
  return total;
}

/** CPU (millicores) and memory (bytes) as NodeResourcesFit scores them. */
export function nonZeroRequests(
  spec: Json,
  held: HeldRequests | null,
  requests: Amounts,
): { cpuMilli: number; memoryBytes: number } {
  const podLevelSet = Object.keys(spec.resources?.requests ?? {}).some(podLevel);
  const missing: Amounts = new Map();
  if (!podLevelSet || (requests.get('cpu') ?? 0) === 0) missing.set('cpu', DEFAULT_CPU_MILLI);
  if (!podLevelSet || (requests.get('memory') ?? 0) === 0) missing.set('memory', DEFAULT_MEMORY_BYTES);
  const assumed = podRequests(spec, held, missing);
  return { cpuMilli: assumed.get('cpu') ?? 0, memoryBytes: assumed.get('memory') ?? 0 };
}
