// The TTL controller (pkg/controller/ttl, v1.36): tells kubelets by an annotation how long they may keep secrets, the
// longer the larger the cluster. Its write to a node that joins is what the node controller's first write meets.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type Steps,
} from '../contracts/controller.ts';
import { Verb } from '../state/index.ts';

const ANNOTATION = 'node.alpha.kubernetes.io/ttl';
/** ttlBoundaries: between these numbers of nodes the annotation is so many seconds. */
const BOUNDARIES: readonly (readonly [least: number, most: number, seconds: number])[] = [
  [0, 100, 0],
  [90, 500, 15],
  [450, 1000, 30],
  [900, 2000, 60],
  [1800, Number.POSITIVE_INFINITY, 300],
];

class NodeTtl implements Controller {
  readonly #ctx: ControllerContext;
  #step = 0;
  /** Seconds that a node was told last. Nodes that were there from the start were told what holds then. */
  readonly #told = new Map<number, number>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    const nodes = ctx.nodes();
    const { state } = ctx.run;
    ctx.onNodes((node, verb) => {
      while (nodes.count > BOUNDARIES[this.#step]![1]) this.#step += 1;
      while (nodes.count < BOUNDARIES[this.#step]![0]) this.#step -= 1;
      if (verb === Verb.deleted) this.#told.delete(node);
      else if (state.nodes.addedUs[node]! > 0 && this.#told.get(node) !== this.#seconds)
        ctx.queue.add(String(node));
    });
  }

  get #seconds(): number {
    return BOUNDARIES[this.#step]![2];
  }

  *reconcile(key: string, calls: Calls): Steps {
    const node = Number(key);
    const seconds = this.#seconds;
    if (this.#ctx.run.state.nodes.removed[node] || this.#told.get(node) === seconds) return DONE;
    this.#told.set(node, seconds);
    const annotations = { [ANNOTATION]: String(seconds) };
    yield calls.send((client, reply, worker) =>
      client.writeNode(node, 'patch nodes', { annotations }, 0, reply, worker),
    );
    return DONE;
  }
}

export const nodeTtlController: ControllerDefinition = {
  name: 'ttl',
  clientName: 'ttl-controller',
  about: 'annotates nodes that join with the lifetime of secrets',
  syncUs: 20,
  create: (context) => new NodeTtl(context),
};
