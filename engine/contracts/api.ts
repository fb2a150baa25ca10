// How components meet: the API client they write through and the watches they read through. Implemented in
// engine/apiserver; controllers, scheduler, kubelets and proxies know only this file.
//
// A request costs what it costs the real thing: the client's token bucket, the network, a place among the server's
// workers, the handler's time, etcd's batched commit, and the way back. Nothing happens before the commit; everything
// that an observer learns comes through its watch, later.
import type { EventKind } from '../kernel/index.ts';
import type { FieldError } from '../kinds/field-errors.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { Labels, PodTemplate, RevisionLog, Taint, TemplateVariant } from '../state/index.ts';

/** What a client is told. Valid only during the reply call: the record is reused. */
export interface ApiReply {
  /** HTTP status: 200, 201, 404, 409, 422, 429, … */
  readonly code: number;
  /** Status.reason of an error: AlreadyExists, Conflict, NotFound, Invalid, Forbidden, TooManyRequests; '' otherwise. */
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly FieldError[];
  /** ObjectId, pod or node index that the request made or touched; -1. */
  readonly id: number;
  /** The stored object after the request (object kinds only). */
  readonly object: KubeObject | null;
  /** etcd revision of the node that was read or written; 0 for other answers. */
  readonly revision: number;
  /** The two numbers given with the request. */
  readonly target: number;
  readonly arg: number;
}

/** Called when the answer has reached the client. One function per purpose: no closure per request. */
export type ReplyHandler = (reply: ApiReply) => void;

export interface PodCreation {
  readonly template: PodTemplate;
  /** Interned namespace (state.texts). */
  readonly namespace: number;
  /** Controlling owner's ObjectId, -1. */
  readonly owner: number;
  /** Interned generateName (the server adds 5 characters) or whole name. */
  readonly nameBase: number;
  readonly generate: boolean;
  /** The name is nameBase and this number (StatefulSets); nameBase is then the generateName that the pod shows. */
  readonly ordinal?: number;
  /** Interned name of the only node that it may go to: affinity to metadata.name without a template of its own. */
  readonly pinned?: number;
  /** µs after start at which containers exit with 0; NaN: they run on. */
  readonly runUs: number;
  /** With the finalizer by which a Job counts its pods. */
  readonly tracked?: boolean;
  /** How this pod differs from the template. */
  readonly variant?: TemplateVariant;
}

/** A kubelet's or scheduler's PATCH of pods/status. Bits of PodBit. */
export interface PodStatusChange {
  /** New phase, or -1 to keep it. */
  readonly phase: number;
  readonly set: number;
  readonly clear: number;
  /** New total of container restarts, or -1. */
  readonly restarts: number;
  /** Interned status.reason, -1 keep. */
  readonly reason: number;
  /** status.message; absent: keep. */
  readonly message?: string;
  /** Pod IP to record, 0 keep. */
  readonly ip: number;
  /** With a terminal phase: exit code of the containers (-1: none has run), and when they had ended, µs. */
  readonly exitCode?: number;
  readonly finishedUs?: number;
  /** status.nominatedNodeName: node to record, -1 to clear it; absent: keep. */
  readonly nominatedNode?: number;
  /** status.resourceClaimStatuses as a whole: names of generated claims by entry of spec.resourceClaims. */
  readonly claimNames?: ReadonlyMap<string, string | null>;
}

/** What a component writes of a Node; what is absent stays. */
export interface NodeChange {
  readonly taints?: readonly Taint[];
  /** Added to the labels, or replacing those of the same key. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** status.volumesAttached and status.volumesInUse as a whole: names of PersistentVolumes. */
  readonly volumesAttached?: readonly string[];
  readonly volumesInUse?: readonly string[];
  /** status.conditions as a whole. */
  readonly conditions?: readonly Json[];
}

/** The metadata of a pod that a PATCH may change. Never changed in place. */
export interface PodMeta {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly finalizers: readonly string[];
  /** ObjectId of the controlling owner, -1. */
  readonly owner: number;
}

/** What happens to what an object controls when it is deleted (DeleteOptions.propagationPolicy). */
export type Propagation = 'Background' | 'Foreground' | 'Orphan';

/** A pod of a collection that is deleted. */
export interface DoomedPod {
  readonly pod: number;
  readonly generation: number;
}

export interface ApiClient {
  /** User agent, as it appears in traces. */
  readonly name: string;

