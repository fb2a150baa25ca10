// Kinds of admissionregistration.k8s.io/v1: webhook configurations, admission policies and their bindings
// (pkg/apis/admissionregistration/v1/defaults.go and validation.go, v1.36).

import { admissionVariables, checkCelExpression } from './cel-check.ts';
import {
  checkFullyQualifiedName,
  checkLabelSelector,
  checkSubdomain,
  notSupportedInOrder,
  report,
} from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import {
  dns1035LabelMessages,
  dns1123SubdomainMessages,
  labelKeyMessages,
  portNumberMessages,
} from './names.ts';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const mutableOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
const ruleScopes = ['*', 'Cluster', 'Namespaced'];
const matchPolicies = ['Equivalent', 'Exact'];
const failurePolicies = ['Fail', 'Ignore'];
const reviewVersions = ['v1', 'v1beta1'];
const reinvocationPolicies = ['IfNeeded', 'Never'];
const conditionsMax = 64;
const timeoutSecondsMax = 30;
const conditionVariables = ['object', 'oldObject', 'request', 'authorizer'];

function defaultWebhooks(configuration: KubeObject): void {
  configuration.metadata.generation = 1;
  for (const hook of configuration.webhooks ?? []) {
    hook.failurePolicy ??= 'Fail';
    hook.matchPolicy ??= 'Equivalent';
    hook.namespaceSelector ??= {};
    hook.objectSelector ??= {};
    hook.timeoutSeconds ??= 10;
    if (configuration.kind === 'MutatingWebhookConfiguration') hook.reinvocationPolicy ??= 'Never';
    for (const rule of hook.rules ?? []) rule.scope ??= '*';
    if (hook.clientConfig?.service !== undefined) hook.clientConfig.service.port ??= 443;
  }
}

function defaultMatchResources(match: Json): void {
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= '*';
}

function defaultPolicy(policy: KubeObject): void {
  policy.metadata.generation = 1;
  policy.spec ??= {};
  policy.spec.failurePolicy ??= 'Fail';
  if (policy.spec.matchConstraints !== undefined) defaultMatchResources(policy.spec.matchConstraints);
  if (policy.kind === 'ValidatingAdmissionPolicy') policy.status = {};
}

function defaultBinding(binding: KubeObject): void {
  binding.metadata.generation = 1;
  binding.spec ??= {};
  if (binding.spec.matchResources !== undefined) defaultMatchResources(binding.spec.matchResources);
}

/** A list that may hold `*` only alone. */
function checkWildcardList(list: readonly string[], field: string, what: string, errors: FieldErrors): void {
  if (list.length === 0) errors.required(field);
  if (list.length > 1 && list.includes('*')) {
    errors.invalid(field, list, `if '*' is present, must not specify other ${what}`);
  }
}

function checkResources(resources: readonly string[], field: string, errors: FieldErrors): void {
  if (resources.length === 0) errors.required(field);
  for (const [index, resource] of resources.entries()) {
    const at = item(field, index);
    if (resource === '') errors.required(at);
    const [parent = '', subresource] = resource.split('/');
    if (resource !== '*/*' && resources.includes('*/*')) {
      errors.invalid(field, resources, "if '*/*' is present, must not specify other resources");
      return;
    }
    if (resource !== '*' && subresource === undefined && resources.includes('*')) {
      errors.invalid(
        field,
        resources,
        "if '*' is present, must not specify other resources without subresources",
      );
      return;
    }
    if (subresource !== undefined && subresource !== '*' && resources.includes(`${parent}/*`)) {
      errors.invalid(at, resource, `if '${parent}/*' is present, must not specify ${resource}`);
    }
  }
}

