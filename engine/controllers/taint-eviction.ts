// The taint eviction controller (pkg/controller/tainteviction, v1.36): a pod on a node with a NoExecute taint that it
// does not tolerate is deleted at once; one that tolerates it for some seconds is deleted then, unless the taints go.
// Each pod that is due is on its own: GET, condition DisruptionTarget, DELETE, all pods at once behind the client's
// limits. The order of the pods of a node is upstream's map order, drawn from the seed here.

import type { ApiReply } from '../contracts/api.ts';
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type Steps,
} from '../contracts/controller.ts';
import type { EventKind, Stream, TimerHandle } from '../kernel/index.ts';
import type { Json } from '../kinds/kind.ts';
import { PodBit, type PodTemplate, type Taint, Verb } from '../state/index.ts';

const SECOND = 1_000_000;
/** UpdateWorkerSize. */
const WORKERS = 8;
/** Tries to delete a pod, and the time between them. */
const TRIES = 5;
const RETRY_US = 10_000;

const TAINTED = { phase: -1, set: PodBit.tainted, clear: 0, restarts: -1, reason: -1, ip: 0 };

const noExecute = (taints: readonly Taint[]): readonly Taint[] => {
  for (const { effect } of taints)
    if (effect === 'NoExecute') return taints.filter((taint) => taint.effect === 'NoExecute');
  return NONE;
};
const NONE: readonly Taint[] = Object.freeze([]);

const sameTaints = (a: readonly Taint[], b: readonly Taint[]): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every((t, i) => t.key === b[i]!.key && (t.value ?? '') === (b[i]!.value ?? '')));

/** A pod that does not tolerate a taint goes at once, whatever it waited for before. */
const UNTOLERATED = -1;

/** Whether the toleration covers the taint (core/v1 Toleration.ToleratesTaint). */
export function tolerates(toleration: Json, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  return (toleration.operator ?? 'Equal') === 'Equal' && (toleration.value ?? '') === (taint.value ?? '');
}

/**
 * How long a pod with these tolerations may stay under these taints, µs: negative if it does not tolerate one of them,
 * Infinity if for ever. Of the tolerations that match, the shortest counts (GetMatchingTolerations, getMinTolerationTime).
 */
export function staysUs(tolerations: readonly Json[], taints: readonly Taint[]): number {
  let leastUs = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const used = tolerations.find((toleration) => tolerates(toleration, taint));
    if (used === undefined) return UNTOLERATED;
    const seconds: number | undefined = used.tolerationSeconds;
    if (seconds !== undefined) leastUs = Math.min(leastUs, Math.max(0, seconds) * SECOND);
  }
  return leastUs;
}

/** A pod that is to go. */
interface Work {
  readonly generation: number;
  /** null: it is being deleted. */
  timer: TimerHandle | null;
  /** It had to wait. While it is being deleted the queue still holds its timer, those that go at once have none. */
  readonly timed: boolean;
  tries: number;
}

