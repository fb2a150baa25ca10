// What a pod asks of the scheduler: affinity, tolerations, topology spread, gates (pkg/apis/core/validation, v1.36).
import { checkLabelKey, checkLabelSelector, notSupportedInOrder, report } from './checks.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { dns1123LabelMessages, dns1123SubdomainMessages, labelValueMessages } from './names.ts';

/** `lax`: preferred terms may name label values that no node can have. */
function checkNodeRequirement(errors: FieldErrors, at: string, requirement: Json, lax: boolean): void {
  const values = list(requirement.values);
  switch (requirement.operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        errors.required(child(at, 'values'), "must be specified when `operator` is 'In' or 'NotIn'");
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.forbidden(
          child(at, 'values'),
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.required(
          child(at, 'values'),
          "must be specified single value when `operator` is 'Lt' or 'Gt'",
        );
      }
      break;
    default:
      errors.invalid(child(at, 'operator'), text(requirement.operator), 'not a valid selector operator');
  }
  checkLabelKey(errors, child(at, 'key'), text(requirement.key));
  if (lax) return;
  for (const [index, value] of values.entries()) {
    report(errors, item(child(at, 'values'), index), value, labelValueMessages(value));
  }
}

function checkNodeField(errors: FieldErrors, at: string, requirement: Json): void {
  const values = list(requirement.values);
  if (requirement.operator === 'In' || requirement.operator === 'NotIn') {
    if (values.length !== 1) {
      const message = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
      errors.required(child(at, 'values'), message);
    }
  } else errors.invalid(child(at, 'operator'), text(requirement.operator), 'not a valid selector operator');
  if (requirement.key !== 'metadata.name') {
    errors.invalid(child(at, 'key'), text(requirement.key), 'not a valid field selector key');
    return;
  }
  for (const [index, value] of values.entries()) {
    report(errors, item(child(at, 'values'), index), value, dns1123SubdomainMessages(value));
  }
}

function checkNodeTerm(errors: FieldErrors, at: string, term: Json, lax: boolean): void {
  for (const [index, requirement] of list(term?.matchExpressions).entries()) {
    checkNodeRequirement(errors, item(child(at, 'matchExpressions'), index), requirement, lax);
  }
  for (const [index, requirement] of list(term?.matchFields).entries()) {
    checkNodeField(errors, item(child(at, 'matchFields'), index), requirement);
  }
}

const weightMessage = 'must be in the range 1-100';
const badWeight = (weight: Json): boolean => (weight ?? 0) <= 0 || weight > 100;

function checkNodeAffinity(errors: FieldErrors, at: string, affinity: Json): void {
  const required = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  if (isSet(required)) {
    const place = child(at, 'requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms');
    const terms = list(required.nodeSelectorTerms);
    if (terms.length === 0) errors.required(place, 'must have at least one node selector term');
    for (const [index, term] of terms.entries()) checkNodeTerm(errors, item(place, index), term, false);
  }
  for (const [index, term] of list(affinity.preferredDuringSchedulingIgnoredDuringExecution).entries()) {
    const place = item(child(at, 'preferredDuringSchedulingIgnoredDuringExecution'), index);
    if (badWeight(term.weight)) errors.invalid(child(place, 'weight'), term.weight ?? 0, weightMessage);
    checkNodeTerm(errors, child(place, 'preference'), term.preference, true);
  }
}

function checkMatchLabelKeys(errors: FieldErrors, at: string, term: Json): void {
  const selector = term.labelSelector;
  for (const key of ['matchLabelKeys', 'mismatchLabelKeys'] as const) {
    const keys = list(term[key]);
    if (keys.length === 0) continue;
    const place = child(at, key);
    if (!isSet(selector)) {
      errors.forbidden(place, 'must not be specified when labelSelector is not set');
      continue;
    }
    for (const [index, label] of keys.entries()) checkLabelKey(errors, item(place, index), label);
  }
  if (isSet(selector)) {
    const given = list(term.matchLabelKeys);
    const known = new Set(Object.keys(selector.matchLabels ?? {}));
    for (const expression of list(selector.matchExpressions)) {
      const index = given.lastIndexOf(expression.key);
      if (index >= 0 && known.has(expression.key)) {
        errors.invalid(item(at, index), expression.key, 'exists in both matchLabelKeys and labelSelector');
      }
      known.add(expression.key);
    }
  }
  for (const [index, label] of list(term.matchLabelKeys).entries()) {
    if (list(term.mismatchLabelKeys).includes(label)) {
      const place = item(child(at, 'matchLabelKeys'), index);
      errors.invalid(place, label, 'exists in both matchLabelKeys and mismatchLabelKeys');
    }
  }
}

