// The service controller of a cloud controller manager (k8s.io/cloud-provider/controllers/service, v1.36): orders a load
// balancer for every Service of type LoadBalancer, writes its address into the status, keeps its nodes those of the
// cluster, and gives it back before the Service goes (finalizer load-balancer-cleanup).
//
// A cluster without a provider (no `loadBalancer` in the cost preset) has no such controller: the address stays pending.
//
// Left out: failures and quotas of the provider, load balancers that live on from an earlier cluster.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type Outcome,
  RETRY,
  type SeenObject,
  type SeenObjects,
  type Steps,
  type WorkQueueView,
} from '../contracts/controller.ts';
import type { CostPreset } from '../contracts/costs.ts';
import type { Sampler } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { LoadBalancers } from '../state/index.ts';
import { Verb } from '../state/index.ts';

const SECOND = 1_000_000;
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';
/** What strconv.ParseBool takes for false. */
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);
/** Set by the cluster autoscaler before it removes a node. */
const TO_BE_DELETED = 'ToBeDeletedByClusterAutoscaler';
/** Fields of a Service's spec whose change is brought to the load balancer (needsUpdate). */
const WATCHED_FIELDS = [
  'loadBalancerSourceRanges',
  'ports',
  'sessionAffinity',
  'sessionAffinityConfig',
  'loadBalancerIP',
  'externalIPs',
  'externalTrafficPolicy',
  'healthCheckNodePort',
] as const;
const wantsBalancer = (service: KubeObject): boolean =>
  service['spec'].type === 'LoadBalancer' && service['spec'].loadBalancerClass === undefined;

const hasFinalizer = (service: KubeObject): boolean =>
  service.metadata.finalizers?.includes(FINALIZER) === true;

const needsCleanup = (service: KubeObject): boolean =>
  hasFinalizer(service) &&
  (service.metadata.deletionTimestamp !== undefined || service['spec'].type !== 'LoadBalancer');

const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

type Provider = NonNullable<CostPreset['loadBalancer']>;

class ServiceLoadBalancers implements Controller {
  readonly #ctx: ControllerContext;
  readonly #services: SeenObjects;
  readonly #cloud: LoadBalancers;
  readonly #nodeSync: WorkQueueView;
  readonly #ensureUs: Sampler;
  readonly #updateUs: Sampler;
  readonly #deleteUs: Sampler;
  /** Services with a load balancer, or with one on order, by key. */
  readonly #known = new Set<string>();
  /** Nodes that are not excluded by label, as seen. */
  readonly #included = new Set<number>();
  #orders = 0;

