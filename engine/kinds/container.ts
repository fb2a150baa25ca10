// Containers of a pod, regular, init and ephemeral: defaults and checks (SetDefaults_Container and kin;
// validateContainers, validateInitContainers, validateEphemeralContainers; v1.36).
import { report } from './checks.ts';
import { checkEnv, checkEnvFrom } from './container-env.ts';
import { defaultPullPolicy } from './container-image.ts';
import { checkMounts } from './container-mounts.ts';
import { checkLifecycle, checkProbes, defaultLifecycle, defaultProbe } from './container-probe.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, requireText, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { dns1123LabelMessages, portNameMessages, portNumberMessages } from './names.ts';
import { checkContainerResources } from './pod-resources.ts';
import { checkContainerSecurity } from './security-context.ts';

export function defaultContainer(container: Json): void {
  if (text(container.imagePullPolicy) === '')
    container.imagePullPolicy = defaultPullPolicy(text(container.image));
  if (text(container.terminationMessagePath) === '')
    container.terminationMessagePath = '/dev/termination-log';
  if (text(container.terminationMessagePolicy) === '') container.terminationMessagePolicy = 'File';
  for (const port of list(container.ports)) if (text(port.protocol) === '') port.protocol = 'TCP';
  for (const variable of list(container.env)) {
    const ref = variable.valueFrom?.fieldRef;
    if (isSet(ref) && text(ref.apiVersion) === '') ref.apiVersion = 'v1';
    const file = variable.valueFrom?.fileKeyRef;
    if (isSet(file) && !isSet(file.optional)) file.optional = false;
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) defaultProbe(container[probe]);
  defaultLifecycle(container.lifecycle);
}

/** What checks of a container must know of its pod. */
export interface PodContext {
  /** Volumes that are well-formed, by name. */
  readonly volumes: ReadonlyMap<string, Json>;
  /** Names of the pod's resource claims. */
  readonly claims: ReadonlySet<string>;
  readonly graceSeconds: Json;
  readonly restartPolicy: string;
  /** False when the pod has a user namespace of its own. */
  readonly hostUsers: boolean;
}

function checkPorts(errors: FieldErrors, field: string, ports: Json): void {
  const names = new Set<string>();
  for (const [index, port] of list(ports).entries()) {
    const at = item(field, index);
    const name = text(port.name);
    if (name !== '') {
      const messages = portNameMessages(name);
      report(errors, child(at, 'name'), name, messages);
      if (messages.length === 0 && names.has(name)) errors.duplicate(child(at, 'name'), name);
      else if (messages.length === 0) names.add(name);
    }
    const containerPort = port.containerPort ?? 0;
    if (containerPort === 0) errors.required(child(at, 'containerPort'));
    else report(errors, child(at, 'containerPort'), containerPort, portNumberMessages(containerPort));
    const hostPort = port.hostPort ?? 0;
    if (hostPort !== 0) report(errors, child(at, 'hostPort'), hostPort, portNumberMessages(hostPort));
    const protocols = ['SCTP', 'TCP', 'UDP'];
    if (requireText(errors, child(at, 'protocol'), port.protocol) && !protocols.includes(port.protocol)) {
      errors.notSupported(child(at, 'protocol'), port.protocol, protocols);
    }
  }
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

function checkResizePolicy(errors: FieldErrors, at: string, policies: Json, podRestartPolicy: string): void {
  const seen = new Set<string>();
  for (const [index, policy] of list(policies).entries()) {
    const { resourceName, restartPolicy } = policy;
    if (seen.has(resourceName)) errors.duplicate(item(at, index), resourceName);
    seen.add(resourceName);
    const oneOf = (value: Json, values: readonly string[]): void => {
      if (text(value) === '') errors.required(at);
      else if (!values.includes(value)) errors.notSupported(at, value, values);
    };
    oneOf(resourceName, ['cpu', 'memory']);
    oneOf(restartPolicy, ['NotRequired', 'RestartContainer']);
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.invalid(at, text(restartPolicy), "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  }
}

function checkCommon(errors: FieldErrors, at: string, container: Json, pod: PodContext): void {
  if (requireText(errors, child(at, 'name'), container.name)) {
    report(errors, child(at, 'name'), container.name, dns1123LabelMessages(container.name));
  }
  requireText(errors, child(at, 'image'), container.image);
  const policy = text(container.terminationMessagePolicy);
  const policies = ['FallbackToLogsOnError', 'File'];
  if (!policies.includes(policy)) {
    const place = child(at, 'terminationMessagePolicy');
    errors.push(
      place,
      'FieldValueNotSupported',
      `Unsupported value: ${JSON.stringify(policy)}: supported values: "File", "FallbackToLogsOnError"`,
    );
  }
  checkPorts(errors, child(at, 'ports'), container.ports);
  checkEnv(errors, child(at, 'env'), container.env, pod.volumes);
  checkEnvFrom(errors, child(at, 'envFrom'), container.envFrom);
  checkMounts(errors, at, container, pod.volumes);
  if (!PULL_POLICIES.includes(container.imagePullPolicy)) {
    errors.notSupported(child(at, 'imagePullPolicy'), text(container.imagePullPolicy), PULL_POLICIES);
  }
  checkContainerResources(errors, child(at, 'resources'), container.resources, pod.claims);
  checkResizePolicy(errors, child(at, 'resizePolicy'), container.resizePolicy, pod.restartPolicy);
  checkContainerSecurity(errors, child(at, 'securityContext'), container.securityContext, pod.hostUsers);
}

const RESTART_RULES_MAX = 20;
const EXIT_CODES_MAX = 255;

/** Restart policy of one container (ContainerRestartRules, on by default since 1.35). */
function checkRestartPolicy(errors: FieldErrors, at: string, container: Json): void {
  const rules = list(container.restartPolicyRules);
  const policies = ['Always', 'Never', 'OnFailure'];
  if (!isSet(container.restartPolicy)) {
    if (rules.length > 0) {
      errors.required(child(at, 'restartPolicy'), 'must specify restartPolicy when restart rules are used');
    }
  } else if (!policies.includes(container.restartPolicy)) {
    errors.notSupported(child(at, 'restartPolicy'), container.restartPolicy, policies);
  }
  const field = child(at, 'restartPolicyRules');
  if (rules.length > RESTART_RULES_MAX) errors.tooMany(field, rules.length, RESTART_RULES_MAX);
  for (const [index, rule] of rules.entries()) checkRestartRule(errors, item(field, index), rule);
}

function checkRestartRule(errors: FieldErrors, at: string, rule: Json): void {
  const actions = ['Restart', 'RestartAllContainers'];
  if (requireText(errors, child(at, 'action'), rule.action) && !actions.includes(rule.action)) {
    errors.notSupported(child(at, 'action'), rule.action, actions);
  }
  if (!isSet(rule.exitCodes)) {
    errors.required(child(at, 'exitCodes'), 'must be specified');
    return;
  }
  const place = child(at, 'exitCodes');
  const operators = ['In', 'NotIn'];
  if (
    requireText(errors, child(place, 'operator'), rule.exitCodes.operator) &&
    !operators.includes(rule.exitCodes.operator)
  ) {
    errors.notSupported(child(place, 'operator'), rule.exitCodes.operator, operators);
  }
  const values = list(rule.exitCodes.values);
  if (values.length > EXIT_CODES_MAX) errors.tooMany(child(place, 'values'), values.length, EXIT_CODES_MAX);
}

/** Host ports must be unique over the given containers. */
function checkHostPorts(errors: FieldErrors, field: string, containers: readonly Json[]): void {
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [p, port] of list(container.ports).entries()) {
      if ((port.hostPort ?? 0) === 0) continue;
      const key = `${text(port.protocol)}/${text(port.hostIP)}/${port.hostPort}`;
      if (seen.has(key)) errors.duplicate(`${item(field, index)}.ports[${p}].hostPort`, key);
      seen.add(key);
    }
  }
}

export function checkContainers(
  errors: FieldErrors,
  field: string,
  containers: readonly Json[],
  pod: PodContext,
): void {
  if (containers.length === 0) {
    errors.required(field);
    return;
  }
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = item(field, index);
    checkCommon(errors, at, container, pod);
    const name = text(container.name);
    if (names.has(name)) errors.duplicate(child(at, 'name'), name);
    names.add(name);
    if (isSet(container.lifecycle))
      checkLifecycle(errors, child(at, 'lifecycle'), container.lifecycle, pod.graceSeconds);
    checkProbes(errors, at, container, pod.graceSeconds);
    checkRestartPolicy(errors, at, container);
  }
  checkHostPorts(errors, field, containers);
}

