// PriorityClass (scheduling.k8s.io/v1): pkg/apis/scheduling, v1.36. Names that begin with `system-` belong to the two
// built-in classes, which may be created with exactly their own values only.
import { notSupportedInOrder, setDefault } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';

/** Highest value a user's class may have; above it come the system's. */
const highestUserPriority = 1_000_000_000;
export const systemPriorityClasses: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};
const policies = ['PreemptLowerPriority', 'Never'];

function defaults(priorityClass: KubeObject): void {
  priorityClass.metadata.generation = 1;
  setDefault(priorityClass, 'preemptionPolicy', 'PreemptLowerPriority');
  priorityClass.value ??= 0;
}

/** Why a class with a system name is not one of the built-in classes; '' when it is. */
function systemClassProblem(priorityClass: KubeObject): string {
  const name = priorityClass.metadata.name ?? '';
  const value = systemPriorityClasses[name];
  if (value === undefined) return `${name} is not a known system priority class`;
  if (priorityClass.value !== value) return `value of ${name} PriorityClass must be ${value}`;
  return priorityClass.globalDefault === true ? `globalDefault of ${name} PriorityClass must be false` : '';
}

function validate(priorityClass: KubeObject, errors: FieldErrors): void {
  if ((priorityClass.metadata.name ?? '').startsWith('system-')) {
    const problem = systemClassProblem(priorityClass);
    if (problem !== '') {
      const rule = "priority class names with 'system-' prefix are reserved for system use only";
      errors.forbidden('metadata.name', `${rule}. error: ${problem}`);
    }
  } else if (priorityClass.value > highestUserPriority) {
    errors.forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`);
  }
  if (!policies.includes(priorityClass.preemptionPolicy)) {
    notSupportedInOrder(errors, 'preemptionPolicy', priorityClass.preemptionPolicy, policies);
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    resource: 'priorityclasses',
    namespaced: false,
    shortNames: ['pc'],
    modelled: true,
    defaults,
    validate,
  },
];
