// Priority admission: turns a pod's priorityClassName into a number and a preemption policy
// (plugin/pkg/admission/priority, v1.36).
import { isSet, text } from '../../kinds/field-lists.ts';
import type { KubeObject } from '../../kinds/kind.ts';
import type { AdmissionContext } from './admission.ts';

/** The two classes every cluster has (pkg/apis/scheduling/v1/helpers.go). */
const SYSTEM_CLASSES: Record<string, number> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

interface Resolved {
  readonly name: string;
  readonly value: number;
  readonly preemption: string;
}

function resolve(name: string, context: AdmissionContext): Resolved | undefined {
  if (name === '') {
    const fallback = context.defaultPriorityClass?.();
    if (fallback === undefined) return { name: '', value: 0, preemption: 'PreemptLowerPriority' };
    const preemption = text(fallback.preemptionPolicy) || 'PreemptLowerPriority';
    return { name: fallback.metadata.name ?? '', value: fallback.value ?? 0, preemption };
  }
  const system = SYSTEM_CLASSES[name];
  if (system !== undefined) return { name, value: system, preemption: 'PreemptLowerPriority' };
  const found = context.priorityClass(name);
  if (found === undefined) return undefined;
  return {
    name,
    value: found.value ?? 0,
    preemption: text(found.preemptionPolicy) || 'PreemptLowerPriority',
  };
}

/** Returns why the pod is refused, undefined when it is not. */
export function admitPriority(pod: KubeObject, context: AdmissionContext): string | undefined {
  const { spec } = pod;
  const name = text(spec.priorityClassName);
  const resolved = resolve(name, context);
  if (resolved === undefined) return `no PriorityClass with name ${name} was found`;
  const computed = 'must not be provided in pod spec; priority admission controller computed';
  if (isSet(spec.priority) && spec.priority !== resolved.value) {
    return `the integer value of priority (${spec.priority}) ${computed} ${resolved.value} from the given PriorityClass name`;
  }
  if (isSet(spec.preemptionPolicy) && spec.preemptionPolicy !== resolved.preemption) {
    const given = spec.preemptionPolicy;
    return `the string value of PreemptionPolicy (${given}) ${computed} ${resolved.preemption} from the given PriorityClass name`;
  }
  if (resolved.name !== '') spec.priorityClassName = resolved.name;
  spec.priority = resolved.value;
  spec.preemptionPolicy = resolved.preemption;
  return undefined;
}
