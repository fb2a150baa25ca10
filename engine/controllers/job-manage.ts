// The number of pods of a Job: creates what is missing, deletes what is too much (job_controller.go manageJob, v1.36).
import type { PodCreation } from '../contracts/api.ts';
import type { Calls, Pending, Steps } from '../contracts/controller.ts';
import type { Json } from '../kinds/kind.ts';
import { GENERATED_PREFIX_MAX, phaseOf, type TemplateVariant } from '../state/index.ts';
import { together } from './goroutines.ts';
import { remainingUs } from './job-backoff.ts';
import { hasLimitPerIndex, isIndexed, type JobRoom, type JobSync, verdictOf } from './job-context.ts';
import { mergeIndexes, missingIndexes, withIndexes } from './job-indexes.ts';
import {
  indexAnnotations,
  indexLabels,
  isPodReady,
  isPodTerminating,
  isPodTracked,
  type JobPod,
  withoutTracking,
} from './job-pods.ts';
import { type ActiveCandidate, compareActive } from './pod-ranking.ts';
import { isNamespaceTerminating } from './request-failed.ts';

const SECOND = 1_000_000;
/** MaxPodCreateDeletePerSync. */
const BURST = 500;
/** SyncJobBatchPeriod. */
export const BATCH_US = SECOND;

export interface Managed {
  /** Pods that are active now, as far as the answers tell. */
  readonly active: number;
  /** A request was refused: the Job is tried again. */
  readonly failed: boolean;
}

export function* manageJob(room: JobRoom, sync: JobSync, calls: Calls): Steps<Managed> {
  const { spec } = sync;
  const active = sync.active.length;
  if (spec.suspend === true) return yield* deletePods(room, sync, podsToRemove(room, sync, active), calls);
  const wanted = wantedActive(sync);
  const excess = podsToRemove(room, sync, Math.max(0, active - wanted)).slice(0, BURST);
  if (excess.length > 0) return yield* deletePods(room, sync, excess, calls);
  const terminating = sync.onlyReplaceFailed ? sync.terminating : 0;
  const missing = wanted - terminating - active;
  if (missing <= 0) return { active, failed: false };
  return yield* createPods(room, sync, missing, calls);
}

/** Without a number of completions: as many as run in parallel, until one has succeeded; then none is added. */
function wantedActive({ spec, active, succeeded }: JobSync): number {
  if (spec.completions === undefined) return succeeded > 0 ? active.length : spec.parallelism;
  return Math.max(0, Math.min(spec.completions - succeeded, spec.parallelism));
}

// Too many.

/** All whose index is taken or impossible, and others until there are `atLeast`. */
function podsToRemove(room: JobRoom, sync: JobSync, atLeast: number): JobPod[] {
  const removed: JobPod[] = [];
  let left: JobPod[] = [...sync.active];
  if (isIndexed(sync.spec)) {
    left = [];
    const byIndex = new Map<number, JobPod[]>();
    for (const pod of sync.active) {
      if (pod.index < 0 || pod.index >= sync.spec.completions) removed.push(pod);
      else if (byIndex.has(pod.index)) byIndex.get(pod.index)!.push(pod);
      else byIndex.set(pod.index, [pod]);
    }
    for (const index of [...byIndex.keys()].sort((a, b) => a - b)) {
      const ranked = rank(room, byIndex.get(index)!);
      left.push(ranked.pop()!);
      removed.push(...ranked);
    }
  }
  if (removed.length >= atLeast) return removed;
  return [...removed, ...rank(room, left).slice(0, atLeast - removed.length)];
}

/** Those that go first in front (controller.ActivePods). */
function rank(room: JobRoom, pods: readonly JobPod[]): JobPod[] {
  const { ctx } = room;
  if (pods.length < 2) return [...pods];
  const candidates = pods.map((pod): ActiveCandidate & { readonly of: JobPod } => ({
    of: pod,
    node: ctx.pods.node(pod.pod),
    phase: phaseOf(pod.word),
    ready: isPodReady(pod),
    readyUs: ctx.pods.readyUs(pod.pod),
    restarts: pod.restarts,
    createdUs: Math.floor(ctx.pods.table.createdUs[pod.pod]! / SECOND) * SECOND,
  }));
  return candidates.sort(compareActive).map((candidate) => candidate.of);
}

