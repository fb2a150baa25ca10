// ResourceQuota admission: what is created in a namespace with quotas is charged to them before it is stored. A charge
// is a write of the quota's status, so of two requests that want the last place one is refused, and what is used never
// passes the limit. Requests of one namespace are checked one batch after the other; what arrives meanwhile forms the
// next batch and is charged by one write a quota. Rules: apiserver/pkg/admission/plugin/resourcequota/controller.go
// (v1.36). Refused requests write nothing; a charged request that then fails leaves its charge until the quota
// controller counts again, as upstream.
import type { ApiClient, ApiReply } from '../../contracts/api.ts';
import { type KeyedDraw, mapOrder, mapSlots } from '../../kernel/index.ts';
import type { KindDefinition, KubeObject } from '../../kinds/kind.ts';
import {
  growth,
  matchingResources,
  objectInScopes,
  objectUsage,
  type PodUsage,
  podInScopes,
  podUsage,
  unstated,
} from '../../kinds/quota-usage.ts';
import {
  type Amount,
  addAmounts,
  amountsText,
  plus,
  printAmounts,
  type ResourceAmounts,
  readAmounts,
  ZERO,
} from '../../kinds/resource-amounts.ts';
import type { ClusterState, PodTemplate } from '../../state/index.ts';
import type { ApiRequest } from '../request.ts';
import { forbidden } from './admission.ts';

/** Times that a batch is checked again after a conflict (checkQuotas). */
const RETRIES = 3;

/** What is to be created: a pod by its template, or an object; or an object that is to be changed. */
export interface Charged {
  readonly definition: KindDefinition;
  readonly name: string;
  readonly template: PodTemplate | null;
  readonly object: KubeObject | null;
  /** For a change: the object before. Only what it uses more is charged. */
  readonly previous?: KubeObject;
}

interface Waiter {
  readonly request: ApiRequest;
  readonly charged: Charged;
}

/** A quota as a batch sees it while it charges. */
interface Running {
  readonly id: number;
  readonly object: KubeObject;
  readonly revision: number;
  readonly hard: ReadonlyMap<string, Amount>;
  used: Map<string, Amount>;
  changed: boolean;
}

class Namespace {
  readonly name: string;
  readonly quotas: number[] = [];
  waiting: Waiter[] = [];
  /** The batch that is being charged. */
  batch: Waiter[] = [];
  writes: Running[] = [];
  failed: { id: number; reply: { code: number; reason: string; message: string } }[] = [];
  retries = 0;
  busy = false;

  constructor(name: string) {
    this.name = name;
  }
}

export interface QuotaHooks {
  readonly state: ClusterState;
  readonly draw: KeyedDraw;
  /** The server's own client. */
  client(): ApiClient;
  /** The request was charged or refused (then it has its answer). */
  settled(request: ApiRequest): void;
}

export class QuotaAdmission {
  readonly #h: QuotaHooks;
  readonly #order: number;
  #walks = 0;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #usage = new WeakMap<PodTemplate, PodUsage>();
  readonly #written: (reply: ApiReply) => void;
  /** Namespaces whose batch waits for a write, by the number that the write carries. */
  readonly #writing: Namespace[] = [];

  constructor(hooks: QuotaHooks) {
    this.#h = hooks;
    this.#order = hooks.draw.purpose('apiserver/quotas-of-namespace');
    this.#written = (reply) => this.#answered(this.#writing[reply.target]!, reply);
  }

  /** True if some namespace has, or had, a quota. */
  get any(): boolean {
    return this.#namespaces.size > 0;
  }

  /** A quota was stored. */
  added(id: number, object: KubeObject): void {
    const name = object.metadata.namespace!;
    let namespace = this.#namespaces.get(name);
    if (namespace === undefined) {
      namespace = new Namespace(name);
      this.#namespaces.set(name, namespace);
    }
    namespace.quotas.push(id);
  }

  removed(id: number, object: KubeObject): void {
    const quotas = this.#namespaces.get(object.metadata.namespace!)?.quotas;
    const at = quotas?.indexOf(id) ?? -1;
    if (at >= 0) quotas!.splice(at, 1);
  }

  /** True if something has to be charged in that namespace. */
  governs(namespace: string): boolean {
    return (this.#namespaces.get(namespace)?.quotas.length ?? 0) > 0;
  }

  submit(namespace: string, request: ApiRequest, charged: Charged): void {
    const at = this.#namespaces.get(namespace)!;
    at.waiting.push({ request, charged });
    if (!at.busy) this.#next(at);
  }

  #next(at: Namespace): void {
    while (at.waiting.length > 0) {
      at.busy = true;
      at.batch = at.waiting;
      at.waiting = [];
      at.retries = RETRIES;
      this.#check(at, this.#quotasOf(at));
      if (at.batch.length > 0) return;
    }
    at.busy = false;
  }

  /** The quotas of a namespace come out of an index of the server's cache. */
  #quotasOf({ quotas }: Namespace): readonly number[] {
    if (quotas.length < 2) return quotas;
    const slots = mapSlots(quotas.length);
    return mapOrder(quotas, this.#h.draw.below(this.#order, (this.#walks += 1), 0, slots));
  }

