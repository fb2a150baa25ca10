// What the scheduler learns of other objects and of pods on their nodes through its watches, and acts on.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../engine/kinds/kind.ts';
import { Scheduler } from '../../../engine/scheduler/scheduler.ts';
import { PodBit, type PodId, Verb } from '../../../engine/state/index.ts';
import { podSpec, settingsOf, World } from './support.ts';

const ZONE = 'topology.kubernetes.io/zone';

function labelled(world: World, name: string, labels: Record<string, string>, over: Json, owner = -1): PodId {
  const { state } = world;
  const parts = { labels, annotations: {}, spec: podSpec({ cpu: '100m' }, over), metadata: null };
  const template = state.templates.intern(parts);
  const pod = state.pods.create({
    namespace: state.texts.id('default'),
    nameBase: state.texts.id(name),
    nameSuffix: -1,
    template: template.id,
    labelSet: template.labelSet,
    owner,
    priority: 0,
    createdUs: 0,
    revision: 1,
    runUs: Number.NaN,
  });
  world.log(pod, Verb.added);
  return pod;
}

function started(): World {
  const world = new World();
  world.state.objects.register('ReplicaSet', 'apps/v1', 'replicasets', true);
  new Scheduler(world.context, settingsOf()).start();
  return world;
}

const SECOND = 1_000_000;

describe('the scheduler', () => {
  it('spreads pods of a ReplicaSet over zones that differ in nothing else', () => {
    const world = started();
    // Two roomy nodes in zone a, one small one in b: resources alone would leave b for the end.
    world.addNode('a1', { cpu: '32', zone: 'a' });
    world.addNode('a2', { cpu: '32', zone: 'a' });
    world.addNode('b1', { cpu: '2', zone: 'b' });
    const { objects, pods } = world.state;
    const metadata = { namespace: 'default', name: 'web-1' };
    const spec = { selector: { matchLabels: { app: 'web' } } };
    world.setObject({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec });
    const owner = objects.find('ReplicaSet', 'default', 'web-1');
    const owned = [0, 1, 2].map((i) => labelled(world, `web-${i}`, { app: 'web' }, {}, owner));
    const free = [0, 1, 2].map((i) => labelled(world, `free-${i}`, { app: 'free' }, {}));
    world.kernel.run(SECOND);
    const zones = (rows: readonly PodId[]): string[] =>
      rows.map((row) => world.state.nodes.label(pods.node[row] as never, ZONE)!);
    expect(zones(owned)).toContain('b');
    expect(zones(free)).not.toContain('b');
  });

  it('does not count a pod for spreading from when the watch tells of its deletion', () => {
    const world = started();
    world.addNode('a1', { zone: 'a' });
    world.addNode('b1', { zone: 'b', unschedulable: true });
    const over = {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: ZONE,
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'web' } },
        },
      ],
    };
    const first = labelled(world, 'first', { app: 'web' }, over);
    world.kernel.run(SECOND);
    const second = labelled(world, 'second', { app: 'web' }, over);
    world.kernel.run(2 * SECOND);
    expect(world.state.pods.node[second]).toBe(-1);
    world.state.pods.word[first]! |= PodBit.deleting;
    world.log(first, Verb.modified);
    // Nothing that the second waits for has happened yet; a third finds the place free.
    const third = labelled(world, 'third', { app: 'web' }, over);
    world.kernel.run(3 * SECOND);
    expect(world.state.pods.node[third]).toBe(world.state.nodes.find('a1'));
  });
});
