// Services by what they select, so that pods with new labels ask the few Services that may mean them and not all.
import type { SeenObject } from '../contracts/controller.ts';
import type { Labels } from '../state/index.ts';

interface Entry {
  readonly service: SeenObject;
  /** Number of its appearance. */
  readonly order: number;
  /** The first label that it asks for. */
  readonly pair: string;
}

const pairOf = (namespace: string, key: string, value: string): string => `${namespace}\n${key}=${value}`;
const NONE: readonly Entry[] = Object.freeze([]);

export class SelectingServices {
  readonly #entries = new Map<number, Entry>();
  readonly #byPair = new Map<string, Entry[]>();
  #appeared = 0;

  /** The Service is there, or has changed. */
  set(service: SeenObject): void {
    const selector: Labels | undefined | null = service.object['spec'].selector;
    const first = Object.keys(selector ?? {})[0];
    // Under the empty text of its namespace: what selects everything, or nothing.
    const pair =
      first === undefined ? service.namespace : pairOf(service.namespace, first, selector![first]!);
    const known = this.#entries.get(service.id);
    if (known?.pair === pair) return;
    if (known !== undefined) this.#take(known);
    const entry = { service, order: known?.order ?? this.#appeared++, pair };
    this.#entries.set(service.id, entry);
    const list = this.#byPair.get(pair);
    if (list === undefined) this.#byPair.set(pair, [entry]);
    else list.push(entry);
  }

  delete(service: SeenObject): void {
    const known = this.#entries.get(service.id);
    if (known === undefined) return;
    this.#entries.delete(service.id);
    this.#take(known);
  }

  /** Services of the namespace that may select these labels, all that do among them, in order of appearance. */
  candidates(namespace: string, labels: Labels): SeenObject[] {
    const found = [...(this.#byPair.get(namespace) ?? NONE)];
    for (const key of Object.keys(labels)) {
      found.push(...(this.#byPair.get(pairOf(namespace, key, labels[key]!)) ?? NONE));
    }
    return found.sort((a, b) => a.order - b.order).map((entry) => entry.service);
  }

  #take(entry: Entry): void {
    const list = this.#byPair.get(entry.pair)!;
    if (list.length === 1) this.#byPair.delete(entry.pair);
    else list.splice(list.indexOf(entry), 1);
  }
}
