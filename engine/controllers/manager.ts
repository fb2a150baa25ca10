// The controller manager: one watch a resource for all controllers, folded into the view that they share; and for
// each controller a work queue, a client with its own limits, and workers. kube-controller-manager runs all of them in
// one process with shared informers, so they see one another's writes at the same moment.
//
// Promises: handlers of a batch of watch entries run before any reconcile that the batch caused; controllers are
// served in the order of their definitions. It decides nothing itself.
import type { ApiClient } from '../contracts/api.ts';
import type {
  Controller,
  ControllerContext,
  ControllerDefinition,
  NodeHandler,
  ObjectHandler,
  SideQueue,
} from '../contracts/controller.ts';
import type { CostPreset } from '../contracts/costs.ts';
import type { RunContext } from '../contracts/run-context.ts';
import { assert, type Duration, type EventKind, NO_TIMER, type TimerHandle } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { RevisionLog } from '../state/index.ts';
import { NodeView } from './node-view.ts';
import { ObjectView } from './object-view.ts';
import { PodView } from './pod-view.ts';
import { type Bench, Worker } from './worker.ts';
import { WorkQueue } from './workqueue.ts';

const ACTOR = 'kube-controller-manager';
const VERBS = ['ADDED', 'MODIFIED', 'DELETED'] as const;

interface Events {
  readonly step: EventKind;
  readonly take: EventKind;
  readonly due: EventKind;
}

interface Running {
  readonly queue: WorkQueue;
  readonly idle: Worker[];
  takePending: boolean;
}

const workersOf = (costs: CostPreset, definition: ControllerDefinition): number =>
  costs.controllers.workers[definition.name] ?? definition.workers ?? costs.controllers.workers['*'] ?? 5;

const syncUsOf = (costs: CostPreset, definition: ControllerDefinition): Duration =>
  costs.controllers.syncUs[definition.name] ?? definition.syncUs ?? costs.controllers.syncUs['*'] ?? 0;

export class ControllerManager {
  readonly #context: RunContext;
  readonly #definitions: readonly ControllerDefinition[];
  readonly #views = new Map<string, ObjectView>();
  readonly #pods: PodView;
  #nodes: NodeView | null = null;
  readonly #workers: Worker[] = [];
  readonly #controllers: Running[] = [];
  #started = false;
  #watching = false;

  constructor(context: RunContext, definitions: readonly ControllerDefinition[]) {
    this.#context = context;
    this.#definitions = definitions;
    const { pods, objects } = context.state;
    this.#pods = new PodView(pods, (owner) => (owner < objects.used ? objects.kindOf(owner).kind : ''));
  }

