// The controller manager and its workers: a controller of one's own, how writes and views follow each other, how often
// the built-in ones write compared with recorded ones, and what a trace tells.
import { describe, expect, it } from 'vitest';
import { type ControllerDefinition, DONE, RETRY, type Steps } from '../../../engine/contracts/controller.ts';
import { controllers } from '../../../engine/controllers/index.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { deployment, Harness, MS, replicaSet, SECOND } from './harness.ts';

/** Gives every ReplicaSet a label that counts the versions of it that were seen. */
const labeller = (log: string[]): ControllerDefinition => ({
  name: 'labeller',
  clientName: 'labeller',
  about: 'labels ReplicaSets',
  workers: 1,
  syncUs: 10 * MS,
  create: (ctx) => {
    const sets = ctx.objects('ReplicaSet');
    ctx.onObjects('ReplicaSet', (seen) => ctx.queue.add(seen.key));
    return {
      *reconcile(key, calls): Steps {
        log.push(`${ctx.run.kernel.now / MS} ${key}`);
        const seen = sets.get(key);
        if (seen === undefined || seen.object.metadata.labels?.['seen'] === 'yes') return DONE;
        const metadata = { ...seen.object.metadata, labels: { seen: 'yes' } };
        const reply = yield calls.update(seen.id, { ...seen.object, metadata }, seen.revision);
        return reply.code < 400 ? DONE : RETRY;
      },
    };
  },
});

describe('a controller of one’s own', () => {
  it('is told of objects, spends its CPU time, writes, and sees its write come back', () => {
    const log: string[] = [];
    const h = new Harness({ controllers: [labeller(log)] });
    h.create(replicaSet('a', 0));
    h.run(SECOND);
    expect(h.get('ReplicaSet', 'a').metadata.labels).toEqual({ seen: 'yes' });
    // Stored at 3.25 ms, seen 1 ms later, 10 ms of CPU; the second time for its own write at 17.5 ms, seen
    // at 18.5; the worker is free a microsecond after that.
    expect(log).toEqual(['14.25 default/a', '28.501 default/a']);
  });

  it('with one worker takes keys one after the other, with two both at once', () => {
    for (const [workers, expected] of [
      [1, ['14.25 default/a', '28.502 default/b']],
      [2, ['14.25 default/a', '14.25 default/b']],
    ] as const) {
      const log: string[] = [];
      const h = new Harness({ controllers: [{ ...labeller(log), workers }] });
      h.create(replicaSet('a', 0));
      h.create(replicaSet('b', 0));
      h.run(SECOND);
      expect(log.slice(0, 2).map((line) => line.replace(/\.\d+/, ''))).toEqual(
        expected.map((line) => line.replace(/\.\d+/, '')),
      );
    }
  });

  it('goes on when its write has come through the watch, so the next sync of the key does not meet a conflict', () => {
    const log: string[] = [];
    const slow = { ...labeller(log), syncUs: 0 };
    const h = new Harness({
      controllers: [slow],
      costs: (c) => ({ ...c, apiserver: { ...c.apiserver, watchUs: 300 * MS } }),
    });
    h.create(replicaSet('a', 0));
    h.run(310 * MS);
    // While its write is under way the object changes again: the key is due at once when the write is done.
    h.patch('ReplicaSet', 'a', (o: Json) => ({
      ...o,
      metadata: { ...o.metadata, annotations: { touched: 'yes' } },
    }));
    h.run(3 * SECOND);
    expect(h.get('ReplicaSet', 'a').metadata).toMatchObject({ labels: { seen: 'yes' } });
    const versions = h.versions.filter((v) => v.object.kind === 'ReplicaSet');
    expect(versions.length).toBeLessThanOrEqual(4);
  });
});

describe('the built-in controllers', () => {
  it('have one line each and distinct names', () => {
    const names = controllers.map((controller) => controller.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([
      'namespace',
      'serviceaccount',
      'root-ca-certificate-publisher',
      'replication',
      'replicaset',
      'deployment',
      'statefulset',
      'daemonset',
      'endpoint',
      'endpointslice',
      'job',
      'cronjob',
      'ttl-after-finished',
      'garbage-collector',
      'ttl',
      'node-lifecycle',
      'taint-eviction',
      'device-taint-eviction',
      'pod-garbage-collector',
      'resourcequota',
      'service-lb',
      'disruption',
      'horizontal-pod-autoscaler',
      'persistentvolume-binder',
      'persistentvolumeclaim-protection',
      'persistentvolume-protection',
      'ephemeral-volume',
      'resourceclaim',
      'attachdetach',
      'csi-attacher',
      'csi-provisioner',
      'persistentvolume-expander',
      'csi-resizer',
      'csi-nodes',
    ]);
  });

  it('write about as often as recorded ones when 4 pods are rolled one by one (requests/deploy-roll-n4-s1-u0)', () => {
    const h = new Harness();
    h.create(deployment('web', 4, { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }));
    h.run(8 * SECOND);
    h.setImage('web', 'app:v2');
    h.run(30 * SECOND);
    const stored = (kind: string): number => h.versions.filter((v) => v.object.kind === kind).length;
    // Recorded: 23 status updates of the Deployment that were stored, with its creation and the patch 25; ReplicaSets
    // 2 creations, 7 updates, 28 of status: 37.
    expect(stored('Deployment')).toBeGreaterThanOrEqual(20);
    expect(stored('Deployment')).toBeLessThanOrEqual(32);
    expect(stored('ReplicaSet')).toBeGreaterThanOrEqual(30);
    expect(stored('ReplicaSet')).toBeLessThanOrEqual(44);
  });

  it('do the same in every run', () => {
    const run = (): string => {
      const h = new Harness();
      h.create(deployment('web', 7));
      h.run(5 * SECOND);
      h.setImage('web', 'app:v2');
      h.run(20 * SECOND);
      return JSON.stringify(h.versions);
    };
    expect(run()).toBe(run());
  });
});
