// The scenario's steps, done by kubectl: one request after the other, each after the answer to the one before. What
// the server refuses is told in the loss report and does not stop the others.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import type { NodeControl } from '../contracts/node-control.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { NodePick, PodPick, SourcedObject, TimedStep } from '../contracts/scenario.ts';
import type { StepWitness } from '../contracts/timeline.ts';
import { assert, type EventKind, type Sampler } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { applyPatch } from '../kinds/patch.ts';
import { type KindStore, keyOf } from '../state/index.ts';
import { type CommandEnd, DrainCommands } from './drain.ts';
import { pickNodes } from './pick-node.ts';
import { pickPod } from './pick-pod.ts';
import { podPatch } from './pod-patch.ts';
import { rollback } from './rollback.ts';

interface Task {
  readonly step: TimedStep;
  readonly object: SourcedObject | null;
  /** Node that it is about, as found when the step began; -1: none. */
  readonly node: number;
  /** A process starts before its request. */
  readonly starts: boolean;
}

/** Done by a kubectl that sends several requests at a time. */
const isDrain = (step: TimedStep): boolean =>
  step.do === 'drain' || step.do === 'cordon' || step.do === 'uncordon';

export class StepDriver {
  readonly #c: RunContext;
  readonly #steps: readonly TimedStep[];
  readonly #client: ApiClient;
  readonly #kind: EventKind;
  readonly #queue: Task[] = [];
  #head = 0;
  #busy = false;
  readonly #answered: (reply: ApiReply) => void;
  readonly #witness: StepWitness | null;
  #sentUs = 0;
  /** Pod that the request in flight is about, if the step chose it. */
  #picked: string | undefined;

  readonly #machines: NodeControl | null;
  readonly #drains: DrainCommands;
  readonly #startUs: Sampler;
  readonly #upKind: EventKind;
  /** Task whose process is starting or has started. */
  #starting: Task | null = null;

  /** `witness`: is told how each step went. `machines`: for what is done to nodes past the API. */
  constructor(
    context: RunContext,
    steps: readonly TimedStep[],
    witness: StepWitness | null = null,
    machines: NodeControl | null = null,
  ) {
    this.#machines = machines;
    this.#c = context;
    this.#steps = steps;
    this.#witness = witness;
    this.#client = context.api.client('kubectl', context.costs.clients.kubectl, { trusted: false });
    this.#kind = context.kernel.on('kubectl/step', (index) => this.#due(this.#steps[index]!, index));
    this.#answered = (reply) => this.#answer(reply);
    this.#drains = new DrainCommands(context, this.#client, (pod) => witness?.podName(pod));
    this.#startUs = context.durations.sampler('kubectl/start', context.costs.kubectl?.startUs ?? 0);
    this.#upKind = context.kernel.on('kubectl/started', (index) => this.#up(index));
  }

  start(): void {
    for (const [index, step] of this.#steps.entries()) this.#c.kernel.at(step.atUs, this.#kind, index, 0);
  }

  #due(step: TimedStep, index: number): void {
    const starts = step.process === true;
    if (isDrain(step)) {
      // A process of its own; a recorded scenario does one step after the other.
      if (step.ordinal === undefined) return this.#afterStart(index);
      this.#queue.push({ step, object: null, node: -1, starts });
    } else if (step.nodes !== undefined) this.#nodes(step, step.nodes);
    else if (step.objects.length > 0)
      for (const [i, object] of step.objects.entries())
        this.#queue.push({ step, object, node: -1, starts: starts && i === 0 });
    else this.#queue.push({ step, object: null, node: -1, starts });
    if (!this.#busy) this.#next();
  }

  /** One task a node. What is done to machines happens at once, whatever kubectl is waiting for. */
  #nodes(step: TimedStep, pick: NodePick): void {
    const nodes = pickNodes(this.#c.state, pick);
    if (nodes.length === 0) {
      const what = pick.names?.join(', ') ?? 'with that zone or these labels';
      this.#c.recorder.loss('kubectl', 'Node', '', 1, `404 no node ${what}`);
    }
    // Machines stop and start at once, whatever kubectl waits for; a recorded scenario does one step after the other.
    const queued = step.ordinal !== undefined || step.do === 'patch-node' || step.do === 'remove-node';
    for (const node of nodes) {
      if (queued) this.#queue.push({ step, object: null, node, starts: false });
      else this.#machine(step, node);
    }
  }

  /** True: the machine comes up, and says so when it is there. */
  #machine(step: TimedStep, node: number, posted?: () => void): boolean {
    const machines = this.#machines;
    assert(machines !== null, 'a driver without machines has no steps about them');
    this.#hop('Node', '', this.#c.state.nodeName(node), `${step.do}`);
    if (step.do === 'stop-node') machines.stop(node);
    else if (step.do === 'cut-off') machines.cutOff(node);
    else if (step.do === 'crash-node') machines.crash(node);
    else return machines.start(node, posted);
    return false;
  }

