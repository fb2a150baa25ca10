// HorizontalPodAutoscaler (autoscaling/v1 and v2): pkg/apis/autoscaling/v2/defaults.go and validation.go, v1.36.
import { checkLabelSelector, notSupportedInOrder, omitEmpty, report } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { pathSegmentMessages } from './names.ts';
import { compareQuantities } from './quantity.ts';

/** Longest policy period and stabilisation window, in seconds. */
const periodSecondsMax = 1800;
const windowSecondsMax = 3600;
const minReplicasMin = 1;
const defaultCpuUtilization = 80;

function defaultRules(given: Json, filled: Json): Json {
  const rules = { ...given };
  for (const field of ['stabilizationWindowSeconds', 'selectPolicy', 'policies']) {
    if (rules[field] === undefined && filled[field] !== undefined) rules[field] = filled[field];
  }
  return rules;
}

function defaultV2(autoscaler: KubeObject): void {
  autoscaler.spec ??= {};
  const spec = autoscaler.spec;
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) {
    const target = { type: 'Utilization', averageUtilization: defaultCpuUtilization };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  if (spec.behavior !== undefined) {
    spec.behavior.scaleUp = defaultRules(spec.behavior.scaleUp, {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    });
    spec.behavior.scaleDown = defaultRules(spec.behavior.scaleDown, {
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    });
  }
  autoscaler.status = { desiredReplicas: 0, currentMetrics: null };
}

function defaultV1(autoscaler: KubeObject): void {
  autoscaler.spec ??= {};
  autoscaler.spec.minReplicas ??= 1;
  autoscaler.spec.targetCPUUtilizationPercentage ??= defaultCpuUtilization;
  omitEmpty(autoscaler.spec, 'metrics');
  autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 };
}

function checkReference(reference: Json, at: string, errors: FieldErrors): void {
  for (const name of ['kind', 'name']) {
    const value = reference?.[name] ?? '';
    if (value === '') errors.required(`${at}.${name}`);
    else report(errors, `${at}.${name}`, value, pathSegmentMessages(value));
  }
  const apiVersion: string = reference?.apiVersion ?? '';
  const parts = apiVersion.split('/');
  if (parts.length > 2) {
    errors.invalid(`${at}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  } else if (parts.length < 2 && reference?.kind !== 'ReplicationController') {
    errors.invalid(`${at}.apiVersion`, apiVersion, 'apiVersion must specify API group');
  }
}

/** The spec that both versions are checked as: v1's CPU target is a Resource metric of v2. */
function asV2Spec(autoscaler: KubeObject): Json {
  const spec = autoscaler.spec;
  if (autoscaler.apiVersion !== 'autoscaling/v1') return spec;
  const target = { type: 'Utilization', averageUtilization: spec.targetCPUUtilizationPercentage };
  const metrics =
    spec.targetCPUUtilizationPercentage === undefined
      ? []
      : [{ type: 'Resource', resource: { name: 'cpu', target } }];
  return { ...spec, metrics };
}

/** As the server keeps it, whichever version it was written in. */
function asV2(autoscaler: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage: _, ...spec } = asV2Spec(autoscaler);
  const status = { desiredReplicas: 0, currentMetrics: null };
  return { ...autoscaler, apiVersion: 'autoscaling/v2', spec, status };
}

function validate(autoscaler: KubeObject, errors: FieldErrors): void {
  const spec = asV2Spec(autoscaler);
  const { minReplicas, maxReplicas = 0 } = spec;
  if (minReplicas < minReplicasMin) {
    errors.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${minReplicasMin}`);
  }
  if (maxReplicas === 0) errors.required('spec.maxReplicas', 'must be set and greater than 0');
  else if (maxReplicas < 0) errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0');
  if (maxReplicas < minReplicas) {
    errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  checkReference(spec.scaleTargetRef, 'spec.scaleTargetRef', errors);
  checkMetrics(spec, errors);
  if (spec.behavior === undefined) return;
  for (const direction of ['scaleUp', 'scaleDown']) {
    if (spec.behavior[direction] !== undefined) {
      checkRules(spec.behavior[direction], `spec.behavior.${direction}`, errors);
    }
  }
}

const metricSources: Readonly<Record<string, string>> = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
};

function checkMetrics(spec: Json, errors: FieldErrors): void {
  const metrics: Json[] = spec.metrics ?? [];
  for (const [index, metric] of metrics.entries()) checkMetric(metric, item('spec.metrics', index), errors);
  const scalesToZero = metrics.some(({ type }) => type === 'Object' || type === 'External');
  if (spec.minReplicas === 0 && !scalesToZero) {
    const detail = 'must specify at least one Object or External metric to support scaling to zero replicas';
    errors.forbidden('spec.metrics', detail);
  }
}

function checkMetric(metric: Json, at: string, errors: FieldErrors): void {
  const type = metric.type ?? '';
  if (type === '') errors.required(`${at}.type`, 'must specify a metric source type');
  else if (!(type in metricSources)) errors.notSupported(`${at}.type`, type, Object.keys(metricSources));
  const present = Object.values(metricSources).filter((name) => metric[name] !== undefined);
  const first = present[0];
  if (first !== undefined) checkSource(first, metric[first], `${at}.${first}`, errors);
  const expected = metricSources[type];
  if (expected !== undefined && metric[expected] === undefined) {
    errors.required(`${at}.${expected}`, 'must populate information for the given metric source');
  }
  if (present.length === 1) return;
  for (const name of present) {
    if (name !== expected) errors.forbidden(`${at}.${name}`, 'must populate the given metric source only');
  }
}

