// Objects by what they select, so that pods with new labels ask the few that may mean them and not all: Services, and
// the owners that adopt.
import type { SeenObject } from '../contracts/controller.ts';
import type { Json } from '../kinds/kind.ts';
import type { Labels } from '../state/index.ts';

interface Entry {
  readonly object: SeenObject;
  /** Number of its appearance. */
  readonly order: number;
  readonly selector: Json | undefined;
  /** The first label that it asks for. */
  readonly pair: string;
}

const pairOf = (namespace: string, key: string, value: string): string => `${namespace}\n${key}=${value}`;
const NONE: readonly Entry[] = Object.freeze([]);

/** Labels that a pod must have to be selected; what else a selector asks for does not matter here. */
export type LabelsOfSelector = (selector: Json) => Labels | undefined | null;

/** A map, as Services and ReplicationControllers have it. */
export const ofMap: LabelsOfSelector = (selector) => selector as Labels;
/** A LabelSelector. */
export const ofLabelSelector: LabelsOfSelector = (selector) => selector.matchLabels as Labels | undefined;

export class SelectingObjects {
  readonly #labelsOf: LabelsOfSelector;
  readonly #entries = new Map<number, Entry>();
  readonly #byPair = new Map<string, Entry[]>();
  #appeared = 0;

  constructor(labelsOf: LabelsOfSelector) {
    this.#labelsOf = labelsOf;
  }

  /** The object is there, or has changed. */
  set(object: SeenObject): void {
    const { selector } = object.object['spec'];
    const known = this.#entries.get(object.id);
    if (known !== undefined && known.selector === selector) return;
    const labels = selector === undefined || selector === null ? null : this.#labelsOf(selector);
    const first = Object.keys(labels ?? {})[0];
    // Under its namespace alone: what asks for no label, so that it may select everything, or nothing.
    const pair = first === undefined ? object.namespace : pairOf(object.namespace, first, labels![first]!);
    if (known !== undefined) this.#take(known);
    const entry = { object, order: known?.order ?? this.#appeared++, selector, pair };
    this.#entries.set(object.id, entry);
    const list = this.#byPair.get(pair);
    if (list === undefined) this.#byPair.set(pair, [entry]);
    else list.push(entry);
  }

  delete(object: SeenObject): void {
    const known = this.#entries.get(object.id);
    if (known === undefined) return;
    this.#entries.delete(object.id);
    this.#take(known);
  }

  /** Objects of the namespace that may select these labels, all that do among them, in order of appearance. */
  candidates(namespace: string, labels: Labels): SeenObject[] {
    const found = [...(this.#byPair.get(namespace) ?? NONE)];
    for (const key of Object.keys(labels)) {
      found.push(...(this.#byPair.get(pairOf(namespace, key, labels[key]!)) ?? NONE));
    }
    return found.sort((a, b) => a.order - b.order).map((entry) => entry.object);
  }

  #take(entry: Entry): void {
    const list = this.#byPair.get(entry.pair)!;
    if (list.length === 1) this.#byPair.delete(entry.pair);
    else list.splice(list.indexOf(entry), 1);
  }
}
