// kube-scheduler as a whole against a fake API server: what it writes, when, and what it says.
import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../engine/scheduler/scheduler.ts';
import { PodBit, Verb } from '../../../engine/state/index.ts';
import { costsWith, podSpec, settingsOf, World } from './support.ts';

const SECOND = 1_000_000;
/** What PostFilter plug-ins add where the pods that could go are no less important. */
const NO_VICTIMS =
  'no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';

function started(world: World, config?: unknown): Scheduler {
  const scheduler = new Scheduler(world.context, settingsOf(config));
  scheduler.start();
  return scheduler;
}

// skipPodSchedule of schedule_one.go: finalizers may hold a pod in its deletion, and events still wake it.
it('a pod that is being deleted is passed over when its turn comes, and does not come back', () => {
  const world = new World();
  started(world);
  world.addNode('n1', { cpu: '1' });
  const web = world.addPod('web', podSpec({ cpu: '2' }));
  world.kernel.run(SECOND);
  world.state.pods.word[web]! |= PodBit.deleting;
  world.log(web, Verb.modified);
  world.kernel.run(2 * SECOND);
  world.addNode('n2', { cpu: '4' });
  world.kernel.run(3 * SECOND);
  expect(world.said.slice(-1)).toEqual([
    'Warning FailedScheduling web: skip schedule deleting pod: default/web',
  ]);
  world.addNode('n3', { cpu: '4' });
  world.removePod(web);
  world.kernel.run(6 * SECOND);
  expect(world.said.filter((what) => what.startsWith('bind'))).toEqual([]);
  expect(world.said.filter((what) => what.includes('skip schedule'))).toHaveLength(1);
});

