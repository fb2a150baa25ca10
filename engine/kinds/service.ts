// Service (core/v1): defaults of pkg/apis/core/v1/defaults.go, the IP family rules of
// pkg/registry/core/service/storage/alloc.go and the checks of ValidateService, v1.36, for a single-stack IPv4 cluster
// with service range 10.96.0.0/16. Cluster IPs, node ports and health check ports are handed out by the API server,
// not here: `needsClusterIP`, `portsNeedingNodePort` and `needsHealthCheckNodePort` say what it has to hand out.

import { checkCidr, checkIp, checkNonSpecialIp, parseIp } from './addresses.ts';
import {
  checkLabel1123,
  checkLabels,
  checkOneOf,
  checkPortNumberOrName,
  checkSubdomain,
  omitEmpty,
  report,
  setDefault,
} from './checks.ts';
import { entry, type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { labelKeyMessages, portNumberMessages } from './names.ts';
import {
  checkClusterIpFields,
  checkClusterIpRange,
  checkIpFamilies,
  defaultIpFamilies,
  isHeadless,
} from './service-addresses.ts';

/** Default session affinity timeout, 3 h (core/v1 types.go, DefaultClientIPServiceAffinitySeconds); at most one day. */
const affinityTimeoutSeconds = 10_800;
const affinityTimeoutSecondsMax = 86_400;
const kubeletPort = 10_250;
const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const topologyHintsAnnotation = 'service.kubernetes.io/topology-aware-hints';
const topologyModeAnnotation = 'service.kubernetes.io/topology-mode';

/** Reachable from outside the cluster, so an external traffic policy makes sense (apiservice.ExternallyAccessible). */
const isExternallyAccessible = (spec: Json): boolean =>
  spec.type === 'LoadBalancer' ||
  spec.type === 'NodePort' ||
  (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);

/** True if the API server has to allocate spec.clusterIP(s) when it creates this (defaulted) service. */
export function needsClusterIP(service: KubeObject): boolean {
  const spec = service.spec ?? {};
  return spec.type !== 'ExternalName' && (spec.clusterIP ?? '') === '';
}

/** True if the API server must allocate spec.healthCheckNodePort: a load balancer that keeps traffic local. */
export function needsHealthCheckNodePort(service: KubeObject): boolean {
  const spec = service.spec ?? {};
  return usesHealthCheck(spec) && (spec.healthCheckNodePort ?? 0) === 0;
}

const usesHealthCheck = (spec: Json): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

/** Indices of the ports that the API server must give a node port. */
export function portsNeedingNodePort(service: KubeObject): number[] {
  const spec = service.spec ?? {};
  const wanted =
    spec.type === 'NodePort' ||
    (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
  if (!wanted) return [];
  const indices: number[] = [];
  for (const [index, port] of (spec.ports ?? []).entries())
    if ((port.nodePort ?? 0) === 0) indices.push(index);
  return indices;
}

function defaults(service: KubeObject): void {
  service.spec ??= {};
  const spec = service.spec;
  setDefault(spec, 'sessionAffinity', 'None');
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (
    spec.sessionAffinity === 'ClientIP' &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  ) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinityTimeoutSeconds } };
  }
  setDefault(spec, 'type', 'ClusterIP');
  for (const port of spec.ports ?? []) {
    setDefault(port, 'protocol', 'TCP');
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') {
      port.targetPort = port.port ?? 0;
    }
    omitEmpty(port, 'name', 'nodePort');
  }
  omitEmpty(
    spec,
    'ports',
    'selector',
    'externalIPs',
    'loadBalancerIP',
    'loadBalancerSourceRanges',
    'externalName',
  );
  omitEmpty(spec, 'publishNotReadyAddresses', 'healthCheckNodePort', 'clusterIP', 'clusterIPs', 'ipFamilies');
  if (isExternallyAccessible(spec)) setDefault(spec, 'externalTrafficPolicy', 'Cluster');
  omitEmpty(spec, 'externalTrafficPolicy');
  if (['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type)) {
    spec.internalTrafficPolicy ??= 'Cluster';
  }
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  if (spec.clusterIP !== undefined && spec.clusterIPs === undefined) spec.clusterIPs = [spec.clusterIP];
  if (spec.type !== 'ExternalName') defaultIpFamilies(spec);
  service.status = { loadBalancer: {} };
}

/**
 * The server reserves addresses before it validates the rest, and stops at the first step that fails: address fields,
 * then families, then range; only a service that passes them all gets the full validation.
 */
function reserve(service: KubeObject, errors: FieldErrors): void {
  const { spec } = service;
  if (spec.type === 'ExternalName') return;
  for (const step of [checkClusterIpFields, checkIpFamilies, checkClusterIpRange]) {
    step(spec, errors);
    if (!errors.ok) return;
  }
}

