// The namespace controller: empties a namespace that is being deleted, then lets it go
// (pkg/controller/namespace, v1.36). Pods are deleted first; everything else in the pass that finds no pods left.
//
// The first pass writes the namespace's status, and the watch event of that write brings the next pass 5 s later, as
// recorded from a real cluster. Each kind costs a DELETECOLLECTION and a LIST of what it has left, whether there is any
// of it or not; what a finalizer holds at that moment counts as remaining. Pods go by name, one after the other, as the
// server deletes a collection. Left out: other objects of a collection go as requests of their own; Events.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { isTerminal, type KindStore, type ObjectId, PodBit, timestampUs } from '../state/index.ts';
import { type Condition, condition, conditionsOf, findCondition, sameConditions } from './conditions.ts';

const SECOND = 1_000_000;
/** namespaceDeletionGracePeriod: watches of other API servers should know first. */
const GRACE_US = 5 * SECOND;
/** finalizerEstimateSeconds: how long objects with finalizers are given. */
const FINALIZER_ESTIMATE_SECONDS = 15;
/** Pods are left although their grace periods are over. */
const OVERDUE = -1;
/** Kinds that go last, as the recorded order has it; all others in the order in which they are registered. */
const LAST: readonly string[] = ['EndpointSlice', 'Endpoints', 'Service'];

