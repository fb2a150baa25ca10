// Pods that wait on their way to a node: the binding cycle from PreBind on (schedule_one.go bindingCycle; volumebinding's
// BindPodVolumes in binder.go and dynamicresources' bindClaim, v1.36). First the pod's status tells where it is going,
// then the writes of one plug-in after the other go out one by one, each plug-in being asked whether all is ready before
// the next one's turn.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import { REVISION_PASSED } from '../contracts/controller.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { PodView, PreBindRebase, PreBindUpdate, PreBindWork } from '../contracts/scheduler.ts';
import type { EventKind } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { type ClusterState, timestampText } from '../state/index.ts';
import type { Framework } from './framework.ts';

/** binder.go BindPodVolumes: wait.PollUntilContextTimeout, not at once. */
const POLL_US = 1_000_000;
/** client-go/util/retry DefaultRetry: 5 attempts, 10 ms apart (its jitter of a tenth is left out). */
const ATTEMPTS = 5;
const RETRY_US = 10_000;

const NOMINATED = { phase: -1, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 };

/** What one plug-in has to do. */
interface NamedWork {
  readonly plugin: string;
  readonly work: PreBindWork;
}

interface Waiting {
  readonly works: readonly NamedWork[];
  /** Whose turn it is. */
  turn: number;
  deadlineUs: number;
  /** Place of the update that is under way; -1: the status of the pod. */
  at: number;
  /** Attempts of it that met a conflict. */
  conflicts: number;
  /** What the update before it has left. */
  current: KubeObject | null;
  /** The newest version is being read. */
  reading: boolean;
}

const isRebase = (update: PreBindUpdate | PreBindRebase): update is PreBindRebase => 'make' in update;

const isSame = (a: KubeObject, b: KubeObject): boolean =>
  a.kind === b.kind && a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;

/** `problem` null: the pod may be bound now. */
export type PreBindingDone = (pod: number, problem: string | null) => void;

