// What kubelets tell of their nodes while they are healthy: the images on them. A node's status is computed every
// nodeStatusUpdateFrequency and sent when it has changed (pkg/kubelet/kubelet_node_status.go, v1.36); only those
// computations that have something to tell are made into events.
import type { ApiClient } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import type { Images } from './images.ts';

export class NodeStatus {
  readonly #c: RunContext;
  readonly #images: Images;
  readonly #client: (node: number) => ApiClient;
  readonly #kind: EventKind;
  /** Whether a node's next status update is scheduled. */
  readonly #pending: boolean[] = [];
  readonly #phase: number;

  constructor(context: RunContext, images: Images, client: (node: number) => ApiClient) {
    this.#c = context;
    this.#images = images;
    this.#client = client;
    this.#phase = context.draw.purpose('kubelet/node-status');
    this.#kind = context.kernel.on('kubelet/node-status', (node) => this.#send(node));
  }

  /** An image will be on the node at `readyUs`: the status that follows tells it. */
  imageAt(node: number, readyUs: number): void {
    if (this.#pending[node]) return;
    this.#pending[node] = true;
    const { kernel, costs, draw } = this.#c;
    // Each kubelet computes its status on its own phase of the period.
    const period = costs.kubelet.nodeStatusUs;
    const phase = draw.below(this.#phase, node, 0, period);
    const at = phase + Math.ceil((readyUs - phase) / period) * period;
    kernel.at(Math.max(at, readyUs), this.#kind, node, 0);
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
}
