// Reusable cursors over pods and nodes for plug-ins: readable names, no copies.
import type { ClusterView, NodeView, PodView } from '../contracts/scheduler.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import { type ClusterState, type Labels, PodBit, type PodTemplate, type Taint } from '../state/index.ts';

export class PodCursor implements PodView {
  id = -1;
  #template: PodTemplate | null = null;
  readonly #state: ClusterState;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  at(pod: number): this {
    this.id = pod;
    this.#template = this.#state.template(pod);
    return this;
  }

  get template(): PodTemplate {
    return this.#template!;
  }
  get namespace(): string {
    return this.#state.podNamespace(this.id);
  }
  get name(): string {
    return this.#state.podName(this.id);
  }
  get uid(): string {
    return podUid(this.#state, this.id);
  }
  get priority(): number {
    return this.#state.pods.priority[this.id]!;
  }
  get owner(): number {
    return this.#state.pods.owner[this.id]!;
  }
  get terminating(): boolean {
    return (this.#state.pods.word[this.id]! & PodBit.deleting) !== 0;
  }
  get pinnedNode(): string {
    const pinned = this.#state.pods.pinned[this.id]!;
    return pinned < 0 ? '' : this.#state.texts.text(pinned);
  }
  get labels(): Labels {
    return this.#state.labels.get(this.#state.pods.labelSet[this.id]!);
  }
}

export class NodeCursor implements NodeView {
  id = -1;
  readonly #cluster: ClusterView;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  at(node: number): this {
    this.id = node;
    return this;
  }

  get name(): string {
    return this.#cluster.nodeName(this.id);
  }
  get cpuAllocatable(): number {
    return this.#cluster.columns.cpuAllocatable[this.id]!;
  }
  get memoryAllocatable(): number {
    return this.#cluster.columns.memoryAllocatable[this.id]!;
  }
  get ephemeralAllocatable(): number {
    return this.#cluster.columns.ephemeralAllocatable[this.id]!;
  }
  get podsAllocatable(): number {
    return this.#cluster.columns.podsAllocatable[this.id]!;
  }
  get cpuRequested(): number {
    return this.#cluster.columns.cpuRequested[this.id]!;
  }
  get memoryRequested(): number {
    return this.#cluster.columns.memoryRequested[this.id]!;
  }
  get ephemeralRequested(): number {
    return this.#cluster.columns.ephemeralRequested[this.id]!;
  }
  get nonZeroCpu(): number {
    return this.#cluster.columns.nonZeroCpu[this.id]!;
  }
  get nonZeroMemory(): number {
    return this.#cluster.columns.nonZeroMemory[this.id]!;
  }
  get podCount(): number {
    return this.#cluster.columns.podCount[this.id]!;
  }
  get unschedulable(): boolean {
    return this.#cluster.columns.unschedulable[this.id] === 1;
  }
  get taints(): readonly Taint[] {
    return this.#cluster.taints(this.#cluster.columns.taintSet[this.id]!);
  }
  label(key: string): string | undefined {
    return this.#cluster.label(this.id, key);
  }
  allocatable(resource: number): number {
    return this.#cluster.allocatable(this.id, resource);
  }
  requested(resource: number): number {
    return this.#cluster.requested(this.id, resource);
  }
}
