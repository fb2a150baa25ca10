// How containers end and come back: run to completion, restart policies, CrashLoopBackOff.
import { describe, expect, it } from 'vitest';
import { kubelets } from './harness.ts';

/** Running at 1000 ms: 5 of sync and 995 asked for. */
const START = { 'start-delay-ms': '995' };
const pod = (restartPolicy: string, annotations: object) => {
  const k = kubelets();
  k.pod(0, 'p', { restartPolicy }, { ...START, ...annotations });
  return k;
};

describe('run to completion', () => {
  it.each([
    { policy: 'Never', code: '0', end: 'Succeeded' },
    { policy: 'Never', code: '1', end: 'Failed' },
    { policy: 'OnFailure', code: '0', end: 'Succeeded' },
  ])('$policy, exit code $code: $end', ({ policy, code, end }) => {
    const k = pod(policy, { 'run-ms': '700', 'exit-codes': code });
    k.run();
    // 1000 + 700
    expect(k.history.get('p')).toEqual(['0 Pending', '1000 Running Ready', `1700 ${end}`]);
    // The node has its room back.
    expect(k.state.nodes.podCount[0]).toBe(0);
  });

  it.each(['forever', '', undefined])('run-ms %s: runs on', (runMs) => {
    const k = pod('Never', runMs === undefined ? {} : { 'run-ms': runMs });
    k.run();
    expect(k.history.get('p')).toEqual(['0 Pending', '1000 Running Ready']);
  });

  it('a run time that the workload gave stands above the annotation', () => {
    const k = kubelets();
    const template = k.server.podTemplate('default', {
      metadata: { annotations: { 'kubetick.io/run-ms': '9000', 'kubetick.io/start-delay-ms': '995' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'a:v1' }] },
    });
    k.at(0, () => {
      const name = k.state.texts.id('job');
      const namespace = k.state.texts.id('default');
      const made = { template, namespace, owner: -1, nameBase: name, generate: false, runUs: 250_000 };
      k.client.createPod(made, ({ id }) => k.client.bindPod(id, 0, 0, null));
    });
    k.run();
    expect(k.history.get('job')).toEqual(['0 Pending', '1000 Running Ready', '1250 Succeeded']);
  });
});

describe('CrashLoopBackOff', () => {
  // Each run takes 100 ms. Waits after the exits: 0, 10, 20, 40, 80, 160, 300, 300 s.
  const waits = [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000];

  it.each(['Always', 'OnFailure'])('with restartPolicy %s doubles from 10 s to 5 min', (policy) => {
    const k = pod(policy, { 'run-ms': '100', 'exit-codes': '1' });
    const lines = ['0 Pending', '1000 Running Ready'];
    let ms = 1000;
    waits.forEach((wait, i) => {
      const exit = ms + 100;
      ms = exit + wait;
      if (wait > 0) lines.push(`${exit} Running${i > 0 ? ` restarts=${i}` : ''} CrashLoopBackOff`);
      lines.push(`${ms} Running Ready restarts=${i + 1}`);
    });
    k.run(ms + 50);
    expect(k.history.get('p')).toEqual(lines);
    expect(k.events.filter((e) => e.reason === 'BackOff')).toHaveLength(waits.length - 1);
    expect(k.events[0]!.message).toMatch(
      /^Back-off restarting failed container c in pod p_default\([0-9a-f]{8}-[0-9a-f-]{27}\)$/,
    );
  });

  it('counts also exits with code 0 where restartPolicy is Always', () => {
    const k = pod('Always', { 'run-ms': '100' });
    k.run(1250);
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '1000 Running Ready',
      '1100 Running Ready restarts=1',
      '1200 Running restarts=1 CrashLoopBackOff',
    ]);
  });

  it('forgets after a run of more than 10 min', () => {
    // Exits at 1100 (at once), 1200 (10 s → 11 200), 11 300 (20 s → 31 300); then 601 s → 632 300 (at once), and from
    // 10 s again: 632 400 → 642 400.
    const k = pod('Always', { 'run-ms': '100,100,100,601000,100' });
    k.run(642_450);
    expect(k.history.get('p')!.slice(-4)).toEqual([
      '31300 Running Ready restarts=3',
      '632300 Running Ready restarts=4',
      '632400 Running restarts=4 CrashLoopBackOff',
      '642400 Running Ready restarts=5',
    ]);
  });

  it('takes the k-th run time and exit code for the k-th run, the last for all later ones', () => {
    const k = pod('OnFailure', { 'run-ms': '100,200,300', 'exit-codes': '3,7,0' });
    k.run();
    // 1000 + 100; at once; + 200; 10 s; + 300, exit code 0.
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '1000 Running Ready',
      '1100 Running Ready restarts=1',
      '1300 Running restarts=1 CrashLoopBackOff',
      '11300 Running Ready restarts=2',
      '11600 Succeeded restarts=2',
    ]);
  });

  it('a restarted container is made anew from the image on the node, and is not ready meanwhile', () => {
    const k = kubelets({ images: ['c:v1'] });
    const c = { name: 'c', image: 'c:v1', readinessProbe: {} };
    k.pod(0, 'p', { containers: [c] }, { 'run-ms': '1000,forever' });
    k.run();
    // Running at 165, Ready at 173. Exit at 1165, not ready; create, start and PLEG take 60; the probe 8.
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '165 Running',
      '173 Running Ready',
      '1165 Running',
      '1225 Running restarts=1',
      '1233 Running Ready restarts=1',
    ]);
    expect(k.reasons('p').slice(3)).toEqual(['1165 Pulled', '1215 Created', '1215 Started']);
    // Stamps are those of the first start.
    expect(k.stamps('p')).toEqual({ sandbox: 105, pulled: 105, started: 155, ready: 173 });
  });
});
