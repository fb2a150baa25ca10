// The pod garbage collector (pkg/controller/podgc, v1.36): every 20 s it looks for pods that nobody else will remove.
//
//   orphaned      their node is gone; it must stay away for 40 s before they are taken for lost
//   out of service  being deleted on a node that is not ready and carries the taint of that name
//   unbound       being deleted and never bound
//   ended         beyond the first 12,500 ended pods of the cluster, evicted ones first, then the oldest
//
// Passes that would find nothing are no events. A quarantine is a delayed entry of a work queue, made by the first pass
// that misses the node. Each pass takes a moment and the next is counted from its end (wait.UntilWithContext), so the
// second one after it comes just behind the end of the quarantine. On a busy machine the queue's timer may be later than
// the pass's (2 of 10 recorded nodes waited for the third): that is left out.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type Steps,
} from '../contracts/controller.ts';
import type { EventKind } from '../kernel/index.ts';
import { hasTaint, TAINT_OUT_OF_SERVICE } from '../kinds/ingest/node-conditions.ts';
import { isTerminal, NodeReady, Phase, PodBit, Verb } from '../state/index.ts';

const SECOND = 1_000_000;
/** gcCheckPeriod and quarantineTime. */
const PERIOD_US = 20 * SECOND;
const QUARANTINE_US = 40 * SECOND;
/** --terminated-pod-gc-threshold. */
const ENDED_MAX = 12_500;

const KEY = 'pass';
const FAILED = { phase: Phase.failed, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 };
const ORPHANED = { ...FAILED, set: PodBit.orphaned };

const isEnded = (word: number): boolean => word >= 0 && isTerminal(word);
const isUnbound = (word: number, node: number): boolean =>
  word >= 0 && (word & PodBit.deleting) !== 0 && node < 0;

/** An ended pod. */
export interface Ended {
  readonly pod: number;
  readonly isEvicted: boolean;
  readonly createdUs: number;
  readonly name: string;
}

/** Which goes first: evicted ones, then by creation in whole seconds, then by name (byEvictionAndCreationTimestamp). */
export function byEvictionAndAge(a: Ended, b: Ended): number {
  if (a.isEvicted !== b.isEvicted) return a.isEvicted ? -1 : 1;
  const age = Math.floor(a.createdUs / SECOND) - Math.floor(b.createdUs / SECOND);
  return age || (a.name < b.name ? -1 : 1);
}

