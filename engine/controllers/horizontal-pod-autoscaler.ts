// The horizontal pod autoscaler (pkg/controller/podautoscaler, v1.36): every 15 s, and first 15 s after its creation,
// an autoscaler reads its target's scale and what its pods use, works out a number of replicas (hpa-metrics.ts), steadies
// and limits it (hpa-behavior.ts), sets the scale and writes its status. Pods use what their annotations and steps say
// (state/usage.ts), told at the resolution of the cost preset's metrics pipeline.
//
// Metrics of kinds Pods, Object and External have no source: they fail as in a cluster without such an API, and are
// named in the loss report.
import type { ApiClient } from '../contracts/api.ts';
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type SeenObject,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { EventKind } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { formatQuantity, quantityMilli } from '../kinds/quantity.ts';
import { timestampText, Verb } from '../state/index.ts';
import { type Condition, condition } from './conditions.ts';
import { ScalingMemory, type Told } from './hpa-behavior.ts';
import { type Groups, groupPods, type Proposal, proposeReplicas, tolerancesOf } from './hpa-metrics.ts';
import { AutoscaledPods } from './hpa-pods.ts';
import { missingSource, scalable, targetOf } from './hpa-targets.ts';
import { selectorQuery } from './selector-texts.ts';

const SECOND = 1_000_000;
/** --horizontal-pod-autoscaler-sync-period */
const SYNC_US = 15 * SECOND;
interface Timer {
  readonly key: string;
  armed: boolean;
  /** Nothing will come of it unless something changes: it does not keep the run going. */
  periodic: boolean;
}

/** What the metrics came to. */
interface Computed {
  readonly replicas: number;
  readonly name: string;
  readonly statuses: Json[] | null;
  readonly active: Condition;
  readonly error: string | null;
  readonly waiting: boolean;
}

interface Metric {
  readonly proposal: Proposal;
  readonly name: string;
  readonly status: Json;
  /** Reason of the condition and the Event when it fails, and what stands before the text. */
  readonly failure: string;
  readonly prefix: string;
  readonly wrap: string;
  readonly waiting: boolean;
}

