// ResourceSlices: what their devices may say (pkg/apis/resource/validation/validation.go validateResourceSliceSpec and
// below, v1.36). Maps are gone through in the order of their keys; the server's order is that of a Go map.
import { checkLabel1123, checkNodeSelector, checkSubdomain, sortedKeys } from './checks.ts';
import {
  checkLabelName,
  checkLabelValue,
  checkPoolName,
  checkQualifiedName,
  shortKey,
} from './device-names.ts';
import { entry, type FieldErrors, item } from './field-errors.ts';
import { isSet, list } from './field-lists.ts';
import type { Json, KubeObject } from './kind.ts';
import { compareQuantities, quantityValue, sumQuantities } from './quantity.ts';
import { checkCsiDriverName } from './volume-sources.ts';

const DEVICES_MAX = 128;
const DEVICES_MAX_TAINTED = 64;
const VALUES_MAX = 32;
const VALUE_LENGTH_MAX = 64;
const TAINTS_MAX = 16;
const COUNTER_SETS_MAX = 8;
const COUNTERS_MAX = 32;
const CONSUMED_SETS_MAX = 2;
const OPTIONS_MAX = 10;
const CONDITIONS_MAX = 4;
export const TAINT_EFFECTS = ['NoSchedule', 'NoExecute', 'None'];

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

/** Too many is the whole answer; then each item, then those that come twice. */
export function checkSet(
  errors: FieldErrors,
  field: string,
  items: readonly Json[],
  max: number,
  keyOf: (each: Json) => string,
  check: (each: Json, at: string) => void,
): void {
  if (items.length > max) {
    errors.tooMany(field, items.length, max);
    return;
  }
  for (const [i, each] of items.entries()) check(each, item(field, i));
  const seen = new Set<string>();
  for (const [i, each] of items.entries()) {
    const key = keyOf(each);
    if (seen.has(key)) errors.duplicate(item(field, i), key);
    seen.add(key);
  }
}

/** One of the ways to say for which nodes something is: texts of those that were chosen. */
function placesOf(errors: FieldErrors, at: string, spec: Json, ofDevice: boolean): string[] {
  const chosen: string[] = [];
  const { nodeName, nodeSelector, allNodes, perDeviceNodeSelection } = spec;
  if (nodeName !== undefined) {
    if (nodeName === '')
      errors.invalid(
        `${at}.nodeName`,
        '',
        ofDevice ? 'must not be empty' : 'must be either unset or set to a non-empty string',
      );
    else {
      chosen.push('`nodeName`');
      checkSubdomain(errors, `${at}.nodeName`, nodeName);
    }
  }
  if (nodeSelector !== undefined) {
    chosen.push('`nodeSelector`');
    checkNodeSelector(errors, `${at}.nodeSelector`, nodeSelector);
    const terms = nodeSelector.nodeSelectorTerms ?? null;
    if (!ofDevice && (terms?.length ?? 0) !== 1)
      errors.invalid(
        `${at}.nodeSelector.nodeSelectorTerms`,
        terms,
        'must have exactly one node selector term',
      );
  }
  const flags = { allNodes, ...(ofDevice ? {} : { perDeviceNodeSelection }) };
  for (const [name, value] of Object.entries(flags)) {
    if (value === true) chosen.push(`\`${name}\``);
    else if (value === false) errors.invalid(`${at}.${name}`, false, 'must be either unset or set to true');
  }
  return chosen;
}

function checkAttribute(errors: FieldErrors, at: string, attribute: Json): void {
  const given = ['bool', 'int', 'string', 'version'].filter((type) => attribute[type] !== undefined);
  const { string, version } = attribute;
  if (string?.length > VALUE_LENGTH_MAX) errors.tooLong(`${at}.string`, VALUE_LENGTH_MAX);
  if (version !== undefined) {
    if (!SEMVER.test(version))
      errors.invalid(`${at}.version`, version, 'must be a string compatible with semver.org spec 2.0.0');
    if (version.length > VALUE_LENGTH_MAX) errors.tooLong(`${at}.version`, VALUE_LENGTH_MAX);
  }
  if (given.length !== 1)
    errors.invalid(at, given.length === 0 ? '' : attribute, 'exactly one value must be specified');
}

function checkStep(errors: FieldErrors, at: string, value: Json, { min, step }: Json): void {
  const stepValue = quantityValue(step);
  if (stepValue === 0 || (quantityValue(value) - quantityValue(min)) % stepValue === 0) return;
  errors.invalid(at, String(value), `value is not a multiple of a given step (${step}) from (${min})`);
}

