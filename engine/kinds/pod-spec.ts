// PodSpec, in pods and in templates: defaults (SetDefaults_PodSpec, conversions, fields of disabled features) and
// checks (ValidatePodSpec, pkg/apis/core/validation/validation.go, v1.36), in the server's order.

import { checkIp } from './addresses.ts';
import { checkLabelKey, checkLabels, notSupportedInOrder, report } from './checks.ts';
import {
  checkContainers,
  checkEphemeralContainers,
  checkInitContainers,
  defaultContainer,
} from './container.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, requireText, text } from './field-lists.ts';
import type { Json, ObjectMeta } from './kind.ts';
import { dns1123LabelMessages, dns1123SubdomainMessages, searchDomainMessages } from './names.ts';
import { checkOperatingSystem, checkWindowsHostProcess } from './pod-os.ts';
import { checkContainerResources, checkPodResources } from './pod-resources.ts';
import {
  checkAffinity,
  checkSchedulingGates,
  checkTolerations,
  checkTopologySpread,
} from './pod-scheduling.ts';
import { checkPodSecurity } from './security-context.ts';
import { checkVolumes, defaultVolume } from './volumes.ts';

/** Fields whose feature gates are off by default in v1.36: the server drops them (DropDisabledPodFields). */
function dropDisabled(spec: Json): void {
  delete spec.schedulingGroup;
  for (const volume of list(spec.volumes)) {
    for (const source of list(volume.projected?.sources)) {
      delete source.clusterTrustBundle;
      delete source.podCertificate;
    }
  }
  for (const container of [...list(spec.containers), ...list(spec.initContainers)]) {
    if (isSet(container.lifecycle)) delete container.lifecycle.stopSignal;
  }
}

/** The old field name and the new one hold the same account (Convert_v1_PodSpec_To_core_PodSpec). */
function unifyServiceAccount(spec: Json): void {
  const name = text(spec.serviceAccountName) || text(spec.serviceAccount);
  if (name === '') return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

export function defaultPodSpec(spec: Json): void {
  unifyServiceAccount(spec);
  for (const volume of list(spec.volumes)) defaultVolume(volume);
  for (const key of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of list(spec[key])) defaultContainer(container);
  }
  if (text(spec.dnsPolicy) === '') spec.dnsPolicy = 'ClusterFirst';
  if (text(spec.restartPolicy) === '') spec.restartPolicy = 'Always';
  if (!isSet(spec.securityContext)) spec.securityContext = {};
  if (!isSet(spec.terminationGracePeriodSeconds)) spec.terminationGracePeriodSeconds = 30;
  if (text(spec.schedulerName) === '') spec.schedulerName = 'default-scheduler';
  dropDisabled(spec);
}

function checkResourceClaims(errors: FieldErrors, field: string, claims: Json): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, claim] of list(claims).entries()) {
    const at = item(field, index);
    const name = text(claim.name);
    if (requireText(errors, child(at, 'name'), name)) {
      if (names.has(name)) errors.duplicate(child(at, 'name'), name);
      else report(errors, child(at, 'name'), name, dns1123LabelMessages(name));
      names.add(name);
    }
    const printed = {
      Name: name,
      ResourceClaimName: claim.resourceClaimName ?? null,
      ResourceClaimTemplateName: claim.resourceClaimTemplateName ?? null,
    };
    const sources = ['resourceClaimName', 'resourceClaimTemplateName'].filter((key) => isSet(claim[key]));
    if (sources.length > 1) {
      const message = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.invalid(at, printed, message);
    }
    if (sources.length === 0) {
      errors.invalid(at, printed, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    }
    for (const key of sources)
      report(errors, child(at, key), claim[key], dns1123SubdomainMessages(claim[key]));
  }
  return names;
}

/** On the host's network a container port is a host port. Templates may leave it to the pod's default. */
function checkHostNetworkPorts(errors: FieldErrors, field: string, spec: Json, isPod: boolean): void {
  if (spec.hostNetwork !== true) return;
  for (const [index, container] of list(spec.containers).entries()) {
    for (const [p, port] of list(container.ports).entries()) {
      const hostPort = port.hostPort ?? 0;
      if ((isPod || hostPort !== 0) && hostPort !== port.containerPort) {
        const at = `${item(child(field, 'containers'), index)}.ports[${p}].hostPort`;
        errors.invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true');
      }
    }
  }
}

