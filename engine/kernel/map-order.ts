// The order in which Go walks through a map: from a slot drawn at random on. A map has at least eight slots and fills
// them in order, so in a small one the element that came first comes first most of the time.

const FEWEST_SLOTS = 8;

/** One of so many slots is to be drawn for a walk through `elements` elements. */
export const mapSlots = (elements: number): number => Math.max(FEWEST_SLOTS, elements);

/** The elements of a map, oldest first, as a walk from slot `first` on meets them. */
export function mapOrder<T>(elements: readonly T[], first: number): readonly T[] {
  return first === 0 || first >= elements.length
    ? elements
    : [...elements.slice(first), ...elements.slice(0, first)];
}
