// Volumes before the sandbox and after the containers, behind the contract: the kubelet asks, and waits for the answer.
import { describe, expect, it } from 'vitest';
import type { PodVolumes } from '../../../engine/contracts/volumes.ts';
import { container, kubelets, MS } from './harness.ts';

/** Mounting and unmounting take fixed times; what was asked is written down. */
function slowVolumes(mountMs: number, unmountMs: number) {
  const calls: string[] = [];
  const waiting: { ms: number; call: () => void }[] = [];
  let now = (): number => 0;
  let later = (_ms: number, call: () => void): void => void waiting.push({ ms: 0, call });
  const volumes: PodVolumes = {
    prepare(pod, arg, done) {
      calls.push(`${now()} prepare`);
      later(mountMs, () => done(pod, arg));
    },
    adopt: () => void calls.push(`${now()} adopt`),
    release(pod, arg, done) {
      calls.push(`${now()} release${done === null ? ' of a pod that is gone' : ''}`);
      if (done !== null) later(unmountMs, () => done(pod, arg));
    },
  };
  const use = (k: ReturnType<typeof kubelets>): void => {
    now = () => k.kernel.now / MS;
    const pending: (() => void)[] = [];
    const kind = k.kernel.on('test/volumes', (i) => pending[i]!());
    later = (ms, call) => {
      pending.push(call);
      k.kernel.after(ms * MS, kind, pending.length - 1, 0);
    };
  };
  return { volumes, calls, use };
}

const CONTAINER = { containers: [container('a')] };

describe('volumes', () => {
  it('are mounted before the sandbox and unmounted before the last DELETE', () => {
    const slow = slowVolumes(2000, 700);
    const k = kubelets({ volumes: slow.volumes, images: ['a:v1'] });
    slow.use(k);
    k.pod(0, 'p', CONTAINER);
    let sandbox = 0;
    let mounted = 0;
    k.at(5000, () => {
      ({ sandbox, volumes: mounted } = k.stamps('p') as { sandbox: number; volumes: number });
      k.remove('p');
    });
    k.run();
    // sync 5 + volumes 2000 + sandbox 100 = 2105; create 20 + start 30 + status 10 = 2165.
    expect([mounted, sandbox]).toEqual([2005, 2105]);
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '2165 Running Ready',
      '5000 Running Ready deleting',
      // stop 300; the terminal status does not wait for the volumes, the DELETE does: 5300 + 700.
      '5300 Succeeded deleting',
      '6000 gone',
    ]);
    expect(slow.calls).toEqual(['5 prepare', '5300 release', '6000 release of a pod that is gone']);
  });

  it('that never come hold a pod which may be deleted all the same', () => {
    const slow = slowVolumes(1e9, 0);
    const k = kubelets({ volumes: slow.volumes });
    slow.use(k);
    k.pod(0, 'p', CONTAINER);
    k.at(5000, () => k.remove('p'));
    k.run(60_000);
    // No container ever ran: the pod fails at once.
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '5000 Pending deleting',
      '5000 Failed deleting',
      '5000 gone',
    ]);
  });

  it('an answer that comes after the pod was told to stop starts nothing', () => {
    const slow = slowVolumes(2000, 3000);
    const k = kubelets({ volumes: slow.volumes });
    slow.use(k);
    k.pod(0, 'p', CONTAINER);
    k.at(1000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '1000 Pending deleting',
      '1000 Failed deleting',
      '4000 gone',
    ]);
  });

  it('of a pod with exact delays take no time of their own', () => {
    const slow = slowVolumes(2000, 0);
    const k = kubelets({ volumes: slow.volumes });
    slow.use(k);
    k.pod(0, 'p', {}, { 'start-delay-ms': '1000' });
    k.run();
    expect(k.history.get('p')).toEqual(['0 Pending', '1005 Running Ready']);
    expect(slow.calls).toEqual(['5 adopt']);
  });
});
