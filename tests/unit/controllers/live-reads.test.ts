// Live reads of controllers are requests like others: they take a token of the controller's client, a round trip and the
// server's work. Reads do not wait for the server's workers.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { Harness, MS, replicaSet, SECOND } from './harness.ts';

/** When the garbage collector has marked the last pod of a deleted ReplicaSet, s after the DELETE. */
function collected(count: number, qps: number, burst: number): number {
  const h = new Harness({
    stopUs: 60 * SECOND,
    costs: (c) => ({ ...c, clients: { ...c.clients, controller: { qps, burst } } }),
  });
  h.create(replicaSet('web', count));
  h.run(60 * SECOND);
  const from = h.now;
  h.delete('ReplicaSet', 'web');
  h.run(30 * SECOND);
  // A pod is marked with the time at which its 30 s of grace end.
  const { deletionUs } = h.state.pods;
  return (Math.max(...Array.from({ length: count }, (_, pod) => deletionUs[pod]!)) - from) / SECOND - 30;
}

describe('a live read', () => {
  // The garbage collector has twice the qps of other controllers and takes a read and a DELETE for each pod:
  // (2 × pods - burst) / (2 × qps), and some milliseconds for the requests themselves.
  it.each([
    [22, 10, 4, 2],
    [22, 5, 4, 4],
    [12, 10, 4, 1],
    [22, 0, 0, 0],
  ])(
    'of %i pods to be collected takes a token: at %i qps, burst %i, the last goes after %d s',
    (count, qps, burst, s) => {
      const took = collected(count, qps, burst);
      expect(took).toBeGreaterThanOrEqual(s);
      expect(took).toBeLessThan(s + 0.15);
    },
  );

  it('does not wait for workers that are busy with writes, and tells the version of that moment', () => {
    const h = new Harness({
      controllers: [],
      costs: (c) => ({ ...c, apiserver: { ...c.apiserver, concurrency: 1, handlerUs: { '*': 2 * MS } } }),
    });
    h.create(replicaSet('web', 0));
    h.run(SECOND);
    const id = h.state.objects.find('ReplicaSet', 'default', 'web');
    const client = h.server.client('user', { qps: 0, burst: 0 });
    const from = h.now;
    const answers: string[] = [];
    const note = (what: string): void => void answers.push(`${what} at ${(h.now - from) / MS} ms`);
    const labelled = (n: number): void =>
      client.patch(
        id,
        (object) => ({ ...object, metadata: { ...object.metadata, labels: { n: `${n}` } } }),
        () => note(`patch ${n}`),
      );
    for (let n = 1; n <= 3; n++) labelled(n);
    client.readObject(id, (reply) =>
      note(`read ${reply.code}, label ${reply.object?.metadata.labels?.['n']}`),
    );
    h.run(SECOND);
    // A round trip is 0.5 ms, a write 2 ms one after the other and 1 ms of etcd, the read 2 ms at once: before the first
    // commit, at 0.25 + 2 + 1 ms.
    expect(answers).toEqual([
      'read 200, label undefined at 2.5 ms',
      'patch 1 at 3.5 ms',
      'patch 2 at 5.5 ms',
      'patch 3 at 7.5 ms',
    ]);
  });

  it('of an object that is gone is answered with 404', () => {
    const h = new Harness({ controllers: [] });
    h.create(replicaSet('web', 0));
    h.run(SECOND);
    const id = h.state.objects.find('ReplicaSet', 'default', 'web');
    h.delete('ReplicaSet', 'web');
    h.run(SECOND);
    let said = '';
    h.server.client('user', { qps: 0, burst: 0 }).readObject(id, ({ code, reason, object }) => {
      said = `${code} ${reason} ${object}`;
    });
    h.run(SECOND);
    expect(said).toBe('404 NotFound null');
  });
});

const autoscaler = (name: string): KubeObject => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name, namespace: 'default' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name },
    minReplicas: 1,
    maxReplicas: 3,
  },
});

it('the autoscaler reads scales through a client of its own, beside the one that writes status', () => {
  const h = new Harness({
    costs: (c) => ({ ...c, clients: { ...c.clients, controller: { qps: 1, burst: 1 } } }),
  });
  // Targets of no pods: a look is one GET of the scale and one write of status.
  for (let i = 0; i < 21; i++) {
    h.create(replicaSet(`web${i}`, 0));
    h.create(autoscaler(`web${i}`));
  }
  h.run(100 * SECOND);
  const firstUs = new Map<string, number>();
  for (const { object, timeUs } of h.versions)
    if (object.kind === 'HorizontalPodAutoscaler' && object['status']?.conditions !== undefined)
      firstUs.set(object.metadata.name!, Math.min(timeUs, firstUs.get(object.metadata.name!) ?? timeUs));
  expect(firstUs.size).toBe(21);
  const lastS = Math.max(...firstUs.values()) / SECOND;
  // The first look comes 15 s after the creation; the 21st GET waits for 20 tokens at 1/s, and its write no longer. Out of
  // one bucket, 42 requests would take until 15 + 41 s.
  expect(lastS).toBeGreaterThanOrEqual(35);
  expect(lastS).toBeLessThan(37);
});
