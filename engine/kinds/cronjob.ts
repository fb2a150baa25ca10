// CronJob (batch/v1): defaults (SetDefaults_CronJob) and checks (validateCronJobSpec, pkg/apis/batch/validation, v1.36).
import { checkNonNegative, checkOneOf, notSupportedInOrder } from './checks.ts';
import { CronError, parseCronSchedule } from './cron-schedule.ts';
import type { FieldErrors } from './field-errors.ts';
import { isSet, text } from './field-lists.ts';
import { checkJobSpec, defaultJobTemplate } from './job.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { podNameWarnings, podSpecWarnings } from './pod-warnings.ts';
import { printedSelector } from './workload-selector.ts';

/** Jobs get eleven characters more than their CronJob. */
const NAME_MAX = 52;

function defaults(cronJob: KubeObject): void {
  cronJob.spec ??= {};
  const { spec } = cronJob;
  spec.jobTemplate ??= {};
  spec.jobTemplate.metadata ??= {};
  spec.jobTemplate.spec ??= {};
  defaultJobTemplate(spec.jobTemplate.spec);
  if (text(spec.concurrencyPolicy) === '') spec.concurrencyPolicy = 'Allow';
  if (!isSet(spec.suspend)) spec.suspend = false;
  if (!isSet(spec.successfulJobsHistoryLimit)) spec.successfulJobsHistoryLimit = 3;
  if (!isSet(spec.failedJobsHistoryLimit)) spec.failedJobsHistoryLimit = 1;
  cronJob.metadata.generation = 1;
  cronJob.status = {};
}

function checkSchedule(errors: FieldErrors, field: string, schedule: string): void {
  if (schedule === '') {
    errors.required(field);
    return;
  }
  try {
    parseCronSchedule(schedule);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    errors.invalid(field, schedule, error.message);
  }
  if (schedule.includes('TZ')) {
    errors.invalid(field, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function checkTimeZone(errors: FieldErrors, field: string, zone: string): void {
  if (zone === '') {
    errors.invalid(field, zone, 'timeZone must be nil or non-empty string');
    return;
  }
  if (zone.toLowerCase() === 'local') {
    const message = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    errors.invalid(field, zone, message);
  } else if (!/^[A-Za-z0-9.\-_/+]+$/.test(zone) || !isTimeZone(zone)) {
    errors.invalid(field, zone, `unknown time zone ${zone}`);
  }
}

function validate(cronJob: KubeObject, errors: FieldErrors): void {
  const { spec } = cronJob;
  checkSchedule(errors, 'spec.schedule', text(spec.schedule));
  if (isSet(spec.startingDeadlineSeconds)) {
    checkNonNegative(errors, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
  }
  if (isSet(spec.timeZone)) checkTimeZone(errors, 'spec.timeZone', spec.timeZone);
  checkOneOf(errors, 'spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
  const job = spec.jobTemplate.spec;
  checkJobSpec(errors, 'spec.jobTemplate.spec', job);
  if (isSet(job.selector)) {
    errors.invalid(
      'spec.jobTemplate.spec.selector',
      printedSelector(job.selector),
      '`selector` will be auto-generated',
    );
  }
  if (job.manualSelector === true) {
    notSupportedInOrder(errors, 'spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']);
  }
  for (const key of ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) {
    checkNonNegative(errors, `spec.${key}`, spec[key]);
  }
  const name = cronJob.metadata.name ?? '';
  if (name.length > NAME_MAX)
    errors.invalid('metadata.name', name, `must be no more than ${NAME_MAX} characters`);
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    resource: 'cronjobs',
    namespaced: true,
    shortNames: ['cj'],
    modelled: true,
    defaults,
    validate,
    warnings: ({ metadata, spec }) => {
      const { template } = spec.jobTemplate.spec;
      const found = podSpecWarnings('spec.jobTemplate.spec.template.spec', template.spec, template.metadata);
      return [...podNameWarnings(metadata.name), ...found];
    },
  },
];
