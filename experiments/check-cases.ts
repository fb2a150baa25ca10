// Small random clusters for `check-plugin`: a few nodes, pods on them, a pod to place, and one change. Labels, values and
// names that stand as texts in the plug-in's own file take part, so that a plug-in that looks for a label meets it.
import type * as FastCheck from 'fast-check';
import type { KubeObject } from '../engine/index.ts';
import { NodeField } from '../engine/index.ts';

type Fc = typeof FastCheck;
type Arbitrary<T> = FastCheck.Arbitrary<T>;
type Text = Readonly<Record<string, string>>;

interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** A node by what a plug-in can read of it. */
export interface NodeCase {
  readonly name: string;
  readonly cpu: string;
  readonly memory: string;
  readonly pods: number;
  readonly extended: Text;
  readonly labels: Text;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly images: readonly { readonly name: string; readonly mib: number }[];
  readonly features: readonly string[];
}

export interface PodCase {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Text;
  readonly priority: number;
  readonly image: string;
  readonly cpu: string;
  readonly memory: string;
  readonly extended: Text;
  readonly hostPort: number;
  readonly nodeSelector: Text;
  readonly tolerations: readonly {
    readonly key: string;
    readonly operator: string;
    readonly effect: string;
  }[];
  /** Keeps away from pods with these labels, by node or zone; {}: from none. */
  readonly avoids: Text;
  /** Spreads pods with its own labels over a topology key; '': not. */
  readonly spreads: string;
}

/** A pod on a node, by the node's place in the list (modulo its length). */
export interface PlacedCase {
  readonly pod: PodCase;
  readonly on: number;
}

export interface ClusterCase {
  readonly nodes: readonly NodeCase[];
  readonly placed: readonly PlacedCase[];
}

/** A change of one node, or of the pods on it: the fields that it touches (bits of NodeField), and its outcome. */
export interface Change {
  readonly about: string;
  readonly touches: number;
  apply(cluster: ClusterCase, node: number): ClusterCase | null;
}

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

