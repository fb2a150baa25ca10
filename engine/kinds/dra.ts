// Kinds of resource.k8s.io/v1 (dynamic resource allocation): pkg/apis/resource/v1/defaults.go and validation.go, v1.36.

import { checkCelExpression } from './cel-check.ts';
import { checkLabel1123, checkSubdomain, notSupportedInOrder } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { labelKeyMessages } from './names.ts';
import { checkCsiDriverName } from './volume-sources.ts';

const selectorsMax = 32;
const requestsMax = 32;
const tolerationEffects = ['NoSchedule', 'NoExecute', 'None'];
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
  if (selectors.length > selectorsMax) errors.tooMany(field, selectors.length, selectorsMax);
  for (const [index, selector] of selectors.entries()) {
    const at = item(field, index);
    if (selector.cel === undefined) errors.required(`${at}.cel`);
    else checkCelExpression(errors, `${at}.cel.expression`, selector.cel.expression ?? '', deviceVariables);
  }
}

function checkRequest(request: Json, at: string, errors: FieldErrors): void {
  if ((request.deviceClassName ?? '') === '') errors.required(`${at}.deviceClassName`);
  else checkSubdomain(errors, `${at}.deviceClassName`, request.deviceClassName);
  checkSelectors(request.selectors ?? [], `${at}.selectors`, errors);
  const { allocationMode, count } = request;
  if (allocationMode === 'All') {
    if ((count ?? 0) !== 0) {
      errors.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'");
    }
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.invalid(`${at}.count`, count, 'must be greater than zero');
  } else notSupportedInOrder(errors, `${at}.allocationMode`, allocationMode, ['All', 'ExactCount']);
  for (const [index, { key = '', operator, value = '', effect = '' }] of (
    request.tolerations ?? []
  ).entries()) {
    const field = item(`${at}.tolerations`, index);
    if (key !== '') for (const message of labelKeyMessages(key)) errors.invalid(`${field}.key`, key, message);
    if (operator === 'Exists') {
      if (value !== '') errors.invalid(`${field}.value`, value, 'must be empty for operator `Exists`');
    } else if (operator === 'Equal') {
      if (key === '') errors.required(`${field}.key`);
    } else notSupportedInOrder(errors, `${field}.operator`, operator, ['Equal', 'Exists']);
    if (effect !== '' && !tolerationEffects.includes(effect)) {
      notSupportedInOrder(errors, `${field}.effect`, effect, tolerationEffects);
    }
  }
}

function checkClaimSpec(spec: Json, root: string, errors: FieldErrors): void {
  const field = `${root}.devices`;
  const requests: Json[] = spec.devices.requests ?? [];
  if (requests.length > requestsMax) errors.tooMany(`${field}.requests`, requests.length, requestsMax);
  const names = new Set<string>();
  for (const [index, request] of requests.entries()) {
    const at = item(`${field}.requests`, index);
    const name = request.name ?? '';
    if (name === '') errors.required(`${at}.name`);
    else checkLabel1123(errors, `${at}.name`, name);
    if (names.has(name)) errors.duplicate(at, name);
    names.add(name);
    const choices: Json[] = request.firstAvailable ?? [];
    const both = 'exactly one of `exactly` or `firstAvailable` is required';
    if (request.exactly !== undefined && choices.length > 0)
      errors.invalid(at, null, `${both}, but multiple fields are set`);
    else if (request.exactly !== undefined) checkRequest(request.exactly, `${at}.exactly`, errors);
    else if (choices.length > 0) {
      for (const [k, choice] of choices.entries()) {
        const inner = item(`${at}.firstAvailable`, k);
        if ((choice.name ?? '') === '') errors.required(`${inner}.name`);
        else checkLabel1123(errors, `${inner}.name`, choice.name);
        checkRequest(choice, inner, errors);
      }
    } else errors.required(at, both);
  }
  const checkNames = (list: readonly string[], at: string): void => {
    for (const [index, name] of list.entries()) {
      if (!names.has(name.split('/')[0] as string)) {
        const detail =
          "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
        errors.invalid(item(at, index), name, detail);
      }
    }
  };
  for (const [index, constraint] of (spec.devices.constraints ?? []).entries()) {
    const at = item(`${field}.constraints`, index);
    checkNames(constraint.requests ?? [], `${at}.requests`);
    if (constraint.matchAttribute === undefined && constraint.distinctAttribute === undefined) {
      errors.required(`${at}.matchAttribute`);
    }
  }
  for (const [index, config] of (spec.devices.config ?? []).entries()) {
    const at = item(`${field}.config`, index);
    checkNames(config.requests ?? [], `${at}.requests`);
    if (config.opaque === undefined) errors.required(`${at}.opaque`);
    else checkCsiDriverName(errors, `${at}.opaque.driver`, config.opaque.driver ?? '');
  }
}

/** Names of extended resources: qualified, outside kubernetes.io, not a quota's `requests.…`. */
function isExtendedResourceName(name: string): boolean {
  const outside = name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.');
  return outside && labelKeyMessages(`requests.${name}`).length === 0;
}

function validateClass(deviceClass: KubeObject, errors: FieldErrors): void {
  const { selectors = [], config = [], extendedResourceName } = deviceClass.spec ?? {};
  checkSelectors(selectors, 'spec.selectors', errors);
  for (const [index, { opaque }] of config.entries()) {
    const at = item('spec.config', index);
    if (opaque === undefined) errors.required(`${at}.opaque`);
    else checkCsiDriverName(errors, `${at}.opaque.driver`, opaque.driver ?? '');
  }
  if (extendedResourceName !== undefined && !isExtendedResourceName(extendedResourceName)) {
    const detail = 'must be a valid extended resource name';
    errors.invalid('spec.extendedResourceName', extendedResourceName, detail);
  }
}

function validateSlice(slice: KubeObject, errors: FieldErrors): void {
  const spec = slice.spec ?? {};
  const places = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'];
  const given = places.filter(
    (place) => spec[place] !== undefined && spec[place] !== false && spec[place] !== '',
  );
  const rule = `exactly one of \`${places.slice(0, -1).join('`, `')}\`, or \`${places.at(-1)}\` is required`;
  if (given.length === 0) errors.required('spec', rule);
  else if (given.length > 1)
    errors.invalid('spec', `{${given.map((place) => `\`${place}\``).join(', ')}}`, rule);
  if (spec.nodeName !== undefined && spec.nodeName !== '')
    checkSubdomain(errors, 'spec.nodeName', spec.nodeName);
  checkCsiDriverName(errors, 'spec.driver', spec.driver ?? '');
  if ((spec.pool?.name ?? '') === '') errors.required('spec.pool.name');
  if ((spec.pool?.resourceSliceCount ?? 0) <= 0) {
    errors.invalid(
      'spec.pool.resourceSliceCount',
      spec.pool?.resourceSliceCount ?? 0,
      'must be greater than zero',
    );
  }
  const names = new Set<string>();
  for (const [index, device] of (spec.devices ?? []).entries()) {
    const at = item('spec.devices', index);
    const name = device.name ?? '';
    if (name === '') errors.required(`${at}.name`);
    else checkLabel1123(errors, `${at}.name`, name);
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
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
    validate: (template, errors) => checkClaimSpec(template.spec.spec, 'spec.spec', errors),
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
