// How a pod starts: each step's cost, the order of containers, and who waits for whom. The costs are in harness.ts.
import { describe, expect, it } from 'vitest';
import { container, kubelets } from './harness.ts';

const here = (name: string, more: object = {}) => container(name, { imagePullPolicy: 'Never', ...more });

describe('the way to Running', () => {
  it('takes sync, sandbox, pull, create, start and the next look at the runtime', () => {
    const k = kubelets();
    k.pod(0, 'web', { containers: [container('app')] });
    k.run();
    // 5 sync + 100 sandbox = 105; + 400 + 1000 pull = 1505; + 20 create + 30 start = 1555; + 10 PLEG = 1565.
    expect(k.stamps('web')).toEqual({ sandbox: 105, pulled: 1505, started: 1555, ready: 1565 });
    expect(k.history.get('web')).toEqual(['0 Pending', '1565 Running Ready']);
    expect(k.reasons('web')).toEqual(['105 Pulling', '1505 Pulled', '1555 Created', '1555 Started']);
  });

  it('tells that the pod is being made when the sync ends', () => {
    const k = kubelets();
    const acknowledged: number[] = [];
    k.server.watch('pods', (log, from, to) => {
      for (let p = from; p < to; p++) if (log.word(p) & 0x400) acknowledged.push(k.kernel.now / 1000);
    });
    k.pod(0, 'web', { containers: [container('app')] });
    k.run();
    expect(acknowledged).toEqual([5, 1565]);
  });

  it('skips the pull where the image is there', () => {
    const k = kubelets({ images: ['app:v1'] });
    k.pod(0, 'web', { containers: [container('app')] });
    k.run();
    // 5 + 100 + 0 + 20 + 30 + 10
    expect(k.stamps('web')).toEqual({ sandbox: 105, pulled: 105, started: 155, ready: 165 });
    expect(k.reasons('web')).toEqual(['105 Pulled', '155 Created', '155 Started']);
  });

  it('starts containers one after another: the second pulls when the first has started', () => {
    const k = kubelets();
    k.pod(0, 'web', { containers: [container('a'), container('b')] });
    k.run();
    // 105; a: 1400 + 50 = 1555; b: 1400 + 50 = 3005; + 10
    expect(k.reasons('web')).toEqual([
      '105 Pulling',
      '1505 Pulled',
      '1555 Created',
      '1555 Started',
      '1555 Pulling',
      '2955 Pulled',
      '3005 Created',
      '3005 Started',
    ]);
    expect(k.stamps('web')).toEqual({ sandbox: 105, pulled: 2955, started: 3005, ready: 3015 });
  });

  it('runs init containers one by one before the others, each to its end', () => {
    const k = kubelets({ images: ['i1:v1', 'i2:v1', 'a:v1'] });
    k.pod(0, 'web', { initContainers: [here('i1'), here('i2')], containers: [here('a')] });
    k.run();
    // 105; i1 starts at 155, ends at 1155; i2 starts at 1205, ends at 2205; a starts at 2255; + 10
    expect(k.stamps('web')).toEqual({ sandbox: 105, pulled: 2205, started: 2255, ready: 2265 });
  });

  it('goes on while a sidecar runs', () => {
    const k = kubelets({ images: ['i1:v1', 'side:v1', 'a:v1'] });
    const side = here('side', { restartPolicy: 'Always' });
    k.pod(0, 'web', { initContainers: [side, here('i1')], containers: [here('a')] });
    k.run();
    // 105; side starts at 155 and is not waited for; i1 starts at 205, ends at 1205; a starts at 1255
    expect(k.stamps('web')['started']).toBe(1255);
  });

  it('waits for the startup probe of a sidecar, which ticks from the moment the pod was seen', () => {
    const k = kubelets({ images: ['side:v1', 'a:v1'] });
    const side = here('side', { restartPolicy: 'Always', startupProbe: { periodSeconds: 2 } });
    k.pod(0, 'web', { initContainers: [side], containers: [here('a')] });
    k.run();
    // The sidecar starts at 155. The probe's worker ticks at 2000: + 8 = 2008; a starts at 2058.
    expect(k.stamps('web')['started']).toBe(2058);
  });

  it('measures kubelet.start from the moment the kubelet sees the pod', () => {
    const k = kubelets({ images: ['app:v1'] });
    k.pod(700, 'web', { containers: [container('app')] });
    k.run();
    expect(k.stamps('web')['started']).toBe(855);
    const { latency } = k.recorder.finish({
      livePods: k.state.pods.livePods(),
      virtualUs: k.kernel.now,
      eventsRun: 0,
      endReason: 'idle',
      ingredients: {},
      fingerprint: '',
      unschedulable: 0,
      expect: [],
    }).summary;
    // 5 + 100 + 50 ms
    expect(latency['kubelet.start']).toMatchObject({ count: 1, min: 0.155, max: 0.155 });
    expect(latency['pod.runToReady']).toMatchObject({ count: 1, min: 0.01 });
  });
});

