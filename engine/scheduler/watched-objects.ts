// Objects besides nodes and pods, as the scheduler's watches have passed them: its informer caches.
import type { WatchedObjectsView } from '../contracts/topology.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { type RevisionLog, Verb } from '../state/index.ts';

/** Kinds besides nodes, pods and those of storage that plug-ins look up by name or selector. */
export const WATCHED_KINDS = [
  'Namespace',
  'Service',
  'ReplicationController',
  'ReplicaSet',
  'StatefulSet',
] as const;

const NONE: readonly KubeObject[] = Object.freeze([]);

class Shelf {
  readonly objects = new Map<string, KubeObject>();
  version = 0;
  #list: readonly KubeObject[] | null = null;

  get list(): readonly KubeObject[] {
    this.#list ??= [...this.objects.values()];
    return this.#list;
  }
  changed(): void {
    this.version += 1;
    this.#list = null;
  }
}

export class WatchedObjects implements WatchedObjectsView {
  changes = 0;
  readonly #kinds = new Map<string, Map<string, Shelf>>();

  list(kind: string, namespace: string): readonly KubeObject[] {
    return this.#kinds.get(kind)?.get(namespace)?.list ?? NONE;
  }
  get(kind: string, namespace: string, name: string): KubeObject | null {
    return this.#kinds.get(kind)?.get(namespace)?.objects.get(name) ?? null;
  }
  /** Of all namespaces. */
  all(kind: string): KubeObject[] {
    return [...(this.#kinds.get(kind)?.values() ?? [])].flatMap((shelf) => [...shelf.objects.values()]);
  }
  version(kind: string, namespace: string): number {
    return this.#kinds.get(kind)?.get(namespace)?.version ?? 0;
  }

  /** What a watch tells. */
  fold(log: RevisionLog, from: number, to: number): void {
    for (let p = from; p < to; p++) {
      const object = log.object(p) as KubeObject;
      if (log.verb(p) === Verb.deleted) this.remove(object);
      else this.set(object);
    }
  }

  /** The object is there, or has changed. */
  set(object: KubeObject): void {
    const shelf = this.#shelf(object);
    const name = object.metadata.name!;
    shelf.objects.set(name, object);
    this.changes += 1;
    shelf.changed();
  }

  remove(object: KubeObject): void {
    const shelf = this.#shelf(object);
    if (!shelf.objects.delete(object.metadata.name!)) return;
    this.changes += 1;
    shelf.changed();
  }

  #shelf({ kind, metadata }: KubeObject): Shelf {
    let byNamespace = this.#kinds.get(kind);
    if (byNamespace === undefined) {
      byNamespace = new Map();
      this.#kinds.set(kind, byNamespace);
    }
    const namespace = metadata.namespace ?? '';
    let shelf = byNamespace.get(namespace);
    if (shelf === undefined) {
      shelf = new Shelf();
      byNamespace.set(namespace, shelf);
    }
    return shelf;
  }
}
