// POST pods/eviction: deletes a pod unless its disruption budget forbids it (pkg/registry/core/pod/storage/eviction.go,
// v1.36). The budget's status is written first, so that of two evictions that want the last disruption one meets a
// conflict, waits half a second and finds none left; then the pod gets the condition DisruptionTarget, then it is
// deleted. A pod that has ended, is still pending or is being deleted goes without asking a budget. The server reads and
// writes budgets through a client of its own.
//
// Left out: dry runs, preconditions of the caller, a pod that changes between the look at the budget and its deletion.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import type { EventKind, Kernel, KeyedDraw, Sampler } from '../kernel/index.ts';
import { allowedCondition, findAllowed, withAllowed } from '../kinds/disruption-allowed.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import {
  type ClusterState,
  compileLabelSelector,
  isTerminal,
  Phase,
  PodBit,
  phaseOf,
  timestampText,
} from '../state/index.ts';
import type { ApiRequest } from './request.ts';

/** EvictionsRetry: 20 tries, 500 ms and up to a tenth more between them. */
const TRIES = 20;
const RETRY_US = 500_000;
const RETRY_JITTER = 0.1;
/** MaxDisruptedPodSize */
const DISRUPTED_MAX = 2000;
const VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget.";

export interface EvictionHooks {
  readonly kernel: Kernel;
  readonly state: ClusterState;
  readonly draw: KeyedDraw;
  readonly networkUs: number;
  /** The server's own work for a read. */
  readonly readUs: Sampler;
  client(): ApiClient;
  /** The request's last writes may go to etcd. */
  proceed(r: ApiRequest): void;
  /** The request has its answer. */
  refused(r: ApiRequest): void;
  request(slot: number): ApiRequest;
}

export class Evictions {
  readonly #h: EvictionHooks;
  readonly #look: EventKind;
  readonly #again: EventKind;
  readonly #written: (reply: ApiReply) => void;
  readonly #jitter: number;
  #reads = 0;

  constructor(hooks: EvictionHooks) {
    this.#h = hooks;
    this.#look = hooks.kernel.on('apiserver/evict', (slot) => this.#decide(hooks.request(slot)));
    this.#again = hooks.kernel.on('apiserver/evict-again', (slot) => this.#read(hooks.request(slot)));
    this.#jitter = hooks.draw.purpose('apiserver/evict-again');
    this.#written = (reply) => this.#decremented(hooks.request(reply.target), reply);
  }

  /** The server's work on the request ends at `readyUs`. */
  submit(r: ApiRequest, readyUs: number): void {
    this.#h.kernel.at(readyUs, this.#again, r.slot, 0);
  }

  #read(r: ApiRequest): void {
    const { kernel, state, networkUs, readUs } = this.#h;
    if (!state.pods.alive(r.subject, r.generation)) return this.#fail(r, 404, 'NotFound', 'pods not found');
    if (r.b === 0 && ignoresBudgets(state.pods.word[r.subject]!)) return this.#h.proceed(r);
    kernel.after(2 * networkUs + readUs(this.#reads++, 0), this.#look, r.slot, 0);
  }

  #decide(r: ApiRequest): void {
    const { state } = this.#h;
    if (!state.pods.alive(r.subject, r.generation)) return this.#fail(r, 404, 'NotFound', 'pods not found');
    const budgets = this.#budgetsOf(r.subject);
    if (budgets.length > 1) {
      const text =
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
      return this.#fail(r, 500, '', text);
    }
    const id = budgets[0];
    const budget = id === undefined ? null : state.objects.get(id);
    if (id === undefined || budget === null || this.#sparesUnhealthy(r.subject, budget))
      return this.#h.proceed(r);
    this.#decrement(r, id, budget);
  }

  #budgetsOf(pod: number): number[] {
    const { objects, pods, labels, texts } = this.#h.state;
    const prefix = `${texts.text(pods.namespace[pod]!)}/`;
    const found: number[] = [];
    for (const [key, id] of objects.findKind('PodDisruptionBudget')?.ids ?? []) {
      if (!key.startsWith(prefix)) continue;
      const selector = compileLabelSelector(objects.get(id)!['spec']?.selector, labels);
      if (selector.matchesSet(pods.labelSet[pod]!)) found.push(id);
    }
    return found;
  }

