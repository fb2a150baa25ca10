// Kinds of resource.k8s.io/v1 (dynamic resource allocation): pkg/apis/resource/v1/defaults.go and validation.go, v1.36.

import { checkCelExpression } from './cel-check.ts';
import { checkLabel1123, checkSubdomain } from './checks.ts';
import { checkFullName, checkLabelName, checkLabelValue } from './device-names.ts';
import { type FieldErrors, item } from './field-errors.ts';
import { list } from './field-lists.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { checkTemplateMetadata } from './metadata.ts';
import { labelKeyMessages } from './names.ts';
import { checkSet, TAINT_EFFECTS, validateSlice } from './resource-slice.ts';
import { checkCsiDriverName } from './volume-sources.ts';

const LIST_MAX = 32;
const ALTERNATIVES_MAX = 8;
const TOLERATIONS_MAX = 16;
const EXPRESSION_MAX = 10 * 1024;
const PARAMETERS_MAX = 10 * 1024;
const deviceVariables = ['device'];

function defaultRequest(request: Json): void {
  if ((request.allocationMode ?? '') === '') request.allocationMode = 'ExactCount';
  if (request.allocationMode === 'ExactCount' && (request.count ?? 0) === 0) request.count = 1;
  for (const toleration of request.tolerations ?? []) {
    if ((toleration.operator ?? '') === '') toleration.operator = 'Equal';
  }
}

function defaultClaimSpec(spec: Json): void {
  spec.devices ??= {};
  for (const request of spec.devices.requests ?? []) {
    if (request.exactly !== undefined) defaultRequest(request.exactly);
    for (const choice of request.firstAvailable ?? []) defaultRequest(choice);
  }
}

function defaultClaim(claim: KubeObject): void {
  claim.spec ??= {};
  defaultClaimSpec(claim.spec);
  claim.status = {};
}

function defaultTemplate(template: KubeObject): void {
  template.spec ??= {};
  template.spec.metadata ??= {};
  template.spec.spec ??= {};
  defaultClaimSpec(template.spec.spec);
}

function checkSelectors(selectors: readonly Json[], field: string, errors: FieldErrors): void {
  if (selectors.length > LIST_MAX) {
    errors.tooMany(field, selectors.length, LIST_MAX);
    return;
  }
  for (const [index, selector] of selectors.entries()) {
    const at = `${item(field, index)}.cel`;
    const expression: string = selector.cel?.expression ?? '';
    if (selector.cel === undefined) errors.required(at);
    else if (expression.length > EXPRESSION_MAX) errors.tooLong(`${at}.expression`, EXPRESSION_MAX);
    else checkCelExpression(errors, `${at}.expression`, expression, deviceVariables);
  }
}

function checkToleration(toleration: Json, field: string, errors: FieldErrors): void {
  const { key = '', operator, value = '', effect = '' } = toleration;
  if (key !== '') checkLabelName(errors, `${field}.key`, key);
  if (operator === 'Exists') {
    if (value !== '') errors.invalid(`${field}.value`, value, 'must be empty for operator `Exists`');
  } else if (operator === 'Equal') checkLabelValue(errors, `${field}.value`, value);
  else errors.notSupported(`${field}.operator`, operator, ['Equal', 'Exists']);
  if (effect !== '' && !TAINT_EFFECTS.includes(effect))
    errors.notSupported(`${field}.effect`, effect, TAINT_EFFECTS);
}

function checkRequest(request: Json, at: string, errors: FieldErrors): void {
  if ((request.deviceClassName ?? '') === '') errors.required(`${at}.deviceClassName`);
  else checkSubdomain(errors, `${at}.deviceClassName`, request.deviceClassName);
  checkSelectors(request.selectors ?? [], `${at}.selectors`, errors);
  const { allocationMode, count = 0, tolerations = [] } = request;
  if (allocationMode === 'All') {
    if (count !== 0)
      errors.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.invalid(`${at}.count`, count, 'must be greater than zero');
  } else errors.notSupported(`${at}.allocationMode`, allocationMode, ['All', 'ExactCount']);
  if (tolerations.length > TOLERATIONS_MAX)
    errors.tooMany(`${at}.tolerations`, tolerations.length, TOLERATIONS_MAX);
  else
    for (const [i, each] of tolerations.entries())
      checkToleration(each, item(`${at}.tolerations`, i), errors);
}

const nameOf = (each: Json): string => each.name ?? '';

function checkChoice(request: Json, at: string, errors: FieldErrors): void {
  checkLabel1123(errors, `${at}.name`, nameOf(request));
  const choices: readonly Json[] = list(request.firstAvailable);
  const rule = 'exactly one of `exactly` or `firstAvailable` is required';
  if (request.exactly !== undefined && choices.length > 0)
    errors.invalid(at, null, `${rule}, but multiple fields are set`);
  else if (request.exactly !== undefined) checkRequest(request.exactly, `${at}.exactly`, errors);
  else if (choices.length === 0) errors.required(at, rule);
  else
    checkSet(errors, `${at}.firstAvailable`, choices, ALTERNATIVES_MAX, nameOf, (choice, place) => {
      checkLabel1123(errors, `${place}.name`, nameOf(choice));
      checkRequest(choice, place, errors);
    });
}

