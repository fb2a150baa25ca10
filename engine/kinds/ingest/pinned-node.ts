// The node that a pod is pinned to: DaemonSet pods differ from one another by one term of node affinity only
// (pkg/controller/daemon/util/daemonset_util.go ReplaceDaemonSetPodNodeNameNodeAffinity, v1.36). Templates shared by
// equal pods leave the term out and rows hold the name; printed pods have it again.
import type { Json } from '../kind.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

const hasOnly = (object: Json, key: string): boolean =>
  Object.keys(object ?? {}).length === 1 && object[key] !== undefined;

/** Name of the node in an affinity that is nothing but a pin; ''. */
export function pinOf(spec: Json): string {
  const required = spec.affinity?.nodeAffinity?.[REQUIRED];
  const terms: Json[] = required?.nodeSelectorTerms ?? [];
  const [term] = terms;
  if (terms.length !== 1 || !hasOnly(required, 'nodeSelectorTerms') || !hasOnly(term, 'matchFields'))
    return '';
  const [field] = term.matchFields;
  const isPin =
    term.matchFields.length === 1 &&
    field.key === 'metadata.name' &&
    field.operator === 'In' &&
    field.values?.length === 1;
  return isPin ? field.values[0] : '';
}

/** The spec without any required node affinity: the pin takes its place. */
export function withoutRequired(spec: Json): Json {
  if (spec.affinity?.nodeAffinity?.[REQUIRED] === undefined) return spec;
  const { [REQUIRED]: _required, ...nodeAffinity } = spec.affinity.nodeAffinity;
  const { nodeAffinity: _all, ...affinity } = spec.affinity;
  if (Object.keys(nodeAffinity).length > 0) affinity.nodeAffinity = nodeAffinity;
  if (Object.keys(affinity).length > 0) return { ...spec, affinity };
  const { affinity: _none, ...rest } = spec;
  return rest;
}

/** The spec of a pod that is pinned to the node. */
export function withPin(spec: Json, node: string): Json {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    [REQUIRED]: { nodeSelectorTerms: [{ matchFields }] },
  };
  return { ...spec, affinity: { ...spec.affinity, nodeAffinity } };
}
