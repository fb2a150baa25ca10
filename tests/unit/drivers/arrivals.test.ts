// What workloads bring: created when due, one template for equal pods, deleted again when their life is over.
import { describe, expect, it } from 'vitest';
import type { Arrival } from '../../../engine/contracts/workload.ts';
import { ArrivalDriver } from '../../../engine/drivers/arrivals.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { cluster, podObject } from '../apiserver/cluster.ts';

const MS = 1000;
const costs = {
  ...zero,
  apiserver: { ...zero.apiserver, networkUs: 5 * MS, handlerUs: { '*': 10 * MS, 'list limitranges': 0 } },
};

function play(workloads: readonly (readonly Arrival[])[], untilMs?: number) {
  const c = cluster({ ...costs, apiserver: { ...costs.apiserver, concurrency: 1000 } });
  c.seeder.namespaces(['other']);
  const lines: string[] = [];
  const line = (verb: number, namespace: string, name: string): void =>
    void lines.push(`${c.kernel.now / MS} ${['added', 'modified', 'deleted'][verb]} ${namespace}/${name}`);
  c.server.watch('pods', (log, from, to) => {
    for (let p = from; p < to; p++)
      line(log.verb(p), c.state.podNamespace(log.id(p)), c.state.podName(log.id(p)));
  });
  c.server.watch('ReplicaSet', (log, from, to) => {
    for (let p = from; p < to; p++) {
      const { metadata } = log.object(p) as KubeObject;
      line(log.verb(p), metadata.namespace!, metadata.name!);
    }
  });
  new ArrivalDriver(
    c.context,
    workloads.map((arrivals) => arrivals[Symbol.iterator]()),
  ).start();
  c.kernel.run(untilMs === undefined ? undefined : untilMs * MS);
  return { ...c, lines };
}

const shape = podObject('job');
const replicaSet: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web' },
  spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: {} },
};

describe('arrivals', () => {
  it('are created when due, 5 + 10 ms later, without waiting for each other', () => {
    const { lines } = play([
      [
        { atUs: 0, object: shape, name: 'a' },
        { atUs: 0, object: shape, name: 'b' },
        { atUs: 100 * MS, object: shape, name: 'c' },
      ],
    ]);
    expect(lines).toEqual(['15 added default/a', '15 added default/b', '115 added default/c']);
  });

  it('of several workloads interleave by time', () => {
    const at = (ms: number, name: string): Arrival => ({ atUs: ms * MS, object: shape, name });
    const { lines } = play([
      [at(0, 'a1'), at(200, 'a2')],
      [at(100, 'b1'), at(300, 'b2')],
    ]);
    expect(lines.map((text) => text.split('/')[1])).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('are pulled one ahead: an endless workload is no problem', () => {
    function* endless(): Generator<Arrival> {
      for (let i = 0; ; i++) yield { atUs: i * 100 * MS, object: shape, name: `p${i}` };
    }
    const c = cluster(costs);
    new ArrivalDriver(c.context, [endless()]).start();
    c.kernel.run(1_000_000);
    // Created at 15, 115, …, 915 ms.
    expect(c.state.pods.created).toBe(10);
  });

  it('that go back in time are refused', () => {
    const late = { atUs: 100, object: shape, name: 'a' };
    expect(() => play([[late, { atUs: 50, object: shape, name: 'b' }]])).toThrow(
      'workload 0: an arrival at 50 us follows one at 100 us',
    );
  });

  it('of equal pods share one template and keep their own run times', () => {
    const arrivals = Array.from({ length: 50 }, (_, i) => ({
      atUs: i,
      object: shape,
      name: `p${i}`,
      runUs: i * MS,
    }));
    const { state } = play([arrivals]);
    const live = state.pods.livePods();
    expect(new Set(live.map((pod) => state.pods.template[pod])).size).toBe(1);
    expect(live.map((pod) => state.pods.runUs[pod]).sort((a, b) => a! - b!)).toEqual(
      arrivals.map((a) => a.runUs),
    );
  });

  it('take their namespace from the arrival, then from the object', () => {
    const { lines } = play([
      [
        { atUs: 0, object: shape, name: 'a' },
        { atUs: 0, object: shape, name: 'b', namespace: 'other' },
      ],
    ]);
    expect(lines).toEqual(['15 added default/a', '15 added other/b']);
  });
});

describe('lifetimes', () => {
  // Of the 10 ms for the DELETE half lie between its two writes: the grace period of 0, and the end.
  it('run from the answer to the creation: 20 + 500 + 15 ms', () => {
    const { lines } = play([[{ atUs: 0, object: shape, name: 'a', lifetimeUs: 500 * MS }]]);
    expect(lines).toEqual(['15 added default/a', '530 modified default/a', '535 deleted default/a']);
  });

  it('end objects, too', () => {
    const { lines } = play([[{ atUs: 0, object: replicaSet, lifetimeUs: 500 * MS }]]);
    expect(lines).toEqual(['15 added default/web', '535 deleted default/web']);
  });

  it('of a pod that is gone already end nothing: its row may belong to another', () => {
    const c = cluster(costs);
    const arrivals: Arrival[] = [{ atUs: 0, object: shape, name: 'a', lifetimeUs: 500 * MS }];
    new ArrivalDriver(c.context, [arrivals[Symbol.iterator]()]).start();
    c.server.watch('pods', () => {});
    const client = c.server.client('test', { qps: 0, burst: 0 });
    c.kernel.run(100 * MS);
    client.deletePod(0, 0, 0, null);
    c.kernel.run(200 * MS);
    client.create(podObject('b'), null);
    c.kernel.run();
    expect(c.state.pods.livePods().map((pod) => c.state.podName(pod))).toEqual(['b']);
  });

  it('a refused arrival is counted as a loss and has no end', () => {
    const { recorder, lines } = play([
      [
        { atUs: 0, object: shape, name: 'a', lifetimeUs: 500 * MS },
        { atUs: 0, object: shape, name: 'a', lifetimeUs: 100 * MS },
        { atUs: 0, object: shape, name: 'b', namespace: 'nowhere' },
      ],
    ]);
    expect(lines).toEqual(['15 added default/a', '530 modified default/a', '535 deleted default/a']);
    const { summary } = recorder.finish({
      livePods: [],
      virtualUs: 0,
      eventsRun: 0,
      endReason: 'idle',
      ingredients: {},
      fingerprint: '',
      unschedulable: 0,
      expect: [],
    });
    // Refusals of one sort are one row, however many names they concern.
    expect(summary.loss).toMatchObject([
      { source: 'workload', kind: 'Pod', count: 1, note: 'refused: 404 NotFound' },
      { source: 'workload', kind: 'Pod', count: 1, note: 'refused: 409 AlreadyExists' },
    ]);
  });
});