function checkOpaque(config: Json, at: string, errors: FieldErrors): void {
  const { opaque } = config;
  if (opaque === undefined) {
    errors.required(`${at}.opaque`);
    return;
  }
  checkCsiDriverName(errors, `${at}.opaque.driver`, opaque.driver ?? '');
  const { parameters } = opaque;
  const field = `${at}.opaque.parameters`;
  if (parameters === undefined || parameters === null) errors.required(field);
  else if (JSON.stringify(parameters).length > PARAMETERS_MAX) errors.tooLong(field, PARAMETERS_MAX);
  else if (typeof parameters !== 'object' || Array.isArray(parameters))
    errors.invalid(field, '<value omitted>', 'must be a valid JSON object');
}

/** References to requests, or to alternatives of them by `request/alternative`. */
function checkReferences(
  requests: readonly Json[],
  field: string,
  names: readonly string[],
  errors: FieldErrors,
): void {
  const rule =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  checkSet(errors, field, names, LIST_MAX, String, (name: string, at) => {
    const [request = '', alternative, ...more] = name.split('/');
    if (more.length > 0) {
      errors.invalid(at, name, rule);
      return;
    }
    checkLabel1123(errors, at, request);
    if (alternative !== undefined) checkLabel1123(errors, at, alternative);
    const known = requests.some(
      (each) =>
        nameOf(each) === request &&
        (alternative === undefined ||
          (each.firstAvailable ?? []).some((choice: Json) => nameOf(choice) === alternative)),
    );
    if (!known) errors.invalid(at, name, rule);
  });
}

function checkClaimSpec(spec: Json, root: string, errors: FieldErrors): void {
  const field = `${root}.devices`;
  const requests = list(spec.devices.requests);
  checkSet(errors, `${field}.requests`, requests, LIST_MAX, nameOf, (request, at) =>
    checkChoice(request, at, errors),
  );
  const each = (name: string, all: readonly Json[], check: (one: Json, at: string) => void): void => {
    if (all.length > LIST_MAX) errors.tooMany(`${field}.${name}`, all.length, LIST_MAX);
    else for (const [i, one] of all.entries()) check(one, item(`${field}.${name}`, i));
  };
  each('constraints', list(spec.devices.constraints), (constraint, at) => {
    checkReferences(requests, `${at}.requests`, constraint.requests ?? [], errors);
    const { matchAttribute, distinctAttribute } = constraint;
    if (matchAttribute !== undefined) checkFullName(errors, `${at}.matchAttribute`, matchAttribute);
    else if (distinctAttribute !== undefined)
      checkFullName(errors, `${at}.distinctAttribute`, distinctAttribute);
    else
      errors.required(
        at,
        'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      );
  });
  each('config', list(spec.devices.config), (one, at) => {
    checkReferences(requests, `${at}.requests`, one.requests ?? [], errors);
    checkOpaque(one, at, errors);
  });
}

/** Names of extended resources: qualified, outside kubernetes.io, not a quota's `requests.…`. */
function isExtendedResourceName(name: string): boolean {
  const outside = name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.');
  return outside && labelKeyMessages(`requests.${name}`).length === 0;
}

function validateClass(deviceClass: KubeObject, errors: FieldErrors): void {
  const { selectors = [], config = [], extendedResourceName } = deviceClass.spec ?? {};
  checkSelectors(selectors, 'spec.selectors', errors);
  if (config.length > LIST_MAX) errors.tooMany('spec.config', config.length, LIST_MAX);
  else for (const [i, one] of config.entries()) checkOpaque(one, item('spec.config', i), errors);
  if (extendedResourceName !== undefined && !isExtendedResourceName(extendedResourceName)) {
    const detail = 'must be a valid extended resource name';
    errors.invalid('spec.extendedResourceName', extendedResourceName, detail);
  }
}

const base = { apiVersion: 'resource.k8s.io/v1', modelled: true } as const;

export const kinds: readonly KindDefinition[] = [
  {
    ...base,
    kind: 'DeviceClass',
    resource: 'deviceclasses',
    namespaced: false,
    defaults: (deviceClass) => {
      deviceClass.metadata.generation = 1;
    },
    validate: validateClass,
  },
  {
    ...base,
    kind: 'ResourceClaim',
    resource: 'resourceclaims',
    namespaced: true,
    defaults: defaultClaim,
    validate: (claim, errors) => checkClaimSpec(claim.spec, 'spec', errors),
  },
  {
    ...base,
    kind: 'ResourceClaimTemplate',
    resource: 'resourceclaimtemplates',
    namespaced: true,
    defaults: defaultTemplate,
    validate: (template, errors) => {
      checkTemplateMetadata(errors, 'spec.metadata', template['spec'].metadata);
      checkClaimSpec(template['spec'].spec, 'spec.spec', errors);
    },
  },
  {
    ...base,
    kind: 'ResourceSlice',
    resource: 'resourceslices',
    namespaced: false,
    defaults: (slice) => {
      slice.metadata.generation = 1;
    },
    validate: validateSlice,
  },
];
