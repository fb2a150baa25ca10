// The disruption controller (pkg/controller/disruption, v1.36): works out how many pods a PodDisruptionBudget can spare
// and writes it into its status, which is what evictions go by. Healthy is a pod that is Ready, is not being deleted
// and was not evicted within the last 2 min; expected are the pods themselves, or what their controllers' scale says
// where the budget is a share or maxUnavailable.
//
// A pod under several budgets counts for all of them, but each of its changes is told to one only, the first of a Go
// map: here it is drawn. Left out: the stale condition DisruptionTarget of a pod whose eviction failed.
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
import { allowedCondition, conditionOf, isUpToDate, withAllowed } from '../kinds/disruption-allowed.ts';
import { scaledIntOrPercent } from '../kinds/intorstring.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { compileLabelSelector, PodBit, timestampText, timestampUs, Verb } from '../state/index.ts';
import { controllerUid } from './owner.ts';
import { PodSelections, type SelectedPods } from './selected-pods.ts';
import { selectorText } from './selector-texts.ts';

/** DeletionTimeout: an evicted pod that is still there after it counts again. */
const DELETION_TIMEOUT_US = 2 * 60 * 1_000_000;

/** Kinds whose pods' number is in spec.replicas. */
const SCALED = ['ReplicationController', 'ReplicaSet', 'StatefulSet', 'Deployment'];

interface Expected {
  readonly expected: number;
  readonly desired: number;
  readonly unmanaged: boolean;
}