export class PreBindings {
  readonly #context: RunContext;
  readonly #client: ApiClient;
  readonly #done: PreBindingDone;
  readonly #waiting = new Map<number, Waiting>();
  readonly #poll: EventKind;
  readonly #retry: EventKind;
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
    this.#retry = context.kernel.on('scheduler/prebind-retry', (pod, generation) => {
      const waiting = this.#waiting.get(pod);
      if (waiting !== undefined && pods.generation[pod] === generation) this.#read(pod, waiting);
    });
    this.#answered = (reply) => {
      const waiting = this.#waiting.get(reply.target);
      if (waiting !== undefined && pods.generation[reply.target] === reply.arg)
        this.#answer(reply.target, waiting, reply);
    };
    // A refusal of this write is only logged upstream.
    this.#nominated = ({ target, arg }) => {
      const waiting = this.#waiting.get(target);
      if (waiting !== undefined && pods.generation[target] === arg) this.#next(target, waiting);
    };
  }

  /** False: no plug-in has anything to do for the pod, it may be bound at once. */
  start({ preBind }: Framework, view: PodView, node: number): boolean {
    const works = preBind.flatMap(({ name, plugin }): NamedWork[] => {
      const work = plugin.preBind!(view, node);
      return work === null ? [] : [{ plugin: name, work }];
    });
    if (works.length === 0) return false;
    const { kernel, state } = this.#context;
    const pod = view.id;
    const waiting: Waiting = {
      works,
      turn: 0,
      deadlineUs: kernel.now + works[0]!.work.timeoutUs,
      at: -1,
      conflicts: 0,
      current: null,
      reading: false,
    };
    this.#waiting.set(pod, waiting);
    const generation = state.pods.generation[pod]!;
    const change = { ...NOMINATED, nominatedNode: node };
    this.#client.patchPodStatus(pod, generation, change, this.#nominated, pod, generation);
    return true;
  }

  /** The pod is gone or somebody else has bound it. Returns whether it was still waiting. */
  forget(pod: number): boolean {
    return this.#waiting.delete(pod);
  }

  /** The update before is done: the next one, or the look whether all is ready. */
  #next(pod: number, waiting: Waiting): void {
    waiting.at += 1;
    waiting.conflicts = 0;
    const update = this.#update(waiting);
    if (update !== undefined) return this.#write(pod, waiting, update);
    const { kernel, state } = this.#context;
    const { work } = waiting.works[waiting.turn]!;
    if (work.check === undefined) return this.#over(pod, waiting);
    if (work.pollUs !== undefined) return this.#look(pod);
    kernel.after(POLL_US, this.#poll, pod, state.pods.generation[pod]!);
  }

  #update({ works, turn, at }: Waiting): PreBindUpdate | PreBindRebase | undefined {
    return works[turn]!.work.updates[at];
  }

  #write(pod: number, waiting: Waiting, update: PreBindUpdate | PreBindRebase): void {
    const { kernel, state } = this.#context;
    const { objects, pods } = state;
    const { kind, metadata } = update.base;
    const id = objects.find(kind, metadata.namespace ?? '', metadata.name!);
    if (id < 0) return this.#end(pod, `${kind} "${metadata.name}" not found`);
    const left = waiting.current;
    const current = isRebase(update) && left !== null && isSame(left, update.base) ? left : update.base;
    const next = isRebase(update) ? update.make(current, timestampText(kernel.now)) : update.next;
    if (typeof next === 'string') return this.#end(pod, next);
    if (next === current) return this.#next(pod, waiting);
    const revision = objects.get(id) === current ? objects.revision(id) : REVISION_PASSED;
    const how = isRebase(update) && update.status ? 'updateStatus' : 'update';
    this.#client[how](id, next, revision, this.#answered, pod, pods.generation[pod]!);
  }

  #answer(pod: number, waiting: Waiting, reply: ApiReply): void {
    const { kernel, state } = this.#context;
    const update = this.#update(waiting)!;
    const { reading } = waiting;
    waiting.reading = false;
    if (reply.code === 409 && isRebase(update) && waiting.conflicts + 1 < ATTEMPTS) {
      waiting.conflicts += 1;
      kernel.after(RETRY_US, this.#retry, pod, state.pods.generation[pod]!);
      return;
    }
    if (reply.code >= 400) return this.#end(pod, reply.message);
    if (isRebase(update)) waiting.current = reply.object;
    if (reading) return this.#write(pod, waiting, update);
    if (isRebase(update)) update.written(reply.object!);
    this.#next(pod, waiting);
  }

  #read(pod: number, waiting: Waiting): void {
    const { objects, pods } = this.#context.state;
    const { kind, metadata } = this.#update(waiting)!.base;
    const id = objects.find(kind, metadata.namespace ?? '', metadata.name!);
    if (id < 0) return this.#end(pod, `${kind} "${metadata.name}" not found`);
    waiting.reading = true;
    this.#client.readObject(id, this.#answered, pod, pods.generation[pod]!);
  }

  #look(pod: number): void {
    const waiting = this.#waiting.get(pod);
    if (waiting === undefined) return;
    const { kernel, state } = this.#context;
    const { work } = waiting.works[waiting.turn]!;
    const ready = work.check!();
    if (ready === true) return this.#over(pod, waiting);
    if (ready !== false) return this.#end(pod, ready);
    const pollUs = work.pollUs ?? POLL_US;
    if (kernel.now + pollUs > waiting.deadlineUs)
      return this.#end(pod, work.expired?.() ?? 'context deadline exceeded');
    kernel.after(pollUs, this.#poll, pod, state.pods.generation[pod]!);
  }

  /** The plug-in has got what it wanted. */
  #over(pod: number, waiting: Waiting): void {
    waiting.turn += 1;
    const next = waiting.works[waiting.turn];
    if (next === undefined) {
      this.#waiting.delete(pod);
      return this.#done(pod, null);
    }
    waiting.deadlineUs = this.#context.kernel.now + next.work.timeoutUs;
    waiting.at = -1;
    this.#next(pod, waiting);
  }

  #end(pod: number, problem: string): void {
    const { works, turn } = this.#waiting.get(pod)!;
    this.#waiting.delete(pod);
    this.#done(pod, `running PreBind plugin "${works[turn]!.plugin}": ${problem}`);
  }
}

/** PUT …/status on top of the version that it was made from; nobody waits for the answer. */
export function statusWriter({ objects }: ClusterState, client: ApiClient) {
  return (base: KubeObject, next: KubeObject): void => {
    const id = objects.find(base.kind, base.metadata.namespace ?? '', base.metadata.name!);
    if (id < 0) return;
    const revision = objects.get(id) === base ? objects.revision(id) : REVISION_PASSED;
    client.updateStatus(id, next, revision, null);
  };
}
