// Which pods belong to an object, by its selector: a controller lets go of pods whose labels it no longer selects and
// takes matching pods that nobody controls (controller_ref_manager.go PodControllerRefManager, v1.36). For controllers
// that keep what they know of their pods up to date themselves: the sync goes on when the watch has brought what it
// changed. Nothing is searched for: a key has something to claim only after an event that says so.
import type {
  Calls,
  ControllerContext,
  Reply,
  SeenObject,
  SeenObjects,
  Steps,
} from '../contracts/controller.ts';
import { compileLabelSelector, PodBit, type Selector, Verb } from '../state/index.ts';
import { OrphanPods } from './orphan-pods.ts';
import { RequestFailed } from './request-failed.ts';
import { ofLabelSelector, SelectingObjects } from './selecting-objects.ts';

/** Until an answered write has come through the watch it is looked for this often. */
const LOOK_US = 1000;

export interface OwnershipRules {
  /** Further conditions on pods that the selector matches. */
  readonly fits?: (pod: number, seen: SeenObject) => boolean;
  /** Comes with adoption and goes with release. */
  readonly finalizer?: string;
  /** Objects that may select the pod, where their labels tell less than something else does. */
  readonly candidates?: (pod: number) => readonly SeenObject[];
  /** How long after such an event the object is looked at, µs; default: at once. */
  readonly delayUs?: number;
  /** False: the object's pods are nobody's business here. */
  readonly manages?: (seen: SeenObject) => boolean;
}

export class Ownership {
  readonly #ctx: ControllerContext;
  readonly #objects: SeenObjects;
  readonly #rules: OwnershipRules;
  readonly #orphans: OrphanPods;
  readonly #selecting = new SelectingObjects(ofLabelSelector);
  readonly #selectors = new WeakMap<object, Selector>();
  /** Keys for which there may be pods to adopt. */
  readonly #wanting = new Set<string>();
  /** By key: pods of its own whose labels have changed. */
  readonly #changed = new Map<string, Set<number>>();

  /** Hears of the objects of that kind itself; keys that have something to claim are added to the queue. */
  constructor(ctx: ControllerContext, kind: string, rules: OwnershipRules = {}) {
    this.#ctx = ctx;
    this.#objects = ctx.objects(kind);
    this.#rules = rules;
    this.#orphans = OrphanPods.of(ctx);
    ctx.onObjects(kind, (seen, verb, old) => {
      if (verb === Verb.deleted) {
        this.#wanting.delete(seen.key);
        this.#changed.delete(seen.key);
        this.#selecting.delete(seen);
        return;
      }
      if (rules.candidates === undefined) this.#selecting.set(seen);
      if (old !== null) return;
      this.#orphans.activate();
      this.#wanting.add(seen.key);
    });
    this.#orphans.onOrphan((pod) => this.#orphanSeen(pod));
    ctx.onPodIdentity((pod, old, now) => {
      const before = old.owner < 0 ? undefined : this.#objects.byId(old.owner);
      if (before !== undefined) this.#wake(before);
      const after = now.owner < 0 ? undefined : this.#objects.byId(now.owner);
      if (after === undefined) return;
      this.#wake(after);
      if (this.selectorOf(after).matchesSet(now.labelSet)) return;
      const known = this.#changed.get(after.key);
      if (known === undefined) this.#changed.set(after.key, new Set([pod]));
      else known.add(pod);
    });
  }

  selectorOf({ object }: SeenObject): Selector {
    const { selector } = object['spec'];
    const { labels } = this.#ctx.run.state;
    if (!selector) return compileLabelSelector(null, labels);
    let compiled = this.#selectors.get(selector);
    if (compiled === undefined) {
      compiled = compileLabelSelector(selector, labels);
      this.#selectors.set(selector, compiled);
    }
    return compiled;
  }

