// Pods that nobody controls, by namespace and labels: what owners look through for pods to adopt (the index
// controller_utils.go PodControllerIndex keeps under "_pod_orphan", v1.36). Shared by the controllers of one manager.
// Costs nothing until the first of them asks for it.
import type { ControllerContext, SeenPods } from '../contracts/controller.ts';
import { type Selector, Verb } from '../state/index.ts';

type ByLabels = Map<number, Set<number>>;

export class OrphanPods {
  readonly #pods: SeenPods;
  readonly #handlers: ((pod: number) => void)[] = [];
  readonly #byNamespace = new Map<number, ByLabels>();
  #active = false;

  private static readonly instances = new WeakMap<SeenPods, OrphanPods>();

  /** The one of this controller manager. */
  static of(ctx: ControllerContext): OrphanPods {
    let known = OrphanPods.instances.get(ctx.pods);
    if (known === undefined) {
      known = new OrphanPods(ctx);
      OrphanPods.instances.set(ctx.pods, known);
    }
    return known;
  }

  constructor(ctx: ControllerContext) {
    this.#pods = ctx.pods;
    ctx.onPodIdentity((pod, old) => {
      if (!this.#active) return;
      if (old.owner < 0) this.#take(pod, old.labelSet);
      if (ctx.pods.owner(pod) < 0) this.#put(pod);
    });
    ctx.onPods((pod, verb, _word, _node, oldWord) => {
      if (!this.#active || ctx.pods.owner(pod) >= 0) return;
      if (verb === Verb.deleted) this.#take(pod, ctx.pods.labelSet(pod));
      else if (oldWord < 0) this.#put(pod);
    });
  }

  /** From now on the index is kept. */
  activate(): void {
    if (this.#active) return;
    this.#active = true;
    const { used } = this.#pods.table;
    for (let pod = 0; pod < used; pod++) if (this.#pods.has(pod) && this.#pods.owner(pod) < 0) this.#add(pod);
  }

  /** Called for each pod that appears without owner, loses its owner, or has other labels while it has none. */
  onOrphan(handler: (pod: number) => void): void {
    this.#handlers.push(handler);
  }

  /** Pods of the namespace (interned) that the selector matches, in order of appearance by labels. */
  matching(namespace: number, selector: Selector): number[] {
    const found: number[] = [];
    for (const [labelSet, pods] of this.#byNamespace.get(namespace) ?? [])
      if (selector.matchesSet(labelSet)) found.push(...pods);
    return found;
  }

  #put(pod: number): void {
    this.#add(pod);
    for (const handler of this.#handlers) handler(pod);
  }

  #add(pod: number): void {
    const namespace = this.#pods.table.namespace[pod]!;
    let byLabels = this.#byNamespace.get(namespace);
    if (byLabels === undefined) {
      byLabels = new Map();
      this.#byNamespace.set(namespace, byLabels);
    }
    const labelSet = this.#pods.labelSet(pod);
    const pods = byLabels.get(labelSet);
    if (pods === undefined) byLabels.set(labelSet, new Set([pod]));
    else pods.add(pod);
  }

  #take(pod: number, labelSet: number): void {
    const byLabels = this.#byNamespace.get(this.#pods.table.namespace[pod]!);
    const pods = byLabels?.get(labelSet);
    if (pods?.delete(pod) === true && pods.size === 0) byLabels!.delete(labelSet);
  }
}