describe('one pod', () => {
  it('is assumed at the end of its attempt, bound, and announced when the binding is answered', () => {
    const world = new World();
    started(world);
    world.addNode('n1');
    world.addPod('web', podSpec({ cpu: '1' }));
    world.kernel.run();
    // Seen at 100 µs, attempt of 1,000 µs, answer 2,000 µs later.
    expect(world.calls).toEqual([
      { us: 1100, what: 'bind web n1' },
      { us: 3100, what: 'Normal Scheduled web: Successfully assigned default/web to n1' },
    ]);
    expect(world.stamps).toEqual(['attempt web 100', 'scheduled web 1100']);
    expect(world.observed.get('scheduler.queue')).toEqual([0]);
    expect(world.observed.get('scheduler.attempt')).toEqual([1000]);
    expect(world.observed.get('scheduler.bind')).toEqual([2000]);
  });

  it('costs virtual time for the nodes that were filtered and scored', () => {
    const world = new World(
      costsWith({ attemptUs: 1000, filterNodeNs: 16_000, scoreNodeNs: 32_000, parallelism: 16 }),
    );
    started(world);
    for (let i = 0; i < 10; i++) world.addNode(`n${i}`);
    world.addPod('web', podSpec({ cpu: '1' }));
    world.kernel.run();
    // 1,000 + 10 nodes x (16 + 32) µs / 16 = 1,030 µs.
    expect(world.observed.get('scheduler.attempt')).toEqual([1030]);
  });

  it('waits its turn: attempts follow each other, bindings overlap', () => {
    const world = new World();
    started(world);
    world.addNode('n1');
    for (const name of ['a', 'b', 'c']) world.addPod(name, podSpec({ cpu: '1' }));
    world.kernel.run();
    expect(world.calls.filter(({ what }) => what.startsWith('bind'))).toEqual([
      { us: 1100, what: 'bind a n1' },
      { us: 2100, what: 'bind b n1' },
      { us: 3100, what: 'bind c n1' },
    ]);
    expect(world.observed.get('scheduler.queue')).toEqual([0, 1000, 2000]);
  });

  it('goes before others by priority', () => {
    const world = new World();
    started(world);
    world.addNode('n1');
    world.addPod('low', podSpec());
    world.addPod('middle', podSpec({}, { priority: 5 }));
    world.addPod('high', podSpec({}, { priority: 10 }));
    world.kernel.run();
    // All are in the queue before the first attempt starts.
    expect(world.said.filter((what) => what.startsWith('bind'))).toEqual([
      'bind high n1',
      'bind middle n1',
      'bind low n1',
    ]);
  });

  it('that has a node already only counts there', () => {
    const world = new World();
    const scheduler = started(world);
    const node = world.addNode('n1', { cpu: '2' });
    world.addPod('static', podSpec({ cpu: '1500m' }), node);
    world.addPod('web', podSpec({ cpu: '1' }));
    world.kernel.run(SECOND);
    expect(scheduler.cache.columns.cpuRequested[node]).toBe(1500);
    expect(world.said).toEqual([
      `Warning FailedScheduling web: 0/1 nodes are available: 1 Insufficient cpu. ${NO_VICTIMS}`,
      'patch web',
    ]);
  });

  it('of another scheduler is left alone and reported', () => {
    const world = new World();
    started(world);
    world.addNode('n1');
    world.addPod('web', podSpec({}, { schedulerName: 'custom' }));
    world.kernel.run();
    expect(world.calls).toEqual([]);
    expect(world.losses).toEqual(['kube-scheduler Pod spec.schedulerName']);
  });

  it('is placed by the profile that its schedulerName names', () => {
    const world = new World();
    started(world, {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      profiles: [
        { schedulerName: 'default-scheduler' },
        {
          schedulerName: 'packer',
          pluginConfig: [
            {
              name: 'NodeResourcesFit',
              args: {
                scoringStrategy: {
                  type: 'MostAllocated',
                  resources: [
                    { name: 'cpu', weight: 1 },
                    { name: 'memory', weight: 1 },
                  ],
                },
              },
            },
          ],
        },
      ],
    });
    const busy = world.addNode('busy');
    world.addNode('idle');
    world.addPod('load', podSpec({ cpu: '2', memory: '8Gi' }), busy);
    world.addPod('spread', podSpec({ cpu: '100m', memory: '400Mi' }));
    world.addPod('packed', podSpec({ cpu: '100m', memory: '400Mi' }, { schedulerName: 'packer' }));
    world.kernel.run();
    expect(world.said.filter((what) => what.startsWith('bind'))).toEqual([
      'bind spread idle',
      'bind packed busy',
    ]);
  });
});