  /** Whoever selects it may adopt it. */
  #orphanSeen(pod: number): void {
    const { pods, run } = this.#ctx;
    const { labels, texts } = run.state;
    const namespace = texts.text(pods.table.namespace[pod]!);
    const labelSet = pods.labelSet(pod);
    const asked =
      this.#rules.candidates?.(pod) ?? this.#selecting.candidates(namespace, labels.get(labelSet));
    for (const seen of asked) {
      if (!this.selectorOf(seen).matchesSet(labelSet)) continue;
      this.#wanting.add(seen.key);
      this.#wake(seen);
    }
  }

  #wake({ key }: SeenObject): void {
    this.#ctx.queue.addAfter(key, this.#rules.delayUs ?? 0);
  }

  /** Releases and adopts; RequestFailed where the server refused, as upstream ends the sync then. */
  *claim(seen: SeenObject, calls: Calls): Steps<void> {
    const { key } = seen;
    if (!this.#wanting.has(key) && !this.#changed.has(key)) return;
    if (seen.object.metadata.deletionTimestamp !== undefined || this.#rules.manages?.(seen) === false) return;
    const selector = this.selectorOf(seen);
    const strangers = this.#strangers(seen, selector);
    for (const pod of strangers) {
      this.#trace(pod, seen, 'its labels do not match any more: released by');
      const reply = yield* this.#give(pod, seen.id, -1, calls);
      if (reply.code >= 400 && reply.code !== 404) throw new RequestFailed(reply);
    }
    const wanted = this.#wanting.has(key) ? this.#matching(seen, selector) : [];
    if (wanted.length > 0) yield* this.#adopt(seen, wanted, calls);
    this.#wanting.delete(key);
    this.#changed.delete(key);
    const { pods } = this.#ctx;
    const isNews = (pod: number, owner: number): boolean =>
      pods.has(pod) && this.#isThere(pod) && pods.owner(pod) !== owner;
    while (strangers.some((pod) => pods.has(pod) && pods.owner(pod) === seen.id)) yield calls.sleep(LOOK_US);
    while (wanted.some((pod) => isNews(pod, seen.id) && pods.owner(pod) < 0)) yield calls.sleep(LOOK_US);
  }

  /** The row still serves a pod that etcd has. */
  #isThere(pod: number): boolean {
    const { table } = this.#ctx.pods;
    return table.alive(pod, table.generation[pod]!);
  }

  #strangers(seen: SeenObject, selector: Selector): number[] {
    const { pods } = this.#ctx;
    return [...(this.#changed.get(seen.key) ?? [])].filter(
      (pod) => pods.has(pod) && pods.owner(pod) === seen.id && !selector.matchesSet(pods.labelSet(pod)),
    );
  }

  #matching(seen: SeenObject, selector: Selector): number[] {
    const { pods, run } = this.#ctx;
    const isWanted = (pod: number): boolean =>
      (pods.word(pod) & PodBit.deleting) === 0 && (this.#rules.fits?.(pod, seen) ?? true);
    return this.#orphans.matching(run.state.texts.find(seen.namespace), selector).filter(isWanted);
  }

  *#adopt(seen: SeenObject, wanted: readonly number[], calls: Calls): Steps<void> {
    // Before anything is adopted, it is made sure that the owner itself has not been deleted meanwhile.
    const live = yield calls.get(seen.id);
    const isGone = live.object === null || live.object.metadata.deletionTimestamp !== undefined;
    if (isGone || live.object?.metadata.uid !== seen.object.metadata.uid) throw new RequestFailed(live);
    for (const pod of wanted) {
      this.#trace(pod, seen, 'nobody controls it: adopted by');
      const reply = yield* this.#give(pod, -1, seen.id, calls);
      if (reply.code >= 400 && reply.code !== 404) throw new RequestFailed(reply);
    }
  }

  *#give(pod: number, from: number, to: number, calls: Calls): Steps<Reply> {
    const { finalizer } = this.#rules;
    return yield calls.patchPod(pod, this.#ctx.pods.table.generation[pod]!, (meta) => {
      if (meta.owner !== from) return meta;
      if (finalizer === undefined) return { ...meta, owner: to };
      const others = meta.finalizers.filter((name) => name !== finalizer);
      return { ...meta, owner: to, finalizers: to < 0 ? others : [...others, finalizer] };
    });
  }

  #trace(pod: number, seen: SeenObject, what: string): void {
    const { recorder, state } = this.#ctx.run;
    if (!recorder.tracer.enabled) return;
    const who = `${what} ${seen.name}`;
    recorder.tracer.hop(this.#ctx.client.name, 'Pod', state.podNamespace(pod), state.podName(pod), who);
  }
}
