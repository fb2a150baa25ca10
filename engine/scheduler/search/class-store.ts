// The classes of a profile, and how long they are kept. A class holds back the journal and takes memory by the node, so
// one that has not been asked for lately is dropped; when pods of it come again it starts anew.
import type { Framework } from '../framework.ts';
import { LeafPages } from './leaf-pages.ts';
import { type IndexedCluster, NodeClass } from './node-class.ts';
import { Plans, partsOf } from './plan.ts';
import { Signatures } from './signature.ts';

/** Memory of all classes together. */
const BYTES_MAX = 512 * 1024 * 1024;
const CLASSES_MAX = 2048;
/** Journal entries that are kept for classes which lag behind; beyond that looking at all nodes is no dearer. */
const LAG_MIN = 4096;

export interface IndexedProfile {
  readonly plans: Plans;
  readonly signatures: Signatures<NodeClass>;
}

export class ClassStore {
  readonly #cluster: IndexedCluster;
  readonly #profiles = new Map<Framework, IndexedProfile | null>();
  readonly #classes = new Map<string, NodeClass>();
  readonly #pages = new LeafPages();
  #decisions = 0;
  #checkedBytes = 0;

  constructor(cluster: IndexedCluster) {
    this.#cluster = cluster;
  }

  /** null: the index cannot serve it. */
  profile(framework: Framework): IndexedProfile | null {
    let profile = this.#profiles.get(framework);
    if (profile === undefined) {
      const parts = partsOf(framework);
      profile = parts === null ? null : { plans: new Plans(parts), signatures: new Signatures(parts) };
      this.#profiles.set(framework, profile);
    }
    return profile;
  }

  /** The class of a signature; `framework` is part of it. */
  class(framework: Framework, key: string): NodeClass {
    const whole = `${framework.schedulerName}\n${key}`;
    let known = this.#classes.get(whole);
    if (known === undefined) {
      if (this.#classes.size >= CLASSES_MAX) this.#dropOldest(CLASSES_MAX >> 1);
      known = new NodeClass(whole, this.#pages);
      this.#classes.set(whole, known);
    }
    return known;
  }

  /** Notes a decision of the class, and drops those that lag too far behind. */
  used(target: NodeClass): void {
    target.usedAt = ++this.#decisions;
    const { journal, nodeOrder } = this.#cluster;
    const lagMax = Math.max(LAG_MIN, 2 * nodeOrder.count);
    if (journal.size <= 2 * lagMax) return;
    for (const each of this.#classes.values()) {
      if (each.cursor !== null && journal.head - each.cursor.position > lagMax) this.#drop(each);
    }
  }

  /** A class has been built: makes room if all of them take too much. */
  built(): void {
    if (++this.#checkedBytes < 16) return;
    this.#checkedBytes = 0;
    let bytes = 0;
    let built = 0;
    for (const { tree, cursor } of this.#classes.values()) {
      bytes += tree.bytes;
      if (cursor !== null) built += 1;
    }
    if (bytes > BYTES_MAX) this.#dropOldest(built >> 1);
  }

  #dropOldest(count: number): void {
    const oldest = [...this.#classes.values()].sort((a, b) => a.usedAt - b.usedAt);
    for (let i = 0; i < count && i < oldest.length - 1; i++) this.#drop(oldest[i]!);
  }

  #drop(target: NodeClass): void {
    if (target.cursor !== null) this.#cluster.journal.close(target.cursor);
    target.cursor = null;
    target.tree.leaves.release();
    target.isDropped = true;
    this.#classes.delete(target.key);
  }
}
