// What exists when the run begins: the system namespaces, the nodes, and the objects and bound pods of a dump. None of
// it was requested by anyone; it stands in the logs as the first revisions, so that every watcher learns it.

import type { NodeGroup, SourcedObject } from '../contracts/scenario.ts';
import { ingestNode, type NodeIngest } from '../kinds/ingest/node.ts';
import { ingestPod } from '../kinds/ingest/pod.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { namespaceDefaults } from '../kinds/namespace-defaults.ts';
import type { Recorder } from '../metrics/recorder.ts';
import { type ClusterState, isTerminal, type PodId, seededUid, timestampText } from '../state/index.ts';

/** Namespaces that a cluster has from the start (kube-apiserver's own and kubeadm's). */
const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** The part of the API server that seeding needs. */
export interface SeedTarget {
  seed(object: KubeObject): number;
  /** Next etcd revision, for a row that is written directly. */
  nextRevision(): number;
  /** The pod as the server stores it: defaulted and admitted, with its own metadata and status. */
  storedPod(pod: KubeObject): KubeObject;
}

export class Seeder {
  readonly #state: ClusterState;
  readonly #recorder: Recorder;
  readonly #server: SeedTarget;
  #serial = 0;

  constructor(state: ClusterState, recorder: Recorder, server: SeedTarget) {
    this.#state = state;
    this.#recorder = recorder;
    this.#server = server;
  }

  namespaces(names: Iterable<string>): void {
    for (const name of [...SYSTEM_NAMESPACES, ...names]) {
      if (this.#state.objects.find('Namespace', '', name) >= 0) continue;
      this.object({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      });
    }
  }

  /** What the cluster made in each namespace, but for what a dump has told already. */
  namespaceDefaults(): void {
    const { objects } = this.#state;
    for (const [name] of [...objects.kind('Namespace').ids])
      for (const object of namespaceDefaults(name)) {
        const store =
          objects.findKind(object.kind) ?? objects.findKind(`${object.kind}.${object.apiVersion}`);
        if (store?.ids.has(`${name}/${object.metadata.name}`) !== true) this.object(object);
      }
  }

  nodeGroups(groups: readonly NodeGroup[]): void {
    for (const group of groups) {
      const count = group.names?.length ?? group.count;
      for (let i = 0; i < count; i++) {
        const name = group.names?.[i] ?? `${group.prefix}${group.first + i}`;
        const zone = group.zones.length === 0 ? '' : group.zones[i % group.zones.length]!;
        this.node(group.object, { name, zone, hostname: true });
      }
    }
  }

  /** `us` and `revision`: of a node that joins during the run. */
  node(
    object: KubeObject,
    how: Pick<NodeIngest, 'name' | 'zone' | 'hostname'> & Partial<Pick<NodeIngest, 'us' | 'revision'>>,
  ): number {
    const revision = how.revision ?? this.#server.nextRevision();
    const node = ingestNode(this.#state, object, { ...how, us: how.us ?? 0, revision });
    const { nodes } = this.#state;
    this.#recorder.nodeAdded(node, {
      name: how.name,
      zone: nodes.zone(node),
      cpuMilli: nodes.cpuMilli[node]!,
      memoryBytes: nodes.memoryBytes[node]!,
      podsMax: nodes.podsMax[node]!,
      runtime: object['status']?.nodeInfo?.containerRuntimeVersion ?? '',
    });
    return node;
  }

  /** An object of a dump, or one that the cluster has by itself. */
  object(object: KubeObject): number {
    this.#serial += 1;
    return this.#server.seed({
      ...object,
      metadata: {
        ...object.metadata,
        uid: object.metadata.uid ?? seededUid(this.#serial),
        creationTimestamp: object.metadata.creationTimestamp ?? timestampText(0),
        ...(object['spec'] !== undefined && object.kind !== 'Namespace' && object.kind !== 'Service'
          ? { generation: object.metadata.generation ?? 1 }
          : {}),
      },
    });
  }

  /** Returns the bound pods that run, for the kubelets to take over. */
  existing(objects: readonly SourcedObject[]): number[] {
    const running: number[] = [];
    const owners = new Map<string, number>();
    for (const { object } of objects) {
      if (object.kind === 'Node') {
        this.node(object, { name: object.metadata.name!, zone: '', hostname: false });
      }
    }
    for (const { object } of objects) {
      if (object.kind === 'Node' || object.kind === 'Pod' || this.#known(object)) continue;
      const id = this.object(object);
      if (object.metadata.uid !== undefined) owners.set(object.metadata.uid, id);
    }
    for (const { object } of objects) {
      if (object.kind !== 'Pod') continue;
      const pod = this.#pod(object, owners);
      if (!isTerminal(this.#state.pods.word[pod]!)) running.push(pod);
    }
    return running;
  }

  #known(object: KubeObject): boolean {
    return (
      object.kind === 'Namespace' && this.#state.objects.find('Namespace', '', object.metadata.name!) >= 0
    );
  }

  #pod(object: KubeObject, owners: ReadonlyMap<string, number>): PodId {
    const { pods, nodes } = this.#state;
    const ownerUid = object.metadata.ownerReferences?.find((reference) => reference.controller)?.uid;
    const pod = ingestPod(this.#state, this.#server.storedPod(object), {
      owner: (ownerUid === undefined ? undefined : owners.get(ownerUid)) ?? -1,
      us: 0,
      revision: this.#server.nextRevision(),
    });
    const node = pods.node[pod]!;
    this.#recorder.podExisted(pod, node >= 0);
    if (node < 0 || isTerminal(pods.word[pod]!)) return pod;
    const template = this.#state.template(pod);
    nodes.podCount[node]! += 1;
    nodes.cpuRequested[node]! += template.cpuMilli;
    nodes.memoryRequested[node]! += template.memoryBytes;
    const { cpuRequested, memoryRequested, podCount } = nodes;
    this.#recorder.nodeUsage(node, cpuRequested[node]!, memoryRequested[node]!, podCount[node]!, 1);
    return pod;
  }
}
