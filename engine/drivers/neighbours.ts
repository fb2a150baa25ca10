// Scenarios that run beside the one that is looked at, in one cluster: whose an entry of a revision log is. Each lives in
// a namespace; what has no namespace (nodes, volumes) carries that name in its own.
import type { Bystanders } from '../contracts/timeline.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { ClusterState, RevisionLog } from '../state/index.ts';

export class Neighbours implements Bystanders {
  readonly #state: ClusterState;
  readonly #namespaces: ReadonlySet<string>;

  constructor(state: ClusterState, namespaces: readonly string[]) {
    this.#state = state;
    this.#namespaces = new Set(namespaces);
  }

  entry(log: RevisionLog, position: number): boolean {
    const { podLog, nodeLog } = this.#state;
    if (log === podLog) return this.#namespaces.has(this.#state.podNamespace(log.id(position)));
    if (log === nodeLog) return this.object('', this.#state.nodeName(log.id(position)));
    const { metadata } = log.object(position) as KubeObject;
    return this.object(metadata.namespace ?? '', metadata.name ?? '');
  }

  object(namespace: string, name: string): boolean {
    if (namespace !== '') return this.#namespaces.has(namespace);
    for (const theirs of this.#namespaces) if (`-${name}-`.includes(`-${theirs}-`)) return true;
    return false;
  }
}
