// A Job's pod failure policy, success policy and pod replacement policy (pkg/apis/batch/validation, v1.36).
import { checkLabelKey, checkNonNegative } from './checks.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json } from './kind.ts';

const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const CONDITIONS_MAX = 20;
const INDEXES_LENGTH_MAX = 64 * 1024;

const quoted = (values: readonly string[]): string =>
  `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;

/** Required with the choices, or NotSupported. */
function checkChoice(errors: FieldErrors, field: string, value: Json, values: readonly string[]): void {
  if (text(value) === '') errors.required(field, `valid values: ${quoted(values)}`);
  else if (!values.includes(value)) errors.notSupported(field, value, values);
}

function checkExitCodes(
  errors: FieldErrors,
  at: string,
  requirement: Json,
  containers: readonly string[],
): void {
  checkChoice(errors, child(at, 'operator'), requirement.operator, ['In', 'NotIn']);
  const name = requirement.containerName;
  if (isSet(name) && !containers.includes(name)) {
    const message = 'must be one of the container or initContainer names in the pod template';
    errors.invalid(child(at, 'containerName'), name, message);
  }
  const values: number[] = list(requirement.values);
  const valuesAt = child(at, 'values');
  if (values.length === 0)
    errors.invalid(valuesAt, requirement.values ?? null, 'at least one value is required');
  else if (values.length > EXIT_CODES_MAX) errors.tooMany(valuesAt, values.length, EXIT_CODES_MAX);
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (requirement.operator === 'In' && value === 0) {
      errors.invalid(item(valuesAt, index), value, 'must not be 0 for the In operator');
    }
    if (seen.has(value)) errors.duplicate(item(valuesAt, index), value);
    seen.add(value);
  }
  if (values.some((value, index) => index > 0 && (values[index - 1] as number) > value)) {
    errors.invalid(valuesAt, values, 'must be ordered');
  }
}

function checkPodConditions(errors: FieldErrors, at: string, patterns: readonly Json[]): void {
  if (patterns.length > CONDITIONS_MAX) errors.tooMany(at, patterns.length, CONDITIONS_MAX);
  for (const [index, pattern] of patterns.entries()) {
    checkLabelKey(errors, child(item(at, index), 'type'), text(pattern.type));
    checkChoice(errors, child(item(at, index), 'status'), pattern.status, ['False', 'True', 'Unknown']);
  }
}

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

function checkFailureRule(
  errors: FieldErrors,
  at: string,
  rule: Json,
  spec: Json,
  containers: readonly string[],
): void {
  if (rule.action === 'FailIndex') {
    if (!isSet(spec.backoffLimitPerIndex)) {
      errors.invalid(child(at, 'action'), rule.action, 'requires the backoffLimitPerIndex to be set');
    }
  } else checkChoice(errors, child(at, 'action'), rule.action, ACTIONS);
  const conditions = list(rule.onPodConditions);
  if (isSet(rule.onExitCodes)) checkExitCodes(errors, child(at, 'onExitCodes'), rule.onExitCodes, containers);
  if (conditions.length > 0) checkPodConditions(errors, child(at, 'onPodConditions'), conditions);
  // These two errors name no value.
  const say = (message: string): void => errors.push(at, 'FieldValueInvalid', `Invalid value: ${message}`);
  if (isSet(rule.onExitCodes) && conditions.length > 0) {
    say('specifying both OnExitCodes and OnPodConditions is not supported');
  }
  if (!isSet(rule.onExitCodes) && conditions.length === 0) {
    say('specifying one of OnExitCodes and OnPodConditions is required');
  }
}

export function checkFailurePolicy(errors: FieldErrors, field: string, spec: Json): void {
  const rules = list(spec.podFailurePolicy.rules);
  const at = child(field, 'rules');
  if (rules.length > RULES_MAX) errors.tooMany(at, rules.length, RULES_MAX);
  const pod = spec.template.spec;
  const names = [...list(pod.containers), ...list(pod.initContainers)].map((container) =>
    text(container.name),
  );
  for (const [index, rule] of rules.entries()) checkFailureRule(errors, item(at, index), rule, spec, names);
}

/** Counts the indexes in `1,3-5`; throws with the server's text when the list is malformed. */
export function countIndexes(indexes: string, completions: number): number {
  if (indexes === '') return 0;
  const parse = (part: string): number => {
    if (!/^\d+$/.test(part))
      throw new RangeError(`cannot convert string to integer for index: ${JSON.stringify(part)}`);
    return Number(part);
  };
  let total = 0;
  let last: number | undefined;
  for (const interval of indexes.split(',')) {
    const limits = interval.split('-');
    if (limits.length > 2) {
      throw new RangeError(
        `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`,
      );
    }
    const start = parse(limits[0] as string);
    if (start >= completions) throw new RangeError(`too large index: ${JSON.stringify(limits[0])}`);
    if (last !== undefined && last >= start)
      throw new RangeError(`non-increasing order, previous: ${last}, current: ${start}`);
    let end = start;
    if (limits.length === 2) {
      end = parse(limits[1] as string);
      if (end >= completions) throw new RangeError(`too large index: ${JSON.stringify(limits[1])}`);
      if (start >= end) throw new RangeError(`non-increasing order, previous: ${start}, current: ${end}`);
    }
    total += end - start + 1;
    last = end;
  }
  return total;
}

function checkSuccessRule(errors: FieldErrors, at: string, rule: Json, completions: number): void {
  const { succeededIndexes: indexes, succeededCount: count } = rule;
  if (!isSet(indexes) && !isSet(count)) {
    errors.required(at, 'at least one of succeededCount or succeededIndexes must be specified');
  }
  let total = 0;
  if (isSet(indexes)) {
    const place = child(at, 'succeededIndexes');
    if (indexes.length > INDEXES_LENGTH_MAX) errors.tooLong(place, INDEXES_LENGTH_MAX);
    try {
      total = countIndexes(indexes, completions);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      errors.invalid(place, indexes, `error parsing succeededIndexes: ${error.message}`);
    }
  }
  if (!isSet(count)) return;
  const place = child(at, 'succeededCount');
  checkNonNegative(errors, place, count);
  if (count > completions) {
    errors.invalid(
      place,
      count,
      `must be less than or equal to ${completions} (the number of specified completions)`,
    );
  }
  if (isSet(indexes) && count > total) {
    const what = 'the number of indexes in the specified succeededIndexes field';
    errors.invalid(place, count, `must be less than or equal to ${total} (${what})`);
  }
}

export function checkSuccessPolicy(errors: FieldErrors, field: string, spec: Json): void {
  const rules = list(spec.successPolicy.rules);
  if (spec.completionMode !== 'Indexed') {
    const printed = {
      Rules: rules.map((rule) => ({
        SucceededIndexes: rule.succeededIndexes ?? null,
        SucceededCount: rule.succeededCount ?? null,
      })),
    };
    errors.invalid(field, printed, 'requires indexed completion mode');
    return;
  }
  const at = child(field, 'rules');
  if (rules.length === 0) {
    errors.required(at, 'at least one rules must be specified when the successPolicy is specified');
  }
  if (rules.length > RULES_MAX) errors.tooMany(at, rules.length, RULES_MAX);
  for (const [index, rule] of rules.entries())
    checkSuccessRule(errors, item(at, index), rule, spec.completions ?? 0);
}

/** With a failure policy pods are only replaced once they have failed. */
export function checkReplacementPolicy(errors: FieldErrors, field: string, spec: Json): void {
  const policy = spec.podReplacementPolicy;
  if (!isSet(policy)) return;
  const allowed = isSet(spec.podFailurePolicy) ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  if (!allowed.includes(policy)) errors.notSupported(field, policy, allowed);
}
