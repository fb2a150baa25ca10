// StatefulSet (apps/v1): defaults (SetDefaults_StatefulSet) and checks (ValidateStatefulSetSpec; v1.36).
// maxUnavailable is a field of a feature that is off by default, so the server drops it.
import { checkNonNegative, notSupportedInOrder } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { checkPersistentVolumeClaimSpec, kinds as claimKinds } from './persistentvolumeclaim.ts';
import { podSpecWarnings } from './pod-warnings.ts';
import { checkPodTemplate, defaultPodTemplate } from './podtemplate.ts';
import { isEmptySelector, isUsableSelector, printedSelector } from './workload-selector.ts';
import { checkAlwaysRestarts, checkLabelsSelected, checkWorkloadSelector } from './workload-template.ts';

function defaultClaimTemplate(template: Json): void {
  const { metadata } = template;
  template.kind = 'PersistentVolumeClaim';
  template.apiVersion = 'v1';
  for (const kind of claimKinds) kind.defaults(template);
  template.metadata = metadata ?? {};
}

function defaultStrategy(spec: Json): void {
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  if (text(strategy.type) === '') {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  // A type that is given brings no rollingUpdate with it: pods that come back go by status.currentReplicas then.
  if (strategy.type === 'RollingUpdate' && isSet(strategy.rollingUpdate)) {
    if (!isSet(strategy.rollingUpdate.partition)) strategy.rollingUpdate.partition = 0;
  }
  if (isSet(strategy.rollingUpdate)) delete strategy.rollingUpdate.maxUnavailable;
}

function defaults(set: KubeObject): void {
  set.spec ??= {};
  const { spec } = set;
  spec.template ??= {};
  defaultPodTemplate(spec.template);
  for (const template of list(spec.volumeClaimTemplates)) defaultClaimTemplate(template);
  if (text(spec.podManagementPolicy) === '') spec.podManagementPolicy = 'OrderedReady';
  defaultStrategy(spec);
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  if (text(retention.whenDeleted) === '') retention.whenDeleted = 'Retain';
  if (text(retention.whenScaled) === '') retention.whenScaled = 'Retain';
  if (!isSet(spec.replicas)) spec.replicas = 1;
  if (!isSet(spec.revisionHistoryLimit)) spec.revisionHistoryLimit = 10;
  spec.serviceName ??= '';
  set.metadata.generation = 1;
  set.status = { replicas: 0, availableReplicas: 0 };
}

function checkStrategy(errors: FieldErrors, field: string, strategy: Json): void {
  const rolling = strategy.rollingUpdate;
  switch (strategy.type) {
    case 'OnDelete':
      if (isSet(rolling)) {
        const printed = { Partition: rolling.partition ?? 0, MaxUnavailable: null };
        errors.invalid(`${field}.rollingUpdate`, printed, "only allowed for updateStrategy 'RollingUpdate'");
      }
      break;
    case 'RollingUpdate':
      if (isSet(rolling)) checkNonNegative(errors, `${field}.rollingUpdate.partition`, rolling.partition);
      break;
    default:
      errors.invalid(
        field,
        { Type: strategy.type, RollingUpdate: rolling ?? null },
        "must be 'RollingUpdate' or 'OnDelete'",
      );
  }
}

function checkRetention(errors: FieldErrors, field: string, policy: Json): void {
  for (const key of ['whenDeleted', 'whenScaled'] as const) {
    if (policy[key] !== 'Retain' && policy[key] !== 'Delete') {
      notSupportedInOrder(errors, `${field}.${key}`, policy[key], ['Retain', 'Delete']);
    }
  }
}

function validate({ spec }: KubeObject, errors: FieldErrors): void {
  const policies = ['OrderedReady', 'Parallel'];
  if (!policies.includes(spec.podManagementPolicy)) {
    errors.invalid(
      'spec.podManagementPolicy',
      spec.podManagementPolicy,
      "must be 'OrderedReady' or 'Parallel'",
    );
  }
  checkStrategy(errors, 'spec.updateStrategy', spec.updateStrategy);
  checkRetention(
    errors,
    'spec.persistentVolumeClaimRetentionPolicy',
    spec.persistentVolumeClaimRetentionPolicy,
  );
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds ?? 0);
  if (isSet(spec.ordinals)) checkNonNegative(errors, 'spec.ordinals.start', spec.ordinals.start ?? 0);
  checkWorkloadSelector(errors, 'spec.selector', spec.selector, 'empty selector is invalid for statefulset');
  if (isUsableSelector(spec.selector)) {
    checkTemplate(errors, 'spec.template', spec);
  } else errors.invalid('spec.selector', printedSelector(spec.selector), '');
  for (const [index, template] of list(spec.volumeClaimTemplates).entries()) {
    checkPersistentVolumeClaimSpec(template.spec ?? {}, `spec.volumeClaimTemplates[${index}].spec`, errors);
  }
  checkAlwaysRestarts(errors, 'spec.template.spec', spec.template.spec, 'StatefulSet');
}

/** The pods mount claims by the names of the templates, so these count as volumes. */
function checkTemplate(errors: FieldErrors, field: string, spec: Json): void {
  if (!isSet(spec.selector) || !isEmptySelector(spec.selector)) {
    checkLabelsSelected(errors, field, spec.selector, spec.template);
  }
  const pod = spec.template.spec;
  const claims = list(spec.volumeClaimTemplates).map((template) => ({
    name: template.metadata?.name,
    persistentVolumeClaim: { claimName: 'claim' },
  }));
  const named = new Set(claims.map((claim) => claim.name));
  const volumes = [...list(pod.volumes).filter((volume) => !named.has(volume.name)), ...claims];
  checkPodTemplate(errors, field, { ...spec.template, spec: { ...pod, volumes } });
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    resource: 'statefulsets',
    namespaced: true,
    shortNames: ['sts'],
    modelled: true,
    nameRule: 'label',
    defaults,
    validate,
    warnings: ({ spec }) => {
      const found = podSpecWarnings('spec.template.spec', spec.template.spec, spec.template.metadata);
      if (spec.revisionHistoryLimit >= 0) return found;
      const message = 'a negative value retains all historical revisions; a value >= 0 is recommended';
      return [...found, `spec.revisionHistoryLimit: ${message}`];
    },
  },
];
