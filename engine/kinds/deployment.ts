// Deployment (apps/v1): defaults (SetDefaults_Deployment) and checks (ValidateDeploymentSpec; v1.36).
import {
  checkNonNegative,
  checkNotMoreThan100Percent,
  checkPositiveIntOrPercent,
  notSupportedInOrder,
} from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import { isSet, text } from './field-lists.ts';
import { intOrPercentValue } from './intorstring.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { podNameWarnings, podSpecWarnings } from './pod-warnings.ts';
import { defaultPodTemplate } from './podtemplate.ts';
import { printedSelector } from './workload-selector.ts';
import { checkSelectedTemplate, checkWorkloadSelector } from './workload-template.ts';

function defaults(deployment: KubeObject): void {
  deployment.spec ??= {};
  const { spec } = deployment;
  spec.template ??= {};
  defaultPodTemplate(spec.template);
  if (!isSet(spec.replicas)) spec.replicas = 1;
  spec.strategy ??= {};
  const { strategy } = spec;
  if (text(strategy.type) === '') strategy.type = 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= '25%';
    strategy.rollingUpdate.maxSurge ??= '25%';
  }
  if (!isSet(spec.revisionHistoryLimit)) spec.revisionHistoryLimit = 10;
  if (!isSet(spec.progressDeadlineSeconds)) spec.progressDeadlineSeconds = 600;
  deployment.metadata.generation = 1;
  deployment.status = {};
}

function checkRollingUpdate(errors: FieldErrors, field: string, update: Json): void {
  checkPositiveIntOrPercent(errors, `${field}.maxUnavailable`, update.maxUnavailable);
  checkPositiveIntOrPercent(errors, `${field}.maxSurge`, update.maxSurge);
  if (intOrPercentValue(update.maxUnavailable) === 0 && intOrPercentValue(update.maxSurge) === 0) {
    errors.invalid(`${field}.maxUnavailable`, update.maxUnavailable, 'may not be 0 when `maxSurge` is 0');
  }
  checkNotMoreThan100Percent(errors, `${field}.maxUnavailable`, update.maxUnavailable);
}

function checkStrategy(errors: FieldErrors, field: string, strategy: Json): void {
  const at = `${field}.rollingUpdate`;
  switch (strategy.type) {
    case 'Recreate':
      if (isSet(strategy.rollingUpdate)) {
        errors.forbidden(at, "may not be specified when strategy `type` is 'Recreate'");
      }
      break;
    case 'RollingUpdate':
      if (!isSet(strategy.rollingUpdate)) errors.required(at, 'this should be defaulted and never be nil');
      else checkRollingUpdate(errors, at, strategy.rollingUpdate);
      break;
    default:
      notSupportedInOrder(errors, `${field}.type`, strategy.type, ['Recreate', 'RollingUpdate']);
  }
}

function validate({ spec }: KubeObject, errors: FieldErrors): void {
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  checkWorkloadSelector(errors, 'spec.selector', spec.selector, 'empty selector is invalid for deployment');
  if (!checkSelectedTemplate(errors, 'spec.template', spec, 'ReplicaSet')) {
    errors.invalid('spec.selector', printedSelector(spec.selector), 'invalid label selector');
  }
  checkStrategy(errors, 'spec.strategy', spec.strategy);
  const ready = spec.minReadySeconds ?? 0;
  checkNonNegative(errors, 'spec.minReadySeconds', ready);
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  const deadline = spec.progressDeadlineSeconds;
  checkNonNegative(errors, 'spec.progressDeadlineSeconds', deadline);
  if (deadline <= ready) {
    errors.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    resource: 'deployments',
    namespaced: true,
    shortNames: ['deploy'],
    modelled: true,
    defaults,
    validate,
    warnings: ({ metadata, spec }) => [
      ...podNameWarnings(metadata.name),
      ...podSpecWarnings('spec.template.spec', spec.template.spec, spec.template.metadata),
    ],
  },
];
