// What an eviction says when the budget forbids it (pkg/registry/core/pod/storage/eviction.go checkAndDecrement, v1.36).
import { expect, it } from 'vitest';
import { refusal } from '../../../engine/apiserver/eviction.ts';
import type { Json } from '../../../engine/kinds/kind.ts';

const condition = (reason: string, message: string): Json => ({
  type: 'DisruptionAllowed',
  status: 'False',
  reason,
  message,
});

it.each<[string, Json, string]>([
  [
    'too few healthy pods',
    { desiredHealthy: 2, currentHealthy: 2, conditions: [condition('InsufficientPods', '')] },
    'The disruption budget web needs 2 healthy pods and has 2 currently',
  ],
  ['nothing known', {}, 'The disruption budget web needs 0 healthy pods and has 0 currently'],
  // Two evictions in a row: the first took the last disruption, and the pods have not been counted again.
  [
    'used up by evictions that are not counted yet',
    { desiredHealthy: 2, currentHealthy: 3, conditions: [condition('InsufficientPods', '')] },
    'The disruption budget web does not allow evicting pods currently',
  ],
  [
    'numbers that cannot be told',
    { desiredHealthy: 1, currentHealthy: 1, conditions: [condition('SyncFailed', 'no scale')] },
    'The disruption budget web does not allow evicting pods currently because it failed sync: no scale',
  ],
  [
    'another reason that says something',
    { desiredHealthy: 1, currentHealthy: 2, conditions: [condition('Frozen', 'ask later')] },
    'The disruption budget web does not allow evicting pods currently (Frozen): ask later',
  ],
])('%s', (_title, status, text) => {
  expect(refusal('web', status)).toBe(text);
});
