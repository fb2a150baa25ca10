// The client side of the API: what client-go and its event recorder do before a request leaves the component — the
// token bucket, the retry after 429, the counting of events.
import type {
  ApiClient,
  DoomedPod,
  NodeChange,
  PodCreation,
  PodMeta,
  PodStatusChange,
  Propagation,
  ReplyHandler,
} from '../contracts/api.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { KnownEvents } from './event-filter.ts';
import { EventRecorder, type EventWrite } from './event-recorder.ts';
import { type ApiRequest, Op, ReadOf } from './request.ts';
import { TokenBucket } from './token-bucket.ts';

/** What the client needs of the server: a record to fill and a way to send it. */
export interface Transport {
  readonly now: number;
  begin(client: number, op: Op, reply: ReplyHandler | null, target: number, arg: number): ApiRequest;
  /** Sends at `grantUs`, when the client's limiter lets it go. */
  send(request: ApiRequest, grantUs: number): void;
  /** Request kinds by operation; objects by kind. */
  podKind(op: Op): number;
  objectKind(op: Op, id: number): number;
  createKind(object: KubeObject): number;
  kindOf(verb: string, resource: string): number;
  eventKind(patch: boolean): number;
  /** An Event about a pod: known by its serial number; with its names if anyone is going to read them. */
  podEvent(type: 'Normal' | 'Warning', reason: string, pod: number, message: string): EventWrite;
  /** Events that event recorders remember. */
  readonly knownEvents: KnownEvents;
}

export class Client implements ApiClient {
  readonly name: string;
  /** True for components whose objects the server need not decode and default again. */
  readonly trusted: boolean;
  readonly #index: number;
  readonly #transport: Transport;
  readonly #bucket: TokenBucket;
  /** Made at the first event: most kubelets of a large cluster never write one. */
  #events: EventRecorder | null = null;

  constructor(
    transport: Transport,
    index: number,
    name: string,
    limits: { readonly qps: number; readonly burst: number },
    trusted: boolean,
  ) {
    this.#transport = transport;
    this.#index = index;
    this.name = name;
    this.trusted = trusted;
    this.#bucket = new TokenBucket(limits.qps, limits.burst);
  }

  create(object: KubeObject, reply: ReplyHandler | null, target = 0, arg = 0): void {
    const r = this.#begin(Op.createObject, reply, target, arg);
    r.body = object;
    r.kind = this.#transport.createKind(object);
    this.#send(r);
  }

  update(
    id: number,
    object: KubeObject,
    expected: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    this.#object(Op.updateObject, id, object, expected, reply, target, arg);
  }

  updateStatus(
    id: number,
    object: KubeObject,
    expected: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    this.#object(Op.updateStatus, id, object, expected, reply, target, arg);
  }

  updateScale(
    id: number,
    replicas: number,
    expected: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    this.#object(Op.updateScale, id, replicas, expected, reply, target, arg);
  }

  patch(
    id: number,
    change: (object: KubeObject) => KubeObject,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    this.#object(Op.patchObject, id, change, 0, reply, target, arg);
  }

  delete(
    id: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
    propagation: Propagation = 'Background',
  ): void {
    this.#object(Op.deleteObject, id, propagation, 0, reply, target, arg);
  }

  createPod(pod: PodCreation, reply: ReplyHandler | null, target = 0, arg = 0): void {
    const r = this.#begin(Op.createPod, reply, target, arg);
    r.body = pod;
    r.kind = this.#transport.podKind(Op.createPod);
    this.#send(r);
  }

  bindPod(
    pod: number,
    generation: number,
    node: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#pod(Op.bindPod, pod, generation, reply, target, arg);
    r.a = node;
    this.#send(r);
  }

  patchPodStatus(
    pod: number,
    generation: number,
    change: PodStatusChange,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#pod(Op.patchPodStatus, pod, generation, reply, target, arg);
    r.body = change;
    this.#send(r);
  }

  patchPod(
    pod: number,
    generation: number,
    change: (meta: PodMeta) => PodMeta,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#pod(Op.patchPod, pod, generation, reply, target, arg);
    r.body = change;
    this.#send(r);
  }

  debugPod(
    pod: number,
    generation: number,
    container: Json,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#pod(Op.debugPod, pod, generation, reply, target, arg);
    r.body = container;
    this.#send(r);
  }

  deletePod(
    pod: number,
    generation: number,
    graceSeconds: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#pod(Op.deletePod, pod, generation, reply, target, arg);
    r.a = graceSeconds;
    this.#send(r);
  }

  deletePods(doomed: readonly DoomedPod[], reply: ReplyHandler | null, target = 0, arg = 0): void {
    const r = this.#begin(Op.deletePods, reply, target, arg);
    r.body = doomed;
    r.a = -1;
    r.kind = this.#transport.kindOf('deletecollection', 'pods');
    this.#send(r);
  }