function checkPodTerm(errors: FieldErrors, at: string, term: Json): void {
  checkLabelSelector(errors, child(at, 'labelSelector'), term.labelSelector);
  checkLabelSelector(errors, child(at, 'namespaceSelector'), term.namespaceSelector);
  for (const name of list(term.namespaces))
    report(errors, child(at, 'namespace'), name, dns1123LabelMessages(name));
  checkMatchLabelKeys(errors, at, term);
  const key = text(term.topologyKey);
  if (key === '') errors.required(child(at, 'topologyKey'), 'can not be empty');
  checkLabelKey(errors, child(at, 'topologyKey'), key);
}

function checkPodAffinity(errors: FieldErrors, at: string, affinity: Json): void {
  for (const [index, term] of list(affinity.requiredDuringSchedulingIgnoredDuringExecution).entries()) {
    checkPodTerm(errors, item(child(at, 'requiredDuringSchedulingIgnoredDuringExecution'), index), term);
  }
  for (const [index, term] of list(affinity.preferredDuringSchedulingIgnoredDuringExecution).entries()) {
    const place = item(child(at, 'preferredDuringSchedulingIgnoredDuringExecution'), index);
    if (badWeight(term.weight)) errors.invalid(child(place, 'weight'), term.weight ?? 0, weightMessage);
    checkPodTerm(errors, child(place, 'podAffinityTerm'), term.podAffinityTerm ?? {});
  }
}

export function checkAffinity(errors: FieldErrors, at: string, affinity: Json): void {
  if (!isSet(affinity)) return;
  if (isSet(affinity.nodeAffinity))
    checkNodeAffinity(errors, child(at, 'nodeAffinity'), affinity.nodeAffinity);
  for (const key of ['podAffinity', 'podAntiAffinity'] as const) {
    if (isSet(affinity[key])) checkPodAffinity(errors, child(at, key), affinity[key]);
  }
}

export function checkTolerations(errors: FieldErrors, field: string, tolerations: Json): void {
  for (const [index, toleration] of list(tolerations).entries()) {
    const at = item(field, index);
    const key = text(toleration.key);
    const operator = text(toleration.operator);
    const value = text(toleration.value);
    const effect = text(toleration.effect);
    if (key !== '') checkLabelKey(errors, child(at, 'key'), key);
    else if (operator !== 'Exists') {
      const message =
        'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.invalid(child(at, 'operator'), operator, message);
    }
    if (isSet(toleration.tolerationSeconds) && effect !== 'NoExecute') {
      errors.invalid(
        child(at, 'effect'),
        effect,
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      );
    }
    if (operator === '' || operator === 'Equal') {
      const messages = labelValueMessages(value);
      if (messages.length > 0) errors.invalid(child(at, 'operator'), value, messages.join(';'));
    } else if (operator === 'Exists') {
      if (value !== '')
        errors.invalid(child(at, 'operator'), value, "value must be empty when `operator` is 'Exists'");
    } else notSupportedInOrder(errors, child(at, 'operator'), operator, ['Equal', 'Exists']);
    const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
    if (effect !== '' && !effects.includes(effect))
      notSupportedInOrder(errors, child(at, 'effect'), effect, effects);
  }
}

