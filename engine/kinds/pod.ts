// Pod (core/v1): defaults, what the registry strategy prepares, and checks on creation (SetDefaults_Pod,
// podStrategy.PrepareForCreate, ValidatePodCreate; v1.36).

import { checkImageBlanks } from './container.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { dns1123LabelMessages } from './names.ts';
import { checkPodAnnotations, checkProfilesMatch, syncAppArmor } from './pod-annotations.ts';
import { aggregateContainerRequests, isHugePages } from './pod-resources.ts';
import { mergeMatchLabelKeys } from './pod-scheduling.ts';
import { checkPodSpec, defaultPodSpec } from './pod-spec.ts';
import { podSpecWarnings } from './pod-warnings.ts';
import { compareQuantities, sumQuantities } from './quantity.ts';

/** A request that is not given equals its limit. Pods only: templates keep what the user wrote. */
function defaultRequests(container: Json): void {
  const limits = container.resources?.limits;
  if (!isSet(limits)) return;
  container.resources.requests = { ...limits, ...container.resources.requests };
}

const isPodLevelResource = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || isHugePages(name);

/** Pod-level limits of huge pages follow the containers' (defaultHugePagePodLimits). */
function defaultPodHugePages(spec: Json): void {
  const resources = spec.resources;
  const limits: Record<string, string> = { ...resources.limits };
  for (const [name, amount] of Object.entries(aggregateContainerRequests(spec))) {
    if (isHugePages(name) && limits[name] === undefined && resources.requests?.[name] === undefined)
      limits[name] = amount;
  }
  if (Object.keys(limits).length > 0) resources.limits = limits;
}

/** Pod-level requests follow the containers', or else the pod-level limits (defaultPodRequests, KEP-2837). */
function defaultPodRequests(spec: Json): void {
  const { limits } = spec.resources;
  if (!isSet(limits) || Object.keys(limits).length === 0) return;
  const requests: Record<string, string> = { ...spec.resources.requests };
  for (const [name, amount] of Object.entries(aggregateContainerRequests(spec))) {
    if (requests[name] === undefined && isPodLevelResource(name) && !isHugePages(name))
      requests[name] = amount;
  }
  for (const [name, amount] of Object.entries<string>(limits)) {
    if (requests[name] === undefined && isPodLevelResource(name)) requests[name] = amount;
  }
  if (Object.keys(requests).length > 0) spec.resources.requests = requests;
}

/** Container ports of a pod on the host's network are host ports. */
function defaultHostPorts(containers: readonly Json[]): void {
  for (const container of containers) {
    for (const port of list(container.ports)) {
      if ((port.hostPort ?? 0) === 0 && isSet(port.containerPort)) port.hostPort = port.containerPort;
    }
  }
}

const QOS_RESOURCES = ['cpu', 'memory'];

function positive(amounts: Json): Record<string, string> {
  const entries = Object.entries<string>(amounts ?? {});
  const counted = entries.filter(
    ([name, amount]) => QOS_RESOURCES.includes(name) && compareQuantities(amount, '0') > 0,
  );
  return Object.fromEntries(counted);
}

function addTo(sums: Record<string, string>, amounts: Record<string, string>): void {
  for (const [name, amount] of Object.entries(amounts)) {
    const now = sums[name];
    sums[name] = now === undefined ? amount : sumQuantities([now, amount]);
  }
}

/** Guaranteed, Burstable or BestEffort (ComputePodQOS). */
export function podQosClass(spec: Json): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  let guaranteed = true;
  const holders = isSet(spec.resources) ? [spec] : [...list(spec.containers), ...list(spec.initContainers)];
  for (const holder of holders) {
    addTo(requests, positive(holder.resources?.requests));
    const own = positive(holder.resources?.limits);
    addTo(limits, own);
    if (QOS_RESOURCES.some((name) => own[name] === undefined)) guaranteed = false;
  }
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return 'BestEffort';
  const sameKeys = Object.keys(requests).length === Object.keys(limits).length;
  const equal = Object.entries(requests).every(
    ([name, amount]) => limits[name] !== undefined && compareQuantities(limits[name], amount) === 0,
  );
  return guaranteed && equal && sameKeys ? 'Guaranteed' : 'Burstable';
}

function initialStatus(spec: Json): Json {
  const status: Json = { phase: 'Pending', qosClass: podQosClass(spec) };
  if (list(spec.schedulingGates).length > 0) {
    status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        lastProbeTime: null,
        lastTransitionTime: null,
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ];
  }
  return status;
}

function defaults(pod: KubeObject): void {
  pod.spec ??= { containers: null };
  const spec = pod.spec;
  defaultPodSpec(spec);
  const containers = list(spec.containers);
  const initContainers = list(spec.initContainers);
  for (const container of [...containers, ...initContainers]) defaultRequests(container);
  if (isSet(spec.resources)) {
    defaultPodHugePages(spec);
    defaultPodRequests(spec);
  }
  if (!isSet(spec.enableServiceLinks)) spec.enableServiceLinks = true;
  if (spec.hostNetwork === true) defaultHostPorts([...containers, ...initContainers]);
  if (spec.terminationGracePeriodSeconds < 0) spec.terminationGracePeriodSeconds = 1;
  pod.metadata.generation = 1;
  pod.status = initialStatus(spec);
  mergeMatchLabelKeys(spec, pod.metadata.labels ?? {});
  syncAppArmor(pod.metadata, spec);
}

function checkTokens(errors: FieldErrors, spec: Json): void {
  if (text(spec.serviceAccountName) !== '') return;
  for (const [v, volume] of list(spec.volumes).entries()) {
    for (const [s, source] of list(volume.projected?.sources).entries()) {
      if (isSet(source.serviceAccountToken)) {
        const at = `spec.volumes[${v}].projected.sources[${s}].serviceAccountToken`;
        errors.forbidden(at, 'must not be specified when serviceAccountName is not set');
      }
    }
  }
}

function validate(pod: KubeObject, errors: FieldErrors): void {
  const { metadata, spec } = pod;
  checkPodAnnotations(errors, 'metadata.annotations', metadata.annotations, spec);
  checkPodSpec(errors, 'spec', spec, metadata);
  checkTokens(errors, spec);
  for (const key of ['containers', 'initContainers']) {
    for (const [index, container] of list(spec[key]).entries()) {
      checkImageBlanks(errors, item(child('spec', key), index), container);
    }
  }
  if (list(spec.ephemeralContainers).length > 0)
    errors.forbidden('spec.ephemeralContainers', 'cannot be set on create');
  if (text(spec.nodeName) !== '' && list(spec.schedulingGates).length > 0) {
    errors.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
  }
  checkProfilesMatch(errors, 'spec', metadata, spec);
}

function warnings(pod: KubeObject): string[] {
  const found: string[] = [];
  const messages = dns1123LabelMessages(pod.metadata.name ?? '');
  if (messages.length > 0) {
    const why =
      "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
    found.push(`metadata.name: ${why}: [${messages.join(' ')}]`);
  }
  return [...found, ...podSpecWarnings('spec', pod.spec, pod.metadata)];
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    resource: 'pods',
    namespaced: true,
    shortNames: ['po'],
    modelled: true,
    defaults,
    validate,
    warnings,
  },
];