class HorizontalPodAutoscaler implements Controller {
  readonly #ctx: ControllerContext;
  readonly #objects: SeenObjects;
  readonly #pods: AutoscaledPods;
  readonly #memories = new Map<string, ScalingMemory>();
  readonly #timers: Timer[] = [];
  readonly #timerOf = new Map<string, number>();
  readonly #due: EventKind;
  /**
   * Two clients besides the one for status and Events, each with limits of its own: for scales and for the metrics API
   * (cmd/kube-controller-manager/app/autoscaling.go).
   */
  readonly #scales: ApiClient;
  readonly #metricsApi: ApiClient;
  readonly #sourceless = new Set<string>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    const { api, kernel, periodic, costs, state } = ctx.run;
    this.#objects = ctx.objects('HorizontalPodAutoscaler');
    this.#pods = new AutoscaledPods(ctx);
    this.#due = kernel.on('controllers/autoscale', (index) => {
      const timer = this.#timers[index]!;
      timer.armed = false;
      if (timer.periodic) {
        timer.periodic = false;
        if (periodic.fired()) return;
      }
      ctx.queue.add(timer.key);
    });
    this.#scales = api.client(ctx.client.name, costs.clients.controller);
    this.#metricsApi = api.client(ctx.client.name, costs.clients.controller);
    state.usage.onChange(() => {
      for (const key of this.#timerOf.keys()) this.#stir(key);
    });
    ctx.onObjects('HorizontalPodAutoscaler', (seen, verb) => {
      // What it remembers stays until its time comes: one made anew before goes on with it.
      if (verb === Verb.deleted) this.#pods.remove(seen.key);
      else this.#arm(seen.key, false);
    });
    for (const kind of ['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController']) {
      if (state.objects.findKind(kind) === undefined) continue;
      ctx.onObjects(kind, (seen, _verb, old) => {
        if (this.#timers.length > 0 && old?.['spec']?.replicas !== seen.object['spec']?.replicas)
          this.#targetChanged(seen);
      });
    }
    ctx.onPods((pod, verb, word, _node, oldWord) => {
      for (const { key } of this.#pods.changed(pod, word, oldWord, verb === Verb.deleted)) this.#stir(key);
    });
  }

  #targetChanged(target: SeenObject): void {
    for (const seen of this.#objects.inNamespace(target.namespace)) {
      const { kind, name } = seen.object['spec'].scaleTargetRef ?? {};
      if (kind === target.kind && name === target.name) this.#stir(seen.key);
    }
  }

  /** In 15 s; what is under way already comes earlier. */
  #arm(key: string, settled: boolean): void {
    let index = this.#timerOf.get(key);
    if (index === undefined) {
      index = this.#timers.push({ key, armed: false, periodic: false }) - 1;
      this.#timerOf.set(key, index);
    }
    const timer = this.#timers[index]!;
    if (timer.armed) return;
    timer.armed = true;
    timer.periodic = settled;
    const { kernel, periodic } = this.#ctx.run;
    if (settled) periodic.arm();
    kernel.after(SYNC_US, this.#due, index, 0);
  }

  /** Something has changed that the next sync will act on. */
  #stir(key: string): void {
    const timer = this.#timers[this.#timerOf.get(key) ?? -1];
    if (timer === undefined || !timer.periodic) return;
    timer.periodic = false;
    this.#ctx.run.periodic.disarm();
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#objects.get(key);
    if (seen === undefined) {
      this.#memories.delete(key);
      return DONE;
    }
    const settled = yield* this.#sync(seen, seen.object, seen.revision, calls);
    this.#arm(key, settled);
    return DONE;
  }

  /** True if another sync would come to the same while nothing changes. */
  *#sync(seen: SeenObject, object: KubeObject, revision: number, calls: Calls): Steps<boolean> {
    const { kernel, state } = this.#ctx.run;
    const { spec } = object as Json;
    const before: Json = object['status'] ?? {};
    const resource = scalable(spec.scaleTargetRef)?.split('.')[0];
    if (resource !== undefined)
      yield calls.send((_, reply, worker) => this.#scales.look('get', `${resource}/scale`, reply, worker));
    const target = targetOf(state.objects, spec.scaleTargetRef, seen.namespace);
    if (typeof target === 'string') {
      this.#event(seen, 'Warning', 'FailedGetScale', target);
      const text = `the HPA controller was unable to get the target's current scale: ${target}`;
      const conditions = withCondition(
        before.conditions,
        this.#condition('AbleToScale', 'False', 'FailedGetScale', text),
      );
      yield* this.#write(seen, object, revision, { ...before, conditions }, calls);
      return true;
    }
    const goal = state.objects.get(target)!;
    const targetRevision = state.objects.revision(target);
    const current: number = goal['spec']?.replicas ?? 1;
    const memory = this.#memory(seen.key);
    memory.begin(current, kernel.now);
    const able: Told = {
      reason: 'SucceededGetScale',
      message: "the HPA controller was able to get the target's current scale",
    };
    let conditions = withCondition(
      before.conditions,
      this.#condition('AbleToScale', 'True', able.reason, able.message),
    );
    const min: number = spec.minReplicas ?? 1;
    const max: number = spec.maxReplicas;
    let desired = current;
    let why = '';
    let statuses: Json[] | null = null;
    let settled = true;
    if (current === 0 && min !== 0) {
      const text = 'scaling is disabled since the replica count of the target is zero';
      conditions = withCondition(
        conditions,
        this.#condition('ScalingActive', 'False', 'ScalingDisabled', text),
      );
    } else if (current > max) {
      why = 'Current number of replicas above Spec.MaxReplicas';
      desired = max;
    } else if (current < min) {
      why = 'Current number of replicas below Spec.MinReplicas';
      desired = min;
    } else {
      this.#pods.select(seen, goal);
      const ambiguous = this.#ambiguity(seen, goal);
      for (let left = ambiguous === null ? (spec.metrics?.length ?? 0) : 0; left > 0; left--)
        yield calls.send((_, reply, worker) => this.#metricsApi.look('list', 'pods', reply, worker));
      const computed = ambiguous ?? this.#compute(seen, spec, current);
      statuses = computed.statuses;
      conditions = withCondition(conditions, computed.active);
      if (computed.replicas < 0) {
        const status = this.#status(
          before,
          current,
          before.desiredReplicas ?? 0,
          statuses,
          conditions,
          false,
        );
        yield* this.#write(seen, object, revision, status, calls);
        this.#event(seen, 'Warning', 'FailedComputeMetricsReplicas', computed.error!);
        return !computed.waiting;
      }
      const told = memory.normalise(spec.behavior, current, computed.replicas, { min, max }, kernel.now);
      if (computed.replicas > current) why = `${computed.name} above target`;
      else if (computed.replicas < current) why = 'All metrics below target';
      desired = told.replicas;
      conditions = withCondition(
        conditions,
        this.#condition('AbleToScale', 'True', told.able.reason, told.able.message),
      );
      const { status, reason, message } = told.limited;
      conditions = withCondition(conditions, this.#condition('ScalingLimited', status, reason, message));
      settled = !computed.waiting && told.able.reason === 'ReadyForNewScale' && !reason.endsWith('Limit');
    }
    const rescale = desired !== current;
    if (rescale) {
      const reply = yield calls.send((_, answer, worker) =>
        this.#scales.updateScale(target, desired, targetRevision, answer, worker),
      );
      if (reply.code >= 400) {
        this.#event(
          seen,
          'Warning',
          'FailedRescale',
          `New size: ${desired}; reason: ${why}; error: ${reply.message}`,
        );
        const text = `the HPA controller was unable to update the target scale: ${reply.message}`;
        conditions = withCondition(
          conditions,
          this.#condition('AbleToScale', 'False', 'FailedUpdateScale', text),
        );
        const status = this.#status(
          before,
          current,
          before.desiredReplicas ?? 0,
          statuses,
          conditions,
          false,
        );
        yield* this.#write(seen, object, revision, status, calls);
        return false;
      }
      const text = `the HPA controller was able to update the target scale to ${desired}`;
      conditions = withCondition(
        conditions,
        this.#condition('AbleToScale', 'True', 'SucceededRescale', text),
      );
      this.#event(seen, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${why}`);
      memory.scaled(spec.behavior, current, desired, kernel.now);
    }
    const status = this.#status(before, current, desired, statuses, conditions, rescale);
    yield* this.#write(seen, object, revision, status, calls);
    return settled && !rescale;
  }

  #memory(key: string): ScalingMemory {
    let memory = this.#memories.get(key);
    if (memory === undefined) {
      memory = new ScalingMemory();
      this.#memories.set(key, memory);
    }
    return memory;
  }

  /** Pods of the target that another autoscaler scales as well: neither does anything (validateAndParseSelector). */
  #ambiguity(seen: SeenObject, goal: KubeObject): Computed | null {
    const all = this.#pods.sharing(seen.key);
    if (all.length < 2) return null;
    const given = goal['spec'].selector;
    const query = selectorQuery(goal.kind === 'ReplicationController' ? { matchLabels: given } : given);
    const error = `pods by selector ${query} are controlled by multiple HPAs: [${all.join(' ')}]`;
    this.#event(seen, 'Warning', 'AmbiguousSelector', error);
    const active = this.#condition('ScalingActive', 'False', 'AmbiguousSelector', error);
    return { replicas: -1, name: '', statuses: null, active, error, waiting: false };
  }

  #compute(seen: SeenObject, spec: Json, current: number): Computed {
    const metrics: Json[] = spec.metrics ?? [];
    const statuses: Json[] = [];
    let replicas = 0;
    let name = '';
    let waiting = false;
    let invalid = 0;
    let first: { error: string; active: Condition } | null = null;
    for (const metric of metrics) {
      const found = this.#metric(seen, metric, current, spec.behavior);
      statuses.push(found.status);
      waiting ||= found.waiting;
      if ('error' in found.proposal) {
        const error = `${found.prefix}${found.proposal.error}`;
        this.#event(seen, 'Warning', found.failure, error);
        const text = `the HPA was unable to compute the replica count: ${error}`;
        first ??= {
          error: `${found.wrap}${error}`,
          active: this.#condition('ScalingActive', 'False', found.failure, text),
        };
        invalid += 1;
      } else if (replicas === 0 || found.proposal.replicas > replicas) {
        replicas = found.proposal.replicas;
        name = found.name;
      }
    }
    const error =
      first === null
        ? null
        : `invalid metrics (${invalid} invalid out of ${metrics.length}), first error is: ${first.error}`;
    if (first !== null && (invalid >= metrics.length || replicas < current)) {
      return { replicas: -1, name: '', statuses, active: first.active, error, waiting };
    }
    const text = `the HPA was able to successfully calculate a replica count from ${name}`;
    return {
      replicas,
      name,
      statuses,
      active: this.#condition('ScalingActive', 'True', 'ValidMetricFound', text),
      error,
      waiting,
    };
  }

  #metric(seen: SeenObject, metric: Json, current: number, behavior: Json): Metric {
    if (metric.type === 'Resource') return this.#resource(seen, metric.resource, '', current, behavior);
    if (metric.type === 'ContainerResource')
      return this.#resource(
        seen,
        metric.containerResource,
        metric.containerResource.container,
        current,
        behavior,
      );
    return this.#withoutSource(seen, metric);
  }

  #resource(seen: SeenObject, source: Json, container: string, current: number, behavior: Json): Metric {
    const { target } = source;
    const resource: string = source.name;
    const { pods, sampledUs } = this.#pods.list(seen.key, resource, container);
    const groups: Groups = groupPods(pods, resource, this.#ctx.run.kernel.now);
    const utilization: number | null =
      target.averageValue === undefined ? (target.averageUtilization ?? 0) : null;
    const averageMilli = target.averageValue === undefined ? 0 : quantityMilli(target.averageValue);
    const aim = { resource, container, utilization, averageMilli };
    const proposal: Proposal = proposeReplicas(pods, groups, aim, current, tolerancesOf(behavior));
    const what = container === '' ? 'resource' : 'container resource';
    const type = container === '' ? 'Resource' : 'ContainerResource';
    const field = container === '' ? 'resource' : 'containerResource';
    const failed = 'error' in proposal;
    const value = failed
      ? null
      : {
          averageValue: formatQuantity(BigInt(proposal.averageMilli) * 1_000_000n, 'DecimalSI'),
          ...(proposal.utilization === undefined ? {} : { averageUtilization: proposal.utilization }),
        };
    const named = container === '' ? { name: resource } : { name: resource, container };
    const { changedUs, servedUntilUs } = this.#ctx.run.state.usage;
    return {
      proposal,
      name:
        utilization === null
          ? `${resource} resource`
          : `${resource} ${what} utilization (percentage of request)`,
      status: value === null ? { type: '' } : { type, [field]: { ...named, current: value } },
      failure: container === '' ? 'FailedGetResourceMetric' : 'FailedGetContainerResourceMetric',
      prefix: `failed to get ${resource} ${utilization === null ? 'usage' : 'utilization'}: `,
      wrap: `failed to get ${container === '' ? `${resource} resource` : `${container} container`} metric value: `,
      // A change of use that the samples do not show in full yet.
      waiting: groups.waiting || Math.max(changedUs, servedUntilUs) > sampledUs - this.#pods.resolutionUs,
    };
  }

  /** A metric of an API that is not there. */
  #withoutSource(seen: SeenObject, metric: Json): Metric {
    const type: string = metric.type;
    if (!this.#sourceless.has(type)) {
      this.#sourceless.add(type);
      const note = `metrics of type ${type} have no source: they are never available`;
      this.#ctx.run.recorder.loss('autoscaler', seen.kind, 'spec.metrics', 1, note);
    }
    const { name, error, wrap } = missingSource(metric, seen.namespace);
    return {
      proposal: { error },
      name,
      status: { type: '' },
      failure: `FailedGet${type}Metric`,
      prefix: '',
      wrap,
      waiting: false,
    };
  }

  #status(
    before: Json,
    current: number,
    desired: number,
    metrics: Json[] | null,
    conditions: Condition[],
    rescale: boolean,
  ): Json {
    const { lastScaleTime } = before;
    const scaled = rescale ? timestampText(this.#ctx.run.kernel.now) : lastScaleTime;
    return {
      ...(scaled === undefined ? {} : { lastScaleTime: scaled }),
      currentReplicas: current,
      desiredReplicas: desired,
      currentMetrics: metrics,
      conditions,
    };
  }

  *#write(seen: SeenObject, object: KubeObject, revision: number, status: Json, calls: Calls): Steps<void> {
    if (JSON.stringify(object['status']) === JSON.stringify(status)) return;
    const reply = yield calls.updateStatus(seen.id, { ...object, status }, revision);
    if (reply.code >= 400) this.#event(seen, 'Warning', 'FailedUpdateStatus', reply.message);
  }

  #condition(type: string, status: 'True' | 'False', reason: string, message: string): Condition {
    return condition(type, status, reason, message, this.#ctx.run.kernel.now);
  }

  #event(seen: SeenObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#ctx.client.event(type, reason, seen.kind, seen.namespace, seen.name, message);
  }
}

/** Conditions stay in their order; a transition begins anew when the status changes (setConditionInList). */
function withCondition(list: readonly Condition[] | undefined, next: Condition): Condition[] {
  const known = (list ?? []).find(({ type }) => type === next.type);
  if (known === undefined) return [...(list ?? []), inOrder(next)];
  const lastTransitionTime =
    known.status === next.status ? known.lastTransitionTime : next.lastTransitionTime;
  return (list ?? []).map((one) => (one === known ? inOrder({ ...next, lastTransitionTime }) : one));
}

const inOrder = ({ type, status, lastTransitionTime, reason = '', message = '' }: Condition): Condition => ({
  type,
  status,
  lastTransitionTime,
  reason,
  message,
});

export const horizontalPodAutoscalerController: ControllerDefinition = {
  name: 'horizontal-pod-autoscaler',
  clientName: 'horizontal-pod-autoscaler',
  about: 'sets the size of workloads by what their pods use',
  create: (context) => new HorizontalPodAutoscaler(context),
};
