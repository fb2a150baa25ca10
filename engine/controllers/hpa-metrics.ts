// What the resource metrics API tells of the pods that an autoscaler looks at, and how many replicas follow from it
// (pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go, v1.36). Values are thousandths, whole
// numbers as upstream; ratios are floating point as upstream.
import type { Json } from '../kinds/kind.ts';
import { quantityMilli } from '../kinds/quantity.ts';

const SECOND = 1_000_000;
/** --horizontal-pod-autoscaler-cpu-initialization-period */
const CPU_INITIALIZATION_US = 5 * 60 * SECOND;
/** --horizontal-pod-autoscaler-initial-readiness-delay */
const INITIAL_READINESS_US = 30 * SECOND;
/** --horizontal-pod-autoscaler-tolerance */
const TOLERANCE = 0.1;

export interface Sample {
  /** Use of the containers looked at. */
  readonly milli: number;
  readonly timeUs: number;
  readonly windowUs: number;
}

/** A pod as the autoscaler's lister has it. */
export interface MetricPod {
  readonly name: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly deleting: boolean;
  readonly ready: boolean;
  /** Start as the API prints it; NaN: the kubelet has not seen it. */
  readonly startUs: number;
  /** Last change of the condition Ready, as the API prints it. */
  readonly readyChangeUs: number;
  readonly spec: Json;
  /** The metrics API has an entry for the pod; absent: if there is a sample. */
  readonly listed?: boolean;
  /** null: it tells nothing of that resource and container. */
  readonly sample: Sample | null;
}

export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export const tolerancesOf = (behavior: Json): Tolerances => ({
  up: toleranceOf(behavior?.scaleUp),
  down: toleranceOf(behavior?.scaleDown),
});

const toleranceOf = (rules: Json): number =>
  rules?.tolerance === undefined ? TOLERANCE : quantityMilli(rules.tolerance) / 1000;

const within = (ratio: number, { up, down }: Tolerances): boolean => 1 - down <= ratio && ratio <= 1 + up;

export interface Groups {
  readonly ready: number;
  readonly unready: readonly MetricPod[];
  readonly missing: readonly MetricPod[];
  /** Samples that count, by pod. */
  readonly metrics: Map<MetricPod, number>;
  /** Time alone may change the groups. */
  readonly waiting: boolean;
}

export function groupPods(pods: readonly MetricPod[], resource: string, nowUs: number): Groups {
  let ready = 0;
  let waiting = false;
  const unready: MetricPod[] = [];
  const missing: MetricPod[] = [];
  const metrics = new Map<MetricPod, number>();
  for (const pod of pods) {
    if (pod.deleting || pod.phase === 'Failed') continue;
    if (pod.phase === 'Pending') unready.push(pod);
    else if (pod.sample === null) missing.push(pod);
    else if (resource === 'cpu' && isUnready(pod, pod.sample, nowUs)) {
      unready.push(pod);
      if (pod.startUs + CPU_INITIALIZATION_US > nowUs) waiting = true;
    } else {
      ready += 1;
      metrics.set(pod, pod.sample.milli);
    }
    if (pod.phase === 'Running' && pod.sample === null) waiting = true;
  }
  return { ready, unready, missing, metrics, waiting };
}

/** CPU of a pod that starts up says nothing: it is left out until it is Ready and measured for a whole window. */
function isUnready(pod: MetricPod, sample: Sample, nowUs: number): boolean {
  if (Number.isNaN(pod.startUs)) return true;
  if (pod.startUs + CPU_INITIALIZATION_US > nowUs)
    return !pod.ready || sample.timeUs < pod.readyChangeUs + sample.windowUs;
  return !pod.ready && pod.startUs + INITIAL_READINESS_US > pod.readyChangeUs;
}

/** What is proposed: a number of replicas and what was measured; or why nothing can be. */
export type Proposal =
  | { readonly replicas: number; readonly utilization?: number; readonly averageMilli: number }
  | { readonly error: string };

