// When the kubelet sees that containers have ended: at its next relist, each second on the node's phase, or at once.
import { describe, expect, it } from 'vitest';
import { container, type KubeletOptions, kubelets } from './harness.ts';

const RELIST = { plegRelistPeriodUs: 1_000_000 };
const never = { containers: [container('a')], restartPolicy: 'Never' };

/** ms at which the pod's history says that. */
const when = (k: ReturnType<typeof kubelets>, pod: string, text: string): number =>
  Number.parseFloat(k.history.get(pod)!.find((line) => line.includes(text))!);

function play(kubelet: KubeletOptions['kubelet']) {
  const k = kubelets({ images: ['a:v1', 'b:v1'], kubelet: { ...kubelet }, nodes: 2 });
  for (const [i, runMs] of [1000, 1700, 2300].entries())
    k.pod(0, `p${i}`, never, { 'run-ms': String(runMs) }, i === 2 ? 1 : 0);
  k.run();
  return k;
}

describe('containers that end by themselves', () => {
  it.each([
    ['without relists', {}],
    ['with evented PLEG', { ...RELIST, eventedPLEG: true }],
  ])('%s are seen at once: 165 and their time', (_name, kubelet) => {
    const k = play(kubelet);
    expect([0, 1, 2].map((i) => when(k, `p${i}`, 'Succeeded'))).toEqual([1165, 1865, 2465]);
  });

  it('are seen at the next relist of their node, and their end is what it was', () => {
    const k = play(RELIST);
    const seen = [0, 1, 2].map((i) => when(k, `p${i}`, 'Succeeded'));
    for (const [i, exitMs] of [1165, 1865, 2465].entries()) {
      expect(seen[i]! - exitMs).toBeGreaterThanOrEqual(0);
      expect(seen[i]! - exitMs).toBeLessThan(1000);
      expect(k.state.pods.finishedUs[k.row(`p${i}`)]).toBe(exitMs * 1000);
    }
    // One phase for a node, another one for the next.
    expect((seen[1]! - seen[0]!) % 1000).toBeCloseTo(0, 6);
    expect((seen[2]! - seen[0]!) % 1000).not.toBeCloseTo(0, 3);
  });

  it('count their back-off from their end: 10 s after the second, whenever that was seen', () => {
    const k = kubelets({ images: ['a:v1'], kubelet: RELIST });
    k.pod(0, 'p', { containers: [container('a')] }, { 'run-ms': '500', 'exit-codes': '1' });
    k.run(30_000);
    const started = k
      .reasons('p')
      .filter((text) => text.endsWith('Started'))
      .map((text) => Number.parseFloat(text));
    // First ended at 165 + 500, restarted when that was seen; it is Running 10 ms after it has started, and ends 500 ms on.
    expect(started[1]! - 715).toBeLessThan(1000);
    // Back-off of 10 s from that end, then 50 ms for a container.
    expect(started[2]! - (started[1]! + 10 + 500)).toBeCloseTo(10_050, 3);
  });

  it('are seen one by one where they behave', () => {
    const k = kubelets({ images: ['a:v1', 'b:v1'], kubelet: RELIST });
    const spec = { containers: [container('a'), container('b')] };
    k.pod(0, 'p', spec, {}, 0, { 'container.kubetick.io/a': 'exit-after=2s exit-code=1 runs=1' });
    k.run(20_000);
    const back = Number.parseFloat(k.reasons('p').filter((text) => text.endsWith('Started'))[2]!);
    // Two containers: Running at 215; the end at 2215, seen within a second, then 50 ms.
    expect(back).toBeGreaterThanOrEqual(2265);
    expect(back).toBeLessThan(3265);
    const plain = kubelets({ images: ['a:v1', 'b:v1'] });
    plain.pod(0, 'p', spec, {}, 0, { 'container.kubetick.io/a': 'exit-after=2s exit-code=1 runs=1' });
    plain.run(20_000);
    expect(plain.reasons('p').at(-1)).toMatch(/^22[67]5 Started$/);
  });

  it('hold the next init container until then', () => {
    const k = kubelets({ images: ['a:v1', 'b:v1'], kubelet: RELIST });
    k.pod(0, 'p', { initContainers: [container('b')], containers: [container('a')] });
    k.run();
    const [init, app] = k
      .reasons('p')
      .filter((text) => text.endsWith('Started'))
      .map((text) => Number.parseFloat(text));
    // 1000 of the init container, 50 of the next.
    expect(init).toBe(155);
    expect(app! - (155 + 1000 + 50)).toBeGreaterThanOrEqual(0);
    expect(app! - (155 + 1000 + 50)).toBeLessThan(1000);
  });

  it('and are deleted before that was seen keep their exit code', () => {
    const k = kubelets({ images: ['a:v1'], kubelet: { plegRelistPeriodUs: 60_000_000 } });
    k.pod(0, 'p', never, { 'run-ms': '1000', 'exit-codes': '3' });
    k.at(1170, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')!.slice(1)).toEqual([
      '165 Running Ready',
      '1170 Running Ready deleting',
      '1170 Failed deleting',
      '1170 gone',
    ]);
  });
});

it('exact delays are exact', () => {
  const k = kubelets({ images: ['a:v1'], kubelet: RELIST });
  k.pod(0, 'p', never, { 'start-delay-ms': '100', 'run-ms': '1000' });
  k.run();
  expect(k.history.get('p')!.at(-1)).toBe('1105 Succeeded');
});