function validate(service: KubeObject, errors: FieldErrors): void {
  const spec = service.spec;
  checkTopologyAnnotations(service, errors);
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') {
    errors.required('spec.ports');
  }
  checkType(spec, errors);
  checkPorts(spec, errors);
  checkLabels(errors, 'spec.selector', spec.selector);
  checkSessionAffinity(spec, errors);
  checkExternalIps(spec, errors);
  checkOneOf(errors, 'spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']);
  checkPortUniqueness(spec, errors);
  checkSourceRanges(service, errors);
  checkLoadBalancerFields(spec, errors);
  checkTrafficPolicies(spec, errors);
}

function checkTopologyAnnotations(service: KubeObject, errors: FieldErrors): void {
  const hints = service.metadata.annotations?.[topologyHintsAnnotation];
  const mode = service.metadata.annotations?.[topologyModeAnnotation];
  if (hints !== undefined && mode !== undefined && hints !== mode) {
    const detail = `must match annotations[${topologyHintsAnnotation}] when both are specified`;
    errors.invalid(entry('metadata.annotations', topologyModeAnnotation), mode, detail);
  }
}

function checkType(spec: Json, errors: FieldErrors): void {
  if (spec.type === 'LoadBalancer') {
    for (const [index, port] of (spec.ports ?? []).entries()) {
      if (port.port === kubeletPort) {
        const detail = `may not expose port ${kubeletPort} externally since it is used by kubelet`;
        errors.invalid(item('spec.ports', index), port.port, detail);
      }
    }
  }
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec)) {
    errors.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`);
  }
  if (spec.type !== 'ExternalName') return;
  const forbidden = 'may not be set for ExternalName services';
  if ((spec.clusterIPs ?? []).length > 0) errors.forbidden('spec.clusterIPs', forbidden);
  if ((spec.ipFamilies ?? []).length > 0) errors.forbidden('spec.ipFamilies', forbidden);
  if (spec.ipFamilyPolicy !== undefined) errors.forbidden('spec.ipFamilyPolicy', forbidden);
  const cname = (spec.externalName ?? '').replace(/\.$/, '');
  if (cname === '') errors.required('spec.externalName');
  else checkSubdomain(errors, 'spec.externalName', cname);
}

function checkPorts(spec: Json, errors: FieldErrors): void {
  const ports: Json[] = spec.ports ?? [];
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = item('spec.ports', index);
    const name: string = port.name ?? '';
    if (name === '') {
      if (ports.length > 1) errors.required(`${at}.name`);
    } else {
      checkLabel1123(errors, `${at}.name`, name);
      if (names.has(name)) errors.duplicate(`${at}.name`, name);
      names.add(name);
    }
    report(errors, `${at}.port`, port.port ?? 0, portNumberMessages(port.port ?? 0));
    checkOneOf(errors, `${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']);
    checkPortNumberOrName(errors, `${at}.targetPort`, port.targetPort);
    if (port.appProtocol !== undefined) {
      report(errors, `${at}.appProtocol`, port.appProtocol, labelKeyMessages(port.appProtocol));
    }
  }
}

function checkSessionAffinity(spec: Json, errors: FieldErrors): void {
  checkOneOf(errors, 'spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  const field = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'ClientIP') {
    const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (timeout <= 0 || timeout > affinityTimeoutSecondsMax) {
      const detail = `must be greater than 0 and less than ${affinityTimeoutSecondsMax}`;
      errors.invalid(`${field}.clientIP.timeoutSeconds`, timeout, detail);
    }
  } else if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined) {
    errors.forbidden(field, 'must not be set when session affinity is None');
  }
}

function checkExternalIps(spec: Json, errors: FieldErrors): void {
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    const at = item('spec.externalIPs', index);
    if (checkIp(errors, at, ip)) checkNonSpecialIp(errors, at, ip);
  }
}

function checkPortUniqueness(spec: Json, errors: FieldErrors): void {
  const ports: Json[] = spec.ports ?? [];
  if (spec.type === 'ClusterIP') {
    for (const [index, port] of ports.entries()) {
      if ((port.nodePort ?? 0) !== 0) {
        errors.forbidden(
          `${item('spec.ports', index)}.nodePort`,
          "may not be used when `type` is 'ClusterIP'",
        );
      }
    }
  }
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    if ((port.nodePort ?? 0) === 0) continue;
    const key = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(key)) errors.duplicate(`${item('spec.ports', index)}.nodePort`, port.nodePort);
    nodePorts.add(key);
  }
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const key = `${port.protocol}/${port.port}`;
    if (numbers.has(key)) {
      const shown = {
        Name: '',
        Protocol: port.protocol,
        AppProtocol: null,
        Port: port.port,
        TargetPort: 0,
        NodePort: 0,
      };
      errors.duplicate(item('spec.ports', index), shown);
    }
    numbers.add(key);
  }
}