function checkRange(errors: FieldErrors, at: string, value: Json, normal: Json, range: Json): void {
  const { min, max, step } = range;
  if (!isSet(min)) {
    errors.required(`${at}.min`, 'required when validRange is defined');
    return;
  }
  const larger = `is larger than capacity value: ${value}`;
  if (compareQuantities(min, value) > 0) errors.invalid(`${at}.min`, min, `min ${larger}`);
  if (compareQuantities(normal, min) < 0)
    errors.invalid(`${at}.min`, normal, `default is less than min: ${min}`);
  if (isSet(max)) {
    if (compareQuantities(min, max) > 0) errors.invalid(`${at}.max`, min, `min is larger than max: ${max}`);
    if (compareQuantities(max, value) > 0) errors.invalid(`${at}.max`, max, `max ${larger}`);
    if (compareQuantities(normal, max) > 0)
      errors.invalid(`${at}.max`, normal, `default is more than max: ${max}`);
  }
  if (!isSet(step)) return;
  const added = sumQuantities([min, step]);
  if (compareQuantities(added, value) > 0) errors.invalid(`${at}.step`, step, `one step ${added} ${larger}`);
  checkStep(errors, `${at}.step`, normal, range);
  if (isSet(max)) checkStep(errors, `${at}.step`, max, range);
}

function checkOptions(
  errors: FieldErrors,
  at: string,
  value: Json,
  normal: Json,
  options: readonly Json[],
): void {
  for (let i = 1; i < options.length; i++)
    if (compareQuantities(options[i - 1], options[i]) > 0)
      errors.invalid(item(at, i), options[i], 'values must be sorted in ascending order');
  const keyOf = (option: Json): string => String(quantityValue(option));
  checkSet(errors, at, options, OPTIONS_MAX, keyOf, (option, place) => {
    if (compareQuantities(option, value) > 0)
      errors.invalid(place, option, `option is larger than capacity value: ${value}`);
  });
  const isAmong =
    options.length <= OPTIONS_MAX && options.some((option) => compareQuantities(option, normal) === 0);
  if (!isAmong) errors.invalid(at, normal, 'default value is not valid according to the requestPolicy');
}

function checkCapacity(
  errors: FieldErrors,
  at: string,
  { value, requestPolicy }: Json,
  shared: boolean,
): void {
  if (!isSet(requestPolicy)) return;
  const field = `${at}.requestPolicy`;
  if (!shared) {
    errors.forbidden(field, 'allowMultipleAllocations must be true');
    return;
  }
  const { validRange, default: normal } = requestPolicy;
  const validValues = list(requestPolicy.validValues);
  if (validValues.length > 0 && isSet(validRange)) {
    const rule =
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    errors.forbidden(field, rule);
    return;
  }
  const kind = validValues.length > 0 ? 'validValues' : !isSet(validRange) ? null : 'validRange';
  if (kind === null) return;
  if (!isSet(normal)) errors.required(`${field}.default`, `required when ${kind} is defined`);
  else if (kind === 'validValues') checkOptions(errors, `${field}.validValues`, value, normal, validValues);
  else checkRange(errors, `${field}.validRange`, value, normal, validRange);
}

function checkTaint(errors: FieldErrors, at: string, { key = '', value = '', effect = '' }: Json): void {
  checkLabelName(errors, `${at}.key`, key);
  if (value !== '') checkLabelValue(errors, `${at}.value`, value);
  if (effect === '') errors.required(`${at}.effect`);
  else if (!TAINT_EFFECTS.includes(effect)) errors.notSupported(`${at}.effect`, effect, TAINT_EFFECTS);
}

/** A set of counters, or what is consumed of one; `named`: the field with the name of the set. */
function checkCounters(errors: FieldErrors, at: string, set: Json, named: 'name' | 'counterSet'): void {
  const name = set[named] ?? '';
  if (name === '') errors.required(`${at}.${named}`);
  else checkLabel1123(errors, `${at}.${named}`, name);
  const counters = sortedKeys(set.counters);
  if (counters.length === 0) errors.required(`${at}.counters`);
  else if (counters.length > COUNTERS_MAX) errors.tooMany(`${at}.counters`, counters.length, COUNTERS_MAX);
  else for (const counter of counters) checkLabel1123(errors, entry(`${at}.counters`, counter), counter);
}

