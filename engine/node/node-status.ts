// What kubelets tell of their nodes: the images on them, and what runs out. A node's status is computed every
// nodeStatusUpdateFrequency and sent when it has changed (pkg/kubelet/kubelet_node_status.go, v1.36); only those
// computations that have something to tell are made into events.
import type { ApiClient } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import { nodeConditions, postedConditions } from '../kinds/ingest/node-conditions.ts';
import { timestampText } from '../state/index.ts';
import type { Images } from './images.ts';

/** Events of a condition that changes: `NodeHasInsufficientMemory` (pkg/kubelet/nodestatus/setters.go). */
const TOLD: Readonly<Record<string, readonly [pressed: string, well: string]>> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
};

export class NodeStatus {
  readonly #c: RunContext;
  readonly #images: Images;
  readonly #client: (node: number) => ApiClient;
  readonly #kind: EventKind;
  readonly #pressureKind: EventKind;
  /** Whether a node's next status update is scheduled. */
  readonly #pending: boolean[] = [];
  readonly #phase: number;
  /** Conditions of pressure, by nodes whose next status tells them anew. */
  readonly #pressures = new Map<number, readonly string[]>();

  constructor(context: RunContext, images: Images, client: (node: number) => ApiClient) {
    this.#c = context;
    this.#images = images;
    this.#client = client;
    this.#phase = context.draw.purpose('kubelet/node-status');
    this.#kind = context.kernel.on('kubelet/node-status', (node) => this.#send(node));
    this.#pressureKind = context.kernel.on('kubelet/node-pressure', (node) => this.#tellPressures(node));
  }

  /** An image will be on the node at `readyUs`: the status that follows tells it. */
  imageAt(node: number, readyUs: number): void {
    if (this.#pending[node]) return;
    const { kernel } = this.#c;
    this.#pending[node] = true;
    kernel.at(Math.max(this.nextUs(node, readyUs), readyUs), this.#kind, node, 0);
  }

  /** The next status says that the node has these pressures and no others. */
  pressed(node: number, pressures: readonly string[]): void {
    const { kernel } = this.#c;
    if (!this.#pressures.has(node)) kernel.at(this.nextUs(node, kernel.now), this.#pressureKind, node, 0);
    this.#pressures.set(node, pressures);
  }

  /** When the node's status is computed next, at `us` or later. */
  nextUs(node: number, us: number): number {
    const { costs, draw } = this.#c;
    // Each kubelet computes its status on its own phase of the period.
    const period = costs.kubelet.nodeStatusUs;
    const phase = draw.below(this.#phase, node, 0, period);
    return phase + Math.ceil((us - phase) / period) * period;
  }

  #send(node: number): void {
    this.#pending[node] = false;
    const { kernel, state } = this.#c;
    const later = this.#images.pullingUntil(node, kernel.now);
    if (later > kernel.now) this.imageAt(node, later);
    // A node that cannot speak tells it when it returns.
    if (state.nodes.removed[node] === 1 || !state.heartbeats.renews(node)) return;
    const list = this.#images.list(node, kernel.now);
    const known = state.nodes.images[node]!;
    if (list.length === known.length && list.every((image, i) => image === known[i])) return;
    this.#client(node).patchNodeImages(node, list);
  }

  #tellPressures(node: number): void {
    const pressures = this.#pressures.get(node);
    if (pressures === undefined) return;
    this.#pressures.delete(node);
    const { kernel, state } = this.#c;
    // A node that cannot speak tells it when it returns.
    if (state.nodes.removed[node] === 1 || !state.heartbeats.renews(node)) return;
    const before = nodeConditions(state, node);
    const conditions = postedConditions(before, timestampText(kernel.now), pressures);
    const name = state.nodeName(node);
    for (const [type, [pressed, well]] of Object.entries(TOLD)) {
      const status = pressures.includes(type) ? 'True' : 'False';
      if (before.find((condition) => condition.type === type)?.status === status) continue;
      const reason = status === 'True' ? pressed : well;
      this.#client(node).event('Normal', reason, 'Node', '', name, `Node ${name} status is now: ${reason}`);
    }
    this.#client(node).writeNode(node, 'patch nodes/status', { conditions }, 0, null);
  }
}
