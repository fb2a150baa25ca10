// Which pods a Service selects, kept as pods and Services come and go: pods of one namespace with the same labels are
// one group, and a Service selects whole groups. Shared by the Endpoints and EndpointSlice controllers. Costs nothing
// until the first Service is seen.
import type { ControllerContext, SeenObject, SeenPods } from '../contracts/controller.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { Json } from '../kinds/kind.ts';
import {
  type ClusterState,
  compileMapSelector,
  isTerminal,
  Phase,
  PodBit,
  phaseOf,
  type Selector,
  Verb,
} from '../state/index.ts';
import { EndpointFactsTable } from './endpoint-facts.ts';
import { isReady } from './pod-view.ts';
import { ofMap, SelectingObjects } from './selecting-objects.ts';

const NONE = -1;

/** What a change of a pod means to its Services: nothing, something for the next sync, or that one is due. */
export const Concern = { none: 0, noted: 1, wakes: 2 } as const;
export type Concern = (typeof Concern)[keyof typeof Concern];

/** Called for each Service that selects the pod, or `left`: did so until now. */
type MemberHandler = (service: SeenObject, pod: number, concern: Concern, left: boolean) => void;

class Group {
  readonly labelSet: number;
  services: SeenObject[] = [];
  head = NONE;
  tail = NONE;

  constructor(labelSet: number) {
    this.labelSet = labelSet;
  }
}

/** The pod's sandbox has its address, as far as the watch has told. */
const hasAddress = (word: number, ip: number): boolean =>
  ip !== 0 && ((word & (PodBit.sandbox | PodBit.ready)) !== 0 || phaseOf(word) !== Phase.pending);

const ENDED = 8;

/** All that the watch tells and an endpoint shows. */
const shownBits = (word: number, ip: number): number =>
  (hasAddress(word, ip) ? 1 : 0) |
  (isReady(word) ? 2 : 0) |
  ((word & PodBit.deleting) !== 0 ? 4 : 0) |
  (isTerminal(word) ? ENDED : 0);

/**
 * Address, readiness and deletion set off a sync. A pod that ends without a change of any of them is taken out by the next
 * one that something else sets off (podEndpointsChanged); of one that is being deleted every change counts.
 */
function concernOf(was: number, is: number, word: number): Concern {
  if (was === is) return Concern.none;
  return (was ^ is) === ENDED && (word & PodBit.deleting) === 0 ? Concern.noted : Concern.wakes;
}

/** False for pods without an address, ended ones, and those on their way out unless asked for. */
export function isEndpoint(word: number, ip: number, includeTerminating: boolean): boolean {
  if (isTerminal(word) || !hasAddress(word, ip)) return false;
  return includeTerminating || (word & PodBit.deleting) === 0;
}

export class ServicePods {
  readonly #run: RunContext;
  readonly #state: ClusterState;
  readonly #pods: SeenPods;
  readonly #handlers: MemberHandler[] = [];
  readonly #byNamespace = new Map<number, Map<number, Group>>();
  readonly #services = new SelectingObjects(ofMap);
  readonly #selectors = new WeakMap<object, Selector>();
  /** By row of the pod table: the group that it is in. */
  readonly #groups: (Group | undefined)[] = [];
  readonly facts: EndpointFactsTable;
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  #active = false;

  private static readonly instances = new WeakMap<SeenPods, ServicePods>();

  /** The one of this controller manager. */
  static of(ctx: ControllerContext): ServicePods {
    let known = ServicePods.instances.get(ctx.pods);
    if (known === undefined) {
      known = new ServicePods(ctx);
      ServicePods.instances.set(ctx.pods, known);
    }
    return known;
  }