function checkConditions(errors: FieldErrors, at: string, device: Json): void {
  const conditions: readonly string[] = device.bindingConditions ?? [];
  const failures: readonly string[] = device.bindingFailureConditions ?? [];
  const lists = { bindingConditions: conditions, bindingFailureConditions: failures };
  for (const [name, list] of Object.entries(lists)) {
    const field = `${at}.${name}`;
    if (list.length > CONDITIONS_MAX) errors.tooMany(field, list.length, CONDITIONS_MAX);
    else for (const [i, each] of list.entries()) checkLabelName(errors, item(field, i), each);
  }
  for (const [name, list] of Object.entries(lists))
    for (const [i, each] of list.entries()) {
      const place = item(`${at}.${name}`, i);
      if (list.indexOf(each) < i) errors.duplicate(place, each);
      if (list === failures && conditions.includes(each))
        errors.invalid(place, each, 'bindingFailureConditions must not overlap with bindingConditions');
    }
  if (conditions.length === 0 && failures.length > 0)
    errors.invalid(
      `${at}.bindingConditions`,
      device.bindingConditions ?? null,
      'bindingConditions are required to use bindingFailureConditions',
    );
  if (failures.length === 0 && conditions.length > 0)
    errors.invalid(
      `${at}.bindingFailureConditions`,
      device.bindingFailureConditions ?? null,
      'bindingFailureConditions are required to use bindingConditions',
    );
}

function checkPlace(errors: FieldErrors, at: string, device: Json, perDevice: boolean): void {
  if (!perDevice) {
    const isPlaced = ['nodeName', 'nodeSelector', 'allNodes'].some((field) => device[field] !== undefined);
    const rule =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    if (isPlaced) errors.invalid(at, null, rule);
    return;
  }
  const places = placesOf(errors, at, device, true);
  const rule =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (places.length === 0) errors.required(at, rule);
  else if (places.length > 1) errors.invalid(at, `{${places.join(', ')}}`, rule);
}

function checkDevice(errors: FieldErrors, at: string, device: Json, perDevice: boolean): void {
  checkLabel1123(errors, `${at}.name`, device.name ?? '');
  const attributes = sortedKeys(device.attributes);
  const capacities = sortedKeys(device.capacity);
  const values = attributes.length + capacities.length;
  if (values > VALUES_MAX)
    errors.invalid(at, values, `the total number of attributes and capacities must not exceed ${VALUES_MAX}`);
  for (const name of attributes) {
    const place = entry(`${at}.attributes`, shortKey(name));
    checkQualifiedName(errors, place, name);
    checkAttribute(errors, place, device.attributes[name]);
  }
  for (const name of capacities) {
    const place = entry(`${at}.capacity`, shortKey(name));
    checkQualifiedName(errors, place, name);
    checkCapacity(errors, place, device.capacity[name], device.allowMultipleAllocations === true);
  }
  const taints = list(device.taints);
  if (taints.length > TAINTS_MAX) errors.tooMany(`${at}.taints`, taints.length, TAINTS_MAX);
  else for (const [i, taint] of taints.entries()) checkTaint(errors, item(`${at}.taints`, i), taint);
  checkSet(
    errors,
    `${at}.consumesCounters`,
    list(device.consumesCounters),
    CONSUMED_SETS_MAX,
    ({ counterSet = '' }) => counterSet,
    (each, place) => checkCounters(errors, place, each, 'counterSet'),
  );
  checkPlace(errors, at, device, perDevice);
  checkConditions(errors, at, device);
}

export function validateSlice(slice: KubeObject, errors: FieldErrors): void {
  const spec = slice['spec'] ?? {};
  checkCsiDriverName(errors, 'spec.driver', spec.driver ?? '');
  const { name = '', resourceSliceCount = 0, generation = 0 } = spec.pool ?? {};
  checkPoolName(errors, 'spec.pool.name', name);
  if (resourceSliceCount <= 0)
    errors.invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero');
  if (generation < 0)
    errors.invalid('spec.pool.generation', generation, 'must be greater than or equal to zero');
  const places = placesOf(errors, 'spec', spec, false);
  const rule = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (places.length === 0) errors.required('spec', rule);
  else if (places.length > 1)
    errors.invalid('spec', `{${places.join(', ')}}`, `${rule}, but multiple fields are set`);
  if (spec.sharedCounters !== undefined && spec.devices !== undefined)
    errors.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed');
  const devices = list(spec.devices);
  const isSmall = devices.some(
    (each) => list(each.taints).length > 0 || list(each.consumesCounters).length > 0,
  );
  const max = isSmall ? DEVICES_MAX_TAINTED : DEVICES_MAX;
  const nameOf = (each: Json): string => each.name ?? '';
  checkSet(errors, 'spec.devices', devices, max, nameOf, (device, at) =>
    checkDevice(errors, at, device, spec.perDeviceNodeSelection === true),
  );
  checkSet(errors, 'spec.sharedCounters', list(spec.sharedCounters), COUNTER_SETS_MAX, nameOf, (set, at) =>
    checkCounters(errors, at, set, 'name'),
  );
}
