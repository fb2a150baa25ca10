// Endpoints (core/v1, deprecated since v1.33): kept as written, ports get a protocol (ValidateEndpoints, v1.36).
// The order and packing of subsets is the endpoints controller's work: see endpoints-pack.ts.

import { checkIp, checkNonSpecialIp } from './addresses.ts';
import { checkLabel1123, checkOneOf, omitEmpty, report, setDefault } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { dns1123SubdomainMessages, labelKeyMessages, portNumberMessages } from './names.ts';

function defaults(endpoints: KubeObject): void {
  omitEmpty(endpoints, 'subsets');
  for (const subset of endpoints.subsets ?? []) {
    omitEmpty(subset, 'addresses', 'notReadyAddresses', 'ports');
    for (const port of subset.ports ?? []) {
      setDefault(port, 'protocol', 'TCP');
      omitEmpty(port, 'name');
    }
    for (const address of [...(subset.addresses ?? []), ...(subset.notReadyAddresses ?? [])]) {
      omitEmpty(address, 'hostname');
    }
  }
}

function checkAddress(address: Json, field: string, errors: FieldErrors): void {
  checkIp(errors, `${field}.ip`, address.ip ?? '');
  if ((address.hostname ?? '') !== '') checkLabel1123(errors, `${field}.hostname`, address.hostname);
  if (address.nodeName !== undefined) {
    report(errors, `${field}.nodeName`, address.nodeName, dns1123SubdomainMessages(address.nodeName));
  }
  checkNonSpecialIp(errors, `${field}.ip`, address.ip ?? '');
}

function checkPort(port: Json, field: string, requireName: boolean, errors: FieldErrors): void {
  const name = port.name ?? '';
  if (requireName && name === '') errors.required(`${field}.name`);
  else if (name !== '') checkLabel1123(errors, `${field}.name`, name);
  report(errors, `${field}.port`, port.port ?? 0, portNumberMessages(port.port ?? 0));
  checkOneOf(errors, `${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']);
  if (port.appProtocol !== undefined) {
    report(errors, `${field}.appProtocol`, port.appProtocol, labelKeyMessages(port.appProtocol));
  }
}

function validate(endpoints: KubeObject, errors: FieldErrors): void {
  for (const [index, subset] of (endpoints.subsets ?? []).entries()) {
    const at = item('subsets', index);
    const ready: Json[] = subset.addresses ?? [];
    const notReady: Json[] = subset.notReadyAddresses ?? [];
    const ports: Json[] = subset.ports ?? [];
    if (ready.length === 0 && notReady.length === 0) {
      errors.required(at, 'must specify `addresses` or `notReadyAddresses`');
    }
    for (const [k, address] of ready.entries()) checkAddress(address, item(`${at}.addresses`, k), errors);
    for (const [k, address] of notReady.entries())
      checkAddress(address, item(`${at}.notReadyAddresses`, k), errors);
    for (const [k, port] of ports.entries())
      checkPort(port, item(`${at}.ports`, k), ports.length > 1, errors);
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'Endpoints',
    resource: 'endpoints',
    namespaced: true,
    shortNames: ['ep'],
    modelled: true,
    defaults,
    validate,
    warnings: () => ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  },
];