function checkRule(rule: Json, at: string, errors: FieldErrors): void {
  const verbs: string[] = rule.operations ?? [];
  checkWildcardList(verbs, `${at}.operations`, 'operations', errors);
  for (const [index, verb] of verbs.entries()) {
    if (!operations.includes(verb)) errors.notSupported(item(`${at}.operations`, index), verb, operations);
  }
  checkWildcardList(rule.apiGroups ?? [], `${at}.apiGroups`, 'API groups', errors);
  checkWildcardList(rule.apiVersions ?? [], `${at}.apiVersions`, 'API versions', errors);
  for (const [index, version] of (rule.apiVersions ?? []).entries()) {
    if (version === '') errors.required(item(`${at}.apiVersions`, index));
  }
  checkResources(rule.resources ?? [], `${at}.resources`, errors);
  if (rule.scope !== undefined && !ruleScopes.includes(rule.scope)) {
    errors.notSupported(`${at}.scope`, rule.scope, ruleScopes);
  }
}

function checkMatchConditions(
  conditions: readonly Json[],
  field: string,
  errors: FieldErrors,
  variables: readonly string[],
): void {
  if (conditions.length > conditionsMax) errors.tooMany(field, conditions.length, conditionsMax);
  const names = new Set<string>();
  for (const [index, condition] of conditions.entries()) {
    const at = item(field, index);
    const name = condition.name ?? '';
    checkCelExpression(errors, `${at}.expression`, condition.expression ?? '', variables);
    if (name === '') errors.required(`${at}.name`);
    else report(errors, `${at}.name`, name, labelKeyMessages(name));
    if (name !== '' && names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
  }
}

function checkClientConfig(config: Json, at: string, errors: FieldErrors): void {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined)) {
    errors.required(at, 'exactly one of url or service is required');
    return;
  }
  if (url !== undefined) {
    const form = 'desired format: https://host[/path]';
    const match = /^([a-z]*):\/\/([^/]*)/.exec(url);
    if (match?.[1] !== 'https') {
      errors.invalid(`${at}.url`, match?.[1] ?? '', `'https' is the only allowed URL scheme; ${form}`);
    }
    if ((match?.[2] ?? '') === '') errors.invalid(`${at}.url`, '', `host must be specified; ${form}`);
    return;
  }
  if ((service.name ?? '') === '') errors.required(`${at}.service.name`, 'service name is required');
  if ((service.namespace ?? '') === '')
    errors.required(`${at}.service.namespace`, 'service namespace is required');
  for (const message of portNumberMessages(service.port ?? 0)) {
    errors.invalid(`${at}.service.port`, service.port ?? 0, `port is not valid: ${message}`);
  }
  if (service.path !== undefined && !service.path.startsWith('/')) {
    errors.invalid(`${at}.service.path`, service.path, "must start with a '/'");
  }
}

function checkReviewVersions(versions: readonly string[], field: string, errors: FieldErrors): void {
  const accepted = reviewVersions.join(', ');
  if (versions.length === 0) {
    errors.required(field, `must specify one of ${accepted}`);
    return;
  }
  const seen = new Set<string>();
  for (const [index, version] of versions.entries()) {
    if (seen.has(version)) errors.invalid(item(field, index), version, 'duplicate version');
    seen.add(version);
    report(errors, item(field, index), version, dns1035LabelMessages(version));
  }
  if (!versions.some((version) => reviewVersions.includes(version))) {
    errors.invalid(field, versions, `must include at least one of ${accepted}`);
  }
}