  /** Opens the watches and starts the workers. Once, before the run. */
  start(): void {
    assert(!this.#started, 'the controller manager is started once');
    this.#started = true;
    const { kernel, api } = this.#context;
    const step = kernel.on('controllers/work', (worker, what) => this.#workers[worker]!.event(what));
    const take = kernel.on('controllers/take', (index) => this.#take(this.#controllers[index]!));
    const due = kernel.on('controllers/due', (index) => this.#controllers[index]!.queue.due());
    for (const definition of this.#definitions) this.#add(definition, { step, take, due });
    this.#watching = true;
    const nodes = this.#nodes;
    if (nodes !== null) api.watch('nodes', (log, from, to) => nodes.fold(log, from, to));
    api.watch('pods', (log, from, to) => this.#podsSeen(log, from, to));
    for (const view of this.#views.values()) {
      api.watch(view.kind, (log, from, to) => this.#objectsSeen(view, log, from, to));
    }
  }

  #add(definition: ControllerDefinition, events: Events): void {
    const { api, costs } = this.#context;
    const limits = definition.limits?.(costs.clients) ?? costs.clients.controller;
    const client = api.client(definition.clientName, limits);
    const { name, backoff } = definition;
    let controller: Controller | null = null;
    const open = (side: SideQueue): WorkQueue =>
      this.#queue({ ...side, backoff, client, syncUs: syncUsOf(costs, definition), events });
    const context: ControllerContext = {
      run: this.#context,
      name,
      queue: open({
        name,
        workers: workersOf(costs, definition),
        reconcile: (key, calls) => controller!.reconcile(key, calls),
      }),
      client,
      pods: this.#pods,
      objects: (kind) => this.#view(kind),
      onObjects: (kind: string, handler: ObjectHandler) => this.#view(kind).onChange(handler),
      onPods: (handler, ownerKind) => this.#pods.onChange(handler, ownerKind),
      onPodIdentity: (handler) => this.#pods.onIdentity(handler),
      nodes: () => this.#nodeView(),
      onNodes: (handler: NodeHandler) => this.#nodeView().onChange(handler),
      sideQueue: open,
    };
    controller = definition.create(context);
  }

  /** A work queue with workers of its own. */
  #queue(
    side: SideQueue & {
      readonly backoff: ControllerDefinition['backoff'];
      readonly client: ApiClient;
      readonly syncUs: Duration;
      readonly events: Events;
    },
  ): WorkQueue {
    const { kernel, costs, recorder, durations, state } = this.#context;
    const { name, client, events } = side;
    const index = this.#controllers.length;
    const wait = recorder.latency(`workqueue.${name}`);
    const depth = recorder.gauge(`workqueue.${name}.depth`);
    let timer: TimerHandle = NO_TIMER;
    const queue = new WorkQueue(kernel, {
      backoff: side.backoff,
      schedule: (timeUs) => {
        kernel.cancel(timer);
        timer = timeUs === null ? NO_TIMER : kernel.timer(timeUs - kernel.now, events.due, index, 0);
      },
      waited: (us) => {
        recorder.observe(wait, us);
        recorder.set(depth, queue.depth);
      },
      wake: () => {
        recorder.set(depth, queue.depth);
        if (running.takePending || running.idle.length === 0) return;
        running.takePending = true;
        kernel.after(0, events.take, index, 0);
      },
    });
    const running: Running = { queue, idle: [], takePending: false };
    this.#controllers.push(running);
    const purpose = `controllers/${name}`;
    const oneWayUs = durations.sampler(`${purpose}/network`, costs.apiserver.networkUs)(0, 0);
    const bench: Bench = {
      kernel,
      state,
      client,
      queue,
      controller: side,
      syncUs: durations.sampler(purpose, side.syncUs),
      // One more: after the watch event of the same microsecond.
      settleUs: Math.max(0, costs.apiserver.watchUs - costs.etcd.applyUs - oneWayUs + 1),
      reply: (reply) => this.#workers[reply.target]!.answered(reply, true),
      readReply: (reply) => this.#workers[reply.target]!.answered(reply, false),
      step: events.step,
      idle: (worker) => running.idle.push(worker),
      counts: { name, workers: side.workers, wait, reconciles: 0, requests: 0, conflicts: 0, errors: 0 },
    };
    recorder.controller(bench.counts);
    for (let i = side.workers; i > 0; i--) {
      const worker = new Worker(bench, this.#workers.length);
      this.#workers.push(worker);
      running.idle.push(worker);
    }
    return queue;
  }

  #nodeView(): NodeView {
    assert(
      !this.#watching || this.#nodes !== null,
      'nodes are asked for too late: their watch was not opened',
    );
    this.#nodes ??= new NodeView();
    return this.#nodes;
  }

  #view(kind: string): ObjectView {
    let view = this.#views.get(kind);
    if (view === undefined) {
      assert(!this.#watching, () => `${kind} is asked for too late: its watch was not opened`);
      view = new ObjectView(kind);
      this.#views.set(kind, view);
    }
    return view;
  }

  #take(running: Running): void {
    running.takePending = false;
    while (running.queue.depth > 0 && running.idle.length > 0) running.idle.pop()!.start();
  }

  #podsSeen(log: RevisionLog, from: number, to: number): void {
    const { recorder, state } = this.#context;
    if (recorder.tracer.enabled) {
      for (let position = from; position < to; position++) {
        const pod = log.id(position);
        const what = `watch: ${VERBS[log.verb(position)]} seen, revision ${log.revision(position)}`;
        recorder.tracer.hop(ACTOR, 'Pod', state.podNamespace(pod), state.podName(pod), what);
      }
    }
    this.#pods.fold(log, from, to);
  }

  #objectsSeen(view: ObjectView, log: RevisionLog, from: number, to: number): void {
    const { tracer } = this.#context.recorder;
    if (tracer.enabled) {
      for (let position = from; position < to; position++) {
        const { metadata } = log.object(position) as KubeObject;
        const what = `watch: ${VERBS[log.verb(position)]} seen, revision ${log.revision(position)}`;
        tracer.hop(ACTOR, view.kind, metadata.namespace ?? '', metadata.name!, what);
      }
    }
    view.fold(log, from, to);
  }
}
