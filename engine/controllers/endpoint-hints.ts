// Hints of endpoints by a Service's trafficDistribution: which zones and nodes should use them (k8s.io/endpointslice,
// trafficdist/trafficdist.go and utils.go, v1.36).
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { Labels } from '../state/index.ts';

/**
 * For whom an endpoint is meant by trafficDistribution (k8s.io/endpointslice/trafficdist; KEP-4444, KEP-3015). The older
 * annotation, where it is on, takes its place.
 */
export function hintsFor(service: KubeObject, { zone, nodeName }: Json): Json {
  const distribution: string | undefined = service['spec'].trafficDistribution;
  if (distribution === undefined || asksForHints(service.metadata.annotations)) return undefined;
  const hints: Json = {};
  if (zone !== undefined) hints.forZones = [{ name: zone }];
  if (distribution === 'PreferSameNode' && nodeName !== undefined) hints.forNodes = [{ name: nodeName }];
  return Object.keys(hints).length === 0 ? undefined : hints;
}

/** hintsEnabled. */
export function asksForHints(annotations: Labels | undefined): boolean {
  const value =
    annotations?.['service.kubernetes.io/topology-aware-hints'] ??
    annotations?.['service.kubernetes.io/topology-mode'];
  return value === 'Auto' || value === 'auto';
}
