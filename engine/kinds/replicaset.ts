// ReplicaSet (apps/v1): defaults and checks (ValidateReplicaSetSpec, pkg/apis/apps/validation, v1.36).
import { checkNonNegative } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import { isSet } from './field-lists.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { podNameWarnings, podSpecWarnings } from './pod-warnings.ts';
import { defaultPodTemplate } from './podtemplate.ts';
import { printedSelector } from './workload-selector.ts';
import { checkSelectedTemplate, checkWorkloadSelector } from './workload-template.ts';

function defaults(set: KubeObject): void {
  set.spec ??= {};
  set.spec.template ??= {};
  defaultPodTemplate(set.spec.template);
  if (!isSet(set.spec.replicas)) set.spec.replicas = 1;
  set.metadata.generation = 1;
  set.status = { replicas: 0 };
}

function validate({ spec }: KubeObject, errors: FieldErrors): void {
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds ?? 0);
  checkWorkloadSelector(errors, 'spec.selector', spec.selector, 'empty selector is invalid for deployment');
  if (!checkSelectedTemplate(errors, 'spec.template', spec, 'ReplicaSet')) {
    errors.invalid('spec.selector', printedSelector(spec.selector), 'invalid label selector');
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    resource: 'replicasets',
    namespaced: true,
    shortNames: ['rs'],
    modelled: true,
    defaults,
    validate,
    warnings: ({ metadata, spec }) => [
      ...podNameWarnings(metadata.name),
      ...podSpecWarnings('spec.template.spec', spec.template.spec, spec.template.metadata),
    ],
  },
];