  // Objects. `reply` null: nobody waits for the answer.
  create(object: KubeObject, reply: ReplyHandler | null, target?: number, arg?: number): void;
  /** PUT. `expectedRevision` > 0: 409 if the object has moved on. Spec and metadata; status is kept as stored. */
  update(
    id: number,
    object: KubeObject,
    expectedRevision: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /** PUT …/status: only status (and observedGeneration within) is taken from `object`. */
  updateStatus(
    id: number,
    object: KubeObject,
    expectedRevision: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /** PUT …/scale: only spec.replicas. */
  updateScale(
    id: number,
    replicas: number,
    expectedRevision: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /** PATCH: `change` is applied to the newest version at the commit, so it meets no conflict. */
  patch(
    id: number,
    change: (object: KubeObject) => KubeObject,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /** DELETE; in the background unless `propagation` says otherwise. */
  delete(
    id: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
    propagation?: Propagation,
  ): void;

  // Pods, without building objects.
  createPod(pod: PodCreation, reply: ReplyHandler | null, target?: number, arg?: number): void;
  /** POST pods/binding. */
  bindPod(
    pod: number,
    generation: number,
    node: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  patchPodStatus(
    pod: number,
    generation: number,
    change: PodStatusChange,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /**
   * PATCH of a pod's metadata: `change` is applied to the newest version at the commit. The same value back writes
   * nothing; a RangeError is answered with 422.
   */
  patchPod(
    pod: number,
    generation: number,
    change: (meta: PodMeta) => PodMeta,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /** PATCH pods/ephemeralcontainers: a container more for a pod that exists. */
  debugPod(
    pod: number,
    generation: number,
    container: Json,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /** DELETE; `graceSeconds` -1: the pod's own. 0 removes it at once. An unbound pod is removed at once. */
  deletePod(
    pod: number,
    generation: number,
    graceSeconds: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;

  /**
   * DELETECOLLECTION of these pods, at least one, which the asker has just read as a LIST reads them: the server marks one
   * after the other. 200, also where some are gone meanwhile.
   */
  deletePods(doomed: readonly DoomedPod[], reply: ReplyHandler | null, target?: number, arg?: number): void;

  /**
   * POST pods/eviction: a DELETE unless the pod's disruption budget forbids it (429 with the cause, 500 where several
   * budgets select the pod); 201. `graceSeconds` as in `deletePod`.
   */
  evictPod(
    pod: number,
    generation: number,
    graceSeconds: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;

  // Nodes.
  /**
   * Writes part of a Node: `how` is the request's verb and resource. `expectedRevision` > 0: 409 if the node has moved
   * on. A component that runs on a node of its own accord writes nothing when nothing changes.
   */
  writeNode(
    node: number,
    how: 'patch nodes' | 'patch nodes/status' | 'update nodes/status',
    change: NodeChange,
    expectedRevision: number,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  /** PATCH of a Node as a user writes it; status is kept unless `status` says that only it is written. */
  patchNode(
    node: number,
    change: (object: KubeObject) => KubeObject,
    status: boolean,
    reply: ReplyHandler | null,
    target?: number,
    arg?: number,
  ): void;
  deleteNode(node: number, reply: ReplyHandler | null, target?: number, arg?: number): void;
  /** PUT of the node's Lease; nobody waits for the answer. */
  renewLease(node: number): void;
  /** GET of a node or a pod: 200 or 404. The reply's revision is a node's; its tables are read by whoever asked. */
  read(
    resource: 'nodes' | 'pods',
    id: number,
    generation: number,
    reply: ReplyHandler,
    target?: number,
    arg?: number,
  ): void;
  /** GET of an object: 200 with its newest version, or 404. */
  readObject(id: number, reply: ReplyHandler, target?: number, arg?: number): void;
  /**
   * GET or LIST of what the asker then reads from the tables, or DELETECOLLECTION of what it deletes by itself: only the
   * way there and back, and the server's work.
   */
  look(
    verb: 'get' | 'list' | 'deletecollection',
    resource: string,
    reply: ReplyHandler,
    target?: number,
    arg?: number,
  ): void;
  /** PATCH nodes/status: images on the node (ids, the newest list). */
  patchNodeImages(node: number, images: readonly number[]): void;

  /**
   * Records a Kubernetes Event about an object: the first of its kind is a POST, a repetition a PATCH, both within the
   * client's limits; the recorder's spam filter (25 burst, 1 per 5 min per object) may drop it.
   */
  event(
    type: 'Normal' | 'Warning',
    reason: string,
    kind: string,
    namespace: string,
    name: string,
    message: string,
  ): void;
  /** The same about a pod that exists. */
  podEvent(type: 'Normal' | 'Warning', reason: string, pod: number, message: string): void;
}

/** Entries [from, to) of a log have become visible to the watcher at this moment. */
export type WatchConsumer = (log: RevisionLog, from: number, to: number) => void;

export interface ApiServer {
  /**
   * The interned pod template for a PodTemplateSpec in a namespace, after the server's defaults and admission.
   * Remembered by the identity of `template`: keep one reference per distinct template.
   */
  podTemplate(namespace: string, template: Json): PodTemplate;
  /**
   * A client with its own token bucket; `qps` 0: unlimited. `trusted` (default): a component of the cluster, whose
   * objects are complete; objects of others are decoded, defaulted, admitted and validated.
   */
  client(
    name: string,
    limits: { readonly qps: number; readonly burst: number },
    options?: { trusted?: boolean },
  ): ApiClient;
  /**
   * Watches pods, nodes or a kind of object from the beginning of the run. Entries arrive `watchUs` of the cost
   * preset after their commit, plus `extraDelayUs`, in order, in batches.
   * `members`: the watch stands for that many identical watchers; the server is charged for each.
   */
  watch(
    resource: 'pods' | 'nodes' | (string & {}),
    consumer: WatchConsumer,
    options?: { extraDelayUs?: number; members?: number },
  ): void;
  /**
   * Routes each change of a bound pod to its node's kubelet, as the server's index on spec.nodeName does: the kernel
   * event gets target = pod, arg = generation, `watchUs` after the commit. Removal from etcd is told too, before the
   * row is freed. Statuses that a kubelet does nothing about have no event: those of pods that are not being deleted and
   * have no ephemeral containers.
   */
  routeBoundPods(kind: EventKind): void;
}
