// Pods that StatefulSets, DaemonSets and Jobs take over and let go: after a deletion that orphaned them, and by labels.
import { describe, expect, it } from 'vitest';
import type { PodMeta } from '../../../engine/contracts/api.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { PodBit } from '../../../engine/state/index.ts';
import { daemonSet, Harness, MS, SECOND, statefulSet } from './harness.ts';

const user = (h: Harness) => h.server.client('user', { qps: 0, burst: 0 });

const relabel = (h: Harness, pod: number, labels: Record<string, string>): void =>
  user(h).patchPod(
    pod,
    h.state.pods.generation[pod]!,
    (meta: PodMeta) => ({ ...meta, labels: { ...meta.labels, ...labels } }),
    null,
  );

const orphan = (h: Harness, kind: string, name: string): void =>
  user(h).delete(h.state.objects.find(kind, 'default', name), null, 0, 0, 'Orphan');

const barePod = (name: string, labels: Record<string, string>, spec: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: { containers: [{ name: 'c', image: 'app:v1' }], ...spec },
});

/** `name<-owner` of each pod that is not being deleted, sorted. */
const owners = (h: Harness): string[] =>
  h
    .pods()
    .filter((pod) => (h.state.pods.word[pod]! & PodBit.deleting) === 0)
    .map((pod) => {
      const owner = h.state.pods.owner[pod]!;
      const name = owner < 0 ? 'nobody' : h.state.objects.lastVersion(owner)!.metadata.name!;
      return `${h.state.podName(pod)}<-${name}`;
    })
    .sort();
const named = (h: Harness, name: string): number => h.pods().find((pod) => h.state.podName(pod) === name)!;
const serials = (h: Harness): number[] => h.pods().map((pod) => h.state.pods.serial[pod]!);

describe('a StatefulSet', () => {
  const ready = (): Harness => {
    const h = new Harness();
    h.create(statefulSet('db', 2));
    h.run(5 * SECOND);
    return h;
  };

  it('made anew after its pods were orphaned takes them and their revision, and restarts nothing', () => {
    const h = ready();
    const before = serials(h);
    const [revision] = h.all('ControllerRevision');
    orphan(h, 'StatefulSet', 'db');
    h.run(SECOND);
    expect(owners(h)).toEqual(['db-0<-nobody', 'db-1<-nobody']);
    h.create(statefulSet('db', 2));
    h.run(5 * SECOND);
    expect(owners(h)).toEqual(['db-0<-db', 'db-1<-db']);
    expect(serials(h)).toEqual(before);
    expect(h.all('ControllerRevision').map((r) => r.metadata.uid)).toEqual([revision!.metadata.uid]);
    expect(h.get('StatefulSet', 'db').status).toMatchObject({
      replicas: 2,
      readyReplicas: 2,
      updatedReplicas: 2,
    });
  });

  it('releases a pod whose label is gone; its name stays taken until the pod goes', () => {
    const h = ready();
    relabel(h, named(h, 'db-1'), { app: 'other' });
    h.run(SECOND);
    expect(owners(h)).toEqual(['db-0<-db', 'db-1<-nobody']);
    expect(h.get('StatefulSet', 'db').status.replicas).toBe(1);
    user(h).deletePod(named(h, 'db-1'), h.state.pods.generation[named(h, 'db-1')]!, 0, null);
    h.run(30 * SECOND);
    expect(owners(h)).toEqual(['db-0<-db', 'db-1<-db']);
    expect(h.get('StatefulSet', 'db').status.replicas).toBe(2);
  });

  it('takes only pods with names of its own, and deletes one of an ordinal that is not asked for', () => {
    const h = ready();
    h.create(barePod('web-0', { app: 'db' }));
    h.create(barePod('db-7', { app: 'db' }));
    h.run(100 * MS);
    expect(owners(h)).toEqual(['db-0<-db', 'db-1<-db', 'web-0<-nobody']);
  });

  it('replaces an adopted pod of no revision of its own, after giving it its label', () => {
    const h = new Harness();
    h.create(barePod('db-0', { app: 'db' }));
    h.run(3 * SECOND);
    const bare = h.state.pods.serial[named(h, 'db-0')]!;
    h.create(statefulSet('db', 1));
    h.run(10 * SECOND);
    expect(owners(h)).toEqual(['db-0<-db']);
    expect(serials(h)).not.toEqual([bare]);
    expect(h.events.map(({ message }) => message)).toContain('Update Pod db-0 in StatefulSet db successful');
    expect(h.events.map(({ message }) => message)).toContain('Delete Pod db-0 in StatefulSet db successful');
  });
});

describe('a DaemonSet', () => {
  it('made anew after its pods were orphaned takes them', () => {
    const h = new Harness();
    h.create(daemonSet('agent'));
    h.run(5 * SECOND);
    const before = serials(h);
    orphan(h, 'DaemonSet', 'agent');
    h.run(SECOND);
    expect(owners(h).every((text) => text.endsWith('<-nobody'))).toBe(true);
    h.create(daemonSet('agent'));
    h.run(5 * SECOND);
    expect(serials(h)).toEqual(before);
    expect(owners(h).every((text) => text.endsWith('<-agent'))).toBe(true);
    expect(h.get('DaemonSet', 'agent').status).toMatchObject({ numberReady: 3, updatedNumberScheduled: 3 });
  });

  it('releases a pod and gives its node another', () => {
    const h = new Harness();
    h.create(daemonSet('agent'));
    h.run(5 * SECOND);
    const [first] = h.pods();
    relabel(h, first!, { app: 'other' });
    h.run(5 * SECOND);
    expect(h.pods()).toHaveLength(4);
    expect(owners(h).filter((text) => text.endsWith('<-nobody'))).toHaveLength(1);
    expect(h.get('DaemonSet', 'agent').status.numberReady).toBe(3);
    // Back again it is one too many on its node: the older of two stays.
    relabel(h, first!, { app: 'agent' });
    h.run(5 * SECOND);
    expect(h.pods()).toHaveLength(3);
    expect(h.pods()).toContain(first);
  });
});

describe('a Job', () => {
  const calc = (parallelism: number): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'calc', namespace: 'default' },
    spec: {
      parallelism,
      completions: parallelism,
      manualSelector: true,
      selector: { matchLabels: { app: 'calc' } },
      template: {
        metadata: { labels: { app: 'calc' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'app:v1' }] },
      },
    },
  });
  const isTracked = (h: Harness, pod: number): boolean => (h.state.pods.word[pod]! & PodBit.tracked) !== 0;

  it('counts a bare pod that it selects as one of its own, with its finalizer', () => {
    const h = new Harness();
    h.create(barePod('bare', { app: 'calc' }, { restartPolicy: 'Never' }));
    h.run(2 * SECOND);
    h.create(calc(2));
    h.run(3 * SECOND);
    expect(owners(h)).toHaveLength(2);
    expect(owners(h)[0]).toBe('bare<-calc');
    expect(isTracked(h, named(h, 'bare'))).toBe(true);
  });

  it('lets go of a pod whose label is gone a second later, finalizer and all, and makes another', () => {
    const h = new Harness();
    h.create(calc(1));
    h.run(5 * SECOND);
    const [pod] = h.pods();
    expect(isTracked(h, pod!)).toBe(true);
    relabel(h, pod!, { app: 'other' });
    h.run(900 * MS);
    expect(h.pods()).toHaveLength(1);
    h.run(200 * MS);
    expect(isTracked(h, pod!)).toBe(false);
    expect(h.pods()).toHaveLength(2);
  });
});