  constructor(ctx: ControllerContext, provider: Provider) {
    this.#ctx = ctx;
    this.#services = ctx.objects('Service');
    this.#cloud = ctx.run.state.loadBalancers;
    const { durations } = ctx.run;
    this.#ensureUs = durations.sampler('cloud/ensure-load-balancer', provider.ensureUs);
    this.#updateUs = durations.sampler('cloud/update-load-balancer', provider.updateUs);
    this.#deleteUs = durations.sampler('cloud/delete-load-balancer', provider.deleteUs);
    this.#nodeSync = ctx.sideQueue({
      name: 'service-lb-nodes',
      // --concurrent-node-syncs
      workers: 1,
      reconcile: (key, calls) => this.#syncNodes(key, calls),
    });
    ctx.onObjects('Service', (service, verb, old) => this.#seen(service, verb, old));
    ctx.onNodes((node, verb) => this.#nodeSeen(node, verb));
  }

  #seen({ key, object }: SeenObject, verb: Verb, old: KubeObject | null): void {
    // Its finalizer is gone by then: nothing is left to clean up.
    if (verb === Verb.deleted) {
      this.#known.delete(key);
      return;
    }
    const wanted = old === null ? wantsBalancer(object) : this.#needsUpdate(old, object);
    if (wanted || needsCleanup(object)) this.#ctx.queue.add(key);
  }

  /** Whether the provider has to hear of the change (needsUpdate; no Events of it since v1.32). */
  #needsUpdate(old: KubeObject, object: KubeObject): boolean {
    const wanted = wantsBalancer(old);
    const wants = wantsBalancer(object);
    if (!wanted && !wants) return false;
    const before: Json = old['spec'];
    const now: Json = object['spec'];
    if (wanted !== wants) return true;
    if (same(old.metadata.annotations, object.metadata.annotations) && before === now) return false;
    return (
      !same(old.metadata.annotations ?? {}, object.metadata.annotations ?? {}) ||
      WATCHED_FIELDS.some((field) => !same(before[field], now[field]))
    );
  }

  #event(service: KubeObject, reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): void {
    const { namespace = '', name } = service.metadata;
    this.#ctx.client.event(type, reason, 'Service', namespace, name!, message);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#services.get(key);
    if (seen === undefined) return DONE;
    const failure =
      !wantsBalancer(seen.object) || needsCleanup(seen.object)
        ? yield* this.#giveBack(seen, calls)
        : yield* this.#ensure(seen, calls);
    if (failure === null) return DONE;
    this.#event(seen.object, 'SyncLoadBalancerFailed', `Error syncing load balancer: ${failure}`, 'Warning');
    return RETRY;
  }

  /** The text of an error, or null. */
  *#ensure(seen: SeenObject, calls: Calls): Steps<string | null> {
    const service = seen.object;
    this.#event(service, 'EnsuringLoadBalancer', 'Ensuring load balancer');
    if (!hasFinalizer(service)) {
      const reply = yield calls.patch(seen.id, (object) => withFinalizer(object));
      if (reply.code >= 400) return `failed to add load balancer cleanup finalizer: ${reply.message}`;
    }
    const hosts = this.#listHosts();
    if (hosts.length === 0) this.#noHosts(service);
    const exists = this.#cloud.get(seen.key) !== undefined;
    this.#known.add(seen.key);
    yield calls.sleep((exists ? this.#updateUs : this.#ensureUs)(this.#orders++, 0));
    const { address } = this.#cloud.ensure(seen.key, hosts);
    this.#event(service, 'EnsuredLoadBalancer', 'Ensured load balancer');
    return yield* this.#writeStatus(seen, { ingress: [{ ip: address, ipMode: 'VIP' }] }, calls);
  }

  *#giveBack(seen: SeenObject, calls: Calls): Steps<string | null> {
    const service = seen.object;
    if (this.#cloud.get(seen.key) !== undefined) {
      this.#event(service, 'DeletingLoadBalancer', 'Deleting load balancer');
      yield calls.sleep(this.#deleteUs(this.#orders++, 0));
      this.#cloud.delete(seen.key);
    }
    this.#known.delete(seen.key);
    if (hasFinalizer(service)) {
      const reply = yield calls.patch(seen.id, (object) => withoutFinalizer(object));
      if (reply.code >= 400 && reply.code !== 404)
        return `failed to remove load balancer cleanup finalizer: ${reply.message}`;
    }
    this.#event(service, 'DeletedLoadBalancer', 'Deleted load balancer');
    if (service.metadata.deletionTimestamp !== undefined) return null;
    return yield* this.#writeStatus(seen, {}, calls);
  }

  *#writeStatus({ id, object }: SeenObject, loadBalancer: Json, calls: Calls): Steps<string | null> {
    if (same(object['status']?.loadBalancer?.ingress, loadBalancer.ingress)) return null;
    const reply = yield calls.patch(id, (object) => ({
      ...object,
      status: { ...object['status'], loadBalancer },
    }));
    // A Service that went as soon as its finalizer did has no status any more.
    return reply.code >= 400 && reply.code !== 404
      ? `failed to update load balancer status: ${reply.message}`
      : null;
  }

  // Nodes. Which ones are Ready does not matter (KEP-3458): the load balancer's own health checks tell.

  #nodeSeen(node: number, verb: Verb): void {
    const included = verb !== Verb.deleted && this.#isIncluded(node);
    if (included === this.#included.has(node)) return;
    if (included) this.#included.add(node);
    else this.#included.delete(node);
    for (const key of this.#known) this.#nodeSync.add(key);
  }

  /** nodeIncludedPredicate: whatever is not a plain no excludes the node. */
  #isIncluded(node: number): boolean {
    const { nodes } = this.#ctx.run.state;
    if (nodes.removed[node] === 1) return false;
    const label = nodes.label(node, EXCLUDED);
    return label === undefined || FALSE.has(label);
  }

  /** A node about to be removed is left out of a sync that something else sets off (shouldSyncUpdatedNode). */
  #listHosts(): number[] {
    const { taints } = this.#ctx.run.state.nodes;
    return [...this.#included]
      .filter((node) => !taints[node]!.some((taint) => taint.key === TO_BE_DELETED))
      .sort((a, b) => a - b);
  }

  /** nodeSyncService: the provider hears of nodes that came or went. */
  *#syncNodes(key: string, calls: Calls): Steps<Outcome> {
    const seen = this.#services.get(key);
    const balancer = this.#cloud.get(key);
    if (seen === undefined || balancer === undefined || !wantsBalancer(seen.object)) return DONE;
    const hosts = this.#listHosts();
    if (same(hosts, balancer.nodes)) return DONE;
    yield calls.sleep(this.#updateUs(this.#orders++, 0));
    if (this.#cloud.get(key) !== balancer) return DONE;
    balancer.nodes = hosts;
    if (hosts.length === 0) this.#noHosts(seen.object);
    else this.#event(seen.object, 'UpdatedLoadBalancer', 'Updated load balancer with new hosts');
    return DONE;
  }

  #noHosts(service: KubeObject): void {
    const text = 'There are no available nodes for LoadBalancer';
    this.#event(service, 'UnAvailableLoadBalancer', text, 'Warning');
  }
}

function withFinalizer(object: KubeObject): KubeObject {
  if (hasFinalizer(object)) return object;
  const finalizers = [...(object.metadata.finalizers ?? []), FINALIZER];
  return { ...object, metadata: { ...object.metadata, finalizers } };
}

function withoutFinalizer(object: KubeObject): KubeObject {
  const { finalizers = [], ...metadata } = object.metadata;
  const left = finalizers.filter((name) => name !== FINALIZER);
  return { ...object, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
}

/** Without a provider nobody is asked. */
const IDLE: Controller = {
  // biome-ignore lint/correctness/useYield: there is nothing to wait for.
  *reconcile() {
    return DONE;
  },
};

export const serviceLbController: ControllerDefinition = {
  name: 'service-lb',
  clientName: 'service-controller',
  about: 'orders load balancers from the cloud for Services of type LoadBalancer',
  // --concurrent-service-syncs
  workers: 1,
  // minRetryDelay, maxRetryDelay
  backoff: { baseUs: 5 * SECOND, maxUs: 300 * SECOND },
  create: (context) => {
    const provider = context.run.costs.loadBalancer;
    return provider === undefined ? IDLE : new ServiceLoadBalancers(context, provider);
  },
};