  constructor(ctx: ControllerContext) {
    this.#run = ctx.run;
    this.#state = ctx.run.state;
    this.#pods = ctx.pods;
    this.facts = new EndpointFactsTable(ctx.run.state);
    ctx.onObjects('Service', (service, verb) => this.#serviceSeen(service, verb));
    ctx.onPodIdentity((pod, old, now) => {
      if (this.#active && old.labelSet !== now.labelSet) this.#relabelled(pod);
    });
    ctx.onPods((pod, verb, word, _node, oldWord) => {
      if (this.#active) this.#podSeen(pod, verb, word, oldWord);
    });
  }

  onMember(handler: MemberHandler): void {
    this.#handlers.push(handler);
  }

  /** The Services that select the pod. */
  servicesOf(pod: number): readonly SeenObject[] {
    return this.#groups[pod]?.services ?? [];
  }

  /** Whether the Service selects the pod. */
  has(service: SeenObject, pod: number): boolean {
    return this.servicesOf(pod).includes(service);
  }

  /** Calls `visit` for each pod of the Service. */
  each(service: SeenObject, visit: (pod: number) => void): void {
    const groups = this.#byNamespace.get(this.#state.texts.find(service.namespace));
    if (groups === undefined) return;
    for (const group of groups.values()) {
      if (!group.services.includes(service)) continue;
      for (let pod = group.head; pod >= 0; pod = this.#next[pod]!) visit(pod);
    }
  }

  #serviceSeen(service: SeenObject, verb: Verb): void {
    if (verb === Verb.deleted) this.#services.delete(service);
    else this.#services.set(service);
    if (!this.#active) {
      this.#activate();
      return;
    }
    const groups = this.#byNamespace.get(this.#state.texts.find(service.namespace));
    for (const group of groups?.values() ?? []) {
      const was = group.services.includes(service);
      const is = verb !== Verb.deleted && this.#selects(service, group.labelSet);
      if (was && !is) group.services = group.services.filter((other) => other !== service);
      if (!was && is) group.services.push(service);
    }
  }

  #selects(service: SeenObject, labelSet: number): boolean {
    const selector: Json = service.object['spec'].selector;
    if (selector === undefined || selector === null) return false;
    let compiled = this.#selectors.get(selector);
    if (compiled === undefined) {
      compiled = compileMapSelector(selector, this.#state.labels);
      this.#selectors.set(selector, compiled);
    }
    return compiled.matchesSet(labelSet);
  }

  #activate(): void {
    this.#active = true;
    for (let pod = 0; pod < this.#pods.table.used; pod++) if (this.#pods.has(pod)) this.#link(pod);
  }

  /** The pod leaves the Services that selected its old labels; those of the new ones see it as it is. */
  #relabelled(pod: number): void {
    const before = this.#groups[pod]!;
    this.#unlink(pod, before);
    const after = this.#link(pod);
    for (const service of before.services)
      if (!after.services.includes(service))
        for (const handler of this.#handlers) handler(service, pod, Concern.wakes, true);
    for (const service of after.services)
      for (const handler of this.#handlers) handler(service, pod, Concern.wakes, false);
  }

  #groupOf(pod: number): Group {
    const labelSet = this.#pods.labelSet(pod);
    const { table } = this.#pods;
    const namespace = table.namespace[pod]!;
    let groups = this.#byNamespace.get(namespace);
    if (groups === undefined) {
      groups = new Map();
      this.#byNamespace.set(namespace, groups);
    }
    let group = groups.get(labelSet);
    if (group === undefined) {
      group = new Group(labelSet);
      const name = this.#state.texts.text(namespace);
      for (const service of this.#services.candidates(name, this.#state.labels.get(labelSet))) {
        if (this.#selects(service, labelSet)) group.services.push(service);
      }
      groups.set(labelSet, group);
    }
    return group;
  }

  #podSeen(pod: number, verb: Verb, word: number, oldWord: number): void {
    const group = oldWord < 0 ? this.#link(pod) : this.#groups[pod]!;
    const { tracer } = this.#run.recorder;
    if (tracer.enabled) {
      // A Service belongs to the story of the pods it selects.
      for (const { namespace, name } of group.services) {
        tracer.link('Service', namespace, name, 'Pod', namespace, this.#state.podName(pod));
      }
    }
    if (verb === Verb.deleted) {
      this.#unlink(pod, group);
      this.facts.forget(pod);
    }
    if (group.services.length === 0) return;
    const ip = this.#pods.table.ip[pod]!;
    const shown = shownBits(word, ip);
    // New and gone pods always count; a pod that is bound has no address yet.
    const isChange = oldWord >= 0 && verb !== Verb.deleted;
    const concern = isChange ? concernOf(shownBits(oldWord, ip), shown, word) : Concern.wakes;
    for (const service of group.services)
      for (const handler of this.#handlers) handler(service, pod, concern, false);
  }

  #link(pod: number): Group {
    const group = this.#groupOf(pod);
    this.#groups[pod] = group;
    if (pod >= this.#next.length) this.#grow(pod + 1);
    this.#next[pod] = NONE;
    this.#previous[pod] = group.tail;
    if (group.tail === NONE) group.head = pod;
    else this.#next[group.tail] = pod;
    group.tail = pod;
    return group;
  }

  #unlink(pod: number, group: Group): void {
    const next = this.#next[pod]!;
    const previous = this.#previous[pod]!;
    if (previous === NONE) group.head = next;
    else this.#next[previous] = next;
    if (next === NONE) group.tail = previous;
    else this.#previous[next] = previous;
    if (group.head === NONE) this.#byNamespace.get(this.#pods.table.namespace[pod]!)!.delete(group.labelSet);
  }

  #grow(needed: number): void {
    let size = Math.max(256, this.#next.length);
    while (size < needed) size *= 2;
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(size).fill(NONE);
      array.set(old);
      return array;
    };
    this.#next = grown(this.#next);
    this.#previous = grown(this.#previous);
  }
}
