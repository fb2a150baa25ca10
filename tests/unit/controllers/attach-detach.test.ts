// Volumes in whole runs with backends of constant times: when they are made, attached, mounted, and taken from a node
// that is gone.
import { describe, expect, it, test } from 'vitest';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { RunResult } from '../../../engine/contracts/result.ts';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { StorageBackend } from '../../../engine/contracts/storage-backend.ts';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { storageBackends } from '../../../policies/costs/storage/index.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { create, pod, SECOND, scenario } from '../../property/simulation/scenario.ts';

const base: StorageBackend = {
  ...storageBackends['ceph-rbd']!,
  provisionUs: 4 * SECOND,
  deleteUs: 2 * SECOND,
  attachUs: 3 * SECOND,
  detachUs: SECOND,
  stageUs: 2 * SECOND,
  unstageUs: SECOND,
  publishUs: SECOND,
  unpublishUs: SECOND,
};

const costsWith = (backend: Partial<StorageBackend> = {}): CostPreset => ({
  ...zero,
  storage: { own: { ...base, ...backend } },
});

const storageClass = (fields: Json = {}): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'own' },
  provisioner: base.driver,
  volumeBindingMode: 'Immediate',
  ...fields,
});

const claim = (name: string, spec: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'own',
    resources: { requests: { storage: '1Gi' } },
    ...spec,
  },
});

const user = (name: string, claimName: string, spec: Json = {}): KubeObject =>
  pod(name, '100m', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }], ...spec });

interface Run {
  readonly timeline: Timeline;
  readonly result: RunResult;
  /** Times, s, of Events of that reason about the object. */
  events(object: string, reason: string): string[];
  /** Seconds at which the pod was Ready. */
  ready(name: string): number[];
}

function run(
  steps: readonly TimedStep[],
  {
    costs = costsWith(),
    nodes = 2,
    untilS = 1200,
  }: { costs?: CostPreset; nodes?: number; untilS?: number } = {},
): Run {
  let timeline: Timeline | undefined;
  const result = simulateBuiltIn(
    scenario([{ count: nodes, zones: ['a', 'b'] }], steps, {
      costs,
      untilUs: untilS * SECOND,
      stopWhenIdle: false,
    }),
    { timeline: (told) => (timeline = told) },
  );
  const { events, transitions } = timeline!;
  return {
    timeline: timeline!,
    result,
    events: (object, reason) =>
      events.filter((e) => e.o === object && e.reason === reason).map((e) => e.message),
    ready: (name) =>
      [...transitions]
        .filter((row) => row.o === `Pod/${name}` && row.w === 'ready' && row.v === 'True')
        .map(({ t }) => t / 1000),
  };
}

const latency = (result: RunResult, name: string): number[] => {
  const { summary } = result as unknown as { summary: Json };
  const { count, min, max } = summary.latency[name];
  // To the millisecond: what is seen together is looked at within the next microseconds.
  const rounded = (s: number): number => Math.round(s * 1000) / 1000;
  return [count, rounded(min), rounded(max)];
};

describe('a pod with a claim', () => {
  it('waits for provisioning, attaching and mounting', () => {
    const { result, ready } = run([create(0, storageClass(), claim('c'), user('p', 'c'))], { untilS: 60 });
    expect(latency(result, 'volume.provision')).toEqual([1, 4, 4]);
    expect(latency(result, 'volume.attach')).toEqual([1, 3, 3]);
    const [, mounted] = latency(result, 'volume.mount');
    // At least 3 s of attaching and 3 s of staging and publishing; the node's status is at most 10 s away, and what is
    // looked for at 0.5, 1.5, 3.5, 7.5, 15.5 s is found at the latest at 15.5 s.
    expect(mounted).toBeGreaterThanOrEqual(6.5);
    expect(mounted).toBeLessThanOrEqual(15.5 + 3 + 0.3);
    expect(ready('p')[0]).toBeGreaterThanOrEqual(4 + mounted!);
  });

  it('is told of in volumes.csv with every node that its data went to', () => {
    const rows: (readonly unknown[])[] = [];
    simulateBuiltIn(
      scenario([{ count: 2 }], [create(0, storageClass(), claim('c'), user('p', 'c'))], {
        costs: costsWith(),
        untilUs: 60 * SECOND,
        stopWhenIdle: false,
      }),
      {
        sinks: [
          {
            open: () => ({
              table: ({ name }: { name: string }) =>
                name === 'volumes' ? { row: (cells: readonly unknown[]) => rows.push([...cells]) } : null,
              close: () => {},
            }),
          },
        ] as never,
      },
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.slice(4, 6)).toEqual(['default/c', 'own']);
    expect(rows[0]!.slice(8, 11)).toEqual([1, 0, 1]);
    expect(rows[0]![11]).toMatch(/^node-[12]$/);
  });

  it('does not wait for attaching where nothing is attached', () => {
    const costs = costsWith({ attachRequired: false });
    const { result } = run([create(0, storageClass(), claim('c'), user('p', 'c'))], { costs, untilS: 60 });
    // 2 s staging and 1 s publishing, a multiple of 300 ms.
    expect(latency(result, 'volume.mount')).toEqual([1, 3, 3]);
  });

  it('waits for a node first where the class says so, and its volume is in that zone', () => {
    const waits = storageClass({ volumeBindingMode: 'WaitForFirstConsumer' });
    const { timeline, ready } = run([create(0, waits, claim('c'), user('p', 'c'))], {
      costs: costsWith({ reach: 'zone', attachRequired: false }),
      untilS: 60,
    });
    expect(timeline.final['PersistentVolumeClaim/c']!['phase']).toBe('Bound');
    // 4 s of provisioning, seen at the poll of the fifth second at the latest; then 3 s.
    expect(ready('p')[0]).toBeGreaterThanOrEqual(7);
    expect(ready('p')[0]).toBeLessThan(9);
  });

  it('of a mode that the backend does not have gets none', () => {
    const { events, ready } = run(
      [create(0, storageClass(), claim('c', { accessModes: ['ReadWriteMany'] }), user('p', 'c'))],
      { untilS: 30 },
    );
    expect(events('PersistentVolumeClaim/c', 'ProvisioningFailed')[0]).toContain(
      'ReadWriteMany is not supported',
    );
    expect(ready('p')).toEqual([]);
  });

  it('leaves nothing behind when the claim goes', () => {
    const { timeline } = run(
      [
        create(0, storageClass(), claim('c'), user('p', 'c')),
        {
          atUs: 60 * SECOND,
          do: 'delete-pod',
          objects: [],
          target: { kind: 'Pod', namespace: 'default', name: 'p' },
        },
        {
          atUs: 90 * SECOND,
          do: 'delete',
          objects: [],
          target: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'c' },
        },
      ],
      { untilS: 300 },
    );
    const left = Object.keys(timeline.final).filter(
      (key) => key.startsWith('Persistent') || key.startsWith('Pod/'),
    );
    expect(left).toEqual([]);
  });
});