  /** Checks the batch against these quotas; what needs no write, or is refused, leaves the batch. */
  #check(at: Namespace, ids: readonly number[]): void {
    const { objects } = this.#h.state;
    const running = ids.flatMap((id): Running[] => {
      const object = objects.get(id);
      if (object === null) return [];
      const { hard, used } = object['status'] ?? {};
      const revision = objects.revision(id);
      return [{ id, object, revision, hard: readAmounts(hard), used: readAmounts(used), changed: false }];
    });
    const left: Waiter[] = [];
    for (const waiter of at.batch) {
      const verdict = this.#charge(running, waiter.charged);
      if (verdict === 'charged') left.push(waiter);
      else
        this.#settle(
          waiter,
          verdict === null ? null : forbidden(waiter.charged.definition, nameOf(waiter.charged), verdict),
        );
    }
    at.batch = left;
    at.writes = left.length === 0 ? [] : running.filter((quota) => quota.changed);
    at.failed = [];
    this.#write(at);
  }

  /** Sends the next status, or ends the batch. */
  #write(at: Namespace): void {
    const quota = at.writes.shift();
    if (quota === undefined) return;
    const status = { ...quota.object['status'], used: printAmounts(quota.used) };
    let number = this.#writing.indexOf(at);
    if (number < 0) number = this.#writing.push(at) - 1;
    this.#h
      .client()
      .updateStatus(quota.id, { ...quota.object, status }, quota.revision, this.#written, number, quota.id);
  }

  #answered(at: Namespace, reply: ApiReply): void {
    const { code, reason, message } = reply;
    if (code >= 400) at.failed.push({ id: reply.arg, reply: { code, reason, message } });
    if (at.writes.length > 0) return this.#write(at);
    const last = at.failed.at(-1);
    if (last !== undefined && at.retries > 0) {
      // Only the quotas that could not be written: the others have their charge.
      at.retries -= 1;
      this.#check(
        at,
        at.failed.map((failed) => failed.id),
      );
      if (at.batch.length > 0) return;
    }
    for (const waiter of at.batch) this.#settle(waiter, last?.reply ?? null);
    at.batch = [];
    this.#next(at);
  }

  #settle(waiter: Waiter, refusal: { code: number; reason: string; message: string } | null): void {
    const { request } = waiter;
    if (refusal !== null) request.fail(refusal.code, refusal.reason, refusal.message);
    this.#h.settled(request);
  }

  /** `charged`: the running quotas hold its usage. null: no quota is concerned. Else why it is refused. */
  #charge(quotas: readonly Running[], charged: Charged): 'charged' | null | (string & {}) {
    const { definition, template, object, previous } = charged;
    const pod = template === null ? null : this.#podUsage(template);
    const concerned: Running[] = [];
    for (const quota of quotas) {
      const names = matchingResources(definition, [...quota.hard.keys()]);
      const inScopes = pod === null ? objectInScopes(quota.object, object!) : podInScopes(quota.object, pod);
      if (names.length === 0 || !inScopes) continue;
      const quotaName = quota.object.metadata.name!;
      const missing = template === null ? undefined : unstated(template.spec, names);
      if (missing !== undefined) return `failed quota: ${quotaName}: ${missing}`;
      if (!names.every((name) => quota.used.has(name))) {
        return `status unknown for quota: ${quotaName}, resources: ${names.sort().join(',')}`;
      }
      concerned.push(quota);
    }
    const whole: ResourceAmounts = pod === null ? objectUsage(definition, object!) : pod.amounts;
    const grown = previous === undefined ? whole : growth(whole, objectUsage(definition, previous));
    const sums: Map<string, Amount>[] = [];
    for (const quota of concerned) {
      // What the object was before may have been under other quotas.
      const usage = previous === undefined || objectInScopes(quota.object, previous) ? grown : whole;
      const requested = new Map(
        [...usage].filter(([name, amount]) => quota.hard.has(name) && amount.nanos !== 0n),
      );
      const exceeded = [...requested.keys()].filter(
        (name) =>
          plus(quota.used.get(name) ?? ZERO, requested.get(name)!).nanos > quota.hard.get(name)!.nanos,
      );
      if (exceeded.length > 0) {
        const text = (amounts: ResourceAmounts): string => amountsText(amounts, exceeded);
        const amounts = `requested: ${text(requested)}, used: ${text(quota.used)}, limited: ${text(quota.hard)}`;
        return `exceeded quota: ${quota.object.metadata.name}, ${amounts}`;
      }
      sums.push(requested);
    }
    let any = false;
    for (const [i, quota] of concerned.entries()) {
      if (sums[i]!.size === 0) continue;
      quota.used = new Map(quota.used);
      addAmounts(quota.used, sums[i]!);
      quota.changed = true;
      any = true;
    }
    return any ? 'charged' : null;
  }

  #podUsage(template: PodTemplate): PodUsage {
    let usage = this.#usage.get(template);
    if (usage === undefined) {
      usage = podUsage(template.spec);
      this.#usage.set(template, usage);
    }
    return usage;
  }
}

const nameOf = ({ definition, name }: Charged): KubeObject => ({
  apiVersion: definition.apiVersion,
  kind: definition.kind,
  metadata: { name },
});
