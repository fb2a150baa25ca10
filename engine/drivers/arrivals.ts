// What the workloads bring: pulled one arrival ahead of virtual time, sent to the API server when due, deleted again
// when its life is over. Pods that differ only by name and run time share one template.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { Arrival } from '../contracts/workload.ts';
import type { EventKind } from '../kernel/index.ts';
import { assert } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { PodTemplate } from '../state/index.ts';

export class ArrivalDriver {
  readonly #c: RunContext;
  readonly #iterators: readonly Iterator<Arrival>[];
  /** Next arrival of each workload; null when it has no more. */
  readonly #ahead: (Arrival | null)[] = [];
  readonly #client: ApiClient;
  readonly #arriveKind: EventKind;
  readonly #deletePodKind: EventKind;
  readonly #deleteObjectKind: EventKind;
  readonly #podTemplates = new WeakMap<KubeObject, Map<string, PodTemplate>>();
  /** Lifetimes of requests on their way, by ticket. */
  readonly #lifetimes = new Map<number, number>();
  #ticket = 0;
  readonly #podMade: (reply: ApiReply) => void;
  readonly #objectMade: (reply: ApiReply) => void;

  constructor(context: RunContext, iterators: readonly Iterator<Arrival>[]) {
    this.#c = context;
    this.#iterators = iterators;
    const { kernel, state } = context;
    // Users of a cluster are many: together they are not held back by one client's limits.
    this.#client = context.api.client('workload', { qps: 0, burst: 0 }, { trusted: false });
    this.#arriveKind = kernel.on('workload/arrival', (index) => this.#due(index));
    this.#deletePodKind = kernel.on('workload/delete-pod', (pod, generation) => {
      if (!state.pods.alive(pod, generation)) return kernel.countDropped();
      this.#client.deletePod(pod, generation, -1, null);
    });
    this.#deleteObjectKind = kernel.on('workload/delete-object', (id) => this.#client.delete(id, null));
    this.#podMade = (reply) => this.#made(reply, true);
    this.#objectMade = (reply) => this.#made(reply, false);
  }

  start(): void {
    for (let index = 0; index < this.#iterators.length; index++) this.#pull(index, 0);
  }

  #pull(index: number, afterUs: number): void {
    const next = this.#iterators[index]!.next();
    if (next.done) {
      this.#ahead[index] = null;
      return;
    }
    const { atUs } = next.value;
    assert(atUs >= afterUs, () => `workload ${index}: an arrival at ${atUs} us follows one at ${afterUs} us`);
    this.#ahead[index] = next.value;
    this.#c.kernel.at(atUs, this.#arriveKind, index, 0);
  }

  #due(index: number): void {
    const arrival = this.#ahead[index]!;
    this.#send(arrival);
    this.#pull(index, arrival.atUs);
  }

  #send(arrival: Arrival): void {
    const { texts } = this.#c.state;
    const { metadata } = arrival.object;
    const namespace = arrival.namespace ?? metadata.namespace ?? 'default';
    const name = arrival.name ?? metadata.name;
    const ticket = arrival.lifetimeUs === undefined ? 0 : ++this.#ticket;
    if (arrival.lifetimeUs !== undefined) this.#lifetimes.set(ticket, arrival.lifetimeUs);
    if (arrival.object.kind === 'Pod') {
      this.#client.createPod(
        {
          template: this.#template(arrival.object, namespace),
          namespace: texts.id(namespace),
          owner: -1,
          nameBase: texts.id(name ?? metadata.generateName ?? ''),
          generate: name === undefined,
          runUs: arrival.runUs ?? Number.NaN,
        },
        this.#podMade,
        ticket,
      );
      return;
    }
    const object: KubeObject = {
      ...arrival.object,
      metadata: { ...metadata, namespace, ...(name === undefined ? {} : { name }) },
    };
    this.#client.create(object, this.#objectMade, ticket);
  }

  #template(object: KubeObject, namespace: string): PodTemplate {
    let byNamespace = this.#podTemplates.get(object);
    if (byNamespace === undefined) {
      byNamespace = new Map();
      this.#podTemplates.set(object, byNamespace);
    }
    let template = byNamespace.get(namespace);
    if (template === undefined) {
      const { labels, annotations } = object.metadata;
      const metadata = { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
      template = this.#c.api.podTemplate(namespace, { metadata, spec: object['spec'] });
      byNamespace.set(namespace, template);
    }
    return template;
  }

  #made(reply: ApiReply, isPod: boolean): void {
    const lifetimeUs = this.#lifetimes.get(reply.target);
    this.#lifetimes.delete(reply.target);
    if (reply.code >= 400) {
      this.#c.recorder.loss('workload', isPod ? 'Pod' : '', '', 1, `refused: ${reply.code} ${reply.reason}`);
      return;
    }
    if (lifetimeUs === undefined) return;
    const { kernel, state } = this.#c;
    if (isPod) kernel.after(lifetimeUs, this.#deletePodKind, reply.id, state.pods.generation[reply.id]!);
    else kernel.after(lifetimeUs, this.#deleteObjectKind, reply.id, 0);
  }
}
