// Scheduler extenders in virtual time: what their answers cost, when a pod is tried again, who binds
// (pkg/scheduler/extender.go and schedule_one.go, v1.36).
import { describe, expect, it } from 'vitest';
import type { ExtenderShape } from '../../../engine/index.ts';
import { Scheduler } from '../../../engine/scheduler/scheduler.ts';
import { PodBit, unscheduledReason } from '../../../engine/state/index.ts';
import { settings, URL } from './extender-settings.ts';
import { costsWith, podSpec, World } from './support.ts';

describe('in virtual time', () => {
  /** Attempts of 1,000 µs, watches after 100 µs, answers after 2,000 µs. */
  function run(
    list: Parameters<typeof settings>[0],
    act: (world: World) => void = (world) => {
      for (const name of ['a', 'b']) world.addNode(name);
      world.addPod('web', podSpec({ cpu: '1' }));
    },
    search = 'index',
  ): World {
    const world = new World(costsWith({}));
    new Scheduler(world.context, settings(list), null, search).start();
    act(world);
    world.kernel.run();
    return world;
  }
  const all: ExtenderShape = { filter: () => ({}), prioritize: () => ({}) };

  it.each(['index', 'brute', 'verify'])(
    'filters take their times one after the other, prioritizing the longest: %s',
    (search) => {
      const world = run(
        [
          { url: 'http://x', shape: { ...all, latency: { filter: 300, prioritize: 50 } } },
          { url: 'http://y', shape: { ...all, latency: { filter: 200, prioritize: 700 } } },
        ],
        undefined,
        search,
      );
      // 1,000 + (300 + 200) + max(50, 700) = 2,200 µs.
      expect(world.observed.get('scheduler.attempt')).toEqual([2200]);
    },
  );

  it('an extender that is not interested costs nothing', () => {
    const more = { managedResources: [{ name: 'example.com/gpu' }] };
    const world = run([{ shape: { ...all, latency: 5000 }, more }]);
    expect(world.observed.get('scheduler.attempt')).toEqual([1000]);
  });

  it('an answer after httpTimeout is an error: the pod is tried again after back-off', () => {
    let calls = 0;
    const shape: ExtenderShape = {
      filter: () => {
        calls += 1;
        return {};
      },
      latency: 30_000,
    };
    const world = new World(costsWith({}));
    new Scheduler(world.context, settings([{ shape, more: { httpTimeout: '20ms' } }])).start();
    world.addNode('a');
    const web = world.addPod('web', podSpec({ cpu: '1' }));
    world.kernel.run(900_000);
    expect(calls).toBe(0);
    expect(unscheduledReason(world.state.pods.word[web]!)).toBe('SchedulerError');
    expect(world.observed.get('scheduler.attempt')).toEqual([21_000]);
    expect(world.said).toContain(
      `Warning FailedScheduling web: Post "${URL}/filter": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    );
  });

  it('a rejected pod is looked at again after whatever happens', () => {
    let isOpen = false;
    const shape: ExtenderShape = {
      filter: (_pod, nodes) =>
        isOpen
          ? {}
          : { failedAndUnresolvable: Object.fromEntries(nodes.map(({ name }) => [name, 'closed'])) },
    };
    const world = run([{ shape }], (w) => {
      w.addNode('a');
      w.addPod('web', podSpec({ cpu: '1' }));
      w.at(20_000_000, () => {
        isOpen = true;
        // A pod that comes to the node: no plug-in would wait for that.
        w.addPod('other', podSpec({ cpu: '1' }), 0);
      });
    });
    expect(world.said.filter((what) => what.includes('web'))).toEqual([
      expect.stringContaining('Warning FailedScheduling web: 0/1 nodes are available: 1 closed.'),
      'patch web',
      'bind web a',
      'Normal Scheduled web: Successfully assigned default/web to a',
    ]);
  });

  it('the extender that binds does it instead of the bind plug-ins, after its latency, while the next attempt runs', () => {
    const bound: string[] = [];
    const shape: ExtenderShape = {
      bind: (pod, at) => {
        bound.push(`${pod.name} ${at}`);
      },
      latency: { bind: 400 },
    };
    const world = run([{ shape }], (w) => {
      w.addNode('a');
      w.addPod('one', podSpec({ cpu: '1' }));
      w.addPod('two', podSpec({ cpu: '1' }));
    });
    expect(bound).toEqual(['one a', 'two a']);
    // Attempts end at 1,100 and 2,100 µs.
    expect(world.calls.filter(({ what }) => what.startsWith('bind'))).toEqual([
      { us: 1500, what: 'bind one a' },
      { us: 2500, what: 'bind two a' },
    ]);
  });

  it.each([
    [false, ['Warning FailedScheduling web: journal is full']],
    [true, ['Normal Scheduled web: Successfully assigned default/web to a']],
  ])('an error of the binder, ignorable: %s', (ignorable, said) => {
    const world = new World(costsWith({}));
    const shape: ExtenderShape = { bind: () => ({ error: 'journal is full' }) };
    new Scheduler(world.context, settings([{ shape, more: { ignorable } }])).start();
    world.addNode('a');
    const web = world.addPod('web', podSpec({ cpu: '1' }));
    world.kernel.run(900_000);
    expect((world.state.pods.word[web]! & PodBit.schedulerError) !== 0).toBe(!ignorable);
    expect(world.said.filter((what) => /^(Normal|Warning)/.test(what))).toEqual(said);
    expect(world.said.filter((what) => what.startsWith('bind'))).toHaveLength(ignorable ? 1 : 0);
  });

  it('a pod that goes while the extender binds it is dropped', () => {
    const world = run([{ shape: { bind: () => {}, latency: 50_000 } }], (w) => {
      w.addNode('a');
      const web = w.addPod('web', podSpec({ cpu: '1' }));
      w.at(20_000, () => w.removePod(web));
    });
    expect(world.said).toEqual([]);
  });

  it.each([
    ['filters', { filter: () => ({}) }, 5],
    ['prioritizes', { prioritize: () => ({}) }, 5],
    ['binds only', { bind: () => {} }, 1],
  ] as const)(
    'where no plug-in scores one node is enough, unless an extender may choose: it %s',
    (_, shape, looks) => {
      const none = {
        plugins: { preScore: { disabled: [{ name: '*' }] }, score: { disabled: [{ name: '*' }] } },
      };
      // 16 µs a node over 16 workers: 1 µs for each node that filters look at.
      const world = new World(costsWith({ filterNodeNs: 16_000 }));
      new Scheduler(world.context, settings([{ shape }], { profiles: [none] })).start();
      for (let i = 0; i < 5; i++) world.addNode(`n${i}`);
      world.addPod('web', podSpec({ cpu: '1' }));
      world.kernel.run();
      expect(world.observed.get('scheduler.attempt')).toEqual([1000 + looks]);
    },
  );
});
