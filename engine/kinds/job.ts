// Job (batch/v1): defaults (SetDefaults_Job), the generated selector (jobStrategy.PrepareForCreate) and checks
// (pkg/apis/batch/validation/validation.go, v1.36).
import {
  checkDomainPrefixedPath,
  checkLabelSelector,
  checkNonNegative,
  notSupportedInOrder,
} from './checks.ts';
import { child, entry, type FieldErrors } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import { checkFailurePolicy, checkReplacementPolicy, checkSuccessPolicy } from './job-policies.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { dns1123LabelMessages } from './names.ts';
import { podNameWarnings, podSpecWarnings } from './pod-warnings.ts';
import { checkPodTemplate, defaultPodTemplate } from './podtemplate.ts';
import { printedSelector, selectorMatches, sortedMap } from './workload-selector.ts';
import { MISMATCH } from './workload-template.ts';

const MAX_INT32 = 2147483647;
export const UID_LABEL = 'batch.kubernetes.io/controller-uid';
const NAME_LABEL = 'batch.kubernetes.io/job-name';
/** Old names of the two labels, still set. */
export const LEGACY_UID_LABEL = 'controller-uid';
const LEGACY_NAME_LABEL = 'job-name';

const PARALLELISM_INDEXED_MAX = 100_000;
const FAILED_INDEXES_MAX = 100_000;
const COMPLETIONS_SOFT_LIMIT = 100_000;
const HIGH_COMPLETIONS_LIMIT = 10_000;
const MANAGED_BY_MAX = 63;

function defaultSpec(spec: Json): void {
  if (!isSet(spec.completions) && !isSet(spec.parallelism)) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  if (!isSet(spec.parallelism)) spec.parallelism = 1;
  if (!isSet(spec.backoffLimit)) spec.backoffLimit = isSet(spec.backoffLimitPerIndex) ? MAX_INT32 : 6;
  if (!isSet(spec.completionMode)) spec.completionMode = 'NonIndexed';
  if (!isSet(spec.suspend)) spec.suspend = false;
  if (!isSet(spec.podReplacementPolicy)) {
    spec.podReplacementPolicy = isSet(spec.podFailurePolicy) ? 'Failed' : 'TerminatingOrFailed';
  }
  if (!isSet(spec.manualSelector)) spec.manualSelector = false;
}

/** Conditions of a failure policy match on True unless they say otherwise. */
export function defaultJobTemplate(spec: Json): void {
  spec.template ??= {};
  defaultPodTemplate(spec.template);
  for (const rule of list(spec.podFailurePolicy?.rules)) {
    for (const pattern of list(rule.onPodConditions))
      if (text(pattern.status) === '') pattern.status = 'True';
  }
}

/** Labels the template with the job's uid and name and selects by uid, unless the user selects by hand. */
function generateSelector(job: KubeObject): void {
  const { spec, metadata } = job;
  if (spec.manualSelector === true) return;
  const generated = {
    [UID_LABEL]: metadata.uid ?? '',
    [NAME_LABEL]: metadata.name ?? '',
    [LEGACY_UID_LABEL]: metadata.uid ?? '',
    [LEGACY_NAME_LABEL]: metadata.name ?? '',
  };
  spec.template.metadata.labels = { ...generated, ...spec.template.metadata.labels };
  spec.selector ??= {};
  spec.selector.matchLabels = { [UID_LABEL]: metadata.uid ?? '', ...spec.selector.matchLabels };
}

function defaults(job: KubeObject): void {
  job.spec ??= {};
  const { spec, metadata } = job;
  defaultJobTemplate(spec);
  defaultSpec(spec);
  // A job without labels shares its template's, so the generated ones appear on both.
  const shares = Object.keys(metadata.labels ?? {}).length === 0;
  generateSelector(job);
  if (shares && isSet(spec.template.metadata.labels)) metadata.labels = { ...spec.template.metadata.labels };
  metadata.generation = 1;
  job.status = {};
}

function checkHasLabel(errors: FieldErrors, template: Json, key: string, value: string): void {
  const field = 'spec.template.metadata.labels';
  const labels = template.metadata?.labels;
  const message = `must be '${value}'`;
  if (labels?.[key] === undefined) errors.required(entry(field, key), message);
  else if (labels[key] !== value) errors.invalid(entry(field, key), sortedMap(labels), message);
}

function checkGeneratedSelector(errors: FieldErrors, job: KubeObject): void {
  const { spec } = job;
  if (spec.manualSelector === true || !isSet(spec.selector)) return;
  const uid = job.metadata.uid ?? '';
  const name = job.metadata.name ?? '';
  if (uid === '') errors.required('metadata.uid');
  const expected: [string, string][] = [
    [LEGACY_UID_LABEL, uid],
    [LEGACY_NAME_LABEL, name],
    [UID_LABEL, uid],
    [NAME_LABEL, name],
  ];
  for (const [key, value] of expected) checkHasLabel(errors, spec.template, key, value);
  if (!selectorMatches(spec.selector, Object.fromEntries(expected))) {
    errors.invalid('spec.selector', printedSelector(spec.selector), '`selector` not auto-generated');
  }
}