  /** `index` of the step, whose process begins; -1: the one at the head of the queue. */
  #afterStart(index: number): void {
    const { kernel } = this.#c;
    kernel.at(kernel.now + this.#startUs(Math.max(0, index), 0), this.#upKind, index + 1, 0);
  }

  #up(number: number): void {
    const step = this.#steps[number - 1];
    if (step !== undefined) {
      const sentUs = step.atUs;
      this.#drain(step, (end) => this.#told(step, sentUs, end));
    } else if (!this.#send(this.#queue[this.#head]!)) {
      this.#head += 1;
      this.#next();
    }
  }

  #drain(step: TimedStep, done: (end: CommandEnd) => void): void {
    const pick = step.nodes!;
    const { nodes } = this.#c.state;
    const missing = pick.names?.filter((name) => nodes.find(name) < 0) ?? [];
    this.#drains.run(step, pickNodes(this.#c.state, pick), missing, done);
  }

  #told(step: TimedStep, sentUs: number, { exit, stdout, stderr }: CommandEnd): void {
    const message = stderr.trimEnd().split('\n').at(-1) ?? '';
    if (exit !== 0) this.#c.recorder.loss('kubectl', 'Node', '', 1, `${step.do}: ${message}`);
    this.#witness?.answered({
      step,
      sentUs,
      answeredUs: this.#c.kernel.now,
      code: exit === 0 ? 200 : 400,
      reason: '',
      message,
      printed: { stdout, stderr },
    });
  }

  /** Sends the next request; steps whose object is not there are passed over. */
  #next(): void {
    this.#busy = true;
    while (this.#head < this.#queue.length) {
      if (this.#send(this.#queue[this.#head]!)) return;
      this.#head += 1;
    }
    this.#queue.length = 0;
    this.#head = 0;
    this.#busy = false;
  }

  /** False: there is nothing to send the request about. */
  #send(task: Task): boolean {
    const up = this.#starting === task;
    this.#starting = null;
    if (!up) {
      this.#sentUs = this.#c.kernel.now;
      this.#picked = undefined;
      if (task.starts) {
        this.#starting = task;
        this.#afterStart(-1);
        return true;
      }
    }
    if (isDrain(task.step)) {
      this.#drain(task.step, (end) => {
        this.#told(task.step, this.#sentUs, end);
        this.#head += 1;
        this.#next();
      });
      return true;
    }
    if (task.step.do === 'look') return this.#unsent(task, 0, '', '');
    if (task.step.usage !== undefined) {
      const { resource, namespace, matchLabels, milli } = task.step.usage;
      this.#c.state.usage.set(this.#c.kernel.now, resource, namespace, matchLabels, milli);
      return this.#unsent(task, 0, '', '');
    }
    if (task.node >= 0) return this.#toNode(task, task.node);
    if (task.step.pick !== undefined) return this.#toPicked(task, task.step.pick);
    if (task.step.do === 'create' || (task.step.do === 'apply' && !this.#exists(task))) {
      const { object } = task.object!;
      const namespaced = object.kind !== 'Node' && (this.#storeOf(object.kind)?.namespaced ?? true);
      const namespace = namespaced ? (object.metadata.namespace ?? 'default') : '';
      this.#hop(object.kind, namespace, object.metadata.name ?? '', `sends POST ${object.kind}`);
      this.#client.create(object, this.#answered);
      return true;
    }
    const target = this.#target(task);
    const { kind, namespace, name } = target;
    if (kind === 'Pod') return this.#toPod(task, namespace, name);
    const id = this.#idOf(kind, namespace, name);
    if (id < 0) return this.#refused(task, kind, `${kind} "${name}" not found`);
    if (task.step.do === 'delete') {
      this.#hop(kind, namespace, name, `sends DELETE ${kind}`);
      this.#client.delete(id, this.#answered, 0, 0, task.step.propagation);
      return true;
    }
    if (task.step.do === 'rollout-undo') return this.#undo(task, id);
    const { unless } = task.step;
    if (unless !== undefined && (this.#c.state.objects.get(id)!['spec']?.paused === true) === unless.paused)
      return this.#unsent(task, 400, 'BadRequest', `${kind} "${name}" ${unless.says}`);
    const { what, change } = this.#change(task);
    this.#hop(kind, namespace, name, what);
    this.#client.patch(id, change, this.#answered);
    return true;
  }

  #exists(task: Task): boolean {
    const { kind, namespace, name } = this.#target(task);
    return this.#idOf(kind, namespace, name) >= 0;
  }

  /** The store of a kind; of one that nothing acts on it has the version in its name. */
  #storeOf(kind: string): KindStore | undefined {
    const { objects } = this.#c.state;
    return objects.findKind(kind) ?? objects.kinds.find((store) => store.kind.startsWith(`${kind}.`));
  }

  /** -1: there is none. */
  #idOf(kind: string, namespace: string, name: string): number {
    const store = this.#storeOf(kind);
    return store?.ids.get(keyOf(store.namespaced ? namespace : '', name)) ?? -1;
  }

  /** What the server is to do with the newest version of the object. */
  #change(task: Task): { what: string; change: (object: KubeObject) => KubeObject } {
    const { step } = task;
    if (step.do === 'scale') {
      const replicas = step.target!.replicas ?? 0;
      const change = (object: KubeObject): KubeObject => ({
        ...object,
        spec: { ...object['spec'], replicas },
      });
      return { what: `sends PATCH scale to ${replicas}`, change };
    }
    if (step.do === 'patch') {
      const { type, body } = step.patch!;
      return { what: `sends PATCH (${type})`, change: (object) => applyPatch(object, type, body) };
    }
    const { metadata, status: _, ...rest } = task.object!.object;
    const change = (object: KubeObject): KubeObject => ({
      ...object,
      ...rest,
      metadata: {
        ...object.metadata,
        ...(metadata.labels ? { labels: metadata.labels } : {}),
        ...(metadata.annotations
          ? { annotations: { ...object.metadata.annotations, ...metadata.annotations } }
          : {}),
      },
    });
    return { what: 'sends PATCH (apply)', change };
  }

  #target(task: Task): { kind: string; namespace: string; name: string; replicas?: number } {
    if (task.step.target !== undefined) return task.step.target;
    const { kind, metadata } = task.object!.object;
    return { kind, namespace: metadata.namespace ?? 'default', name: metadata.name! };
  }

  /** kubectl reads what it needs and sends one PATCH. */
  #undo(task: Task, id: number): boolean {
    const object = this.#c.state.objects.get(id)!;
    const plan = rollback(this.#c.state, object, task.step.toRevision ?? 0);
    if ('says' in plan) {
      if (!plan.fails) return this.#unsent(task, 0, '', plan.says);
      this.#c.recorder.loss('kubectl', object.kind, '', 1, plan.says);
      return this.#unsent(task, 400, 'BadRequest', plan.says);
    }
    const { namespace = '', name = '' } = object.metadata;
    this.#hop(object.kind, namespace, name, 'sends PATCH (rollout undo)');
    this.#client.patch(id, plan.change, this.#answered);
    return true;
  }

  #toPicked(task: Task, pick: PodPick): boolean {
    const pod = pickPod(this.#c.state, pick);
    if (pod < 0) return this.#refused(task, 'Pod', `no pod number ${pick.nth} with these labels`);
    this.#picked = this.#witness?.podName(pod);
    return this.#podRequest(task, pod);
  }

  #podRequest({ step }: Task, pod: number): true {
    const { state } = this.#c;
    const generation = state.pods.generation[pod]!;
    if (step.do === 'evict') {
      this.#hop('Pod', state.podNamespace(pod), state.podName(pod), 'sends POST Eviction');
      this.#client.evictPod(pod, generation, step.graceSeconds ?? -1, this.#answered);
      return true;
    }
    if (step.do === 'debug') {
      this.#hop('Pod', state.podNamespace(pod), state.podName(pod), 'sends PATCH ephemeralcontainers');
      this.#client.debugPod(pod, generation, step.container, this.#answered);
      return true;
    }
    const verb = step.patch === undefined ? 'DELETE' : 'PATCH';
    this.#hop('Pod', state.podNamespace(pod), state.podName(pod), `sends ${verb} Pod`);
    if (step.patch === undefined)
      this.#client.deletePod(pod, generation, step.graceSeconds ?? -1, this.#answered);
    else this.#client.patchPod(pod, generation, podPatch(state, pod, step.patch), this.#answered);
    return true;
  }

  #toNode(task: Task, node: number): boolean {
    const name = this.#c.state.nodeName(node);
    if (task.step.do === 'remove-node') {
      this.#hop('Node', '', name, 'sends DELETE Node');
      // The machine goes with its object.
      this.#machines?.stop(node);
      this.#client.deleteNode(node, this.#answered);
      return true;
    }
    if (task.step.patch === undefined) {
      const up = (): void => {
        this.#tell(task, 0, '', '');
        this.#head += 1;
        this.#next();
      };
      return this.#machine(task.step, node, up) || this.#unsent(task, 0, '', '');
    }
    const { type, body, status = false } = task.step.patch;
    this.#hop('Node', '', name, `sends PATCH Node${status ? ' status' : ''} (${type})`);
    this.#client.patchNode(node, (object) => applyPatch(object, type, body), status, this.#answered);
    return true;
  }

  #toPod(task: Task, namespace: string, name: string): boolean {
    const { state } = this.#c;
    const pod = state.findPod(state.texts.find(namespace), name);
    if (pod < 0) return this.#refused(task, 'Pod', `pods "${name}" not found`);
    return this.#podRequest(task, pod);
  }

  #answer(reply: ApiReply): void {
    const task = this.#queue[this.#head]!;
    if (reply.code >= 400) {
      const kind = task.object?.object.kind ?? task.step.target?.kind ?? (task.node >= 0 ? 'Node' : '');
      this.#c.recorder.loss('kubectl', kind, '', 1, `${reply.code} ${reply.message}`);
    }
    this.#tell(task, reply.code, reply.reason, reply.message);
    this.#head += 1;
    this.#next();
  }

  #refused(task: Task, kind: string, message: string): false {
    this.#c.recorder.loss('kubectl', kind, '', 1, `404 ${message}`);
    return this.#unsent(task, 404, 'NotFound', message);
  }

  /** The step is over without a request. */
  #unsent(task: Task, code: number, reason: string, message: string): false {
    this.#tell(task, code, reason, message);
    return false;
  }

  #tell({ step }: Task, code: number, reason: string, message: string): void {
    this.#witness?.answered({
      step,
      sentUs: this.#sentUs,
      answeredUs: this.#c.kernel.now,
      code,
      reason,
      message,
      ...(this.#picked === undefined ? {} : { picked: this.#picked }),
    });
  }

  #hop(kind: string, namespace: string, name: string, what: string): void {
    const { tracer } = this.#c.recorder;
    if (tracer.enabled) tracer.hop('kubectl', kind, namespace, name, what);
  }
}
