// A Node object as a row of the node table. Groups of equal nodes share the object; their names are given apart.
import {
  type ClusterState,
  LABEL_HOSTNAME,
  LABEL_ZONE,
  type Labels,
  type NewNode,
  type NodeId,
  NodeReady,
  Verb,
} from '../../state/index.ts';
import type { Json, KubeObject } from '../kind.ts';
import { quantityMilli, quantityValue } from '../quantity.ts';
import { normalizedImage } from './pod-template.ts';

export interface NodeIngest {
  readonly name: string;
  /** Zone to label it with; '' leaves the object's own labels. */
  readonly zone: string;
  /** Whether a node without the label kubernetes.io/hostname gets it with its name, as a kubelet registers itself. */
  readonly hostname: boolean;
  readonly us: number;
  readonly revision: number;
}

/** What equal nodes have in common, worked out once per object and zone. */
type SharedNode = Omit<NewNode, 'name' | 'addedUs' | 'revision'>;
/** By run, since interned ids belong to a run. */
const shared = new WeakMap<ClusterState, Map<KubeObject, Map<string, SharedNode>>>();

function images(state: ClusterState, list: Json[] | undefined): number[] {
  const ids = new Set<number>();
  for (const image of list ?? []) {
    for (const name of image.names ?? []) {
      const id = state.images.id(normalizedImage(name));
      ids.add(id);
      state.imageBytes[id] = image.sizeBytes ?? 0;
    }
  }
  return [...ids].sort((a, b) => a - b);
}

/** NodeReady of the status of a condition Ready. */
export const readyOf = (status: string | undefined): NodeReady =>
  status === 'True' ? NodeReady.true : status === 'False' ? NodeReady.false : NodeReady.unknown;

/** A node that was changed as a whole: its columns, read from the object anew. `object` belongs to the table now. */
export function reingestNode(state: ClusterState, node: number, object: KubeObject): void {
  const name = state.nodes.name[node]!;
  state.nodes.replace(node, build(state, object, { name, zone: '', hostname: false, us: 0, revision: 0 }));
}

function build(state: ClusterState, object: KubeObject, how: NodeIngest): SharedNode {
  const { zone } = how;
  const status = object['status'] ?? {};
  const spec = object['spec'] ?? {};
  const allocatable: Record<string, string | number> = status.allocatable ?? status.capacity ?? {};
  const own: Labels = object.metadata.labels ?? {};
  const hostname = own[LABEL_HOSTNAME];
  const hostnameLabel = hostname === undefined ? how.hostname : hostname === how.name;
  const labels: Record<string, string> = { ...own };
  if (hostnameLabel) delete labels[LABEL_HOSTNAME];
  if (zone !== '') labels[LABEL_ZONE] = zone;
  const scalars: (readonly [number, number])[] = [];
  for (const resource of Object.keys(allocatable)) {
    if (
      resource === 'cpu' ||
      resource === 'memory' ||
      resource === 'ephemeral-storage' ||
      resource === 'pods'
    )
      continue;
    scalars.push([state.resources.id(resource), quantityValue(allocatable[resource]!)]);
  }
  const conditions: Json[] = status.conditions ?? [];
  const ready = conditions.find((c) => c.type === 'Ready');
  return {
    labelSet: state.labels.intern(labels),
    hostnameLabel,
    cpuMilli: quantityMilli(allocatable['cpu'] ?? 0),
    memoryBytes: quantityValue(allocatable['memory'] ?? 0),
    ephemeralBytes: quantityValue(allocatable['ephemeral-storage'] ?? 0),
    podsMax: quantityValue(allocatable['pods'] ?? 0),
    scalars: scalars.sort((a, b) => a[0] - b[0]),
    taints: spec.taints ?? [],
    unschedulable: spec.unschedulable === true,
    ready: ready === undefined ? NodeReady.true : readyOf(ready.status),
    images: images(state, status.images),
    object,
  };
}

/** Adds the row and its log entry. `object` is not changed and may be shared. */
export function ingestNode(state: ClusterState, object: KubeObject, how: NodeIngest): NodeId {
  // A node whose own hostname label differs from its name cannot share with others.
  const own = object.metadata.labels?.[LABEL_HOSTNAME];
  const key = own === undefined ? `${how.zone}\n${how.hostname}` : `${how.zone}\n${how.name}`;
  let byObject = shared.get(state);
  if (byObject === undefined) {
    byObject = new Map();
    shared.set(state, byObject);
  }
  let byZone = byObject.get(object);
  if (byZone === undefined) {
    byZone = new Map();
    byObject.set(object, byZone);
  }
  let common = byZone.get(key);
  if (common === undefined) {
    common = build(state, object, how);
    byZone.set(key, common);
  }
  const node = state.nodes.add({ ...common, name: how.name, addedUs: how.us, revision: how.revision });
  state.nodeLog.append(how.revision, how.us, Verb.added, node, 0, node, null);
  return node;
}