function validateWebhooks(configuration: KubeObject, errors: FieldErrors): void {
  const mutating = configuration.kind === 'MutatingWebhookConfiguration';
  const names = new Set<string>();
  for (const [index, hook] of (configuration.webhooks ?? []).entries()) {
    const at = item('webhooks', index);
    checkFullyQualifiedName(errors, `${at}.name`, hook.name ?? '');
    for (const [k, rule] of (hook.rules ?? []).entries()) checkRule(rule, item(`${at}.rules`, k), errors);
    checkPolicies(hook, at, errors);
    const effects = ['None', 'NoneOnDryRun'];
    if ((hook.sideEffects ?? '') === '')
      errors.required(`${at}.sideEffects`, `must specify one of ${effects.join(', ')}`);
    else if (!effects.includes(hook.sideEffects))
      errors.notSupported(`${at}.sideEffects`, hook.sideEffects, effects);
    if (hook.timeoutSeconds > timeoutSecondsMax || hook.timeoutSeconds < 1) {
      const detail = `the timeout value must be between 1 and ${timeoutSecondsMax} seconds`;
      errors.invalid(`${at}.timeoutSeconds`, hook.timeoutSeconds, detail);
    }
    checkLabelSelector(errors, `${at}.namespaceSelector`, hook.namespaceSelector);
    checkLabelSelector(errors, `${at}.objectSelector`, hook.objectSelector);
    if (mutating && !reinvocationPolicies.includes(hook.reinvocationPolicy)) {
      errors.notSupported(`${at}.reinvocationPolicy`, hook.reinvocationPolicy, reinvocationPolicies);
    }
    checkClientConfig(hook.clientConfig, `${at}.clientConfig`, errors);
    checkMatchConditions(hook.matchConditions ?? [], `${at}.matchConditions`, errors, conditionVariables);
    checkReviewVersions(hook.admissionReviewVersions ?? [], `${at}.admissionReviewVersions`, errors);
    if ((hook.name ?? '') !== '' && names.has(hook.name)) errors.duplicate(`${at}.name`, hook.name);
    names.add(hook.name);
  }
}

function checkPolicies(hook: Json, at: string, errors: FieldErrors): void {
  if (!failurePolicies.includes(hook.failurePolicy)) {
    errors.notSupported(`${at}.failurePolicy`, hook.failurePolicy, failurePolicies);
  }
  if (!matchPolicies.includes(hook.matchPolicy)) {
    errors.notSupported(`${at}.matchPolicy`, hook.matchPolicy, matchPolicies);
  }
}

function checkMatchResources(match: Json, at: string, errors: FieldErrors): void {
  if (!matchPolicies.includes(match.matchPolicy)) {
    errors.notSupported(`${at}.matchPolicy`, match.matchPolicy, matchPolicies);
  }
  checkLabelSelector(errors, `${at}.namespaceSelector`, match.namespaceSelector);
  checkLabelSelector(errors, `${at}.objectSelector`, match.objectSelector);
  for (const list of ['resourceRules', 'excludeResourceRules']) {
    for (const [index, rule] of (match[list] ?? []).entries())
      checkRule(rule, item(`${at}.${list}`, index), errors);
  }
}

function checkPolicyHead(spec: Json, mutating: boolean, errors: FieldErrors): void {
  if (!failurePolicies.includes(spec.failurePolicy)) {
    errors.notSupported('spec.failurePolicy', spec.failurePolicy, failurePolicies);
  }
  if (spec.paramKind !== undefined) {
    const apiVersion: string = spec.paramKind.apiVersion ?? '';
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    if (apiVersion === '') errors.required('spec.paramKind.apiVersion');
    else {
      if (group !== '') report(errors, 'spec.paramKind.apiVersion', group, dns1123SubdomainMessages(group));
      report(errors, 'spec.paramKind.apiVersion', version, dns1035LabelMessages(version));
    }
    const kind: string = spec.paramKind.kind ?? '';
    if (kind === '') errors.required('spec.paramKind.kind');
    else report(errors, 'spec.paramKind.kind', kind, dns1035LabelMessages(kind.toLowerCase()));
  }
  const match = spec.matchConstraints;
  if (match === undefined) errors.required('spec.matchConstraints');
  else {
    checkMatchResources(match, 'spec.matchConstraints', errors);
    if ((match.resourceRules ?? []).length === 0) errors.required('spec.matchConstraints.resourceRules');
    if (mutating) {
      for (const verb of (match.resourceRules ?? []).flatMap((rule: Json) => rule.operations ?? [])) {
        if (!mutableOperations.includes(verb)) {
          errors.notSupported('spec.matchConstraints.resourceRules.operations', verb, mutableOperations);
        }
      }
    }
  }
  const { matchConditions = [], variables = [] } = spec;
  checkMatchConditions(matchConditions, 'spec.matchConditions', errors, admissionVariables);
  for (const [index, variable] of variables.entries()) {
    const at = item('spec.variables', index);
    if ((variable.name ?? '') === '') errors.required(`${at}.name`);
    checkCelExpression(errors, `${at}.expression`, variable.expression ?? '', admissionVariables);
  }
}

