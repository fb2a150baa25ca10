// Pods as the controller manager has seen them: the packed state and node of each by row of the pod table, lists of
// each owner's pods, and counters per owner that are kept at every change, so that a ReplicaSet of thousands of pods
// learns its status without walking through them. Some 40 bytes a pod.
//
// Left out: what the tables hold and never change (name, time of creation) is read there.
import type {
  IdentityHandler,
  OwnedPods,
  PodHandler,
  PodIdentity,
  SeenPods,
} from '../contracts/controller.ts';
import { isTerminal, PodBit, type PodTable, type RevisionLog, Verb } from '../state/index.ts';

const SECOND = 1_000_000;
const ABSENT = -1;
const NOBODY: readonly number[] = Object.freeze([]);

/** Neither ended nor being deleted (controller_utils.go IsPodActive). */
export const isActive = (word: number): boolean => (word & PodBit.deleting) === 0 && !isTerminal(word);
const isTerminating = (word: number): boolean => (word & PodBit.deleting) !== 0 && !isTerminal(word);
export const isReady = (word: number): boolean => (word & PodBit.ready) !== 0;

class Owned implements OwnedPods {
  readonly owner: number;
  /** Those who want to know of its pods. */
  handlers: readonly PodHandler[];
  total = 0;
  active = 0;
  ready = 0;
  terminating = 0;
  readonly activeByLabels = new Map<number, number>();
  head = ABSENT;
  tail = ABSENT;

  constructor(owner: number, handlers: readonly PodHandler[]) {
    this.owner = owner;
    this.handlers = handlers;
  }

  /** A pod goes from one state to another. */
  change(before: number, after: number, labelSet: number): void {
    if (isActive(before) && isActive(after)) {
      this.ready += (isReady(after) ? 1 : 0) - (isReady(before) ? 1 : 0);
      return;
    }
    this.count(before, labelSet, -1);
    this.count(after, labelSet, 1);
  }

  /** Adds (1) or takes away (-1) a pod of that state. */
  count(word: number, labelSet: number, sign: 1 | -1): void {
    this.total += sign;
    if (isActive(word)) {
      this.active += sign;
      if (isReady(word)) this.ready += sign;
      const known = (this.activeByLabels.get(labelSet) ?? 0) + sign;
      if (known === 0) this.activeByLabels.delete(labelSet);
      else this.activeByLabels.set(labelSet, known);
    } else if (isTerminating(word)) this.terminating += sign;
  }
}

interface Listener {
  readonly handler: PodHandler;
  /** Kind of owner whose pods it wants to know of; undefined: of all pods. */
  readonly ownerKind: string | undefined;
}

export class PodView implements SeenPods {
  readonly table: PodTable;
  readonly #kindOf: (owner: number) => string;
  #word = new Int32Array(256).fill(ABSENT);
  #node = new Int32Array(256);
  #owner = new Int32Array(256);
  #labelSet = new Int32Array(256);
  #readySecond = new Int32Array(256);
  #next = new Int32Array(256);
  #previous = new Int32Array(256);
  readonly #owned = new Map<number, Owned>();
  readonly #listeners: Listener[] = [];
  /** Handlers by kind of owner, '' for pods without. */
  readonly #handlers = new Map<string, readonly PodHandler[]>();
  /** Pods by node, once somebody has asked. */
  #byNode: Map<number, Set<number>> | null = null;
  readonly #identityHandlers: IdentityHandler[] = [];
  /** Pods seen and not gone. */
  count = 0;

  /** `kindOf`: kind of an owner. */
  constructor(table: PodTable, kindOf: (owner: number) => string = () => '') {
    this.table = table;
    this.#kindOf = kindOf;
  }

  has(pod: number): boolean {
    return pod < this.#word.length && this.#word[pod] !== ABSENT;
  }
  owner(pod: number): number {
    return this.#owner[pod]!;
  }
  labelSet(pod: number): number {
    return this.#labelSet[pod]!;
  }
  word(pod: number): number {
    return this.#word[pod]!;
  }
  node(pod: number): number {
    return this.#node[pod]!;
  }
  readyUs(pod: number): number {
    return isReady(this.#word[pod]!) ? this.#readySecond[pod]! * SECOND : Number.NaN;
  }
  owned(owner: number): OwnedPods | undefined {
    return this.#owned.get(owner);
  }
  firstOwned(owner: number): number {
    return this.#owned.get(owner)?.head ?? ABSENT;
  }
  nextOwned(pod: number): number {
    return this.#next[pod]!;
  }

  onNode(node: number): Iterable<number> {
    this.#byNode ??= this.#listedByNode();
    return this.#byNode.get(node) ?? NOBODY;
  }

  /** Handlers are told in the order in which they came; with a kind of owner only of pods that such an object owns. */
  onChange(handler: PodHandler, ownerKind?: string): void {
    this.#listeners.push({ handler, ownerKind });
    this.#handlers.clear();
    for (const owned of this.#owned.values()) owned.handlers = this.#handlersFor(this.#kindOf(owned.owner));
  }

  #handlersFor(kind: string): readonly PodHandler[] {
    let handlers = this.#handlers.get(kind);
    if (handlers === undefined) {
      const listeners = this.#listeners.filter(
        ({ ownerKind }) => ownerKind === undefined || ownerKind === kind,
      );
      handlers = listeners.map(({ handler }) => handler);
      this.#handlers.set(kind, handlers);
    }
    return handlers;
  }
  onIdentity(handler: IdentityHandler): void {
    this.#identityHandlers.push(handler);
  }

