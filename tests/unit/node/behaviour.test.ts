// Containers that behave as their annotation says: each lives, dies and comes back on its own. Costs: harness.ts.
import { describe, expect, it } from 'vitest';
import { container, kubelets } from './harness.ts';

const IMAGES = ['a:v1', 'b:v1', 'i:v1'];
/** Seen at 0, sync 5, sandbox 100, container 50, status 10: the status that shows it running. */
const RUNNING = 165;
/** Create 20 and start 30, and 10 until the status shows it. */
const AGAIN = 60;

const one = (says: string, more: object = {}, spec: object = {}) => {
  const k = kubelets({ images: IMAGES });
  const annotations = { 'container.kubetick.io/a': says };
  k.pod(0, 'p', { containers: [container('a', more)], ...spec }, {}, 0, annotations);
  return k;
};

describe('a container that ends by itself', () => {
  it('comes back at once, then after 10 s, then 20 s', () => {
    const k = one('exit-after=1s exit-code=1');
    k.run(50_000);
    const [end1, start2] = [RUNNING + 1000, RUNNING + 1000 + AGAIN];
    const [end2, start3] = [start2 + 1000, start2 + 1000 + 10_000 + AGAIN];
    const [end3, start4] = [start3 + 1000, start3 + 1000 + 20_000 + AGAIN];
    expect(k.history.get('p')!.slice(0, 11)).toEqual([
      '0 Pending',
      `${RUNNING} Running Ready`,
      `${end1} Running restarts=1`,
      `${start2} Running Ready restarts=1`,
      `${end2} Running restarts=1 CrashLoopBackOff`,
      `${end2 + 10_000} Running restarts=2`,
      `${start3} Running Ready restarts=2`,
      `${end3} Running restarts=2 CrashLoopBackOff`,
      `${end3 + 20_000} Running restarts=3`,
      `${start4} Running Ready restarts=3`,
      `${start4 + 1000} Running restarts=3 CrashLoopBackOff`,
    ]);
  });

  it('stays when only so many runs go wrong', () => {
    const k = one('exit-after=1s runs=1');
    k.run();
    expect(k.history.get('p')!.at(-1)).toBe(`${RUNNING + 1000 + AGAIN} Running Ready restarts=1`);
  });

  it.each([
    { code: 0, phase: 'Succeeded' },
    { code: 3, phase: 'Failed' },
  ])('ends its pod with restartPolicy Never, code $code: $phase', ({ code, phase }) => {
    const k = one(`exit-after=1s exit-code=${code}`, {}, { restartPolicy: 'Never' });
    k.run();
    expect(k.history.get('p')!.at(-1)).toBe(`${RUNNING + 1000} ${phase}`);
  });

  it('leaves the others alone', () => {
    const k = kubelets({ images: IMAGES });
    const containers = [container('a'), container('b')];
    k.pod(0, 'p', { containers, restartPolicy: 'Never' }, {}, 0, {
      'container.kubetick.io/a': 'exit-after=1s',
    });
    k.run();
    // Two containers: 50 more. One has completed, so the pod is not ready, and runs on.
    expect(k.history.get('p')).toEqual(['0 Pending', '215 Running Ready', '1215 Running']);
  });

  it('past its memory limit is killed', () => {
    const k = one(
      'memory=10Mi+10Mi/s',
      { resources: { limits: { memory: '40Mi' } } },
      { restartPolicy: 'Never' },
    );
    k.run();
    // 30 MiB at 10 MiB/s
    expect(k.history.get('p')!.at(-1)).toBe(`${RUNNING + 3000} Failed`);
  });
});

it('restarts of containers count on when their machine boots', () => {
  const k = one('exit-after=1s runs=1');
  k.at(5000, () => k.kubelets.power.crash(0));
  k.at(6000, () => void k.kubelets.power.start(0));
  k.run(7200);
  // One restart before, one by the boot; the container, new to its kubelet, goes wrong once more 1 s after 6000 + 165.
  expect(k.history.get('p')!.slice(3)).toEqual([
    `${RUNNING + 1000 + AGAIN} Running Ready restarts=1`,
    '6000 Running restarts=1',
    '6165 Running Ready restarts=2',
    '7165 Running restarts=3',
  ]);
});