  /** A pod that is not Ready costs the budget nothing, if the budget lets such pods go. */
  #sparesUnhealthy(pod: number, budget: KubeObject): boolean {
    if (this.#h.state.pods.word[pod]! & PodBit.ready) return false;
    if (budget['spec']?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
    const { currentHealthy = 0, desiredHealthy = 0 } = budget['status'] ?? {};
    return currentHealthy >= desiredHealthy && desiredHealthy > 0;
  }

  #decrement(r: ApiRequest, id: number, budget: KubeObject): void {
    const status: Json = budget['status'] ?? {};
    const name = budget.metadata.name!;
    if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
      return this.#tooMany(r, `The disruption budget ${name} is still being processed by the server.`);
    }
    if (Object.keys(status.disruptedPods ?? {}).length > DISRUPTED_MAX) {
      const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
      const cause = `The disruption budget ${name} does not allow evicting pods currently: too many pending evictions not confirmed by PDB controller`;
      return this.#refuse(
        r,
        403,
        'Forbidden',
        `poddisruptionbudget.policy ${JSON.stringify(name)} is forbidden: ${why}`,
        cause,
      );
    }
    const allowed = (status.disruptionsAllowed ?? 0) - 1;
    if (allowed < 0) return this.#tooMany(r, refusal(name, status));
    const { state, kernel } = this.#h;
    const now = timestampText(kernel.now);
    const disruptedPods = { ...status.disruptedPods, [state.podName(r.subject)]: now };
    const next = { ...status, disruptedPods, disruptionsAllowed: allowed };
    const written = allowed === 0 ? withAllowed(next, allowedCondition(next, now)) : next;
    const revision = state.objects.revision(id);
    this.#h.client().updateStatus(id, { ...budget, status: written }, revision, this.#written, r.slot);
  }

  #decremented(r: ApiRequest, reply: ApiReply): void {
    if (reply.code < 400) return this.#h.proceed(r);
    if (reply.code !== 409) return this.#fail(r, reply.code, reply.reason, reply.message);
    r.b += 1;
    if (r.b >= TRIES) {
      return this.#fail(r, 504, 'Timeout', `Timeout: couldn't update PodDisruptionBudget due to conflicts`);
    }
    const { kernel, draw } = this.#h;
    const wait = RETRY_US * (1 + RETRY_JITTER * draw.unit(this.#jitter, r.subject, r.b));
    kernel.after(Math.round(wait), this.#again, r.slot, 0);
  }

  #tooMany(r: ApiRequest, cause: string): void {
    this.#refuse(r, 429, 'TooManyRequests', VIOLATES, cause);
  }

  #refuse(r: ApiRequest, code: number, reason: string, text: string, cause: string): void {
    r.fail(code, reason, text, [{ field: '', reason: 'DisruptionBudget', message: cause }]);
    this.#h.refused(r);
  }

  #fail(r: ApiRequest, code: number, reason: string, message: string): void {
    r.fail(code, reason, message);
    this.#h.refused(r);
  }
}

function ignoresBudgets(word: number): boolean {
  return isTerminal(word) || phaseOf(word) === Phase.pending || (word & PodBit.deleting) !== 0;
}

/** Why a budget without disruptions left refuses (checkAndDecrement). */
export function refusal(name: string, status: Json): string {
  const none = `The disruption budget ${name} does not allow evicting pods currently`;
  const known = findAllowed(status);
  const told = known?.status === 'False' && known.message ? known : undefined;
  // Its numbers are not to be trusted then.
  if (told?.reason === 'SyncFailed') return `${none} because it failed sync: ${told.message}`;
  const { desiredHealthy = 0, currentHealthy = 0 } = status;
  if (currentHealthy <= desiredHealthy)
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  // Evictions that the controller has not counted yet have used up what there was.
  return told === undefined ? none : `${none} (${told.reason}): ${told.message}`;
}