function checkSourceRanges(service: KubeObject, errors: FieldErrors): void {
  const spec = service.spec;
  const only = "may only be used when `type` is 'LoadBalancer'";
  const ranges: string[] = spec.loadBalancerSourceRanges ?? [];
  const annotation = service.metadata.annotations?.[sourceRangesAnnotation];
  if (ranges.length > 0) {
    const field = 'spec.LoadBalancerSourceRanges';
    if (spec.type !== 'LoadBalancer') errors.forbidden(field, only);
    // Space around a range is tolerated since ranges came from an annotation.
    for (const [index, range] of ranges.entries()) checkCidr(errors, item(field, index), range.trim());
  } else if (annotation !== undefined) {
    const field = entry('metadata.annotations', sourceRangesAnnotation);
    if (spec.type !== 'LoadBalancer') errors.forbidden(field, only);
    if (annotation.trim() !== '')
      for (const range of annotation.split(',')) checkCidr(errors, field, range.trim());
  }
}

function checkLoadBalancerFields(spec: Json, errors: FieldErrors): void {
  const only = "may only be used when `type` is 'LoadBalancer'";
  if (spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts !== undefined)
      errors.forbidden('spec.allocateLoadBalancerNodePorts', only);
    if (spec.loadBalancerClass !== undefined) errors.forbidden('spec.loadBalancerClass', only);
  } else if (spec.loadBalancerClass !== undefined) {
    report(
      errors,
      'spec.loadBalancerClass',
      spec.loadBalancerClass,
      labelKeyMessages(spec.loadBalancerClass),
    );
  }
}

function checkTrafficPolicies(spec: Json, errors: FieldErrors): void {
  const external = spec.externalTrafficPolicy ?? '';
  if (!isExternallyAccessible(spec)) {
    if (external !== '') {
      errors.invalid(
        'spec.externalTrafficPolicy',
        external,
        'may only be set for externally-accessible services',
      );
    }
  } else checkOneOf(errors, 'spec.externalTrafficPolicy', external, ['Cluster', 'Local']);
  const port = spec.healthCheckNodePort ?? 0;
  if (!usesHealthCheck(spec)) {
    if (port !== 0) {
      const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      errors.invalid('spec.healthCheckNodePort', port, detail);
    }
  } else if (port !== 0) report(errors, 'spec.healthCheckNodePort', port, portNumberMessages(port));
  const internal = spec.internalTrafficPolicy;
  if (internal !== undefined && !['Cluster', 'Local'].includes(internal)) {
    errors.notSupported('spec.internalTrafficPolicy', internal, ['Cluster', 'Local']);
  }
  const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
  if (spec.trafficDistribution !== undefined && !distributions.includes(spec.trafficDistribution)) {
    errors.notSupported('spec.trafficDistribution', spec.trafficDistribution, distributions);
  }
}

/** Addresses that other programs may read differently (validation.GetWarningsForIP and -ForCIDR). */
function addressWarnings(field: string, text: string): string[] {
  const slash = text.indexOf('/');
  const ip = slash < 0 ? text : text.slice(0, slash);
  const leadingZero =
    !ip.includes(':') && ip.split('.').some((part) => part.length > 1 && part.startsWith('0'));
  return leadingZero
    ? [
        `${field}: non-standard ${slash < 0 ? 'IP address' : 'CIDR value'} "${text}" will be considered invalid in a future Kubernetes release: use "${canonicalIp(ip)}${slash < 0 ? '' : text.slice(slash)}"`,
      ]
    : [];
}

const canonicalIp = (ip: string): string => (parseIp(ip)?.bytes ?? []).join('.');

function warnings(service: KubeObject): string[] {
  const spec = service.spec ?? {};
  const found: string[] = [];
  const annotations = service.metadata.annotations ?? {};
  if (topologyHintsAnnotation in annotations) {
    found.push(
      `annotation ${topologyHintsAnnotation} is deprecated, please use ${topologyModeAnnotation} instead`,
    );
  }
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip !== 'None') found.push(...addressWarnings(item('spec.clusterIPs', index), ip));
  }
  const externalIps: string[] = spec.externalIPs ?? [];
  if (externalIps.length > 0) {
    found.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  for (const [index, ip] of externalIps.entries()) {
    found.push(...addressWarnings(item('spec.externalIPs', index), ip));
  }
  if ((spec.loadBalancerIP ?? '') !== '')
    found.push(...addressWarnings('spec.loadBalancerIP', spec.loadBalancerIP));
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    found.push(...addressWarnings(item('spec.loadBalancerSourceRanges', index), range));
  }
  if (spec.type === 'ExternalName' && externalIps.length > 0) {
    found.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (spec.type !== 'ExternalName' && (spec.externalName ?? '') !== '') {
    found.push(`spec.externalName is ignored when spec.type is not "ExternalName"`);
  }
  return found;
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    resource: 'services',
    namespaced: true,
    shortNames: ['svc'],
    modelled: true,
    nameRule: 'label',
    defaults,
    reserve,
    validate,
    warnings,
  },
];