class DisruptionController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #objects: SeenObjects;
  readonly #scaled = new Map<string, SeenObjects>();
  readonly #budgets: PodSelections;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    const { state } = ctx.run;
    const order = ctx.run.draw.purpose('controllers/budget-of-pod');
    let changes = 0;
    this.#objects = ctx.objects('PodDisruptionBudget');
    for (const kind of SCALED) if (state.objects.findKind(kind)) this.#scaled.set(kind, ctx.objects(kind));
    this.#budgets = new PodSelections(ctx.pods, (n) => ctx.run.draw.below(order, (changes += 1), 0, n));
    ctx.onObjects('PodDisruptionBudget', (seen, verb, old) => {
      if (verb === Verb.deleted) this.#budgets.remove(seen.key);
      else if (old === null || old['spec']?.selector !== seen.object['spec']?.selector) {
        const selector = compileLabelSelector(seen.object['spec']?.selector, state.labels);
        this.#budgets.set(seen.key, state.texts.id(seen.namespace), selector);
      }
      ctx.queue.add(seen.key);
    });
    ctx.onPods((pod, verb, word, _node, oldWord) => {
      const selecting = this.#budgets.changed(pod, word, oldWord, verb === Verb.deleted);
      const chosen = selecting[0];
      if (chosen === undefined) return;
      if (selecting.length > 1) this.#tellOfSeveral(pod, chosen);
      ctx.queue.add(chosen.key);
    });
  }

  #tellOfSeveral(pod: number, chosen: SelectedPods): void {
    const { state } = this.#ctx.run;
    const named = `${JSON.stringify(state.podNamespace(pod))}/${JSON.stringify(state.podName(pod))}`;
    const name = this.#objects.get(chosen.key)!.name;
    const text = `Pod ${named} matches multiple PodDisruptionBudgets.  Chose ${JSON.stringify(name)} arbitrarily.`;
    this.#ctx.client.podEvent('Warning', 'MultiplePodDisruptionBudgets', pod, text);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#objects.get(key);
    const budget = this.#budgets.get(key);
    if (seen === undefined || budget === undefined) return DONE;
    const { object, revision } = seen;
    if (budget.owners.size === 0) this.#event(seen, 'Normal', 'NoPods', 'No matching pods found');
    const count = this.#expected(object, budget);
    if (typeof count === 'string') return yield* this.#failSafe(seen, count, calls);
    if (count.unmanaged) {
      this.#event(
        seen,
        'Warning',
        'UnmanagedPods',
        `Pods selected by this PodDisruptionBudget (selector: ${selectorText(object['spec'].selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
      );
    }
    const now = this.#ctx.run.kernel.now;
    const disrupted = this.#disrupted(object, budget, now);
    const status = this.#status(object, count, budget.healthy - disrupted.healthy, disrupted.pods, now);
    if (status !== null) {
      const reply = yield calls.updateStatus(seen.id, { ...object, status }, revision);
      if (reply.code === 404) return DONE;
      if (reply.code >= 400) return RETRY;
    }
    if (disrupted.nextUs !== null) this.#ctx.queue.addAfter(key, disrupted.nextUs - now);
    return DONE;
  }

  /** Sees to it that nothing is evicted while the numbers are not known. */
  *#failSafe(seen: SeenObject, problem: string, calls: Calls): Steps {
    const text = `Failed to calculate the number of expected pods: ${problem}`;
    this.#event(seen, 'Warning', 'CalculateExpectedPodCountFailed', text);
    const before = seen.object['status'] ?? {};
    const now = timestampText(this.#ctx.run.kernel.now);
    const condition = conditionOf(before, 'False', 'SyncFailed', problem, now);
    const status = withAllowed({ ...before, disruptionsAllowed: 0 }, condition);
    const reply = yield calls.updateStatus(seen.id, { ...seen.object, status }, seen.revision);
    return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
  }

  /** A text: why it cannot be told. */
  #expected(object: KubeObject, budget: SelectedPods): Expected | string {
    const { minAvailable, maxUnavailable } = object['spec'] ?? {};
    const pods = budget.owners.size;
    if (maxUnavailable === undefined && minAvailable === undefined)
      return { expected: 0, desired: 0, unmanaged: false };
    if (maxUnavailable === undefined && typeof minAvailable === 'number')
      return { expected: pods, desired: minAvailable, unmanaged: false };
    const expected = this.#scale(budget);
    if (typeof expected === 'string') return expected;
    const unmanaged = budget.byOwner.has(-1);
    const part = scaledIntOrPercent(maxUnavailable ?? minAvailable, expected, true) ?? 0;
    const desired = maxUnavailable === undefined ? part : Math.max(0, expected - part);
    return { expected, desired, unmanaged };
  }

  /** Sum of the scales of all controllers that control a pod of the budget. */
  #scale(budget: SelectedPods): number | string {
    const scales = new Map<number, number>();
    for (const owner of budget.byOwner.keys()) {
      if (owner < 0) continue;
      const { objects } = this.#ctx.run.state;
      const { kind } = objects.kindOf(owner);
      const views = this.#scaled.get(kind);
      if (views === undefined) {
        const { resource, apiVersion } = objects.kindOf(owner);
        const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
        return `${resource}${group} does not implement the scale subresource`;
      }
      const controller = views.byId(owner);
      if (controller === undefined)
        return `found no controllers for pod ${JSON.stringify(this.#podOf(budget, owner))}`;
      const scaler = this.#deploymentOf(controller) ?? controller;
      scales.set(scaler.id, scaler.object['spec']?.replicas ?? 1);
    }
    let sum = 0;
    for (const scale of scales.values()) sum += scale;
    return sum;
  }

  #podOf(budget: SelectedPods, owner: number): string {
    for (const [pod, of] of budget.owners) if (of === owner) return this.#ctx.run.state.podName(pod);
    return '';
  }

  /** The Deployment that controls a ReplicaSet. */
  #deploymentOf(controller: SeenObject): SeenObject | undefined {
    if (controller.kind !== 'ReplicaSet') return undefined;
    const uid = controllerUid(controller.object);
    if (uid === undefined) return undefined;
    const reference = controller.object.metadata.ownerReferences?.find((owner) => owner.uid === uid);
    const found = this.#scaled.get('Deployment')?.get(`${controller.namespace}/${reference?.name}`);
    return found?.object.metadata.uid === uid ? found : undefined;
  }

  /** Evicted pods that are not being deleted yet: those to remember, and how many of them are Ready. */
  #disrupted(object: KubeObject, budget: SelectedPods, now: number) {
    const listed: Record<string, string> = object['status']?.disruptedPods ?? {};
    const pods: Record<string, string> = {};
    let healthy = 0;
    let nextUs: number | null = null;
    for (const [name, time] of Object.entries(listed)) {
      const pod = this.#find(budget, name);
      const word = pod < 0 ? PodBit.deleting : this.#ctx.pods.word(pod);
      if (word & PodBit.deleting) continue;
      const untilUs = timestampUs(time) + DELETION_TIMEOUT_US;
      if (untilUs < now) {
        const { namespace } = object.metadata;
        const text = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
        this.#ctx.client.podEvent('Warning', 'NotDeleted', pod, text);
        continue;
      }
      pods[name] = time;
      if (word & PodBit.ready && untilUs > now) healthy += 1;
      if (nextUs === null || untilUs < nextUs) nextUs = untilUs;
    }
    return { pods, healthy, nextUs };
  }

  #find(budget: SelectedPods, name: string): number {
    const pod = this.#ctx.run.state.findPod(budget.namespace, name);
    return pod >= 0 && budget.owners.has(pod) ? pod : -1;
  }

  /** The status to write; null: it is so already. */
  #status(
    object: KubeObject,
    { expected, desired }: Expected,
    healthy: number,
    disruptedPods: Readonly<Record<string, string>>,
    now: number,
  ): Json | null {
    const before: Json = object['status'] ?? {};
    const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
    const observedGeneration = object.metadata.generation;
    if (
      before.currentHealthy === healthy &&
      before.desiredHealthy === desired &&
      before.expectedPods === expected &&
      before.disruptionsAllowed === allowed &&
      before.observedGeneration === observedGeneration &&
      Object.keys(before.disruptedPods ?? {}).length === Object.keys(disruptedPods).length &&
      isUpToDate(before)
    ) {
      return null;
    }
    const next: Json = {
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
      ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      ...(before.conditions === undefined ? {} : { conditions: before.conditions }),
    };
    return withAllowed(next, allowedCondition(next, timestampText(now)));
  }

  #event(seen: SeenObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#ctx.client.event(type, reason, seen.kind, seen.namespace, seen.name, message);
  }
}

export const disruptionController: ControllerDefinition = {
  name: 'disruption',
  clientName: 'disruption-controller',
  about: 'tells how many pods each PodDisruptionBudget can spare',
  workers: 1,
  create: (context) => new DisruptionController(context),
};
