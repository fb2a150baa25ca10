// IPAddress and ServiceCIDR (networking.k8s.io/v1), the objects behind cluster IP allocation: validation.go, v1.36.

import { checkCidr, parseCidr } from './addresses.ts';
import { checkSubdomain, report } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { pathSegmentMessages } from './names.ts';

function validateAddress(address: KubeObject, errors: FieldErrors): void {
  const parent = address.spec?.parentRef;
  if (parent === undefined) {
    errors.required('spec.parentRef');
    return;
  }
  if ((parent.group ?? '') !== '') checkSubdomain(errors, 'spec.parentRef.group', parent.group);
  for (const field of ['resource', 'name']) {
    const value = parent[field] ?? '';
    if (value === '') errors.required(`spec.parentRef.${field}`);
    else report(errors, `spec.parentRef.${field}`, value, pathSegmentMessages(value));
  }
  if ((parent.namespace ?? '') !== '') {
    report(errors, 'spec.parentRef.namespace', parent.namespace, pathSegmentMessages(parent.namespace));
  }
}

function validateRange(range: KubeObject, errors: FieldErrors): void {
  const cidrs: string[] = range.spec?.cidrs ?? [];
  if (cidrs.length === 0) {
    errors.required('spec.cidrs', 'at least one CIDR required');
    return;
  }
  if (cidrs.length > 2) {
    errors.invalid('spec.cidrs', cidrs, 'may only hold up to 2 values');
    return;
  }
  const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.address.family));
  if (cidrs.length === 2 && families.size < 2) {
    errors.invalid(
      'spec.cidrs',
      cidrs,
      'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
    );
  }
  for (const [index, cidr] of cidrs.entries()) checkCidr(errors, item('spec.cidrs', index), cidr);
}

const base = { apiVersion: 'networking.k8s.io/v1', namespaced: false, modelled: false } as const;

export const kinds: readonly KindDefinition[] = [
  {
    ...base,
    kind: 'IPAddress',
    resource: 'ipaddresses',
    shortNames: ['ip'],
    nameRule: 'ip',
    defaults: () => undefined,
    validate: validateAddress,
  },
  {
    ...base,
    kind: 'ServiceCIDR',
    resource: 'servicecidrs',
    defaults: (range) => {
      range.status = {};
    },
    validate: validateRange,
  },
];