function validateValidatingPolicy(policy: KubeObject, errors: FieldErrors): void {
  const spec = policy.spec;
  checkPolicyHead(spec, false, errors);
  const validations: Json[] = spec.validations ?? [];
  const annotations: Json[] = spec.auditAnnotations ?? [];
  if (validations.length === 0 && annotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item';
    errors.required('spec.validations', detail);
    errors.required('spec.auditAnnotations', detail);
  }
  for (const [index, validation] of validations.entries()) {
    const at = item('spec.validations', index);
    if ((validation.expression ?? '').trim() === '')
      errors.required(`${at}.expression`, 'expression is not specified');
    else checkCelExpression(errors, `${at}.expression`, validation.expression, admissionVariables);
    if ((validation.messageExpression ?? '') !== '') {
      checkCelExpression(errors, `${at}.messageExpression`, validation.messageExpression, admissionVariables);
    }
    if (validation.message !== undefined && validation.message !== '') {
      if (validation.message.includes('\n')) {
        errors.invalid(`${at}.message`, validation.message, 'message must not contain line breaks');
      } else if (validation.message.trim() === '') {
        errors.invalid(`${at}.message`, validation.message, 'message must be non-empty if specified');
      }
    }
    const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
    if (validation.reason !== undefined && !reasons.includes(validation.reason)) {
      errors.notSupported(`${at}.reason`, validation.reason, reasons.slice(0, 3));
    }
  }
  for (const [index, annotation] of annotations.entries()) {
    const at = item('spec.auditAnnotations', index);
    const key = `${policy.metadata.name ?? ''}/${annotation.key ?? ''}`;
    report(errors, `${at}.key`, key, labelKeyMessages(key));
    checkCelExpression(errors, `${at}.valueExpression`, annotation.valueExpression ?? '', admissionVariables);
  }
}

function validateMutatingPolicy(policy: KubeObject, errors: FieldErrors): void {
  const spec = policy.spec;
  checkPolicyHead(spec, true, errors);
  const mutations: Json[] = spec.mutations ?? [];
  if (mutations.length === 0) errors.required('spec.mutations', 'mutations must contain at least one item');
  for (const [index, mutation] of mutations.entries()) {
    const at = item('spec.mutations', index);
    const types: Readonly<Record<string, string>> = {
      ApplyConfiguration: 'applyConfiguration',
      JSONPatch: 'jsonPatch',
    };
    const type = mutation.patchType ?? '';
    const body = types[type];
    if (type === '') errors.required(`${at}.patchType`);
    else if (body === undefined) errors.notSupported(`${at}.patchType`, type, Object.keys(types));
    else if (mutation[body] === undefined)
      errors.required(`${at}.${body}`, `must be specified when patchType is ${type}`);
    else
      checkCelExpression(
        errors,
        `${at}.${body}.expression`,
        mutation[body].expression ?? '',
        admissionVariables,
      );
  }
  if (spec.reinvocationPolicy === undefined || spec.reinvocationPolicy === '')
    errors.required('spec.reinvocationPolicy');
  else if (!reinvocationPolicies.includes(spec.reinvocationPolicy)) {
    errors.notSupported('spec.reinvocationPolicy', spec.reinvocationPolicy, reinvocationPolicies);
  }
}

