// Taints: which follow from a node's conditions and cordon, and how long a pod stays under them.
import { describe, expect, test } from 'vitest';
import { staysUs } from '../../../engine/controllers/taint-eviction.ts';
import { ingestNode } from '../../../engine/kinds/ingest/node.ts';
import {
  noScheduleDiff,
  postedConditions,
  unknownConditions,
} from '../../../engine/kinds/ingest/node-conditions.ts';
import { podTemplateCompiler } from '../../../engine/kinds/ingest/pod-template.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { ClusterState } from '../../../engine/state/index.ts';

const SECOND = 1_000_000;
const NEVER = Number.POSITIVE_INFINITY;
/** Not tolerated: the pod goes at once, and a wait that was begun ends. */
const GOES = -1;
const unreachable = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
const dedicated = { key: 'dedicated', value: 'x', effect: 'NoExecute' };
const tolerate = (key: string, seconds?: number, more: Json = { operator: 'Exists' }): Json => ({
  key,
  effect: 'NoExecute',
  ...more,
  ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
});

describe('a pod', () => {
  test.each<[string, Json[], Json[], number]>([
    ['tolerates nothing', [], [dedicated], GOES],
    ['tolerates the taint for ever', [tolerate('dedicated')], [dedicated], NEVER],
    ['tolerates it for 4 s', [tolerate('dedicated', 4)], [dedicated], 4 * SECOND],
    ['tolerates it for 0 s', [tolerate('dedicated', 0)], [dedicated], 0],
    ['tolerates it for less than nothing', [tolerate('dedicated', -5)], [dedicated], 0],
    [
      'tolerates another value',
      [tolerate('dedicated', 4, { operator: 'Equal', value: 'y' })],
      [dedicated],
      GOES,
    ],
    ['tolerates this value', [tolerate('dedicated', 4, { value: 'x' })], [dedicated], 4 * SECOND],
    ['tolerates another effect', [{ ...tolerate('dedicated'), effect: 'NoSchedule' }], [dedicated], GOES],
    ['tolerates every taint', [{ operator: 'Exists' }], [dedicated, unreachable], NEVER],
    ['tolerates one of two', [tolerate('dedicated')], [dedicated, unreachable], GOES],
    [
      'tolerates two for 4 s and 300 s',
      [tolerate('dedicated', 4), tolerate(unreachable.key, 300)],
      [unreachable, dedicated],
      4 * SECOND,
    ],
    // The first that matches counts, the shortest of those that count.
    [
      'tolerates one taint twice',
      [tolerate('dedicated', 9), tolerate('dedicated', 4)],
      [dedicated],
      9 * SECOND,
    ],
  ])('that %s', (_name, tolerations, taints, us) => {
    expect(staysUs(tolerations, taints)).toBe(us);
  });
});

describe('NoSchedule taints of a node', () => {
  const well = postedConditions([], '2026-01-01T00:00:00Z');
  const silent = unknownConditions(well, '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z');
  const pressed = well.map((c) => (c.type === 'MemoryPressure' ? { ...c, status: 'True' } : c));
  const down = well.map((c) => (c.type === 'Ready' ? { ...c, status: 'False' } : c));
  const taint = (name: string): Json => ({ key: `node.kubernetes.io/${name}`, effect: 'NoSchedule' });
  test.each<[string, Json, string[], string[]]>([
    ['that is well', { status: { conditions: well } }, [], []],
    [
      'that is well and was not',
      { spec: { taints: [taint('not-ready')] }, status: { conditions: well } },
      [],
      ['not-ready'],
    ],
    ['that says nothing and has joined', { spec: { taints: [taint('not-ready')] } }, [], ['not-ready']],
    ['that is silent', { status: { conditions: silent } }, ['unreachable'], []],
    ['that is not ready', { status: { conditions: down } }, ['not-ready'], []],
    [
      'that fell silent after it was not ready',
      { spec: { taints: [taint('not-ready')] }, status: { conditions: silent } },
      ['unreachable'],
      ['not-ready'],
    ],
    ['short of memory', { status: { conditions: pressed } }, ['memory-pressure'], []],
    ['that is cordoned', { spec: { unschedulable: true } }, ['unschedulable'], []],
    ['that was cordoned', { spec: { taints: [taint('unschedulable')] } }, [], ['unschedulable']],
    ['with a taint of its own', { spec: { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] } }, [], []],
  ])('%s', (_name, object, added, gone) => {
    const state = new ClusterState(podTemplateCompiler);
    const whole = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, ...object };
    const node = ingestNode(state, whole, { name: 'n', zone: '', hostname: true, us: 0, revision: 1 });
    const diff = noScheduleDiff(state, node) ?? { added: [], gone: [] };
    const names = (list: readonly { key: string }[]) => list.map(({ key }) => key.split('/')[1]);
    expect([names(diff.added), names(diff.gone)]).toEqual([added, gone]);
  });
});
