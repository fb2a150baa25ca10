// What a pod may say on Linux and on Windows nodes (validateOS, validateLinux, validateWindows; v1.36).
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json } from './kind.ts';

/** All containers with their paths, in the order upstream visits them: init, regular, ephemeral. */
export function* containersOf(spec: Json, field: string): Generator<[Json, string]> {
  for (const key of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const [index, container] of list(spec[key]).entries())
      yield [container, item(child(field, key), index)];
  }
}

const WINDOWS_TEXT = 'cannot be set for a windows pod';
const POD_CONTEXT_FIELDS: readonly (readonly [where: 'context' | 'spec', field: string])[] = [
  ['context', 'appArmorProfile'],
  ['context', 'seLinuxOptions'],
  ['spec', 'hostUsers'],
  ['spec', 'hostPID'],
  ['spec', 'hostIPC'],
  ['context', 'seccompProfile'],
  ['context', 'fsGroup'],
  ['context', 'fsGroupChangePolicy'],
  ['context', 'sysctls'],
  ['spec', 'shareProcessNamespace'],
  ['context', 'runAsUser'],
  ['context', 'runAsGroup'],
  ['context', 'supplementalGroups'],
  ['context', 'supplementalGroupsPolicy'],
  ['context', 'seLinuxChangePolicy'],
];
const CONTAINER_CONTEXT_FIELDS = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

function checkWindows(errors: FieldErrors, field: string, spec: Json): void {
  for (const [where, key] of POD_CONTEXT_FIELDS) {
    const holder = where === 'spec' ? spec : spec.securityContext;
    const at = where === 'spec' ? child(field, key) : child(child(field, 'securityContext'), key);
    const given = isSet(holder?.[key]) && holder[key] !== false;
    if (given || (isSet(holder?.[key]) && (key === 'hostUsers' || key === 'shareProcessNamespace'))) {
      errors.forbidden(at, WINDOWS_TEXT);
    }
  }
  for (const [container, at] of containersOf(spec, field)) {
    for (const key of CONTAINER_CONTEXT_FIELDS) {
      if (isSet(container.securityContext?.[key])) {
        errors.forbidden(child(child(at, 'securityContext'), key), WINDOWS_TEXT);
      }
    }
  }
}

function checkLinux(errors: FieldErrors, field: string, spec: Json): void {
  const message = 'windows options cannot be set for a linux pod';
  if (isSet(spec.securityContext?.windowsOptions)) {
    errors.forbidden(`${field}.securityContext.windowsOptions`, message);
  }
  for (const [container, at] of containersOf(spec, field)) {
    if (isSet(container.securityContext?.windowsOptions)) {
      errors.forbidden(`${at}.securityContext.windowsOptions`, message);
    }
  }
}

export function checkOperatingSystem(errors: FieldErrors, field: string, spec: Json): void {
  if (!isSet(spec.os)) return;
  const at = child(field, 'os');
  const name = text(spec.os.name);
  if (name === '') errors.required(child(at, 'name'), 'cannot be empty');
  else if (name === 'linux') checkLinux(errors, field, spec);
  else if (name === 'windows') checkWindows(errors, field, spec);
  else errors.notSupported(at, name, ['linux', 'windows']);
}

/** If one container is a Windows host process, all are, and the pod is on the host's network. */
export function checkWindowsHostProcess(errors: FieldErrors, field: string, spec: Json): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let containers = 0;
  let hostProcesses = 0;
  for (const [container, at] of containersOf(spec, field)) {
    containers++;
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (isSet(ofPod) && isSet(own) && ofPod !== own) {
      const message = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, message);
    }
    if (own === true || (!isSet(own) && ofPod === true)) hostProcesses++;
  }
  if (hostProcesses === 0) return;
  if (hostProcesses !== containers) {
    const message =
      'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.invalid(field, '', message);
  }
  if (spec.hostNetwork !== true) {
    const message = 'hostNetwork must be true if pod contains any hostProcess containers';
    errors.invalid(child(field, 'hostNetwork'), false, message);
  }
}
