// DaemonSets with the real API server: on which nodes pods come, how they are replaced, and what the set says of them.
import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../engine/contracts/timeline.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { PodBit } from '../../../engine/state/index.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { recorded } from '../../../policies/costs/recorded.ts';
import { create, scenario } from '../../property/simulation/scenario.ts';
import { daemonSet, Harness, type HarnessOptions, MS, SECOND } from './harness.ts';

/** `node:image` of each pod that is not being deleted, sorted. */
const where = (h: Harness): string[] =>
  h
    .pods()
    .filter((pod) => (h.state.pods.word[pod]! & PodBit.deleting) === 0)
    .map((pod) => {
      const pinned = h.state.texts.text(h.state.pods.pinned[pod]!);
      return `${pinned}:${h.state.template(pod).spec.containers[0].image.slice(-2)}`;
    })
    .sort();
const podOn = (h: Harness, node: string): number =>
  h.pods().find((pod) => h.state.texts.text(h.state.pods.pinned[pod]!) === node)!;
const status = (h: Harness): Json => h.get('DaemonSet', 'agent').status;
const started = (spec: Json = {}, options: HarnessOptions = {}): Harness => {
  const h = new Harness(options);
  h.create(daemonSet('agent', spec));
  h.run(5 * SECOND);
  return h;
};
const rolling = (rollingUpdate: Json): Json => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
const reasons = (h: Harness, reason: string): number => h.events.filter((e) => e.reason === reason).length;

describe('the first status after pods were made', () => {
  it('may lack those of the last batch, whose answers were faster than the watch; the next has them', () => {
    // Six pods in batches of 1, 2 and 3.
    const firsts = new Set<FieldValue | undefined>();
    for (let seed = 1; seed <= 12; seed++) {
      let told: FieldValue[] = [];
      const steps = [create(0, daemonSet('agent'))];
      const options = { costs: recorded, seed, untilUs: 10 * SECOND };
      simulateBuiltIn(scenario([{ count: 6 }], steps, options), {
        timeline: ({ transitions }) =>
          (told = [...transitions]
            .filter(({ w }) => w === 'status.currentNumberScheduled')
            .map(({ v }) => v!)),
      });
      firsts.add(told[0]);
      expect(told.at(-1)).toBe(6);
    }
    expect([...firsts].sort()).toEqual([3, 6]);
  });
});

