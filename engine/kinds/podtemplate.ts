// Pod templates: what workload kinds embed, and the PodTemplate kind (core/v1). ValidatePodTemplateSpec, v1.36.
import { checkLabels } from './checks.ts';
import { child, type FieldErrors } from './field-errors.ts';
import { list } from './field-lists.ts';
import type { Json, KindDefinition } from './kind.ts';
import { reportAnnotations } from './metadata.ts';
import { checkPodAnnotations, checkProfilesMatch } from './pod-annotations.ts';
import { checkPodSpec, defaultPodSpec } from './pod-spec.ts';
import { podSpecWarnings } from './pod-warnings.ts';

/** Defaults of a template in a workload; `template` is changed in place. */
export function defaultPodTemplate(template: Json): void {
  template.metadata ??= {};
  template.spec ??= { containers: null };
  defaultPodSpec(template.spec);
}

export function checkPodTemplate(errors: FieldErrors, field: string, template: Json): void {
  const metadata = template.metadata ?? {};
  checkLabels(errors, child(field, 'labels'), metadata.labels);
  reportAnnotations(errors, child(field, 'annotations'), metadata.annotations);
  checkPodAnnotations(errors, child(field, 'annotations'), metadata.annotations, template.spec);
  checkPodSpec(errors, child(field, 'spec'), template.spec, undefined);
  checkProfilesMatch(errors, child(field, 'spec'), metadata, template.spec);
  if (list(template.spec.ephemeralContainers).length > 0) {
    errors.forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'PodTemplate',
    resource: 'podtemplates',
    namespaced: true,
    modelled: false,
    defaults: (object) => {
      object.metadata.generation = 1;
      defaultPodTemplate((object.template ??= {}));
    },
    validate: (object, errors) => checkPodTemplate(errors, 'template', object.template),
    warnings: (object) => podSpecWarnings('template.spec', object.template.spec, object.template.metadata),
  },
];
