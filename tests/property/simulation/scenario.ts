// Scenarios made in code, for tests of whole runs: everything that a file would have settled, with defaults.
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { ResolvedScenario, TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { nodeGroup } from '../../../experiments/node-groups.ts';
import { k8sMedium } from '../../../policies/costs/k8s-medium.ts';

export const MS = 1000;
export const SECOND = 1_000_000;

export interface NodesLike {
  readonly count: number;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: number;
  readonly zones?: readonly string[];
}

/** A run of `steps` on `nodes`. */
export function scenario(
  nodes: readonly NodesLike[],
  steps: readonly TimedStep[],
  more: Partial<ResolvedScenario> = {},
): ResolvedScenario {
  let first = 1;
  return {
    experiment: 'test',
    variant: 'default',
    replication: 1,
    seed: 7,
    nodes: nodes.map(({ count, cpu = '4', memory = '16Gi', pods = 110, zones = [] }) => {
      const group = nodeGroup({ cpu, memory, pods }, count, { prefix: 'node-', first }, zones);
      first += count;
      return group;
    }),
    existing: [],
    steps,
    workloads: [],
    policies: {},
    costs: k8sMedium as CostPreset,
    queue: 'heap',
    untilUs: 3600 * SECOND,
    warmUpUs: 0,
    stopWhenIdle: true,
    expect: [],
    loss: [],
    ...more,
  };
}

export const create = (atMs: number, ...objects: KubeObject[]): TimedStep => ({
  atUs: atMs * MS,
  do: 'create',
  objects: objects.map((object) => ({ source: 'test', object })),
});

export const change = (
  atMs: number,
  what: 'scale' | 'delete',
  kind: string,
  name: string,
  replicas?: number,
): TimedStep => ({
  atUs: atMs * MS,
  do: what,
  objects: [],
  target: { kind, namespace: 'default', name, ...(replicas === undefined ? {} : { replicas }) },
});

const podTemplate = (name: string, cpu: string, more: Json): Json => {
  const { annotations, labels, ...spec } = more;
  return {
    metadata: { labels: { app: name, ...labels }, ...(annotations ? { annotations } : {}) },
    spec: { containers: [{ name: 'c', image: `${name}:v1`, resources: { requests: { cpu } } }], ...spec },
  };
};

/** A workload of `kind`; `more`: fields of the pods' spec, and their `annotations`. */
export function workload(
  kind: 'Deployment' | 'ReplicaSet' | 'ReplicationController',
  name: string,
  replicas: number,
  cpu: string,
  more: Json = {},
  spec: Json = {},
): KubeObject {
  const rc = kind === 'ReplicationController';
  return {
    apiVersion: rc ? 'v1' : 'apps/v1',
    kind,
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: rc ? { app: name } : { matchLabels: { app: name } },
      template: podTemplate(name, cpu, more),
      ...spec,
    },
  };
}

export const pod = (name: string, cpu: string, more: Json = {}): KubeObject => {
  const { metadata, spec } = podTemplate(name, cpu, more);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...metadata }, spec };
};

export const service = (name: string, app = name): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { selector: { app }, ports: [{ port: 80, targetPort: 8080 }] },
});
