// Pods per namespace as quotas count them, kept up to date at each change of a pod that the watch brings, so that a
// quota of a namespace with many pods is counted again without looking at each. Pods that use the same are counted
// together. Only namespaces with a quota are followed; the first quota of a namespace looks at all pods once.
import type { SeenPods } from '../contracts/controller.ts';
import { type PodUsage, podUsage } from '../kinds/quota-usage.ts';
import { printAmounts } from '../kinds/resource-amounts.ts';
import { isTerminal, PodBit, type PodTemplate, type PodTemplates } from '../state/index.ts';

/** Pods of one namespace that use the same. */
export interface UsageClass {
  readonly usage: PodUsage;
  /** All that exist (`count/pods`). */
  total: number;
  /** Those that hold resources: neither ended … */
  active: number;
}

class NamespacePods {
  readonly classes = new Map<number, UsageClass>();
  /** Pods that are being deleted and have not ended: they hold resources until their grace is over. */
  readonly deleting = new Set<number>();
}

export class QuotaCounts {
  readonly #pods: SeenPods;
  readonly #templates: PodTemplates;
  readonly #namespaces = new Map<number, NamespacePods>();
  /** Number of a usage by its text. */
  readonly #numbers = new Map<string, number>();
  readonly #usages: PodUsage[] = [];
  readonly #numberOf = new WeakMap<PodTemplate, number>();

  constructor(pods: SeenPods, templates: PodTemplates) {
    this.#pods = pods;
    this.#templates = templates;
  }

  /** Follows the pods of a namespace (interned) from now on. */
  follow(namespace: number): void {
    if (this.#namespaces.has(namespace)) return;
    this.#namespaces.set(namespace, new NamespacePods());
    const { table } = this.#pods;
    for (let pod = 0; pod < table.used; pod++) {
      if (!this.#pods.has(pod) || table.namespace[pod] !== namespace) continue;
      this.#count(pod, this.#pods.word(pod), 1);
    }
  }

  /** A pod has changed; `oldWord` -1: it is new. True if it gave something back to the quotas of its namespace. */
  changed(pod: number, word: number, oldWord: number, gone: boolean): boolean {
    if (this.#namespaces.size === 0 || !this.#namespaces.has(this.#pods.table.namespace[pod]!)) return false;
    if (oldWord >= 0) this.#count(pod, oldWord, -1);
    if (!gone) this.#count(pod, word, 1);
    return gone || (oldWord >= 0 && isTerminal(word) && !isTerminal(oldWord));
  }

  classes(namespace: number): Iterable<UsageClass> {
    return this.#namespaces.get(namespace)?.classes.values() ?? [];
  }

  /**
   * Pods, by usage, that hold nothing any more although they have not ended: their deletion and once more its grace are
   * past (QuotaV1Pod adds the period to a timestamp that holds it already).
   */
  *expired(namespace: number, nowUs: number): Iterable<PodUsage> {
    const { table } = this.#pods;
    for (const pod of this.#namespaces.get(namespace)?.deleting ?? []) {
      if (nowUs > table.deletionUs[pod]! + table.graceSeconds[pod]! * 1_000_000)
        yield this.#usages[this.#number(pod)]!;
    }
  }

  #count(pod: number, word: number, sign: 1 | -1): void {
    const namespace = this.#namespaces.get(this.#pods.table.namespace[pod]!)!;
    const number = this.#number(pod);
    let found = namespace.classes.get(number);
    if (found === undefined) {
      found = { usage: this.#usages[number]!, total: 0, active: 0 };
      namespace.classes.set(number, found);
    }
    found.total += sign;
    if (isTerminal(word)) return;
    found.active += sign;
    if ((word & PodBit.deleting) === 0) return;
    if (sign === 1) namespace.deleting.add(pod);
    else namespace.deleting.delete(pod);
  }

  #number(pod: number): number {
    const template = this.#templates.get(this.#pods.table.template[pod]!);
    let number = this.#numberOf.get(template);
    if (number === undefined) {
      const usage = podUsage(template.spec);
      const text = JSON.stringify({ ...usage, amounts: printAmounts(usage.amounts) });
      number = this.#numbers.get(text);
      if (number === undefined) {
        number = this.#usages.push(usage) - 1;
        this.#numbers.set(text, number);
      }
      this.#numberOf.set(template, number);
    }
    return number;
  }
}
