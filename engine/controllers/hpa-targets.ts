// What an autoscaler scales, and the sources of metrics that are not there, with the texts that tell of both
// (pkg/controller/podautoscaler/horizontal.go and replica_calculator.go, v1.36).
import type { Json } from '../kinds/kind.ts';
import type { ObjectStore } from '../state/index.ts';
import { selectorText } from './selector-texts.ts';

/** Kinds with a scale, by group and kind. */
const SCALABLE = new Map([
  ['apps/Deployment', 'deployments.apps'],
  ['apps/ReplicaSet', 'replicasets.apps'],
  ['apps/StatefulSet', 'statefulsets.apps'],
  ['/ReplicationController', 'replicationcontrollers'],
]);

const groupOf = ({ apiVersion = '' }: Json): string =>
  apiVersion.includes('/') ? apiVersion.split('/')[0] : '';

/** Resource and group of what a scaleTargetRef names; undefined: it has no scale. */
export const scalable = (reference: Json): string | undefined =>
  SCALABLE.get(`${groupOf(reference)}/${reference.kind}`);

/** Id of the target, or why its scale cannot be read. */
export function targetOf(objects: ObjectStore, reference: Json, namespace: string): number | string {
  const { kind, name } = reference;
  const resource = scalable(reference);
  if (resource === undefined) {
    const known = objects.findKind(kind);
    return known === undefined
      ? `no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(groupOf(reference))}`
      : 'the server could not find the requested resource';
  }
  const id = objects.findKind(kind) === undefined ? -1 : objects.find(kind, namespace, name);
  return id < 0 ? `${resource} ${JSON.stringify(name)} not found` : id;
}

/** Why a metric of type Pods, Object or External cannot be had. */
export interface MissingSource {
  readonly name: string;
  /** As the condition and the metric's own Event have it. */
  readonly error: string;
  /** What stands before it where all metrics are told of. */
  readonly wrap: string;
}

const NO_CUSTOM_METRICS =
  'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered';

export function missingSource(metric: Json, namespace: string): MissingSource {
  const source = metric.pods ?? metric.object ?? metric.external ?? {};
  const name: string = source.metric?.name ?? '';
  const average = source.target?.averageValue !== undefined;
  if (metric.type === 'External') {
    const selector = source.metric?.selector === undefined ? 'nil' : selectorText(source.metric.selector);
    const missing = `the server could not find the requested resource (get ${name}.external.metrics.k8s.io)`;
    const which = average ? `${name} external metric` : `external metric ${name}`;
    return {
      name,
      error: `unable to get external metric ${namespace}/${name}/${selector}: unable to fetch metrics from external metrics API: ${missing}`,
      wrap: `failed to get ${name} external metric value: failed to get ${which}: `,
    };
  }
  if (metric.type === 'Pods')
    return {
      name,
      error: `unable to get metric ${name}: ${NO_CUSTOM_METRICS}`,
      wrap: 'failed to get pods metric value: ',
    };
  // Upstream hands the parts over in another order than its text asks for them.
  const { kind, name: object } = source.describedObject ?? {};
  return {
    name,
    error: `unable to get metric ${name}: ${kind} on ${namespace} ${object}/${NO_CUSTOM_METRICS}`,
    wrap: `failed to get object metric value: ${average ? `failed to get ${name} object metric: ` : ''}`,
  };
}
