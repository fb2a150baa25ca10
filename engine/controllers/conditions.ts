// Status conditions of workload objects: lists with at most one entry a type. Lists are never changed in place.
import type { KubeObject } from '../kinds/kind.ts';
import { timestampText } from '../state/index.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** Deployments only: when it was last looked at with progress. */
  readonly lastUpdateTime?: string;
  readonly lastTransitionTime: string;
  readonly reason?: string;
  readonly message?: string;
}

const NONE: readonly Condition[] = Object.freeze([]);

export const conditionsOf = (object: KubeObject): readonly Condition[] =>
  object['status']?.conditions ?? NONE;

export const findCondition = (list: readonly Condition[], type: string): Condition | undefined =>
  list.find((condition) => condition.type === type);

export const withoutCondition = (list: readonly Condition[], type: string): readonly Condition[] =>
  list.some((condition) => condition.type === type)
    ? list.filter((condition) => condition.type !== type)
    : list;

/** The list with the condition set; the same list if status and reason are already so. */
export function withCondition(list: readonly Condition[], condition: Condition): readonly Condition[] {
  const known = findCondition(list, condition.type);
  if (known !== undefined && known.status === condition.status && known.reason === condition.reason)
    return list;
  const kept =
    known !== undefined && known.status === condition.status
      ? { ...condition, lastTransitionTime: known.lastTransitionTime }
      : condition;
  return [...withoutCondition(list, condition.type), kept];
}

export const sameConditions = (a: readonly Condition[], b: readonly Condition[]): boolean =>
  a === b || (a.length === b.length && a.every((condition, i) => sameCondition(condition, b[i]!)));

const sameCondition = (a: Condition, b: Condition): boolean =>
  a === b ||
  (a.type === b.type &&
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.lastUpdateTime === b.lastUpdateTime &&
    a.lastTransitionTime === b.lastTransitionTime);

/** A condition that begins now. */
export function condition(
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
  nowUs: number,
): Condition {
  return { type, status, lastTransitionTime: timestampText(nowUs), reason, message };
}
