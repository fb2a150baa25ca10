// What a status may not say: the rules of status updates beside conflicts (ValidateStatefulSetStatus of
// pkg/apis/apps/validation/validation.go, v1.36). A controller meets them where its own arithmetic goes wrong: a
// StatefulSet that deletes a pod of a third revision for an update counts its current replicas down to -1, is refused,
// and counts again in its next sync.
//
// Left out: kinds whose controllers cannot write such a status.
import { type FieldError, FieldErrors } from '../kinds/field-errors.ts';
import type { Json } from '../kinds/kind.ts';

const COUNTS = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
] as const;

const NONE: readonly FieldError[] = Object.freeze([]);

function statefulSetErrors(status: Json): readonly FieldError[] {
  const errors = new FieldErrors();
  const of = (count: string): number => status?.[count] ?? 0;
  for (const count of COUNTS)
    if (of(count) < 0) errors.invalid(`status.${count}`, of(count), 'must be greater than or equal to 0');
  for (const count of ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'])
    if (of(count) > of('replicas'))
      errors.invalid(`status.${count}`, of(count), 'cannot be greater than status.replicas');
  if (of('availableReplicas') > of('readyReplicas'))
    errors.invalid(
      'status.availableReplicas',
      of('availableReplicas'),
      'cannot be greater than status.readyReplicas',
    );
  return errors.list;
}

/** In the order in which the server lists them; none for kinds without such rules. */
export const statusErrors = (kind: string, status: Json): readonly FieldError[] =>
  kind === 'StatefulSet' ? statefulSetErrors(status) : NONE;
