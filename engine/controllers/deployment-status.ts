// The status of a Deployment: counts over its ReplicaSets, and the conditions Available and Progressing
// (pkg/controller/deployment/sync.go calculateStatus, progress.go, v1.36). Pure: nothing is written here.
import type { Json, KubeObject } from '../kinds/kind.ts';
import { timestampText, timestampUs } from '../state/index.ts';
import {
  type Condition,
  conditionsOf,
  findCondition,
  withCondition,
  withoutCondition,
} from './conditions.ts';

export const Reason = {
  newReplicaSet: 'NewReplicaSetCreated',
  foundNewReplicaSet: 'FoundNewReplicaSet',
  replicaSetUpdated: 'ReplicaSetUpdated',
  newReplicaSetAvailable: 'NewReplicaSetAvailable',
  timedOut: 'ProgressDeadlineExceeded',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
  failedCreate: 'ReplicaSetCreateError',
  minimumAvailable: 'MinimumReplicasAvailable',
  minimumUnavailable: 'MinimumReplicasUnavailable',
} as const;

export interface DeploymentStatus {
  readonly observedGeneration: number;
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly unavailableReplicas: number;
  /** null while a ReplicaSet does not say. */
  readonly terminatingReplicas: number | null;
  readonly collisionCount: number | undefined;
  readonly conditions: readonly Condition[];
}

/** A condition of a Deployment that begins now. */
export function deploymentCondition(
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
  nowUs: number,
): Condition {
  const time = timestampText(nowUs);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** The status as stored, with what is absent as 0. */
export function readStatus(object: KubeObject): DeploymentStatus {
  const status: Json = object['status'] ?? {};
  return {
    observedGeneration: status.observedGeneration ?? 0,
    replicas: status.replicas ?? 0,
    updatedReplicas: status.updatedReplicas ?? 0,
    readyReplicas: status.readyReplicas ?? 0,
    availableReplicas: status.availableReplicas ?? 0,
    unavailableReplicas: status.unavailableReplicas ?? 0,
    terminatingReplicas: status.terminatingReplicas ?? null,
    collisionCount: status.collisionCount,
    conditions: conditionsOf(object),
  };
}

/** The status as the API stores it: zeros are left out. */
export function writeStatus(status: DeploymentStatus): Json {
  const json: Json = {};
  if (status.observedGeneration > 0) json.observedGeneration = status.observedGeneration;
  if (status.replicas > 0) json.replicas = status.replicas;
  if (status.updatedReplicas > 0) json.updatedReplicas = status.updatedReplicas;
  if (status.readyReplicas > 0) json.readyReplicas = status.readyReplicas;
  if (status.availableReplicas > 0) json.availableReplicas = status.availableReplicas;
  if (status.unavailableReplicas > 0) json.unavailableReplicas = status.unavailableReplicas;
  if (status.terminatingReplicas !== null) json.terminatingReplicas = status.terminatingReplicas;
  if (status.conditions.length > 0) json.conditions = status.conditions;
  if (status.collisionCount !== undefined) json.collisionCount = status.collisionCount;
  return json;
}

const sum = (sets: readonly KubeObject[], count: (set: Json) => number | undefined): number =>
  sets.reduce((total, set) => total + (count(set) ?? 0), 0);

export const specReplicas = (set: KubeObject): number => set['spec'].replicas ?? 1;
export const totalSpecReplicas = (sets: readonly KubeObject[]): number => sum(sets, specReplicas);
export const totalAvailable = (sets: readonly KubeObject[]): number =>
  sum(sets, (s) => s.status?.availableReplicas);
export const totalActual = (sets: readonly KubeObject[]): number => sum(sets, (s) => s.status?.replicas);

/** A ReplicaSet that its controller has not looked at yet counts as 0; one that it has and that does not say, as null. */
function totalTerminating(sets: readonly KubeObject[]): number | null {
  let total = 0;
  for (const set of sets) {
    const count: number | undefined = set['status']?.terminatingReplicas;
    if (count === undefined && (set['status']?.observedGeneration ?? 0) > 0) return null;
    total += count ?? 0;
  }
  return total;
}

/** `sets` are all ReplicaSets, the new one among them if there is one. */
export function calculateStatus(
  deployment: KubeObject,
  sets: readonly KubeObject[],
  newSet: KubeObject | null,
  maxUnavailable: number,
  nowUs: number,
): DeploymentStatus {
  const available = totalAvailable(sets);
  const enough = available >= specReplicas(deployment) - maxUnavailable;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: totalActual(sets),
    updatedReplicas: newSet?.['status']?.replicas ?? 0,
    readyReplicas: sum(sets, (s) => s.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSpecReplicas(sets) - available),
    terminatingReplicas: totalTerminating(sets),
    collisionCount: deployment['status']?.collisionCount,
    conditions: withCondition(
      conditionsOf(deployment),
      enough
        ? deploymentCondition(
            'Available',
            'True',
            Reason.minimumAvailable,
            'Deployment has minimum availability.',
            nowUs,
          )
        : deploymentCondition(
            'Available',
            'False',
            Reason.minimumUnavailable,
            'Deployment does not have minimum availability.',
            nowUs,
          ),
    ),
  };
}

