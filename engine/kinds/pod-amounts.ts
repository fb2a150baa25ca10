// Requests and limits of a whole pod, exact: sums over containers, the peak of its init containers, sidecars, pod-level
// resources, overhead (component-helpers/resource/helpers.go PodRequests and PodLimits, v1.36). The scheduler has its
// own sums, in numbers (ingest/pod-requests.ts); quotas and limit ranges print theirs.
import { list } from './field-lists.ts';
import type { Json } from './kind.ts';
import {
  type Amount,
  addAmounts,
  plus,
  type ResourceAmounts,
  raiseAmounts,
  readAmounts,
} from './resource-amounts.ts';

/** Resources that pod-level requests and limits may set (resource.SupportedPodLevelResources). */
export const isPodLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

export function podAmounts(spec: Json, which: 'requests' | 'limits'): ResourceAmounts {
  const total = new Map<string, Amount>();
  const of = (container: Json): ResourceAmounts => readAmounts(container.resources?.[which]);
  for (const container of list(spec.containers)) addAmounts(total, of(container));
  const sidecars = new Map<string, Amount>();
  const init = new Map<string, Amount>();
  for (const container of list(spec.initContainers)) {
    if (container.restartPolicy === 'Always') {
      addAmounts(total, of(container));
      addAmounts(sidecars, of(container));
      raiseAmounts(init, sidecars);
    } else {
      const step = new Map(sidecars);
      addAmounts(step, of(container));
      raiseAmounts(init, step);
    }
  }
  raiseAmounts(total, init);
  for (const [name, amount] of readAmounts(spec.resources?.[which]))
    if (isPodLevel(name)) total.set(name, amount);
  for (const [name, amount] of readAmounts(spec.overhead)) {
    // Overhead raises a limit, it makes none.
    if (which === 'requests' || (total.get(name)?.nanos ?? 0n) !== 0n)
      total.set(name, total.has(name) ? plus(total.get(name)!, amount) : amount);
  }
  return total;
}
