// A set of small integers from which members can be drawn and removed in constant time. Its order is that of the
// operations that led to it: the same at every repeat, and no order that means anything.

export class IndexedSet {
  readonly #list: number[] = [];
  readonly #place = new Map<number, number>();

  get size(): number {
    return this.#list.length;
  }
  has(member: number): boolean {
    return this.#place.has(member);
  }
  at(index: number): number {
    return this.#list[index]!;
  }

  add(member: number): void {
    if (this.#place.has(member)) return;
    this.#place.set(member, this.#list.length);
    this.#list.push(member);
  }

  delete(member: number): void {
    const place = this.#place.get(member);
    if (place === undefined) return;
    this.#place.delete(member);
    const last = this.#list.pop()!;
    if (last === member) return;
    this.#list[place] = last;
    this.#place.set(last, place);
  }

  clear(): void {
    this.#list.length = 0;
    this.#place.clear();
  }

  /** A copy in no particular order, drawn by `below`; of `count` members only. */
  sample(count: number, below: (n: number) => number): number[] {
    const pool = [...this.#list];
    const wanted = Math.min(count, pool.length);
    for (let i = 0; i < wanted; i++) {
      const j = i + below(pool.length - i);
      [pool[i], pool[j]] = [pool[j]!, pool[i]!];
    }
    return pool.slice(0, wanted);
  }
}
