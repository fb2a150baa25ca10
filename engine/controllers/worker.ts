// A worker of a controller: takes a key, spends the controller's CPU time, runs the reconcile step by step, and goes
// on whenever the requests that it sent are answered. There are a few workers a controller, each one row of the
// manager's table, so a request needs no closure: its answer comes back with the worker's number.
import type {
  ApiClient,
  ApiReply,
  PodCreation,
  PodMeta,
  Propagation,
  ReplyHandler,
} from '../contracts/api.ts';
import type { Calls, Controller, Pending, Reply, Steps } from '../contracts/controller.ts';
import { RETRY, REVISION_PASSED } from '../contracts/controller.ts';
import { assert, type EventKind, type Kernel, type Sampler } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { ControllerCounts } from '../metrics/controllers.ts';
import type { ClusterState } from '../state/index.ts';
import type { WorkQueue } from './workqueue.ts';

/** What all workers of one controller share. */
export interface Bench {
  readonly kernel: Kernel;
  readonly state: ClusterState;
  readonly client: ApiClient;
  readonly queue: WorkQueue;
  readonly controller: Controller;
  /** CPU time of the n-th reconcile, µs. */
  readonly syncUs: Sampler;
  /**
   * How long an answer about an object is left lying, µs: until the write has come through the watch too. In a recorded
   * cluster the next sync of a key practically always knew the last one's write (0 conflicts in 80 ReplicaSet status
   * updates), so the informer is not slower than the answer's way through the client.
   */
  readonly settleUs: number;
  readonly reply: ReplyHandler;
  /** Of a live read: nothing was written. */
  readonly readReply: ReplyHandler;
  /** Event with target = worker, arg = WorkerStep. */
  readonly step: EventKind;
  /** The worker has nothing to do any more. */
  readonly idle: (worker: Worker) => void;
  readonly counts: ControllerCounts;
}

const WorkerStep = { begin: 0, wake: 1, settled: 2 } as const;

const PENDING = {} as Pending;
const NO_REPLY: Reply = Object.freeze({
  code: 200,
  reason: '',
  message: '',
  id: -1,
  object: null,
  revision: 0,
});

export class Worker implements Calls {
  readonly index: number;
  each: ((reply: Reply, arg: number) => void) | null = null;
  readonly #bench: Bench;
  #key = '';
  #steps: Steps | null = null;
  #outstanding = 0;
  #answer: Reply = NO_REPLY;
  #failed = false;
  /** An object was written. */
  #settles = false;

  constructor(bench: Bench, index: number) {
    this.#bench = bench;
    this.index = index;
  }

