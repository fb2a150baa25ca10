// DaemonSet (apps/v1): defaults (SetDefaults_DaemonSet) and checks (ValidateDaemonSetSpec; v1.36).
import {
  checkLabelSelector,
  checkNonNegative,
  checkNotMoreThan100Percent,
  checkPositiveIntOrPercent,
  notSupportedInOrder,
} from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import { isSet, text } from './field-lists.ts';
import { intOrPercentValue } from './intorstring.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { podSpecWarnings } from './pod-warnings.ts';
import { checkPodTemplate, defaultPodTemplate } from './podtemplate.ts';
import {
  isEmptySelector,
  isUsableSelector,
  printedSelector,
  selectorMatches,
  sortedMap,
} from './workload-selector.ts';
import { MISMATCH } from './workload-template.ts';

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

function defaults(set: KubeObject): void {
  set.spec ??= {};
  const { spec, metadata } = set;
  spec.template ??= {};
  defaultPodTemplate(spec.template);
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  if (text(strategy.type) === '') strategy.type = 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= 1;
    strategy.rollingUpdate.maxSurge ??= 0;
  }
  if (!isSet(spec.revisionHistoryLimit)) spec.revisionHistoryLimit = 10;
  metadata.generation = 1;
  // The internal type holds the template's generation; v1 shows it as an annotation. It starts at 1 or as given.
  const given = Number(metadata.annotations?.[TEMPLATE_GENERATION] ?? '0');
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(Math.max(1, given || 0)) };
  set.status = {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  };
}

function checkRollingUpdate(errors: FieldErrors, field: string, update: Json): void {
  checkPositiveIntOrPercent(errors, `${field}.maxUnavailable`, update.maxUnavailable);
  checkPositiveIntOrPercent(errors, `${field}.maxSurge`, update.maxSurge);
  const unavailable = intOrPercentValue(update.maxUnavailable);
  const surge = intOrPercentValue(update.maxSurge);
  if (unavailable !== 0 && surge !== 0) {
    errors.invalid(`${field}.maxSurge`, update.maxSurge, 'may not be set when maxUnavailable is non-zero');
  } else if (unavailable === 0 && surge === 0) {
    errors.required(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
  }
  checkNotMoreThan100Percent(errors, `${field}.maxUnavailable`, update.maxUnavailable);
  checkNotMoreThan100Percent(errors, `${field}.maxSurge`, update.maxSurge);
}

function checkStrategy(errors: FieldErrors, field: string, strategy: Json): void {
  if (strategy.type === 'OnDelete') return;
  if (strategy.type === 'RollingUpdate') {
    if (!isSet(strategy.rollingUpdate)) errors.required(`${field}.rollingUpdate`);
    else checkRollingUpdate(errors, `${field}.rollingUpdate`, strategy.rollingUpdate);
    return;
  }
  const rolling = strategy.rollingUpdate;
  const printed = {
    Type: strategy.type,
    RollingUpdate: isSet(rolling)
      ? { MaxUnavailable: rolling.maxUnavailable ?? 0, MaxSurge: rolling.maxSurge ?? 0 }
      : null,
  };
  notSupportedInOrder(errors, field, printed, ['RollingUpdate', 'OnDelete']);
}

function validate({ spec }: KubeObject, errors: FieldErrors): void {
  checkLabelSelector(errors, 'spec.selector', spec.selector);
  const labels = spec.template.metadata?.labels;
  if (isUsableSelector(spec.selector) && !selectorMatches(spec.selector, labels)) {
    errors.invalid('spec.template.metadata.labels', sortedMap(labels), MISMATCH);
  }
  if (isSet(spec.selector) && isEmptySelector(spec.selector)) {
    errors.invalid(
      'spec.selector',
      printedSelector(spec.selector),
      'empty selector is invalid for daemonset',
    );
  }
  checkPodTemplate(errors, 'spec.template', spec.template);
  const pod = spec.template.spec;
  if (pod.restartPolicy !== 'Always') {
    notSupportedInOrder(errors, 'spec.template.spec.restartPolicy', pod.restartPolicy, ['Always']);
  }
  if (isSet(pod.activeDeadlineSeconds)) {
    const message = 'activeDeadlineSeconds in DaemonSet is not Supported';
    errors.forbidden('spec.template.spec.activeDeadlineSeconds', message);
  }
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds ?? 0);
  checkStrategy(errors, 'spec.updateStrategy', spec.updateStrategy);
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit);
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    resource: 'daemonsets',
    namespaced: true,
    shortNames: ['ds'],
    modelled: true,
    defaults,
    validate,
    warnings: ({ spec }) => podSpecWarnings('spec.template.spec', spec.template.spec, spec.template.metadata),
  },
];
