// What a change of an object may not touch: the rules of updates beside those of the object itself
// (ValidateDeploymentUpdate and its like in pkg/apis/{apps,batch,core,storage}/validation, v1.36). Their place among the
// errors is upstream's: those of a DaemonSet and of a Service come before those of the object, all others after.
//
// Left out: the difference of the two specs that is printed after "spec is immutable" of a claim.
import { FieldErrors, item } from '../kinds/field-errors.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { compareQuantities } from '../kinds/quantity.ts';
import { isSameJson } from './same-json.ts';

const IMMUTABLE = 'field is immutable';

/** What of a StatefulSet's spec may change (ValidateStatefulSetUpdate). */
const STATEFULSET_FIELDS = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

/** Fields of a Job's spec that stay as they were (ValidateJobSpecUpdate), those before the template and those after. */
const JOB_AFTER_TEMPLATE = [
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

/** What of the template a suspended Job may change, besides node affinity, labels, annotations and resources. */
const SCHEDULING = ['nodeSelector', 'tolerations', 'schedulingGates'] as const;

type Rule = (errors: FieldErrors, stored: KubeObject, next: KubeObject) => void;

function fixed(errors: FieldErrors, stored: Json, next: Json, at: string, field: string): void {
  if (!isSameJson(stored?.[field], next?.[field])) errors.invalid(`${at}${field}`, next?.[field], IMMUTABLE);
}

const fixedSelector: Rule = (errors, stored, next) => {
  const { selector } = next['spec'];
  if (isSameJson(stored['spec'].selector, selector)) return;
  // Go prints maps in order of their keys.
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const printed = selector?.matchLabels ? { ...selector, matchLabels: Object.fromEntries(labels) } : selector;
  errors.invalid('spec.selector', printed, IMMUTABLE);
};

function without(spec: Json, fields: readonly string[]): Json {
  const rest = { ...spec };
  for (const field of fields) delete rest[field];
  return rest;
}

const statefulSet: Rule = (errors, stored, next) => {
  const rest = (object: KubeObject): Json => without(object['spec'], STATEFULSET_FIELDS);
  if (isSameJson(rest(stored), rest(next))) return;
  const quoted = STATEFULSET_FIELDS.map((field) => `'${field}'`);
  const fields = `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`;
  errors.forbidden('spec', `updates to statefulset spec for fields other than ${fields} are forbidden`);
};

const job: Rule = (errors, stored, next) => {
  const before: Json = stored['spec'];
  const after: Json = next['spec'];
  if (!isSameJson(before.completions, after.completions)) {
    if (after.completionMode !== 'Indexed') errors.invalid('spec.completions', after.completions, IMMUTABLE);
    else if (after.completions !== undefined && after.completions !== after.parallelism)
      errors.invalid(
        'spec.completions',
        after.completions,
        'can only be modified in tandem with spec.parallelism',
      );
  }
  fixedSelector(errors, stored, next);
  const isWaiting = before.suspend === true && stored['status']?.startTime === undefined;
  const template = isWaiting ? withScheduling(before.template, after.template) : before.template;
  if (!isSameJson(template, after.template)) errors.invalid('spec.template', after.template, IMMUTABLE);
  for (const field of JOB_AFTER_TEMPLATE) fixed(errors, before, after, 'spec.', field);
};

/**
 * The old template with those parts of the new one that a suspended Job may change (validatePodTemplateUpdate, with the
 * gates MutableSchedulingDirectivesForSuspendedJobs and MutablePodResourcesForSuspendedJobs, on in v1.36).
 */
function withScheduling(before: Json, after: Json): Json {
  const spec = { ...before.spec };
  for (const field of SCHEDULING) {
    if (after.spec?.[field] === undefined) delete spec[field];
    else spec[field] = after.spec[field];
  }
  const { nodeAffinity: _, ...others } = spec.affinity ?? {};
  const affinity = {
    ...others,
    ...(after.spec?.affinity?.nodeAffinity && { nodeAffinity: after.spec.affinity.nodeAffinity }),
  };
  if (Object.keys(affinity).length > 0) spec.affinity = affinity;
  else delete spec.affinity;
  for (const list of ['containers', 'initContainers'])
    if (spec[list] !== undefined)
      spec[list] = spec[list].map((container: Json, i: number) => {
        const resources = after.spec?.[list]?.[i]?.resources;
        return { ...without(container, ['resources']), ...(resources && { resources }) };
      });
  const { labels: _labels, annotations: _annotations, ...metadata } = before.metadata ?? {};
  const { labels, annotations } = after.metadata ?? {};
  return {
    ...before,
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec,
  };
}

/** ValidatePersistentVolumeClaimUpdate: a class may be named where none was, a bound claim may grow. */
const claim: Rule = (errors, stored, next) => {
  const before: Json = { ...stored['spec'] };
  const after: Json = { ...next['spec'] };
  // A volume is named once, by whoever binds it.
  if (!before.volumeName) before.volumeName = after.volumeName;
  if (before.storageClassName === undefined) before.storageClassName = after.storageClassName;
  const size = (spec: Json): string => String(spec.resources?.requests?.storage ?? '0');
  const isBound = stored['status']?.phase === 'Bound';
  if (isBound) {
    before.volumeAttributesClassName = after.volumeAttributesClassName;
    before.resources = { ...before.resources, requests: after.resources?.requests };
  }
  if (!isSameJson(before, after))
    errors.forbidden(
      'spec',
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    );
  // Less than before, but more than what the volume has: a growth that failed is taken back.
  const held = String(stored['status']?.capacity?.storage ?? '0');
  const nothing = compareQuantities(held, '0') === 0;
  if (
    isBound &&
    compareQuantities(size(after), size(stored['spec'])) < 0 &&
    (nothing || compareQuantities(size(after), held) <= 0)
  )
    errors.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity');
};

const storageClass: Rule = (errors, stored, next) => {
  if (!isSameJson(stored['parameters'] ?? {}, next['parameters'] ?? {}))
    errors.forbidden('parameters', 'updates to parameters are forbidden.');
  for (const field of ['provisioner', 'reclaimPolicy', 'volumeBindingMode'])
    fixed(errors, stored, next, '', field);
};

/** validateUpgradeDowngradeClusterIPs and validateLoadBalancerClassField, as far as one address family goes. */
const service: Rule = (errors, stored, next) => {
  const before: Json = stored['spec'];
  const after: Json = next['spec'];
  const changes = 'may not change once set';
  if (before.type !== 'ExternalName' && after.type !== 'ExternalName') {
    const ips: readonly string[] = after.clusterIPs ?? [];
    for (const [i, ip] of (before.clusterIPs ?? []).entries())
      if (i < ips.length && ip !== ips[i]) errors.invalid(item('spec.clusterIPs', i), ips, changes);
  }
  if (before.type !== 'LoadBalancer' || after.type !== 'LoadBalancer') return;
  if (before.loadBalancerClass !== after.loadBalancerClass)
    errors.invalid('spec.loadBalancerClass', after.loadBalancerClass, changes);
};

/** Kinds whose errors of the change come before those of the object. */
const FIRST = new Set(['DaemonSet', 'Service']);

/** pkg/apis/resource/validation: what a claim or its template asks for is settled. */
const wholeSpec: Rule = (errors, stored, next) => fixed(errors, stored, next, '', 'spec');

/** ValidateResourceSliceUpdate: devices may change, whose they are may not. */
const slice: Rule = (errors, stored, next) => {
  for (const field of ['nodeName', 'driver']) fixed(errors, stored['spec'], next['spec'], 'spec.', field);
  fixed(errors, stored['spec'].pool, next['spec'].pool, 'spec.pool.', 'name');
};

const RULES: Readonly<Record<string, Rule>> = {
  Deployment: fixedSelector,
  ReplicaSet: fixedSelector,
  DaemonSet: fixedSelector,
  StatefulSet: statefulSet,
  Job: job,
  PersistentVolumeClaim: claim,
  Service: service,
  StorageClass: storageClass,
  ResourceClaim: wholeSpec,
  ResourceClaimTemplate: wholeSpec,
  ResourceSlice: slice,
};

/** Errors of the change from `stored` to `next`, which come before or after those of `next` itself. */
export function updateErrors(
  stored: KubeObject,
  next: KubeObject,
): { readonly first: FieldErrors['list']; readonly last: FieldErrors['list'] } {
  const errors = new FieldErrors();
  RULES[stored.kind]?.(errors, stored, next);
  return FIRST.has(stored.kind) ? { first: errors.list, last: [] } : { first: [], last: errors.list };
}
