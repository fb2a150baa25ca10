// APIService (apiregistration.k8s.io/v1): kube-aggregator pkg/apis/apiregistration, v1.36. The object's name must be
// `<version>.<group>`.
import { checkSubdomain, report } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { dns1035LabelMessages, portNumberMessages } from './names.ts';

const groupPriorityMax = 20_000;
const versionPriorityMax = 1000;

function defaults(service: KubeObject): void {
  service.spec ??= {};
  if (service.spec.service !== undefined) service.spec.service.port ??= 443;
  service.status = {};
}

function validate(service: KubeObject, errors: FieldErrors): void {
  const spec = service.spec;
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, caBundle = '' } = spec;
  const name = service.metadata.name ?? '';
  const required = `${version}.${group}`;
  if (name !== required) {
    errors.invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: "${required}"`);
  }
  if (group !== '') checkSubdomain(errors, 'spec.group', group);
  report(errors, 'spec.version', version, dns1035LabelMessages(version));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > groupPriorityMax) {
    const detail = `must be positive and less than ${groupPriorityMax}`;
    errors.invalid('spec.groupPriorityMinimum', groupPriorityMinimum, detail);
  }
  if (versionPriority <= 0 || versionPriority > versionPriorityMax) {
    errors.invalid(
      'spec.versionPriority',
      versionPriority,
      `must be positive and less than ${versionPriorityMax}`,
    );
  }
  const insecure = spec.insecureSkipTLSVerify === true;
  if (spec.service === undefined || spec.service === null) {
    if (caBundle !== '')
      errors.invalid('spec.caBundle', caBundle, 'local APIServices may not have a caBundle');
    if (insecure) {
      errors.invalid(
        'spec.insecureSkipTLSVerify',
        true,
        'local APIServices may not have insecureSkipTLSVerify',
      );
    }
    return;
  }
  if ((spec.service.namespace ?? '') === '') errors.required('spec.service.namespace');
  if ((spec.service.name ?? '') === '') errors.required('spec.service.name');
  for (const message of portNumberMessages(spec.service.port)) {
    errors.invalid('spec.service.port', spec.service.port, `port is not valid: ${message}`);
  }
  if (insecure && caBundle !== '') {
    errors.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    resource: 'apiservices',
    namespaced: false,
    modelled: false,
    defaults,
    validate,
  },
];
