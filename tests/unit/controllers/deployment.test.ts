// Deployments with the real API server: rollouts within their limits, conditions, events, revisions.
import { describe, expect, it, vi } from 'vitest';
import { Client } from '../../../engine/apiserver/client.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { type ClusterState, isTerminal, PodBit } from '../../../engine/state/index.ts';
import { deployment, Harness, MS, SECOND } from './harness.ts';

const sets = (h: Harness): Json[] => h.all('ReplicaSet').sort((a, b) => revision(a) - revision(b));
const revision = (set: Json): number => Number(set.metadata.annotations['deployment.kubernetes.io/revision']);
const condition = (h: Harness, type: string): Json =>
  h.get('Deployment', 'web').status.conditions.find((c: Json) => c.type === type);
const sizes = (h: Harness): number[] => sets(h).map((set) => set.spec.replicas);

/** Pods that are not being deleted, and those of them that are Ready, as etcd has them. */
function counts(state: ClusterState): { active: number; ready: number } {
  let active = 0;
  let ready = 0;
  for (const pod of state.pods.livePods()) {
    const word = state.pods.word[pod]!;
    if (word & PodBit.deleting || isTerminal(word)) continue;
    active += 1;
    if (word & PodBit.ready) ready += 1;
  }
  return { active, ready };
}

/** Runs in small steps; the least ready and the most pods meanwhile. */
function envelope(h: Harness, us: number): { readyMin: number; activeMax: number } {
  const seen = { readyMin: Number.POSITIVE_INFINITY, activeMax: 0 };
  for (let t = 0; t < us; t += 5 * MS) {
    h.run(5 * MS);
    const { active, ready } = counts(h.state);
    seen.readyMin = Math.min(seen.readyMin, ready);
    seen.activeMax = Math.max(seen.activeMax, active);
  }
  return seen;
}

describe('first rollout', () => {
  const h = new Harness();
  h.create(deployment('web', 4));
  h.run(5 * SECOND);

  it('makes a ReplicaSet named after the template hash, which its selector and pods carry', () => {
    const [set] = sets(h);
    const hash = set.metadata.labels['pod-template-hash'];
    expect(set.metadata.name).toBe(`web-${hash}`);
    expect(set.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(set.spec.template.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(set.metadata.ownerReferences[0]).toMatchObject({
      kind: 'Deployment',
      name: 'web',
      controller: true,
    });
    // 4 wanted, 25 % surge: at most 5.
    expect(set.metadata.annotations).toEqual({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '4',
      'deployment.kubernetes.io/max-replicas': '5',
    });
  });

  it('ends Available and with NewReplicaSetAvailable', () => {
    const { status, metadata } = h.get('Deployment', 'web');
    const name = sets(h)[0].metadata.name;
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
      terminatingReplicas: 0,
    });
    expect(status.unavailableReplicas).toBeUndefined();
    expect(metadata.annotations['deployment.kubernetes.io/revision']).toBe('1');
    expect(condition(h, 'Available')).toMatchObject({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
    expect(condition(h, 'Progressing')).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${name}" has successfully progressed.`,
    });
  });

  it('tells of the scaling by an Event', () => {
    const name = sets(h)[0].metadata.name;
    expect(h.events.filter((e) => e.reason === 'ScalingReplicaSet').map((e) => e.message)).toEqual([
      `Scaled up replica set ${name} from 0 to 4`,
    ]);
  });

  it('comes to rest: no writes once nothing changes', () => {
    const before = h.versions.length;
    h.run(60 * SECOND);
    expect(h.versions.length).toBe(before);
  });
});