export function checkInitContainers(
  errors: FieldErrors,
  field: string,
  initContainers: readonly Json[],
  containers: readonly Json[],
  pod: PodContext,
): void {
  const names = new Set(containers.map((container) => text(container.name)));
  for (const [index, container] of initContainers.entries()) {
    const at = item(field, index);
    checkCommon(errors, at, container, pod);
    checkRestartPolicy(errors, at, container);
    const name = text(container.name);
    if (names.has(name)) errors.duplicate(child(at, 'name'), name);
    else if (name !== '') names.add(name);
    checkHostPorts(errors, field, [container]);
    if (container.restartPolicy === 'Always') {
      if (isSet(container.lifecycle))
        checkLifecycle(errors, child(at, 'lifecycle'), container.lifecycle, pod.graceSeconds);
      checkProbes(errors, at, container, pod.graceSeconds);
    } else {
      for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe']) {
        if (isSet(container[key])) {
          errors.forbidden(child(at, key), 'may not be set for init containers without restartPolicy=Always');
        }
      }
    }
  }
}

/** Fields that an ephemeral container may not have, in the order of the Go struct. */
const NOT_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
];

export function checkEphemeralContainers(
  errors: FieldErrors,
  field: string,
  ephemeral: readonly Json[],
  others: readonly Json[],
  pod: PodContext,
): void {
  const otherNames = new Set(others.map((container) => text(container.name)));
  const names = new Set(otherNames);
  for (const [index, container] of ephemeral.entries()) {
    const at = item(field, index);
    checkCommon(errors, at, container, pod);
    checkImageBlanks(errors, at, container);
    const name = text(container.name);
    if (names.has(name)) errors.duplicate(child(at, 'name'), name);
    names.add(name);
    const target = text(container.targetContainerName);
    if (target !== '' && !otherNames.has(target)) errors.notFound(child(at, 'targetContainerName'), target);
    for (const key of NOT_EPHEMERAL) {
      const value = container[key];
      if (isSet(value) && (key !== 'resources' || Object.keys(value).length > 0)) {
        errors.forbidden(child(at, key), 'cannot be set for an Ephemeral Container');
      }
    }
    for (const [m, mount] of list(container.volumeMounts).entries()) {
      for (const key of ['subPath', 'subPathExpr']) {
        if (text(mount[key]) !== '') {
          errors.forbidden(`${at}.volumeMounts[${m}].${key}`, 'cannot be set for an Ephemeral Container');
        }
      }
    }
  }
}

/** Pods, unlike templates, may not have blanks around an image. */
export function checkImageBlanks(errors: FieldErrors, at: string, container: Json): void {
  const image = text(container.image);
  if (image.trim() !== image)
    errors.invalid(child(at, 'image'), image, 'must not have leading or trailing whitespace');
}
