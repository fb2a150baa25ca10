// What objects use of a ResourceQuota: which resources a quota can count for a kind, how much one object takes, and
// which quotas it falls under by their scopes (pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims}.go,
// apiserver/pkg/quota/v1/generic/evaluator.go, v1.36). Admission and the quota controller both count by it.
import { isSet, list, text } from './field-lists.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { podQosClass } from './pod.ts';
import { podAmounts } from './pod-amounts.ts';
import { type Amount, count, ONE, type ResourceAmounts, readAmounts } from './resource-amounts.ts';

/** Compute resources that every container must state where a quota limits them. Others are not asked for. */
const STATED = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];
const POD_RESOURCES = new Set([
  'count/pods',
  'pods',
  ...STATED,
  'ephemeral-storage',
  'requests.ephemeral-storage',
  'limits.ephemeral-storage',
]);
const CLASS_STORAGE = '.storageclass.storage.k8s.io/requests.storage';
const CLASS_CLAIMS = '.storageclass.storage.k8s.io/persistentvolumeclaims';
/** Kinds of the core group that have a short name besides `count/…`. */
const SHORT = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

/** Kubernetes' own resources have no domain, or one of its domains (helper.IsNativeResource). */
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** What a quota needs to know of a pod: pods that are equal in this share one. */
export interface PodUsage {
  /** Of a pod that holds resources; one that has ended counts as `count/pods` alone. */
  readonly amounts: ResourceAmounts;
  readonly bestEffort: boolean;
  /** Has a deadline (scope Terminating). */
  readonly hasDeadline: boolean;
  readonly priorityClassName: string;
  readonly crossNamespaceAffinity: boolean;
}

/** Group and resource of a kind as `count/…` names it: `count/deployments.apps`. */
export function countName({ apiVersion, resource }: Pick<KindDefinition, 'apiVersion' | 'resource'>): string {
  const slash = apiVersion.indexOf('/');
  return `count/${resource}${slash < 0 ? '' : `.${apiVersion.slice(0, slash)}`}`;
}

function computeUsage(requests: ResourceAmounts, limits: ResourceAmounts): Map<string, Amount> {
  const usage = new Map<string, Amount>([['pods', ONE]]);
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const request = requests.get(name);
    if (request !== undefined) usage.set(name, request).set(`requests.${name}`, request);
    const limit = limits.get(name);
    if (limit !== undefined) usage.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requests) {
    if (name.startsWith('hugepages-')) usage.set(name, request);
    if (name.startsWith('hugepages-') || !isNative(name)) usage.set(`requests.${name}`, request);
  }
  return usage;
}

const crossNamespace = (terms: Json, weighted: boolean): boolean =>
  list(terms).some((entry) => {
    const term = weighted ? entry.podAffinityTerm : entry;
    return list(term?.namespaces).length > 0 || isSet(term?.namespaceSelector);
  });

function usesCrossNamespaceAffinity(spec: Json): boolean {
  return ['podAffinity', 'podAntiAffinity'].some((name) => {
    const affinity = spec.affinity?.[name];
    return (
      crossNamespace(affinity?.requiredDuringSchedulingIgnoredDuringExecution, false) ||
      crossNamespace(affinity?.preferredDuringSchedulingIgnoredDuringExecution, true)
    );
  });
}

export function podUsage(spec: Json): PodUsage {
  const amounts = computeUsage(podAmounts(spec, 'requests'), podAmounts(spec, 'limits'));
  amounts.set('count/pods', ONE);
  return {
    amounts,
    bestEffort: podQosClass(spec) === 'BestEffort',
    hasDeadline: isSet(spec.activeDeadlineSeconds),
    priorityClassName: text(spec.priorityClassName),
    crossNamespaceAffinity: usesCrossNamespaceAffinity(spec),
  };
}