describe('a pod that fits nowhere', () => {
  it('is told so once per message and tried again when room appears, after its back-off at the latest', () => {
    const world = new World();
    started(world);
    const node = world.addNode('n1', { cpu: '2' });
    const big = world.addPod('big', podSpec({ cpu: '2' }), node);
    world.addPod('web', podSpec({ cpu: '1' }));
    world.at(5 * SECOND, () => world.removePod(big));
    world.kernel.run(10 * SECOND);
    expect(world.calls).toEqual([
      {
        us: 1100,
        what: `Warning FailedScheduling web: 0/1 nodes are available: 1 Insufficient cpu. ${NO_VICTIMS}`,
      },
      { us: 1100, what: 'patch web' },
      // Back-off of 1 s is over: seen at 5 s + 100 µs, straight to the active queue.
      { us: 5 * SECOND + 1100, what: 'bind web n1' },
      { us: 5 * SECOND + 3100, what: 'Normal Scheduled web: Successfully assigned default/web to n1' },
    ]);
  });

  it('does not come back for events that cannot help', () => {
    const world = new World();
    started(world);
    world.addNode('n1', { cpu: '2' });
    world.addPod('web', podSpec({ cpu: '3' }));
    // Too small; labels; a taint: nothing that NodeResourcesFit waits for.
    world.at(2 * SECOND, () => world.addNode('n2', { cpu: '1' }));
    world.at(3 * SECOND, () => world.addNode('n3', { cpu: '4' }));
    world.kernel.run(10 * SECOND);
    expect(world.stamps).toEqual([
      'attempt web 100',
      `attempt web ${3 * SECOND + 100}`,
      `scheduled web ${3 * SECOND + 1100}`,
    ]);
  });

  it('is tried again by the sweep after five minutes', () => {
    const world = new World();
    started(world);
    world.addNode('n1', { cpu: '2' });
    world.addPod('web', podSpec({ cpu: '3' }));
    world.kernel.run(700 * SECOND);
    // Failed at 1,100 µs; sweeps run every 30 s; the first later than 300.0011 s is at 330 s. Then 660 s.
    expect(world.stamps).toEqual([
      'attempt web 100',
      `attempt web ${330 * SECOND}`,
      `attempt web ${660 * SECOND}`,
    ]);
    // The message is the same each time: one status patch, three Events.
    expect(world.said.filter((what) => what === 'patch web')).toHaveLength(1);
    expect(world.said.filter((what) => what.startsWith('Warning'))).toHaveLength(3);
  });

  it('sees what happened while it was looked at', () => {
    const world = new World();
    started(world);
    world.addNode('n1', { cpu: '1' });
    world.addPod('web', podSpec({ cpu: '3' }));
    // The attempt runs from 100 to 1,100 µs; the node is seen at 600 µs.
    world.at(500, () => world.addNode('n2', { cpu: '4' }));
    world.kernel.run(5 * SECOND);
    // Into back-off, and out of it at once: the active queue is empty.
    expect(world.stamps).toEqual(['attempt web 100', 'attempt web 1100', 'scheduled web 2100']);
  });

  it('without any node is tried again at 1, 2, 4, 8, 10 s', () => {
    const world = new World();
    started(world);
    world.addPod('web', podSpec({ cpu: '3' }));
    world.kernel.run(30 * SECOND);
    const attempts = world.stamps.map((stamp) => Number(stamp.split(' ')[2]) / SECOND);
    // Fails at t, back-off 1, 2, 4, 8, 10 s from there, cut to whole seconds; the attempt itself takes 1 ms.
    // 0.0011 -> 1; 1.001 -> 3; 3.001 -> 7; 7.001 -> 15; 15.001 -> 25.
    expect(attempts).toEqual([0.0001, 1, 3, 7, 15, 25]);
    expect(world.said[0]).toBe('Warning FailedScheduling web: no nodes available to schedule pods');
  });
});

