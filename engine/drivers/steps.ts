// The scenario's steps, done by kubectl: one request after the other, each after the answer to the one before. What
// the server refuses is told in the loss report and does not stop the others.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { SourcedObject, TimedStep } from '../contracts/scenario.ts';
import type { EventKind } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { applyPatch } from '../kinds/patch.ts';
import { suffixNumber } from '../state/index.ts';

interface Task {
  readonly step: TimedStep;
  readonly object: SourcedObject | null;
}

export class StepDriver {
  readonly #c: RunContext;
  readonly #steps: readonly TimedStep[];
  readonly #client: ApiClient;
  readonly #kind: EventKind;
  readonly #queue: Task[] = [];
  #head = 0;
  #busy = false;
  readonly #answered: (reply: ApiReply) => void;

  constructor(context: RunContext, steps: readonly TimedStep[]) {
    this.#c = context;
    this.#steps = steps;
    this.#client = context.api.client('kubectl', context.costs.clients.kubectl, { trusted: false });
    this.#kind = context.kernel.on('kubectl/step', (index) => this.#due(this.#steps[index]!));
    this.#answered = (reply) => this.#answer(reply);
  }

  start(): void {
    for (const [index, step] of this.#steps.entries()) this.#c.kernel.at(step.atUs, this.#kind, index, 0);
  }

  #due(step: TimedStep): void {
    if (step.objects.length > 0) for (const object of step.objects) this.#queue.push({ step, object });
    else this.#queue.push({ step, object: null });
    if (!this.#busy) this.#next();
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
    if (task.step.do === 'create' || (task.step.do === 'apply' && !this.#exists(task))) {
      const { object } = task.object!;
      const namespaced =
        object.kind !== 'Node' && (this.#c.state.objects.findKind(object.kind)?.namespaced ?? true);
      const namespace = namespaced ? (object.metadata.namespace ?? 'default') : '';
      this.#hop(object.kind, namespace, object.metadata.name ?? '', `sends POST ${object.kind}`);
      this.#client.create(object, this.#answered);
      return true;
    }
    const target = this.#target(task);
    const { kind, namespace, name } = target;
    if (kind === 'Pod') return this.#deletePod(namespace, name);
    const store = this.#c.state.objects.findKind(kind);
    const id =
      store === undefined ? -1 : this.#c.state.objects.find(kind, store.namespaced ? namespace : '', name);
    if (id < 0) return this.#refused(kind, `${kind} "${name}" not found`);
    if (task.step.do === 'delete') {
      this.#hop(kind, namespace, name, `sends DELETE ${kind}`);
      this.#client.delete(id, this.#answered);
      return true;
    }
    const { what, change } = this.#change(task);
    this.#hop(kind, namespace, name, what);
    this.#client.patch(id, change, this.#answered);
    return true;
  }

  #exists(task: Task): boolean {
    const { kind, namespace, name } = this.#target(task);
    const store = this.#c.state.objects.findKind(kind);
    return (
      store !== undefined && this.#c.state.objects.find(kind, store.namespaced ? namespace : '', name) >= 0
    );
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

  #deletePod(namespace: string, name: string): boolean {
    const { texts, podNames, pods } = this.#c.state;
    const space = texts.find(namespace);
    // A generated name is its owner's prefix and five characters; any other stands whole.
    let pod = podNames.find(space, texts.find(name), -1);
    if (pod < 0) pod = podNames.find(space, texts.find(name.slice(0, -5)), suffixNumber(name.slice(-5)));
    if (pod < 0) return this.#refused('Pod', `pods "${name}" not found`);
    this.#hop('Pod', namespace, name, 'sends DELETE Pod');
    this.#client.deletePod(pod, pods.generation[pod]!, -1, this.#answered);
    return true;
  }

  #answer(reply: ApiReply): void {
    const task = this.#queue[this.#head]!;
    if (reply.code >= 400) {
      const kind = task.object?.object.kind ?? task.step.target?.kind ?? '';
      this.#c.recorder.loss('kubectl', kind, '', 1, `${reply.code} ${reply.message}`);
    }
    this.#head += 1;
    this.#next();
  }

  #refused(kind: string, message: string): false {
    this.#c.recorder.loss('kubectl', kind, '', 1, `404 ${message}`);
    return false;
  }

  #hop(kind: string, namespace: string, name: string, what: string): void {
    const { tracer } = this.#c.recorder;
    if (tracer.enabled) tracer.hop('kubectl', kind, namespace, name, what);
  }
}
