// PodDisruptionBudget (policy/v1): pkg/apis/policy/validation, v1.36.
import { checkLabelSelector, checkNotMoreThan100Percent, checkPositiveIntOrPercent } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';

const evictionPolicies = ['AlwaysAllow', 'IfHealthyBudget'];

function defaults(budget: KubeObject): void {
  budget.metadata.generation = 1;
  budget.spec ??= {};
  budget.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
}

function validate(budget: KubeObject, errors: FieldErrors): void {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = budget.spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
    };
    errors.invalid('spec', shown, 'minAvailable and maxUnavailable cannot be both set');
  }
  for (const [name, value] of [
    ['minAvailable', minAvailable],
    ['maxUnavailable', maxUnavailable],
  ] as const) {
    if (value === undefined) continue;
    checkPositiveIntOrPercent(errors, `spec.${name}`, value);
    checkNotMoreThan100Percent(errors, `spec.${name}`, value);
  }
  checkLabelSelector(errors, 'spec.selector', selector);
  if (unhealthyPodEvictionPolicy !== undefined && !evictionPolicies.includes(unhealthyPodEvictionPolicy)) {
    errors.notSupported('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, evictionPolicies);
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    resource: 'poddisruptionbudgets',
    namespaced: true,
    shortNames: ['pdb'],
    modelled: true,
    defaults,
    validate,
  },
];