/** Requests or limits of the pod itself, of a resource that a pod can have them of (IsPodLevelResourcesSet). */
const hasPodLevelAmounts = ({ resources }: Json): boolean =>
  [resources?.requests, resources?.limits].some((amounts) =>
    Object.keys(amounts ?? {}).some(
      (name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'),
    ),
  );

/**
 * Why a pod cannot be counted: `must specify requests.cpu for: c`; undefined if it can. A pod that states amounts of its
 * own need not state them for its containers.
 */
export function unstated(spec: Json, restricted: readonly string[]): string | undefined {
  if (hasPodLevelAmounts(spec)) return undefined;
  const required = STATED.filter((name) => restricted.includes(name));
  const missing = new Map<string, Set<string>>();
  for (const container of [...list(spec.containers), ...list(spec.initContainers)]) {
    const { requests, limits } = container.resources ?? {};
    const usage = computeUsage(readAmounts(requests), readAmounts(limits));
    for (const name of required) {
      if (usage.has(name)) continue;
      missing.set(name, (missing.get(name) ?? new Set()).add(text(container.name)));
    }
  }
  if (missing.size === 0) return undefined;
  const parts = [...missing.keys()]
    .sort()
    .map((name) => `${name} for: ${[...missing.get(name)!].sort().join(',')}`);
  return `must specify ${parts.join('; ')}`;
}

/** Of the resources that a quota names, those that objects of this kind use. */
export function matchingResources(
  kind: Pick<KindDefinition, 'apiVersion' | 'kind' | 'resource'>,
  names: readonly string[],
): string[] {
  const own = countName(kind);
  const core = kind.apiVersion === 'v1';
  return names.filter((name) => {
    if (name === own) return true;
    if (!core) return false;
    switch (kind.kind) {
      case 'Pod':
        return (
          POD_RESOURCES.has(name) ||
          /^(requests\.)?hugepages-/.test(name) ||
          (!isNative(name) && name.startsWith('requests.'))
        );
      case 'Service':
        return name === 'services' || name === 'services.nodeports' || name === 'services.loadbalancers';
      case 'PersistentVolumeClaim':
        return (
          name === 'persistentvolumeclaims' ||
          name === 'requests.storage' ||
          name.endsWith(CLASS_STORAGE) ||
          name.endsWith(CLASS_CLAIMS)
        );
      default:
        return SHORT.has(kind.resource) && name === kind.resource;
    }
  });
}

function serviceUsage(spec: Json): Map<string, Amount> {
  const usage = new Map<string, Amount>([['services', ONE]]);
  const ports = list(spec?.ports);
  if (spec?.type === 'NodePort') usage.set('services.nodeports', count(ports.length));
  if (spec?.type === 'LoadBalancer') {
    const given =
      spec.allocateLoadBalancerNodePorts === false ? ports.filter((port) => port.nodePort) : ports;
    usage.set('services.nodeports', count(given.length)).set('services.loadbalancers', ONE);
  }
  return usage;
}

function claimUsage(claim: KubeObject): Map<string, Amount> {
  const usage = new Map<string, Amount>([['persistentvolumeclaims', ONE]]);
  const storageClass =
    claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ??
    claim['spec']?.storageClassName ??
    '';
  if (storageClass !== '') usage.set(`${storageClass}${CLASS_CLAIMS}`, ONE);
  const storage = readAmounts(claim['spec']?.resources?.requests).get('storage');
  if (storage !== undefined) {
    usage.set('requests.storage', storage);
    if (storageClass !== '') usage.set(`${storageClass}${CLASS_STORAGE}`, storage);
  }
  return usage;
}

/** What an object that is no pod uses. */
export function objectUsage(
  kind: Pick<KindDefinition, 'apiVersion' | 'kind' | 'resource'>,
  object: KubeObject,
): ResourceAmounts {
  const core = kind.apiVersion === 'v1';
  const usage =
    core && kind.kind === 'Service'
      ? serviceUsage(object['spec'])
      : core && kind.kind === 'PersistentVolumeClaim'
        ? claimUsage(object)
        : new Map<string, Amount>(core && SHORT.has(kind.resource) ? [[kind.resource, ONE]] : []);
  return usage.set(countName(kind), ONE);
}

/** Whether changes of the object may use more (Handles of the evaluators): of others only creations are charged. */
export const mayGrow = ({ apiVersion, kind }: KubeObject): boolean =>
  apiVersion === 'v1' && (kind === 'Service' || kind === 'PersistentVolumeClaim');

/** What `now` uses more than `before`; never less than nothing. */
export function growth(now: ResourceAmounts, before: ResourceAmounts): ResourceAmounts {
  const grown = new Map<string, Amount>();
  for (const [name, amount] of now) {
    const nanos = amount.nanos - (before.get(name)?.nanos ?? 0n);
    if (nanos > 0n) grown.set(name, { nanos, format: amount.format });
  }
  return grown;
}

/** Scopes of a quota, those of the list as `Exists`. */
function scopesOf(quota: KubeObject): Json[] {
  const spec = quota['spec'] ?? {};
  return [
    ...list(spec.scopes).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...list(spec.scopeSelector?.matchExpressions),
  ];
}

/** A selector over the one label that a scope is, absent where the object has no value of it. */
function selects({ operator, values }: Json, value: string): boolean {
  switch (operator) {
    case 'In':
      return value !== '' && list(values).includes(value);
    case 'NotIn':
      return value === '' || !list(values).includes(value);
    case 'DoesNotExist':
      return value === '';
    default:
      return value !== '';
  }
}

/** Whether pods of that usage fall under the quota's scopes. */
export function podInScopes(quota: KubeObject, pod: PodUsage): boolean {
  return scopesOf(quota).every((scope) => {
    switch (scope.scopeName) {
      case 'Terminating':
        return pod.hasDeadline;
      case 'NotTerminating':
        return !pod.hasDeadline;
      case 'BestEffort':
        return pod.bestEffort;
      case 'NotBestEffort':
        return !pod.bestEffort;
      case 'PriorityClass':
        return selects(scope, pod.priorityClassName);
      case 'CrossNamespacePodAffinity':
        return pod.crossNamespaceAffinity;
      default:
        return false;
    }
  });
}

/** The same for other objects: only claims have a scope of their own. */
export function objectInScopes(quota: KubeObject, object: KubeObject): boolean {
  return scopesOf(quota).every(
    (scope) =>
      scope.scopeName === 'VolumeAttributesClass' &&
      object.kind === 'PersistentVolumeClaim' &&
      selects(scope, text(object['spec']?.volumeAttributesClassName)),
  );
}
