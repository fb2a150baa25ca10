// Objects of one kind as the controller manager has seen them: its watch's entries folded into a map. Controllers read
// nothing else about other objects, so they act on what they know, not on what etcd holds.
import type { ObjectHandler, SeenObject, SeenObjects } from '../contracts/controller.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { keyOf, type RevisionLog, Verb } from '../state/index.ts';
import { controllerUid } from './owner.ts';

class Entry implements SeenObject {
  readonly id: number;
  readonly kind: string;
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  object: KubeObject;
  revision: number;

  constructor(id: number, kind: string, object: KubeObject, revision: number) {
    this.id = id;
    this.kind = kind;
    this.namespace = object.metadata.namespace ?? '';
    this.name = object.metadata.name!;
    this.key = keyOf(this.namespace, this.name);
    this.object = object;
    this.revision = revision;
  }
}

const NONE: readonly SeenObject[] = Object.freeze([]);

/** Lists of objects by a text, each in order of appearance. Lists are made when they are asked for. */
class Groups {
  readonly #members = new Map<string, Set<Entry>>();
  readonly #lists = new Map<string, Entry[]>();

  get(text: string): readonly SeenObject[] {
    const members = this.#members.get(text);
    if (members === undefined) return NONE;
    let list = this.#lists.get(text);
    if (list === undefined) {
      list = [...members];
      this.#lists.set(text, list);
    }
    return list;
  }
  add(text: string, entry: Entry): void {
    const members = this.#members.get(text);
    if (members === undefined) this.#members.set(text, new Set([entry]));
    else members.add(entry);
    this.#lists.get(text)?.push(entry);
  }
  remove(text: string, entry: Entry): void {
    const members = this.#members.get(text);
    if (members?.delete(entry) !== true) return;
    // Somebody may be walking through the old list.
    this.#lists.delete(text);
    if (members.size === 0) this.#members.delete(text);
  }
}

export class ObjectView implements SeenObjects {
  readonly kind: string;
  readonly #handlers: ObjectHandler[] = [];
  readonly #byKey = new Map<string, Entry>();
  readonly #byId = new Map<number, Entry>();
  readonly #byNamespace = new Groups();
  readonly #byController = new Groups();

  constructor(kind: string) {
    this.kind = kind;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(key: string): SeenObject | undefined {
    return this.#byKey.get(key);
  }
  byId(id: number): SeenObject | undefined {
    return this.#byId.get(id);
  }
  inNamespace(namespace: string): readonly SeenObject[] {
    return this.#byNamespace.get(namespace);
  }
  controlledBy(uid: string): readonly SeenObject[] {
    return this.#byController.get(uid);
  }

  onChange(handler: ObjectHandler): void {
    this.#handlers.push(handler);
  }

  /** Takes in entries [from, to) of the kind's log. */
  fold(log: RevisionLog, from: number, to: number): void {
    for (let position = from; position < to; position++) {
      const object = log.object(position) as KubeObject;
      this.#apply(log.id(position), log.verb(position), object, log.revision(position));
    }
  }

  #apply(id: number, verb: Verb, object: KubeObject, revision: number): void {
    let entry = this.#byId.get(id);
    let old: KubeObject | null = null;
    if (entry === undefined) {
      entry = new Entry(id, this.kind, object, revision);
      this.#byId.set(id, entry);
      this.#byKey.set(entry.key, entry);
      this.#byNamespace.add(entry.namespace, entry);
      const controller = controllerUid(object);
      if (controller !== undefined) this.#byController.add(controller, entry);
    } else {
      old = entry.object;
      entry.object = object;
      entry.revision = revision;
      if (old.metadata.ownerReferences !== object.metadata.ownerReferences) {
        const before = controllerUid(old);
        const after = controllerUid(object);
        if (before !== after) {
          if (before !== undefined) this.#byController.remove(before, entry);
          if (after !== undefined) this.#byController.add(after, entry);
        }
      }
    }
    if (verb === Verb.deleted) this.#remove(entry);
    for (const handler of this.#handlers) handler(entry, verb, old);
  }

  #remove(entry: Entry): void {
    this.#byId.delete(entry.id);
    if (this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key);
    this.#byNamespace.remove(entry.namespace, entry);
    const controller = controllerUid(entry.object);
    if (controller !== undefined) this.#byController.remove(controller, entry);
  }
}