class PodGc implements Controller {
  readonly #ctx: ControllerContext;
  readonly #tick: EventKind;
  /** Passes begin at this time and whole periods later. */
  #baseUs: number;
  #tickUs = Number.NaN;
  /** Beginning of the pass in progress, or of the last one. */
  #passUs = 0;
  /** Gone nodes that may have left pods, and the end of their quarantine; NaN: no pass has missed them yet. */
  readonly #gone = new Map<number, number>();
  readonly #unbound = new Set<number>();
  readonly #outOfService = new Set<number>();
  #ended = 0;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    const { kernel, draw } = ctx.run;
    this.#baseUs = draw.below(draw.purpose(`${ctx.name}/phase`), 0, 0, PERIOD_US);
    this.#tick = kernel.on(`${ctx.name}/pass`, () => {
      this.#tickUs = Number.NaN;
      this.#passUs = kernel.now;
      ctx.queue.add(KEY);
    });
    ctx.onNodes((node, verb) => this.#node(node, verb));
    ctx.onPods((pod, verb, word, node, oldWord, oldNode) => {
      const gone = verb === Verb.deleted;
      const ended = !gone && isTerminal(word);
      if (ended !== isEnded(oldWord)) this.#ended += ended ? 1 : -1;
      if (gone) this.#unbound.delete(pod);
      else if (isUnbound(word, node)) this.#unbound.add(pod);
      else if (isUnbound(oldWord, oldNode)) this.#unbound.delete(pod);
      if (this.#ended > ENDED_MAX || this.#unbound.size > 0 || this.#outOfService.size > 0) this.#arm();
      // Bound to a node that is gone already.
      if (node >= 0 && node !== oldNode && ctx.run.state.nodes.removed[node] === 1 && !gone) {
        if (!this.#gone.has(node)) this.#gone.set(node, Number.NaN);
        this.#arm();
      }
    });
  }

  #node(node: number, verb: Verb): void {
    const { nodes } = this.#ctx.run.state;
    if (verb === Verb.deleted) {
      this.#outOfService.delete(node);
      this.#gone.set(node, Number.NaN);
      return this.#arm();
    }
    // The taint key counts, whatever its effect.
    const taints = nodes.taints[node]!;
    const tainted = ['NoSchedule', 'NoExecute', 'PreferNoSchedule'].some((effect) =>
      hasTaint(taints, TAINT_OUT_OF_SERVICE, effect),
    );
    if (taints.length === 0 || !tainted || nodes.ready[node] === NodeReady.true) {
      if (this.#outOfService.size > 0) this.#outOfService.delete(node);
      return;
    }
    this.#outOfService.add(node);
    this.#arm();
  }

  /** Schedules the next pass. */
  #arm(): void {
    if (!Number.isNaN(this.#tickUs)) return;
    const { kernel } = this.#ctx.run;
    const passes = Math.max(0, Math.floor((kernel.now - this.#baseUs) / PERIOD_US) + 1);
    this.#tickUs = this.#baseUs + passes * PERIOD_US;
    kernel.at(this.#tickUs, this.#tick, 0, 0);
  }

  *reconcile(_key: string, calls: Calls): Steps {
    const { kernel } = this.#ctx.run;
    const beganUs = kernel.now;
    if (this.#ended > ENDED_MAX) yield* this.#removeEnded(calls);
    yield* this.#removeOutOfService(calls);
    yield* this.#removeOrphans(calls);
    for (const pod of [...this.#unbound]) yield* this.#remove(pod, FAILED, calls);
    // The next pass is 20 s after the end of this one, if it did something.
    if (kernel.now > beganUs) this.#baseUs = kernel.now;
    // Pods out of service are looked at again when one more is being deleted.
    if (this.#gone.size > 0 || this.#ended > ENDED_MAX) this.#arm();
    return DONE;
  }

  *#removeOrphans(calls: Calls): Steps<void> {
    const { pods } = this.#ctx;
    for (const [node, endUs] of [...this.#gone]) {
      if ([...pods.onNode(node)].length === 0) {
        this.#gone.delete(node);
        continue;
      }
      if (Number.isNaN(endUs)) this.#gone.set(node, this.#passUs + QUARANTINE_US);
      if (!(endUs <= this.#passUs)) continue;
      yield calls.send((client, reply, worker) => client.read('nodes', node, 0, reply, worker));
      for (const pod of [...pods.onNode(node)]) yield* this.#remove(pod, ORPHANED, calls);
      this.#gone.delete(node);
    }
  }

  *#removeOutOfService(calls: Calls): Steps<void> {
    const { pods } = this.#ctx;
    for (const node of [...this.#outOfService])
      for (const pod of [...pods.onNode(node)])
        if (pods.has(pod) && pods.word(pod) & PodBit.deleting) yield* this.#remove(pod, FAILED, calls);
  }

  *#removeEnded(calls: Calls): Steps<void> {
    const { state } = this.#ctx.run;
    const { pods } = this.#ctx;
    const { createdUs, reason } = state.pods;
    const evicted = state.texts.find('Evicted');
    const ended: Ended[] = [];
    for (let pod = 0; pod < state.pods.used; pod++)
      if (pods.has(pod) && isTerminal(pods.word(pod)))
        ended.push({
          pod,
          isEvicted: evicted >= 0 && reason[pod] === evicted,
          createdUs: createdUs[pod]!,
          name: state.podName(pod),
        });
    ended.sort(byEvictionAndAge);
    for (const { pod } of ended.slice(0, ended.length - ENDED_MAX)) yield* this.#remove(pod, FAILED, calls);
  }

  /** markFailedAndDeletePodWithCondition. */
  *#remove(pod: number, change: typeof FAILED, calls: Calls): Steps<void> {
    const { pods } = this.#ctx;
    if (!pods.has(pod)) return;
    const generation = pods.table.generation[pod]!;
    if (!isTerminal(pods.word(pod))) {
      const marked = yield calls.send((client, reply, worker) =>
        client.patchPodStatus(pod, generation, change, reply, worker),
      );
      if (marked.code >= 400) return;
    }
    yield calls.deletePod(pod, generation, 0);
  }
}

export const podGcController: ControllerDefinition = {
  name: 'pod-garbage-collector',
  clientName: 'pod-garbage-collector',
  about: 'removes pods of nodes that are gone and ended pods beyond 12,500',
  workers: 1,
  syncUs: 20,
  create: (context) => new PodGc(context),
};
