// Controllers: who watches objects and writes others until the cluster is as declared. A controller is a reconcile
// function over a work queue; the controller manager (engine/controllers/manager.ts) gives it a view of the cluster,
// a queue, workers and a client of its own.
//
// What happens: `create` is called once a run, before time 0; it registers handlers that turn what the watches bring
// into keys (`queue.add`). A free worker takes a key, spends the controller's CPU time, and runs `reconcile(key)`, a
// generator: `const reply = yield calls.update(…)` sends a request and goes on when the answer has arrived, in virtual
// time. What it reads on the way is the manager's view, which may be stale: so is the real one. It ends with DONE
// (failures of the key are forgotten) or RETRY (the key comes back by exponential back-off). A key is never worked on
// twice at the same time; a key added while it is worked on runs again afterwards.

import type { Duration } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { PodTable, Verb } from '../state/index.ts';
import type { ApiClient, PodCreation, PodMeta, Propagation, ReplyHandler } from './api.ts';
import type { RunContext } from './run-context.ts';

/** An object as the manager last saw it. The entry stays the same while versions come and go. */
export interface SeenObject {
  readonly id: number;
  readonly kind: string;
  /** namespace/name, or name. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** The version seen; frozen. */
  readonly object: KubeObject;
  /** etcd revision of that version. */
  readonly revision: number;
}

/** The objects of one kind as the manager's watch has brought them, in the order they appeared. */
export interface SeenObjects {
  readonly kind: string;
  get(key: string): SeenObject | undefined;
  byId(id: number): SeenObject | undefined;
  inNamespace(namespace: string): readonly SeenObject[];
  /** Objects whose controlling owner has that UID. */
  controlledBy(uid: string): readonly SeenObject[];
}

/** `old` is the version seen before; null when the object is new. After a deletion `seen` holds its last version. */
export type ObjectHandler = (seen: SeenObject, verb: Verb, old: KubeObject | null) => void;

/** `word` and `node` are the state after the change, `oldWord` (-1: new) and `oldNode` the state seen before. */
export type PodHandler = (
  pod: number,
  verb: Verb,
  word: number,
  node: number,
  oldWord: number,
  oldNode: number,
) => void;

/** What a pod log entry carries where a write changed the pod's labels or its controlling owner. */
export interface PodIdentity {
  readonly labelSet: number;
  readonly owner: number;
}

/** Labels or controlling owner of a pod changed; told after the counts have changed, before the pod's handlers. */
export type IdentityHandler = (pod: number, old: PodIdentity, now: PodIdentity) => void;

/** Counts over the pods that one object controls, as seen. */
export interface OwnedPods {
  readonly owner: number;
  /** All that exist. */
  readonly total: number;
  /** Neither ended nor being deleted. */
  readonly active: number;
  /** Active and Ready. */
  readonly ready: number;
  /** Being deleted and not ended. */
  readonly terminating: number;
  /** Active pods by label set. */
  readonly activeByLabels: ReadonlyMap<number, number>;
}

/** Pods as the manager's watch has brought them: what may differ from the tables, by row of the pod table. */
export interface SeenPods {
  /** For what does not change while the pod exists: namespace, name, createdUs, serial; and for its template. */
  readonly table: PodTable;
  has(pod: number): boolean;
  /** ObjectId of the controlling owner as seen, -1. */
  owner(pod: number): number;
  labelSet(pod: number): number;
  /** PodBit flags and phase as seen. */
  word(pod: number): number;
  /** Bound node as seen, -1. */
  node(pod: number): number;
  /** Transition to Ready as the API prints it (cut to seconds), µs; NaN if it is not Ready. */
  readyUs(pod: number): number;
  /** undefined while the owner has no pods. */
  owned(owner: number): OwnedPods | undefined;
  /** First pod of an owner in order of appearance, -1; `next` gives the following one. */
  firstOwned(owner: number): number;
  nextOwned(pod: number): number;
  /** Pods bound to a node, in order of appearance. From the first question on the view keeps lists by node. */
  onNode(node: number): Iterable<number>;
}

/** What the watch brought about a node; its row in the node table holds the rest, gone nodes keep theirs. */
export type NodeHandler = (node: number, verb: Verb) => void;

/** Nodes as the manager's watch has brought them, by row of the node table. */
export interface SeenNodes {
  readonly count: number;
  has(node: number): boolean;
  /** In order of appearance. */
  list(): Iterable<number>;
}

/** A work queue besides the controller's own, worked on by workers of its own on the same client. */
export interface SideQueue {
  readonly name: string;
  readonly workers: number;
  reconcile(key: string, calls: Calls): Steps;
}