/** Status of a deletion that meets no obstacles. */
const CONDITIONS: readonly (readonly [string, string, string])[] = [
  ['NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'],
  [
    'NamespaceDeletionGroupVersionParsingFailure',
    'ParsedGroupVersions',
    'All legacy kube types successfully parsed',
  ],
  [
    'NamespaceDeletionContentFailure',
    'ContentDeleted',
    'All content successfully deleted, may be waiting on finalization',
  ],
  ['NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed'],
  ['NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
];

/** What a pass could not delete: numbers of objects by resource.group, and by finalizer. */
interface Remaining {
  readonly resources: ReadonlyMap<string, number>;
  readonly finalizers: ReadonlyMap<string, number>;
}

const NOTHING: Remaining = { resources: new Map(), finalizers: new Map() };

/** As etcd keeps them: DELETECOLLECTION goes through a LIST. */
const byName = (a: string, b: string): number => (a < b ? -1 : 1);

const add = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

/** `a has 2 resource instances, b has 1 resource instances`, in order of names (status_condition_utils.go). */
const listed = (counts: ReadonlyMap<string, number>, verb: 'has' | 'in'): string =>
  [...counts.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${verb} ${count} resource instances`)
    .join(', ');

class NamespaceController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #namespaces: SeenObjects;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#namespaces = ctx.objects('Namespace');
    ctx.onObjects('Namespace', (seen) => {
      if (seen.object.metadata.deletionTimestamp !== undefined) ctx.queue.addAfter(seen.key, GRACE_US);
    });
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#namespaces.get(key);
    if (seen === undefined || seen.object.metadata.deletionTimestamp === undefined) return DONE;
    const live = yield calls.get(seen.id);
    if (live.object === null) return DONE;
    const { object } = live;
    if ((object['spec']?.finalizers ?? []).length === 0) return DONE;
    const podSeconds = yield* this.#deletePods(key, object.metadata.deletionTimestamp!, calls);
    const left = podSeconds === null ? yield* this.#deleteObjects(key, calls) : NOTHING;
    const waitSeconds = podSeconds ?? (left.resources.size > 0 ? FINALIZER_ESTIMATE_SECONDS : null);
    const conditions = this.#conditions(object, left, waitSeconds === OVERDUE);
    let { revision } = live;
    if (!sameConditions(conditionsOf(object), conditions)) {
      const status = { ...object['status'], conditions };
      const reply = yield calls.updateStatus(seen.id, { ...object, status }, revision);
      if (reply.code >= 400) return reply.code === 404 ? DONE : RETRY;
      revision = reply.revision;
    }
    if (waitSeconds === OVERDUE) return RETRY;
    if (waitSeconds !== null) {
      this.#ctx.queue.addAfter(key, (Math.floor(waitSeconds / 2) + 1) * SECOND);
      return DONE;
    }
    const reply = yield calls.update(
      seen.id,
      { ...object, spec: { ...object['spec'], finalizers: [] } },
      revision,
    );
    return reply.code >= 400 && reply.code !== 404 ? RETRY : DONE;
  }

  /**
   * Deletes the pods. How long those that are still there then are given, s: the longest grace period; OVERDUE if that is
   * over already; null if none is left. What the table holds is read as a LIST from etcd reads it.
   */
  *#deletePods(namespace: string, deletedAt: string, calls: Calls): Steps<number | null> {
    const { state, kernel } = this.#ctx.run;
    const { pods } = state;
    yield calls.send((api, reply, worker) => api.look('list', 'pods', reply, worker));
    let graceSeconds = 0;
    const wanted: { readonly pod: number; readonly generation: number }[] = [];
    for (const pod of this.#podsIn(namespace)) {
      if (!isTerminal(pods.word[pod]!))
        graceSeconds = Math.max(graceSeconds, state.template(pod).graceSeconds);
      if ((pods.word[pod]! & PodBit.deleting) === 0) wanted.push({ pod, generation: pods.generation[pod]! });
    }
    // estimateGracefulTermination: from the deletion of the namespace.
    if (kernel.now - timestampUs(deletedAt) >= graceSeconds * SECOND) graceSeconds = 0;
    wanted.sort((a, b) => byName(state.podName(a.pod), state.podName(b.pod)));
    yield calls.send((api, reply, worker) =>
      wanted.length > 0
        ? api.deletePods(wanted, reply, worker)
        : api.look('deletecollection', 'pods', reply, worker),
    );
    yield calls.send((api, reply, worker) => api.look('list', 'pods', reply, worker));
    const left = this.#podsIn(namespace);
    if (left.length === 0) return null;
    if (graceSeconds > 0) return graceSeconds;
    const isHeld = (pod: number): boolean =>
      (pods.word[pod]! & PodBit.tracked) !== 0 || (state.template(pod).metadata?.finalizers ?? []).length > 0;
    return left.some(isHeld) ? FINALIZER_ESTIMATE_SECONDS : OVERDUE;
  }

  #podsIn(namespace: string): number[] {
    const { pods, texts } = this.#ctx.run.state;
    const id = texts.find(namespace);
    const found: number[] = [];
    for (let pod = 0; pod < pods.used; pod++) {
      if (pods.namespace[pod] === id && pods.alive(pod, pods.generation[pod]!)) found.push(pod);
    }
    return found;
  }

  /** Deletes everything else; what is left then is held by finalizers. */
  *#deleteObjects(namespace: string, calls: Calls): Steps<Remaining> {
    const { objects } = this.#ctx.run.state;
    const stores = objects.kinds.filter((store) => store.namespaced);
    const order = [
      ...stores.filter((store) => !LAST.includes(store.kind)),
      ...LAST.flatMap((kind) => stores.filter((store) => store.kind === kind)),
    ];
    const idsOf = (store: KindStore): ObjectId[] =>
      [...store.ids]
        .filter(([key]) => key.startsWith(`${namespace}/`))
        .sort(([a], [b]) => byName(a, b))
        .map(([, id]) => id);
    const resources = new Map<string, number>();
    const finalizers = new Map<string, number>();
    for (const store of order) {
      const { resource, apiVersion } = store;
      yield calls.send((api, reply, worker) => api.look('deletecollection', resource, reply, worker));
      const ids = idsOf(store);
      const last = ids.pop();
      if (last !== undefined) {
        for (const id of ids) calls.delete(id);
        yield calls.delete(last);
      }
      yield calls.send((api, reply, worker) => api.look('list', resource, reply, worker));
      const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
      for (const id of idsOf(store)) {
        add(resources, `${resource}.${group}`);
        for (const name of objects.get(id)?.metadata.finalizers ?? []) add(finalizers, name);
      }
    }
    return { resources, finalizers };
  }

  /** updateConditions: one of each type, changed where status, reason or message differ. */
  #conditions(object: KubeObject, left: Remaining, overdue: boolean): readonly Condition[] {
    const now = this.#ctx.run.kernel.now;
    const before = conditionsOf(object);
    const bad = new Map<string, readonly [string, string]>();
    if (overdue) {
      const what = `unexpected items still remain in namespace: ${object.metadata.name} for gvr: /v1, Resource=pods`;
      bad.set('NamespaceDeletionContentFailure', [
        'ContentDeletionFailed',
        `Failed to delete all resource types, 1 remaining: ${what}`,
      ]);
    }
    if (left.resources.size > 0) {
      const text = `Some resources are remaining: ${listed(left.resources, 'has')}`;
      bad.set('NamespaceContentRemaining', ['SomeResourcesRemain', text]);
    }
    if (left.finalizers.size > 0) {
      const text = `Some content in the namespace has finalizers remaining: ${listed(left.finalizers, 'in')}`;
      bad.set('NamespaceFinalizersRemaining', ['SomeFinalizersRemain', text]);
    }
    const ours = CONDITIONS.map(([type, okReason, okMessage]) => {
      const known = bad.get(type);
      const [reason, message] = known ?? [okReason, okMessage];
      const wanted = condition(type, known === undefined ? 'False' : 'True', reason, message, now);
      const old = findCondition(before, type);
      return old?.status === wanted.status
        ? { ...wanted, lastTransitionTime: old.lastTransitionTime }
        : wanted;
    });
    return [...before.filter(({ type }) => !CONDITIONS.some(([own]) => own === type)), ...ours];
  }
}

export const namespaceController: ControllerDefinition = {
  name: 'namespace',
  clientName: 'namespace-controller',
  about: 'empties namespaces that are being deleted',
  workers: 10,
  limits: ({ namespaceController: limits }) => limits,
  backoff: { baseUs: 5_000, maxUs: 60 * SECOND },
  create: (context) => new NamespaceController(context),
};