function checkParamRef(ref: Json, errors: FieldErrors): void {
  const at = 'spec.paramRef';
  const name = ref.name ?? '';
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') {
    report(errors, `${at}.name`, name, /^\.\.?$|[/%]/.test(name) ? dns1123SubdomainMessages(name) : []);
    if (ref.selector !== undefined) errors.forbidden(`${at}.name`, exclusive);
  }
  if (ref.selector !== undefined) {
    checkLabelSelector(errors, `${at}.selector`, ref.selector);
    if (name !== '') errors.forbidden(`${at}.selector`, exclusive);
  }
  if (name === '' && ref.selector === undefined)
    errors.required(at, 'one of name or selector must be specified');
  const action = ref.parameterNotFoundAction;
  if (action === undefined) errors.required(`${at}.parameterNotFoundAction`);
  else if (action !== 'Deny' && action !== 'Allow') {
    notSupportedInOrder(errors, `${at}.parameterNotFoundAction`, action, ['Deny', 'Allow']);
  }
}

function validateBinding(binding: KubeObject, errors: FieldErrors): void {
  const spec = binding.spec;
  if ((spec.policyName ?? '') === '') errors.required('spec.policyName');
  else checkSubdomain(errors, 'spec.policyName', spec.policyName);
  if (spec.paramRef !== undefined) checkParamRef(spec.paramRef, errors);
  if (spec.matchResources !== undefined) {
    checkMatchResources(spec.matchResources, 'spec.matchResources', errors);
    if (binding.kind === 'MutatingAdmissionPolicyBinding') {
      for (const verb of (spec.matchResources.resourceRules ?? []).flatMap(
        (rule: Json) => rule.operations ?? [],
      )) {
        if (!mutableOperations.includes(verb)) {
          errors.notSupported('spec.matchResources.resourceRules.operations', verb, mutableOperations);
        }
      }
    }
  }
  if (binding.kind !== 'ValidatingAdmissionPolicyBinding') return;
  const actions: string[] = spec.validationActions ?? [];
  if (actions.length === 0)
    errors.required('spec.validationActions', 'at least one validation action is required');
  const seen = new Set<string>();
  for (const [index, action] of actions.entries()) {
    const at = item('spec.validationActions', index);
    const known = ['Audit', 'Deny', 'Warn'];
    if (!known.includes(action)) errors.notSupported(at, action, known);
    if (seen.has(action)) errors.duplicate(at, action);
    seen.add(action);
  }
  if (seen.has('Deny') && seen.has('Warn')) {
    const why =
      'repeating the same validation failure information in the API response and headers serves no purpose';
    errors.invalid('spec.validationActions', actions, `must not contain both Deny and Warn (${why})`);
  }
}

const base = { apiVersion: 'admissionregistration.k8s.io/v1', namespaced: false, modelled: false } as const;

export const kinds: readonly KindDefinition[] = [
  {
    ...base,
    kind: 'MutatingWebhookConfiguration',
    resource: 'mutatingwebhookconfigurations',
    defaults: defaultWebhooks,
    validate: validateWebhooks,
  },
  {
    ...base,
    kind: 'ValidatingWebhookConfiguration',
    resource: 'validatingwebhookconfigurations',
    defaults: defaultWebhooks,
    validate: validateWebhooks,
  },
  {
    ...base,
    kind: 'ValidatingAdmissionPolicy',
    resource: 'validatingadmissionpolicies',
    defaults: defaultPolicy,
    validate: validateValidatingPolicy,
  },
  {
    ...base,
    kind: 'ValidatingAdmissionPolicyBinding',
    resource: 'validatingadmissionpolicybindings',
    defaults: defaultBinding,
    validate: validateBinding,
  },
  {
    ...base,
    kind: 'MutatingAdmissionPolicy',
    resource: 'mutatingadmissionpolicies',
    defaults: defaultPolicy,
    validate: validateMutatingPolicy,
  },
  {
    ...base,
    kind: 'MutatingAdmissionPolicyBinding',
    resource: 'mutatingadmissionpolicybindings',
    defaults: defaultBinding,
    validate: validateBinding,
  },
];