/** All pods are of the new template and available, and no old ones are left (DeploymentComplete). */
export const isComplete = (deployment: KubeObject, status: DeploymentStatus): boolean =>
  status.updatedReplicas === specReplicas(deployment) &&
  status.replicas === specReplicas(deployment) &&
  status.availableReplicas === specReplicas(deployment) &&
  status.observedGeneration >= (deployment.metadata.generation ?? 0);

/** Something moved in the right direction since the stored status (DeploymentProgressing). */
function isProgressing(before: DeploymentStatus, status: DeploymentStatus): boolean {
  return (
    status.updatedReplicas > before.updatedReplicas ||
    status.replicas - status.updatedReplicas < before.replicas - before.updatedReplicas ||
    status.readyReplicas > before.readyReplicas ||
    status.availableReplicas > before.availableReplicas
  );
}

/** math.MaxInt32 stands for no deadline (HasProgressDeadline). */
export function progressDeadlineSeconds(deployment: KubeObject): number | null {
  const seconds: number | undefined = deployment['spec'].progressDeadlineSeconds;
  return seconds === undefined || seconds === 2 ** 31 - 1 ? null : seconds;
}

function isTimedOut(progressing: Condition | undefined, deadlineSeconds: number, nowUs: number): boolean {
  if (progressing === undefined || progressing.reason === Reason.newReplicaSetAvailable) return false;
  if (progressing.reason === Reason.timedOut) return true;
  return timestampUs(progressing.lastUpdateTime) + deadlineSeconds * 1_000_000 < nowUs;
}

/** Time until a rollout without progress is to be looked at, µs, not rounded up; null: no need. */
export function stuckCheckUs(deployment: KubeObject, status: DeploymentStatus, nowUs: number): number | null {
  const deadline = progressDeadlineSeconds(deployment);
  const progressing = findCondition(conditionsOf(deployment), 'Progressing');
  if (deadline === null || progressing === undefined) return null;
  if (isComplete(deployment, status) || progressing.reason === Reason.timedOut) return null;
  return timestampUs(progressing.lastUpdateTime) + deadline * 1_000_000 - nowUs;
}

/** The status of a rollout: adds what is known about its progress (syncRolloutStatus). */
export function rolloutStatus(
  deployment: KubeObject,
  sets: readonly KubeObject[],
  newSet: KubeObject | null,
  maxUnavailable: number,
  nowUs: number,
): DeploymentStatus {
  const status = calculateStatus(deployment, sets, newSet, maxUnavailable, nowUs);
  let { conditions } = status;
  const deadline = progressDeadlineSeconds(deployment);
  const current = findCondition(conditionsOf(deployment), 'Progressing');
  if (deadline === null) conditions = withoutCondition(conditions, 'Progressing');
  const finished =
    status.replicas === status.updatedReplicas && current?.reason === Reason.newReplicaSetAvailable;
  if (deadline !== null && !finished) {
    const what =
      newSet === null ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
    if (isComplete(deployment, status)) {
      const text = `${what} has successfully progressed.`;
      conditions = withCondition(
        conditions,
        deploymentCondition('Progressing', 'True', Reason.newReplicaSetAvailable, text, nowUs),
      );
    } else if (isProgressing(readStatus(deployment), status)) {
      let next = deploymentCondition(
        'Progressing',
        'True',
        Reason.replicaSetUpdated,
        `${what} is progressing.`,
        nowUs,
      );
      // Every sign of progress moves lastUpdateTime, also when status and reason stay.
      if (current?.status === 'True') next = { ...next, lastTransitionTime: current.lastTransitionTime };
      conditions = [...withoutCondition(conditions, 'Progressing'), next];
    } else if (isTimedOut(findCondition(conditions, 'Progressing'), deadline, nowUs)) {
      const text = `${what} has timed out progressing.`;
      conditions = withCondition(
        conditions,
        deploymentCondition('Progressing', 'False', Reason.timedOut, text, nowUs),
      );
    }
  }
  const failure = replicaFailure(sets, newSet);
  conditions =
    failure === undefined
      ? withoutCondition(conditions, 'ReplicaFailure')
      : withCondition(conditions, failure);
  return { ...status, conditions };
}

/** The first failure of a ReplicaSet, of the new one if it has one. */
function replicaFailure(sets: readonly KubeObject[], newSet: KubeObject | null): Condition | undefined {
  for (const set of newSet === null ? sets : [newSet, ...sets]) {
    const found = findCondition(conditionsOf(set), 'ReplicaFailure');
    if (found !== undefined) return { ...found, lastUpdateTime: found.lastTransitionTime };
  }
  return undefined;
}

export function isSameStatus(a: DeploymentStatus, b: DeploymentStatus): boolean {
  return (
    a.observedGeneration === b.observedGeneration &&
    a.replicas === b.replicas &&
    a.updatedReplicas === b.updatedReplicas &&
    a.readyReplicas === b.readyReplicas &&
    a.availableReplicas === b.availableReplicas &&
    a.unavailableReplicas === b.unavailableReplicas &&
    a.terminatingReplicas === b.terminatingReplicas &&
    a.collisionCount === b.collisionCount &&
    JSON.stringify(a.conditions) === JSON.stringify(b.conditions)
  );
}