  /** Takes the next key if there is one. */
  start(): boolean {
    const { queue, kernel, syncUs, step } = this.#bench;
    const key = queue.get();
    if (key === undefined) return false;
    this.#key = key;
    kernel.after(syncUs(this.#bench.counts.reconciles++, 0), step, this.index, WorkerStep.begin);
    return true;
  }

  event(what: number): void {
    switch (what) {
      case WorkerStep.begin:
        this.#steps = this.#bench.controller.reconcile(this.#key, this);
        this.#resume(NO_REPLY);
        return;
      case WorkerStep.wake:
        this.#done(NO_REPLY, -1);
        return;
      default:
        this.#resume(this.#answer);
    }
  }

  /** The answer of a request has arrived; the record is the server's, so it is copied. */
  answered(reply: ApiReply, isWrite: boolean): void {
    const { code, reason, message, id, object } = reply;
    const { counts, state } = this.#bench;
    const { objects } = state;
    counts.requests += 1;
    if (code === 409) counts.conflicts += 1;
    else if (code >= 400) counts.errors += 1;
    let revision = 0;
    if (object !== null && code < 400 && isWrite) this.#settles = true;
    if (reply.revision > 0) revision = reply.revision;
    if (object !== null) revision = objects.get(id) === object ? objects.revision(id) : REVISION_PASSED;
    this.#done({ code, reason, message, id, object, revision }, reply.arg);
  }

  create(object: KubeObject, arg = 0): Pending {
    this.#bench.client.create(object, this.#bench.reply, this.index, arg);
    return this.#begun();
  }
  update(id: number, object: KubeObject, expectedRevision: number, arg = 0): Pending {
    this.#bench.client.update(id, object, expectedRevision, this.#bench.reply, this.index, arg);
    return this.#begun();
  }
  updateStatus(id: number, object: KubeObject, expectedRevision: number): Pending {
    this.#bench.client.updateStatus(id, object, expectedRevision, this.#bench.reply, this.index, 0);
    return this.#begun();
  }
  updateScale(id: number, replicas: number, expectedRevision: number): Pending {
    this.#bench.client.updateScale(id, replicas, expectedRevision, this.#bench.reply, this.index, 0);
    return this.#begun();
  }
  patch(id: number, change: (object: KubeObject) => KubeObject): Pending {
    this.#bench.client.patch(id, change, this.#bench.reply, this.index, 0);
    return this.#begun();
  }
  delete(id: number, propagation: Propagation = 'Background'): Pending {
    this.#bench.client.delete(id, this.#bench.reply, this.index, 0, propagation);
    return this.#begun();
  }
  createPod(creation: PodCreation, arg = 0): Pending {
    this.#bench.client.createPod(creation, this.#bench.reply, this.index, arg);
    return this.#begun();
  }
  deletePod(pod: number, generation: number, graceSeconds: number, arg = 0): Pending {
    this.#bench.client.deletePod(pod, generation, graceSeconds, this.#bench.reply, this.index, arg);
    return this.#begun();
  }
  patchPod(pod: number, generation: number, change: (meta: PodMeta) => PodMeta, arg = 0): Pending {
    this.#bench.client.patchPod(pod, generation, change, this.#bench.reply, this.index, arg);
    return this.#begun();
  }
  get(id: number): Pending {
    this.#bench.client.readObject(id, this.#bench.readReply, this.index);
    return this.#begun();
  }
  getPod(pod: number, generation: number): Pending {
    this.#bench.client.read('pods', pod, generation, this.#bench.readReply, this.index);
    return this.#begun();
  }
  send(start: (client: ApiClient, reply: ReplyHandler, worker: number) => void): Pending {
    start(this.#bench.client, this.#bench.reply, this.index);
    return this.#begun();
  }
  sleep(us: number): Pending {
    this.#bench.kernel.after(us, this.#bench.step, this.index, WorkerStep.wake);
    return this.#begun();
  }

  #begun(): Pending {
    this.#outstanding += 1;
    return PENDING;
  }

  #done(reply: Reply, arg: number): void {
    assert(this.#outstanding > 0, 'a worker is told only what it asked for');
    this.#outstanding -= 1;
    // Of several answers the first failure is told, otherwise the last.
    if (!this.#failed) this.#answer = reply;
    if (reply.code >= 400) this.#failed = true;
    this.each?.(reply, arg);
    if (this.#outstanding > 0) return;
    const { kernel, settleUs, step } = this.#bench;
    if (this.#settles && settleUs > 0) kernel.after(settleUs, step, this.index, WorkerStep.settled);
    else this.#resume(this.#answer);
  }

  #resume(reply: Reply): void {
    this.each = null;
    this.#failed = false;
    this.#settles = false;
    const result = this.#steps!.next(reply);
    if (!result.done) {
      assert(this.#outstanding > 0, () => `a reconcile of ${this.#key} waits for nothing`);
      return;
    }
    const { queue } = this.#bench;
    if (result.value === RETRY) queue.addRateLimited(this.#key);
    else queue.forget(this.#key);
    this.#steps = null;
    const key = this.#key;
    this.#key = '';
    queue.done(key);
    if (!this.start()) this.#bench.idle(this);
  }
}
