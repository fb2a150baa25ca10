// Checks that ReplicaSets, Deployments, DaemonSets, StatefulSets and ReplicationControllers share: selector, template,
// restart policy (pkg/apis/apps/validation/validation.go, v1.36).
import { checkLabelSelector, notSupportedInOrder } from './checks.ts';
import { child, type FieldErrors } from './field-errors.ts';
import { isSet, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { checkPodTemplate } from './podtemplate.ts';
import {
  isEmptySelector,
  isUsableSelector,
  printedSelector,
  selectorMatches,
  sortedMap,
} from './workload-selector.ts';

export const MISMATCH = '`selector` does not match template `labels`';

/** Workloads that run for ever restart their containers always, and have no deadline. */
export function checkAlwaysRestarts(errors: FieldErrors, field: string, spec: Json, owner: string): void {
  if (spec.restartPolicy !== 'Always') {
    notSupportedInOrder(errors, child(field, 'restartPolicy'), text(spec.restartPolicy), ['Always']);
  }
  if (isSet(spec.activeDeadlineSeconds)) {
    const message = `activeDeadlineSeconds in ${owner} is not Supported`;
    errors.forbidden(child(field, 'activeDeadlineSeconds'), message);
  }
}

/** The selector: required, well-formed, not empty. `emptyText` is what that kind says about an empty one. */
export function checkWorkloadSelector(
  errors: FieldErrors,
  field: string,
  selector: Json,
  emptyText: string,
): void {
  if (!isSet(selector)) {
    errors.required(field);
    return;
  }
  checkLabelSelector(errors, field, selector);
  if (isEmptySelector(selector)) errors.invalid(field, printedSelector(selector), emptyText);
}

/**
 * The template with its labels. `allowsEmpty`: whether a selector that matches everything is compared at all. Returns
 * false when the selector cannot be read; the template is not looked at then.
 */
export function checkSelectedTemplate(
  errors: FieldErrors,
  field: string,
  spec: Json,
  owner: string,
): boolean {
  if (isSet(spec.selector) && !isUsableSelector(spec.selector)) return false;
  checkLabelsSelected(errors, field, spec.selector, spec.template);
  checkPodTemplate(errors, field, spec.template);
  checkAlwaysRestarts(errors, child(field, 'spec'), spec.template.spec, owner);
  return true;
}

export function checkLabelsSelected(
  errors: FieldErrors,
  field: string,
  selector: Json,
  template: Json,
): void {
  const labels = template.metadata?.labels;
  const all = isSet(selector) && isEmptySelector(selector);
  if (!all && !selectorMatches(selector, labels)) {
    errors.invalid(`${field}.metadata.labels`, sortedMap(labels), MISMATCH);
  }
}
