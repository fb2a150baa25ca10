// Event (core/v1 and events.k8s.io/v1): pkg/apis/core/validation/events.go, v1.36. Both versions are one resource; the
// newer one asks for more.
import { report } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { dns1123SubdomainMessages, labelKeyMessages } from './names.ts';

const textMax = 128;
const noteMax = 1024;

function checkNamespace(event: KubeObject, field: string, of: string | undefined, errors: FieldErrors): void {
  const namespace = event.metadata.namespace ?? '';
  const detail = 'does not match event.namespace';
  if ((of ?? '') === '') {
    // Events about cluster-scoped objects live in `default` (or, for old clients, nowhere).
    if (namespace !== '' && namespace !== 'default') errors.invalid(field, of ?? '', detail);
  } else if (of !== namespace) errors.invalid(field, of, detail);
  report(errors, 'namespace', namespace, namespace === '' ? [] : dns1123SubdomainMessages(namespace));
}

function validateCore(event: KubeObject, errors: FieldErrors): void {
  checkNamespace(event, 'involvedObject.namespace', event.involvedObject?.namespace, errors);
}

function checkText(event: KubeObject, field: string, max: number, errors: FieldErrors): void {
  const value: string = event[field] ?? '';
  if (value === '') errors.required(field);
  if (value.length > max) errors.invalid(field, '', `can have at most ${max} characters`);
}

function validateEvents(event: KubeObject, errors: FieldErrors): void {
  checkNamespace(event, 'regarding.namespace', event.regarding?.namespace, errors);
  if (event.eventTime === undefined || event.eventTime === null) errors.required('eventTime');
  const controller: string = event.reportingController ?? '';
  if (controller === '') errors.required('reportingController');
  report(errors, 'reportingController', controller, labelKeyMessages(controller));
  for (const field of ['reportingInstance', 'action', 'reason']) checkText(event, field, textMax, errors);
  if ((event.note ?? '').length > noteMax)
    errors.invalid('note', '', `can have at most ${noteMax} characters`);
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.invalid('type', '', `has invalid value: ${event.type ?? ''}`);
  }
}

const base = {
  kind: 'Event',
  resource: 'events',
  namespaced: true,
  shortNames: ['ev'],
  modelled: false,
  defaults: () => undefined,
} as const;

export const kinds: readonly KindDefinition[] = [
  { ...base, apiVersion: 'v1', validate: validateCore },
  { ...base, apiVersion: 'events.k8s.io/v1', validate: validateEvents },
];
