// What the containers of a pod ask for, without what the pod asks as a whole. Only the scores of NodeResourcesFit count
// this way: its scorer is built without pod-level resources while filters and sums of nodes know them
// (plugins/noderesources/fit.go and resource_allocation.go calculatePodResourceRequest, v1.36).
import { type Json, quantityMilli, quantityValue } from '../../../engine/index.ts';

/** `missing`: what a container without a request counts for. Millicores for cpu, whole units for the rest. */
export function containerRequest(spec: Json, resource: string, missing: number): number {
  const amountOf = (list: Json): number | undefined => {
    const quantity = list?.[resource];
    if (quantity === undefined) return undefined;
    return resource === 'cpu' ? quantityMilli(quantity) : quantityValue(quantity);
  };
  const of = (container: Json): number => amountOf(container.resources?.requests) ?? missing;
  let total = 0;
  for (const container of spec.containers ?? []) total += of(container);
  // An init container runs beside the sidecars that were started before it.
  let sidecars = 0;
  let peak = 0;
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      total += of(container);
      sidecars += of(container);
      peak = Math.max(peak, sidecars);
    } else {
      peak = Math.max(peak, sidecars + of(container));
    }
  }
  return Math.max(total, peak) + (amountOf(spec.overhead) ?? 0);
}
