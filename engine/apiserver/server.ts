// The API server: requests wait for a worker, are worked on, committed by etcd, answered; what was committed goes into
// the revision logs, from which watchers and kubelets learn it. One event when a request arrives, one when its answer
// is back, and its share of etcd's batch.
import type { ApiClient, ApiServer, ReplyHandler, WatchConsumer } from '../contracts/api.ts';
import type { CostPreset } from '../contracts/costs.ts';
import {
  assert,
  type Durations,
  type EventKind,
  type Fingerprint,
  type Kernel,
  type KeyedDraw,
  type Lane,
  NumberHeap,
  type Rng,
} from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { ClusterState, KindStore, PodId, PodTemplate, RevisionLog } from '../state/index.ts';
import { QuotaAdmission } from './admission/resource-quota.ts';
import type { Admitted } from './admitted.ts';
import { chargedChange, isChange, isCharged } from './charges.ts';
import { Client, type Transport } from './client.ts';
import { Etcd } from './etcd.ts';
import { KnownEvents } from './event-filter.ts';
import { type EventWrite, eventAboutPod } from './event-recorder.ts';
import { Evictions } from './eviction.ts';
import { Incoming } from './incoming.ts';
import { NodeWrites } from './node-writes.ts';
import { ObjectWrites } from './object-writes.ts';
import { PodWrites } from './pod-writes.ts';
import { type ApiRequest, actOf, Op, RequestPool } from './request.ts';
import { RequestKinds } from './request-kinds.ts';
import { RequestTrace } from './request-trace.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { type DescribedKind, storeFor } from './stores.ts';
import { Watches } from './watches.ts';

/** A client sends a request again this long after 429 (the server's Retry-After), at most 10 times (client-go). */
const RETRY_AFTER_US = 1_000_000;
const RETRIES_MAX = 10;

export interface ServerOptions {
  readonly kernel: Kernel;
  readonly rng: Rng;
  readonly draw: KeyedDraw;
  readonly durations: Durations;
  readonly fingerprint: Fingerprint;
  readonly state: ClusterState;
  readonly recorder: Recorder;
  readonly costs: CostPreset;
  /** Decodes, defaults, admits and validates an object as on POST; `uid`: of one that exists already. */
  admit(object: KubeObject, uid?: string): Admitted;
  /** Adds the row of a Node that was created through the API. */
  addNode(object: KubeObject, revision: number): number;
  /** Told after each batch of commits which logs have grown, before any watcher learns of it. */
  committed?(logs: readonly RevisionLog[]): void;
  /** Told who is about to delete a pod or to change an object. */
  acting?(client: string, what: 'deletePod' | 'change', subject: number): void;
  /** Plural resource and scope of a kind. */
  describeKind(object: KubeObject): DescribedKind;
}

export class Server implements ApiServer, Transport {
  readonly #o: ServerOptions;
  readonly #kernel: Kernel;
  readonly #state: ClusterState;
  readonly #pool = new RequestPool();
  readonly #kinds: RequestKinds;
  readonly #clients: Client[] = [];
  readonly #etcd: Etcd;
  readonly #watches: Watches;
  readonly #pods: PodWrites;
  readonly #objects: ObjectWrites;
  readonly #nodes: NodeWrites;
  readonly #quotas: QuotaAdmission;
  readonly #evictions: Evictions;
  /** The server's client for its own requests; made at the first. */
  #loopback: ApiClient | null = null;
  readonly #trace: RequestTrace;
  /** When each of the server's workers is free again. */
  readonly #workers = new NumberHeap(64);
  readonly #arrive: EventKind;
  readonly #answer: EventKind;
  readonly #readDone: EventKind;
  readonly #charge: EventKind;
  readonly #outward: Lane;
  readonly #networkUs: number;
  readonly #watchUs: number;
  readonly #kubelets: Lane;
  #kubeletKind: EventKind | null = null;
  /** Pods that left etcd and whose rows wait for the watchers: pod, log position, time. */
  readonly #leaving: { pod: PodId; position: number; us: number }[] = [];
  #leavingHead = 0;
  readonly #incoming: Incoming;
  readonly knownEvents = new KnownEvents();
  /** Logs, most often one, that grew by the batch that etcd is committing. */
  #logsTouched: RevisionLog[] = [];
  #received = 0;

