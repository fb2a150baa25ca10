// Lease (coordination.k8s.io/v1): pkg/apis/coordination/validation, v1.36. Nodes and leaders renew them.
import { checkNonNegative } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';

function validate(lease: KubeObject, errors: FieldErrors): void {
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = lease.spec ?? {};
  if (leaseDurationSeconds <= 0) {
    errors.invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0');
  }
  if (leaseTransitions !== undefined) checkNonNegative(errors, 'spec.leaseTransitions', leaseTransitions);
  if ((preferredHolder ?? '') !== '' && (strategy ?? '') === '') {
    errors.forbidden('spec.preferredHolder', 'may only be specified when `strategy` is defined');
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    resource: 'leases',
    namespaced: true,
    modelled: false,
    defaults: (lease) => {
      lease.spec ??= {};
    },
    validate,
  },
];
