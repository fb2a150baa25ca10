// Requests in hints: how much of a resource a pod asks for, the same pod asking for less, and amounts as quantities.

import { Resource } from '../../contracts/scheduler.ts';
import type { Json } from '../../kinds/kind.ts';
import { quantityMilli, quantityValue } from '../../kinds/quantity.ts';
import type { ClusterState, PodTemplate } from '../../state/index.ts';

/** A resource that the pod asks for: its id as in Resource, its name, and the sum, millicores for cpu. */
export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly amount: number;
}

export function askedBy(state: ClusterState, template: PodTemplate): Asked[] {
  return [
    { id: Resource.cpu, name: 'cpu', amount: template.cpuMilli },
    { id: Resource.memory, name: 'memory', amount: template.memoryBytes },
    { id: Resource.ephemeralStorage, name: 'ephemeral-storage', amount: template.ephemeralBytes },
    ...template.scalars.map(([id, amount]) => ({ id, name: state.resources.text(id), amount })),
  ].filter(({ amount }) => amount > 0);
}

export function amountOf(state: ClusterState, template: PodTemplate, name: string): number {
  return askedBy(state, template).find((each) => each.name === name)?.amount ?? 0;
}

const BINARY: readonly (readonly [string, number])[] = [
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
];

/** The amount exactly, in the largest unit that divides it. */
export function quantityText(name: string, amount: number): string {
  if (name === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  if (name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-')) {
    for (const [unit, size] of BINARY)
      if (amount > 0 && amount % size === 0) return `${amount / size}${unit}`;
  }
  return String(amount);
}

const read = (name: string, quantity: string | number | undefined): number =>
  quantity === undefined ? 0 : name === 'cpu' ? quantityMilli(quantity) : quantityValue(quantity);

const isSidecar = (container: Json): boolean => container.restartPolicy === 'Always';

/** Lets a container ask for at most `amount`. Extended resources and huge pages have equal limits. */
function cap(container: Json, name: string, amount: number): void {
  const resources = (container.resources ??= {});
  const requests = (resources.requests ??= {});
  if (read(name, requests[name]) <= amount) return;
  const text = name === 'cpu' ? `${amount}m` : String(amount);
  requests[name] = text;
  if (name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage' && resources.limits?.[name]) {
    resources.limits[name] = text;
  }
}

/**
 * Changes a spec so that the pod asks for at most `target` of a resource, if that can be done: the containers that ask
 * for most give first. The caller looks at what the pod asks for then.
 */
export function lower(spec: Json, name: string, target: number): void {
  if (spec.resources?.requests?.[name] !== undefined) return cap(spec, name, target);
  let left = Math.max(0, target - read(name, spec.overhead?.[name]));
  const steady: Json[] = [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers];
  const sizes = steady.map((container) => read(name, container.resources?.requests?.[name]));
  let over = sizes.reduce((sum, size) => sum + size, 0) - left;
  while (over > 0) {
    const most = Math.max(...sizes);
    if (most === 0) break;
    const at = sizes.indexOf(most);
    const less = Math.min(over, most);
    sizes[at] = most - less;
    over -= less;
  }
  steady.forEach((container, i) => {
    cap(container, name, sizes[i]!);
    if (isSidecar(container)) left -= sizes[i]!;
  });
  for (const init of spec.initContainers ?? []) if (!isSidecar(init)) cap(init, name, Math.max(0, left));
}