  constructor(options: ServerOptions) {
    this.#o = options;
    const { kernel, state, costs, recorder, durations, draw } = options;
    this.#kernel = kernel;
    this.#state = state;
    this.#kinds = new RequestKinds(recorder, durations, costs, state);
    this.#trace = new RequestTrace(recorder.tracer, state);
    const network = costs.apiserver.networkUs;
    assert(typeof network === 'number', 'networkUs is a constant: requests of one client stay in order');
    this.#networkUs = network;
    this.#watchUs = costs.apiserver.watchUs;
    this.#outward = kernel.lane(network);
    this.#kubelets = kernel.lane(this.#watchUs);
    this.#arrive = kernel.on('apiserver/arrive', (slot) => this.#admitRequest(this.#pool.get(slot)));
    this.#answer = kernel.on('apiserver/answer', (slot) => this.#answered(this.#pool.get(slot)));
    this.#readDone = kernel.on('apiserver/read', (slot) => this.#readAnswered(this.#pool.get(slot)));
    this.#charge = kernel.on('apiserver/charge', (slot) => this.#chargeRequest(this.#pool.get(slot)));
    this.#incoming = new Incoming(state, draw, options.admit);
    for (let i = 0; i < costs.apiserver.concurrency; i++) this.#workers.push(0, i);
    this.#etcd = new Etcd(kernel, {
      fsyncUs: durations.sampler('etcd/fsync', costs.etcd.fsyncUs),
      batchMax: costs.etcd.batchMax,
      commit: (slot) => this.#commit(this.#pool.get(slot)),
      flushed: () => this.#flush(),
    });
    this.#watches = new Watches(kernel, (log, position) => this.#passed(log, position));
    this.#objects = new ObjectWrites({
      state,
      draw,
      addresses: new ServiceAddresses(options.rng.stream('apiserver/service-addresses')),
      now: () => kernel.now,
      nextRevision: () => this.#etcd.next(),
      storeOf: (object) => this.storeOf(object),
      logged: (store) => this.#touched(store.log),
      quotaAdded: (id, quota) => this.#quotas.added(id, quota),
      quotaRemoved: (id, quota) => this.#quotas.removed(id, quota),
    });
    const loopback = (): ApiClient => {
      this.#loopback ??= this.client('kube-apiserver', { qps: 0, burst: 0 });
      return this.#loopback;
    };
    const { handlerUs } = costs.apiserver;
    this.#evictions = new Evictions({
      kernel,
      state,
      draw,
      networkUs: network,
      readUs: durations.sampler(
        'apiserver/list budgets',
        handlerUs['list'] ?? handlerUs['get'] ?? handlerUs['*'] ?? 0,
      ),
      client: loopback,
      proceed: (r) => this.#etcd.submit(r.slot, kernel.now),
      refused: (r) => this.#concluded(r),
      request: (slot) => this.#pool.get(slot),
    });
    this.#quotas = new QuotaAdmission({
      state,
      draw,
      client: loopback,
      settled: (r) => (r.code < 400 ? this.#etcd.submit(r.slot, kernel.now) : this.#concluded(r)),
    });
    this.#nodes = new NodeWrites({
      state,
      recorder,
      now: () => kernel.now,
      nextRevision: () => this.#etcd.next(),
      logged: () => this.#touched(state.nodeLog),
      admit: options.admit,
    });
    this.#pods = new PodWrites({
      state,
      recorder,
      draw,
      fingerprint: options.fingerprint,
      now: () => kernel.now,
      nextRevision: () => this.#etcd.next(),
      podLogged: (pod, tellsKubelet) => this.#podLogged(pod, tellsKubelet),
      nodeLogged: () => this.#touched(state.nodeLog),
      podRemoved: (pod, position) => this.#leaving.push({ pod, position, us: kernel.now }),
      namespaceProblem: (namespace, resource, name) =>
        this.#objects.namespaceProblem(namespace, resource, name),
    });
  }

  // What components use.

  client(
    name: string,
    limits: { readonly qps: number; readonly burst: number },
    options: { trusted?: boolean } = {},
  ): ApiClient {
    const client = new Client(this, this.#clients.length, name, limits, options.trusted ?? true);
    this.#clients.push(client);
    return client;
  }

  watch(
    resource: string,
    consumer: WatchConsumer,
    options: { extraDelayUs?: number; members?: number } = {},
  ): void {
    const log =
      resource === 'pods'
        ? this.#state.podLog
        : resource === 'nodes'
          ? this.#state.nodeLog
          : this.#state.objects.kind(resource).log;
    this.#watches.add(log, this.#watchUs + (options.extraDelayUs ?? 0), consumer, options.members ?? 1);
  }

  routeBoundPods(kind: EventKind): void {
    assert(this.#kubeletKind === null, 'pods are routed to the kubelets once');
    this.#kubeletKind = kind;
  }

  /** Stores an object as if it had always been there: no request. Only before the watches are opened. */
  seed(object: KubeObject): number {
    const store = this.storeOf(object);
    const id = this.#state.objects.create(store, object, this.#etcd.next(), this.#kernel.now);
    if (store.kind === 'ResourceQuota') this.#quotas.added(id, object);
    return id;
  }

  nextRevision(): number {
    return this.#etcd.next();
  }

  /** A pod of a dump as the server holds it: defaulted and admitted; one that would be refused now, as it is. */
  storedPod(pod: KubeObject): KubeObject {
    const { object } = this.#o.admit(pod);
    if (object === undefined) return pod;
    return {
      ...object,
      metadata: pod.metadata,
      ...(pod['status'] === undefined ? {} : { status: pod['status'] }),
    };
  }

  podTemplate(namespace: string, template: Json): PodTemplate {
    return this.#incoming.podTemplate(namespace, template);
  }

  storeOf(object: KubeObject): KindStore {
    return storeFor(this.#state.objects, this.#o.describeKind, object);
  }

  // The transport of clients.

  get now(): number {
    return this.#kernel.now;
  }

  begin(client: number, op: Op, reply: ReplyHandler | null, target: number, arg: number): ApiRequest {
    const r = this.#pool.take();
    r.client = client;
    r.op = op;
    r.reply = reply;
    r.target = target;
    r.arg = arg;
    return r;
  }

  send(r: ApiRequest, grantUs: number): void {
    if (grantUs <= this.#kernel.now) this.#outward.push(this.#arrive, r.slot, 0);
    else this.#kernel.at(grantUs + this.#networkUs, this.#arrive, r.slot, 0);
  }

  podKind(op: Op): number {
    return this.#kinds.pod(op);
  }
  objectKind(op: Op, id: number): number {
    return this.#kinds.object(op, id);
  }
  createKind(object: KubeObject): number {
    if (object.kind === 'Pod') return this.#kinds.pod(Op.createPod);
    if (object.kind === 'Node') return this.#kinds.id('create', 'nodes');
    return this.#kinds.id('create', this.storeOf(object).resource);
  }
  kindOf(verb: string, resource: string): number {
    return this.#kinds.id(verb, resource);
  }
  eventKind(patch: boolean): number {
    return this.#kinds.event(patch);
  }

  podEvent(type: 'Normal' | 'Warning', reason: string, pod: number, message: string): EventWrite {
    const isRead = this.#o.recorder.eventsWanted || this.#trace.enabled;
    return eventAboutPod(this.#state, pod, isRead, type, reason, message);
  }

  // The way of a request.

  #admitRequest(r: ApiRequest): void {
    const now = this.#kernel.now;
    r.receivedUs = now;
    const freeUs = Math.max(now, this.#workers.peekKey());
    if (freeUs - now > this.#o.costs.apiserver.queueWaitMaxUs) return this.#tooMany(r);
    this.#received += 1;
    const worker = this.#workers.pop();
    const workUs = this.#kinds.workUs(r, this.#received, freeUs);
    const doneUs = freeUs + workUs;
    this.#workers.push(doneUs, worker);
    if (r.op === Op.deletePod && this.#pods.goesAtOnce(r)) r.betweenUs = Math.floor(workUs / 2);
    if (r.op === Op.evictPod) this.#evictions.submit(r, doneUs);
    // Answered from the server's cache, as fast as ever: so short a work does not wait for a whole turn.
    else if (r.op === Op.read) this.#kernel.at(now + workUs, this.#readDone, r.slot, 0);
    else if (isCharged(r, this.#state, this.#quotas)) this.#kernel.at(doneUs, this.#charge, r.slot, 0);
    else this.#etcd.submit(r.slot, doneUs - r.betweenUs);
  }

  /** Admission, for clients whose objects are not complete. */
  #admitFor(r: ApiRequest) {
    return this.#clients[r.client]!.trusted ? null : this.#o.admit;
  }

  /** Admits what is to be created or changed and hands it to the quotas of its namespace. */
  #chargeRequest(r: ApiRequest): void {
    const { trusted } = this.#clients[r.client]!;
    const what = isChange(r)
      ? chargedChange(this.#objects.preview(r, this.#admitFor(r)))
      : this.#incoming.toCharge(r, trusted, (...named) => this.#objects.namespaceProblem(...named));
    if (what === 'refused') this.#concluded(r);
    else if (what === 'free') this.#etcd.submit(r.slot, this.#kernel.now);
    else this.#quotas.submit(what.namespace, r, what);
  }

  #tooMany(r: ApiRequest): void {
    this.#o.recorder.request(this.#kinds.get(r.kind).metric, 429, 0);
    if (r.retries < RETRIES_MAX) {
      r.retries += 1;
      this.#kernel.after(RETRY_AFTER_US + 2 * this.#networkUs, this.#arrive, r.slot, 0);
      return;
    }
    r.fail(429, 'TooManyRequests', 'Too many requests, please try again later.');
    if (r.op === Op.writeEvent) this.#clients[r.client]!.eventWritten();
    this.#reply(r);
  }

  #commit(r: ApiRequest): void {
    this.#apply(r);
    if (!r.unfinished) return this.#concluded(r);
    const isList = r.op === Op.deletePods;
    const workUs = isList ? this.#kinds.get(r.kind).handlerUs(this.#received, r.b) : r.betweenUs;
    this.#etcd.submit(r.slot, this.#kernel.now + workUs);
  }

  /** The request has its answer. */
  #concluded(r: ApiRequest): void {
    const us = this.#kernel.now + this.#o.costs.etcd.applyUs - r.receivedUs;
    this.#o.recorder.request(this.#kinds.get(r.kind).metric, r.code, us);
    if (this.#trace.enabled) {
      const { name } = this.#clients[r.client]!;
      this.#trace.committed(r, name, this.#kinds.get(r.kind), this.#etcd.revision);
    }
    this.#reply(r);
  }

  #readAnswered(r: ApiRequest): void {
    this.#nodes.read(r);
    this.#o.recorder.request(this.#kinds.get(r.kind).metric, r.code, this.#kernel.now - r.receivedUs);
    this.#kernel.after(this.#networkUs, this.#answer, r.slot, 0);
  }

  #apply(r: ApiRequest): void {
    const act = this.#o.acting === undefined ? null : actOf(r.op);
    if (act !== null) this.#o.acting!(this.#clients[r.client]!.name, act, r.subject);
    switch (r.op) {
      case Op.createObject:
        return this.#create(r);
      case Op.updateObject:
        return this.#objects.update(r);
      case Op.updateScale:
        return this.#objects.updateScale(r);
      case Op.updateStatus:
        return this.#objects.updateStatus(r);
      case Op.patchObject:
        return this.#objects.patch(r, this.#admitFor(r));
      case Op.deleteObject:
        return this.#objects.delete(r);
      case Op.createPod:
        return this.#createPod(r);
      case Op.bindPod:
        return this.#pods.bind(r);
      case Op.patchPodStatus:
        return this.#pods.patchStatus(r);
      case Op.patchPod:
        return this.#pods.patch(r);
      case Op.debugPod:
        return this.#pods.debug(r);
      case Op.deletePod:
        return this.#pods.delete(r);
      case Op.deletePods:
        return this.#pods.deleteAll(r);
      case Op.evictPod:
        return this.#pods.evict(r);
      case Op.patchNodeImages:
        return this.#pods.patchNodeImages(r);
      case Op.writeEvent:
        return this.#writeEvent(r);
      case Op.writeNode:
        return this.#nodes.write(r);
      case Op.patchNode:
        return this.#nodes.patch(r);
      case Op.deleteNode:
        return this.#nodes.delete(r);
      case Op.renewLease:
        return this.#nodes.renew(r);
      case Op.read:
        return this.#nodes.read(r);
    }
  }

  #create(r: ApiRequest): void {
    const object = r.admitted
      ? (r.body as KubeObject)
      : this.#incoming.admitObject(r, this.#clients[r.client]!.trusted);
    if (object === null) return;
    if (object.kind === 'Node' && object.apiVersion === 'v1') return this.#createNode(r, object);
    if (object.kind === 'Pod' && object.apiVersion === 'v1') {
      this.#incoming.asPod(r, object);
      return this.#pods.create(r);
    }
    this.#objects.create(r, object);
  }

  #createNode(r: ApiRequest, object: KubeObject): void {
    const { nodes } = this.#state;
    if (nodes.find(object.metadata.name!) >= 0) {
      return r.fail(409, 'AlreadyExists', `nodes "${object.metadata.name}" already exists`);
    }
    // Each row has a UID of its own, unlike stored objects, which admission numbers.
    const { uid: _uid, ...metadata } = object.metadata;
    r.id = this.#o.addNode({ ...object, metadata }, this.#etcd.next());
    r.code = 201;
    this.#touched(this.#state.nodeLog);
  }

  #createPod(r: ApiRequest): void {
    if (r.admitted || this.#incoming.admitTemplate(r)) this.#pods.create(r);
  }

  #writeEvent(r: ApiRequest): void {
    const e = r.body as EventWrite;
    this.#etcd.next();
    r.code = e.count > 1 ? 200 : 201;
    this.#o.recorder.event(e.type, e.reason, e.kind, e.namespace, e.name, e.count, e.message);
    this.#clients[r.client]!.eventWritten();
  }

  #reply(r: ApiRequest): void {
    if (r.reply === null) this.#pool.give(r);
    else this.#kernel.after(this.#o.costs.etcd.applyUs + this.#networkUs, this.#answer, r.slot, 0);
  }

  #answered(r: ApiRequest): void {
    r.reply!(r);
    this.#pool.give(r);
  }

  // What a commit sets off.

  #touched(log: RevisionLog): void {
    if (!this.#logsTouched.includes(log)) this.#logsTouched.push(log);
  }

  #flush(): void {
    const logs = this.#logsTouched;
    if (logs.length > 0) this.#logsTouched = [];
    this.#o.committed?.(logs);
    for (const log of logs) this.#watches.committed(log);
  }

  #podLogged(pod: number, tellsKubelet: boolean): void {
    this.#touched(this.#state.podLog);
    if (tellsKubelet && this.#kubeletKind !== null && this.#state.pods.node[pod]! >= 0) {
      this.#kubelets.push(this.#kubeletKind, pod, this.#state.pods.generation[pod]!);
    }
  }

  /** Every cursor of `log` has passed `position`: entries are forgotten, rows of gone pods freed. */
  #passed(log: RevisionLog, position: number): void {
    log.trim(position);
    if (log !== this.#state.podLog) return;
    const leaving = this.#leaving;
    while (this.#leavingHead < leaving.length) {
      const first = leaving[this.#leavingHead]!;
      // Kubelets are told by events, `watchUs` after the commit: the row outlives that moment.
      if (first.position > position || this.#kernel.now <= first.us + this.#watchUs) break;
      this.#state.pods.free(first.pod);
      this.#leavingHead += 1;
    }
    if (this.#leavingHead > 1024 && this.#leavingHead * 2 > leaving.length) {
      leaving.splice(0, this.#leavingHead);
      this.#leavingHead = 0;
    }
  }
}