describe('what changes under way', () => {
  it('a pod deleted during its attempt is dropped', () => {
    const world = new World();
    const scheduler = started(world);
    const node = world.addNode('n1');
    const pod = world.addPod('web', podSpec({ cpu: '1' }));
    world.at(200, () => world.removePod(pod));
    world.kernel.run();
    expect(world.calls).toEqual([]);
    expect(scheduler.cache.columns.cpuRequested[node]).toBe(0);
  });

  it('a pod deleted while waiting leaves the queue', () => {
    const world = new World();
    const scheduler = started(world);
    world.addNode('n1', { cpu: '1' });
    const pod = world.addPod('web', podSpec({ cpu: '3' }));
    world.at(SECOND, () => world.removePod(pod));
    world.kernel.run(2 * SECOND);
    expect(scheduler.queue.depths).toEqual({ active: 0, backoff: 0, waiting: 0, gated: 0 });
  });

  it('a refused binding frees the node and is tried again after back-off', () => {
    const world = new World();
    const scheduler = started(world);
    const node = world.addNode('n1');
    world.addPod('web', podSpec({ cpu: '1' }));
    world.refuse = { code: 500, message: 'etcdserver: request timed out' };
    world.at(SECOND / 2, () => {
      expect(scheduler.cache.columns.cpuRequested[node]).toBe(0);
      world.refuse = null;
    });
    world.kernel.run(5 * SECOND);
    expect(world.said).toEqual([
      'bind web n1',
      'Warning FailedScheduling web: running Bind plugin "DefaultBinder": etcdserver: request timed out',
      'patch web',
      'bind web n1',
      'Normal Scheduled web: Successfully assigned default/web to n1',
    ]);
    // An error waits out its back-off: failed at 3.1 ms, due at 1 s.
    expect(world.stamps[2]).toBe(`attempt web ${SECOND}`);
    expect(scheduler.cache.columns.cpuRequested[node]).toBe(1000);
  });

  it('a pod that ends gives back what it held', () => {
    const world = new World();
    const scheduler = started(world);
    const node = world.addNode('n1');
    const pod = world.addPod('job', podSpec({ cpu: '1' }), node);
    world.kernel.run(SECOND);
    expect(scheduler.cache.columns.podCount[node]).toBe(1);
    world.state.pods.word[pod] = 2; // Succeeded
    world.log(pod, 1);
    world.kernel.run(2 * SECOND);
    expect(scheduler.cache.columns.podCount[node]).toBe(0);
    expect(scheduler.cache.columns.cpuRequested[node]).toBe(0);
  });

  it('a node that leaves is not chosen any more', () => {
    const world = new World();
    started(world);
    const first = world.addNode('n1');
    world.addNode('n2', { cpu: '1' });
    world.at(SECOND, () => world.removeNode(first));
    world.at(2 * SECOND, () => world.addPod('web', podSpec({ cpu: '500m' })));
    world.kernel.run(3 * SECOND);
    expect(world.said[0]).toBe('bind web n2');
  });

  it('a gated pod enters the queue when its gates go', () => {
    const world = new World();
    const scheduler = started(world);
    world.addNode('n1');
    const pod = world.addPod('web', podSpec({}, { schedulingGates: [{ name: 'b' }, { name: 'a' }] }));
    world.at(SECOND, () => {
      expect(scheduler.queue.depths).toEqual({ active: 0, backoff: 0, waiting: 1, gated: 1 });
      const open = world.state.templates.intern({
        labels: {},
        annotations: {},
        spec: podSpec(),
        metadata: null,
      });
      world.state.pods.template[pod] = open.id;
      world.log(pod, 1);
    });
    world.kernel.run(400 * SECOND);
    expect(world.stamps).toEqual([`attempt web ${SECOND + 100}`, `scheduled web ${SECOND + 1100}`]);
  });

  it('a storm of joining nodes asks each group of waiting pods once per node, not each pod', () => {
    const world = new World(costsWith({ attemptUs: 1 }));
    const scheduler = started(world);
    world.addNode('n0', { cpu: '1' });
    for (let i = 0; i < 2000; i++) world.addPod(`p${i}`, podSpec({ cpu: '3' }));
    world.kernel.run(SECOND);
    expect(scheduler.queue.depths.waiting).toBe(2000);
    // 2,000 pods x 2,000 nodes would be 4 million hints; this takes a fraction of a second.
    for (let i = 0; i < 2000; i++) world.addNode(`s${i}`, { cpu: '2' });
    world.kernel.run(2 * SECOND);
    expect(scheduler.queue.depths.waiting).toBe(2000);
    world.addNode('large', { cpu: '4' });
    world.kernel.run(3 * SECOND);
    expect(scheduler.queue.depths).toEqual({ active: 0, backoff: 0, waiting: 1999, gated: 0 });
  });
});

describe('what plug-ins leave out', () => {
  it('is nothing that the default profile would have acted on', () => {
    const world = new World();
    started(world);
    world.addNode('n1', { cpu: '1' });
    world.addPod('plain', podSpec());
    world.addPod('ephemeral', podSpec({}, { volumes: [{ name: 'v', emptyDir: {} }] }));
    world.addPod(
      'claims',
      podSpec({}, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }),
    );
    world.addPod('devices', podSpec({}, { resourceClaims: [{ name: 'd', resourceClaimName: 'd' }] }));
    world.kernel.run(SECOND);
    expect(world.losses).toEqual([]);
  });
});
