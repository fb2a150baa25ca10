// NetworkPolicy (networking.k8s.io/v1): pkg/apis/networking/v1/defaults.go and validation.go, v1.36.

import { checkCidr, cidrContains, parseCidr } from './addresses.ts';
import { checkLabelSelector, notSupportedInOrder, omitEmpty, report } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { portNameMessages, portNumberMessages } from './names.ts';

function defaults(policy: KubeObject): void {
  policy.metadata.generation = 1;
  policy.spec ??= {};
  const spec = policy.spec;
  spec.podSelector ??= {};
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    omitEmpty(rule, 'ports');
    if (Array.isArray(rule.from) && rule.from.length === 0) delete rule.from;
    if (Array.isArray(rule.to) && rule.to.length === 0) delete rule.to;
    for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
  }
  if ((spec.policyTypes ?? []).length === 0) {
    spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  }
  omitEmpty(spec, 'ingress', 'egress');
}

function checkPort(port: Json, at: string, errors: FieldErrors): void {
  const protocols = ['TCP', 'UDP', 'SCTP'];
  if (!protocols.includes(port.protocol))
    notSupportedInOrder(errors, `${at}.protocol`, port.protocol, protocols);
  const { port: from, endPort } = port;
  if (typeof from === 'number') {
    report(errors, `${at}.port`, from, portNumberMessages(from));
    if (endPort !== undefined) {
      if (endPort < from) errors.invalid(`${at}.endPort`, from, 'must be greater than or equal to `port`');
      report(errors, `${at}.endPort`, endPort, portNumberMessages(endPort));
    }
  } else if (typeof from === 'string') {
    if (endPort !== undefined) {
      errors.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric');
    }
    report(errors, `${at}.port`, from, portNameMessages(from));
  } else if (endPort !== undefined) {
    errors.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified');
  }
}

function checkIpBlock(block: Json, at: string, errors: FieldErrors): void {
  if ((block.cidr ?? '') === '') {
    errors.required(`${at}.cidr`);
    return;
  }
  if (!checkCidr(errors, `${at}.cidr`, block.cidr)) return;
  const cidr = parseCidr(block.cidr);
  for (const [index, except] of (block.except ?? []).entries()) {
    const field = item(`${at}.except`, index);
    if (!checkCidr(errors, field, except)) continue;
    const hole = parseCidr(except);
    if (cidr === undefined || hole === undefined) continue;
    if (!cidrContains(cidr, hole.address) || cidr.prefix >= hole.prefix) {
      errors.invalid(field, except, 'must be a strict subset of `cidr`');
    }
  }
}

function checkPeer(peer: Json, at: string, errors: FieldErrors): void {
  const given = ['podSelector', 'namespaceSelector', 'ipBlock'].filter((name) => peer[name] !== undefined);
  checkLabelSelector(errors, `${at}.podSelector`, peer.podSelector);
  checkLabelSelector(errors, `${at}.namespaceSelector`, peer.namespaceSelector);
  if (peer.ipBlock !== undefined) checkIpBlock(peer.ipBlock, `${at}.ipBlock`, errors);
  if (given.length === 0) errors.required(at, 'must specify a peer');
  else if (given.length > 1 && peer.ipBlock !== undefined) {
    errors.forbidden(at, 'may not specify both ipBlock and another peer');
  }
}

function validate(policy: KubeObject, errors: FieldErrors): void {
  const spec = policy.spec;
  checkLabelSelector(errors, 'spec.podSelector', spec.podSelector);
  for (const [direction, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    for (const [index, rule] of (spec[direction] ?? []).entries()) {
      const at = item(`spec.${direction}`, index);
      for (const [k, port] of (rule.ports ?? []).entries()) checkPort(port, item(`${at}.ports`, k), errors);
      for (const [k, peer] of (rule[peers] ?? []).entries())
        checkPeer(peer, item(`${at}.${peers}`, k), errors);
    }
  }
  const types: string[] = spec.policyTypes;
  if (types.length > 2) {
    errors.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes');
    return;
  }
  for (const [index, type] of types.entries()) {
    if (type !== 'Ingress' && type !== 'Egress') {
      errors.notSupported(item('spec.policyTypes', index), type, ['Egress', 'Ingress']);
    }
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    resource: 'networkpolicies',
    namespaced: true,
    shortNames: ['netpol'],
    modelled: false,
    defaults,
    validate,
  },
];
