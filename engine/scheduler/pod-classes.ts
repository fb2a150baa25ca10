// Pods on nodes, grouped into classes: pods of one template in one namespace, terminating or not, are the same to every
// selector. What counts pods asks once a class, and a class lists its pods.
import type { PodClass } from '../contracts/topology.ts';
import { assert, grownInt32 } from '../kernel/index.ts';
import type { PodTemplate } from '../state/index.ts';

/** Something that counts pods by node. */
export interface PodCounter {
  add(node: number, sign: 1 | -1): void;
}

export class PodClassRow implements PodClass {
  readonly key: number;
  readonly namespace: string;
  readonly template: PodTemplate;
  readonly terminating: boolean;
  /** First pod of the list, -1. */
  first = -1;
  readonly counters: PodCounter[] = [];

  constructor(key: number, namespace: string, template: PodTemplate, terminating: boolean) {
    this.key = key;
    this.namespace = namespace;
    this.template = template;
    this.terminating = terminating;
  }
}

const NONE: ReadonlySet<PodClassRow> = new Set();
/** Namespaces are numbered from 0; template numbers stay far below this. */
const TEMPLATES_MAX = 2 ** 32;

export class PodClasses {
  readonly #byKey = new Map<number, PodClassRow>();
  readonly #byNamespace = new Map<string, Set<PodClassRow>>();
  /** By `namespace \n label \n value`. */
  readonly #byLabel = new Map<string, Set<PodClassRow>>();
  readonly #classOf: (PodClassRow | undefined)[] = [];
  #next = new Int32Array(256);
  #previous = new Int32Array(256);
  /** Called when a class gets its first pod, before that is counted, and after it has lost its last. */
  readonly listeners: ((pods: PodClassRow, exists: boolean) => void)[] = [];

  /** A pod has come to a node. `namespaceId`: a number for `namespace`. */
  add(
    pod: number,
    node: number,
    template: PodTemplate,
    namespaceId: number,
    namespace: string,
    terminating: boolean,
  ): void {
    const key = (namespaceId * TEMPLATES_MAX + template.id) * 2 + (terminating ? 1 : 0);
    let group = this.#byKey.get(key);
    if (group === undefined) group = this.#create(key, namespace, template, terminating);
    if (pod >= this.#next.length) {
      let rows = this.#next.length;
      while (pod >= rows) rows *= 2;
      this.#next = grownInt32(this.#next, rows);
      this.#previous = grownInt32(this.#previous, rows);
    }
    this.#classOf[pod] = group;
    const { first } = group;
    this.#next[pod] = first;
    this.#previous[pod] = -1;
    if (first >= 0) this.#previous[first] = pod;
    group.first = pod;
    for (const counter of group.counters) counter.add(node, 1);
  }

  remove(pod: number, node: number): void {
    const group = this.#classOf[pod];
    assert(group !== undefined, () => `pod row ${pod} is in no class`);
    for (const counter of group.counters) counter.add(node, -1);
    this.#classOf[pod] = undefined;
    const next = this.#next[pod]!;
    const previous = this.#previous[pod]!;
    if (next >= 0) this.#previous[next] = previous;
    if (previous >= 0) this.#next[previous] = next;
    else group.first = next;
    if (group.first < 0) this.#drop(group);
  }

  /** Class of a pod that counts on a node. */
  of(pod: number): PodClass {
    return this.#classOf[pod]!;
  }

  /** Calls `visit` for each pod of the class. */
  forEachPod(group: PodClassRow, visit: (pod: number) => void): void {
    for (let pod = group.first; pod >= 0; pod = this.#next[pod]!) visit(pod);
  }

  all(): Iterable<PodClassRow> {
    return this.#byKey.values();
  }

  /** Classes of a namespace, those with a label value only if one is given. */
  in(namespace: string, label: readonly [string, string] | null): Iterable<PodClassRow> {
    if (label === null) return this.#byNamespace.get(namespace) ?? NONE;
    return this.#byLabel.get(`${namespace}\n${label[0]}\n${label[1]}`) ?? NONE;
  }

  #create(key: number, namespace: string, template: PodTemplate, terminating: boolean): PodClassRow {
    const group = new PodClassRow(key, namespace, template, terminating);
    this.#byKey.set(key, group);
    into(this.#byNamespace, namespace, group);
    for (const [label, value] of Object.entries(template.labels))
      into(this.#byLabel, `${namespace}\n${label}\n${value}`, group);
    for (const listener of this.listeners) listener(group, true);
    return group;
  }

  #drop(group: PodClassRow): void {
    const { key, namespace, template } = group;
    this.#byKey.delete(key);
    outOf(this.#byNamespace, namespace, group);
    for (const [label, value] of Object.entries(template.labels))
      outOf(this.#byLabel, `${namespace}\n${label}\n${value}`, group);
    for (const listener of this.listeners) listener(group, false);
  }
}

function into(map: Map<string, Set<PodClassRow>>, key: string, group: PodClassRow): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([group]));
  else set.add(group);
}

function outOf(map: Map<string, Set<PodClassRow>>, key: string, group: PodClassRow): void {
  const set = map.get(key)!;
  set.delete(group);
  if (set.size === 0) map.delete(key);
}