function checkMetricName(metric: Json, at: string, errors: FieldErrors): void {
  const name = metric?.name ?? '';
  if (name === '') errors.required(`${at}.name`, 'must specify a metric name');
  else report(errors, `${at}.name`, name, pathSegmentMessages(name));
  checkLabelSelector(errors, `${at}.selector`, metric?.selector);
}

function checkSource(kind: string, source: Json, at: string, errors: FieldErrors): void {
  const target = source.target ?? {};
  const field = `${at}.target`;
  const { value, averageValue, averageUtilization } = target;
  switch (kind) {
    case 'object':
      checkReference(source.describedObject, `${at}.describedObject`, errors);
      checkMetricName(source.metric, `${at}.metric`, errors);
      checkTarget(target, field, errors);
      if (value === undefined && averageValue === undefined) {
        errors.required(`${field}.averageValue`, 'must set either a target value or averageValue');
      }
      break;
    case 'external':
      checkMetricName(source.metric, `${at}.metric`, errors);
      checkTarget(target, field, errors);
      if (value === undefined && averageValue === undefined) {
        const detail = 'must set either a target value for metric or a per-pod target';
        errors.required(`${field}.averageValue`, detail);
      }
      if (value !== undefined && averageValue !== undefined) {
        errors.forbidden(`${field}.value`, 'may not set both a target value for metric and a per-pod target');
      }
      break;
    case 'pods':
      checkMetricName(source.metric, `${at}.metric`, errors);
      checkTarget(target, field, errors);
      if (averageValue === undefined || compareQuantities(averageValue, '0') <= 0) {
        errors.required(`${field}.averageValue`, 'must specify a positive target averageValue');
      }
      break;
    default:
      if (kind === 'containerResource' && (source.container ?? '') === '') {
        errors.required(`${at}.container`, 'must specify a container');
      }
      if ((source.name ?? '') === '') errors.required(`${at}.name`, 'must specify a resource name');
      checkTarget(target, field, errors);
      if (averageUtilization !== undefined && averageValue !== undefined) {
        const detail = 'may not set both a target raw value and a target utilization';
        errors.forbidden(`${field}.averageValue`, detail);
      }
      if (averageUtilization === undefined && averageValue === undefined) {
        const detail = 'must set either a target raw value or a target utilization';
        errors.required(`${field}.averageUtilization`, detail);
      }
  }
}

function checkTarget(target: Json, at: string, errors: FieldErrors): void {
  const type = target.type ?? '';
  if (type === '') errors.required(`${at}.type`, 'must specify a metric target type');
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.invalid(`${at}.type`, type, 'must be either Utilization, Value, or AverageValue');
  }
  for (const name of ['value', 'averageValue']) {
    if (target[name] !== undefined && compareQuantities(target[name], '0') <= 0) {
      errors.invalid(`${at}.${name}`, target[name], 'must be positive');
    }
  }
  if (target.averageUtilization < 1) {
    errors.invalid(`${at}.averageUtilization`, target.averageUtilization, 'must be greater than 0');
  }
}

function checkRules(rules: Json, at: string, errors: FieldErrors): void {
  const window = rules.stabilizationWindowSeconds;
  const windowField = `${at}.stabilizationWindowSeconds`;
  if (window < 0) errors.invalid(windowField, window, 'must be greater than or equal to zero');
  if (window > windowSecondsMax) {
    errors.invalid(windowField, window, `must be less than or equal to ${windowSecondsMax}`);
  }
  if (rules.tolerance !== undefined && compareQuantities(rules.tolerance, '0') < 0) {
    errors.invalid(`${at}.tolerance`, rules.tolerance, 'must be greater than or equal to 0');
  }
  const choices = ['Disabled', 'Max', 'Min'];
  if (rules.selectPolicy !== undefined && !choices.includes(rules.selectPolicy)) {
    errors.notSupported(`${at}.selectPolicy`, rules.selectPolicy, choices);
  }
  const policies: Json[] = rules.policies ?? [];
  if (policies.length === 0) errors.required(`${at}.policies`, 'must specify at least one Policy');
  for (const [index, policy] of policies.entries()) {
    const field = item(`${at}.policies`, index);
    if (!['Percent', 'Pods'].includes(policy.type)) {
      notSupportedInOrder(errors, `${field}.type`, policy.type ?? '', ['Percent', 'Pods']);
    }
    if (policy.value <= 0) errors.invalid(`${field}.value`, policy.value, 'must be greater than zero');
    const period = policy.periodSeconds;
    if (period <= 0) errors.invalid(`${field}.periodSeconds`, period, 'must be greater than zero');
    if (period > periodSecondsMax) {
      errors.invalid(`${field}.periodSeconds`, period, `must be less than or equal to ${periodSecondsMax}`);
    }
  }
}

const base = {
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
  namespaced: true,
  shortNames: ['hpa'],
  modelled: true,
  validate,
} as const;

export const kinds: readonly KindDefinition[] = [
  { ...base, apiVersion: 'autoscaling/v2', defaults: defaultV2 },
  { ...base, apiVersion: 'autoscaling/v1', defaults: defaultV1, asStored: asV2 },
];
