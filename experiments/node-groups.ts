// Nodes of a cluster that nobody dumped: equal nodes by count, size, labels, taints and zones, as Node objects without
// a name. Every node is Ready at 0 s.

import type { RuntimeCosts } from '../engine/contracts/costs.ts';
import type { NodeGroup } from '../engine/contracts/scenario.ts';
import type { KubeObject } from '../engine/kinds/kind.ts';

export interface NodeShape {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: number;
  /** Local disk; absent: one that is large enough for all but those who ask for much of it. */
  readonly ephemeralStorage?: string;
  /** Extended resources: `nvidia.com/gpu`. */
  readonly resources?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Its container runtime, where one is named. */
  readonly runtime?: Pick<RuntimeCosts, 'name' | 'version'>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
}

/** `kubetick run` without an Experiment: 3 nodes of this size. */
export const DEFAULT_NODE: NodeShape = { cpu: '4', memory: '16Gi', pods: 110 };
export const DEFAULT_NODE_COUNT = 3;

/** Local disk of every node; large enough that only pods which ask for much of it notice. */
const EPHEMERAL_STORAGE = '100Gi';

/** Numbers of nodes behind `cluster.preset`, when `cluster.nodes` does not say. */
export const CLUSTER_PRESETS: Readonly<Record<string, number>> = {
  small: 3,
  medium: 100,
  large: 1_000,
  huge: 5_000,
};

export function nodeObject(shape: NodeShape): KubeObject {
  const { runtime } = shape;
  const resources = {
    cpu: shape.cpu,
    'ephemeral-storage': shape.ephemeralStorage ?? EPHEMERAL_STORAGE,
    memory: shape.memory,
    pods: String(shape.pods),
    ...shape.resources,
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      labels: { 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux', ...shape.labels },
      ...(runtime === undefined ? {} : { annotations: { 'kubetick.io/container-runtime': runtime.name } }),
    },
    spec:
      shape.taints === undefined || shape.taints.length === 0
        ? {}
        : { taints: shape.taints.map((t) => ({ ...t })) },
    status: {
      capacity: { ...resources },
      allocatable: { ...resources },
      ...(runtime === undefined ? {} : { nodeInfo: { containerRuntimeVersion: runtime.version } }),
    },
  };
}

/** `count` equal nodes named `${prefix}${first}`, `${prefix}${first + 1}`, … */
export function nodeGroup(
  shape: NodeShape,
  count: number,
  names: { readonly prefix: string; readonly first?: number; readonly names?: readonly string[] },
  zones: readonly string[] = [],
): NodeGroup {
  const base = {
    prefix: names.prefix,
    first: names.first ?? 1,
    count,
    object: nodeObject(shape),
    zones: [...zones],
  };
  return names.names === undefined ? base : { ...base, names: [...names.names] };
}