/** Texts in a program that could be a label key or value; the vocabulary of its cases. */
export function vocabularyOf(code: string): string[] {
  const found = [...code.matchAll(/(['"])([A-Za-z0-9](?:[\w./-]{0,60}[A-Za-z0-9])?)\1/g)].map(
    (match) => match[2]!,
  );
  const own = found.filter(
    (text) => !['use strict', 'kubetick', 'zod', '__esModule', 'default'].includes(text),
  );
  return [...new Set(own)].slice(0, 24);
}

export class Cases {
  readonly node: Arbitrary<NodeCase>;
  readonly pod: Arbitrary<PodCase>;
  readonly cluster: Arbitrary<ClusterCase>;
  /** Any one change. */
  readonly change: Arbitrary<Change>;
  /** Another pod that differs from a given one in one thing. */
  readonly variation: Arbitrary<(pod: PodCase) => PodCase>;

  constructor(fc: Fc, words: readonly string[]) {
    const pick = <T>(...values: readonly T[]): Arbitrary<T> => fc.constantFrom(...values);
    const key = pick('disk', 'team', ZONE, ...words.filter((word) => /^[\w./-]{1,63}$/.test(word)));
    const value = pick('a', 'b', '1', ...words.filter((word) => /^[\w.-]{1,63}$/.test(word)));
    const labels = fc.dictionary(key, value, { maxKeys: 3 });
    const taint = fc.record({
      key: pick('a', 'b'),
      value: pick('x', ''),
      effect: pick('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
    });
    const image = fc.record({ name: pick('app:v1', 'web:v2'), mib: pick(1, 60, 900) });
    const extended = pick<Text>({}, { 'x.io/gpu': '2' });
    const cpu = pick('1', '4', '500m');
    const memory = pick('1Gi', '8Gi', '100Mi');
    const parts: { [Key in Exclude<keyof NodeCase, 'name'>]: Arbitrary<NodeCase[Key]> } = {
      cpu,
      memory,
      pods: pick(110, 2, 1),
      extended,
      labels,
      taints: fc.array(taint, { maxLength: 2 }),
      unschedulable: pick(false, false, true),
      images: fc.uniqueArray(image, { maxLength: 2, selector: ({ name }) => name }),
      features: pick<readonly string[]>([], ['FeatureA']),
    };
    this.node = fc.record({ name: fc.constant(''), ...parts });
    const podParts: { [Key in Exclude<keyof PodCase, 'name'>]: Arbitrary<PodCase[Key]> } = {
      namespace: pick('default', 'other'),
      labels,
      priority: pick(0, 0, 100),
      image: pick('app:v1', 'web:v2'),
      cpu: pick('', '100m', '1'),
      memory: pick('', '100Mi', '2Gi'),
      extended: pick<Text>({}, {}, { 'x.io/gpu': '1' }),
      hostPort: pick(0, 0, 80),
      nodeSelector: fc.oneof(fc.constant({}), fc.dictionary(key, value, { maxKeys: 1 })),
      tolerations: fc.array(
        fc.record({ key: pick('a', 'b'), operator: pick('Exists'), effect: pick('', 'NoSchedule') }),
        { maxLength: 1 },
      ),
      avoids: fc.oneof(
        fc.constant({}),
        fc.constant({}),
        fc.dictionary(key, value, { minKeys: 1, maxKeys: 1 }),
      ),
      spreads: pick('', '', '', ZONE, HOSTNAME),
    };
    this.pod = fc.record({ name: fc.constant('pod'), ...podParts });
    const placed = fc.record({ pod: this.pod, on: fc.nat(3) });
    this.cluster = fc
      .record({
        nodes: fc.array(this.node, { minLength: 1, maxLength: 4 }),
        placed: fc.array(placed, { maxLength: 4 }),
      })
      .map(named);
    const ofNode = <Key extends Exclude<keyof NodeCase, 'name'>>(field: Key, touches: number) =>
      parts[field].map(
        (to): Change => ({
          about: `${field} of the node becomes ${JSON.stringify(to)}`,
          touches,
          apply: (cluster, node) =>
            withNode(cluster, node, (old) => (same(old[field], to) ? null : { ...old, [field]: to })),
        }),
      );
    const ofPod = <Key extends Exclude<keyof PodCase, 'name'>>(field: Key, touches: number) =>
      podParts[field].map(
        (to): Change => ({
          about: `${field} of the first pod on the node becomes ${JSON.stringify(to)}`,
          touches,
          apply: (cluster, node) =>
            withPod(cluster, node, (old) => (same(old[field], to) ? null : { ...old, [field]: to })),
        }),
      );
    const { allocatable, requested, podCount, pods } = NodeField;
    this.change = fc.oneof(
      ofNode('cpu', allocatable),
      ofNode('memory', allocatable),
      ofNode('pods', allocatable),
      ofNode('extended', allocatable),
      ofNode('labels', NodeField.labels),
      ofNode('taints', NodeField.taints),
      ofNode('unschedulable', NodeField.unschedulable),
      ofNode('images', NodeField.images),
      ofNode('features', NodeField.features),
      ofPod('cpu', requested | pods),
      ofPod('memory', requested | pods),
      ofPod('hostPort', NodeField.ports | pods),
      ofPod('labels', pods),
      ofPod('namespace', pods),
      ofPod('priority', pods),
      ofPod('avoids', pods),
      this.pod.map(
        (pod): Change => ({
          about: 'a pod comes to the node',
          touches: requested | podCount | pods | NodeField.ports,
          apply: (cluster, node) => named({ ...cluster, placed: [...cluster.placed, { pod, on: node }] }),
        }),
      ),
    );
    this.variation = fc.oneof(
      ...(Object.keys(podParts) as (keyof typeof podParts)[]).map((field) =>
        (podParts[field] as Arbitrary<unknown>).map((to) => (pod: PodCase) => ({ ...pod, [field]: to })),
      ),
      pick((pod: PodCase) => ({ ...pod, name: 'twin' })),
    );
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Names by place: node-1, node-2, …; pods on nodes p-1, p-2, … */
function named({ nodes, placed }: ClusterCase): ClusterCase {
  return {
    nodes: nodes.map((node, i) => ({ ...node, name: `node-${i + 1}` })),
    placed: placed.map(({ pod, on }, i) => ({ pod: { ...pod, name: `p-${i + 1}` }, on: on % nodes.length })),
  };
}

function withNode(
  cluster: ClusterCase,
  node: number,
  change: (old: NodeCase) => NodeCase | null,
): ClusterCase | null {
  const changed = change(cluster.nodes[node]!);
  return changed && { ...cluster, nodes: cluster.nodes.with(node, changed) };
}

function withPod(
  cluster: ClusterCase,
  node: number,
  change: (old: PodCase) => PodCase | null,
): ClusterCase | null {
  const at = cluster.placed.findIndex(({ on }) => on === node);
  if (at < 0) return null;
  const { pod, on } = cluster.placed[at]!;
  const changed = change(pod);
  return changed && { ...cluster, placed: cluster.placed.with(at, { pod: changed, on }) };
}

/** Without one node and the pods on it. */
export function withoutNode(cluster: ClusterCase, node: number): ClusterCase {
  return {
    nodes: cluster.nodes.filter((_, i) => i !== node),
    placed: cluster.placed
      .filter(({ on }) => on !== node)
      .map(({ pod, on }) => ({ pod, on: on > node ? on - 1 : on })),
  };
}

// ---- as objects ----

/** Nodes, and pods on them, as a user would write them; what is not set is left out. */
export function clusterObjects({ nodes, placed }: ClusterCase): KubeObject[] {
  return [
    ...nodes.map(nodeObject),
    ...placed.map(({ pod, on }) => {
      const object = podObject(pod);
      return { ...object, spec: { nodeName: nodes[on]!.name, ...object['spec'] } };
    }),
  ];
}

function nodeObject(node: NodeCase): KubeObject {
  const { taints, unschedulable, images, features } = node;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels: { [HOSTNAME]: node.name, ...node.labels } },
    spec: {
      ...(taints.length > 0 ? { taints: taints.map((taint) => ({ ...taint })) } : {}),
      ...(unschedulable ? { unschedulable } : {}),
    },
    status: {
      allocatable: { cpu: node.cpu, memory: node.memory, pods: String(node.pods), ...node.extended },
      ...(images.length > 0
        ? { images: images.map(({ name, mib }) => ({ names: [name], sizeBytes: mib * 1024 * 1024 })) }
        : {}),
      ...(features.length > 0 ? { declaredFeatures: [...features] } : {}),
    },
  };
}

export function podObject(pod: PodCase): KubeObject {
  const requests = {
    ...(pod.cpu === '' ? {} : { cpu: pod.cpu }),
    ...(pod.memory === '' ? {} : { memory: pod.memory }),
    ...pod.extended,
  };
  const some = (value: object): boolean => Object.keys(value).length > 0;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      ...(some(pod.labels) ? { labels: pod.labels } : {}),
    },
    spec: {
      ...(pod.priority === 0 ? {} : { priority: pod.priority }),
      ...(some(pod.nodeSelector) ? { nodeSelector: pod.nodeSelector } : {}),
      ...(pod.tolerations.length > 0 ? { tolerations: pod.tolerations.map((each) => ({ ...each })) } : {}),
      ...(some(pod.avoids)
        ? {
            affinity: {
              podAntiAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: [
                  { topologyKey: HOSTNAME, labelSelector: { matchLabels: pod.avoids } },
                ],
              },
            },
          }
        : {}),
      ...(pod.spreads === ''
        ? {}
        : {
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: pod.spreads,
                whenUnsatisfiable: 'DoNotSchedule',
                labelSelector: { matchLabels: pod.labels },
              },
            ],
          }),
      containers: [
        {
          name: 'c',
          image: pod.image,
          ...(some(requests) ? { resources: { requests } } : {}),
          ...(pod.hostPort > 0
            ? { ports: [{ containerPort: pod.hostPort, hostPort: pod.hostPort, protocol: 'TCP' }] }
            : {}),
        },
      ],
    },
  };
}
