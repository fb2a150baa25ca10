// ReplicaSets and ReplicationControllers with the real API server: what they create, when, and what they say about it.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../engine/kinds/kind.ts';
import { PodBit } from '../../../engine/state/index.ts';
import { Harness, MS, replicaSet, replicationController, SECOND, service } from './harness.ts';

const createdUs = (h: Harness): number[] => h.pods().map((pod) => h.state.pods.createdUs[pod]!);

describe('ReplicaSet', () => {
  it('creates 1, 2, 4, 8 … pods at a time, each batch after the answers of the one before', () => {
    const h = new Harness();
    h.create(replicaSet('web', 10));
    h.run(500 * MS);
    const times = createdUs(h);
    // One answer takes 0.25 + 2 + 1 + 0.25 ms: batches of 1, 2, 4 and the last 3 are 3.5 ms and more apart.
    const batches = times
      .map((t, i) => (i === 0 || t - times[i - 1]! > 3 * MS ? 1 : 0))
      .reduce<number[]>((sizes, isNew) => {
        if (isNew) sizes.push(0);
        sizes[sizes.length - 1]! += 1;
        return sizes;
      }, []);
    expect(batches).toEqual([1, 2, 4, 3]);
  });

  it('needs about 24 s for 500 pods at 20 qps and burst 30: events take 25 tokens', () => {
    const h = new Harness({ nodes: 10 });
    h.create(replicaSet('web', 500));
    h.run(60 * SECOND);
    const times = createdUs(h);
    expect(times).toHaveLength(500);
    // 500 creations + 25 events (then the recorder drops them) - 30 of burst, at 20 a second: 24.75 s; the last batch
    // begins after events already queued, so the events' tokens are all paid before the last pod.
    const seconds = (times[499]! - times[0]!) / SECOND;
    expect(seconds).toBeGreaterThan(23.4);
    expect(seconds).toBeLessThan(25.2);
  });

  it('writes status from what it sees: replicas, then ready, with observedGeneration', () => {
    const h = new Harness();
    h.create(replicaSet('web', 3));
    h.run(3 * SECOND);
    expect(h.get('ReplicaSet', 'web').status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
    const replicas = h.versions
      .filter((v) => v.object.kind === 'ReplicaSet')
      .map((v) => (v.object as Json).status.replicas);
    // 0 on creation and in the first sync's own status (the pods that it made are not seen yet), then 3.
    expect(replicas.slice(0, 3)).toEqual([0, 0, 3]);
  });

  it('replaces a pod as soon as it is being deleted, and counts it as terminating', () => {
    const h = new Harness({ stopUs: 5 * SECOND });
    h.create(replicaSet('web', 3));
    h.run(3 * SECOND);
    h.deletePod(h.pods()[0]!);
    h.run(100 * MS);
    expect(h.pods()).toHaveLength(4);
    h.run(SECOND);
    expect(h.get('ReplicaSet', 'web').status).toMatchObject({ replicas: 3, terminatingReplicas: 1 });
    h.run(6 * SECOND);
    expect(h.pods()).toHaveLength(3);
    expect(h.get('ReplicaSet', 'web').status).toMatchObject({ replicas: 3, terminatingReplicas: 0 });
  });

  it('scales down by rank: pods that are not ready go first', () => {
    // The 3rd and 5th pod never become ready.
    const h = new Harness({ readyUs: (pod) => (pod === 2 || pod === 4 ? Number.NaN : SECOND) });
    h.create(replicaSet('web', 6));
    h.run(3 * SECOND);
    h.scale('ReplicaSet', 'web', 4);
    h.run(3 * SECOND);
    expect(h.pods()).toEqual([0, 1, 3, 5]);
    expect(h.events.filter((e) => e.reason === 'SuccessfulDelete')).toHaveLength(2);
  });

  it('counts a pod as available minReadySeconds after the second in which it became ready', () => {
    const h = new Harness({ readyUs: () => 1700 * MS });
    h.create(replicaSet('web', 2, { minReadySeconds: 4 }));
    h.run(20 * SECOND);
    const first = h.versions.find((v) => (v.object as Json).status?.availableReplicas === 2)!;
    // Ready at 1.7 s and some ms: the API says 1 s, so both are available at 5 s.
    expect(first.timeUs).toBeGreaterThan(5 * SECOND);
    expect(first.timeUs).toBeLessThan(5 * SECOND + 50 * MS);
  });

  it('says ReplicaFailure while pods are refused, and tries again with exponential back-off', () => {
    const h = new Harness();
    h.refusePods('pods "web-" is forbidden: exceeded quota: small');
    h.create(replicaSet('web', 4));
    h.run(2 * SECOND);
    expect(h.get('ReplicaSet', 'web').status).toMatchObject({
      replicas: 0,
      conditions: [
        {
          type: 'ReplicaFailure',
          status: 'True',
          reason: 'FailedCreate',
          message: 'pods "web-" is forbidden: exceeded quota: small',
        },
      ],
    });
    // Slow start stops at the first failed batch: one try a sync. After 5, 10, 20 … 640 ms there were 9 of them.
    const tries = h.events.filter((e) => e.reason === 'FailedCreate');
    expect(tries.length).toBeGreaterThanOrEqual(8);
    expect(tries.length).toBeLessThanOrEqual(11);
    expect(tries[0]!.message).toBe('Error creating: pods "web-" is forbidden: exceeded quota: small');
    h.refusePods(null);
    h.run(5 * SECOND);
    expect(h.get('ReplicaSet', 'web').status).toMatchObject({ replicas: 4, readyReplicas: 4 });
    expect(h.get('ReplicaSet', 'web').status.conditions).toBeUndefined();
  });

  it('creates nothing more in a namespace that is being deleted', () => {
    const h = new Harness({ stopUs: SECOND });
    h.create(replicaSet('web', 2));
    h.run(3 * SECOND);
    h.delete('Namespace', 'default');
    h.run(4 * SECOND);
    const before = h.state.pods.created;
    h.run(20 * SECOND);
    expect(h.state.pods.created).toBe(before);
    expect(h.events.some((e) => e.reason === 'FailedCreate')).toBe(false);
  });

  it('waits for its own creations to be seen before it counts again', () => {
    // A watch that is slower than the answers: a second sync in between must not create the pods twice.
    const h = new Harness({ costs: (c) => ({ ...c, apiserver: { ...c.apiserver, watchUs: 400 * MS } }) });
    h.create(replicaSet('web', 3));
    h.run(500 * MS);
    h.patch('ReplicaSet', 'web', (o) => ({ ...o, metadata: { ...o.metadata, labels: { touched: 'yes' } } }));
    h.run(5 * SECOND);
    expect(h.state.pods.created).toBe(3);
  });
});

describe('ReplicationController', () => {
  it('does as a ReplicaSet does, without terminatingReplicas', () => {
    const h = new Harness();
    h.create(replicationController('web', 3));
    h.create(service('web'));
    h.run(3 * SECOND);
    expect(h.get('ReplicationController', 'web').status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      observedGeneration: 1,
    });
    const created = h.events.filter((e) => e.object === 'ReplicationController/web').map((e) => e.message);
    expect(created).toHaveLength(3);
    expect(created[0]).toMatch(/^Created pod: web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    h.scale('ReplicationController', 'web', 7);
    h.run(3 * SECOND);
    h.scale('ReplicationController', 'web', 1);
    h.run(3 * SECOND);
    expect(h.pods().filter((pod) => (h.state.pods.word[pod]! & PodBit.deleting) === 0)).toHaveLength(1);
  });
});
