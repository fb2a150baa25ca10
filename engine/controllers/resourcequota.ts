// The resource quota controller (pkg/controller/resourcequota, v1.36): writes into a quota's status what it limits and
// what is used of it. Admission charges; this controller counts: a new or changed quota at once, every quota each five
// minutes, and a quota whose namespace gave something back — an object deleted, a pod ended — so that there is room
// again. Each count is a whole one, over the manager's view, and is written on top of the version it has seen.
//
// Left out: Events, Leases and kinds that only a controller of one's own brings are counted live, and their deletion is
// noticed at the next five-minute count.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObject,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { KindDefinition, KubeObject } from '../kinds/kind.ts';
import {
  countName,
  matchingResources,
  objectInScopes,
  objectUsage,
  podInScopes,
} from '../kinds/quota-usage.ts';
import { listKinds } from '../kinds/registry.ts';
import {
  type Amount,
  addAmounts,
  printAmounts,
  readAmounts,
  times,
  ZERO,
} from '../kinds/resource-amounts.ts';
import { Verb } from '../state/index.ts';
import { QuotaCounts } from './quota-counts.ts';

/** ResourceQuotaSyncPeriod (pkg/controller/resourcequota/config/v1alpha1/defaults.go). */
const RESYNC_US = 5 * 60 * 1_000_000;

/** Kinds whose objects come and go too often to be followed for the sake of a count that hardly anybody limits. */
const UNWATCHED = new Set(['Pod', 'Event', 'Lease']);

const sameAmounts = (
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>>,
): boolean => {
  const names = Object.keys(b);
  if (a === undefined || Object.keys(a).length !== names.length) return false;
  const [left, right] = [readAmounts(a), readAmounts(b)];
  return names.every((name) => left.get(name)?.nanos === right.get(name)!.nanos);
};

/** What a Service change gives back shows in its type (services.go GetQuotaServiceType). */
const serviceType = (service: KubeObject): string => service['spec']?.type ?? '';

