// Probes and life-cycle hooks of containers: defaults and checks (SetDefaults_Probe, SetDefaults_HTTPGetAction;
// validateHandler, validateProbe; v1.36).
import { checkNonNegative, checkPortNumberOrName } from './checks.ts';
import { child, type FieldErrors } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { httpHeaderMessages } from './names.ts';

const MORE_THAN_ONE = 'may not specify more than 1 handler type';

function defaultHandler(handler: Json): void {
  if (isSet(handler?.httpGet)) {
    if (text(handler.httpGet.path) === '') handler.httpGet.path = '/';
    if (text(handler.httpGet.scheme) === '') handler.httpGet.scheme = 'HTTP';
  }
}

/** Times in seconds, thresholds in consecutive results. */
export function defaultProbe(probe: Json): void {
  if (!isSet(probe)) return;
  defaultHandler(probe);
  const defaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  for (const [key, value] of Object.entries(defaults)) {
    if (!isSet(probe[key]) || probe[key] === 0) probe[key] = value;
  }
  if (isSet(probe.grpc) && !isSet(probe.grpc.service)) probe.grpc.service = '';
}

export function defaultLifecycle(lifecycle: Json): void {
  defaultHandler(lifecycle?.postStart);
  defaultHandler(lifecycle?.preStop);
}

function checkHttpGet(errors: FieldErrors, at: string, http: Json): void {
  if (text(http.path) === '') errors.required(child(at, 'path'));
  checkPortNumberOrName(errors, child(at, 'port'), http.port ?? 0);
  if (http.scheme !== 'HTTP' && http.scheme !== 'HTTPS') {
    errors.notSupported(child(at, 'scheme'), text(http.scheme), ['HTTP', 'HTTPS']);
  }
  for (const header of list(http.httpHeaders)) {
    for (const message of httpHeaderMessages(text(header.name))) {
      errors.invalid(child(at, 'httpHeaders'), text(header.name), message);
    }
  }
}

function checkSleep(errors: FieldErrors, at: string, sleep: Json, grace: Json): void {
  const seconds = sleep.seconds ?? 0;
  if (isSet(grace) && (seconds < 0 || seconds > grace)) {
    errors.invalid(
      at,
      seconds,
      `must be non-negative and less than terminationGracePeriodSeconds (${grace})`,
    );
  }
}

/** Exactly one handler. `grace` is the pod's terminationGracePeriodSeconds. */
function checkHandler(errors: FieldErrors, at: string, handler: Json, grace: Json): void {
  const checks: readonly (readonly [string, (place: string, value: Json) => void])[] = [
    [
      'exec',
      (place, exec) => {
        if (list(exec.command).length === 0) errors.required(child(place, 'command'));
      },
    ],
    ['httpGet', (place, http) => checkHttpGet(errors, place, http)],
    ['tcpSocket', (place, tcp) => checkPortNumberOrName(errors, child(place, 'port'), tcp.port ?? 0)],
    ['grpc', (place, grpc) => checkPortNumberOrName(errors, child(place, 'port'), grpc.port ?? 0)],
    ['sleep', (place, sleep) => checkSleep(errors, place, sleep, grace)],
  ];
  let handlers = 0;
  for (const [type, check] of checks) {
    if (!isSet(handler[type])) continue;
    if (handlers > 0) errors.forbidden(child(at, type), MORE_THAN_ONE);
    else check(child(at, type), handler[type]);
    handlers++;
  }
  if (handlers === 0) errors.required(at, 'must specify a handler type');
}

export function checkLifecycle(errors: FieldErrors, at: string, lifecycle: Json, grace: Json): void {
  for (const hook of ['postStart', 'preStop'] as const) {
    if (isSet(lifecycle[hook])) checkHandler(errors, child(at, hook), lifecycle[hook], grace);
  }
}

function checkProbe(errors: FieldErrors, at: string, probe: Json, grace: Json): void {
  checkHandler(errors, at, probe, grace);
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    checkNonNegative(errors, child(at, key), probe[key] ?? 0);
  }
  const own = probe.terminationGracePeriodSeconds;
  if (isSet(own) && own <= 0)
    errors.invalid(child(at, 'terminationGracePeriodSeconds'), own, 'must be greater than 0');
}

/** All three probes of a container, in the server's order. */
export function checkProbes(errors: FieldErrors, at: string, container: Json, grace: Json): void {
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name];
    if (!isSet(probe)) continue;
    const place = child(at, name);
    checkProbe(errors, place, probe, grace);
    if (name !== 'readinessProbe') {
      if (probe.successThreshold !== 1)
        errors.invalid(child(place, 'successThreshold'), probe.successThreshold, 'must be 1');
    } else if (isSet(probe.terminationGracePeriodSeconds)) {
      const field = child(place, 'terminationGracePeriodSeconds');
      errors.invalid(field, probe.terminationGracePeriodSeconds, 'must not be set for readinessProbes');
    }
  }
}
