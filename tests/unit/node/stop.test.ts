// How a pod stops, from each step of its life: SIGTERM and grace, the terminal status, the last DELETE.
import { describe, expect, it } from 'vitest';
import { zero } from '../../../policies/costs/zero.ts';
import { podObject } from '../apiserver/cluster.ts';
import { container, kubelets, MS } from './harness.ts';

const RUNNING = { 'start-delay-ms': '995' };

describe('a running pod', () => {
  it.each([
    { stopMs: '800', grace: 30, end: 5800, name: 'stops when its containers have ended' },
    { stopMs: '9000', grace: 2, end: 7000, name: 'is killed when its grace is over: 5000 + 2000' },
    { stopMs: '2000', grace: 2, end: 7000, name: 'ends at its grace if both fall together' },
    { stopMs: undefined, grace: 30, end: 5300, name: 'takes the preset’s 300 ms without an annotation' },
    { stopMs: '0', grace: 30, end: 5000, name: 'ends at once with 0' },
  ])('$name', ({ stopMs, grace, end }) => {
    const k = kubelets();
    const annotations = stopMs === undefined ? RUNNING : { ...RUNNING, 'stop-delay-ms': stopMs };
    k.pod(0, 'p', { terminationGracePeriodSeconds: grace }, annotations);
    k.at(5000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '1000 Running Ready',
      '5000 Running Ready deleting',
      `${end} Succeeded deleting`,
      `${end} gone`,
    ]);
    expect(k.reasons('p')).toEqual(['5000 Killing']);
    expect(k.state.nodes.podCount[0]).toBe(0);
  });

  it.each([
    { policy: 'Always', code: undefined, phase: 'Succeeded' },
    { policy: 'Never', code: undefined, phase: 'Failed' },
    { policy: 'OnFailure', code: undefined, phase: 'Failed' },
    { policy: 'Always', code: '1', phase: 'Failed' },
    { policy: 'Never', code: '0', phase: 'Succeeded' },
  ])('restartPolicy $policy, term-exit-code $code: $phase', ({ policy, code, phase }) => {
    const k = kubelets();
    const annotations = code === undefined ? RUNNING : { ...RUNNING, 'term-exit-code': code };
    k.pod(0, 'p', { restartPolicy: policy }, annotations);
    k.at(5000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')!.slice(-2)).toEqual([`5300 ${phase} deleting`, '5300 gone']);
  });

  it('a second DELETE with less grace ends it earlier, never before now', () => {
    const k = kubelets();
    k.pod(0, 'p', {}, { ...RUNNING, 'stop-delay-ms': '20000' });
    k.at(5000, () => k.remove('p'));
    k.at(6000, () => k.remove('p', 3));
    k.run();
    // SIGTERM at 5000; grace is 3 s from then on.
    expect(k.history.get('p')!.slice(-2)).toEqual(['8000 Succeeded deleting', '8000 gone']);
    const late = kubelets();
    late.pod(0, 'p', {}, { ...RUNNING, 'stop-delay-ms': '20000' });
    late.at(5000, () => late.remove('p'));
    late.at(9000, () => late.remove('p', 3));
    late.run();
    expect(late.history.get('p')!.at(-1)).toBe('9000 gone');
  });

  it('a second DELETE with more grace changes nothing', () => {
    const k = kubelets();
    k.pod(0, 'p', {}, { ...RUNNING, 'stop-delay-ms': '2000' });
    k.at(5000, () => k.remove('p', 10));
    k.at(6000, () => k.remove('p', 60));
    k.run();
    expect(k.history.get('p')!.at(-1)).toBe('7000 gone');
  });

  it('sends one last DELETE', () => {
    const k = kubelets();
    let sent = 0;
    const client = k.server.client.bind(k.server);
    k.server.client = (...args) => {
      const made = client(...args);
      const deletePod = made.deletePod.bind(made);
      made.deletePod = (...call) => {
        sent += 1;
        deletePod(...call);
      };
      return made;
    };
    k.pod(0, 'p', {}, RUNNING);
    k.at(5000, () => k.remove('p'));
    k.run();
    expect(sent).toBe(1);
  });
});

// pod_workers.go UpdatePod: a pod that the kubelet learns of with a deletionTimestamp is terminated, never started.
it('a pod that is deleted while its machine stands still is not started when that is back', () => {
  const k = kubelets();
  k.pod(0, 'p', {}, RUNNING);
  k.at(500, () => k.kubelets.power.stop(0));
  k.at(2000, () => k.remove('p'));
  k.at(5000, () => void k.kubelets.power.start(0));
  k.run();
  expect(k.history.get('p')).toEqual([
    '0 Pending',
    '2000 Pending deleting',
    '5000 Failed deleting',
    '5000 gone',
  ]);
});

