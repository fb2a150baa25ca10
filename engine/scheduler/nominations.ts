// Which pods are promised which node: they preempted there, or their status says so. While such a pod waits, others of
// lower priority must fit beside it, and the node is the first that it tries itself
// (pkg/scheduler/backend/queue/nominator.go, v1.36).

const NONE: readonly number[] = Object.freeze([]);

export class Nominations {
  readonly #podsOf = new Map<number, number[]>();
  readonly #nodeOf = new Map<number, number>();

  /** Nominated pods. */
  get size(): number {
    return this.#nodeOf.size;
  }

  /** Node of the pod, -1. */
  nodeOf(pod: number): number {
    return this.#nodeOf.get(pod) ?? -1;
  }

  /** Pods nominated to the node, in the order in which they were. */
  podsOn(node: number): readonly number[] {
    return this.#podsOf.get(node) ?? NONE;
  }

  /** Nodes that somebody is nominated to, in the order of their oldest nomination. */
  nodes(): Iterable<number> {
    return this.#podsOf.keys();
  }

  set(pod: number, node: number): void {
    if (this.nodeOf(pod) === node) return;
    this.clear(pod);
    this.#nodeOf.set(pod, node);
    const pods = this.#podsOf.get(node);
    if (pods === undefined) this.#podsOf.set(node, [pod]);
    else pods.push(pod);
  }

  /** Returns the node that the pod was nominated to, -1. */
  clear(pod: number): number {
    const node = this.nodeOf(pod);
    if (node < 0) return -1;
    this.#nodeOf.delete(pod);
    const pods = this.#podsOf.get(node)!;
    pods.splice(pods.indexOf(pod), 1);
    if (pods.length === 0) this.#podsOf.delete(node);
    return node;
  }
}