function checkSpreadKeys(errors: FieldErrors, field: string, constraint: Json): void {
  const keys = list(constraint.matchLabelKeys);
  if (keys.length === 0) return;
  const selector = constraint.labelSelector;
  if (!isSet(selector)) errors.forbidden(field, 'must not be specified when labelSelector is not set');
  const known = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const expression of list(selector?.matchExpressions)) known.add(expression.key);
  for (const [index, key] of keys.entries()) {
    checkLabelKey(errors, item(field, index), key);
    // A real pod's keys have been merged into its selector by then; a template's have not.
    const merged = list(selector?.matchExpressions).some((e) => e.key === key && e.operator === 'In');
    if (known.has(key) && !merged) {
      errors.invalid(item(field, index), key, 'exists in both matchLabelKeys and labelSelector');
    }
  }
}

export function checkTopologySpread(errors: FieldErrors, field: string, constraints: Json): void {
  const all = list(constraints);
  for (const [index, constraint] of all.entries()) {
    const at = item(field, index);
    const { maxSkew = 0, minDomains } = constraint;
    const key = text(constraint.topologyKey);
    const action = text(constraint.whenUnsatisfiable);
    if (maxSkew <= 0) errors.invalid(child(at, 'maxSkew'), maxSkew, 'must be greater than zero');
    if (key === '') errors.required(child(at, 'topologyKey'), 'can not be empty');
    const actions = ['DoNotSchedule', 'ScheduleAnyway'];
    if (!actions.includes(action)) errors.notSupported(child(at, 'whenUnsatisfiable'), action, actions);
    const again = all.slice(index + 1).some((c) => c.topologyKey === key && c.whenUnsatisfiable === action);
    if (again) errors.duplicate(child(at, '{topologyKey, whenUnsatisfiable}'), `{${key}, ${action}}`);
    if (isSet(minDomains)) {
      if (minDomains <= 0) errors.invalid(child(at, 'minDomains'), minDomains, 'must be greater than zero');
      if (action !== 'DoNotSchedule') {
        const message = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`;
        errors.invalid(child(at, 'minDomains'), minDomains, message);
      }
    }
    for (const policy of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const value = constraint[policy];
      if (isSet(value) && value !== 'Honor' && value !== 'Ignore') {
        errors.notSupported(child(at, policy), value, ['Honor', 'Ignore']);
      }
    }
    checkSpreadKeys(errors, child(at, 'matchLabelKeys'), constraint);
    checkLabelSelector(errors, child(at, 'labelSelector'), constraint.labelSelector);
  }
}

export function checkSchedulingGates(errors: FieldErrors, field: string, gates: Json): void {
  const seen = new Set<string>();
  for (const [index, gate] of list(gates).entries()) {
    const name = text(gate.name);
    checkLabelKey(errors, item(field, index), name);
    if (seen.has(name)) errors.duplicate(item(field, index), name);
    seen.add(name);
  }
}

/** Adds a requirement for each key whose value the pod has: what matchLabelKeys means. */
function mergeKeys(
  selector: Json,
  keys: Json,
  operator: 'In' | 'NotIn',
  labels: Record<string, string>,
): void {
  if (!isSet(selector)) return;
  for (const key of list(keys)) {
    const value = labels[key];
    if (value === undefined) continue;
    selector.matchExpressions ??= [];
    selector.matchExpressions.push({ key, operator, values: [value] });
  }
}

/** What the pod strategy does with matchLabelKeys before it validates (mutatePodAffinity, mutateTopologySpread…). */
export function mergeMatchLabelKeys(spec: Json, labels: Record<string, string>): void {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const affinity = spec.affinity?.[kind];
    if (!isSet(affinity)) continue;
    const terms = [
      ...list(affinity.requiredDuringSchedulingIgnoredDuringExecution),
      ...list(affinity.preferredDuringSchedulingIgnoredDuringExecution).map(
        (weighted) => weighted.podAffinityTerm,
      ),
    ];
    for (const term of terms) {
      mergeKeys(term?.labelSelector, term?.matchLabelKeys, 'In', labels);
      mergeKeys(term?.labelSelector, term?.mismatchLabelKeys, 'NotIn', labels);
    }
  }
  for (const constraint of list(spec.topologySpreadConstraints)) {
    mergeKeys(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels);
  }
}
