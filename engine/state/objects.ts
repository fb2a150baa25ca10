// Everything that is neither a pod nor a node: plain frozen objects by kind and namespace/name, each with a small
// number (ObjectId) that rows and events can hold. Ids are never reused. Versions are replaced, never changed.
import { assert } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { RevisionLog, Verb } from './revision-log.ts';

export type ObjectId = number & { readonly __objectId: unique symbol };

export const keyOf = (namespace: string | undefined, name: string): string =>
  namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;

export const groupOf = (apiVersion: string): string =>
  apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')));

export class KindStore {
  /** Position in ObjectStore.kinds. */
  readonly index: number;
  readonly kind: string;
  readonly apiVersion: string;
  /** Plural resource name. */
  readonly resource: string;
  readonly namespaced: boolean;
  readonly log: RevisionLog;
  readonly ids = new Map<string, ObjectId>();

  constructor(index: number, kind: string, apiVersion: string, resource: string, namespaced: boolean) {
    this.index = index;
    this.kind = kind;
    this.apiVersion = apiVersion;
    this.resource = resource;
    this.namespaced = namespaced;
    this.log = new RevisionLog(resource, 64);
  }
}

export class ObjectStore {
  readonly kinds: KindStore[] = [];
  readonly #byKind = new Map<string, KindStore>();
  readonly #objects: (KubeObject | null)[] = [];
  /** Last versions of deleted objects: what rows still name as their owner. */
  readonly #gone = new Map<number, KubeObject>();
  readonly #kindOf: number[] = [];
  readonly #revision: number[] = [];

  /** Registers a kind; kinds are registered before the first object, in a fixed order. */
  register(kind: string, apiVersion: string, resource: string, namespaced: boolean): KindStore {
    assert(!this.#byKind.has(kind), () => `kind ${kind} is registered twice`);
    const store = new KindStore(this.kinds.length, kind, apiVersion, resource, namespaced);
    this.kinds.push(store);
    this.#byKind.set(kind, store);
    return store;
  }

  /** The store of a kind that is known to be registered. */
  kind(kind: string): KindStore {
    const store = this.#byKind.get(kind);
    assert(store !== undefined, () => `kind ${kind} is not registered`);
    return store;
  }

  findKind(kind: string): KindStore | undefined {
    return this.#byKind.get(kind);
  }

  /** The same by what a reference names: kinds that are stored only are registered by their version (stores.ts). */
  findVersion(apiVersion: string, kind: string): KindStore | undefined {
    const known = this.#byKind.get(kind);
    const isVersion = known !== undefined && groupOf(known.apiVersion) === groupOf(apiVersion);
    return isVersion ? known : this.#byKind.get(`${kind}.${apiVersion}`);
  }

  /** Id of the live object with that name, or -1. */
  find(kind: string, namespace: string, name: string): ObjectId | -1 {
    return this.kind(kind).ids.get(keyOf(namespace, name)) ?? -1;
  }

  /** Newest version; null after deletion. */
  get(id: number): KubeObject | null {
    return this.#objects[id] ?? null;
  }

  /** Newest version, or the last one of an object that is gone. */
  lastVersion(id: number): KubeObject | null {
    return this.#objects[id] ?? this.#gone.get(id) ?? null;
  }

  kindOf(id: number): KindStore {
    return this.kinds[this.#kindOf[id]!]!;
  }

  /** Revision of the newest version. */
  revision(id: number): number {
    return this.#revision[id]!;
  }

  /** Ids given so far. */
  get used(): number {
    return this.#objects.length;
  }

  create(store: KindStore, object: KubeObject, revision: number, timeUs: number): ObjectId {
    const id = this.#objects.length as ObjectId;
    const key = keyOf(object.metadata.namespace, object.metadata.name!);
    assert(!store.ids.has(key), () => `${store.kind} ${key} exists`);
    store.ids.set(key, id);
    this.#objects.push(Object.freeze(object));
    this.#kindOf.push(store.index);
    this.#revision.push(revision);
    store.log.append(revision, timeUs, Verb.added, id, 0, -1, object);
    return id;
  }

  update(id: ObjectId, object: KubeObject, revision: number, timeUs: number): void {
    assert(this.#objects[id] !== null, 'a deleted object is not updated');
    this.#objects[id] = Object.freeze(object);
    this.#revision[id] = revision;
    this.kindOf(id).log.append(revision, timeUs, Verb.modified, id, 0, -1, object);
  }

  remove(id: ObjectId, revision: number, timeUs: number): void {
    const object = this.#objects[id];
    assert(object !== null && object !== undefined, 'an object is deleted once');
    const store = this.kindOf(id);
    store.ids.delete(keyOf(object.metadata.namespace, object.metadata.name!));
    this.#objects[id] = null;
    this.#gone.set(id, { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata });
    this.#revision[id] = revision;
    store.log.append(revision, timeUs, Verb.deleted, id, 0, -1, object);
  }
}
