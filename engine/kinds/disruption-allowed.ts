// The condition DisruptionAllowed of a PodDisruptionBudget, which the disruption controller and evictions both write
// (component-helpers/apps/poddisruptionbudget/helpers.go, v1.36).
import type { Json } from './kind.ts';

export const DISRUPTION_ALLOWED = 'DisruptionAllowed';

/** As a status with that many disruptions allowed has it. */
export function allowedCondition(status: Json, nowText: string): Json {
  return allowed(status) > 0
    ? conditionOf(status, 'True', 'SufficientPods', '', nowText)
    : conditionOf(status, 'False', 'InsufficientPods', '', nowText);
}

const allowed = (status: Json): number => status.disruptionsAllowed ?? 0;

export const findAllowed = (status: Json | undefined): Json | undefined =>
  status?.conditions?.find(({ type }: Json) => type === DISRUPTION_ALLOWED);

/** A transition begins anew only when the condition's status changes (meta.SetStatusCondition). */
export function conditionOf(
  before: Json,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowText: string,
): Json {
  const known = findAllowed(before);
  return {
    type: DISRUPTION_ALLOWED,
    status,
    ...(before.observedGeneration === undefined ? {} : { observedGeneration: before.observedGeneration }),
    lastTransitionTime: known?.status === status ? known.lastTransitionTime : nowText,
    reason,
    message,
  };
}

/** False: the condition says something else than the numbers. */
export function isUpToDate(status: Json): boolean {
  const known = findAllowed(status);
  if (known === undefined || known.observedGeneration !== status.observedGeneration) return false;
  return allowed(status) > 0
    ? known.status === 'True' && known.reason === 'SufficientPods'
    : known.status === 'False' && known.reason === 'InsufficientPods';
}

/** The status with that condition in place of the one it had. */
export const withAllowed = (status: Json, condition: Json): Json => ({
  ...status,
  conditions: [
    ...(status.conditions ?? []).filter(({ type }: Json) => type !== DISRUPTION_ALLOWED),
    condition,
  ],
});