/** A revision that no object has: a write that expects it meets a conflict. */
export const REVISION_PASSED = Number.MAX_SAFE_INTEGER;

/** What the manager tells a worker about an answer; a copy, valid for good. */
export interface Reply {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly id: number;
  readonly object: KubeObject | null;
  /**
   * etcd revision of `object`, to write on top of it; REVISION_PASSED if somebody else has written since, 0 for
   * answers without an object. Of answers about nodes: the node's.
   */
  readonly revision: number;
}

/** What `yield` takes: something is under way. */
export type Pending = { readonly __pending: unique symbol };

/** The worker's requests. Each returns at once; `yield` waits until all that were started are answered. */
export interface Calls {
  /** `arg` comes back in `each`, here and below. */
  create(object: KubeObject, arg?: number): Pending;
  update(id: number, object: KubeObject, expectedRevision: number, arg?: number): Pending;
  updateStatus(id: number, object: KubeObject, expectedRevision: number): Pending;
  /** PUT …/scale. */
  updateScale(id: number, replicas: number, expectedRevision: number): Pending;
  /** `change` is applied to the newest version at the commit. */
  patch(id: number, change: (object: KubeObject) => KubeObject): Pending;
  delete(id: number, propagation?: Propagation): Pending;
  createPod(creation: PodCreation, arg?: number): Pending;
  deletePod(pod: number, generation: number, graceSeconds: number, arg?: number): Pending;
  /** `change` is applied to the newest version at the commit. */
  patchPod(pod: number, generation: number, change: (meta: PodMeta) => PodMeta, arg?: number): Pending;
  /** A live read of the newest version (null after deletion): a round trip, past the watch. */
  get(id: number): Pending;
  /** As `get` for a pod: answers 200 or 404. */
  getPod(pod: number, generation: number): Pending;
  sleep(us: number): Pending;
  /** Any other request: `start` sends it through the client, with `reply` and `worker` as reply and target. */
  send(start: (client: ApiClient, reply: ReplyHandler, worker: number) => void): Pending;
  /** Called for every answer of a batch as it arrives, until the batch has ended. */
  each: ((reply: Reply, arg: number) => void) | null;
}

export const DONE = 0;
export const RETRY = 1;
export type Outcome = typeof DONE | typeof RETRY;

/** A reconcile, or a part of one (called by `yield*`) with a result of its own. */
export type Steps<Result = Outcome> = Generator<Pending, Result, Reply>;

export interface WorkQueueView {
  /** Adds a key unless it is waiting already. */
  add(key: string): void;
  /** Adds it after `us`; of several times the earliest holds. */
  addAfter(key: string, us: number): void;
  /** Forgets the time at which it was to be added; what waits already stays. */
  cancelAfter(key: string): void;
  /** Adds it by the rate limiter: back-off of the key, and the bucket of all. */
  addRateLimited(key: string): void;
  forget(key: string): void;
  /** Times the key came back by the rate limiter since it was forgotten. */
  retries(key: string): number;
}

export interface ControllerContext {
  readonly run: RunContext;
  readonly name: string;
  readonly queue: WorkQueueView;
  /** For Events, and for requests whose answer nobody waits for. */
  readonly client: ApiClient;
  readonly pods: SeenPods;
  /** The view of a kind; asking for it makes the manager watch it. */
  objects(kind: string): SeenObjects;
  onObjects(kind: string, handler: ObjectHandler): void;
  /** `ownerKind`: only pods that an object of that kind owns. */
  onPods(handler: PodHandler, ownerKind?: string): void;
  /** The nodes; asking for them makes the manager watch them. */
  nodes(): SeenNodes;
  onNodes(handler: NodeHandler): void;
  sideQueue(queue: SideQueue): WorkQueueView;
  onPodIdentity(handler: IdentityHandler): void;
}

export interface Controller {
  /** `calls` belongs to the worker that runs it. */
  reconcile(key: string, calls: Calls): Steps;
}

export interface ControllerDefinition {
  /** As kube-controller-manager names it without `-controller`: key of `costs.controllers.workers` and `.syncUs`. */
  readonly name: string;
  /** User agent and name in traces. */
  readonly clientName: string;
  readonly about: string;
  /** Workers where the cost preset gives no number. */
  readonly workers?: number;
  /** CPU time of a reconcile where the cost preset gives none. */
  readonly syncUs?: Duration;
  /** Limits of its client, from those of the preset; default: `clients.controller`. */
  limits?(clients: RunContext['costs']['clients']): { readonly qps: number; readonly burst: number };
  /** Back-off of failing keys, µs; default 5 ms to 1000 s. */
  readonly backoff?: { readonly baseUs: number; readonly maxUs: number };
  create(context: ControllerContext): Controller;
}