describe('which nodes', () => {
  it('each one has a pod, pinned to it, and all pods share one template', () => {
    const h = started({}, { nodes: 5 });
    expect(where(h)).toEqual(['n1:v1', 'n2:v1', 'n3:v1', 'n4:v1', 'n5:v1']);
    expect(new Set(h.pods().map((pod) => h.state.pods.template[pod])).size).toBe(1);
    for (const pod of h.pods())
      expect(h.state.nodeName(h.state.pods.node[pod]!)).toBe(h.state.texts.text(h.state.pods.pinned[pod]!));
    expect(status(h)).toEqual({
      currentNumberScheduled: 5,
      desiredNumberScheduled: 5,
      numberAvailable: 5,
      numberMisscheduled: 0,
      numberReady: 5,
      observedGeneration: 1,
      updatedNumberScheduled: 5,
    });
  });

  // What the template asks for, and on which of n1 (disk=ssd), n2 (tainted), n3 its pods run.
  const term = (field: string, key: string, values: string[]): Json => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ [field]: [{ key, operator: 'In', values }] }],
        },
      },
    },
  });
  it.each<[string, Json, string[]]>([
    ['nothing', {}, ['n1', 'n3']],
    ['a label', { nodeSelector: { disk: 'ssd' } }, ['n1']],
    ['affinity to a label', term('matchExpressions', 'disk', ['ssd', 'hdd']), ['n1']],
    ['affinity to names', term('matchFields', 'metadata.name', ['n3', 'n2']), ['n3']],
    ['a node by name', { nodeName: 'n3' }, ['n3']],
    ['tolerating the taint', { tolerations: [{ key: 'dedicated', operator: 'Exists' }] }, ['n1', 'n2', 'n3']],
    ['tolerating everything', { tolerations: [{ operator: 'Exists' }] }, ['n1', 'n2', 'n3']],
    ['a label that no node has', { nodeSelector: { disk: 'tape' } }, []],
  ])('%s', (_what, spec, expected) => {
    const h = new Harness();
    h.changeNode('n1', { labels: { disk: 'ssd' } });
    h.changeNode('n2', { taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] });
    const set = daemonSet('agent') as Json;
    Object.assign(set.spec.template.spec, spec);
    h.create(set);
    h.run(5 * SECOND);
    expect(where(h)).toEqual(expected.map((node) => `${node}:v1`));
    expect(status(h).desiredNumberScheduled).toBe(expected.length);
  });

  it('pods tolerate what the node controller taints broken nodes with', () => {
    const h = started();
    const keys = h.state.template(h.pods()[0]!).spec.tolerations.map((t: Json) => `${t.key}:${t.effect}`);
    expect(keys).toEqual([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/disk-pressure:NoSchedule',
      'node.kubernetes.io/memory-pressure:NoSchedule',
      'node.kubernetes.io/pid-pressure:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
  });

  it('a node that joins gets its pod, one whose taint stops new pods keeps it, one that evicts loses it', () => {
    const h = started();
    h.addNode('n4');
    h.run(5 * SECOND);
    expect(where(h)).toHaveLength(4);
    h.changeNode('n1', { taints: [{ key: 'x', effect: 'NoSchedule' }] });
    h.changeNode('n2', { taints: [{ key: 'x', effect: 'NoExecute' }] });
    h.run(5 * SECOND);
    expect(where(h)).toEqual(['n1:v1', 'n3:v1', 'n4:v1']);
    expect(status(h)).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 1, numberReady: 2 });
    h.changeNode('n2', { taints: [] });
    h.run(5 * SECOND);
    expect(where(h)).toHaveLength(4);
  });

  // daemon_controller.go syncNodeUpdate: of nodes that have a pod and whose taint only keeps new ones off, one wakes the
  // set only where the status already tells of misplaced pods.
  it.each<[string, boolean, number]>([
    ['unnoticed while the status tells of none', false, 0],
    ['noticed at once when it tells of another', true, 2],
  ])('a taint that only stops new pods is %s', (_what, isTold, misplaced) => {
    const h = started();
    const taint = [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' as const }];
    h.changeNode('n1', { taints: taint });
    h.run(SECOND);
    if (isTold) {
      // Any sync counts again: here one that a new version of the set brings.
      h.patch('DaemonSet', 'agent', (set) => ({ ...set, spec: { ...set.spec, revisionHistoryLimit: 9 } }));
      h.run(SECOND);
      expect(status(h).numberMisscheduled).toBe(1);
    }
    h.changeNode('n2', { taints: taint });
    h.run(SECOND);
    expect(status(h).numberMisscheduled).toBe(misplaced);
    expect(where(h)).toEqual(['n1:v1', 'n2:v1', 'n3:v1']);
  });

  it('a node that leaves is noticed with the next sync only; its unbound pods are deleted', () => {
    const h = started({}, { unscheduled: true });
    expect(where(h)).toHaveLength(3);
    h.removeNode('n2');
    h.run(SECOND);
    // No handler upstream hears of a node's deletion.
    expect(status(h).desiredNumberScheduled).toBe(3);
    h.deletePod(podOn(h, 'n1'));
    h.run(5 * SECOND);
    expect(where(h)).toEqual(['n1:v1', 'n3:v1']);
    expect(status(h).desiredNumberScheduled).toBe(2);
  });
});

describe('creation', () => {
  it('goes in batches of 1, 2, 4 … in a drawn order, 250 at most before they have been seen', () => {
    const h = new Harness({
      nodes: 300,
      costs: (c) => ({ ...c, clients: { ...c.clients, controller: { qps: 0, burst: 0 } } }),
    });
    h.create(daemonSet('agent'));
    h.run(30 * SECOND);
    expect(where(h)).toHaveLength(300);
    const byTime = h.pods().map((pod) => h.state.pods.createdUs[pod]!);
    const batches = byTime.reduce<number[]>((sizes, t, i) => {
      if (i === 0 || t - byTime[i - 1]! > 3 * MS) sizes.push(0);
      sizes[sizes.length - 1]! += 1;
      return sizes;
    }, []);
    // 250 = 1+2+4+8+16+32+64+123, then 50 = 1+2+4+8+16+19.
    expect(batches).toEqual([1, 2, 4, 8, 16, 32, 64, 123, 1, 2, 4, 8, 16, 19]);
  });

  it('stops at a refusal and tries again by back-off', () => {
    const h = new Harness();
    h.refusePods('exceeded quota');
    h.create(daemonSet('agent'));
    h.run(300 * MS);
    expect(reasons(h, 'FailedCreate')).toBeGreaterThan(1);
    expect(status(h)).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 0,
      numberUnavailable: 3,
    });
    h.refusePods(null);
    h.run(10 * SECOND);
    expect(where(h)).toHaveLength(3);
  });
});

describe('pods that have ended', () => {
  it('failed: deleted and made again, the second within a second only after the back-off', () => {
    const h = started();
    h.endPod(podOn(h, 'n1'), 'Failed');
    h.run(100 * MS);
    expect(reasons(h, 'FailedDaemonPod')).toBe(1);
    h.endPod(podOn(h, 'n1'), 'Failed');
    h.run(500 * MS);
    expect(reasons(h, 'FailedDaemonPod')).toBe(1);
    h.run(SECOND);
    expect(reasons(h, 'FailedDaemonPod')).toBe(2);
    // The third comes at 1.6 s after the second: within its back-off of 2 s.
    h.run(1100 * MS);
    h.endPod(podOn(h, 'n1'), 'Failed');
    h.run(300 * MS);
    expect(reasons(h, 'FailedDaemonPod')).toBe(2);
    h.run(5 * SECOND);
    expect(reasons(h, 'FailedDaemonPod')).toBe(3);
    expect(status(h).numberReady).toBe(3);
  });

  it('succeeded: deleted and made again at once', () => {
    const h = started();
    h.endPod(podOn(h, 'n2'), 'Succeeded');
    h.run(5 * SECOND);
    expect(reasons(h, 'SucceededDaemonPod')).toBe(1);
    expect(status(h).numberReady).toBe(3);
  });
});