describe('deletion on the way up', () => {
  const grace = (ms: number, more: string[] = []) => [
    '0 Pending',
    ...more,
    `${ms} Pending deleting`,
    `${ms} Failed deleting`,
    `${ms} gone`,
  ];
  it.each([
    { step: 'before the sync', at: 3 },
    { step: 'with the sandbox in the making', at: 50 },
    { step: 'while pulling', at: 700 },
    { step: 'while the first container starts', at: 1520 },
  ])('$step: nothing runs, so it ends at once, as Failed', ({ at }) => {
    const k = kubelets();
    k.pod(0, 'p', { containers: [container('a')] });
    k.at(at, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')).toEqual(grace(at));
    expect(k.reasons('p').filter((line) => line.endsWith('Killing'))).toEqual([]);
  });

  it.each([
    {
      step: 'while an init container runs',
      at: 500,
      spec: { initContainers: [container('i')], containers: [container('a')] },
    },
    {
      step: 'with the first container running and the second pulling',
      at: 800,
      spec: { containers: [container('i'), container('a')] },
    },
    {
      step: 'with a sidecar running and the first container pulling',
      at: 800,
      spec: { initContainers: [container('i', { restartPolicy: 'Always' })], containers: [container('a')] },
    },
    { step: 'with all started and not yet reported', at: 160, spec: { containers: [container('i')] } },
  ])('$step: the container gets its time to stop', ({ at, spec }) => {
    const k = kubelets({ images: ['i:v1'] });
    k.pod(0, 'p', spec);
    k.at(at, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')!.slice(-2)).toEqual([`${at + 300} Failed deleting`, `${at + 300} gone`]);
    expect(k.events.filter((e) => e.reason === 'Killing').map((e) => e.message)).toEqual([
      'Stopping container i',
    ]);
  });

  it('names every container that it stops', () => {
    const k = kubelets({ images: ['s:v1', 'a:v1', 'b:v1', 'i:v1'] });
    const initContainers = [container('s', { restartPolicy: 'Always' }), container('i')];
    k.pod(0, 'p', { initContainers, containers: [container('a'), container('b')] });
    k.at(5000, () => k.remove('p'));
    k.run();
    const killed = k.events.filter((e) => e.reason === 'Killing').map((e) => e.message);
    expect(killed).toEqual(['s', 'a', 'b'].map((name) => `Stopping container ${name}`));
  });
});

describe('deletion between runs', () => {
  it('a pod in back-off has nothing to stop', () => {
    const k = kubelets({ images: ['a:v1'] });
    k.pod(0, 'p', { containers: [container('a')] }, { 'run-ms': '100', 'exit-codes': '1' });
    k.at(5000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')!.slice(-3)).toEqual([
      '5000 Running deleting restarts=1 CrashLoopBackOff',
      '5000 Succeeded deleting restarts=1 CrashLoopBackOff',
      '5000 gone',
    ]);
  });

  it('an exact stop-delay-ms holds there too, as recorded from the real control plane', () => {
    const k = kubelets();
    const annotations = { ...RUNNING, 'run-ms': '800', 'exit-codes': '1', 'stop-delay-ms': '200' };
    k.pod(0, 'p', { restartPolicy: 'OnFailure' }, annotations);
    k.at(5000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')!.slice(-2)).toEqual([
      '5200 Failed deleting restarts=2 CrashLoopBackOff',
      '5200 gone',
    ]);
  });

  it('a pod that has ended is removed by the first DELETE', () => {
    const k = kubelets();
    k.pod(0, 'p', { restartPolicy: 'Never' }, { ...RUNNING, 'run-ms': '100' });
    k.at(5000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '1000 Running Ready',
      '1100 Succeeded',
      '5000 Succeeded deleting',
      '5000 gone',
    ]);
  });
});

describe('a pod that is bound and deleted before its kubelet has heard of it', () => {
  it('goes without having started', () => {
    const k = kubelets();
    k.at(0, () =>
      k.client.create(podObject('p'), ({ id }) => {
        // Both are committed before the first of the two changes reaches the kubelet.
        k.client.bindPod(id, 0, 0, null);
        k.client.deletePod(id, 0, -1, null);
      }),
    );
    k.run();
    expect(k.history.get('p')).toEqual(['0 Pending', '0 Pending deleting', '0 Failed deleting', '0 gone']);
    expect(k.events).toEqual([]);
  });
});

it('a DELETE that crosses the status of a pod that ends: the object goes all the same', () => {
  // The status takes 5 ms to the server, and the DELETE is committed in between: the server still sees a running pod
  // and grants it its grace; the kubelet, for which the pod has ended, must finish the deletion.
  const k = kubelets({
    costs: { apiserver: { ...zero.apiserver, networkUs: 5 * MS, handlerUs: { '*': 0 } } },
  });
  k.pod(0, 'p', { restartPolicy: 'Never' }, { ...RUNNING, 'run-ms': '100' });
  // Created at 5, bound at 15; Running at 1015, told at 1020, answered at 1025, from when on the 100 ms count; the
  // containers exit at 1125, told at 1130, and the kubelet knows at 1135 that it is told; its DELETE arrives 5 ms later.
  k.at(1123, () => k.remove('p'));
  k.run();
  expect(k.history.get('p')!.slice(-3)).toEqual([
    '1128 Running Ready deleting',
    '1130 Succeeded deleting',
    '1140 gone',
  ]);
});

describe('force deletion', () => {
  it.each([
    { name: 'while running', at: 5000 },
    { name: 'while starting', at: 500 },
  ])('$name: the object goes at once, later events of the pod are dropped', ({ at }) => {
    const k = kubelets();
    k.pod(0, 'p', { restartPolicy: 'Never' }, { ...RUNNING, 'ready-delay-ms': '6000', 'run-ms': '7000' });
    k.at(at, () => k.remove('p', 0));
    k.run();
    expect(k.history.get('p')!.at(-1)).toBe(`${at} gone`);
    expect(k.state.pods.live).toBe(0);
    expect(k.state.nodes.podCount[0]).toBe(0);
  });

  it('frees name, row and address: a pod that takes all three lives its own life', () => {
    const k = kubelets({ podsMax: 1 });
    k.pod(0, 'p', { restartPolicy: 'Never' }, { ...RUNNING, 'run-ms': '6000' });
    k.at(5000, () => k.remove('p', 0));
    k.pod(5500, 'p', { restartPolicy: 'Never' }, { ...RUNNING, 'run-ms': '6000' });
    k.run();
    // The first would have ended at 7000; the second runs from 6500 to 12 500.
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '1000 Running Ready',
      '5000 Running Ready deleting',
      '5000 gone',
      '5500 Pending',
      '6500 Running Ready',
      '12500 Succeeded',
    ]);
  });
});