function checkIndexed(errors: FieldErrors, field: string, spec: Json): void {
  const { completions, parallelism, maxFailedIndexes } = spec;
  const failedAt = child(field, 'maxFailedIndexes');
  const atMost = (at: string, value: number, limit: string): void =>
    errors.invalid(at, value, `must be less than or equal to ${limit}`);
  if (!isSet(completions)) errors.required(child(field, 'completions'), 'when completion mode is Indexed');
  if (isSet(parallelism) && parallelism > PARALLELISM_INDEXED_MAX) {
    atMost(
      child(field, 'parallelism'),
      parallelism,
      `${PARALLELISM_INDEXED_MAX} when completion mode is Indexed`,
    );
  }
  if (isSet(completions) && isSet(maxFailedIndexes) && maxFailedIndexes > completions) {
    atMost(failedAt, maxFailedIndexes, 'completions');
  }
  if (isSet(maxFailedIndexes) && maxFailedIndexes > FAILED_INDEXES_MAX) {
    atMost(failedAt, maxFailedIndexes, `${FAILED_INDEXES_MAX}`);
  }
  if (!isSet(completions) || completions <= COMPLETIONS_SOFT_LIMIT || !isSet(spec.backoffLimitPerIndex))
    return;
  const high = `${HIGH_COMPLETIONS_LIMIT} when completions are above ${COMPLETIONS_SOFT_LIMIT} and used with backoff limit per index`;
  if (!isSet(maxFailedIndexes)) {
    errors.required(failedAt, `must be specified when completions is above ${COMPLETIONS_SOFT_LIMIT}`);
  }
  if (isSet(parallelism) && parallelism > HIGH_COMPLETIONS_LIMIT)
    atMost(child(field, 'parallelism'), parallelism, high);
  if (isSet(maxFailedIndexes) && maxFailedIndexes > HIGH_COMPLETIONS_LIMIT)
    atMost(failedAt, maxFailedIndexes, high);
}

function checkCompletionMode(errors: FieldErrors, field: string, spec: Json): void {
  const mode = spec.completionMode;
  if (isSet(mode) && mode !== 'NonIndexed' && mode !== 'Indexed') {
    notSupportedInOrder(errors, child(field, 'completionMode'), mode, ['NonIndexed', 'Indexed']);
  }
  if (mode === 'Indexed') checkIndexed(errors, field, spec);
  if (isSet(mode) && mode !== 'NonIndexed') return;
  for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    if (isSet(spec[key])) errors.invalid(child(field, key), spec[key], 'requires indexed completion mode');
  }
}

function checkRestartPolicy(errors: FieldErrors, field: string, spec: Json): void {
  const policy = text(spec.template.spec.restartPolicy);
  const at = `${field}.template.spec.restartPolicy`;
  if (policy === 'Always' || policy === '') errors.required(at, 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never') {
    notSupportedInOrder(errors, at, policy, ['OnFailure', 'Never']);
  } else if (isSet(spec.podFailurePolicy) && policy !== 'Never') {
    errors.invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

/** Checks a JobSpec as Jobs and CronJobs share them; the selector is the caller's. */
export function checkJobSpec(errors: FieldErrors, field: string, spec: Json): void {
  const amounts = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ];
  for (const key of amounts) if (isSet(spec[key])) checkNonNegative(errors, child(field, key), spec[key]);
  if (isSet(spec.maxFailedIndexes) && !isSet(spec.backoffLimitPerIndex)) {
    errors.required(child(field, 'backoffLimitPerIndex'), 'when maxFailedIndexes is specified');
  }
  if (isSet(spec.managedBy)) {
    checkDomainPrefixedPath(errors, child(field, 'managedBy'), spec.managedBy);
    if (spec.managedBy.length > MANAGED_BY_MAX) errors.tooLong(child(field, 'managedBy'), MANAGED_BY_MAX);
  }
  checkCompletionMode(errors, field, spec);
  if (isSet(spec.podFailurePolicy)) checkFailurePolicy(errors, child(field, 'podFailurePolicy'), spec);
  if (isSet(spec.successPolicy)) checkSuccessPolicy(errors, child(field, 'successPolicy'), spec);
  checkReplacementPolicy(errors, child(field, 'podReplacementPolicy'), spec);
  checkPodTemplate(errors, child(field, 'template'), spec.template);
  checkRestartPolicy(errors, field, spec);
}

function validate(job: KubeObject, errors: FieldErrors): void {
  const { spec, metadata } = job;
  checkGeneratedSelector(errors, job);
  checkJobSpec(errors, 'spec', spec);
  if (!isSet(spec.selector)) errors.required('spec.selector');
  else checkLabelSelector(errors, 'spec.selector', spec.selector);
  const labels = spec.template.metadata?.labels;
  if (!selectorMatches(spec.selector, labels)) {
    errors.invalid('spec.template.metadata.labels', sortedMap(labels), MISMATCH);
  }
  if (spec.completionMode === 'Indexed' && spec.completions > 0) {
    const hostname = `${metadata.name}-${spec.completions - 1}`;
    if (dns1123LabelMessages(hostname).length > 0) {
      const message = `will not able to create pod with invalid DNS label: ${hostname}`;
      errors.invalid('metadata.name', metadata.name ?? '', message);
    }
  }
}

function warnings(job: KubeObject): string[] {
  const found = podNameWarnings(job.metadata.name);
  const { spec } = job;
  if (
    spec.completionMode === 'Indexed' &&
    spec.completions > COMPLETIONS_SOFT_LIMIT &&
    spec.parallelism > HIGH_COMPLETIONS_LIMIT
  ) {
    const message =
      'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
    found.push(message);
  }
  return [...found, ...podSpecWarnings('spec.template.spec', spec.template.spec, spec.template.metadata)];
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'batch/v1',
    kind: 'Job',
    resource: 'jobs',
    namespaced: true,
    modelled: true,
    defaults,
    validate,
    warnings,
  },
];