/** Of each pod its finalizer first, so that it is not counted as failed, then the pod; all pods at once. */
function* deletePods(room: JobRoom, sync: JobSync, pods: readonly JobPod[], calls: Calls): Steps<Managed> {
  const { expectations, ctx } = room;
  const { key, seen } = sync;
  expectations.expectDeletions(key, pods.length, ctx.run.kernel.now);
  const active = sync.active.length;
  if (pods.length === 0) return { active, failed: false };
  const { kind, namespace, name } = seen;
  let removed = pods.length;
  let ready = 0;
  calls.each = (reply, arg) => {
    const isPatch = arg < pods.length;
    const i = isPatch ? arg : arg - pods.length;
    const pod = pods[i]!;
    if (isPatch && reply.code < 400) {
      calls.deletePod(pod.pod, pod.generation, -1, i + pods.length);
      return;
    }
    if (reply.code >= 400) {
      expectations.deletionObserved(key);
      if (reply.code !== 404) {
        removed -= 1;
        if (!isPatch)
          ctx.client.event(
            'Warning',
            'FailedDelete',
            kind,
            namespace,
            name,
            `Error deleting: ${reply.message}`,
          );
      }
    } else ctx.client.event('Normal', 'SuccessfulDelete', kind, namespace, name, `Deleted pod: ${pod.name}`);
    if (!isPatch && isPodReady(pod)) ready += 1;
  };
  const begin = (pod: JobPod, i: number): Pending =>
    isPodTracked(pod)
      ? calls.patchPod(pod.pod, pod.generation, withoutTracking, i)
      : calls.deletePod(pod.pod, pod.generation, -1, i + pods.length);
  yield together(pods.length, (i) => begin(pods[i]!, i));
  sync.terminating += removed;
  sync.ready -= ready;
  return { active: active - removed, failed: removed < pods.length };
}

// Too few.

function* createPods(room: JobRoom, sync: JobSync, missing: number, calls: Calls): Steps<Managed> {
  const { ctx } = room;
  const { key, spec } = sync;
  const { now } = ctx.run.kernel;
  const wait = (us: number): Managed => {
    ctx.queue.addAfter(key, Math.max(BATCH_US, us));
    return { active: sync.active.length, failed: false };
  };
  if (!hasLimitPerIndex(spec)) {
    const us = remainingUs(sync.record.failures, sync.record.lastFailureUs, now);
    if (us > 0) return wait(us);
  }
  let count = Math.min(BURST, missing);
  let indexes: readonly number[] | null = null;
  if (isIndexed(spec)) {
    indexes = pendingIndexes(sync, count);
    if (hasLimitPerIndex(spec)) {
      const { due, soonestUs } = dueIndexes(room, sync, indexes);
      if (due.length === 0 && soonestUs > 0) return wait(soonestUs);
      indexes = due;
    }
    count = indexes.length;
  }
  return yield* createBatches(room, sync, count, indexes, calls);
}

/** The lowest indexes that have no pod, have not succeeded and have not failed for good. */
function pendingIndexes(sync: JobSync, count: number): number[] {
  const indexesOf = (pods: readonly JobPod[]): number[] =>
    pods.map(({ index }) => index).filter((index) => index >= 0);
  let taken = withIndexes(sync.succeededIndexes, indexesOf(sync.active));
  if (sync.onlyReplaceFailed) taken = withIndexes(taken, indexesOf(sync.pods.filter(isPodTerminating)));
  if (sync.failedIndexes !== null) taken = mergeIndexes(taken, sync.failedIndexes);
  return missingIndexes(taken, count, sync.spec.completions);
}

/** Which of these have waited long enough since their last failure; if none has, when the first one will have. */
function dueIndexes(
  room: JobRoom,
  { delayed }: JobSync,
  indexes: readonly number[],
): { readonly due: readonly number[]; readonly soonestUs: number } {
  const { now } = room.ctx.run.kernel;
  const due: number[] = [];
  let soonestUs = Number.POSITIVE_INFINITY;
  for (const index of indexes) {
    const last = delayed.get(index);
    const us =
      last === undefined
        ? 0
        : remainingUs(last.failures + last.ignoredFailures + 1, room.pods.finishedUs(last), now);
    if (us === 0) due.push(index);
    else soonestUs = Math.min(soonestUs, us);
  }
  return { due, soonestUs: indexes.length === 0 ? 0 : soonestUs };
}

