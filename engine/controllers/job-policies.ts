// What a Job's podFailurePolicy says of a failed pod, and whether its successPolicy is met
// (pkg/controller/job/{pod_failure_policy,success_policy}.go, v1.36).
import { disruptionReason } from '../kinds/ingest/materialise.ts';
import type { Json } from '../kinds/kind.ts';
import { type ContainerTemplate, PodBit } from '../state/index.ts';
import { commonIndexes, type IndexSet, indexCount, parseIndexes } from './job-indexes.ts';

export type FailureAction = 'Ignore' | 'Count' | 'FailJob' | 'FailIndex';

export interface FailureVerdict {
  /** null: no rule matched; the failure counts. */
  readonly action: FailureAction | null;
  readonly counts: boolean;
  /** Why the Job fails, for FailJob. */
  readonly message: string | null;
}

/** What the rules ask about a failed pod. */
export interface FailedPod {
  /** namespace/name. */
  readonly key: string;
  /** Packed state. */
  readonly word: number;
  /** Exit code of its containers, which end together; -1: none. */
  readonly exitCode: number;
  readonly containers: readonly ContainerTemplate[];
}

const CONDITION_BITS: Readonly<Record<string, number>> = {
  PodScheduled: PodBit.scheduled,
  Initialized: PodBit.initialized,
  ContainersReady: PodBit.containersReady,
  Ready: PodBit.ready,
  PodReadyToStartContainers: PodBit.sandbox,
};
/** Conditions that the kubelet writes with its first status. */
const BY_KUBELET = new Set(['Initialized', 'ContainersReady', 'Ready', 'PodReadyToStartContainers']);

/** Status of a pod's condition; undefined: the pod has none of that type. */
function conditionStatus(word: number, type: string): 'True' | 'False' | undefined {
  if (type === 'DisruptionTarget') return isDisrupted(word) ? 'True' : undefined;
  const bit = CONDITION_BITS[type];
  if (bit === undefined) return undefined;
  if (word & bit) return 'True';
  if (type === 'PodScheduled') return word & PodBit.unschedulable ? 'False' : undefined;
  return BY_KUBELET.has(type) && word & PodBit.acknowledged ? 'False' : undefined;
}

const isDisrupted = (word: number): boolean => disruptionReason(word) !== '';

/** Name of the first container whose exit code the requirement matches; undefined: none. Code 0 matches nothing. */
function matchingContainer({ exitCode, containers }: FailedPod, requirement: Json): string | undefined {
  if (exitCode <= 0) return undefined;
  const listed = requirement.values.includes(exitCode);
  if ((requirement.operator === 'In') !== listed) return undefined;
  const { containerName } = requirement;
  return containers.find(({ name }) => containerName === undefined || name === containerName)?.name;
}

/** The first rule that matches decides. `policy` undefined: the failure counts. */
export function judgeFailure(policy: Json | undefined, pod: FailedPod): FailureVerdict {
  for (const [i, rule] of (policy?.rules ?? []).entries()) {
    const action: FailureAction = rule.action;
    let why: string | null = null;
    if (rule.onExitCodes) {
      const container = matchingContainer(pod, rule.onExitCodes);
      if (container !== undefined)
        why = `Container ${container} for pod ${pod.key} failed with exit code ${pod.exitCode}`;
    } else if (rule.onPodConditions) {
      const pattern = rule.onPodConditions.find(
        ({ type, status }: Json) => conditionStatus(pod.word, type) === status,
      );
      if (pattern !== undefined) why = `Pod ${pod.key} has condition ${pattern.type}`;
    }
    if (why === null) continue;
    const message = action === 'FailJob' ? `${why} matching ${action} rule at index ${i}` : null;
    return { action, counts: action !== 'Ignore', message };
  }
  return { action: null, counts: true, message: null };
}

/** The message of the rule that is met, or null. */
export function metSuccessRule(
  policy: Json | undefined,
  completions: number,
  succeeded: IndexSet,
): string | null {
  if (succeeded.length === 0) return null;
  for (const [i, rule] of (policy?.rules ?? []).entries()) {
    const { succeededIndexes, succeededCount } = rule;
    let met = false;
    if (succeededIndexes !== undefined) {
      const required = parseIndexes(succeededIndexes, completions);
      if (required.length === 0) continue;
      const common = commonIndexes(required, succeeded);
      met = common === indexCount(required) || (succeededCount !== undefined && common >= succeededCount);
    } else met = succeededCount !== undefined && indexCount(succeeded) >= succeededCount;
    if (met) return `Matched rules at index ${i}`;
  }
  return null;
}