const DNS_NAMESERVERS_MAX = 3;
const DNS_SEARCHES_MAX = 32;
const DNS_SEARCH_CHARS_MAX = 2048;

function checkDnsConfig(errors: FieldErrors, at: string, spec: Json): void {
  const config = spec.dnsConfig;
  const servers = list(config?.nameservers);
  if (spec.dnsPolicy === 'None') {
    if (!isSet(config)) {
      errors.required(at, 'must provide `dnsConfig` when `dnsPolicy` is None');
      return;
    }
    if (servers.length === 0) {
      const message = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      errors.required(child(at, 'nameservers'), message);
      return;
    }
  }
  if (!isSet(config)) return;
  if (servers.length > DNS_NAMESERVERS_MAX) {
    errors.invalid(
      child(at, 'nameservers'),
      servers,
      `must not have more than ${DNS_NAMESERVERS_MAX} nameservers`,
    );
  }
  for (const [index, server] of servers.entries())
    checkIp(errors, item(child(at, 'nameservers'), index), server);
  const searches = list(config.searches);
  if (searches.length > DNS_SEARCHES_MAX) {
    errors.invalid(
      child(at, 'searches'),
      searches,
      `must not have more than ${DNS_SEARCHES_MAX} search paths`,
    );
  }
  if (searches.join(' ').length > DNS_SEARCH_CHARS_MAX) {
    const message = `must not have more than ${DNS_SEARCH_CHARS_MAX} characters (including spaces) in the search list`;
    errors.invalid(child(at, 'searches'), searches, message);
  }
  for (const [index, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.endsWith('.') ? search.slice(0, -1) : search;
    report(errors, item(child(at, 'searches'), index), name, searchDomainMessages(name));
  }
  for (const [index, option] of list(config.options).entries()) {
    if (text(option.name) === '') errors.required(item(child(at, 'options'), index), 'must not be empty');
  }
}

/** A choice whose values upstream lists in the order of its source. */
function checkChoice(errors: FieldErrors, field: string, value: Json, values: readonly string[]): void {
  if (text(value) === '') errors.required(field);
  else if (!values.includes(value)) notSupportedInOrder(errors, field, value, values);
}

function checkHostUsers(errors: FieldErrors, field: string, spec: Json): void {
  if (spec.hostUsers !== false) return;
  const message = 'when `pod.Spec.HostUsers` is false';
  if (spec.hostNetwork === true) errors.forbidden(child(field, 'hostNetwork'), message);
  if (spec.hostPID === true) errors.forbidden(child(field, 'HostPID'), message);
  if (spec.hostIPC === true) errors.forbidden(child(field, 'HostIPC'), message);
}

function checkHostAliases(errors: FieldErrors, field: string, aliases: Json): void {
  for (const [index, alias] of list(aliases).entries()) {
    const at = item(field, index);
    checkIp(errors, child(at, 'ip'), text(alias.ip));
    for (const [h, hostname] of list(alias.hostnames).entries()) {
      report(errors, item(child(at, 'hostnames'), h), hostname, dns1123SubdomainMessages(hostname));
    }
  }
}

const HOSTNAME_OVERRIDE_MAX = 64;

function checkHostname(errors: FieldErrors, field: string, spec: Json): void {
  for (const key of ['hostname', 'subdomain'] as const) {
    if (text(spec[key]) !== '') report(errors, child(field, key), spec[key], dns1123LabelMessages(spec[key]));
  }
  if (!isSet(spec.hostnameOverride)) return;
  const at = child(field, 'hostnameOverride');
  if (spec.hostnameOverride.length > HOSTNAME_OVERRIDE_MAX) errors.tooLong(at, HOSTNAME_OVERRIDE_MAX);
  report(errors, at, spec.hostnameOverride, dns1123SubdomainMessages(spec.hostnameOverride));
  if (spec.hostNetwork === true) errors.forbidden(at, 'may not be specified when hostNetwork is true');
  if (spec.setHostnameAsFQDN === true)
    errors.forbidden(at, 'may not be specified when setHostnameAsFQDN is true');
}

function checkContainersOfAllKinds(
  errors: FieldErrors,
  field: string,
  spec: Json,
  pod: ObjectMeta | undefined,
): void {
  const volumes = checkVolumes(errors, child(field, 'volumes'), list(spec.volumes), pod);
  const claims = checkResourceClaims(errors, child(field, 'resourceClaims'), spec.resourceClaims);
  const context = {
    volumes,
    claims,
    graceSeconds: spec.terminationGracePeriodSeconds,
    restartPolicy: text(spec.restartPolicy),
    hostUsers: spec.hostUsers !== false,
  };
  const containers = list(spec.containers);
  const initContainers = list(spec.initContainers);
  checkContainers(errors, child(field, 'containers'), containers, context);
  checkInitContainers(errors, child(field, 'initContainers'), initContainers, containers, context);
  const ephemeralAt = child(field, 'ephemeralContainers');
  const others = [...containers, ...initContainers];
  checkEphemeralContainers(errors, ephemeralAt, list(spec.ephemeralContainers), others, context);
  checkPodResources(errors, child(field, 'resources'), spec, claims);
}

/** Names of other objects that the pod refers to. */
function checkNames(errors: FieldErrors, field: string, spec: Json): void {
  for (const key of ['serviceAccountName', 'nodeName'] as const) {
    if (text(spec[key]) !== '')
      report(errors, child(field, key), spec[key], dns1123SubdomainMessages(spec[key]));
  }
}

const MAX_INT32 = 2147483647;

/** `pod` is the metadata of a real pod; undefined when the spec stands in a template. */
export function checkPodSpec(
  errors: FieldErrors,
  field: string,
  spec: Json,
  pod: ObjectMeta | undefined,
): void {
  checkContainersOfAllKinds(errors, field, spec, pod);
  checkHostNetworkPorts(errors, field, spec, pod !== undefined);
  checkChoice(errors, child(field, 'restartPolicy'), spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
  const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
  checkChoice(errors, child(field, 'dnsPolicy'), spec.dnsPolicy, dnsPolicies);
  checkLabels(errors, child(field, 'nodeSelector'), spec.nodeSelector);
  checkPodSecurity(errors, child(field, 'securityContext'), spec);
  checkAffinity(errors, child(field, 'affinity'), spec.affinity);
  checkDnsConfig(errors, child(field, 'dnsConfig'), spec);
  for (const [index, gate] of list(spec.readinessGates).entries()) {
    checkLabelKey(errors, `${field}.readinessGates[${index}].conditionType`, text(gate.conditionType));
  }
  checkSchedulingGates(errors, child(field, 'schedulingGates'), spec.schedulingGates);
  checkTopologySpread(errors, child(field, 'topologySpreadConstraints'), spec.topologySpreadConstraints);
  checkWindowsHostProcess(errors, field, spec);
  checkHostUsers(errors, field, spec);
  checkNames(errors, field, spec);
  const deadline = spec.activeDeadlineSeconds;
  if (isSet(deadline) && (deadline < 1 || deadline > MAX_INT32)) {
    errors.invalid(
      child(field, 'activeDeadlineSeconds'),
      deadline,
      `must be between 1 and ${MAX_INT32}, inclusive`,
    );
  }
  checkHostname(errors, field, spec);
  checkTolerations(errors, child(field, 'tolerations'), spec.tolerations);
  checkHostAliases(errors, child(field, 'hostAliases'), spec.hostAliases);
  for (const key of ['priorityClassName', 'runtimeClassName'] as const) {
    if (isSet(spec[key]) && (key === 'runtimeClassName' || spec[key] !== '')) {
      report(errors, child(field, key), spec[key], dns1123SubdomainMessages(spec[key]));
    }
  }
  if (isSet(spec.preemptionPolicy)) {
    checkChoice(errors, child(field, 'preemptionPolicy'), spec.preemptionPolicy, [
      'PreemptLowerPriority',
      'Never',
    ]);
  }
  if (isSet(spec.overhead)) {
    checkContainerResources(errors, child(field, 'overhead'), { limits: spec.overhead }, new Set());
  }
  checkOperatingSystem(errors, field, spec);
}