/** Requests of the containers looked at, by pod; a text: one of them has none. */
function requestsOf(
  pods: readonly MetricPod[],
  resource: string,
  container: string,
): Map<MetricPod, number> | string {
  const requests = new Map<MetricPod, number>();
  for (const pod of pods) {
    const whole = pod.spec.resources?.requests?.[resource];
    if (container === '' && whole !== undefined) {
      requests.set(pod, quantityMilli(whole));
      continue;
    }
    let sum = 0;
    const sidecars = (pod.spec.initContainers ?? []).filter((c: Json) => c.restartPolicy === 'Always');
    for (const one of [...(pod.spec.containers ?? []), ...sidecars]) {
      if (container !== '' && container !== one.name) continue;
      const request = one.resources?.requests?.[resource];
      if (request === undefined)
        return `missing request for ${resource} in container ${one.name} of Pod ${pod.name}`;
      sum += quantityMilli(request);
    }
    requests.set(pod, sum);
  }
  return requests;
}

interface Target {
  readonly resource: string;
  /** '' : all containers. */
  readonly container: string;
  /** Percent of the request, or null. */
  readonly utilization: number | null;
  /** Thousandths a pod, where no utilization is asked for. */
  readonly averageMilli: number;
}

export function proposeReplicas(
  pods: readonly MetricPod[],
  groups: Groups,
  target: Target,
  current: number,
  tolerances: Tolerances,
): Proposal {
  const { resource, container } = target;
  if (!pods.some(({ listed, sample }) => listed ?? sample !== null)) {
    const error = `unable to get metrics for resource ${resource}: no metrics returned from resource metrics API`;
    return { error };
  }
  if (groups.metrics.size === 0) {
    return { error: 'did not receive metrics for targeted pods (pods might be unready)' };
  }
  const requests = target.utilization === null ? null : requestsOf(pods, resource, container);
  if (typeof requests === 'string') return { error: requests };
  const first = usageOf(groups.metrics, requests, target);
  if (first === null) return { error: 'no metrics returned matched known pods' };
  const told = {
    averageMilli: first.averageMilli,
    ...(target.utilization === null ? {} : { utilization: first.utilization }),
  };
  const stay = { replicas: current, ...told };
  const upWithUnready = groups.unready.length > 0 && first.ratio > 1;
  if (!upWithUnready && groups.missing.length === 0) {
    if (within(first.ratio, tolerances)) return stay;
    return { replicas: Math.ceil(first.ratio * groups.ready), ...told };
  }
  const metrics = new Map(groups.metrics);
  for (const pod of groups.missing) {
    // As if they used all they may when shrinking, nothing when growing.
    if (first.ratio < 1) metrics.set(pod, fallback(pod, requests, target));
    else if (first.ratio > 1 || requests === null) metrics.set(pod, 0);
  }
  if (upWithUnready) for (const pod of groups.unready) metrics.set(pod, 0);
  const second = usageOf(metrics, requests, target);
  if (second === null) return { error: 'no metrics returned matched known pods' };
  const turned = (first.ratio < 1 && second.ratio > 1) || (first.ratio > 1 && second.ratio < 1);
  if (within(second.ratio, tolerances) || turned) return stay;
  const replicas = Math.ceil(second.ratio * metrics.size);
  if ((second.ratio < 1 && replicas > current) || (second.ratio > 1 && replicas < current)) return stay;
  return { replicas, ...told };
}

function fallback(pod: MetricPod, requests: ReadonlyMap<MetricPod, number> | null, target: Target): number {
  if (requests === null) return target.averageMilli;
  return Math.floor((requests.get(pod)! * Math.max(100, target.utilization!)) / 100);
}

/** Ratio of what is used to what is aimed at; whole numbers are cut off as upstream. */
function usageOf(
  metrics: ReadonlyMap<MetricPod, number>,
  requests: ReadonlyMap<MetricPod, number> | null,
  target: Target,
): { ratio: number; utilization: number; averageMilli: number } | null {
  let used = 0;
  let asked = 0;
  for (const [pod, milli] of metrics) {
    used += milli;
    asked += requests?.get(pod) ?? 0;
  }
  const averageMilli = Math.floor(used / metrics.size);
  if (requests === null) return { ratio: averageMilli / target.averageMilli, utilization: 0, averageMilli };
  if (asked === 0) return null;
  const utilization = Math.floor((used * 100) / asked);
  return { ratio: utilization / target.utilization!, utilization, averageMilli };
}