  /** Takes in entries [from, to) of the pod log. */
  fold(log: RevisionLog, from: number, to: number): void {
    for (let position = from; position < to; position++) {
      this.apply(
        log.id(position),
        log.verb(position),
        log.word(position),
        log.node(position),
        Math.floor(log.time(position) / SECOND),
        log.object(position) as PodIdentity | null,
      );
    }
  }

  /** One change; `second` is the time of its commit as the API prints it. */
  apply(
    pod: number,
    verb: Verb,
    word: number,
    node: number,
    second: number,
    identity: PodIdentity | null = null,
  ): void {
    if (pod >= this.#word.length) this.#grow(pod + 1);
    const oldWord = this.#word[pod]!;
    const oldNode = oldWord === ABSENT ? -1 : this.#node[pod]!;
    if (oldWord === ABSENT) {
      this.count += 1;
      this.#owner[pod] = this.table.owner[pod]!;
      this.#labelSet[pod] = this.table.labelSet[pod]!;
    } else if (identity !== null) this.#identify(pod, oldWord, identity);
    const owner = this.#owner[pod]!;
    const labelSet = this.#labelSet[pod]!;
    let owned: Owned | undefined;
    if (owner >= 0) {
      if (oldWord === ABSENT) {
        owned = this.#link(pod, owner);
        owned.count(word, labelSet, 1);
      } else {
        owned = this.#owned.get(owner)!;
        owned.change(oldWord, word, labelSet);
      }
    }
    this.#word[pod] = word;
    this.#node[pod] = node;
    if (this.#byNode !== null && node !== oldNode) this.#moved(this.#byNode, pod, oldNode, node);
    if (isReady(word) && (oldWord === ABSENT || !isReady(oldWord))) this.#readySecond[pod] = second;
    if (verb === Verb.deleted) this.#remove(pod, owned, labelSet);
    const handlers = owned === undefined ? this.#handlersFor('') : owned.handlers;
    for (const handler of handlers) handler(pod, verb, word, node, oldWord, oldNode);
  }

  #listedByNode(): Map<number, Set<number>> {
    const lists = new Map<number, Set<number>>();
    for (let pod = 0; pod < this.#word.length; pod++)
      if (this.#word[pod] !== ABSENT) this.#moved(lists, pod, -1, this.#node[pod]!);
    return lists;
  }

  #moved(lists: Map<number, Set<number>>, pod: number, from: number, to: number): void {
    if (from >= 0) lists.get(from)?.delete(pod);
    if (to < 0) return;
    const list = lists.get(to);
    if (list === undefined) lists.set(to, new Set([pod]));
    else list.add(pod);
  }

  /** The pod goes over to another owner, or has other labels; its state is the old one still. */
  #identify(pod: number, word: number, now: PodIdentity): void {
    const old: PodIdentity = { labelSet: this.#labelSet[pod]!, owner: this.#owner[pod]! };
    const from = this.#owned.get(old.owner);
    from?.count(word, old.labelSet, -1);
    if (from !== undefined && old.owner !== now.owner) {
      this.#unlink(pod, from);
      if (from.total === 0) this.#owned.delete(old.owner);
    }
    this.#labelSet[pod] = now.labelSet;
    this.#owner[pod] = now.owner;
    if (now.owner >= 0) {
      const to = old.owner === now.owner ? this.#owned.get(now.owner)! : this.#link(pod, now.owner);
      to.count(word, now.labelSet, 1);
    }
    for (const handler of this.#identityHandlers) handler(pod, old, now);
  }

  #remove(pod: number, owned: Owned | undefined, labelSet: number): void {
    this.count -= 1;
    if (this.#byNode !== null) this.#moved(this.#byNode, pod, this.#node[pod]!, -1);
    if (owned !== undefined) {
      owned.count(this.#word[pod]!, labelSet, -1);
      this.#unlink(pod, owned);
      if (owned.total === 0) this.#owned.delete(owned.owner);
    }
    this.#word[pod] = ABSENT;
  }

  #link(pod: number, owner: number): Owned {
    let owned = this.#owned.get(owner);
    if (owned === undefined) {
      owned = new Owned(owner, this.#handlersFor(this.#kindOf(owner)));
      this.#owned.set(owner, owned);
    }
    this.#next[pod] = ABSENT;
    this.#previous[pod] = owned.tail;
    if (owned.tail === ABSENT) owned.head = pod;
    else this.#next[owned.tail] = pod;
    owned.tail = pod;
    return owned;
  }

  #unlink(pod: number, owned: Owned): void {
    const next = this.#next[pod]!;
    const previous = this.#previous[pod]!;
    if (previous === ABSENT) owned.head = next;
    else this.#next[previous] = next;
    if (next === ABSENT) owned.tail = previous;
    else this.#previous[next] = previous;
  }

  #grow(needed: number): void {
    let size = this.#word.length;
    while (size < needed) size *= 2;
    const grown = (old: Int32Array, fill: number): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(size).fill(fill, old.length);
      array.set(old);
      return array;
    };
    this.#word = grown(this.#word, ABSENT);
    this.#node = grown(this.#node, 0);
    this.#owner = grown(this.#owner, 0);
    this.#labelSet = grown(this.#labelSet, 0);
    this.#readySecond = grown(this.#readySecond, 0);
    this.#next = grown(this.#next, ABSENT);
    this.#previous = grown(this.#previous, ABSENT);
  }
}