describe('rolling update', () => {
  it('of 10 with 25 %/25 % never has fewer than 8 ready or more than 13 pods', () => {
    // Surge 2.5 rounds up to 3: 13. Unavailable 2.5 rounds down to 2: 8.
    const h = new Harness();
    h.create(deployment('web', 10));
    h.run(5 * SECOND);
    h.setImage('web', 'app:v2');
    const seen = envelope(h, 30 * SECOND);
    expect(seen).toEqual({ readyMin: 8, activeMax: 13 });
    expect(sizes(h)).toEqual([0, 10]);
    expect(counts(h.state)).toEqual({ active: 10, ready: 10 });
  });

  it('of 4 with surge 1 and 0 unavailable goes one by one: 4+1, 3+1, 3+2 …', () => {
    const h = new Harness();
    h.create(deployment('web', 4, { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }));
    h.run(5 * SECOND);
    h.versions.length = 0;
    h.setImage('web', 'app:v2');
    h.run(20 * SECOND);
    const scaled = h.events
      .filter((e) => e.reason === 'ScalingReplicaSet')
      .map((e) => e.message.replace(/web-\S+/, 'X'));
    // As recorded (deploy-roll-n4-s1-u0): the new one up by one, then the old one down by one, in turn.
    expect(scaled).toEqual([
      'Scaled up replica set X from 0 to 4',
      'Scaled up replica set X from 0 to 1',
      'Scaled down replica set X from 4 to 3',
      'Scaled up replica set X from 1 to 2',
      'Scaled down replica set X from 3 to 2',
      'Scaled up replica set X from 2 to 3',
      'Scaled down replica set X from 2 to 1',
      'Scaled up replica set X from 3 to 4',
      'Scaled down replica set X from 1 to 0',
    ]);
  });

  it('that hangs makes the new pods that it may and then stops: 25 %/25 % of 4 stays at 3+2', () => {
    // Recorded (deploy-stuck-deadline-10): new 1, old 3, new 2, before any new pod is ready.
    const h = new Harness({ readyUs: (pod) => (pod < 4 ? SECOND : Number.NaN) });
    h.create(deployment('web', 4, { progressDeadlineSeconds: 10 }));
    h.run(5 * SECOND);
    h.setImage('web', 'app:v2');
    h.run(5 * SECOND);
    expect(sizes(h)).toEqual([3, 2]);
    expect(condition(h, 'Progressing')).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
    const last = condition(h, 'Progressing').lastUpdateTime;
    h.run(20 * SECOND);
    const name = sets(h)[1].metadata.name;
    expect(condition(h, 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: `ReplicaSet "${name}" has timed out progressing.`,
    });
    expect(condition(h, 'Available')).toMatchObject({ status: 'True' });
    // Last progress in second 5, deadline 10 s, and one second more.
    expect(last).toBe('2026-01-01T00:00:05Z');
    const failed = h.versions.find((v) =>
      (v.object as Json).status?.conditions?.some((c: Json) => c.reason === 'ProgressDeadlineExceeded'),
    )!;
    expect(failed.timeUs).toBeGreaterThanOrEqual(16 * SECOND);
    expect(failed.timeUs).toBeLessThan(16 * SECOND + 50 * MS);
  });

  it('to a third version takes the pods that are not ready away first', () => {
    const h = new Harness({ readyUs: (pod) => (pod >= 10 && pod < 15 ? Number.NaN : SECOND) });
    h.create(deployment('web', 10));
    h.run(5 * SECOND);
    h.setImage('web', 'app:v2');
    h.run(5 * SECOND);
    expect(sizes(h)).toEqual([8, 5]);
    h.setImage('web', 'app:v3');
    const seen = envelope(h, 100 * MS);
    expect(sizes(h)[0]).toBe(8);
    expect(sizes(h)[1]).toBeLessThan(5);
    expect(seen.readyMin).toBe(8);
    h.run(30 * SECOND);
    expect(sizes(h)).toEqual([0, 0, 10]);
  });
});

describe('Recreate', () => {
  it('makes the first new pod only when the last old one is gone', () => {
    const h = new Harness({ stopUs: 3 * SECOND });
    h.create(deployment('web', 3, { strategy: { type: 'Recreate' } }));
    h.run(5 * SECOND);
    h.setImage('web', 'app:v2');
    h.run(2900 * MS);
    expect(h.state.pods.created).toBe(3);
    expect(sizes(h)).toEqual([0]);
    h.run(5 * SECOND);
    expect(h.state.pods.created).toBe(6);
    expect(sizes(h)).toEqual([0, 3]);
    const firstNew = Math.min(...h.pods().map((pod) => h.state.pods.createdUs[pod]!));
    expect(firstNew).toBeGreaterThan(8 * SECOND);
  });

  // pkg/controller/deployment/deployment_controller.go: deletePod lists by its client, not from the cache.
  it.each([
    ['Recreate', 3],
    ['RollingUpdate', 0],
  ])('%s: of 3 pods that are gone %i have the ReplicaSets listed', (type, lists) => {
    const look = vi.spyOn(Client.prototype, 'look');
    const h = new Harness();
    h.create(deployment('web', 3, { strategy: { type } }));
    h.run(5 * SECOND);
    h.setImage('web', 'app:v2');
    h.run(10 * SECOND);
    expect(sizes(h)).toEqual([0, 3]);
    expect(look.mock.calls.filter(([verb]) => verb === 'list')).toHaveLength(lists);
    look.mockRestore();
  });
});