class ResourceQuotaController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #quotas: SeenObjects;
  readonly #counts: QuotaCounts;
  readonly #watched = new Map<string, { kind: KindDefinition; seen: SeenObjects }>();
  /** Kinds that the server serves and that nothing is stored of, or that are not followed. */
  readonly #unwatched: KindDefinition[] = [];
  readonly #podKind: KindDefinition;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#quotas = ctx.objects('ResourceQuota');
    this.#counts = new QuotaCounts(ctx.pods, ctx.run.state.templates);
    const kinds = listKinds();
    this.#podKind = kinds.find((kind) => kind.kind === 'Pod')!;
    for (const kind of kinds.filter(({ namespaced }) => namespaced)) {
      const store = ctx.run.state.objects.findVersion(kind.apiVersion, kind.kind);
      if (store === undefined || UNWATCHED.has(kind.kind)) this.#unwatched.push(kind);
      else if (store.apiVersion === kind.apiVersion) {
        this.#watched.set(countName(kind), { kind, seen: ctx.objects(store.kind) });
        ctx.onObjects(store.kind, (seen, verb, old) => this.#objectSeen(kind, seen, verb, old));
      }
    }
    ctx.onPods((pod, verb, word, _node, oldWord) => {
      if (this.#counts.changed(pod, word, oldWord, verb === Verb.deleted))
        this.#replenish(this.#podKind, ctx.run.state.podNamespace(pod));
    });
    ctx.onObjects('ResourceQuota', (seen, verb, old) => this.#quotaSeen(seen, verb, old));
    this.#startResync();
  }

  #startResync(): void {
    const { kernel, periodic } = this.#ctx.run;
    let armed = false;
    const resync = kernel.on('controllers/quota-resync', () => {
      armed = false;
      if (periodic.fired()) return;
      for (const key of this.#known) this.#ctx.queue.add(key);
      this.#arm();
    });
    this.#arm = () => {
      if (armed || this.#known.size === 0) return;
      armed = true;
      periodic.arm();
      kernel.at((Math.floor(kernel.now / RESYNC_US) + 1) * RESYNC_US, resync, 0, 0);
    };
  }

  /** Waits for the next whole period since the start; without quotas nothing is counted. */
  #arm: () => void = () => undefined;
  readonly #known = new Set<string>();

  #quotaSeen(seen: SeenObject, verb: Verb, old: KubeObject | null): void {
    if (verb === Verb.deleted) this.#known.delete(seen.key);
    else if (old === null) {
      this.#known.add(seen.key);
      this.#counts.follow(this.#ctx.run.state.texts.id(seen.namespace));
      this.#arm();
    }
    // Its own writes and admission's are of status: only a new spec is news.
    if (
      old !== null &&
      verb !== Verb.deleted &&
      JSON.stringify(old['spec']) === JSON.stringify(seen.object['spec'])
    )
      return;
    this.#ctx.queue.add(seen.key);
  }

  #objectSeen(kind: KindDefinition, seen: SeenObject, verb: Verb, old: KubeObject | null): void {
    if (this.#known.size === 0) return;
    const changed =
      verb === Verb.deleted ||
      (old !== null && kind.kind === 'Service' && serviceType(old) !== serviceType(seen.object)) ||
      (old !== null && kind.kind === 'PersistentVolumeClaim' && this.#claimResized(old, seen.object));
    if (changed) this.#replenish(kind, seen.namespace);
  }

  #claimResized(old: KubeObject, now: KubeObject): boolean {
    const storage = (claim: KubeObject): unknown => claim['spec']?.resources?.requests?.storage;
    return storage(old) !== storage(now);
  }

  /** Something of that kind was given back: quotas that limit it are counted again. */
  #replenish(kind: KindDefinition, namespace: string): void {
    for (const quota of this.#quotas.inNamespace(namespace)) {
      const limited = Object.keys(quota.object['status']?.hard ?? {});
      if (matchingResources(kind, limited).length > 0) this.#ctx.queue.add(quota.key);
    }
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#quotas.get(key);
    if (seen === undefined) return DONE;
    const { object, revision } = seen;
    const hard: Record<string, string> = object['spec']?.hard ?? {};
    const status = object['status'] ?? {};
    const used = this.#used(object, Object.keys(hard));
    if (sameAmounts(status.hard, hard) && status.used !== undefined && sameAmounts(status.used, used))
      return DONE;
    const next = { ...object, status: { hard: printAmounts(readAmounts(hard)), used } };
    const reply = yield calls.updateStatus(seen.id, next, revision);
    return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
  }

  /** Usage of the resources that the quota limits. What no kind uses keeps the value it has. */
  #used(quota: KubeObject, limited: readonly string[]): Record<string, string> {
    const before = readAmounts(quota['status']?.used);
    const used = new Map<string, Amount>();
    for (const name of limited) if (before.has(name)) used.set(name, before.get(name)!);
    const counted = new Map<string, Amount>();
    this.#addPods(quota, limited, counted);
    for (const { kind, seen } of this.#watched.values())
      this.#addObjects(quota, kind, seen, limited, counted);
    this.#addUnwatched(quota, limited, counted);
    for (const [name, amount] of counted) used.set(name, amount);
    return printAmounts(used);
  }

  #addPods(quota: KubeObject, limited: readonly string[], counted: Map<string, Amount>): void {
    const names = matchingResources(this.#podKind, limited);
    if (names.length === 0) return;
    for (const name of names) counted.set(name, ZERO);
    const { state, kernel } = this.#ctx.run;
    const namespace = state.texts.id(quota.metadata.namespace!);
    for (const { usage, total, active } of this.#counts.classes(namespace)) {
      if (!podInScopes(quota, usage)) continue;
      for (const name of names) {
        const amount = usage.amounts.get(name);
        if (amount === undefined) continue;
        addAmounts(counted, new Map([[name, times(amount, name === 'count/pods' ? total : active)]]));
      }
    }
    for (const usage of this.#counts.expired(namespace, kernel.now)) {
      if (!podInScopes(quota, usage)) continue;
      for (const name of names) {
        const amount = usage.amounts.get(name);
        if (amount !== undefined && name !== 'count/pods')
          addAmounts(counted, new Map([[name, times(amount, -1)]]));
      }
    }
  }

  #addObjects(
    quota: KubeObject,
    kind: KindDefinition,
    seen: SeenObjects,
    limited: readonly string[],
    counted: Map<string, Amount>,
  ): void {
    const names = matchingResources(kind, limited);
    if (names.length === 0) return;
    for (const name of names) counted.set(name, ZERO);
    for (const { object } of seen.inNamespace(quota.metadata.namespace!)) {
      if (!objectInScopes(quota, object)) continue;
      const usage = [...objectUsage(kind, object)].filter(([name]) => names.includes(name));
      addAmounts(counted, new Map(usage));
    }
  }

  /** Objects of kinds that are not watched, or that nobody serves (`count/…` alone): those that live now. */
  #addUnwatched(quota: KubeObject, limited: readonly string[], counted: Map<string, Amount>): void {
    const { objects } = this.#ctx.run.state;
    const prefix = `${quota.metadata.namespace}/`;
    for (const name of limited.filter((each) => !counted.has(each))) {
      const kind = this.#unwatched.find((each) => matchingResources(each, [name]).length > 0);
      if (kind === undefined && !name.startsWith('count/')) continue;
      counted.set(name, ZERO);
      const counts = kind === undefined ? name : countName(kind);
      for (const store of objects.kinds.filter((each) => countName(each) === counts)) {
        for (const [key, id] of store.ids) {
          const object = objects.get(id);
          if (key.startsWith(prefix) && object !== null && objectInScopes(quota, object))
            addAmounts(counted, new Map([[name, objectUsage(kind ?? store, object).get(name)!]]));
        }
      }
    }
  }
}

export const resourceQuotaController: ControllerDefinition = {
  name: 'resourcequota',
  clientName: 'resourcequota-controller',
  about: 'counts what is used of each ResourceQuota',
  create: (context) => new ResourceQuotaController(context),
};
