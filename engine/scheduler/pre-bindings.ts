// Pods that wait on their way to a node: the binding cycle from PreBind on (schedule_one.go bindingCycle; volumebinding's
// BindPodVolumes in binder.go, v1.36). First the pod's status tells where it is going, then the plug-in's writes go out
// one after the other, then it is asked each second whether all is ready.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import { REVISION_PASSED } from '../contracts/controller.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { PreBindWork } from '../contracts/scheduler.ts';
import type { EventKind } from '../kernel/index.ts';

/** binder.go BindPodVolumes: wait.PollUntilContextTimeout, not at once. */
const POLL_US = 1_000_000;

const NOMINATED = { phase: -1, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 };

interface Waiting {
  readonly work: PreBindWork;
  readonly deadlineUs: number;
  /** Updates that are written. */
  written: number;
}

/** `problem` null: the pod may be bound now. */
export type PreBindingDone = (pod: number, problem: string | null) => void;

export class PreBindings {
  readonly #context: RunContext;
  readonly #client: ApiClient;
  readonly #done: PreBindingDone;
  readonly #waiting = new Map<number, Waiting>();
  readonly #poll: EventKind;
  readonly #answered: (reply: ApiReply) => void;
  readonly #nominated: (reply: ApiReply) => void;

  constructor(context: RunContext, client: ApiClient, done: PreBindingDone) {
    this.#context = context;
    this.#client = client;
    this.#done = done;
    const { pods } = context.state;
    this.#poll = context.kernel.on('scheduler/prebind', (pod, generation) => {
      if (pods.generation[pod] === generation) this.#look(pod);
    });
    this.#answered = (reply) => {
      const waiting = this.#waiting.get(reply.target);
      if (waiting === undefined || pods.generation[reply.target] !== reply.arg) return;
      if (reply.code < 400) return this.#next(reply.target, waiting);
      this.#end(reply.target, reply.message);
    };
    // A refusal of this write is only logged upstream.
    this.#nominated = ({ target, arg }) => {
      const waiting = this.#waiting.get(target);
      if (waiting !== undefined && pods.generation[target] === arg) this.#next(target, waiting);
    };
  }

  start(pod: number, node: number, work: PreBindWork): void {
    const { kernel, state } = this.#context;
    const waiting = { work, deadlineUs: kernel.now + work.timeoutUs, written: -1 };
    this.#waiting.set(pod, waiting);
    const generation = state.pods.generation[pod]!;
    const change = { ...NOMINATED, nominatedNode: node };
    this.#client.patchPodStatus(pod, generation, change, this.#nominated, pod, generation);
  }

  /** The pod is gone or somebody else has bound it. */
  forget(pod: number): void {
    this.#waiting.delete(pod);
  }

  #next(pod: number, waiting: Waiting): void {
    const { kernel, state } = this.#context;
    const { objects, pods } = state;
    waiting.written += 1;
    const update = waiting.work.updates[waiting.written];
    const generation = pods.generation[pod]!;
    if (update === undefined) {
      kernel.after(POLL_US, this.#poll, pod, generation);
      return;
    }
    const { kind, metadata } = update.base;
    const id = objects.find(kind, metadata.namespace ?? '', metadata.name!);
    if (id < 0) return this.#end(pod, `${kind} "${metadata.name}" not found`);
    const revision = objects.get(id) === update.base ? objects.revision(id) : REVISION_PASSED;
    this.#client.update(id, update.next, revision, this.#answered, pod, generation);
  }

  #look(pod: number): void {
    const waiting = this.#waiting.get(pod);
    if (waiting === undefined) return;
    const { kernel, state } = this.#context;
    const ready = waiting.work.check();
    if (ready === true) return this.#end(pod, null);
    if (ready !== false) return this.#end(pod, ready);
    if (kernel.now + POLL_US > waiting.deadlineUs) return this.#end(pod, 'context deadline exceeded');
    kernel.after(POLL_US, this.#poll, pod, state.pods.generation[pod]!);
  }

  #end(pod: number, problem: string | null): void {
    this.#waiting.delete(pod);
    this.#done(pod, problem);
  }
}
