// What a pod asks for as the scheduler counts it: sums over containers, the peak of its init containers, sidecars,
// pod-level resources, overhead (component-helpers/resource/helpers.go PodRequests;
// pkg/scheduler/framework/types.go calculateResource; v1.36). Exact integers: millicores, bytes, counts.
import type { Json } from '../kind.ts';
import { quantityMilli, quantityValue } from '../quantity.ts';

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

function containerRequests(container: Json, missing: Amounts): Amounts {
  const requests = amounts(container.resources?.requests);
  for (const [name, amount] of missing) if (!requests.has(name)) requests.set(name, amount);
  return requests;
}

/** `missing`: what a container without a request for that resource counts for. */
export function podRequests(spec: Json, missing: Amounts = new Map()): Amounts {
  const total: Amounts = new Map();
  for (const container of spec.containers ?? []) add(total, containerRequests(container, missing));
  const sidecars: Amounts = new Map();
  const init: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const requests = containerRequests(container, missing);
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
export function nonZeroRequests(spec: Json, requests: Amounts): { cpuMilli: number; memoryBytes: number } {
  const podLevelSet = Object.keys(spec.resources?.requests ?? {}).some(podLevel);
  const missing: Amounts = new Map();
  if (!podLevelSet || (requests.get('cpu') ?? 0) === 0) missing.set('cpu', DEFAULT_CPU_MILLI);
  if (!podLevelSet || (requests.get('memory') ?? 0) === 0) missing.set('memory', DEFAULT_MEMORY_BYTES);
  const assumed = podRequests(spec, missing);
  return { cpuMilli: assumed.get('cpu') ?? 0, memoryBytes: assumed.get('memory') ?? 0 };
}
