// LimitRanger: a namespace's LimitRanges give containers the requests and limits that they do not state, and refuse
// pods and claims beyond their bounds (plugin/pkg/admission/limitranger, v1.36). It changes objects before they are
// validated and refuses them after. Where several bounds are broken upstream lists them in the order of a Go map; here
// they stand by resource name.
import { list } from '../../kinds/field-lists.ts';
import type { Json, KubeObject } from '../../kinds/kind.ts';
import { podAmounts } from '../../kinds/pod-amounts.ts';
import {
  type Amount,
  amountOf,
  amountText,
  type ResourceAmounts,
  readAmounts,
} from '../../kinds/resource-amounts.ts';

/** Annotation that tells what was filled in. */
const ANNOTATION = 'kubernetes.io/limit-ranger';

type Amounts = Readonly<Record<string, string>>;

const limitsOf = (range: KubeObject, type?: string): Json[] =>
  list(range['spec']?.limits).filter((limit) => type === undefined || limit.type === type);

const byName = (amounts: Amounts | undefined): [string, string][] =>
  Object.entries(amounts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

/** Fills in what a container does not state; returns the names that were filled in. */
function fill(container: Json, which: 'requests' | 'limits', usual: Amounts): string[] {
  const own: Amounts = container.resources?.[which] ?? {};
  const missing = Object.keys(usual)
    .filter((name) => own[name] === undefined)
    .sort();
  if (missing.length === 0) return missing;
  const added = Object.fromEntries(missing.map((name) => [name, usual[name]!]));
  container.resources = { ...container.resources, [which]: { ...own, ...added } };
  return missing;
}

/** Gives a pod's containers the defaults of each LimitRange of its namespace. */
export function fillLimits(pod: KubeObject, ranges: readonly KubeObject[]): void {
  for (const range of ranges) {
    const requests: Amounts = Object.assign(
      {},
      ...limitsOf(range, 'Container').map((limit) => limit.defaultRequest),
    );
    const limits: Amounts = Object.assign({}, ...limitsOf(range, 'Container').map((limit) => limit.default));
    const said: string[] = [];
    for (const [key, what] of [
      ['containers', 'container'],
      ['initContainers', 'init container'],
    ] as const) {
      for (const container of list(pod['spec'][key])) {
        const setLimits = fill(container, 'limits', limits);
        const setRequests = fill(container, 'requests', requests);
        if (setRequests.length > 0)
          said.push(`${setRequests.join(', ')} request for ${what} ${container.name}`);
        if (setLimits.length > 0) said.push(`${setLimits.join(', ')} limit for ${what} ${container.name}`);
      }
    }
    if (said.length === 0) continue;
    const text = `LimitRanger plugin set: ${said.join('; ')}`;
    pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: text };
  }
}

const below = (a: Amount, b: Amount): boolean => a.nanos < b.nanos;

function minimum(
  type: string,
  name: string,
  bound: string,
  requests: ResourceAmounts,
  limits: ResourceAmounts,
): string | null {
  const least = amountOf(bound);
  const says = `minimum ${name} usage per ${type} is ${bound}`;
  const request = requests.get(name);
  if (request === undefined) return `${says}.  No request is specified`;
  if (below(request, least)) return `${says}, but request is ${amountText(request)}`;
  const limit = limits.get(name);
  return limit !== undefined && below(limit, least) ? `${says}, but limit is ${amountText(limit)}` : null;
}

function maximum(
  type: string,
  name: string,
  bound: string,
  requests: ResourceAmounts,
  limits: ResourceAmounts,
): string | null {
  const most = amountOf(bound);
  const says = `maximum ${name} usage per ${type} is ${bound}`;
  const limit = limits.get(name);
  if (limit === undefined) return `${says}.  No limit is specified`;
  if (below(most, limit)) return `${says}, but limit is ${amountText(limit)}`;
  const request = requests.get(name);
  return request !== undefined && below(most, request)
    ? `${says}, but request is ${amountText(request)}`
    : null;
}

/** Claims have requests only. */
function maximumRequest(type: string, name: string, bound: string, requests: ResourceAmounts): string | null {
  const says = `maximum ${name} usage per ${type} is ${bound}`;
  const request = requests.get(name);
  if (request === undefined) return `${says}.  No request is specified`;
  return below(amountOf(bound), request) ? `${says}, but request is ${amountText(request)}` : null;
}

function ratio(
  type: string,
  name: string,
  bound: string,
  requests: ResourceAmounts,
  limits: ResourceAmounts,
): string | null {
  const says = `${name} max limit to request ratio per ${type} is ${bound}`;
  const request = requests.get(name)?.nanos ?? 0n;
  if (request === 0n) return `${says}, but no request is specified or request is 0`;
  const limit = limits.get(name)?.nanos ?? 0n;
  if (limit === 0n) return `${says}, but no limit is specified or limit is 0`;
  // limit / request > bound, without dividing.
  if (limit * 1_000_000_000n <= amountOf(bound).nanos * request) return null;
  return `${says}, but provided ratio is ${(Number(limit) / Number(request)).toFixed(6)}`;
}

function checkPodPart(limit: Json, requests: ResourceAmounts, limits: ResourceAmounts): string[] {
  const type: string = limit.type;
  return [
    ...byName(limit.min).map(([name, bound]) => minimum(type, name, bound, requests, limits)),
    ...byName(limit.max).map(([name, bound]) => maximum(type, name, bound, requests, limits)),
    ...byName(limit.maxLimitRequestRatio).map(([name, bound]) => ratio(type, name, bound, requests, limits)),
  ].filter((text) => text !== null);
}

function podErrors(pod: KubeObject, range: KubeObject): string[] {
  const spec = pod['spec'];
  return limitsOf(range).flatMap((limit) => {
    if (limit.type === 'Pod')
      return checkPodPart(limit, podAmounts(spec, 'requests'), podAmounts(spec, 'limits'));
    if (limit.type !== 'Container') return [];
    return [...list(spec.containers), ...list(spec.initContainers)].flatMap(({ resources }) =>
      checkPodPart(limit, readAmounts(resources?.requests), readAmounts(resources?.limits)),
    );
  });
}

function claimErrors(claim: KubeObject, range: KubeObject): string[] {
  const requests = readAmounts(claim['spec']?.resources?.requests);
  const none: ResourceAmounts = new Map();
  return limitsOf(range, 'PersistentVolumeClaim').flatMap((limit) =>
    [
      ...byName(limit.min).map(([name, bound]) => minimum(limit.type, name, bound, requests, none)),
      ...byName(limit.max).map(([name, bound]) => maximumRequest(limit.type, name, bound, requests)),
    ].filter((text) => text !== null),
  );
}

/** Why the object is refused by the first LimitRange that refuses it; undefined when none does. */
export function limitProblem(object: KubeObject, ranges: readonly KubeObject[]): string | undefined {
  for (const range of ranges) {
    const found = object.kind === 'Pod' ? podErrors(object, range) : claimErrors(object, range);
    const errors = [...new Set(found)];
    if (errors.length > 0) return errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`;
  }
  return undefined;
}
