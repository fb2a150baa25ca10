// The places of a StatefulSet and who holds them: pods by ordinal, what they are worth, and the status that follows
// (pkg/controller/statefulset/stateful_set_utils.go and updateStatus of stateful_set_control.go, v1.36).
import type { ControllerContext, SeenObject } from '../contracts/controller.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { isTerminal, Phase, PodBit, phaseOf } from '../state/index.ts';
import { isReady } from './pod-view.ts';
import { ordinalOf, REVISION_LABEL, startOrdinal } from './statefulset-identity.ts';

const SECOND = 1_000_000;

/** One ordinal. `pod` -1: nobody holds it. */
export interface Replica {
  readonly ordinal: number;
  readonly pod: number;
  readonly generation: number;
  readonly word: number;
  /** When it became Ready, µs; NaN: it is not. */
  readonly readyUs: number;
  /** Name of its revision; '' without a pod. */
  readonly revision: string;
}

export const isCreated = (replica: Replica): boolean => replica.pod >= 0;
export const hasEnded = (replica: Replica): boolean => isCreated(replica) && isTerminal(replica.word);
export const isTerminating = (replica: Replica): boolean => (replica.word & PodBit.deleting) !== 0;
export const isPending = (replica: Replica): boolean =>
  isCreated(replica) && phaseOf(replica.word) === Phase.pending;
export const isRunningAndReady = (replica: Replica): boolean =>
  isCreated(replica) && phaseOf(replica.word) === Phase.running && isReady(replica.word);

/** Ready for minReadySeconds, counted from the whole second that the condition shows. */
export const isAvailable = (replica: Replica, minReadySeconds: number, nowUs: number): boolean =>
  isCreated(replica) &&
  isReady(replica.word) &&
  (minReadySeconds === 0 || replica.readyUs + minReadySeconds * SECOND <= nowUs);

export const isUnavailable = (replica: Replica, minReadySeconds: number, nowUs: number): boolean =>
  !isAvailable(replica, minReadySeconds, nowUs) || isTerminating(replica);

const NOBODY = { pod: -1, generation: -1, word: 0, readyUs: Number.NaN, revision: '' } as const;

export interface Replicas {
  /** By ordinal from the first one on, as many as spec.replicas. */
  readonly wanted: readonly Replica[];
  /** Pods of other ordinals, the highest first. */
  readonly condemned: readonly Replica[];
}

/** The set's pods as seen, in their places. */
export function replicasOf(ctx: ControllerContext, seen: SeenObject, set: KubeObject): Replicas {
  const { pods, run } = ctx;
  const { table } = pods;
  const { labels } = run.state;
  const start = startOrdinal(set);
  const count: number = set['spec'].replicas ?? 1;
  const wanted: Replica[] = [];
  for (let i = 0; i < count; i++) wanted.push({ ordinal: start + i, ...NOBODY });
  const condemned: Replica[] = [];
  for (let pod = pods.firstOwned(seen.id); pod >= 0; pod = pods.nextOwned(pod)) {
    const ordinal = ordinalOf(pods, run.state, pod, seen.name);
    if (ordinal < 0) continue;
    const replica: Replica = {
      ordinal,
      pod,
      generation: table.generation[pod]!,
      word: pods.word(pod),
      readyUs: pods.readyUs(pod),
      revision: labels.get(pods.labelSet(pod))[REVISION_LABEL] ?? '',
    };
    if (ordinal >= start && ordinal < start + count) wanted[ordinal - start] = replica;
    else condemned.push(replica);
  }
  return { wanted, condemned: condemned.sort((a, b) => b.ordinal - a.ordinal) };
}

/** Names of the revisions that new pods get: below the partition, and from it on. */
export interface RevisionNames {
  readonly current: string;
  readonly update: string;
}

/** Counts of the status. */
export interface ReplicaCounts {
  replicas: number;
  ready: number;
  available: number;
  current: number;
  updated: number;
}

export function countReplicas(
  { wanted, condemned }: Replicas,
  names: RevisionNames,
  minReadySeconds: number,
  nowUs: number,
): ReplicaCounts {
  const counts: ReplicaCounts = { replicas: 0, ready: 0, available: 0, current: 0, updated: 0 };
  for (const list of [wanted, condemned]) {
    for (const replica of list) {
      if (!isCreated(replica)) continue;
      counts.replicas += 1;
      if (isRunningAndReady(replica)) {
        counts.ready += 1;
        if (isAvailable(replica, minReadySeconds, nowUs)) counts.available += 1;
      }
      if (isTerminating(replica)) continue;
      if (replica.revision === names.current) counts.current += 1;
      if (replica.revision === names.update) counts.updated += 1;
    }
  }
  return counts;
}

/** Time until the next Ready pod becomes available, µs; null if none waits for it. */
export function nextAvailableUs(
  { wanted, condemned }: Replicas,
  minReadySeconds: number,
  nowUs: number,
): number | null {
  let next: number | null = null;
  for (const list of [wanted, condemned]) {
    for (const replica of list) {
      if (!isCreated(replica) || !isReady(replica.word)) continue;
      const left = replica.readyUs + minReadySeconds * SECOND - nowUs;
      if (left > 0 && (next === null || left < next)) next = left;
    }
  }
  return next;
}

/** The status to store, or null if the stored one says the same (completeRollingUpdate, inconsistentStatus). */
export function statefulStatus(
  set: KubeObject,
  counts: ReplicaCounts,
  names: RevisionNames,
  collisionCount: number,
): Json | null {
  const { spec, metadata } = set;
  const old: Json = set['status'] ?? {};
  const wanted: number = spec.replicas ?? 1;
  const isComplete =
    spec.updateStrategy?.type === 'RollingUpdate' &&
    [counts.updated, counts.ready, counts.replicas].every((count) => count === wanted);
  const status: Json = {
    observedGeneration: metadata.generation ?? 0,
    replicas: counts.replicas,
    readyReplicas: counts.ready,
    currentReplicas: isComplete ? counts.updated : counts.current,
    updatedReplicas: counts.updated,
    currentRevision: isComplete ? names.update : names.current,
    updateRevision: names.update,
    collisionCount,
    availableReplicas: counts.available,
  };
  const isNews =
    status.observedGeneration > (old.observedGeneration ?? 0) ||
    ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'].some(
      (count) => status[count] !== (old[count] ?? 0),
    ) ||
    ['currentRevision', 'updateRevision'].some((name) => status[name] !== (old[name] ?? ''));
  if (!isNews) return null;
  // Zeros are left out, but for two.
  for (const count of ['readyReplicas', 'currentReplicas', 'updatedReplicas'])
    if (status[count] === 0) delete status[count];
  return status;
}
