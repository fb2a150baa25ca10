// Kinds of rbac.authorization.k8s.io/v1: pkg/apis/rbac/v1/defaults.go and validation.go, v1.36.
import { checkLabelSelector, notSupportedInOrder, omitEmpty, report, setDefault } from './checks.ts';
import { FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { dns1123SubdomainMessages, pathSegmentMessages } from './names.ts';

const group = 'rbac.authorization.k8s.io';

function defaultRole(role: KubeObject): void {
  role.rules ??= null;
  for (const rule of role.rules ?? [])
    omitEmpty(rule, 'apiGroups', 'resources', 'resourceNames', 'nonResourceURLs');
}

function defaultBinding(binding: KubeObject): void {
  binding.roleRef ??= {};
  setDefault(binding.roleRef, 'apiGroup', group);
  omitEmpty(binding, 'subjects');
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') setDefault(subject, 'apiGroup', group);
    omitEmpty(subject, 'apiGroup', 'namespace');
  }
}

function checkRules(rules: readonly Json[], namespaced: boolean, errors: FieldErrors): void {
  for (const [index, rule] of rules.entries()) {
    const at = item('rules', index);
    const count = (list: string): number => (rule[list] ?? []).length;
    if (count('verbs') === 0) errors.required(`${at}.verbs`, 'verbs must contain at least one value');
    if (count('nonResourceURLs') > 0) {
      const field = `${at}.nonResourceURLs`;
      if (namespaced) {
        errors.invalid(field, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
      }
      if (count('apiGroups') + count('resources') + count('resourceNames') > 0) {
        const detail = 'rules cannot apply to both regular resources and non-resource URLs';
        errors.invalid(field, rule.nonResourceURLs, detail);
      }
      continue;
    }
    if (count('apiGroups') === 0) {
      errors.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
    }
    if (count('resources') === 0) {
      errors.required(`${at}.resources`, 'resource rules must supply at least one resource');
    }
  }
}

function validateClusterRole(role: KubeObject, errors: FieldErrors): void {
  checkRules(role.rules ?? [], false, errors);
  if (role.aggregationRule === undefined || role.aggregationRule === null) return;
  const field = 'aggregationRule.clusterRoleSelectors';
  const selectors: Json[] = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    errors.required(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
  }
  for (const [index, selector] of selectors.entries()) {
    const found = new FieldErrors();
    checkLabelSelector(found, item(field, index), selector);
    for (const error of found.list) errors.push(error.field, error.reason, error.message);
    if (!found.ok) errors.invalid(item(field, index), null, 'invalid label selector.');
  }
}

function checkSubject(subject: Json, at: string, namespaced: boolean, errors: FieldErrors): void {
  const name = subject.name ?? '';
  const apiGroup = subject.apiGroup ?? '';
  if (name === '') errors.required(`${at}.name`);
  switch (subject.kind) {
    case 'ServiceAccount':
      if (name !== '') report(errors, `${at}.name`, name, dns1123SubdomainMessages(name));
      if (apiGroup !== '') errors.notSupported(`${at}.apiGroup`, apiGroup, ['']);
      if (!namespaced && (subject.namespace ?? '') === '') errors.required(`${at}.namespace`);
      break;
    case 'User':
    case 'Group':
      if (apiGroup !== group) errors.notSupported(`${at}.apiGroup`, apiGroup, [group]);
      break;
    default:
      notSupportedInOrder(errors, `${at}.kind`, subject.kind ?? '', ['ServiceAccount', 'User', 'Group']);
  }
}

function validateBinding(binding: KubeObject, namespaced: boolean, errors: FieldErrors): void {
  const { apiGroup, kind, name } = binding.roleRef;
  if (apiGroup !== group) errors.notSupported('roleRef.apiGroup', apiGroup, [group]);
  const roleKinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!roleKinds.includes(kind)) notSupportedInOrder(errors, 'roleRef.kind', kind ?? '', roleKinds);
  if ((name ?? '') === '') errors.required('roleRef.name');
  else report(errors, 'roleRef.name', name, pathSegmentMessages(name));
  for (const [index, subject] of (binding.subjects ?? []).entries()) {
    checkSubject(subject, item('subjects', index), namespaced, errors);
  }
}

const base = { apiVersion: `${group}/v1`, modelled: false, nameRule: 'path-segment' } as const;

export const kinds: readonly KindDefinition[] = [
  {
    ...base,
    kind: 'Role',
    resource: 'roles',
    namespaced: true,
    defaults: defaultRole,
    validate: (role, errors) => checkRules(role.rules ?? [], true, errors),
  },
  {
    ...base,
    kind: 'RoleBinding',
    resource: 'rolebindings',
    namespaced: true,
    defaults: defaultBinding,
    validate: (binding, errors) => validateBinding(binding, true, errors),
  },
  {
    ...base,
    kind: 'ClusterRole',
    resource: 'clusterroles',
    namespaced: false,
    defaults: defaultRole,
    validate: validateClusterRole,
  },
  {
    ...base,
    kind: 'ClusterRoleBinding',
    resource: 'clusterrolebindings',
    namespaced: false,
    defaults: defaultBinding,
    validate: (binding, errors) => validateBinding(binding, false, errors),
  },
];
