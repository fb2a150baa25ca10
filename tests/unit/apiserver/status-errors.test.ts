// Which statuses the server refuses (pkg/apis/apps/validation ValidateStatefulSetStatus, v1.36).
import { describe, expect, it } from 'vitest';
import { statusErrors } from '../../../engine/apiserver/status-errors.ts';
import type { Json } from '../../../engine/kinds/kind.ts';

const told = (kind: string, status: Json): string[] =>
  statusErrors(kind, status).map(({ field, message }) => `${field}: ${message}`);

describe('the status of a StatefulSet', () => {
  it.each<[string, Json, string[]]>([
    ['that counts up to its replicas is fine', { replicas: 2, readyReplicas: 2, availableReplicas: 1 }, []],
    [
      'may not count below 0',
      { replicas: 2, currentReplicas: -1 },
      ['status.currentReplicas: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'may not have more of a kind than replicas, nor more available than ready',
      { replicas: 1, readyReplicas: 1, updatedReplicas: 2, availableReplicas: 2 },
      [
        'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
        'status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas',
        'status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas',
      ],
    ],
  ])('%s', (_what, status, expected) => {
    expect(told('StatefulSet', status)).toEqual(expected);
  });

  it('is judged by rules of its own: other kinds have none here', () => {
    expect(told('Job', { active: -1 })).toEqual([]);
  });
});