class TaintEviction implements Controller {
  readonly #ctx: ControllerContext;
  /** NoExecute taints by node, as worked on; nodes without are left out. */
  readonly #tainted = new Map<number, readonly Taint[]>();
  /** The same as last seen. */
  readonly #seen = new Map<number, readonly Taint[]>();
  readonly #work = new Map<number, Work>();
  readonly #due: EventKind;
  readonly #order: Stream;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    const { kernel, rng, state } = ctx.run;
    this.#due = kernel.on(`${ctx.name}/due`, (pod, generation) => this.#fire(pod, generation));
    this.#order = rng.stream(`${ctx.name}/order`);
    ctx.onNodes((node, verb) => {
      const taints = verb === Verb.deleted ? NONE : noExecute(state.nodes.taints[node]!);
      if (sameTaints(taints, this.#seen.get(node) ?? NONE)) return;
      if (taints.length === 0) this.#seen.delete(node);
      else this.#seen.set(node, taints);
      ctx.queue.add(String(node));
    });
    ctx.onPods((pod, verb, _word, node, _oldWord, oldNode) => {
      if (verb === Verb.deleted) {
        if (this.#work.size > 0) this.#cancel(pod);
      } else if (node !== oldNode && this.#tainted.size > 0) {
        const taints = this.#tainted.get(node);
        if (taints !== undefined) this.#judge(pod, taints);
      }
    });
  }

  /** handleNodeUpdate. */
  // biome-ignore lint/correctness/useYield: nothing is asked for on the way
  *reconcile(key: string, _calls: Calls): Steps {
    const node = Number(key);
    const { pods } = this.#ctx;
    const taints = this.#seen.get(node) ?? NONE;
    const gone = this.#ctx.run.state.nodes.removed[node] === 1;
    if (taints.length === 0) this.#tainted.delete(node);
    else this.#tainted.set(node, taints);
    if (gone) return DONE;
    const list = [...pods.onNode(node)];
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.#order.int(i + 1);
      [list[i], list[j]] = [list[j]!, list[i]!];
    }
    for (const pod of list) {
      if (taints.length === 0) this.#cancel(pod);
      else this.#judge(pod, taints);
    }
    return DONE;
  }

  /** processPodOnNode. */
  #judge(pod: number, taints: readonly Taint[]): void {
    const { state, kernel } = this.#ctx.run;
    const stays = staysUs(tolerationsOf(state.template(pod)), taints);
    if (stays < 0 || stays === Number.POSITIVE_INFINITY) this.#cancel(pod);
    // A pod that waits goes on waiting, also where it may now stay for less: 0 s included.
    if (stays === Number.POSITIVE_INFINITY || this.#work.has(pod)) return;
    const generation = state.pods.generation[pod]!;
    const work: Work = { generation, timer: null, timed: stays > 0, tries: 0 };
    this.#work.set(pod, work);
    if (work.timed) work.timer = kernel.timer(stays, this.#due, pod, generation);
    else this.#fire(pod, generation);
  }

  /**
   * A pod that waits for its time may stay. One whose time has come is deleted all the same, though the Event says
   * otherwise: the queue stops its timer without knowing that it has fired (CancelWork of timed_workers.go).
   */
  #cancel(pod: number): void {
    const work = this.#work.get(pod);
    if (work === undefined) return;
    this.#work.delete(pod);
    if (!work.timed) return;
    if (work.timer !== null) this.#ctx.run.kernel.cancel(work.timer);
    this.#say(pod, 'Cancelling deletion of Pod');
  }

  #fire(pod: number, generation: number): void {
    const work = this.#work.get(pod);
    if (work === undefined || work.generation !== generation) return;
    if (work.tries === 0) this.#say(pod, 'Marking for deletion Pod');
    work.tries += 1;
    work.timer = null;
    this.#ctx.client.read('pods', pod, generation, this.#found, pod, generation);
  }

  readonly #found = ({ code, target: pod, arg: generation }: ApiReply): void => {
    if (code >= 400) return this.#failed(pod, generation);
    const word = this.#ctx.run.state.pods.word[pod]!;
    if ((word & PodBit.tainted) !== 0) return this.#delete(pod, generation);
    this.#ctx.client.patchPodStatus(pod, generation, TAINTED, this.#marked, pod, generation);
  };

  readonly #marked = ({ code, target: pod, arg: generation }: ApiReply): void => {
    if (code >= 400) this.#failed(pod, generation);
    else this.#delete(pod, generation);
  };

  #delete(pod: number, generation: number): void {
    this.#ctx.client.deletePod(pod, generation, -1, this.#deleted, pod, generation);
  }

  readonly #deleted = ({ code, target: pod, arg: generation }: ApiReply): void => {
    if (code >= 400) this.#failed(pod, generation);
    else if (this.#work.get(pod)?.generation === generation) this.#work.delete(pod);
  };

  #failed(pod: number, generation: number): void {
    const work = this.#work.get(pod);
    if (work === undefined || work.generation !== generation) return;
    if (work.tries < TRIES) this.#ctx.run.kernel.after(RETRY_US, this.#due, pod, generation);
    else this.#work.delete(pod);
  }

  #say(pod: number, what: string): void {
    const { state, recorder } = this.#ctx.run;
    const name = recorder.eventsWanted ? `${state.podNamespace(pod)}/${state.podName(pod)}` : '';
    this.#ctx.client.podEvent('Normal', 'TaintManagerEviction', pod, `${what} ${name}`);
  }
}

const tolerationsOf = (template: PodTemplate): readonly Json[] => template.spec.tolerations ?? [];

export const taintEvictionController: ControllerDefinition = {
  name: 'taint-eviction',
  clientName: 'taint-eviction-controller',
  about: 'deletes pods that do not tolerate the NoExecute taints of their node',
  workers: WORKERS,
  syncUs: 20,
  create: (context) => new TaintEviction(context),
};
