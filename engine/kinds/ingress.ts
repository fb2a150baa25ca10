// Ingress and IngressClass (networking.k8s.io/v1): pkg/apis/networking/validation, v1.36. The default class is
// admission's business.

import { parseIp } from './addresses.ts';
import { checkDomainPrefixedPath, checkLabel1123, checkSubdomain, omitEmpty, report } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import {
  dns1123LabelMessages,
  dns1123SubdomainMessages,
  pathSegmentMessages,
  portNameMessages,
  portNumberMessages,
  wildcardSubdomainMessages,
} from './names.ts';

const classAnnotation = 'kubernetes.io/ingress.class';
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badSuffixes = ['/..', '/.'];
const controllerBytesMax = 250;

function defaults(ingress: KubeObject): void {
  ingress.metadata.generation = 1;
  ingress.spec ??= {};
  omitEmpty(ingress.spec, 'tls', 'rules');
  ingress.status = { loadBalancer: {} };
}

function checkHost(host: string, field: string, errors: FieldErrors): void {
  report(
    errors,
    field,
    host,
    host.includes('*') ? wildcardSubdomainMessages(host) : dns1123SubdomainMessages(host),
  );
}

function checkResourceReference(reference: Json, field: string, errors: FieldErrors): void {
  if (reference.apiGroup !== undefined && reference.apiGroup !== null) {
    checkSubdomain(errors, `${field}.apiGroup`, reference.apiGroup);
  }
  for (const name of ['kind', 'name']) {
    const value = reference[name] ?? '';
    if (value === '') errors.required(`${field}.${name}`);
    else report(errors, `${field}.${name}`, value, pathSegmentMessages(value));
  }
}

function checkBackend(backend: Json, field: string, errors: FieldErrors): void {
  const { resource, service } = backend ?? {};
  if (resource !== undefined && service !== undefined) {
    errors.invalid(field, '', 'cannot set both resource and service backends');
  } else if (resource !== undefined) {
    checkResourceReference(resource, `${field}.resource`, errors);
  } else if (service !== undefined) {
    const name = service.name ?? '';
    if (name === '') errors.required(`${field}.service.name`);
    else report(errors, `${field}.service.name`, name, dns1123LabelMessages(name));
    const portName = service.port?.name ?? '';
    const portNumber = service.port?.number ?? 0;
    if (portName !== '' && portNumber !== 0)
      errors.invalid(field, '', 'cannot set both port name & port number');
    else if (portName !== '')
      report(errors, `${field}.service.port.name`, portName, portNameMessages(portName));
    else if (portNumber !== 0) {
      report(errors, `${field}.service.port.number`, portNumber, portNumberMessages(portNumber));
    } else errors.required(field, 'port name or number is required');
  } else errors.invalid(field, '', 'resource or service backend is required');
}

function checkPath(rule: Json, at: string, errors: FieldErrors): void {
  const path: string = rule.path ?? '';
  const field = `${at}.path`;
  switch (rule.pathType) {
    case undefined:
    case null:
      errors.required(`${at}.pathType`, 'pathType must be specified');
      break;
    case 'Exact':
    case 'Prefix':
      if (!path.startsWith('/')) errors.invalid(field, path, 'must be an absolute path');
      for (const part of badSequences) {
        if (path.includes(part)) errors.invalid(field, path, `must not contain '${part}'`);
      }
      for (const end of badSuffixes)
        if (path.endsWith(end)) errors.invalid(field, path, `cannot end with '${end}'`);
      break;
    case 'ImplementationSpecific':
      if (path !== '' && !path.startsWith('/')) errors.invalid(field, path, 'must be an absolute path');
      break;
    default:
      errors.notSupported(`${at}.pathType`, rule.pathType, pathTypes);
  }
  checkBackend(rule.backend, `${at}.backend`, errors);
}

function validate(ingress: KubeObject, errors: FieldErrors): void {
  const spec = ingress.spec;
  const rules: Json[] = spec.rules ?? [];
  if (rules.length === 0 && spec.defaultBackend === undefined) {
    errors.invalid('spec', spec.rules, 'either `defaultBackend` or `rules` must be specified');
  }
  if (spec.defaultBackend !== undefined) checkBackend(spec.defaultBackend, 'spec.defaultBackend', errors);
  for (const [index, rule] of rules.entries()) {
    const at = item('spec.rules', index);
    const host = rule.host ?? '';
    if (host !== '') {
      if (parseIp(host) !== undefined) {
        errors.invalid(`${at}.host`, host, 'must be a DNS name, not an IP address');
      }
      checkHost(host, `${at}.host`, errors);
    }
    if (rule.http === undefined) continue;
    const paths: Json[] = rule.http.paths ?? [];
    if (paths.length === 0) errors.required(`${at}.http.paths`);
    for (const [k, path] of paths.entries()) checkPath(path, item(`${at}.http.paths`, k), errors);
  }
  for (const [index, tls] of (spec.tls ?? []).entries()) {
    const at = item('spec.tls', index);
    for (const [k, host] of (tls.hosts ?? []).entries()) checkHost(host, item(`${at}.hosts`, k), errors);
    if ((tls.secretName ?? '') !== '') checkSubdomain(errors, `${at}.secretName`, tls.secretName);
  }
  const className = spec.ingressClassName;
  if (className !== undefined) checkSubdomain(errors, 'spec.ingressClassName', className);
  const annotation = ingress.metadata.annotations?.[classAnnotation];
  if (annotation !== undefined && className !== undefined && annotation !== className) {
    const detail = 'must match `ingressClassName` when both are specified';
    errors.invalid(`annotations[${classAnnotation}]`, annotation, detail);
  }
}

function warnings(ingress: KubeObject): string[] {
  if (ingress.metadata.annotations?.[classAnnotation] === undefined) return [];
  return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`];
}

function defaultClass(ingressClass: KubeObject): void {
  ingressClass.metadata.generation = 1;
  ingressClass.spec ??= {};
  if (ingressClass.spec.parameters !== undefined) ingressClass.spec.parameters.scope ??= 'Cluster';
}

function validateClass(ingressClass: KubeObject, errors: FieldErrors): void {
  const { controller = '', parameters } = ingressClass.spec;
  if (controller.length > controllerBytesMax) errors.tooLong('spec.controller', controllerBytesMax);
  checkDomainPrefixedPath(errors, 'spec.controller', controller);
  if (parameters === undefined) return;
  const field = 'spec.parameters';
  checkResourceReference(parameters, field, errors);
  if (parameters.scope !== 'Cluster' && parameters.scope !== 'Namespace') {
    errors.notSupported(`${field}.scope`, parameters.scope, ['Cluster', 'Namespace']);
  } else if (parameters.scope === 'Namespace') {
    if (parameters.namespace === undefined) {
      errors.required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'");
    } else checkLabel1123(errors, `${field}.namespace`, parameters.namespace);
  } else if (parameters.namespace !== undefined) {
    errors.forbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'");
  }
}

const base = { apiVersion: 'networking.k8s.io/v1', modelled: false } as const;

export const kinds: readonly KindDefinition[] = [
  {
    ...base,
    kind: 'Ingress',
    resource: 'ingresses',
    namespaced: true,
    shortNames: ['ing'],
    defaults,
    validate,
    warnings,
  },
  {
    ...base,
    kind: 'IngressClass',
    resource: 'ingressclasses',
    namespaced: false,
    defaults: defaultClass,
    validate: validateClass,
  },
];
