// The sweep of `--paranoid`: silent over a cluster that is as it must be, and told off by each kind of damage.
import { describe, expect, it } from 'vitest';
import { Sweep } from '../../../engine/invariants/sweep.ts';
import { Phase, PodBit, type PodId } from '../../../engine/state/index.ts';
import { deployment, Harness, SECOND, service } from '../controllers/harness.ts';

function cluster(): { h: Harness; sweep: Sweep } {
  const h = new Harness();
  h.create(deployment('web', 3));
  h.create(service('web'));
  h.run(5 * SECOND);
  return {
    h,
    sweep: new Sweep(
      h.state,
      () => h.now,
      () => true,
    ),
  };
}

describe('sweep', () => {
  it('finds nothing in a cluster at rest, in a rollout, and after deletions', () => {
    const { h, sweep } = cluster();
    sweep.check();
    h.setImage('web', 'app:v2');
    for (let i = 0; i < 20; i++) {
      h.run(SECOND / 4);
      sweep.check();
    }
    h.delete('Deployment', 'web');
    h.run(5 * SECOND);
    sweep.check();
    expect(h.pods()).toEqual([]);
  });

  it.each<[string, RegExp, (h: Harness, pod: PodId) => void]>([
    [
      "a sum of a node that is not its pods'",
      /sums of node n\d are not those of its pods/,
      (h, pod) => {
        h.state.nodes.cpuRequested[h.state.pods.node[pod]!]! += 1;
      },
    ],
    [
      'a pod that its node forgot',
      /sums of node n\d/,
      (h, pod) => {
        h.state.pods.word[pod]! = (h.state.pods.word[pod]! & ~PodBit.phaseMask) | Phase.failed;
      },
    ],
    [
      'a pod that is not found by its name',
      /is not found by its name/,
      (h, pod) => h.state.podNames.remove(pod),
    ],
    [
      'a count of pods that is not theirs',
      /lost or counted twice/,
      (h) => {
        h.state.pods.live += 1;
      },
    ],
  ])('finds %s', (_, message, damage) => {
    const { h, sweep } = cluster();
    damage(h, h.pods()[0]! as PodId);
    expect(() => sweep.check()).toThrow(message);
  });

  it('finds two pods on a volume that is for one', () => {
    const { h, sweep } = cluster();
    h.create({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'own', namespace: 'default' },
      spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage: '1Gi' } } },
    });
    const pod = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: {
        containers: [{ name: 'c', image: 'app:v1' }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'own' } }],
      },
    });
    h.create(pod('a'));
    h.run(5 * SECOND);
    sweep.check();
    // The scheduler of these tests asks no plug-in.
    h.create(pod('b'));
    h.run(5 * SECOND);
    expect(() => sweep.check()).toThrow('claim default/own is for one pod, and a and b run on it');
  });

  it('lets an endpoint lag behind its pod, but not for ever', () => {
    const { h, sweep } = cluster();
    const [pod] = h.pods();
    // Behind the watches' backs: no controller learns of it.
    h.state.pods.word[pod!]! &= ~PodBit.ready;
    sweep.check();
    h.run(100 * SECOND);
    sweep.check();
    h.run(21 * SECOND);
    expect(() => sweep.check()).toThrow(/which is not Ready/);
  });
});
