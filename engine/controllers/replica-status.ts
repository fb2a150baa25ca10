// The status of a ReplicaSet or ReplicationController from what is known of its pods
// (pkg/controller/replicaset/replica_set_utils.go calculateStatus, v1.36).
import type { OwnedPods, SeenPods } from '../contracts/controller.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { LabelSets, Labels } from '../state/index.ts';
import {
  type Condition,
  condition,
  conditionsOf,
  sameConditions,
  withCondition,
  withoutCondition,
} from './conditions.ts';
import { isActive, isReady } from './pod-view.ts';

const SECOND = 1_000_000;

/** Counts of an owner's pods at one moment. */
export interface PodCounts {
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  readonly fullyLabeled: number;
  /** When each Ready pod became so, µs; only where minReadySeconds asks for it. */
  readonly readySinceUs: readonly number[] | null;
}

const NO_PODS: PodCounts = { active: 0, ready: 0, terminating: 0, fullyLabeled: 0, readySinceUs: null };

export const includes = (labels: Labels, part: Labels): boolean =>
  Object.keys(part).every((key) => labels[key] === part[key]);

export function countPods(
  pods: SeenPods,
  owner: number,
  templateLabels: Labels,
  minReadySeconds: number,
  sets: LabelSets,
): PodCounts {
  const owned: OwnedPods | undefined = pods.owned(owner);
  if (owned === undefined) return NO_PODS;
  let fullyLabeled = 0;
  for (const [labelSet, count] of owned.activeByLabels) {
    if (includes(sets.get(labelSet), templateLabels)) fullyLabeled += count;
  }
  const { active, ready, terminating } = owned;
  return {
    active,
    ready,
    terminating,
    fullyLabeled,
    readySinceUs: minReadySeconds > 0 ? readySince(pods, owner) : null,
  };
}

function readySince(pods: SeenPods, owner: number): number[] {
  const since: number[] = [];
  for (let pod = pods.firstOwned(owner); pod >= 0; pod = pods.nextOwned(pod)) {
    if (isActive(pods.word(pod)) && isReady(pods.word(pod))) since.push(pods.readyUs(pod));
  }
  return since;
}

/** Ready for at least minReadySeconds (podutil.IsPodAvailable). */
export function availableCount(counts: PodCounts, minReadySeconds: number, nowUs: number): number {
  if (counts.readySinceUs === null) return counts.ready;
  let available = 0;
  for (const since of counts.readySinceUs) if (since + minReadySeconds * SECOND <= nowUs) available += 1;
  return available;
}

/** Time until the next Ready pod becomes available, µs; null if none is waiting. */
export function nextAvailableUs(counts: PodCounts, minReadySeconds: number, nowUs: number): number | null {
  let next: number | null = null;
  for (const since of counts.readySinceUs ?? []) {
    const left = since + minReadySeconds * SECOND - nowUs;
    if (left > 0 && (next === null || left < next)) next = left;
  }
  return next;
}

export interface SyncFailure {
  /** FailedCreate or FailedDelete. */
  readonly reason: string;
  readonly message: string;
}

/** The status to store, or null if the stored one says the same. Zeros are left out, as the API leaves them out. */
export function replicaStatus(
  stored: KubeObject,
  counts: PodCounts,
  available: number,
  failure: SyncFailure | null,
  hasTerminating: boolean,
  nowUs: number,
): Json | null {
  const old: Json = stored['status'] ?? {};
  const before = conditionsOf(stored);
  const conditions = failureConditions(before, failure, nowUs);
  if (
    (old.replicas ?? 0) === counts.active &&
    (old.fullyLabeledReplicas ?? 0) === counts.fullyLabeled &&
    (old.readyReplicas ?? 0) === counts.ready &&
    (old.availableReplicas ?? 0) === available &&
    (!hasTerminating || old.terminatingReplicas === counts.terminating) &&
    (old.observedGeneration ?? 0) === (stored.metadata.generation ?? 0) &&
    sameConditions(before, conditions)
  ) {
    return null;
  }
  const status: Json = { replicas: counts.active };
  if (counts.fullyLabeled > 0) status.fullyLabeledReplicas = counts.fullyLabeled;
  if (counts.ready > 0) status.readyReplicas = counts.ready;
  if (available > 0) status.availableReplicas = available;
  if (hasTerminating) status.terminatingReplicas = counts.terminating;
  if (stored.metadata.generation) status.observedGeneration = stored.metadata.generation;
  if (conditions.length > 0) status.conditions = conditions;
  return status;
}

/** ReplicaFailure is set by the first failure, kept while it lasts, and removed by success. */
function failureConditions(
  before: readonly Condition[],
  failure: SyncFailure | null,
  nowUs: number,
): readonly Condition[] {
  if (failure === null) return withoutCondition(before, 'ReplicaFailure');
  if (before.some((known) => known.type === 'ReplicaFailure')) return before;
  return withCondition(before, condition('ReplicaFailure', 'True', failure.reason, failure.message, nowUs));
}
