// Nodes as the controller manager has seen them: which there are. Their columns are read in the node table when the
// watch delivers a change, as the scheduler does; two changes within the watch's delay therefore show together.
import type { NodeHandler, SeenNodes } from '../contracts/controller.ts';
import { type RevisionLog, Verb } from '../state/index.ts';

export class NodeView implements SeenNodes {
  readonly #nodes = new Set<number>();
  readonly #handlers: NodeHandler[] = [];

  get count(): number {
    return this.#nodes.size;
  }
  has(node: number): boolean {
    return this.#nodes.has(node);
  }
  list(): Iterable<number> {
    return this.#nodes;
  }

  onChange(handler: NodeHandler): void {
    this.#handlers.push(handler);
  }

  /** Takes in entries [from, to) of the node log. */
  fold(log: RevisionLog, from: number, to: number): void {
    for (let position = from; position < to; position++) {
      const node = log.id(position);
      const verb = log.verb(position);
      if (verb === Verb.deleted) this.#nodes.delete(node);
      else this.#nodes.add(node);
      for (const handler of this.#handlers) handler(node, verb);
    }
  }
}
