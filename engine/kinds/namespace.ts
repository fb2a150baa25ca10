// Namespace (core/v1): born Active with the finalizer `kubernetes`, whose controller empties it before it goes
// (pkg/registry/core/namespace/strategy.go and ValidateNamespace, v1.36).
import { report } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { labelKeyMessages } from './names.ts';

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];

function defaults(namespace: KubeObject): void {
  const metadata = namespace.metadata;
  if (metadata.name !== undefined && metadata.name !== '') {
    metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
  }
  const finalizers: string[] = namespace.spec?.finalizers ?? [];
  if (!finalizers.includes('kubernetes')) finalizers.push('kubernetes');
  namespace.spec = { ...namespace.spec, finalizers };
  namespace.status = { phase: 'Active' };
}

function validate(namespace: KubeObject, errors: FieldErrors): void {
  for (const finalizer of namespace.spec.finalizers as string[]) {
    report(errors, 'spec.finalizers', finalizer, labelKeyMessages(finalizer));
    if (!finalizer.includes('/') && !standardFinalizers.includes(finalizer)) {
      const detail = 'name is neither a standard finalizer name nor is it fully qualified';
      errors.invalid('spec.finalizers', finalizer, detail);
    }
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    resource: 'namespaces',
    namespaced: false,
    shortNames: ['ns'],
    modelled: true,
    nameRule: 'label',
    defaults,
    validate,
  },
];
