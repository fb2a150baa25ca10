// The scheduling queue: back-off, who may leave it early, events, the pool of waiting pods.
import { describe, expect, it } from 'vitest';
import { ClusterEvent } from '../../../engine/contracts/scheduler.ts';
import { Kernel, PeriodicWork } from '../../../engine/kernel/index.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { Framework, type Instance, Verdicts } from '../../../engine/scheduler/framework.ts';
import { Place, SchedulingQueue } from '../../../engine/scheduler/queue.ts';
import { UnschedulablePods } from '../../../engine/scheduler/unschedulable.ts';
import type { PodId } from '../../../engine/state/index.ts';
import { addNode, addPod, newState, podSpec, settingsOf } from './support.ts';

const SECOND = 1_000_000;
const PODS_LEFT = { events: ClusterEvent.assignedPodDelete, node: 0, before: null, template: null };

function setup() {
  const kernel = new Kernel();
  const state = newState();
  const cache = new SchedulerCache(state, () => 0);
  cache.nodeChanged(addNode(state, 'n1'));
  const instances: Instance[] = [];
  const framework = new Framework(settingsOf().profiles[0]!, cache, new Verdicts(), instances, 0);
  const options = {
    initialBackoffUs: SECOND,
    maxBackoffUs: 10 * SECOND,
    unschedulableFlushUs: 300 * SECOND,
    flushIntervalUs: 30 * SECOND,
  };
  const periodic = new PeriodicWork(kernel, false);
  const queue = new SchedulingQueue(
    kernel,
    periodic,
    state,
    cache,
    [framework],
    instances,
    options,
    () => {},
  );
  const fit = instances.find(({ name }) => name === 'NodeResourcesFit')!.index;
  const actions: (() => void)[] = [];
  const act = kernel.on('act', (at) => actions[at]!());
  return {
    kernel,
    queue,
    instances,
    state,
    cache,
    fit,
    pod: (name: string, over = {}): PodId => addPod(state, name, podSpec({}, over)),
    at: (us: number, action: () => void) => kernel.at(us, act, actions.push(action) - 1, 0),
  };
}

describe('back-off', () => {
  it('grows 1, 2, 4, 8, 10, 10 s', () => {
    const { kernel, queue, fit, pod, at } = setup();
    const web = pod('web');
    const busy = pod('busy');
    queue.add(web, 0);
    const waits: number[] = [];
    let failedAt = 0;
    // Each time the pod comes out, it is rejected at once and an event asks for it again.
    const cycle = (): void => {
      const taken = queue.pop();
      expect(taken).toBe(web);
      if (failedAt > 0) waits.push((queue.readyUs[web]! - failedAt) / SECOND);
      failedAt = kernel.now;
      queue.rejected(web, [fit], []);
      if (!queue.has(busy)) queue.add(busy, 0);
      queue.event(PODS_LEFT);
    };
    at(SECOND, cycle);
    for (const us of [2, 4, 8, 16, 26, 36]) {
      at(us * SECOND + 1, () => {
        queue.remove(busy);
        cycle();
      });
    }
    kernel.run();
    // Failed at 1 s, then each time 1 µs after the second: the cut takes that µs away.
    expect(waits.map((wait) => Math.round(wait))).toEqual([1, 2, 4, 8, 10, 10]);
  });

  it('ends early for a rejected pod when nothing is ready, never for one that met an error', () => {
    const { queue, fit, pod } = setup();
    const rejected = pod('rejected');
    const failed = pod('failed');
    queue.add(rejected, 0);
    queue.add(failed, 0);
    expect([queue.pop(), queue.pop()]).toEqual([rejected, failed]);
    queue.failed(failed);
    queue.rejected(rejected, [fit], [PODS_LEFT]);
    expect(queue.depths).toMatchObject({ active: 0, backoff: 2 });
    expect(queue.pop()).toBe(rejected);
    expect(queue.pop()).toBe(-1);
  });
});

describe('events', () => {
  it('move only pods that a rejecting plug-in lets go', () => {
    const { queue, fit, pod } = setup();
    const web = pod('web');
    queue.add(web, 0);
    queue.pop();
    queue.rejected(web, [fit], []);
    queue.event({ ...PODS_LEFT, events: ClusterEvent.nodeLabel });
    expect(queue.depths).toMatchObject({ waiting: 1 });
    queue.event(PODS_LEFT);
    expect(queue.depths).toMatchObject({ waiting: 0, backoff: 1 });
  });

  it('of a node wake, of pods pinned to one node each, only its own', () => {
    const { queue, instances, state, cache, pod } = setup();
    const affinity = instances.find(({ name }) => name === 'NodeAffinity')!.index;
    const pods = ['n1', 'n2', 'n3'].map((name) => {
      const pinned = pod(`agent-${name}`);
      state.pods.pinned[pinned] = state.texts.id(name);
      queue.add(pinned, 0);
      return pinned;
    });
    for (const pinned of pods) {
      queue.pop();
      queue.rejected(pinned, [affinity], []);
    }
    const node = addNode(state, 'n2');
    cache.nodeChanged(node);
    queue.event({ events: ClusterEvent.nodeAdd, node, before: null, template: null });
    expect(queue.depths).toMatchObject({ waiting: 2 });
    expect(pods.map((pinned) => queue.where(pinned) === Place.waiting)).toEqual([true, false, true]);
  });

  it('nobody listens to are not even looked at', () => {
    const { queue } = setup();
    expect(queue.listened & ClusterEvent.nodeCondition).toBe(0);
    expect(queue.listened & ClusterEvent.assignedPodDelete).not.toBe(0);
  });
});

describe('the pool of waiting pods', () => {
  it('keeps pods by template, namespace and rejecting plug-ins', () => {
    const pool = new UnschedulablePods();
    pool.add(1, 7, 0, [3], false);
    pool.add(2, 7, 0, [3], false);
    pool.add(3, 7, 1, [3], false);
    pool.add(4, 7, 0, [3, 5], false);
    pool.add(5, 8, 0, [3], true);
    expect([...pool.groups()].map(({ pods }) => pods)).toEqual([[1, 2], [3], [4], [5]]);
    pool.remove(1);
    expect([...pool.groups()].map(({ pods }) => pods)).toEqual([[2], [3], [4], [5]]);
    expect([pool.size, pool.gated]).toEqual([4, 1]);
  });

  it('knows who has waited longest, gated pods aside, also after pods left and came back', () => {
    const pool = new UnschedulablePods();
    pool.add(5, 0, 0, [1], true);
    pool.add(1, 0, 0, [1], false);
    pool.add(2, 0, 0, [1], false);
    expect(pool.oldest()).toBe(1);
    pool.remove(1);
    pool.add(1, 0, 0, [1], false);
    expect(pool.oldest()).toBe(2);
    pool.remove(2);
    expect(pool.oldest()).toBe(1);
    pool.remove(1);
    expect(pool.oldest()).toBe(-1);
  });
});