describe('a volume of one node at a time', () => {
  const on = (node: string): Json => ({ nodeSelector: { 'kubernetes.io/hostname': node } });
  const stop = (s: number, node: string): TimedStep =>
    ({ atUs: s * SECOND, do: 'stop-node', objects: [], nodes: { names: [node] } }) as unknown as TimedStep;
  const kill = (s: number, name: string): TimedStep => ({
    atUs: s * SECOND,
    do: 'delete-pod',
    objects: [],
    target: { kind: 'Pod', namespace: 'default', name },
    graceSeconds: 0,
  });
  const begin = create(0, storageClass(), claim('c'), user('p', 'c', on('node-1')));

  it('moves when its pod has gone', () => {
    const { result, events, ready } = run([
      begin,
      { ...kill(100, 'p'), graceSeconds: 5 },
      create(101_000, user('q', 'c', on('node-2'))),
    ]);
    expect(events('Pod/q', 'FailedAttachVolume')).toHaveLength(1);
    // 1 s unpublish and 1 s unstage, told with the node's status within 10 s, 1 s detach, 3 s attach, at most 15.5 s until
    // the kubelet looks, 3 s mount.
    expect(ready('q')[0]).toBeGreaterThanOrEqual(101 + 1 + 1 + 3);
    expect(ready('q')[0]).toBeLessThan(101 + 2 + 10 + 1 + 3 + 63 + 4);
    expect(latency(result, 'volume.detach')).toEqual([1, 1, 1]);
  });

  test.each([
    // when its node dies, when the pod is removed by force, when the new one is there; attached 6 min after the removal
    [100, 200],
    [100, 400],
  ])('is taken from a node dead at %d s six minutes after its pod went at %d s', (deadS, goneS) => {
    const { events, timeline, ready } = run(
      [
        begin,
        stop(deadS, 'node-1'),
        kill(goneS, 'p'),
        create(goneS * 1000 + 1000, user('q', 'c', on('node-2'))),
      ],
      { untilS: 1500 },
    );
    expect(events('Pod/q', 'FailedAttachVolume')[0]).toMatch(
      /^Multi-Attach error for volume "pvc-.*" Volume is already exclusively attached to one node and can't be attached to another$/,
    );
    const attached = timeline.events.find((e) => e.o === 'Pod/q' && e.reason === 'SuccessfulAttachVolume')!;
    // 360 s, 1 s detach, 3 s attach, three looks of 100 ms.
    const { first } = attached as unknown as { first: readonly number[] | number };
    const atS = (typeof first === 'number' ? first : first[0]!) / 1000;
    expect(atS).toBeGreaterThanOrEqual(goneS + 364);
    expect(atS).toBeLessThan(goneS + 364.5);
    expect(ready('q')).toHaveLength(1);
  });
});

it('attach limits keep pods off nodes that are full', () => {
  const objects = [1, 2, 3].flatMap((n) => [claim(`c${n}`), user(`p${n}`, `c${n}`)]);
  const { ready, events } = run([create(0, storageClass()), create(1000, ...objects)], {
    costs: costsWith({ attachLimit: 2 }),
    nodes: 1,
    untilS: 60,
  });
  expect([1, 2, 3].filter((n) => ready(`p${n}`).length > 0)).toHaveLength(2);
  const refused = [1, 2, 3].flatMap((n) => events(`Pod/p${n}`, 'FailedScheduling'));
  expect(refused.some((text) => text.includes('node(s) exceed max volume count'))).toBe(true);
});