/** Batches of 1, 2, 4, 8 … that stop at the first failure. */
function* createBatches(
  room: JobRoom,
  sync: JobSync,
  count: number,
  indexes: readonly number[] | null,
  calls: Calls,
): Steps<Managed> {
  const { ctx, expectations } = room;
  const { run, client } = ctx;
  const { key, seen } = sync;
  const { kind, namespace, name } = seen;
  const { recorder, state } = run;
  let active = sync.active.length;
  if (count === 0) return { active, failed: false };
  expectations.expectCreations(key, count, run.kernel.now);
  if (recorder.tracer.enabled) {
    const text = `creating ${count} ${count === 1 ? 'pod' : 'pods'}`;
    recorder.tracer.hop(client.name, kind, namespace, name, text);
  }
  const plain = creationOf(room, sync);
  active += count;
  let failures = 0;
  let started = 0;
  for (let batch = 1; started < count; batch *= 2) {
    const size = Math.min(batch, count - started);
    const before = failures;
    calls.each = (reply) => {
      if (reply.code < 400) {
        const podName = state.podName(reply.id);
        if (recorder.tracer.enabled) recorder.tracer.link('Pod', namespace, podName, kind, namespace, name);
        client.event('Normal', 'SuccessfulCreate', kind, namespace, name, `Created pod: ${podName}`);
        return;
      }
      // A namespace that is going away takes no pods; trying again would not help.
      if (isNamespaceTerminating(reply.code, reply.message)) return;
      failures += 1;
      active -= 1;
      expectations.creationObserved(key);
      client.event('Warning', 'FailedCreate', kind, namespace, name, `Error creating: ${reply.message}`);
    };
    const create = (i: number): Pending =>
      calls.createPod(indexes === null ? plain : indexed(room, sync, plain, indexes[i]!));
    yield together(size, (i) => create(started + i));
    started += size;
    if (failures > before) {
      // What was not tried will not be seen.
      active -= count - started;
      expectations.creationObserved(key, count - started);
      break;
    }
  }
  return { active, failed: failures > 0 };
}

function creationOf({ ctx }: JobRoom, { seen, spec }: JobSync): PodCreation {
  const { api, state } = ctx.run;
  const template = isIndexed(spec) ? withIndexVariable(spec.template) : spec.template;
  return {
    template: api.podTemplate(seen.namespace, template),
    namespace: state.texts.id(seen.namespace),
    owner: seen.id,
    nameBase: state.texts.id(`${seen.name}-`),
    generate: true,
    runUs: Number.NaN,
    tracked: true,
  };
}

/** The creation of the pod of an index: name, host name, label and annotations of its own. */
function indexed(room: JobRoom, sync: JobSync, plain: PodCreation, index: number): PodCreation {
  const { texts, labels } = room.ctx.run.state;
  const { name } = sync.seen;
  const failures = failureCounts(room, sync, index);
  const own = { ...plain.template.labels, ...indexLabels(index) };
  const variant: TemplateVariant = {
    key: failures === null ? `${index}` : `${index}/${failures.counted}/${failures.ignored}`,
    labels: own,
    labelSet: labels.intern(own),
    annotations: indexAnnotations(index, failures),
    hostname: `${name}-${index}`,
  };
  const ending = `-${index}-`;
  const base = name.slice(0, GENERATED_PREFIX_MAX - ending.length) + ending;
  return { ...plain, nameBase: texts.id(base), variant };
}

/** With a limit per index a pod knows how often its index has failed before it (getNewIndexFailureCounts). */
function failureCounts(
  room: JobRoom,
  sync: JobSync,
  index: number,
): { readonly counted: number; readonly ignored: number } | null {
  if (!hasLimitPerIndex(sync.spec)) return null;
  const last = sync.delayed.get(index);
  if (last === undefined) return { counted: 0, ignored: 0 };
  const { counts } = verdictOf(room, sync, last);
  return {
    counted: last.failures + (counts ? 1 : 0),
    ignored: last.ignoredFailures + (counts ? 0 : 1),
  };
}

const INDEX_VARIABLE = {
  name: 'JOB_COMPLETION_INDEX',
  valueFrom: {
    fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" },
  },
};
/** One object a template, for templates are told apart by identity. */
const withVariable = new WeakMap<object, Json>();

/** The template whose containers are told their index, unless they set that variable themselves. */
function withIndexVariable(template: Json): Json {
  let known = withVariable.get(template);
  if (known === undefined) {
    const told = (containers: readonly Json[] | undefined): readonly Json[] | undefined =>
      containers?.map((container) =>
        container.env?.some((one: Json) => one.name === INDEX_VARIABLE.name)
          ? container
          : { ...container, env: [...(container.env ?? []), INDEX_VARIABLE] },
      );
    const { initContainers, containers } = template.spec;
    const spec = {
      ...template.spec,
      ...(initContainers === undefined ? {} : { initContainers: told(initContainers) }),
      containers: told(containers),
    };
    known = { ...template, spec };
    withVariable.set(template, known);
  }
  return known;
}
