// The order in which the scheduler looks at nodes: the first node of each zone, then the second of each, and so on;
// zones in the order in which they were first seen, nodes within a zone in the order in which they joined
// (pkg/scheduler/backend/cache/node_tree.go, v1.36). Positions change only when a node joins, leaves or moves between
// zones; the list is rebuilt at the next look after that, so a storm of joins costs one rebuild.
import { assert } from '../kernel/index.ts';

export class NodeOrder {
  readonly #zones: string[] = [];
  readonly #members = new Map<string, number[]>();
  readonly #zoneOf: (string | undefined)[] = [];
  #count = 0;
  #list = new Int32Array(0);
  #position = new Int32Array(0);
  #stale = false;
  /** Grows with each change of the list. */
  version = 0;

  get count(): number {
    return this.#count;
  }

  /** `zone`: region and zone of the node as one text; '' without labels. */
  add(node: number, zone: string): void {
    assert(this.#zoneOf[node] === undefined, () => `node ${node} is in the list already`);
    let members = this.#members.get(zone);
    if (members === undefined) {
      members = [];
      this.#members.set(zone, members);
      this.#zones.push(zone);
    }
    members.push(node);
    this.#zoneOf[node] = zone;
    this.#count += 1;
    this.#stale = true;
    this.version += 1;
  }

  remove(node: number): void {
    const zone = this.#zoneOf[node];
    assert(zone !== undefined, () => `node ${node} is not in the list`);
    const members = this.#members.get(zone)!;
    members.splice(members.indexOf(node), 1);
    if (members.length === 0) {
      this.#members.delete(zone);
      this.#zones.splice(this.#zones.indexOf(zone), 1);
    }
    this.#zoneOf[node] = undefined;
    this.#count -= 1;
    this.#stale = true;
    this.version += 1;
  }

  /** Zone that a node of the list was added with. */
  zoneOf(node: number): string {
    return this.#zoneOf[node]!;
  }

  /** The zone moved with the node's labels. */
  move(node: number, zone: string): void {
    if (this.#zoneOf[node] === zone) return;
    this.remove(node);
    this.add(node, zone);
  }

  /** Nodes by position; only the first `count` entries mean something. Replaced when the order changes. */
  list(): Int32Array {
    if (this.#stale) this.#rebuild();
    return this.#list;
  }

  has(node: number): boolean {
    return this.#zoneOf[node] !== undefined;
  }

  /** Positions by node; -1, or beyond the end: it is not in the list. */
  positions(): Int32Array {
    if (this.#stale) this.#rebuild();
    return this.#position;
  }

  /** Position of a node that is in the list. */
  position(node: number): number {
    if (this.#stale) this.#rebuild();
    return this.#position[node]!;
  }

  #rebuild(): void {
    const list = new Int32Array(this.#count);
    if (this.#position.length < this.#zoneOf.length) this.#position = new Int32Array(this.#zoneOf.length * 2);
    this.#position.fill(-1);
    const zones = this.#zones.map((zone) => this.#members.get(zone)!);
    let filled = 0;
    for (let round = 0; filled < this.#count; round++) {
      for (const members of zones) {
        if (round >= members.length) continue;
        const node = members[round]!;
        this.#position[node] = filled;
        list[filled++] = node;
      }
    }
    this.#list = list;
    this.#stale = false;
  }
}