describe('rolling updates', () => {
  /** Steps of 20 ms until every node runs v2: fewest ready pods and most pods on the way. */
  const roll = (h: Harness): { fewest: number; most: number } => {
    h.setImage('agent', 'app:v2', 'DaemonSet');
    let fewest = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let t = 0; t < 3000 && !where(h).every((at) => at.endsWith('v2')); t++) {
      h.run(20 * MS);
      const alive = h.pods().filter((pod) => (h.state.pods.word[pod]! & PodBit.deleting) === 0);
      fewest = Math.min(fewest, alive.filter((pod) => h.state.pods.word[pod]! & PodBit.ready).length);
      most = Math.max(most, alive.length);
    }
    h.run(5 * SECOND);
    return { fewest, most };
  };

  // Of 10 nodes: how many may lack a pod, how many may have two. Percentages are rounded up.
  it.each<[Json, number, number]>([
    [{ maxUnavailable: 1 }, 9, 10],
    [{ maxUnavailable: 3 }, 7, 10],
    [{ maxUnavailable: '25%' }, 7, 10],
    [{ maxUnavailable: 0, maxSurge: 1 }, 10, 11],
    [{ maxUnavailable: 0, maxSurge: '15%' }, 10, 12],
  ])('%j', (limits, fewest, most) => {
    const h = started(rolling(limits), { nodes: 10 });
    expect(roll(h)).toEqual({ fewest, most });
    expect(where(h)).toHaveLength(10);
    expect(status(h)).toMatchObject({ updatedNumberScheduled: 10, numberAvailable: 10 });
    expect(h.all('ControllerRevision').map(({ revision }) => revision)).toEqual([1, 2]);
  });

  it('replaces pods that are not available first, whatever the limit', () => {
    const h = started(rolling({ maxUnavailable: 1 }), { nodes: 4 });
    for (const node of ['n2', 'n3']) h.setReady(podOn(h, node), false);
    h.run(SECOND);
    h.setImage('agent', 'app:v2', 'DaemonSet');
    h.run(400 * MS);
    expect(where(h).filter((at) => at.endsWith('v2'))).toEqual(['n2:v2', 'n3:v2']);
  });

  it('waits minReadySeconds for each pod', () => {
    const h = started({ ...rolling({ maxUnavailable: 1 }), minReadySeconds: 10 }, { nodes: 2 });
    h.run(20 * SECOND);
    h.setImage('agent', 'app:v2', 'DaemonSet');
    h.run(5 * SECOND);
    expect(where(h).filter((at) => at.endsWith('v2'))).toHaveLength(1);
    expect(status(h)).toMatchObject({ numberReady: 2, numberAvailable: 1, numberUnavailable: 1 });
    h.run(10 * SECOND);
    expect(where(h).filter((at) => at.endsWith('v2'))).toHaveLength(2);
  });

  it('OnDelete leaves pods alone until somebody deletes them', () => {
    const h = started({ updateStrategy: { type: 'OnDelete' } });
    h.setImage('agent', 'app:v2', 'DaemonSet');
    h.run(5 * SECOND);
    expect(where(h)).toEqual(['n1:v1', 'n2:v1', 'n3:v1']);
    h.deletePod(podOn(h, 'n2'));
    h.run(5 * SECOND);
    expect(where(h)).toEqual(['n1:v1', 'n2:v2', 'n3:v1']);
    expect(status(h).updatedNumberScheduled).toBe(1);
  });

  it('a template that comes back takes its old revision, with the next number', () => {
    const h = started({}, { nodes: 2 });
    for (const image of ['app:v2', 'app:v1']) {
      h.setImage('agent', image, 'DaemonSet');
      h.run(15 * SECOND);
    }
    expect(h.all('ControllerRevision').map(({ revision }) => revision)).toEqual([3, 2]);
    expect(h.get('DaemonSet', 'agent').metadata.annotations).toEqual({
      'deprecated.daemonset.template.generation': '3',
    });
  });

  it('keeps revisionHistoryLimit old revisions, and those that pods are of', () => {
    const h = started({ revisionHistoryLimit: 1 }, { nodes: 2 });
    for (const image of ['app:v2', 'app:v3', 'app:v4']) {
      h.setImage('agent', image, 'DaemonSet');
      h.run(15 * SECOND);
    }
    expect(h.all('ControllerRevision').map(({ revision }) => revision)).toEqual([3, 4]);
  });
});
