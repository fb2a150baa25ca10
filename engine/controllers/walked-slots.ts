// Who comes first in a walk through a Go map or set (internal/runtime/maps, Go 1.24): a small one keeps its entries in
// eight slots in the order in which they came, and a walk begins at a slot drawn at random and goes round. Larger ones
// are walked from a drawn slot here, too; upstream their order is that of hashes.
const SMALL = 8;

export class WalkedSlots {
  readonly #slotOf = new Map<number, number>();
  /** By slot: taken. */
  readonly #taken: boolean[] = [];
  #lowestFree = 0;
  readonly #draw: (n: number) => number;

  /** `draw(n)` draws one of n. */
  constructor(draw: (n: number) => number) {
    this.#draw = draw;
  }

  /** An entry that is there already keeps its slot; a new one takes the first that is free. */
  add(entry: number): void {
    if (this.#slotOf.has(entry)) return;
    let slot = this.#lowestFree;
    while (this.#taken[slot]) slot += 1;
    this.#taken[slot] = true;
    this.#lowestFree = slot + 1;
    this.#slotOf.set(entry, slot);
  }

  remove(entry: number): void {
    const slot = this.#slotOf.get(entry);
    if (slot === undefined) return;
    this.#slotOf.delete(entry);
    this.#taken[slot] = false;
    this.#lowestFree = Math.min(this.#lowestFree, slot);
  }

  /** The one of these entries, at least one and all present, that a walk meets first. */
  first<Entry extends { readonly id: number }>(entries: readonly Entry[]): Entry {
    const slots = Math.max(SMALL, this.#taken.length);
    const start = this.#draw(slots);
    const steps = (entry: Entry): number => (this.#slotOf.get(entry.id)! - start + slots) % slots;
    return entries.reduce((best, entry) => (steps(entry) < steps(best) ? entry : best));
  }
}
