// The namespace controller: empties a namespace that is being deleted, then lets it go
// (pkg/controller/namespace, v1.36). Pods are deleted first; everything else in the pass that finds no pods left.
//
// The first pass writes the namespace's status, and the watch event of that write brings the next pass 5 s later, as
// recorded from a real cluster. Left out: DELETECOLLECTION (objects are deleted one by one within the client's limits), events.
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
import { type KindStore, type ObjectId, PodBit } from '../state/index.ts';
import { type Condition, condition, conditionsOf, sameConditions, withCondition } from './conditions.ts';

const SECOND = 1_000_000;
/** namespaceDeletionGracePeriod: watches of other API servers should know first. */
const GRACE_US = 5 * SECOND;
/** finalizerEstimateSeconds: how long objects with finalizers are given. */
const FINALIZER_ESTIMATE_SECONDS = 15;
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
    const podGraceSeconds = yield* this.#deletePods(key, calls);
    const left = podGraceSeconds === null ? yield* this.#deleteObjects(key, calls) : NOTHING;
    const waitSeconds = podGraceSeconds ?? (left.resources.size > 0 ? FINALIZER_ESTIMATE_SECONDS : null);
    const conditions = this.#conditions(object, left);
    let { revision } = live;
    if (!sameConditions(conditionsOf(object), conditions)) {
      const status = { ...object['status'], conditions };
      const reply = yield calls.updateStatus(seen.id, { ...object, status }, revision);
      if (reply.code >= 400) return reply.code === 404 ? DONE : RETRY;
      revision = reply.revision;
    }
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
   * Deletes the pods. The longest grace period of those that are still there, s; null if there were none. What the
   * table holds is read as a LIST from etcd reads it.
   */
  *#deletePods(namespace: string, calls: Calls): Steps<number | null> {
    const { state } = this.#ctx.run;
    const { pods } = state;
    const id = state.texts.find(namespace);
    const found: number[] = [];
    for (let pod = 0; pod < pods.used; pod++) {
      if (pods.namespace[pod] === id && pods.alive(pod, pods.generation[pod]!)) found.push(pod);
    }
    if (found.length === 0) return null;
    const graceSeconds = Math.max(...found.map((pod) => state.template(pod).graceSeconds));
    const wanted = found.filter((pod) => (pods.word[pod]! & PodBit.deleting) === 0);
    for (const pod of wanted.slice(1)) calls.deletePod(pod, pods.generation[pod]!, -1);
    if (wanted.length > 0) yield calls.deletePod(wanted[0]!, pods.generation[wanted[0]!]!, -1);
    return graceSeconds;
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
      [...store.ids].filter(([key]) => key.startsWith(`${namespace}/`)).map(([, id]) => id);
    for (const store of order) {
      const ids = idsOf(store);
      if (ids.length === 0) continue;
      for (const id of ids.slice(1)) calls.delete(id);
      yield calls.delete(ids[0]!);
    }
    const resources = new Map<string, number>();
    const finalizers = new Map<string, number>();
    for (const store of stores)
      for (const id of idsOf(store)) {
        const group = store.apiVersion.includes('/') ? store.apiVersion.split('/')[0]! : '';
        add(resources, `${store.resource}.${group}`);
        for (const name of objects.get(id)?.metadata.finalizers ?? []) add(finalizers, name);
      }
    return { resources, finalizers };
  }

  #conditions(object: KubeObject, left: Remaining): readonly Condition[] {
    const now = this.#ctx.run.kernel.now;
    let conditions = conditionsOf(object);
    for (const [type, reason, message] of CONDITIONS) {
      conditions = withCondition(conditions, condition(type, 'False', reason, message, now));
    }
    if (left.resources.size > 0) {
      const text = `Some resources are remaining: ${listed(left.resources, 'has')}`;
      conditions = withCondition(
        conditions,
        condition('NamespaceContentRemaining', 'True', 'SomeResourcesRemain', text, now),
      );
    }
    if (left.finalizers.size > 0) {
      const text = `Some content in the namespace has finalizers remaining: ${listed(left.finalizers, 'in')}`;
      conditions = withCondition(
        conditions,
        condition('NamespaceFinalizersRemaining', 'True', 'SomeFinalizersRemain', text, now),
      );
    }
    return conditions;
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