  evictPod(
    pod: number,
    generation: number,
    graceSeconds: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#pod(Op.evictPod, pod, generation, reply, target, arg);
    r.a = graceSeconds;
    this.#send(r);
  }

  writeNode(
    node: number,
    how: 'patch nodes' | 'patch nodes/status' | 'update nodes/status',
    change: NodeChange,
    expected: number,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const [verb, resource] = how.split(' ') as [string, string];
    const r = this.#node(Op.writeNode, verb, resource, node, reply, target, arg);
    r.body = change;
    r.a = expected;
    this.#send(r);
  }

  patchNode(
    node: number,
    change: (object: KubeObject) => KubeObject,
    status: boolean,
    reply: ReplyHandler | null,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#node(Op.patchNode, 'patch', status ? 'nodes/status' : 'nodes', node, reply, target, arg);
    r.body = change;
    r.b = status ? 1 : 0;
    this.#send(r);
  }

  deleteNode(node: number, reply: ReplyHandler | null, target = 0, arg = 0): void {
    this.#send(this.#node(Op.deleteNode, 'delete', 'nodes', node, reply, target, arg));
  }

  renewLease(node: number): void {
    this.#send(this.#node(Op.renewLease, 'update', 'leases', node, null, 0, 0));
  }

  read(
    resource: 'nodes' | 'pods',
    id: number,
    generation: number,
    reply: ReplyHandler,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#node(Op.read, 'get', resource, id, reply, target, arg);
    r.generation = generation;
    r.a = resource === 'pods' ? ReadOf.pod : ReadOf.node;
    this.#send(r);
  }

  readObject(id: number, reply: ReplyHandler, target = 0, arg = 0): void {
    this.#object(Op.read, id, null, ReadOf.object, reply, target, arg);
  }

  look(
    verb: 'get' | 'list' | 'deletecollection',
    resource: string,
    reply: ReplyHandler,
    target = 0,
    arg = 0,
  ): void {
    const r = this.#node(Op.read, verb, resource, -1, reply, target, arg);
    r.a = ReadOf.nothing;
    this.#send(r);
  }

  patchNodeImages(node: number, images: readonly number[]): void {
    const r = this.#begin(Op.patchNodeImages, null, 0, 0);
    r.subject = node;
    r.body = images;
    r.kind = this.#transport.podKind(Op.patchNodeImages);
    this.#send(r);
  }

  event(
    type: 'Normal' | 'Warning',
    reason: string,
    kind: string,
    namespace: string,
    name: string,
    message: string,
  ): void {
    const key = `${kind}/${namespace}/${name}`;
    this.#say({ key, type, reason, kind, namespace, name, message, count: 0 });
  }

  podEvent(type: 'Normal' | 'Warning', reason: string, pod: number, message: string): void {
    this.#say(this.#transport.podEvent(type, reason, pod, message));
  }

  /** The server tells that the Event it was sent is written, or refused for good. */
  eventWritten(): void {
    this.#events!.written(this.#transport.now);
  }

  #say(event: EventWrite): void {
    this.#events ??= new EventRecorder((write) => {
      const r = this.#begin(Op.writeEvent, null, 0, 0);
      r.body = write;
      r.kind = this.#transport.eventKind(write.count > 1);
      this.#send(r);
    }, this.#transport.knownEvents);
    this.#events.say(event, this.#transport.now);
  }

  #begin(op: Op, reply: ReplyHandler | null, target: number, arg: number): ApiRequest {
    return this.#transport.begin(this.#index, op, reply, target, arg);
  }

  #node(
    op: Op,
    verb: string,
    resource: string,
    node: number,
    reply: ReplyHandler | null,
    target: number,
    arg: number,
  ): ApiRequest {
    const r = this.#begin(op, reply, target, arg);
    r.subject = node;
    r.kind = this.#transport.kindOf(verb, resource);
    return r;
  }

  #pod(
    op: Op,
    pod: number,
    generation: number,
    reply: ReplyHandler | null,
    target: number,
    arg: number,
  ): ApiRequest {
    const r = this.#begin(op, reply, target, arg);
    r.subject = pod;
    r.generation = generation;
    r.kind = this.#transport.podKind(op);
    return r;
  }

  #object(
    op: Op,
    id: number,
    body: unknown,
    expected: number,
    reply: ReplyHandler | null,
    target: number,
    arg: number,
  ): void {
    const r = this.#begin(op, reply, target, arg);
    r.subject = id;
    r.body = body;
    r.a = expected;
    r.kind = this.#transport.objectKind(op, id);
    this.#send(r);
  }

  #send(request: ApiRequest): void {
    this.#transport.send(request, this.#bucket.take(this.#transport.now));
  }
}
