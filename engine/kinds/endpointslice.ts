// EndpointSlice (discovery.k8s.io/v1): pkg/apis/discovery/v1/defaults.go and validation.go, v1.36.

import { checkNonSpecialIp, ipMessage, parseIp } from './addresses.ts';
import { checkLabel1123, checkLabels, checkOneOf, omitEmpty, report } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { dns1123SubdomainMessages, labelKeyMessages, labelValueMessages } from './names.ts';

const endpointsMax = 1000;
const addressesMax = 100;
const portsMax = 20_000;
const topologyLabelsMax = 16;
const zoneHintsMax = 8;

function defaults(slice: KubeObject): void {
  slice.metadata.generation = 1;
  slice.endpoints ??= null;
  for (const endpoint of slice.endpoints ?? []) {
    endpoint.conditions ??= {};
    omitEmpty(endpoint, 'deprecatedTopology');
  }
  slice.ports ??= null;
  for (const port of slice.ports ?? []) {
    port.name ??= '';
    port.protocol ??= 'TCP';
  }
}

function checkAddress(address: string, type: string, field: string, errors: FieldErrors): void {
  if (type === 'IPv4' || type === 'IPv6') {
    const ip = parseIp(address);
    if (ip === undefined) errors.invalid(field, address, ipMessage);
    else if (ip.family !== type) errors.invalid(field, address, `must be an ${type} address`);
    checkNonSpecialIp(errors, field, address);
  } else if (type === 'FQDN') {
    const name = address.replace(/\.$/, '');
    const messages = dns1123SubdomainMessages(name);
    report(errors, field, name, messages);
    if (messages.length === 0 && name.split('.').length < 2) {
      errors.invalid(field, address, 'should be a domain with at least two segments separated by dots');
    }
  }
}

function checkHints(hints: Json, field: string, errors: FieldErrors): void {
  const zones: Json[] = hints.forZones ?? [];
  if (zones.length > zoneHintsMax) errors.tooMany(`${field}.forZones`, zones.length, zoneHintsMax);
  const seen = new Set<string>();
  for (const [index, zone] of zones.entries()) {
    const at = `${item(`${field}.forZones`, index)}.name`;
    const name = zone.name ?? '';
    if (seen.has(name)) errors.duplicate(at, name);
    seen.add(name);
    report(errors, at, name, labelValueMessages(name));
  }
}

function checkEndpoints(slice: KubeObject, errors: FieldErrors): void {
  const endpoints: Json[] = slice.endpoints ?? [];
  if (endpoints.length > endpointsMax) {
    errors.tooMany('endpoints', endpoints.length, endpointsMax);
    return;
  }
  for (const [index, endpoint] of endpoints.entries()) {
    const at = item('endpoints', index);
    const addresses: string[] = endpoint.addresses ?? [];
    if (addresses.length === 0) errors.required(`${at}.addresses`, 'must contain at least 1 address');
    else if (addresses.length > addressesMax)
      errors.tooMany(`${at}.addresses`, addresses.length, addressesMax);
    for (const [k, address] of addresses.entries()) {
      checkAddress(address, slice.addressType, item(`${at}.addresses`, k), errors);
    }
    if (endpoint.nodeName !== undefined) {
      report(errors, `${at}.nodeName`, endpoint.nodeName, dns1123SubdomainMessages(endpoint.nodeName));
    }
    const topology = endpoint.deprecatedTopology ?? {};
    const labels = Object.keys(topology).length;
    if (labels > topologyLabelsMax) errors.tooMany(`${at}.deprecatedTopology`, labels, topologyLabelsMax);
    checkLabels(errors, `${at}.deprecatedTopology`, topology);
    if (endpoint.hostname !== undefined) checkLabel1123(errors, `${at}.hostname`, endpoint.hostname);
    if (endpoint.hints !== undefined) checkHints(endpoint.hints, `${at}.hints`, errors);
  }
}

function checkPorts(slice: KubeObject, errors: FieldErrors): void {
  const ports: Json[] = slice.ports ?? [];
  if (ports.length > portsMax) {
    errors.tooMany('ports', ports.length, portsMax);
    return;
  }
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = item('ports', index);
    if (port.name !== '') checkLabel1123(errors, `${at}.name`, port.name);
    if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
    names.add(port.name);
    checkOneOf(errors, `${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']);
    if (port.appProtocol !== undefined) {
      report(errors, `${at}.appProtocol`, port.appProtocol, labelKeyMessages(port.appProtocol));
    }
  }
}

function validate(slice: KubeObject, errors: FieldErrors): void {
  checkOneOf(errors, 'addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6']);
  checkEndpoints(slice, errors);
  checkPorts(slice, errors);
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    resource: 'endpointslices',
    namespaced: true,
    modelled: true,
    defaults,
    validate,
  },
];
