// Label sets, interned: two objects with equal labels share one id, so a selector is evaluated once per distinct set
// and not once per object.

export type Labels = Readonly<Record<string, string>>;

const NONE: Labels = Object.freeze({});

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Text that is equal exactly for equal label maps, whatever the order of their keys. */
export function canonicalLabels(labels: Labels): string {
  const keys = Object.keys(labels).sort(byCodeUnit);
  return JSON.stringify(keys.map((key) => [key, labels[key]]));
}

export class LabelSets {
  readonly #ids = new Map<string, number>();
  readonly #sets: Labels[] = [];
  readonly #byObject = new WeakMap<object, number>();

  constructor() {
    this.intern(NONE);
  }

  get size(): number {
    return this.#sets.length;
  }

  /** Id of a label map; 0 is the empty one. */
  intern(labels: Labels | undefined): number {
    if (labels === undefined || labels === null) return 0;
    const seen = this.#byObject.get(labels);
    if (seen !== undefined) return seen;
    const text = canonicalLabels(labels);
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#sets.length;
      this.#ids.set(text, id);
      this.#sets.push(Object.freeze({ ...labels }));
    }
    this.#byObject.set(labels, id);
    return id;
  }

  get(id: number): Labels {
    return this.#sets[id]!;
  }
}