describe('a liveness probe that fails', () => {
  it('kills the container and starts it anew without back-off', () => {
    const k = one('dead-after=5s runs=1', { livenessProbe: { periodSeconds: 2, failureThreshold: 2 } });
    k.run();
    // The worker ticks every 2 s from 0: 6000 fails (5165 have passed), 8000 is the second; + 8 answer, + 300 stop.
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '165 Running Ready',
      '8308 Running restarts=1',
      `${8308 + AGAIN} Running Ready restarts=1`,
    ]);
    expect(k.events.filter(({ ms }) => ms > 8000).map(({ ms, message }) => `${ms} ${message}`)).toEqual([
      '8008 Liveness probe failed: ',
      '8008 Container a failed liveness probe, will be restarted',
      `${8308 + AGAIN} Container created`,
      `${8308 + AGAIN} Container started`,
    ]);
  });

  it('takes the grace period of the probe', () => {
    const livenessProbe = { periodSeconds: 2, failureThreshold: 1, terminationGracePeriodSeconds: 4 };
    const k = one('dead-after=1s runs=1 stop=20s', { livenessProbe });
    k.run();
    // Fails at 2000 + 8; killed 4 s later.
    expect(k.history.get('p')![2]).toBe('6008 Running restarts=1');
  });
});

describe('readiness over time', () => {
  it('goes and comes back with the probe', () => {
    const k = one('unready=10s..19s', { readinessProbe: { periodSeconds: 2, failureThreshold: 2 } });
    k.run();
    // Ticks at 165 + 2000 n: 10 165 and 12 165 fail; 20 165 is answered. Each + 8.
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '165 Running',
      '173 Running Ready',
      '12173 Running',
      '20173 Running Ready',
    ]);
  });
});

describe('init containers', () => {
  it('that fail are tried again by back-off', () => {
    const k = kubelets({ images: IMAGES });
    const spec = { initContainers: [container('i')], containers: [container('a')] };
    k.pod(0, 'p', spec, {}, 0, { 'container.kubetick.io/i': 'exit-after=1s exit-code=1 runs=2' });
    k.run();
    // 155 started, 1155 failed; again at once: 1205 to 2205; then 10 s: 12 205 + 50 + 1000 (as the preset says) = 13 255.
    // The container: + 50 + 10.
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '2205 Pending CrashLoopBackOff',
      '13315 Running Ready restarts=2',
    ]);
  });

  it('that fail end a pod with restartPolicy Never', () => {
    const k = kubelets({ images: IMAGES });
    const spec = { initContainers: [container('i')], containers: [container('a')], restartPolicy: 'Never' };
    k.pod(0, 'p', spec, {}, 0, { 'container.kubetick.io/i': 'exit-after=1s exit-code=1' });
    k.run();
    expect(k.history.get('p')).toEqual(['0 Pending', '1155 Failed']);
  });
});

