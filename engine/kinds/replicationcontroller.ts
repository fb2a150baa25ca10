// ReplicationController (core/v1): defaults from its template, checks (ValidateReplicationControllerSpec, v1.36).
import { checkNonNegative } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import { isSet } from './field-lists.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { podNameWarnings, podSpecWarnings } from './pod-warnings.ts';
import { checkPodTemplate, defaultPodTemplate } from './podtemplate.ts';
import { selectorMatches, sortedMap } from './workload-selector.ts';
import { checkAlwaysRestarts, MISMATCH } from './workload-template.ts';

function defaults(controller: KubeObject): void {
  controller.spec ??= {};
  const { spec, metadata } = controller;
  if (isSet(spec.template)) {
    defaultPodTemplate(spec.template);
    const labels = spec.template.metadata?.labels;
    if (isSet(labels)) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
  }
  if (!isSet(spec.replicas)) spec.replicas = 1;
  metadata.generation = 1;
  controller.status = { replicas: 0 };
}

function validate(controller: KubeObject, errors: FieldErrors): void {
  const { spec } = controller;
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds ?? 0);
  const selector = spec.selector ?? {};
  const empty = Object.keys(selector).length === 0;
  if (empty) errors.required('spec.selector');
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  if (!isSet(spec.template)) {
    errors.required('spec.template');
    return;
  }
  const labels = spec.template.metadata?.labels;
  if (!empty && !selectorMatches({ matchLabels: selector }, labels)) {
    errors.invalid('spec.template.metadata.labels', sortedMap(labels), MISMATCH);
  }
  checkPodTemplate(errors, 'spec.template', spec.template);
  checkAlwaysRestarts(errors, 'spec.template.spec', spec.template.spec, 'ReplicationController');
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    resource: 'replicationcontrollers',
    namespaced: true,
    shortNames: ['rc'],
    modelled: true,
    defaults,
    validate,
    warnings: ({ metadata, spec }) => [
      ...podNameWarnings(metadata.name),
      ...podSpecWarnings('spec.template.spec', spec.template.spec, spec.template.metadata),
    ],
  },
];