describe('scaling', () => {
  it('of a finished Deployment changes its only ReplicaSet and its annotations', () => {
    const h = new Harness();
    h.create(deployment('web', 2));
    h.run(5 * SECOND);
    h.scale('Deployment', 'web', 8);
    h.run(5 * SECOND);
    expect(sizes(h)).toEqual([8]);
    expect(sets(h)[0].metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/desired-replicas': '8',
      'deployment.kubernetes.io/max-replicas': '10',
    });
    h.scale('Deployment', 'web', 0);
    h.run(5 * SECOND);
    expect(counts(h.state).active).toBe(0);
    expect(condition(h, 'Available')).toMatchObject({ status: 'True' });
  });

  it('in the middle of a rollout is shared in proportion (recorded: deploy-proportional-10-15)', () => {
    const h = new Harness({ readyUs: (pod) => (pod < 10 ? SECOND : Number.NaN) });
    h.create(deployment('web', 10, { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
    h.run(5 * SECOND);
    h.setImage('web', 'app:v2');
    h.run(5 * SECOND);
    expect(sizes(h)).toEqual([8, 5]);
    h.scale('Deployment', 'web', 15);
    h.run(200 * MS);
    expect(sizes(h)).toEqual([11, 7]);
  });

  // pkg/controller/deployment/rolling.go: reconcileOldReplicaSets makes `false, nil` of an error of either helper, so
  // the sync goes on to the status and nothing is tried again by back-off.
  it('that meets a ReplicaSet whose status is behind its size writes the status all the same', () => {
    const h = new Harness({ readyUs: (pod) => (pod < 10 ? SECOND : Number.NaN) });
    h.create(deployment('web', 10, { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
    h.run(5 * SECOND);
    h.setImage('web', 'app:v2');
    h.run(5 * SECOND);
    h.versions.length = 0;
    h.scale('Deployment', 'web', 8);
    h.run(200 * MS);
    const counted = h.versions
      .map(({ object }) => object as Json)
      .filter(({ kind }) => kind === 'Deployment')
      .map(({ status: { replicas, availableReplicas, unavailableReplicas } }) =>
        [replicas, availableReplicas, unavailableReplicas].join(' '),
      );
    // The old one is at 7 with 8 available: 7 + 4 - 8 = 3 unavailable, before either ReplicaSet has counted anew.
    expect(counted.slice(0, 4)).toEqual(['13 8 5', '13 8 5', '13 8 3', '12 7 4']);
  });
});

describe('pause and revisions', () => {
  it('a paused Deployment does not roll; resumed it does, and says both', () => {
    const h = new Harness();
    h.create(deployment('web', 3));
    h.run(5 * SECOND);
    const pause = (paused: boolean): void =>
      h.patch('Deployment', 'web', (o) => ({ ...o, spec: { ...o.spec, paused } }));
    pause(true);
    h.run(SECOND);
    expect(condition(h, 'Progressing')).toMatchObject({
      status: 'Unknown',
      reason: 'DeploymentPaused',
      message: 'Deployment is paused',
    });
    h.setImage('web', 'app:v2');
    h.run(3 * SECOND);
    expect(sizes(h)).toEqual([3]);
    pause(false);
    h.run(20 * MS);
    const resumed = h.versions.some((v) =>
      (v.object as Json).status?.conditions?.some((c: Json) => c.reason === 'DeploymentResumed'),
    );
    expect(resumed).toBe(true);
    h.run(10 * SECOND);
    expect(sizes(h)).toEqual([0, 3]);
  });

  it('going back to an old template re-uses its ReplicaSet, which gets the next revision', () => {
    const h = new Harness();
    h.create(deployment('web', 2));
    h.run(5 * SECOND);
    const first = sets(h)[0].metadata.name;
    h.setImage('web', 'app:v2');
    h.run(10 * SECOND);
    h.setImage('web', 'app:v1');
    h.run(10 * SECOND);
    expect(h.all('ReplicaSet')).toHaveLength(2);
    const back = h.get('ReplicaSet', first);
    expect(back.spec.replicas).toBe(2);
    expect(back.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(h.get('Deployment', 'web').metadata.annotations['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('keeps revisionHistoryLimit old ReplicaSets when a rollout is complete', () => {
    const h = new Harness();
    h.create(deployment('web', 1, { revisionHistoryLimit: 2 }));
    for (let version = 2; version <= 6; version++) {
      h.run(8 * SECOND);
      h.setImage('web', `app:v${version}`);
    }
    h.run(8 * SECOND);
    // Revision 6 and the two before it.
    expect(sets(h).map(revision)).toEqual([4, 5, 6]);
  });

  it('takes over a ReplicaSet without owner that its selector selects', () => {
    const h = new Harness();
    h.create(deployment('web', 2));
    h.run(5 * SECOND);
    const { name } = sets(h)[0].metadata;
    h.patch('ReplicaSet', name, (o) => {
      const { ownerReferences: _, ...metadata } = o.metadata;
      return { ...o, metadata };
    });
    h.run(SECOND);
    expect(h.get('ReplicaSet', name).metadata.ownerReferences[0].name).toBe('web');
    expect(h.all('ReplicaSet')).toHaveLength(1);
  });
});