describe('readiness', () => {
  const READY_AT_START = 165;
  // The kubelet sees the pod at 0, the container starts at 155, its status is written at 165. A startup probe ticks at
  // 0, period, 2 × period, …; a readiness probe at 165, 165 + period, …; each probe takes 8 ms.
  it.each<{ name: string; probes: object; readyMs: number; runningMs?: number }>([
    { name: 'no probe: with Running', probes: {}, readyMs: READY_AT_START },
    { name: 'a readiness probe: its first run', probes: { readinessProbe: {} }, readyMs: 165 + 8 },
    {
      name: 'three successes in a row, 2 s apart: 165 + 2 × 2000 + 8',
      probes: { readinessProbe: { successThreshold: 3, periodSeconds: 2 } },
      readyMs: 4173,
    },
    {
      name: 'an initial delay of 5 s with ticks every 10 s: the tick at 10 165',
      probes: { readinessProbe: { initialDelaySeconds: 5 } },
      readyMs: 10_173,
    },
    {
      name: 'an initial delay of 5 s with ticks every 2 s: the tick at 165 + 6000',
      probes: { readinessProbe: { initialDelaySeconds: 5, periodSeconds: 2 } },
      readyMs: 6173,
    },
    {
      name: 'a startup probe every 3 s: the tick at 3000',
      probes: { startupProbe: { periodSeconds: 3 } },
      readyMs: 3008,
    },
    {
      name: 'a startup probe with a delay of 3 s: 165 + 3000 have passed at the tick at 4000 of 2 s each',
      probes: { startupProbe: { periodSeconds: 2, initialDelaySeconds: 3 } },
      readyMs: 4008,
    },
    {
      name: 'startup, then readiness at once: 3008 + 8',
      probes: { startupProbe: { periodSeconds: 3 }, readinessProbe: {} },
      readyMs: 3016,
    },
    {
      name: 'a readiness delay that is over when the container has started adds nothing',
      probes: { startupProbe: { periodSeconds: 3 }, readinessProbe: { initialDelaySeconds: 2 } },
      readyMs: 3016,
    },
    {
      // 3008 - 165 = 2843 of 4000 are over: the next tick of 1 s at which none is left is the second: 5008.
      name: 'a readiness delay that is not',
      probes: {
        startupProbe: { periodSeconds: 3 },
        readinessProbe: { initialDelaySeconds: 4, periodSeconds: 1 },
      },
      readyMs: 5016,
    },
    {
      name: 'a liveness probe does not matter',
      probes: { livenessProbe: { initialDelaySeconds: 60 } },
      readyMs: 165,
    },
  ])('$name', ({ probes, readyMs }) => {
    const k = kubelets({ images: ['app:v1'] });
    k.pod(0, 'web', { containers: [container('app', probes)] });
    k.run();
    expect(k.stamps('web')['ready']).toBe(readyMs);
    expect(k.history.get('web')).toEqual([
      '0 Pending',
      ...(readyMs === READY_AT_START ? [] : ['165 Running']),
      `${readyMs} Running Ready`,
    ]);
  });

  it('is that of the slowest container', () => {
    const k = kubelets({ images: ['a:v1', 'b:v1'] });
    const b = container('b', { readinessProbe: { initialDelaySeconds: 7, periodSeconds: 1 } });
    k.pod(0, 'web', { containers: [container('a', { readinessProbe: {} }), b] });
    k.run();
    // Both run at 215: 215 + 7000 + 8
    expect(k.stamps('web')['ready']).toBe(7223);
  });

  it('counts the probe of a sidecar', () => {
    const k = kubelets({ images: ['side:v1', 'a:v1'] });
    const side = container('side', {
      restartPolicy: 'Always',
      readinessProbe: { initialDelaySeconds: 2, periodSeconds: 1 },
    });
    k.pod(0, 'web', { initContainers: [side], containers: [container('a')] });
    k.run();
    // Both run at 215: 215 + 2000 + 8
    expect(k.stamps('web')['ready']).toBe(2223);
  });
});

describe('delays asked for by annotations', () => {
  it('start-delay-ms: one status, without sandbox, pull and "being made"', () => {
    const k = kubelets();
    k.pod(0, 'web', {}, { 'start-delay-ms': '1000' });
    k.run();
    // 5 sync + 1000
    expect(k.history.get('web')).toEqual(['0 Pending', '1005 Running Ready']);
    expect(k.stamps('web')).toEqual({ sandbox: Number.NaN, pulled: Number.NaN, started: 1005, ready: 1005 });
    expect(k.events).toEqual([]);
  });

  it.each([
    { delay: '400', lines: ['0 Pending', '1005 Running', '1405 Running Ready'] },
    { delay: '0', lines: ['0 Pending', '1005 Running Ready'] },
    { delay: 'never', lines: ['0 Pending', '1005 Running'] },
  ])('ready-delay-ms $delay stands above probes', ({ delay, lines }) => {
    const k = kubelets();
    const probed = container('app', { readinessProbe: { initialDelaySeconds: 60 } });
    k.pod(0, 'web', { containers: [probed] }, { 'start-delay-ms': '1000', 'ready-delay-ms': delay });
    k.run();
    expect(k.history.get('web')).toEqual(lines);
  });

  it('a delay that is no number is none', () => {
    const k = kubelets({ images: ['app:v1'] });
    k.pod(0, 'web', { containers: [container('app')] }, { 'start-delay-ms': 'soon', 'ready-delay-ms': '-1' });
    k.run();
    expect(k.stamps('web')['ready']).toBe(165);
  });
});