describe('hooks', () => {
  it.each([
    { name: 'sleep', postStart: { sleep: { seconds: 2 } } },
    { name: 'exec of sleep', postStart: { exec: { command: ['sleep', '2'] } } },
    { name: 'sleep through a shell', postStart: { exec: { command: ['/bin/sh', '-c', 'sleep 2'] } } },
  ])('postStart ($name) holds the next container', ({ postStart }) => {
    const k = kubelets({ images: IMAGES });
    k.pod(0, 'p', { containers: [container('a', { lifecycle: { postStart } }), container('b')] });
    k.run();
    // 155 + 2000 + 50 + 10
    expect(k.history.get('p')).toEqual(['0 Pending', '2215 Running Ready']);
  });

  it.each([
    { name: 'runs before SIGTERM: 4000 + 300', seconds: 4, grace: 30, end: 9300 },
    {
      name: 'takes the whole grace, and 2 s are left for the container, which takes 300',
      seconds: 60,
      grace: 5,
      end: 10_300,
    },
  ])('preStop $name', ({ seconds, grace, end }) => {
    const k = kubelets({ images: IMAGES });
    const lifecycle = { preStop: { sleep: { seconds } } };
    k.pod(0, 'p', { containers: [container('a', { lifecycle })], terminationGracePeriodSeconds: grace });
    k.at(5000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')!.at(-1)).toBe(`${end} gone`);
  });

  it('sidecars stop after the others, the last one first', () => {
    const k = kubelets({ images: IMAGES });
    const side = (name: string) => container(name, { restartPolicy: 'Always' });
    k.pod(0, 'p', { initContainers: [side('i'), side('b')], containers: [container('a')] });
    k.at(5000, () => k.remove('p'));
    k.run();
    // Three times 300.
    expect(k.history.get('p')!.at(-1)).toBe('5900 gone');
  });

  it('a postStart hook that fails kills the container, again and again', () => {
    const k = one('post-start=fails stop=0s', { lifecycle: { postStart: { exec: { command: ['true'] } } } });
    k.run(1000);
    expect(k.events.filter(({ reason }) => reason === 'FailedPostStartHook').length).toBeGreaterThan(1);
  });
});

describe('images that no registry has', () => {
  it('wait 10 s, 20 s, … and are told as ErrImagePull and ImagePullBackOff', () => {
    const k = kubelets({ kubelet: { missingImages: ['a:v1'] } });
    k.pod(0, 'p', { containers: [container('a')] });
    k.run(60_000);
    const lines = k.history.get('p')!;
    // The pull begins at 105 and is answered 400 later; the new sandbox's event brings the next sync at once.
    expect(lines.slice(0, 4)).toEqual([
      '0 Pending',
      '505 Pending ErrImagePull',
      '505 Pending ImagePullBackOff',
      // 505 + 10 000 + 400
      '10905 Pending ErrImagePull',
    ]);
    // The next sync comes 10 to 15 s later; the pull 20 s later.
    const told = Number.parseFloat(lines[4]!);
    expect(lines[4]).toMatch(/ImagePullBackOff$/);
    expect(told).toBeGreaterThanOrEqual(20_905);
    expect(told).toBeLessThan(25_905);
    expect(lines[5]).toBe('31305 Pending ErrImagePull');
    expect(
      k.events
        .filter(({ reason }) => reason !== 'Pulling')
        .slice(0, 4)
        .map(({ message }) => message),
    ).toEqual([
      'Failed to pull image "a:v1": rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/a:v1": failed to resolve reference "docker.io/library/a:v1": docker.io/library/a:v1: not found',
      'Error: ErrImagePull',
      'Back-off pulling image "a:v1"',
      'Error: ImagePullBackOff',
    ]);
  });

  it('pulls beyond the limit of the registry are refused, not queued', () => {
    const k = kubelets({ kubelet: { registryQps: 1, registryBurst: 1, serializeImagePulls: false } });
    k.pod(0, 'p', { containers: [container('a')] });
    k.pod(0, 'q', { containers: [container('b')] });
    k.run();
    expect(k.events.find(({ pod, reason }) => pod === 'q' && reason === 'Failed')!.message).toBe(
      'Failed to pull image "b:v1": pull QPS exceeded',
    );
    // 105, refused; 10 s later 400 + 1000, 50 and 10.
    expect(k.history.get('q')!.at(-1)).toBe('11565 Running Ready');
  });

  it('at most so many pulls run at a time', () => {
    const k = kubelets({ kubelet: { serializeImagePulls: false, maxParallelImagePulls: 2 } });
    for (const name of ['a', 'b', 'c']) k.pod(0, name, { containers: [container(name)] });
    k.run();
    // Two pull from 105 to 1505, the third from then to 2905; + 60.
    expect(['a', 'b', 'c'].map((name) => k.history.get(name)!.at(-1))).toEqual([
      '1565 Running Ready',
      '1565 Running Ready',
      '2965 Running Ready',
    ]);
  });
});
