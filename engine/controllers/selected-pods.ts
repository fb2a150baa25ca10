// Pods by who selects them (disruption budgets, autoscalers), kept up to date at each change that the watch brings: which
// they are, how many are healthy, and whose they are, so that a budget over thousands of pods is worked out without
// looking at each. Only pods of namespaces where somebody selects are followed; a new selector looks at all pods once.
import type { SeenPods } from '../contracts/controller.ts';
import { mapOrder, mapSlots } from '../kernel/index.ts';
import { PodBit, type Selector } from '../state/index.ts';

/** Ready and not being deleted. */
const isHealthy = (word: number): boolean => (word & PodBit.ready) !== 0 && (word & PodBit.deleting) === 0;

export class SelectedPods {
  readonly key: string;
  readonly namespace: number;
  selector: Selector;
  /** Pods that it selects, each with its controlling owner, -1. */
  readonly owners = new Map<number, number>();
  healthy = 0;
  /** Pods by controlling owner. */
  readonly byOwner = new Map<number, number>();

  constructor(key: string, namespace: number, selector: Selector) {
    this.key = key;
    this.namespace = namespace;
    this.selector = selector;
  }

  count(pod: number, owner: number, word: number): void {
    this.owners.set(pod, owner);
    if (isHealthy(word)) this.healthy += 1;
    this.byOwner.set(owner, (this.byOwner.get(owner) ?? 0) + 1);
  }

  uncount(pod: number, word: number): void {
    const owner = this.owners.get(pod)!;
    this.owners.delete(pod);
    if (isHealthy(word)) this.healthy -= 1;
    const left = this.byOwner.get(owner)! - 1;
    if (left === 0) this.byOwner.delete(owner);
    else this.byOwner.set(owner, left);
  }

  clear(): void {
    this.owners.clear();
    this.byOwner.clear();
    this.healthy = 0;
  }
}

const NONE: readonly SelectedPods[] = Object.freeze([]);

function haveCommon(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  const [fewer, more] = a.size < b.size ? [a, b] : [b, a];
  for (const pod of fewer.keys()) if (more.has(pod)) return true;
  return false;
}

export class PodSelections {
  readonly #pods: SeenPods;
  readonly #slot: (n: number) => number;
  readonly #byKey = new Map<string, SelectedPods>();
  /** By interned namespace, oldest first. */
  readonly #byNamespace = new Map<number, SelectedPods[]>();

  /** `slot(n)` draws one of n. */
  constructor(pods: SeenPods, slot: (n: number) => number) {
    this.#pods = pods;
    this.#slot = slot;
  }

  get(key: string): SelectedPods | undefined {
    return this.#byKey.get(key);
  }

  /** Selects by that selector from now on, in place of the one before. `namespace` is interned. */
  set(key: string, namespace: number, selector: Selector): void {
    let selection = this.#byKey.get(key);
    if (selection === undefined) {
      selection = new SelectedPods(key, namespace, selector);
      this.#byKey.set(key, selection);
      const list = this.#byNamespace.get(namespace);
      if (list === undefined) this.#byNamespace.set(namespace, [selection]);
      else list.push(selection);
    } else {
      selection.selector = selector;
      selection.clear();
    }
    this.#countAll(selection);
  }

  remove(key: string): void {
    const selection = this.#byKey.get(key);
    if (selection === undefined) return;
    this.#byKey.delete(key);
    const list = this.#byNamespace.get(selection.namespace)!;
    list.splice(list.indexOf(selection), 1);
    if (list.length === 0) this.#byNamespace.delete(selection.namespace);
  }

  /**
   * A pod has changed; `oldWord` -1: it is new. Returns the selections that select it now, in the order in which Go walks
   * through a map of them.
   */
  changed(pod: number, word: number, oldWord: number, gone: boolean): readonly SelectedPods[] {
    if (this.#byNamespace.size === 0) return NONE;
    const { table } = this.#pods;
    const selections = this.#byNamespace.get(table.namespace[pod]!);
    if (selections === undefined) return NONE;
    const selecting: SelectedPods[] = [];
    const first = selections.length === 1 ? 0 : this.#slot(mapSlots(selections.length));
    for (const selection of mapOrder(selections, first)) {
      if (selection.owners.has(pod)) selection.uncount(pod, oldWord);
      if (!selection.selector.matchesSet(table.labelSet[pod]!)) continue;
      selecting.push(selection);
      if (!gone) selection.count(pod, table.owner[pod]!, word);
    }
    return selecting;
  }

  /** Keys of all that select one of its pods, itself among them, oldest first. */
  overlapping(key: string): string[] {
    const own = this.#byKey.get(key);
    if (own === undefined) return [];
    const all = this.#byNamespace.get(own.namespace)!;
    return all.filter((one) => one === own || haveCommon(own.owners, one.owners)).map((one) => one.key);
  }

  #countAll(selection: SelectedPods): void {
    const { table } = this.#pods;
    for (let pod = 0; pod < table.used; pod++) {
      if (!this.#pods.has(pod) || table.namespace[pod] !== selection.namespace) continue;
      if (selection.selector.matchesSet(table.labelSet[pod]!))
        selection.count(pod, table.owner[pod]!, this.#pods.word(pod));
    }
  }
}
